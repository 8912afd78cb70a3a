//! What Tempo answers, read leniently: one odd span never loses the rest, and what was odd is counted.
//!
//! Facts from the vendor's page "Tempo HTTP API" (sections "Query", "Query V2", "Search", "Search tags V2", "Search
//! tag values V2") and from the OpenTelemetry Protocol's JSON encoding, which Tempo's traces mostly are: ids are
//! hexadecimal there and base64 in Tempo, 64-bit numbers are texts, enumerations are names or numbers, and the
//! spans stand under `batches` or `resourceSpans`, in `scopeSpans` or, in old versions, in
//! `instrumentationLibrarySpans`. The second version of the trace endpoint wraps all of it in `trace`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::Timestamp;
use opensre_model::evidence::Span;
use serde_json::{Map, Value as Json};

/// Longest attribute value, name or message that is kept, in bytes.
const LONGEST_TEXT: usize = 512;

/// Why an answer is not one of Tempo's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not Tempo's: {0}")]
pub struct NotTempo(pub(crate) &'static str);

/// A trace that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// When the trace began.
    pub start: Timestamp,
    /// How long it took in all, in milliseconds.
    pub duration_ms: f64,
    /// Spans of it that the search matched (a few of them), with what the search tells of them.
    pub matched: Vec<Span>,
}

/// Reads the answer of `/api/search`. Traces without an id or a start are left out.
pub fn found(answer: &Json) -> Result<Vec<Found>, NotTempo> {
    let traces = match answer.get("traces") {
        Some(Json::Array(traces)) => traces.as_slice(),
        // An empty list is left out or null.
        Some(Json::Null) | None if answer.is_object() && answer.get("metrics").is_some() => &[],
        _ => return Err(NotTempo("`traces` is missing")),
    };
    Ok(traces.iter().filter_map(one_found).collect())
}

fn one_found(trace: &Json) -> Option<Found> {
    let trace_id = trace_id(trace.get("traceID").or_else(|| trace.get("traceId"))?.as_str()?)?;
    let start = time(trace.get("startTimeUnixNano")?)?;
    let root_service = trace.get("rootServiceName").and_then(Json::as_str).unwrap_or_default();
    let root_name = trace.get("rootTraceName").and_then(Json::as_str).unwrap_or_default();
    // `spanSet` is what came before `spanSets`; new versions send both.
    let sets = match trace.get("spanSets") {
        Some(Json::Array(sets)) => sets.iter().collect(),
        _ => trace.get("spanSet").into_iter().collect::<Vec<_>>(),
    };
    let matched = sets
        .into_iter()
        .filter_map(|set| set.get("spans")?.as_array())
        .flatten()
        .filter_map(|span| {
            let all = attributes(span.get("attributes"));
            let service = all.get("service.name").cloned().unwrap_or_else(|| short(root_service));
            let name = span.get("name").and_then(Json::as_str).unwrap_or(root_name);
            Some(Span {
                trace_id: trace_id.clone(),
                span_id: span_id(span.get("spanID").or_else(|| span.get("spanId"))?.as_str()?)?,
                parent_id: None,
                service,
                name: short(name),
                start: time(span.get("startTimeUnixNano")?)?,
                duration_ms: number(span.get("durationNanos")?)? / 1e6,
                error: all.get("status").is_some_and(|status| status == "error"),
                message: all.get("statusMessage").cloned().unwrap_or_default(),
                attributes: worth_keeping(&all),
            })
        })
        .collect();
    let duration_ms = trace.get("durationMs").and_then(number).unwrap_or_default();
    Some(Found { trace_id, start, duration_ms, matched })
}

/// Reads the answer of `/api/v2/search/tag/{tag}/values` (typed values) or of its first version (texts).
pub fn tag_values(answer: &Json) -> Result<Vec<String>, NotTempo> {
    let values = match answer.get("tagValues") {
        Some(Json::Array(values)) => values.as_slice(),
        // An empty list is left out or null.
        Some(Json::Null) => &[],
        None if answer.as_object().is_some_and(|all| all.is_empty() || all.contains_key("metrics")) => &[],
        _ => return Err(NotTempo("`tagValues` is no array")),
    };
    let mut values: Vec<String> = values
        .iter()
        .filter_map(|value| value.as_str().or_else(|| value.get("value")?.as_str()))
        .map(str::to_owned)
        .collect();
    values.sort();
    values.dedup();
    Ok(values)
}

/// Whether an answer is that of `/api/v2/search/tags` (`scopes`) or `/api/search/tags` (`tagNames`); the number of
/// tag names in it.
pub fn tags(answer: &Json) -> Result<usize, NotTempo> {
    let counted = |value: &Json| value.as_array().map_or(0, Vec::len);
    if let Some(scopes) = answer.get("scopes").and_then(Json::as_array) {
        return Ok(scopes.iter().filter_map(|scope| scope.get("tags")).map(counted).sum());
    }
    match answer.get("tagNames") {
        Some(names @ Json::Array(_)) => Ok(counted(names)),
        _ => Err(NotTempo("neither `scopes` nor `tagNames` is there")),
    }
}

/// A trace by its id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// Its spans, by start.
    pub spans: Vec<Span>,
    /// Whether Tempo says that it had to leave some of the trace out.
    pub partial: bool,
    /// Spans that were of no known shape.
    pub odd: usize,
}

/// Reads the answer of `/api/v2/traces/{id}` or `/api/traces/{id}`.
pub fn trace(answer: &Json) -> Result<Trace, NotTempo> {
    let body = answer.get("trace").filter(|trace| trace.is_object()).unwrap_or(answer);
    let resources = ["resourceSpans", "batches"].into_iter().find_map(|key| body.get(key)?.as_array());
    let Some(resources) = resources else {
        // The second version answers a trace that it does not have with an empty object.
        return match answer.get("trace") {
            Some(_) if body.as_object().is_none_or(Map::is_empty) => Ok(Trace::default()),
            _ => Err(NotTempo("neither `resourceSpans` nor `batches` is there")),
        };
    };
    let status = answer.get("status");
    let partial = status.and_then(Json::as_str) == Some("PARTIAL") || status.and_then(Json::as_u64) == Some(1);
    let mut read = Trace { partial, ..Trace::default() };
    for resource in resources {
        let about = attributes(resource.get("resource").and_then(|resource| resource.get("attributes")));
        let scopes =
            ["scopeSpans", "instrumentationLibrarySpans"].into_iter().find_map(|key| resource.get(key)?.as_array());
        for span in scopes.into_iter().flatten().filter_map(|scope| scope.get("spans")?.as_array()).flatten() {
            match one_span(&about, span) {
                Some(span) => read.spans.push(span),
                None => read.odd += 1,
            }
        }
    }
    read.spans.sort_by(|a, b| (a.start, &a.span_id).cmp(&(b.start, &b.span_id)));
    read.spans.dedup_by(|a, b| a.span_id == b.span_id && a.trace_id == b.trace_id);
    Ok(read)
}

fn one_span(resource: &BTreeMap<String, String>, span: &Json) -> Option<Span> {
    let text = |key: &str| span.get(key).and_then(Json::as_str);
    let start = time(span.get("startTimeUnixNano")?)?;
    let end = time(span.get("endTimeUnixNano")?)?;
    let status = span.get("status");
    let error = match status.and_then(|status| status.get("code")) {
        Some(Json::String(code)) => code == "STATUS_CODE_ERROR" || code == "2",
        Some(code) => code.as_u64() == Some(2),
        None => false,
    };
    let mut all = attributes(span.get("attributes"));
    let said = status.and_then(|status| status.get("message")).and_then(Json::as_str).unwrap_or_default();
    let message = match exception(span) {
        Some(exception) if said.is_empty() => exception,
        Some(exception) if exception.contains(said) => exception,
        Some(exception) => format!("{said} ({exception})"),
        None => said.to_owned(),
    };
    if let Some(kind) = kind(span.get("kind")) {
        all.insert("span.kind".to_owned(), kind.to_owned());
    }
    // Which pod and version ran it stands with the resource, not with the span.
    for (key, value) in resource {
        all.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Some(Span {
        trace_id: trace_id(text("traceId").or_else(|| text("traceID"))?)?,
        span_id: span_id(text("spanId").or_else(|| text("spanID"))?)?,
        parent_id: text("parentSpanId").and_then(span_id),
        service: resource.get("service.name").cloned().unwrap_or_else(|| "unknown".to_owned()),
        name: short(text("name").unwrap_or_default()),
        start,
        duration_ms: end.duration_since(start).as_secs_f64().max(0.0) * 1e3,
        error,
        message: short(message.trim()),
        attributes: worth_keeping(&all),
    })
}

/// `type: message` of the first exception recorded on a span.
fn exception(span: &Json) -> Option<String> {
    let events = span.get("events")?.as_array()?;
    events.iter().find_map(|event| {
        let about = attributes(event.get("attributes"));
        match (about.get("exception.type"), about.get("exception.message")) {
            (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    })
}

fn kind(value: Option<&Json>) -> Option<&'static str> {
    let number = match value? {
        Json::String(name) => match name.strip_prefix("SPAN_KIND_").unwrap_or(name) {
            "INTERNAL" => 1,
            "SERVER" => 2,
            "CLIENT" => 3,
            "PRODUCER" => 4,
            "CONSUMER" => 5,
            _ => 0,
        },
        other => other.as_u64()?,
    };
    ["internal", "server", "client", "producer", "consumer"].get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

/// Attributes as texts: `[{"key": ..., "value": {"stringValue": ...}}]`.
fn attributes(list: Option<&Json>) -> BTreeMap<String, String> {
    list.and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| Some((item.get("key")?.as_str()?.to_owned(), value_text(item.get("value")?)?)))
        .collect()
}

fn value_text(value: &Json) -> Option<String> {
    let (kind, inner) = value.as_object()?.iter().next()?;
    match (kind.as_str(), inner) {
        ("arrayValue", inner) => {
            let items = inner.get("values")?.as_array()?;
            Some(short(&items.iter().filter_map(value_text).collect::<Vec<_>>().join(",")))
        }
        (_, Json::String(text)) => Some(short(text)),
        (_, Json::Number(number)) => Some(number.to_string()),
        (_, Json::Bool(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

/// The attributes that say what a span talked to, how it ended and where it ran. Statements and URLs with their
/// parameters are left out: they carry customers' data.
fn worth_keeping(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const KEPT: &[&str] = &[
        "span.kind",
        "peer.service",
        "server.address",
        "server.port",
        "net.peer.name",
        "net.peer.port",
        "network.peer.address",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        "db.operation",
        "db.operation.name",
        "db.collection.name",
        "messaging.system",
        "messaging.destination",
        "messaging.destination.name",
        "rpc.system",
        "rpc.service",
        "rpc.method",
        "rpc.grpc.status_code",
        "http.status_code",
        "http.response.status_code",
        "http.method",
        "http.request.method",
        "http.route",
        "error.type",
        "exception.type",
        "service.version",
        "service.namespace",
        "deployment.environment",
        "deployment.environment.name",
        "k8s.namespace.name",
        "k8s.pod.name",
        "k8s.deployment.name",
        "k8s.cluster.name",
        "host.name",
        "cloud.region",
        "faas.name",
    ];
    KEPT.iter().filter_map(|key| Some(((*key).to_owned(), all.get(*key)?.clone()))).collect()
}

/// A trace id as 32 hexadecimal digits, from hexadecimal (leading zeros may be missing) or base64.
pub fn trace_id(written: &str) -> Option<String> {
    id(written, 16)
}

/// A span id as 16 hexadecimal digits, from hexadecimal or base64.
pub fn span_id(written: &str) -> Option<String> {
    id(written, 8)
}

fn id(written: &str, bytes: usize) -> Option<String> {
    let written = written.trim();
    let digits = bytes * 2;
    // Base64 of 16 bytes is 24 characters (22 without padding), of 8 bytes 12 (11): when such a text is all
    // hexadecimal digits it is read as hexadecimal, which is what a search answers with leading zeros missing.
    let hexadecimal =
        if !written.is_empty() && written.len() <= digits && written.bytes().all(|b| b.is_ascii_hexdigit()) {
            format!("{:0>digits$}", written.to_ascii_lowercase())
        } else {
            let decoded = STANDARD.decode(written).or_else(|_| STANDARD_NO_PAD.decode(written)).ok()?;
            if decoded.len() != bytes {
                return None;
            }
            decoded.iter().fold(String::with_capacity(digits), |mut text, byte| {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
    // All zeros is how a missing id is written.
    hexadecimal.bytes().any(|digit| digit != b'0').then_some(hexadecimal)
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
    .filter(|number: &f64| number.is_finite())
}

/// Nanoseconds since 1970, as text or as a number.
fn time(value: &Json) -> Option<Timestamp> {
    let nanoseconds = match value {
        Json::String(text) => text.parse::<i128>().ok()?,
        other => i128::from(other.as_u64()?),
    };
    if nanoseconds == 0 {
        return None;
    }
    Timestamp::from_nanosecond(nanoseconds).ok()
}

fn short(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut end = LONGEST_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
