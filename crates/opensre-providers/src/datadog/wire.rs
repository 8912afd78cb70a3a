//! What Datadog answers, read leniently: one odd entry never loses the rest, and what was odd is counted.
//!
//! Facts from the vendor's API reference: "Search logs (POST)", "Aggregate events" (of logs), "Search spans", "Search
//! events" and "Query timeseries points".

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, Series, Span};
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::grafana::annotations;
use crate::loki::level::head;
use crate::spans::LONGEST_TEXT;
use crate::{lines, spans};

/// Longest text of an event that is kept, in bytes.
const LONGEST_EVENT: usize = 2 * 1024;

/// Counts by their time, in seconds since 1970.
pub type Counts = BTreeMap<i64, f64>;

/// One page of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Json>,
    /// Where the next page begins, if there is one.
    pub after: Option<String>,
    /// What Datadog says about its own answer: warnings, and a search that it gave up.
    pub said: Vec<String>,
}

/// Reads the frame that all searches have: `data`, `meta.page.after`, `meta.status`, `meta.warnings`.
pub fn page(answer: &Json) -> Result<Page, Failure> {
    let entries = match answer.get("data") {
        Some(Json::Array(entries)) => entries.clone(),
        Some(Json::Null) | None if answer.get("meta").is_some_and(Json::is_object) => Vec::new(),
        _ => return Err(Failure::nonsense("the answer is not Datadog's: `data` is no list")),
    };
    let after = answer.pointer("/meta/page/after").and_then(Json::as_str).filter(|after| !after.is_empty());
    let warnings = answer.pointer("/meta/warnings").and_then(Json::as_array).into_iter().flatten();
    let mut said: Vec<String> = warnings
        .filter_map(|warning| warning.get("detail").or_else(|| warning.get("title"))?.as_str())
        .map(|text| head(text, 200).to_owned())
        .collect();
    if answer.pointer("/meta/status").and_then(Json::as_str) == Some("timeout") {
        said.push("the search timed out; there may be more".to_owned());
    }
    Ok(Page { entries, after: after.map(str::to_owned), said })
}

/// Reads log entries into `found`.
pub(crate) fn logs(entries: &[Json], found: &mut lines::Found) {
    for entry in entries {
        let attributes = entry.get("attributes").unwrap_or(&Json::Null);
        let Some(time) = time(attributes.get("timestamp")) else {
            found.odd += 1;
            continue;
        };
        let own = attributes.get("attributes").unwrap_or(&Json::Null);
        let message = text(attributes, "message").or_else(|| text(own, "message")).unwrap_or_default();
        let cause = own.pointer("/error/message").and_then(Json::as_str).unwrap_or_default();
        let message = match (message, cause) {
            (message, "") => message.to_owned(),
            ("", cause) => cause.to_owned(),
            (message, cause) if message.contains(cause) => message.to_owned(),
            (message, cause) => format!("{message}: {cause}"),
        };
        let mut labels = Labels::new();
        for key in ["service", "host"] {
            labels.extend(text(attributes, key).map(|value| (key.to_owned(), value.to_owned())));
        }
        for (key, place) in [
            ("trace_id", "/trace_id"),
            ("trace_id", "/dd/trace_id"),
            ("logger", "/logger/name"),
            ("error.kind", "/error/kind"),
            ("status_code", "/http/status_code"),
        ] {
            let value = own.pointer(place).and_then(scalar).filter(|value| !value.is_empty());
            labels.extend(value.map(|value| (key.to_owned(), head(&value, LONGEST_TEXT).to_owned())));
        }
        for (key, value) in tags(attributes.get("tags")).take(lines::MOST_LABELS) {
            labels.entry(key).or_insert(value);
        }
        found.add(time, text(attributes, "status"), &message, labels);
    }
}

/// Reads spans into `found`.
pub(crate) fn spans(entries: &[Json], found: &mut spans::Found) {
    for entry in entries {
        match entry.get("attributes").and_then(span) {
            Some(span) => found.spans.push(span),
            None => found.odd += 1,
        }
    }
}

/// What is kept of a span's own attributes, and under which name.
const KEPT: &[(&str, &str)] = &[
    ("span.kind", "span.kind"),
    ("peer.service", "peer.service"),
    ("db.system", "db.system"),
    ("db.type", "db.system"),
    ("db.name", "db.name"),
    ("db.instance", "db.name"),
    ("out.host", "server.address"),
    ("server.address", "server.address"),
    ("network.destination.name", "server.address"),
    ("messaging.system", "messaging.system"),
    ("messaging.destination.name", "messaging.destination.name"),
    ("rpc.service", "rpc.service"),
    ("http.status_code", "http.status_code"),
    ("http.route", "http.route"),
    ("error.type", "error.type"),
    ("version", "version"),
];

fn span(attributes: &Json) -> Option<Span> {
    let start = time(attributes.get("start_timestamp"))?;
    let mut flat = BTreeMap::new();
    for root in ["attributes", "custom"] {
        flatten("", attributes.get(root).unwrap_or(&Json::Null), 3, &mut flat);
    }
    let nanoseconds = flat.get("duration").and_then(|text| text.parse::<f64>().ok());
    let until = time(attributes.get("end_timestamp")).map(|end| end.duration_since(start).as_secs_f64() * 1e9);
    let duration_ms = nanoseconds.or(until).filter(|ns| ns.is_finite() && *ns >= 0.0)? / 1e6;
    let custom = attributes.get("custom").unwrap_or(&Json::Null);
    let status = text(attributes, "status").or_else(|| text(custom, "status")).unwrap_or_default();
    let flagged = flat.get("error").is_some_and(|flag| matches!(flag.as_str(), "1" | "true"));
    let error = status == "error" || flagged || flat.contains_key("error.type") || flat.contains_key("error.message");
    let message = ["error.message", "error.msg", "error.type"].iter().find_map(|key| flat.get(*key));
    let mut kept = BTreeMap::new();
    for (from, to) in KEPT {
        if let Some(value) = flat.get(*from).filter(|value| !value.is_empty()) {
            kept.entry((*to).to_owned()).or_insert_with(|| head(value, LONGEST_TEXT).to_owned());
        }
    }
    kept.extend(["env", "host"].iter().filter_map(|key| Some(((*key).to_owned(), text(attributes, key)?.to_owned()))));
    let id = |key: &str| attributes.get(key).and_then(scalar).unwrap_or_default();
    Some(Span {
        trace_id: id("trace_id"),
        span_id: id("span_id"),
        parent_id: Some(id("parent_id")).filter(|id| !matches!(id.as_str(), "" | "0")),
        service: text(attributes, "service").unwrap_or("unknown").to_owned(),
        name: text(attributes, "resource_name")
            .or_else(|| text(attributes, "operation_name"))
            .map_or_else(|| flat.get("operation_name").cloned().unwrap_or_default(), str::to_owned),
        start,
        duration_ms,
        error,
        message: message.map(|text| head(text, LONGEST_TEXT).to_owned()).unwrap_or_default(),
        attributes: kept,
    })
}

/// Scalars of an object by their dotted path.
fn flatten(path: &str, value: &Json, depth: usize, flat: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(map) if depth > 0 => {
            for (key, inner) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, inner, depth - 1, flat);
            }
        }
        other => {
            if let Some(text) = scalar(other) {
                flat.insert(path.to_owned(), text);
            }
        }
    }
}

/// Reads events; also how many could not be read. Alerts of the monitor `own` are left out: they are the alert itself.
pub fn events(entries: &[Json], own: Option<&str>) -> (Vec<Event>, usize) {
    let mut odd = 0;
    let mut events = Vec::new();
    for entry in entries {
        let attributes = entry.get("attributes").unwrap_or(&Json::Null);
        let Some(time) = time(attributes.get("timestamp")) else {
            odd += 1;
            continue;
        };
        let inner = attributes.get("attributes").unwrap_or(&Json::Null);
        let monitor = inner.get("monitor").filter(|monitor| monitor.is_object());
        let monitor_id = monitor.and_then(|monitor| scalar(monitor.get("id")?));
        if own.is_some() && monitor_id.as_deref() == own {
            continue;
        }
        let body = text(attributes, "message").unwrap_or_default();
        let body = body.trim().trim_matches('%').trim();
        let title = text(inner, "title").or_else(|| text(attributes, "title"));
        let title = title.or_else(|| body.lines().next()).unwrap_or_default();
        let mut labels: Labels = tags(attributes.get("tags")).take(lines::MOST_LABELS).collect();
        for (key, place) in [("service", "service"), ("host", "hostname"), ("source", "source_type_name")] {
            if let Some(value) = text(inner, place) {
                labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        // `@handle` and the like are no news; the source tells what a title does not (`kubernetes`, `github`).
        let kind = if monitor.is_some() {
            EventKind::Alert
        } else {
            let names: Vec<&str> =
                labels.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name.as_str()).collect();
            annotations::kind(&names, &format!("{title} {}", head(body, LONGEST_TEXT)))
        };
        let title = head(title, LONGEST_TEXT).to_owned();
        events.push(Event { time, kind, title, text: head(body, LONGEST_EVENT).to_owned(), labels });
    }
    events.sort_by(|a, b| (a.time, &a.title, &a.labels).cmp(&(b.time, &b.title, &b.labels)));
    events.dedup();
    (events, odd)
}

/// Series of "Query timeseries points", sorted by labels, with their unit.
pub fn series(answer: &Json) -> Result<(Vec<Series>, Option<String>), Failure> {
    if text(answer, "status") != Some("ok") {
        let why = text(answer, "error").or_else(|| text(answer, "message"));
        let why = why.map_or("`status` is missing".to_owned(), |why| format!("Datadog says: {}", head(why, 200)));
        return Err(Failure::nonsense(why));
    }
    let Some(Json::Array(all)) = answer.get("series") else {
        return Err(Failure::nonsense("the answer is not Datadog's: `series` is no list"));
    };
    let (unit, factor) = all.first().map_or((None, 1.0), unit);
    let mut series: Vec<Series> = all
        .iter()
        .map(|one| {
            let points = one.get("pointlist").and_then(Json::as_array).into_iter().flatten();
            let mut points: Vec<(Timestamp, f64)> = points.filter_map(|pair| point(pair, factor)).collect();
            points.sort_by_key(|(time, _)| *time);
            Series { labels: tags(one.get("tag_set")).collect(), points }
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok((series, unit))
}

/// The unit of a series by our names, and what its values are multiplied with.
fn unit(series: &Json) -> (Option<String>, f64) {
    let name = |position: &str| series.pointer(position).and_then(|unit| text(unit, "name"));
    let (unit, factor) = match name("/unit/0") {
        None => return (None, 1.0),
        Some("nanosecond") => ("seconds", 1e-9),
        Some("microsecond") => ("seconds", 1e-6),
        Some("millisecond") => ("seconds", 1e-3),
        Some("second") => ("seconds", 1.0),
        Some("kibibyte") => ("bytes", 1024.0),
        Some("mebibyte") => ("bytes", 1024.0 * 1024.0),
        Some("gibibyte") => ("bytes", 1024.0 * 1024.0 * 1024.0),
        Some("byte") => ("bytes", 1.0),
        Some("fraction") => ("ratio", 1.0),
        Some("percent") => ("percent", 1.0),
        Some(other) => (other, 1.0),
    };
    match name("/unit/1") {
        Some("second") if !matches!(unit, "bytes" | "seconds") => (Some("per_second".to_owned()), factor),
        Some(per) => (Some(format!("{unit} per {per}")), factor),
        None => (Some(unit.to_owned()), factor),
    }
}

/// `[<milliseconds>, <value or null>]`; what is not finite is no point.
fn point(pair: &Json, factor: f64) -> Option<(Timestamp, f64)> {
    let pair = pair.as_array()?;
    let (milliseconds, value) = (pair.first()?.as_f64()?, pair.get(1)?.as_f64()? * factor);
    let time = Timestamp::from_millisecond(milliseconds.round() as i64).ok()?;
    value.is_finite().then_some((time, value))
}

/// Counts of "Aggregate events" over time, as series by facet, with seconds since 1970 and a number.
pub fn buckets(answer: &Json) -> Result<Vec<(Labels, Counts)>, Failure> {
    let Some(Json::Array(buckets)) = answer.pointer("/data/buckets") else {
        return Err(Failure::nonsense("the answer is not Datadog's: `data.buckets` is no list"));
    };
    let read = |bucket: &Json| {
        let by = bucket.get("by").and_then(Json::as_object).into_iter().flatten();
        let labels = by.filter_map(|(key, value)| Some((key.trim_start_matches('@').to_owned(), scalar(value)?)));
        let points = bucket.pointer("/computes/c0").and_then(Json::as_array).into_iter().flatten();
        let points = points.filter_map(|point| {
            let value = point.get("value")?.as_f64().filter(|value| value.is_finite())?;
            Some((time(point.get("time"))?.as_second(), value))
        });
        (labels.collect(), points.collect())
    };
    Ok(buckets.iter().map(read).collect())
}

/// A time as text (RFC 3339) or as milliseconds since 1970.
pub(super) fn time(value: Option<&Json>) -> Option<Timestamp> {
    match value? {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// Tags (`name:value`) as labels; a tag without a value has an empty one.
pub(super) fn tags(value: Option<&Json>) -> impl Iterator<Item = (String, String)> {
    let tags = value.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    tags.map(|tag| {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        (name.trim().to_owned(), head(value.trim(), LONGEST_TEXT).to_owned())
    })
    .filter(|(name, _)| !name.is_empty())
}

/// A text that is there and not blank.
pub(super) fn text<'a>(value: &'a Json, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}

/// A text, number or boolean as text.
pub(super) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
