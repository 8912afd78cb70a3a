//! Annotations as events: who deployed or changed what, and which alerts fired.
//!
//! Facts from the vendor's page "Annotations HTTP API" (`GET /api/annotations`): `time` and `timeEnd` in milliseconds,
//! `tags` a list of texts, `alertId`, `newState` and `prevState` set on those that alert rules write.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use opensre_model::evidence::{Event, EventKind};
use regex::Regex;
use serde_json::Value as Json;

/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// Longest text, in characters.
const LONGEST_TEXT: usize = 1_000;

/// The answer is no list of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not Grafana's: the list of annotations is no array")]
pub struct NotAnnotations;

/// Annotations, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// As events, oldest first.
    pub events: Vec<Event>,
    /// How many entries there were, read or not.
    pub entries: usize,
}

/// Reads the answer of `GET /api/annotations`. Entries without a time are left out.
pub fn parse(answer: &Json) -> Result<Annotations, NotAnnotations> {
    let entries = answer.as_array().ok_or(NotAnnotations)?;
    let mut events: Vec<Event> = entries.iter().filter_map(event).collect();
    events.sort_by(|a, b| (a.time, a.kind, &a.title).cmp(&(b.time, b.kind, &b.title)));
    Ok(Annotations { events, entries: entries.len() })
}

fn event(entry: &Json) -> Option<Event> {
    let time = milliseconds(entry.get("time")?)?;
    let text = |key: &str| entry.get(key).and_then(Json::as_str).map(str::trim).unwrap_or_default();
    let tags: Vec<&str> =
        entry.get("tags").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let plain = without_markup(text("text"));
    let (first, rest) = plain.split_once('\n').unwrap_or((&plain, ""));
    let alert = entry.get("alertId").and_then(Json::as_i64).is_some_and(|id| id > 0) || !text("newState").is_empty();
    let title = match (text("alertName"), first.trim()) {
        ("", "") if tags.is_empty() => "annotation without text".to_owned(),
        ("", "") => tags.join(", "),
        ("", first) => first.to_owned(),
        (name, _) => name.to_owned(),
    };
    let mut details = rest.trim().to_owned();
    let mut add = |line: String| {
        if !details.is_empty() {
            details.push('\n');
        }
        details.push_str(&line);
    };
    if alert {
        add(format!("{} -> {}", text("prevState"), text("newState")));
    }
    if let Some(end) = entry.get("timeEnd").and_then(milliseconds).filter(|end| *end > time) {
        add(format!("until {end}"));
    }
    let kind = if alert { EventKind::Alert } else { kind(&tags, &plain) };
    Some(Event {
        time,
        kind,
        title: bounded(&title, LONGEST_TITLE),
        text: bounded(&details, LONGEST_TEXT),
        labels: labels(&tags),
    })
}

/// Tags as labels: `service:checkout` and `service=checkout` are split, others have an empty value.
fn labels(tags: &[&str]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| {
            let (name, value) = tag.split_once([':', '=']).unwrap_or((tag, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// What kind of event an annotation that no alert rule wrote is: its tags decide, then its text.
pub(crate) fn kind(tags: &[&str], text: &str) -> EventKind {
    static DEPLOY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(deploy(s|ed|ing|ment|ments)?|redeploy(ed)?|releas(e|ed|ing)|roll(ed|ing)?[ -]?(out|back)|rollback|canary|promoted|shipped|argo-?cd|helm|ci/?cd)\b",
        )
    });
    static SILENCE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(silence[ds]?|maintenance|mute[ds]?|downtime)\b"));
    static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(config(uration)?|changed?|changes|feature[ _-]?flags?|flags?|toggle[ds]?|scal(e|ed|ing)|resiz(e|ed|ing)|migrat(e|ed|ion|ions)|upgrad(e|ed|ing)|rotat(e|ed|ion)|restart(ed)?|failover|terraform)\b",
        )
    });
    // An underscore is part of a word for a regular expression, but not in a tag (`prod_deploy`).
    let tags = tags.join(" ").replace('_', " ");
    for words in [tags.as_str(), text] {
        for (pattern, kind) in
            [(&DEPLOY, EventKind::Deploy), (&SILENCE, EventKind::Silence), (&CHANGE, EventKind::Change)]
        {
            if pattern.is_match(words) {
                return kind;
            }
        }
    }
    EventKind::Other
}

/// Text without HTML, which annotations may hold: tags become spaces, line breaks stay.
fn without_markup(text: &str) -> String {
    static BREAK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)<br\s*/?>|</p>|</li>"));
    static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"</?[a-zA-Z][^<>]*>"));
    let text = BREAK.replace_all(text, "\n");
    let text = TAG.replace_all(&text, " ");
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

fn bounded(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn milliseconds(value: &Json) -> Option<Timestamp> {
    Timestamp::from_millisecond(value.as_i64()?).ok().filter(|time| time.as_millisecond() > 0)
}

fn pattern(written: &str) -> Regex {
    Regex::new(written).expect("a constant pattern, compiled by the tests of this module")
}
