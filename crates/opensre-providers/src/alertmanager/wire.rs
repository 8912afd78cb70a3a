//! Wire formats: from the API's JSON to alerts and silences. Pure.
//!
//! Source: Alertmanager's OpenAPI specification, version 2 (`api/v2/openapi.yaml`).

use jiff::Timestamp;
use opensre_model::alert::Labels;
use regex::RegexBuilder;
use serde_json::Value as Json;

use crate::failure::Failure;

/// An alert that Alertmanager has.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// When it began.
    pub starts_at: Timestamp,
    /// `active`, `unprocessed`, `silenced` or `inhibited`.
    pub state: String,
}

/// A silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// `active`, `pending` or `expired`.
    pub state: String,
    /// Who set it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// One matcher of a silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    is_equal: bool,
}

/// Reads `/api/v2/alerts`; also how many entries could not be read.
pub fn alerts(answer: &Json) -> Result<(Vec<ActiveAlert>, usize), Failure> {
    read(answer, |one| {
        let status = one.get("status");
        let listed =
            |key: &str| status.and_then(|status| status.get(key)?.as_array()).is_some_and(|list| !list.is_empty());
        let state = match status.and_then(|status| status.get("state")?.as_str()) {
            Some("suppressed") if listed("silencedBy") => "silenced",
            Some("suppressed") => "inhibited",
            Some("unprocessed") => "unprocessed",
            _ => "active",
        };
        Some(ActiveAlert {
            labels: labels(one.get("labels")),
            annotations: labels(one.get("annotations")),
            starts_at: time(one, "startsAt")?,
            state: state.to_owned(),
        })
    })
}

/// Reads `/api/v2/silences`; also how many entries could not be read.
pub fn silences(answer: &Json) -> Result<(Vec<Silence>, usize), Failure> {
    read(answer, |one| {
        let matchers = one.get("matchers")?.as_array()?.iter().map(matcher).collect::<Option<Vec<_>>>()?;
        Some(Silence {
            matchers,
            starts_at: time(one, "startsAt")?,
            ends_at: time(one, "endsAt")?,
            state: one.pointer("/status/state").and_then(Json::as_str).unwrap_or("unknown").to_owned(),
            created_by: text(one, "createdBy"),
            comment: text(one, "comment"),
        })
    })
}

fn read<T>(answer: &Json, one: impl Fn(&Json) -> Option<T>) -> Result<(Vec<T>, usize), Failure> {
    let list = answer.as_array().ok_or_else(|| Failure::nonsense("answered with something that is no list"))?;
    let read: Vec<T> = list.iter().filter_map(one).collect();
    let odd = list.len() - read.len();
    Ok((read, odd))
}

fn matcher(json: &Json) -> Option<Matcher> {
    Some(Matcher {
        name: json.get("name")?.as_str()?.to_owned(),
        value: json.get("value")?.as_str()?.to_owned(),
        is_regex: json.get("isRegex").and_then(Json::as_bool).unwrap_or(false),
        // Absent before version 0.22, which knew no negative matchers.
        is_equal: json.get("isEqual").and_then(Json::as_bool).unwrap_or(true),
    })
}

impl Silence {
    /// Whether it covers an alert with these labels. A silence without matchers, or with an expression that cannot be
    /// read, covers nothing.
    pub fn covers(&self, labels: &Labels) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// Its matchers as Alertmanager writes them: `service="checkout", env!="prod"`.
    pub fn matchers_text(&self) -> String {
        let texts: Vec<String> = self
            .matchers
            .iter()
            .map(|matcher| {
                let compare = match (matcher.is_equal, matcher.is_regex) {
                    (true, false) => "=",
                    (false, false) => "!=",
                    (true, true) => "=~",
                    (false, true) => "!~",
                };
                format!("{}{compare}{:?}", matcher.name, matcher.value)
            })
            .collect();
        texts.join(", ")
    }
}

impl Matcher {
    /// A label that is not there is empty.
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let matched = if self.is_regex {
            let anchored = format!("^(?:{})$", self.value);
            match RegexBuilder::new(&anchored).size_limit(1 << 20).build() {
                Ok(regex) => regex.is_match(value),
                Err(_) => return false,
            }
        } else {
            value == self.value
        };
        matched == self.is_equal
    }

    /// The label and value that it demands, if it demands one.
    pub(super) fn exact(&self) -> Option<(String, String)> {
        (self.is_equal && !self.is_regex).then(|| (self.name.clone(), self.value.clone()))
    }
}

fn labels(json: Option<&Json>) -> Labels {
    let Some(Json::Object(map)) = json else { return Labels::new() };
    map.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn time(json: &Json, key: &str) -> Option<Timestamp> {
    json.get(key)?.as_str()?.parse().ok()
}

fn text(json: &Json, key: &str) -> String {
    json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}
