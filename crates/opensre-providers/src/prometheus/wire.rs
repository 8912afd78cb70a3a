//! Wire formats: from the API's JSON to series, rules, targets. Pure.
//!
//! Source: Prometheus documentation, "HTTP API".

use std::collections::BTreeSet;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{GapKind, Series};
use serde_json::Value as Json;

use crate::failure::Failure;

/// The inside of an answer, with what the server had to say about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Envelope {
    /// `data`.
    pub data: Json,
    /// `warnings` and `infos`, bounded.
    pub notes: Vec<String>,
}

/// Series as they were answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// The series, sorted by labels, points by time. Series without a finite point are left out.
    pub series: Vec<Series>,
    /// Values that are no number (`NaN`, `+Inf`) and points or series that could not be read.
    pub odd: usize,
    /// What the server had to say.
    pub notes: Vec<String>,
}

/// An alerting rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertingRule {
    /// The alert's name.
    pub name: String,
    /// The group it is in.
    pub group: String,
    /// Its expression.
    pub query: String,
    /// How long the expression must hold before it fires, in seconds.
    pub hold_seconds: f64,
    /// Labels that it adds.
    pub labels: Labels,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// Why the last evaluation failed.
    pub last_error: String,
    /// When it was last evaluated.
    pub evaluated_at: Option<Timestamp>,
    /// Labels of the alerts that are pending or firing.
    pub active: Vec<Labels>,
}

/// A scrape target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// Its labels, as its series carry them.
    pub labels: Labels,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why the last scrape failed.
    pub last_error: String,
    /// When it was last scraped.
    pub scraped_at: Option<Timestamp>,
    /// What is scraped; without the query, which can hold a token.
    pub url: String,
}

/// Opens an answer. `status: error` is a failure with the server's reason.
pub fn envelope(mut answer: Json) -> Result<Envelope, Failure> {
    match answer.get("status").and_then(Json::as_str) {
        Some("success") => {}
        Some("error") => {
            let said = text(&answer, "error");
            return Err(Failure::new(GapKind::Failed, format!("the query failed: {}", bounded(&said))));
        }
        _ => return Err(Failure::nonsense("answered without `status: success`")),
    }
    let notes = ["warnings", "infos"]
        .iter()
        .filter_map(|key| answer.get(key)?.as_array())
        .flatten()
        .filter_map(Json::as_str)
        .take(5)
        .map(bounded)
        .collect();
    let data = answer.get_mut("data").map(Json::take).unwrap_or_default();
    Ok(Envelope { data, notes })
}

/// Reads a `matrix`, `vector` or `scalar`.
pub fn series(envelope: Envelope) -> Result<Answered, Failure> {
    let Envelope { data, notes } = envelope;
    let nonsense = || Failure::nonsense("answered with a result of an unknown kind");
    let kind = data.get("resultType").and_then(Json::as_str).ok_or_else(nonsense)?;
    let result = data.get("result").ok_or_else(nonsense)?;
    let mut answered = Answered { notes, ..Answered::default() };
    match kind {
        "matrix" | "vector" => {
            for one in result.as_array().ok_or_else(nonsense)? {
                answered.add(one);
            }
        }
        "scalar" => {
            let mut points = Vec::new();
            answered.odd += collect(std::iter::once(result), &mut points);
            answered.keep(Labels::new(), points);
        }
        _ => return Err(nonsense()),
    }
    answered.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(answered)
}

impl Answered {
    fn add(&mut self, one: &Json) {
        let samples: Vec<&Json> = match (one.get("values"), one.get("value")) {
            (Some(Json::Array(values)), _) => values.iter().collect(),
            (None, Some(value)) => vec![value],
            // Native histograms have `histograms` or `histogram` instead; they are not read.
            _ => Vec::new(),
        };
        if samples.is_empty() {
            self.odd += 1;
            return;
        }
        let mut points = Vec::with_capacity(samples.len());
        self.odd += collect(samples.into_iter(), &mut points);
        self.keep(labels(one.get("metric")), points);
    }

    fn keep(&mut self, labels: Labels, mut points: Vec<(Timestamp, f64)>) {
        points.sort_by_key(|(time, _)| *time);
        points.dedup_by_key(|(time, _)| *time);
        if !points.is_empty() {
            self.series.push(Series { labels, points });
        }
    }
}

/// Reads samples into points; returns how many were left out.
fn collect<'a>(samples: impl Iterator<Item = &'a Json>, points: &mut Vec<(Timestamp, f64)>) -> usize {
    let mut odd = 0;
    for sample in samples {
        match point(sample) {
            Some(point) => points.push(point),
            None => odd += 1,
        }
    }
    odd
}

/// `[<seconds>, "<number>"]`; `None` for `NaN` and infinities.
fn point(sample: &Json) -> Option<(Timestamp, f64)> {
    let [time, value] = sample.as_array()?.as_slice() else { return None };
    let value = match value {
        Json::String(text) => text.parse().ok()?,
        Json::Number(number) => number.as_f64()?,
        _ => return None,
    };
    let milliseconds = (time.as_f64()? * 1000.0).round();
    // Within i64 whatever comes; Timestamp refuses what is no date.
    let time = Timestamp::from_millisecond(milliseconds as i64).ok()?;
    f64::is_finite(value).then_some((time, value))
}

/// The texts of a list (label names, label values).
pub fn texts(envelope: &Envelope) -> Result<BTreeSet<String>, Failure> {
    let list = envelope.data.as_array().ok_or_else(|| Failure::nonsense("answered with no list of names"))?;
    Ok(list.iter().filter_map(Json::as_str).map(str::to_owned).collect())
}

/// The label sets of `/api/v1/series`, `__name__` included.
pub fn label_sets(envelope: &Envelope) -> Result<Vec<Labels>, Failure> {
    let list = envelope.data.as_array().ok_or_else(|| Failure::nonsense("answered with no list of series"))?;
    Ok(list.iter().map(|one| labels(Some(one))).filter(|labels| labels.contains_key("__name__")).collect())
}

/// The alerting rules of `/api/v1/rules`.
pub fn alerting_rules(envelope: &Envelope) -> Result<Vec<AlertingRule>, Failure> {
    let groups = envelope.data.get("groups").and_then(Json::as_array);
    let groups = groups.ok_or_else(|| Failure::nonsense("answered with no groups of rules"))?;
    let mut rules = Vec::new();
    for group in groups {
        for rule in group.get("rules").and_then(Json::as_array).into_iter().flatten() {
            // Recording rules have no `alerts`; old versions have no `type`.
            if rule.get("type").and_then(Json::as_str).unwrap_or("alerting") != "alerting" {
                continue;
            }
            rules.push(AlertingRule {
                name: text(rule, "name"),
                group: text(group, "name"),
                query: text(rule, "query"),
                hold_seconds: rule.get("duration").and_then(Json::as_f64).unwrap_or(0.0),
                labels: labels(rule.get("labels")),
                state: text(rule, "state"),
                health: text(rule, "health"),
                last_error: bounded(&text(rule, "lastError")),
                evaluated_at: time(rule, "lastEvaluation"),
                active: rule
                    .get("alerts")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten()
                    .map(|alert| labels(alert.get("labels")))
                    .collect(),
            });
        }
    }
    Ok(rules)
}

/// The active targets of `/api/v1/targets`.
pub fn targets(envelope: &Envelope) -> Result<Vec<Target>, Failure> {
    let list = envelope.data.get("activeTargets").and_then(Json::as_array);
    let list = list.ok_or_else(|| Failure::nonsense("answered with no list of targets"))?;
    let target = |one: &Json| Target {
        labels: labels(one.get("labels")),
        health: text(one, "health"),
        last_error: bounded(&text(one, "lastError")),
        scraped_at: time(one, "lastScrape"),
        url: text(one, "scrapeUrl").split('?').next().unwrap_or_default().to_owned(),
    };
    Ok(list.iter().map(target).collect())
}

/// A JSON object's texts as labels; what is no text is left out.
/// Reads `/api/v1/alerts`: the labels of each alert.
pub fn active_labels(answer: &Json) -> Result<Vec<Labels>, Failure> {
    let alerts = answer.pointer("/data/alerts").and_then(Json::as_array);
    let alerts = alerts.ok_or_else(|| Failure::nonsense("answered without a list of alerts"))?;
    Ok(alerts.iter().map(|alert| labels(alert.get("labels"))).collect())
}

fn labels(json: Option<&Json>) -> Labels {
    let Some(Json::Object(map)) = json else { return Labels::new() };
    map.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn text(json: &Json, key: &str) -> String {
    json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A time; Go's zero time, which stands for "never", is none.
fn time(json: &Json, key: &str) -> Option<Timestamp> {
    let time: Timestamp = json.get(key)?.as_str()?.parse().ok()?;
    (time.as_second() > 0).then_some(time)
}

/// One line of at most 200 characters.
fn bounded(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
