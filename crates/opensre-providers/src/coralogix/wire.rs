//! What Coralogix answers: JSON lines, each of which must parse.
//!
//! Facts from the vendor's page "Direct Archive Query HTTP API": a line is the query's id, results, a warning or an
//! error; a result has `metadata` and `labels` as lists of keys and values, and `userData` as JSON in a text. Spans by
//! the page "Understanding spans": `$m.duration` in microseconds, names in the labels, ids in the data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use opensre_model::alert::Labels;
use opensre_model::evidence::Span;
use serde_json::{Map, Value as Json};

use crate::failure::Failure;
use crate::loki::level::head;
use crate::spans::LONGEST_TEXT;
use crate::{lines, spans};

/// An answer, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The results.
    pub rows: Vec<Row>,
    /// What Coralogix says about its own answer.
    pub said: Vec<String>,
}

/// One result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// `$m`.
    pub metadata: BTreeMap<String, String>,
    /// `$l`.
    pub labels: BTreeMap<String, String>,
    /// `$d`; a text where it is no JSON.
    pub data: Json,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRows {
    /// A line is no JSON; its number.
    #[error("line {0} of the answer is no JSON")]
    NoJson(usize),
    /// No line is one of a query's answer.
    #[error("the answer is not that of a DataPrime query")]
    Foreign,
    /// Coralogix says that the query failed.
    #[error("Coralogix says: {0}")]
    Failed(String),
}

impl From<NotRows> for Failure {
    fn from(odd: NotRows) -> Self {
        match odd {
            NotRows::Failed(_) => Self::new(opensre_model::evidence::GapKind::Failed, odd.to_string()),
            _ => Self::nonsense(odd.to_string()),
        }
    }
}

/// Reads an answer.
pub fn rows(text: &str) -> Result<Rows, NotRows> {
    let (mut all, mut known) = (Rows::default(), false);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Json = serde_json::from_str(line).map_err(|_| NotRows::NoJson(number + 1))?;
        if let Some(error) = line.get("error") {
            return Err(NotRows::Failed(said(error)));
        }
        known |= line.get("queryId").is_some();
        if let Some(warning) = line.get("warning") {
            known = true;
            all.said.push(said(warning));
        }
        if let Some(result) = line.get("result") {
            let Some(Json::Array(results)) = result.get("results") else { return Err(NotRows::Foreign) };
            known = true;
            all.rows.extend(results.iter().map(row));
        }
    }
    if known { Ok(all) } else { Err(NotRows::Foreign) }
}

/// The first text of a warning or error that says something.
fn said(value: &Json) -> String {
    fn message(value: &Json, depth: usize) -> Option<&str> {
        match value {
            Json::String(text) if !text.trim().is_empty() => Some(text),
            Json::Object(map) if depth > 0 => {
                let direct = ["message", "errorMessage", "warningMessage", "details"]
                    .iter()
                    .find_map(|key| map.get(*key)?.as_str());
                direct.or_else(|| map.values().find_map(|inner| message(inner, depth - 1)))
            }
            _ => None,
        }
    }
    let text = message(value, 3).unwrap_or("it failed, without a reason");
    let line: Vec<&str> = text.split_whitespace().collect();
    head(&line.join(" "), 300).to_owned()
}

fn row(result: &Json) -> Row {
    let pairs = |key: &str| match result.get(key) {
        Some(Json::Array(pairs)) => pairs
            .iter()
            .filter_map(|pair| Some((pair.get("key")?.as_str()?.to_owned(), scalar(pair.get("value")?)?)))
            .collect(),
        Some(Json::Object(map)) => map.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect(),
        _ => BTreeMap::new(),
    };
    let data = match result.get("userData") {
        Some(Json::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())),
        Some(other) => other.clone(),
        None => Json::Null,
    };
    Row { metadata: pairs("metadata"), labels: pairs("labels"), data }
}

/// Keys of a log line's data that hold its text, the most usual first.
const TEXTS: &[&str] = &["message", "msg", "log", "body", "text", "event", "error"];

/// Reads log lines.
pub(crate) fn logs(answer: Rows, limit: usize) -> lines::Found {
    let mut found = lines::Found { more: answer.rows.len() >= limit, said: answer.said, ..lines::Found::default() };
    for row in answer.rows {
        let (Some(time), Some(text)) = (row.metadata.get("timestamp").and_then(|text| time(text)), text_of(&row.data))
        else {
            found.odd += 1;
            continue;
        };
        let severity = row.metadata.get("severity").map(|written| severity(written));
        let mut labels = Labels::new();
        let mut set = |key: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                labels.entry(key.to_owned()).or_insert_with(|| head(&value, LONGEST_TEXT).to_owned());
            }
        };
        let at = |places: &[&str]| places.iter().find_map(|place| scalar(row.data.pointer(place)?));
        let label = |name: &str| row.labels.get(name).cloned();
        set(
            "service",
            at(&["/resource/attributes/service.name", "/service.name", "/service", "/service_name"])
                .or_else(|| label("subsystemname")),
        );
        set("applicationname", label("applicationname"));
        set("subsystemname", label("subsystemname"));
        set("host", label("computername").or_else(|| label("ipaddress")));
        set("pod", at(&["/kubernetes/pod_name", "/resource/attributes/k8s.pod.name"]));
        set("namespace", at(&["/kubernetes/namespace_name", "/resource/attributes/k8s.namespace.name"]));
        set("container", at(&["/kubernetes/container_name"]));
        set("trace_id", at(&["/trace_id", "/traceId", "/traceID", "/attributes/trace_id", "/logRecord/traceId"]));
        found.add(time, severity.as_deref(), &text, labels);
    }
    found
}

/// The text of a log line: what it calls its message, else all of it.
fn text_of(data: &Json) -> Option<String> {
    match data {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Object(map) => {
            let own = TEXTS.iter().find_map(|key| map.get(*key)?.as_str().filter(|text| !text.trim().is_empty()));
            let inner = || {
                map.values().filter_map(Json::as_object).find_map(|inner| {
                    TEXTS[..4].iter().find_map(|key| inner.get(*key)?.as_str().filter(|text| !text.trim().is_empty()))
                })
            };
            Some(own.or_else(inner).map_or_else(|| data.to_string(), str::to_owned))
        }
        other => Some(other.to_string()),
    }
}

/// A severity as a level. Its numbers are Coralogix's own: 1 debug, 2 verbose, 3 info, 4 warning, 5 error, 6 critical.
fn severity(written: &str) -> String {
    match written.trim() {
        "1" => "debug",
        "2" => "trace",
        "3" => "info",
        "4" => "warn",
        "5" => "error",
        "6" => "critical",
        other => other,
    }
    .to_owned()
}

/// Reads spans.
pub(crate) fn spans(answer: &Rows, limit: usize) -> spans::Found {
    let mut found = spans::Found { more: answer.rows.len() >= limit, ..spans::Found::default() };
    for row in &answer.rows {
        match span(row) {
            Some(span) => found.spans.push(span),
            None => found.odd += 1,
        }
    }
    found
}

/// What is kept of a span's tags, and under which name.
const KEPT: &[(&str, &str)] = &[
    ("span.kind", "span.kind"),
    ("peer.service", "peer.service"),
    ("db.system", "db.system"),
    ("db.name", "db.name"),
    ("server.address", "server.address"),
    ("net.peer.name", "server.address"),
    ("messaging.system", "messaging.system"),
    ("messaging.destination.name", "messaging.destination.name"),
    ("rpc.service", "rpc.service"),
    ("http.status_code", "http.status_code"),
    ("http.response.status_code", "http.status_code"),
    ("http.route", "http.route"),
];

fn span(row: &Row) -> Option<Span> {
    let data = row.data.as_object()?;
    let start = row.metadata.get("timestamp").and_then(|text| time(text));
    // Where it is told twice, the data is in the unit of the metadata: microseconds.
    let started = || Timestamp::from_microsecond(data.get("startTime")?.as_i64()?).ok();
    let microseconds = row.metadata.get("duration").and_then(|text| text.parse::<f64>().ok());
    let microseconds =
        microseconds.or_else(|| data.get("duration")?.as_f64()).filter(|us| us.is_finite() && *us >= 0.0)?;
    let empty = Map::new();
    let tags = data.get("tags").and_then(Json::as_object).unwrap_or(&empty);
    let tag = |name: &str| tags.get(name).and_then(scalar).filter(|text| !text.is_empty());
    let text = |name: &str| data.get(name).and_then(scalar).filter(|text| !text.is_empty());
    let label = |name: &str| row.labels.get(name).filter(|text| !text.is_empty()).cloned();
    let error = tag("error").is_some_and(|flag| !matches!(flag.as_str(), "false" | "0"))
        || tag("otel.status_code").is_some_and(|code| code.eq_ignore_ascii_case("error"));
    let message = ["otel.status_description", "exception.message", "error.message", "status.message", "exception.type"];
    let mut attributes = BTreeMap::new();
    for (from, to) in KEPT {
        if let Some(value) = tag(from) {
            attributes.entry((*to).to_owned()).or_insert_with(|| head(&value, LONGEST_TEXT).to_owned());
        }
    }
    attributes.extend(label("applicationName").map(|name| ("applicationname".to_owned(), name)));
    let process = || data.get("process")?.get("serviceName").and_then(scalar);
    Some(Span {
        trace_id: text("traceID")?,
        span_id: text("spanID")?,
        parent_id: text("parentSpanID").or_else(|| text("parentId")).filter(|id| id.bytes().any(|byte| byte != b'0')),
        service: label("serviceName").or_else(process).unwrap_or_else(|| "unknown".to_owned()),
        name: label("operationName").or_else(|| text("operationName")).unwrap_or_default(),
        start: start.or_else(started)?,
        duration_ms: microseconds / 1e3,
        error,
        message: if error {
            message
                .iter()
                .find_map(|name| tag(name))
                .map(|text| head(&text, LONGEST_TEXT).to_owned())
                .unwrap_or_default()
        } else {
            String::new()
        },
        attributes,
    })
}

/// Reads counts: seconds since 1970 and a number.
pub fn counts(answer: &Rows) -> BTreeMap<i64, f64> {
    let read = |row: &Row| {
        let bucket = time(&scalar(row.data.get("bucket")?)?)?;
        Some((bucket.as_second(), scalar(row.data.get("lines")?)?.parse::<f64>().ok()?))
    };
    answer.rows.iter().filter_map(read).collect()
}

/// A time as text (RFC 3339, or without a zone, in UTC), or as a number since 1970 whose size tells its unit.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return match number.unsigned_abs() {
            0..=99_999_999_999 => Timestamp::from_second(number),
            100_000_000_000..=99_999_999_999_999 => Timestamp::from_millisecond(number),
            100_000_000_000_000..=99_999_999_999_999_999 => Timestamp::from_microsecond(number),
            _ => Timestamp::from_nanosecond(i128::from(number)),
        }
        .ok();
    }
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(civil)
}

/// A text, number or boolean as text.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
