//! Monitors: what "Get a monitor's details" answers, and what a monitor's own query asks for. Pure.
//!
//! Facts from the vendor's pages "Monitors" (API reference: fields, and the forms that a `query` has for each `type`)
//! and "Monitor types".

use std::sync::LazyLock;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::Threshold;
use regex::Regex;
use serde_json::Value as Json;

use super::wire::{scalar, tags, text};
use crate::failure::Failure;

/// A monitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type (`query alert`, `log alert`, ...).
    pub kind: String,
    /// Its query, as written.
    pub query: String,
    /// `Alert`, `Warn`, `No Data`, `OK`, ...
    pub state: String,
    /// Since when it has that state.
    pub since: Option<Timestamp>,
    /// Its tags.
    pub tags: Labels,
    /// The critical threshold.
    pub critical: Option<f64>,
    /// Groups that are not fine, with their state and when they were triggered last.
    pub groups: Vec<(String, String, Option<Timestamp>)>,
}

/// Reads one monitor.
pub fn monitor(json: &Json) -> Option<Monitor> {
    let groups = json.pointer("/state/groups").and_then(Json::as_object);
    let mut groups: Vec<(String, String, Option<Timestamp>)> = groups
        .into_iter()
        .flatten()
        .filter_map(|(name, group)| {
            let triggered = group.get("last_triggered_ts").and_then(Json::as_i64);
            let triggered = triggered.and_then(|second| Timestamp::from_second(second).ok());
            Some((name.clone(), text(group, "status")?.to_owned(), triggered))
        })
        .filter(|(_, status, _)| status != "OK")
        .collect();
    groups.sort();
    Some(Monitor {
        id: json.get("id").and_then(scalar)?,
        name: text(json, "name").unwrap_or("without a name").to_owned(),
        kind: text(json, "type").unwrap_or("unknown").to_owned(),
        query: text(json, "query").unwrap_or_default().to_owned(),
        state: text(json, "overall_state").unwrap_or("Unknown").to_owned(),
        since: text(json, "overall_state_modified").and_then(|text| text.parse().ok()),
        tags: tags(json.get("tags")).collect(),
        critical: json.pointer("/options/thresholds/critical").and_then(Json::as_f64),
        groups,
    })
}

/// Reads a list of monitors; also how many could not be read.
pub fn monitors(answer: &Json) -> Result<(Vec<Monitor>, usize), Failure> {
    let Json::Array(list) = answer else {
        return Err(Failure::nonsense("the answer is not Datadog's: the monitors are no list"));
    };
    let read: Vec<Monitor> = list.iter().filter_map(monitor).collect();
    let odd = list.len() - read.len();
    Ok((read, odd))
}

/// What a monitor's query asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Values of a metric query.
    Metric {
        /// The metric query, as "Query timeseries points" takes it.
        query: String,
        /// What the values are compared with, where the values themselves are compared.
        threshold: Option<Threshold>,
        /// What of the values is compared: `sum(last_5m)`.
        over: String,
        /// The same, read; `None` where it cannot be computed from the values.
        rolling: Option<Rolling>,
    },
    /// Counts of logs.
    Logs {
        /// The search.
        search: String,
        /// Facets by which they are counted apart.
        facets: Vec<String>,
        /// The time over which they are counted: `5m`.
        over: String,
        /// What the counts are compared with.
        threshold: Option<Threshold>,
    },
    /// Something that cannot be asked for over a window.
    Other(&'static str),
}

impl Condition {
    /// Reads a monitor's query, of whatever type it is.
    pub fn parse(query: &str) -> Self {
        let query = query.trim();
        if let Some(rest) = query.strip_prefix("logs(") {
            return logs(rest).unwrap_or(Self::Other("its search of logs is of a form that is not known"));
        }
        static METRIC: LazyLock<Regex> = LazyLock::new(|| {
            pattern(concat!(
                r"(?s)^(?<over>(?:\w+|percentile)\(last_\w+\)|(?:pct_)?change\(\w+\(last_\w+\),\s*\w+\))\s*:\s*(?<query>.+?)",
                r"\s*(?<compare>>=|<=|>|<|==|!=)\s*(?<value>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*$"
            ))
        });
        let Some(found) = METRIC.captures(query) else {
            return Self::Other("a monitor of its type has no query of metrics or logs");
        };
        let (over, query) = (found["over"].to_owned(), found["query"].to_owned());
        // What these compare is not the value: a change, or how odd it is.
        let indirect = over.contains("change(")
            || ["anomalies(", "outliers(", "forecast("].iter().any(|function| query.starts_with(function));
        let rolling = Rolling::parse(&over).filter(|_| !indirect);
        // Without what is compared, values compared with the threshold would be a wrong statement.
        let threshold = threshold(&found["compare"], &found["value"]).filter(|_| rolling.is_some());
        Self::Metric { query, threshold, over, rolling }
    }
}

/// An aggregation over the last so many seconds, as monitors compare it at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rolling {
    how: How,
    /// Over how many seconds.
    pub seconds: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Average,
    Sum,
    Least,
    Greatest,
}

impl Rolling {
    /// The sum over so many seconds: what counts are compared by.
    pub fn sum(seconds: i64) -> Self {
        Self { how: How::Sum, seconds }
    }

    /// Reads `avg(last_5m)`.
    pub fn parse(over: &str) -> Option<Self> {
        let (how, rest) = over.split_once("(last_")?;
        let how = match how {
            "avg" => How::Average,
            "sum" => How::Sum,
            "min" => How::Least,
            "max" => How::Greatest,
            _ => return None,
        };
        Some(Self { how, seconds: seconds(rest.strip_suffix(')')?)? })
    }

    /// Computes it for every point. The first points, which would have only a part of the time behind them, are left
    /// out.
    pub fn of(self, points: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
        let Some((first, _)) = points.first() else { return Vec::new() };
        let first = first.as_second();
        let mut from = 0;
        let mut rolled = Vec::new();
        for (at, (time, _)) in points.iter().enumerate() {
            let second = time.as_second();
            while points[from].0.as_second() <= second - self.seconds {
                from += 1;
            }
            // A point stands for the step that begins with it: one step more than lies between the points.
            let step = points
                .get(at + 1)
                .or(points.get(at.wrapping_sub(1)))
                .map_or(0, |(next, _)| (next.as_second() - second).abs());
            if second - first + step < self.seconds {
                continue;
            }
            let values = points[from..=at].iter().map(|(_, value)| *value);
            let value = match self.how {
                How::Average => values.sum::<f64>() / (at + 1 - from) as f64,
                How::Sum => values.sum(),
                How::Least => values.fold(f64::INFINITY, f64::min),
                How::Greatest => values.fold(f64::NEG_INFINITY, f64::max),
            };
            rolled.push((*time, value));
        }
        rolled
    }
}

/// `5m`, `1h`, `2d`, `1w` in seconds.
pub fn seconds(length: &str) -> Option<i64> {
    let split = length.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = length.split_at(split);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|number| (1..=10_000).contains(number)).map(|number| number * unit)
}

/// `"search").index("main").rollup("count").by("a,b").last("5m") > 10`.
fn logs(rest: &str) -> Option<Condition> {
    static LOGS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?s)^"(?<search>(?:[^"\\]|\\.)*)"\)(?<chain>.*?)\s*(?<compare>>=|<=|>|<)\s*(?<value>[-+]?\d+(?:\.\d+)?)\s*$"#,
        )
    });
    static STEP: LazyLock<Regex> = LazyLock::new(|| pattern(r"\.(\w+)\(([^)]*)\)"));
    let found = LOGS.captures(rest)?;
    let mut search = String::new();
    let mut characters = found["search"].chars();
    while let Some(character) = characters.next() {
        match character {
            // Only the quote is escaped for the sake of this form; the search has backslashes of its own.
            '\\' => match characters.next() {
                Some('"') => search.push('"'),
                other => search.extend(std::iter::once('\\').chain(other)),
            },
            other => search.push(other),
        }
    }
    let step = |name: &str| {
        let arguments = STEP.captures_iter(&found["chain"]).find(|step| &step[1] == name)?[2].to_owned();
        let arguments = arguments.split(',').map(|text| text.trim().trim_matches('"').to_owned());
        Some(arguments.filter(|text| !text.is_empty()).collect::<Vec<String>>())
    };
    if step("rollup").is_some_and(|rollup| rollup.first().is_none_or(|how| how != "count")) {
        return Some(Condition::Other("it measures logs instead of counting them"));
    }
    let over = step("last")?.into_iter().next()?;
    static LENGTH: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{1,4}[smhd]$"));
    if !LENGTH.is_match(&over) {
        return None;
    }
    let search = if search.trim().is_empty() { "*".to_owned() } else { search };
    let threshold = threshold(&found["compare"], &found["value"]);
    Some(Condition::Logs { search, facets: step("by").unwrap_or_default(), over, threshold })
}

fn threshold(compare: &str, value: &str) -> Option<Threshold> {
    let above = match compare {
        ">" | ">=" => true,
        "<" | "<=" => false,
        _ => return None,
    };
    Some(Threshold { value: value.parse().ok().filter(|value: &f64| value.is_finite())?, above })
}

/// A monitor's name out of the title of its notification: `[Triggered on {host:a}] [P2] Errors` is of `Errors`.
pub fn name_in(title: &str) -> &str {
    let mut rest = title.trim();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        rest = after.trim_start();
    }
    rest
}

fn pattern(written: &str) -> Regex {
    Regex::new(written).expect("a constant pattern, compiled by the tests of this module")
}
