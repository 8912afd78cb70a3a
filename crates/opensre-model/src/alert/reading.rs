//! The alert in the making: what every format writes into, and where hints, URLs, identifiers and references are found.
//!
//! Formats hand over labels, annotations and URLs with their paths, in the order of precedence of hints; what these
//! mean for choosing instances is decided here, once for all formats.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::lenient::{self, Object, kind, scalar};
use super::links;
use super::subject::{STANDARD_LABELS, standard_name};
use super::time;
use super::{Alert, AlertFormat, AlertItem, AlertState, Hint, Identifier, Labels, Located, References};

/// The longest free text that is kept, in characters.
const LONGEST_TEXT: usize = 64 * 1024;
/// The most oddities that are listed one by one.
const MOST_ODDITIES: usize = 50;
/// What a key ends with that names an instance: `<service>_instance`.
const HINT_SUFFIX: &str = "_instance";

/// An alert in the making.
pub(super) struct Reading {
    pub(super) alert: Alert,
    texts: Vec<String>,
    unlisted: usize,
    /// Names, values and paths of what may become labels of the group.
    seen: Vec<(String, String, String)>,
}

impl Reading {
    pub(super) fn new(format: AlertFormat) -> Self {
        Self {
            alert: Alert {
                format,
                title: String::new(),
                state: AlertState::Unknown,
                severity: None,
                starts_at: None,
                ends_at: None,
                labels: Labels::new(),
                label_paths: Labels::new(),
                annotations: Labels::new(),
                items: Vec::new(),
                hints: Vec::new(),
                urls: Vec::new(),
                identifiers: Vec::new(),
                references: References::default(),
                text: String::new(),
                oddities: Vec::new(),
            },
            texts: Vec::new(),
            unlisted: 0,
            seen: Vec::new(),
        }
    }

    /// Notes something odd at a path.
    pub(super) fn odd(&mut self, path: &str, what: &str) {
        if self.alert.oddities.len() == MOST_ODDITIES {
            self.unlisted += 1;
            return;
        }
        let path = lenient::shortened(path, 120);
        self.alert.oddities.push(if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") });
    }

    /// The text of a key; a list or object there is noted.
    pub(super) fn text(&mut self, object: &Object<'_>, key: &str) -> Option<String> {
        let value = object.get(key)?;
        if matches!(value, Json::Array(_) | Json::Object(_)) {
            self.odd(&object.at(key), &format!("{} where a text was expected", kind(value)));
        }
        scalar(value)
    }

    /// The first of several keys that holds a text.
    pub(super) fn first(&mut self, object: &Object<'_>, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(object, key))
    }

    /// The time at a key; what is no time is noted.
    pub(super) fn time(&mut self, object: &Object<'_>, key: &str) -> Option<Timestamp> {
        match time::read(object.get(key)?) {
            time::Reading::At(time) => Some(time),
            time::Reading::Unset => None,
            time::Reading::Unreadable => {
                self.odd(&object.at(key), "not a time");
                None
            }
        }
    }

    /// As [`Self::time`], where the format writes times as text: a number is read and noted.
    pub(super) fn time_text(&mut self, object: &Object<'_>, key: &str) -> Option<Timestamp> {
        let found = self.time(object, key)?;
        if object.get(key).is_some_and(Json::is_number) {
            self.odd(&object.at(key), &format!("a number where a time was expected; read as {found}"));
        }
        Some(found)
    }

    /// The labels, annotations or tags at a key, with all that they mean for choosing instances.
    pub(super) fn labels(&mut self, object: &Object<'_>, key: &str) -> Labels {
        let Some(value) = object.get(key) else { return Labels::new() };
        let path = object.at(key);
        let (labels, odd) = lenient::labels(value);
        for (at, what) in odd {
            self.odd(&format!("{path}{at}"), &what);
        }
        self.absorb(&path, &labels);
        labels
    }

    /// Reads the annotations and labels that whoever forwards a vendor's payload may have added at its top level.
    pub(super) fn forwarded(&mut self, payload: &Object<'_>) {
        for key in ["annotations", "commonAnnotations"] {
            let found = self.labels(payload, key);
            add_missing(&mut self.alert.annotations, found);
        }
        for key in ["labels", "commonLabels", "groupLabels"] {
            let found = self.labels(payload, key);
            add_missing(&mut self.alert.labels, found);
        }
    }

    /// Takes note of the hints, identifiers, URLs and references among labels or annotations.
    pub(super) fn absorb(&mut self, path: &str, labels: &Labels) {
        for (key, value) in labels {
            let at = format!("{path}.{key}");
            self.hint(key, value, &at);
            links::from_label(key, value, &at, self);
            if !path.contains("alerts[") && !path.to_lowercase().ends_with("annotations") {
                self.seen.push((key.clone(), value.clone(), at));
            }
        }
    }

    /// Takes note of the hints among the keys of an object. Only scalars and lists of scalars can be hints.
    pub(super) fn hints(&mut self, object: &Object<'_>) {
        for (key, value) in object.entries().filter(|(key, _)| key.to_lowercase().ends_with(HINT_SUFFIX)) {
            match value {
                Json::Null => {}
                Json::Array(items) => {
                    let names: Vec<String> = items.iter().filter_map(scalar).collect();
                    self.hint(key, &names.join(","), &object.at(key));
                }
                Json::Object(_) => self.odd(&object.at(key), "an object where an instance's name was expected"),
                _ => self.hint(key, &scalar(value).unwrap_or_default(), &object.at(key)),
            }
        }
    }

    fn hint(&mut self, key: &str, wanted: &str, path: &str) {
        let key = key.trim().to_lowercase();
        let Some(service) = key.strip_suffix(HINT_SUFFIX).map(str::trim).filter(|service| !service.is_empty()) else {
            return;
        };
        let wanted = wanted.trim();
        if wanted.is_empty() {
            return;
        }
        let value = Hint { service: service.to_owned(), wanted: wanted.to_owned() };
        push(&mut self.alert.hints, path, value);
    }

    /// Takes note of the URL at a key, where there is one.
    pub(super) fn url(&mut self, object: &Object<'_>, key: &str) {
        let Some(text) = self.text(object, key) else { return };
        if !links::from_url(&text, &object.at(key), self) {
            self.odd(&object.at(key), "not an absolute URL");
        }
    }

    pub(super) fn found_url(&mut self, path: &str, url: String) {
        push(&mut self.alert.urls, path, url);
    }

    pub(super) fn found_identifier(&mut self, path: &str, identifier: Identifier) {
        push(&mut self.alert.identifiers, path, identifier);
    }

    /// Adds free text; a repetition is left out.
    pub(super) fn prose(&mut self, text: impl Into<String>) {
        let text = text.into();
        let text = text.trim();
        if !text.is_empty() && !self.texts.iter().any(|known| known == text) {
            self.texts.push(text.to_owned());
        }
    }

    /// Adds the free text at the first of several keys that holds one.
    pub(super) fn prose_at(&mut self, object: &Object<'_>, keys: &[&str]) {
        if let Some(text) = self.first(object, keys) {
            self.prose(text);
        }
    }

    /// Sets the state from a word; one that is not known is noted.
    pub(super) fn state(&mut self, word: Option<String>, path: &str) {
        let Some(word) = word else { return };
        if let Some(state) = state(&word) {
            self.alert.state = state;
        } else {
            let word = lenient::shortened(&word, 40);
            self.odd(path, &format!("the state «{word}» is not known"));
        }
    }

    /// The alert, completed: what the payload did not say for the group is taken from its single alerts.
    pub(super) fn finish(mut self) -> Alert {
        if self.unlisted > 0 {
            self.alert.oddities.push(format!("and {} more of the kind", self.unlisted));
        }
        let mut text = self.texts.join("\n\n");
        if let Some((cut, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(cut);
            self.alert.oddities.push(format!("the text is longer than {LONGEST_TEXT} characters and was cut"));
        }
        let alert = &mut self.alert;
        alert.text = text;
        if alert.items.is_empty() {
            let state = Some(alert.state).filter(|state| *state != AlertState::Unknown);
            alert.items.push(AlertItem {
                path: String::new(),
                labels: alert.labels.clone(),
                annotations: alert.annotations.clone(),
                state,
                starts_at: alert.starts_at,
                ends_at: alert.ends_at,
                fingerprint: None,
            });
        }
        if alert.labels.is_empty() {
            alert.labels = common(alert.items.iter().map(|item| &item.labels));
            let first = alert.items.first().map(|item| item.path.as_str()).unwrap_or_default();
            let path = |key: &String| (key.clone(), format!("{first}.labels.{key}"));
            alert.label_paths = alert.labels.keys().map(path).collect();
        } else {
            alert.label_paths = paths(&alert.labels, &self.seen);
        }
        if alert.annotations.is_empty() {
            alert.annotations = common(alert.items.iter().map(|item| &item.annotations));
        }
        complete_state(alert);
        complete_times(alert);
        complete_title(alert);
        if alert.severity.is_none() {
            let severity = |labels: &Labels| labels.get("severity").or_else(|| labels.get("priority")).cloned();
            alert.severity =
                severity(&alert.labels).or_else(|| alert.items.iter().find_map(|item| severity(&item.labels)));
        }
        self.alert
    }
}

/// Adds what is not there yet.
fn add_missing(into: &mut Labels, more: Labels) {
    for (key, value) in more {
        into.entry(key).or_insert(value);
    }
}

fn push<T: PartialEq>(list: &mut Vec<Located<T>>, path: &str, value: T) {
    // The same thing at the same path is only ever handed over twice in a row.
    if list.last().is_none_or(|last| last.path != path || last.value != value) {
        list.push(Located { path: path.to_owned(), value });
    }
}

/// Where labels were seen: under their own name, or under the name that their standard name was derived from.
fn paths(labels: &Labels, seen: &[(String, String, String)]) -> Labels {
    let mut by_name: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, value, path) in seen {
        by_name.entry((name, value.trim())).or_insert(path);
    }
    let derived = |label: &str, value: &str| {
        let from = |(name, seen_value, _): &&(String, String, String)| {
            standard_name(name) == Some(label) && seen_value.trim() == value
        };
        // Only a handful of labels are standard ones, so that the scan is worth its simplicity.
        STANDARD_LABELS.contains(&label).then(|| seen.iter().find(from)).flatten().map(|(_, _, path)| path.as_str())
    };
    labels
        .iter()
        .filter_map(|(label, value)| {
            let value = value.trim();
            let path = by_name.get(&(label.as_str(), value)).copied().or_else(|| derived(label, value))?;
            Some((label.clone(), path.to_owned()))
        })
        .collect()
}

/// What all have in common.
fn common<'a>(mut all: impl Iterator<Item = &'a Labels>) -> Labels {
    let mut shared = all.next().cloned().unwrap_or_default();
    for labels in all {
        shared.retain(|key, value| labels.get(key) == Some(value));
    }
    shared
}

fn complete_state(alert: &mut Alert) {
    if alert.state != AlertState::Unknown {
        return;
    }
    let any = |wanted| alert.items.iter().any(|item| item.state == Some(wanted));
    if any(AlertState::Firing) {
        alert.state = AlertState::Firing;
    } else if any(AlertState::Resolved) {
        alert.state = AlertState::Resolved;
    }
}

fn complete_times(alert: &mut Alert) {
    for item in &mut alert.items {
        // What still fires has no end, whatever `endsAt` says: Alertmanager writes when it would give up.
        if item.state.unwrap_or(alert.state) == AlertState::Firing {
            item.ends_at = None;
        }
    }
    if alert.starts_at.is_none() {
        alert.starts_at = alert.items.iter().filter_map(|item| item.starts_at).min();
    }
    match alert.state {
        AlertState::Firing => alert.ends_at = None,
        AlertState::Resolved | AlertState::Unknown if alert.ends_at.is_none() => {
            let ends: Option<Vec<Timestamp>> = alert.items.iter().map(|item| item.ends_at).collect();
            alert.ends_at = ends.and_then(|ends| ends.into_iter().max());
        }
        AlertState::Resolved | AlertState::Unknown => {}
    }
}

fn complete_title(alert: &mut Alert) {
    if alert.title.is_empty() {
        let mut names: Vec<&str> = Vec::new();
        for labels in std::iter::once(&alert.labels).chain(alert.items.iter().map(|item| &item.labels)) {
            if let Some(name) = labels.get("alertname").map(|name| name.trim())
                && !name.is_empty()
                && !names.contains(&name)
                && names.len() < 3
            {
                names.push(name);
            }
        }
        alert.title = names.join(", ");
    }
    if alert.title.is_empty() {
        let summary = alert.summary_text();
        alert.title = if summary.is_empty() { "alert without a title".to_owned() } else { summary };
    }
    alert.title = lenient::shortened(&alert.title, 200);
}

/// The state that a word stands for.
pub(super) fn state(word: &str) -> Option<AlertState> {
    let word = word.trim().to_lowercase();
    let word = word.trim_end_matches('!').replace([' ', '_'], "-");
    match word.as_str() {
        "firing" | "alerting" | "alert" | "alarm" | "in-alarm" | "triggered" | "trigger" | "re-triggered"
        | "retriggered" | "renotify" | "warn" | "re-warn" | "warning" | "critical" | "error" | "open" | "opened"
        | "reopened" | "active" | "no-data" | "nodata" | "re-no-data" | "acknowledged" | "acknowledge"
        | "unresolved" | "escalated" | "problem" | "down" => Some(AlertState::Firing),
        "resolved" | "resolve" | "ok" | "normal" | "recovered" | "recovery" | "closed" | "close" | "inactive"
        | "healthy" | "success" | "up" => Some(AlertState::Resolved),
        _ => None,
    }
}
