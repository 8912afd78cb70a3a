//! The Tempo HTTP API (vendor page "Tempo HTTP API"), version 2.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::exchange::{Call, Reply};
use super::time::{go_duration, tempo_time};
use crate::data::DataPool;
use crate::data::traces::{Span, Trace};
use crate::scenario::SpanKind;
use crate::traceql::{self, Field, Query};

/// Answers one request.
pub(crate) fn answer(pool: &DataPool, call: &Call) -> Reply {
    let path = call.path();
    if call.method != "GET" && call.method != "HEAD" {
        return Reply::text(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    let result = match path.as_slice() {
        ["ready"] => Ok(Reply::text(StatusCode::OK, "ready\n")),
        ["api", "echo"] => Ok(Reply::text(StatusCode::OK, "echo")),
        ["api", "status", "buildinfo"] => Ok(Reply::ok(&json!({
            "version": "2.6.0", "revision": "9c5a1e5", "branch": "HEAD", "buildUser": "", "buildDate": "",
            "goVersion": "go1.23.1",
        }))),
        ["api", "search"] => search(pool, call),
        ["api", "search", "tags"] => tags(pool, call),
        ["api", "v2", "search", "tags"] => tags_v2(pool, call),
        ["api", "search", "tag", name, "values"] => tag_values(pool, call, name),
        ["api", "v2", "search", "tag", name, "values"] => tag_values_v2(pool, call, name),
        ["api", "traces", id] => trace(pool, id, false),
        ["api", "v2", "traces", id] => trace(pool, id, true),
        _ => Ok(Reply::not_found()),
    };
    result.unwrap_or_else(|message| Reply::text(StatusCode::BAD_REQUEST, message))
}

struct Window {
    start: i64,
    end: i64,
}

fn window(call: &Call) -> Result<Window, String> {
    let time = |name, default| match call.param(name) {
        None => Ok(default),
        Some(text) => tempo_time(text)
            .ok_or_else(|| format!("invalid {name}: strconv.ParseInt: parsing \"{text}\": invalid syntax")),
    };
    let window = Window { start: time("start", i64::MIN)?, end: time("end", i64::MAX)? };
    if call.param("start").is_some() != call.param("end").is_some() {
        return Err("please provide non-zero values for http parameters start and end".into());
    }
    if window.end <= window.start {
        return Err(format!(
            "http parameter start must be before end. received start={} end={}",
            window.start / 1_000_000_000,
            window.end / 1_000_000_000
        ));
    }
    Ok(window)
}

fn traces<'p>(pool: &'p DataPool, window: &Window) -> impl Iterator<Item = &'p Trace> + use<'p> {
    let (start, end) = (window.start, window.end);
    // Newest first.
    pool.traces().traces.iter().rev().filter(move |trace| trace.start() >= start && trace.start() <= end)
}

fn positive(call: &Call, name: &str, default: usize) -> Result<usize, String> {
    let Some(text) = call.param(name) else { return Ok(default) };
    match text.parse::<usize>() {
        Ok(0) => Err(format!("invalid {name}: must be a positive number")),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("invalid {name}: strconv.Atoi: parsing \"{text}\": invalid syntax")),
    }
}

fn parse(text: &str) -> Result<Query, String> {
    traceql::parse(text).map_err(|problem| format!("invalid TraceQL query: {problem}"))
}

fn search(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let window = window(call)?;
    let limit = positive(call, "limit", 20)?;
    let spans_per_set = positive(call, "spss", 3)?;
    let mut inspected = 0;
    let mut found = Vec::new();
    if let Some(text) = call.param("q") {
        let query = parse(text)?;
        for trace in traces(pool, &window) {
            inspected += 1;
            if let Some(spans) = query.select(trace) {
                found.push(summary(trace, Some((&query, &spans, spans_per_set))));
            }
            if found.len() == limit {
                break;
            }
        }
    } else {
        let filter = TagFilter::read(call)?;
        for trace in traces(pool, &window) {
            inspected += 1;
            if filter.matches(trace) {
                found.push(summary(trace, None));
            }
            if found.len() == limit {
                break;
            }
        }
    }
    Ok(Reply::ok(&json!({
        "traces": found,
        "metrics": {"inspectedTraces": inspected, "inspectedBytes": (inspected * 900).to_string(), "completedJobs": 1, "totalJobs": 1},
    })))
}

/// `tags`, `minDuration` and `maxDuration` of a tag-based search.
struct TagFilter {
    tags: Vec<(String, String)>,
    minimum: i64,
    maximum: i64,
}

impl TagFilter {
    fn read(call: &Call) -> Result<Self, String> {
        let duration = |name, default| match call.param(name) {
            None => Ok(default),
            Some(text) => go_duration(text).ok_or_else(|| format!("invalid {name}: time: invalid duration \"{text}\"")),
        };
        let mut tags = Vec::new();
        for pair in call.param("tags").unwrap_or_default().split_whitespace() {
            let (key, value) = pair.split_once('=').ok_or("invalid tags: logfmt syntax error")?;
            tags.push((key.to_owned(), value.trim_matches('"').to_lowercase()));
        }
        Ok(Self { tags, minimum: duration("minDuration", 0)?, maximum: duration("maxDuration", i64::MAX)? })
    }

    fn matches(&self, trace: &Trace) -> bool {
        let has = |key: &str, wanted: &str| {
            trace.spans.iter().any(|span| {
                let value = match key {
                    "name" => Some(Value::from(span.name())),
                    "status" => Some(traceql::status_word(span).into()),
                    _ => span.attributes().get(key).or_else(|| span.resource().get(key)).cloned(),
                };
                value.is_some_and(|value| plain(&value).to_lowercase().contains(wanted))
            })
        };
        (self.minimum..=self.maximum).contains(&trace.duration())
            && self.tags.iter().all(|(key, wanted)| has(key, wanted))
    }
}

fn summary(trace: &Trace, matched: Option<(&Query, &[&Span], usize)>) -> Value {
    let mut item = json!({
        "traceID": trace.id.trim_start_matches('0'),
        "rootServiceName": trace.root().service(),
        "rootTraceName": trace.root().name(),
        "startTimeUnixNano": trace.start().to_string(),
        "durationMs": trace.duration() / 1_000_000,
    });
    if let Some((query, spans, limit)) = matched {
        let set = json!({
            "spans": spans.iter().take(limit).map(|span| span_summary(query, span, trace)).collect::<Value>(),
            "matched": spans.len(),
        });
        item["spanSet"] = set.clone();
        item["spanSets"] = json!([set]);
    }
    item
}

fn span_summary(query: &Query, span: &Span, trace: &Trace) -> Value {
    let mut shown: BTreeMap<&str, Value> = BTreeMap::new();
    for field in query.fields() {
        let value = field.value(span, trace);
        if !value.is_null() && !matches!(field, Field::Duration | Field::TraceDuration) {
            shown.insert(field.key(), value);
        }
    }
    let attributes: Value =
        shown.into_iter().map(|(key, value)| json!({"key": key, "value": any_value(&value)})).collect();
    json!({
        "spanID": format!("{:016x}", span.id),
        "name": span.name(),
        "startTimeUnixNano": span.start.to_string(),
        "durationNanos": span.duration.to_string(),
        "attributes": attributes,
    })
}

const INTRINSICS: [&str; 8] =
    ["duration", "kind", "name", "rootName", "rootServiceName", "status", "statusMessage", "traceDuration"];

struct Tags {
    resource: BTreeSet<String>,
    span: BTreeSet<String>,
}

fn all_tags(pool: &DataPool, call: &Call) -> Result<Tags, String> {
    let window = window(call)?;
    let mut tags = Tags { resource: BTreeSet::new(), span: BTreeSet::new() };
    for span in traces(pool, &window).flat_map(|trace| &trace.spans) {
        tags.resource.extend(span.resource().keys().cloned());
        tags.span.extend(span.attributes().keys().cloned());
    }
    Ok(tags)
}

fn scope(call: &Call) -> Result<&str, String> {
    match call.param("scope") {
        None | Some("none" | "all") => Ok(""),
        Some(scope @ ("resource" | "span" | "intrinsic" | "event" | "link" | "instrumentation")) => Ok(scope),
        Some(other) => Err(format!("invalid scope: {other}")),
    }
}

fn tags(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let scope = scope(call)?;
    let tags = all_tags(pool, call)?;
    let mut names = BTreeSet::new();
    if scope.is_empty() || scope == "resource" {
        names.extend(tags.resource);
    }
    if scope.is_empty() || scope == "span" {
        names.extend(tags.span);
    }
    if scope == "intrinsic" {
        names.extend(INTRINSICS.map(str::to_owned));
    }
    Ok(Reply::ok(&json!({"tagNames": names, "metrics": {"inspectedBytes": "630188"}})))
}

fn tags_v2(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let wanted = scope(call)?;
    let tags = all_tags(pool, call)?;
    let scopes: Value = [
        ("resource", tags.resource),
        ("span", tags.span),
        ("intrinsic", INTRINSICS.map(str::to_owned).into_iter().collect()),
    ]
    .into_iter()
    .filter(|(name, tags)| (wanted.is_empty() || wanted == *name) && !tags.is_empty())
    .map(|(name, tags)| json!({"name": name, "tags": tags}))
    .collect();
    Ok(Reply::ok(&json!({"scopes": scopes, "metrics": {"inspectedBytes": "377046"}})))
}

/// Distinct values of a field over the spans that `filter` selects.
fn values(pool: &DataPool, window: &Window, field: &Field, filter: Option<&Query>) -> Vec<Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for trace in traces(pool, window) {
        let spans: Vec<&Span> = match filter {
            Some(query) => query.select(trace).unwrap_or_default(),
            None => trace.spans.iter().collect(),
        };
        for span in spans {
            let value = field.value(span, trace);
            if !value.is_null() && value != "" {
                found.entry(plain(&value)).or_insert(value);
            }
        }
    }
    found.into_values().collect()
}

fn tag_values(pool: &DataPool, call: &Call, name: &str) -> Result<Reply, String> {
    let window = window(call)?;
    // Version 1 takes plain attribute names; intrinsics go by their own.
    let field = traceql::identifier(name).unwrap_or_else(|| Field::Either(name.to_owned()));
    let values: Vec<String> = values(pool, &window, &field, None).iter().map(plain).collect();
    Ok(Reply::ok(&json!({"tagValues": values, "metrics": {"inspectedBytes": "431380"}})))
}

fn tag_values_v2(pool: &DataPool, call: &Call, name: &str) -> Result<Reply, String> {
    let window = window(call)?;
    let field = traceql::identifier(name)
        .ok_or_else(|| format!("tag name is not valid intrinsic or scoped attribute: {name}"))?;
    // A filter that cannot be read is no filter, as the vendor documents.
    let filter = call.param("q").and_then(|text| traceql::parse(text).ok());
    let kind = |value: &Value| match (&field, value) {
        (Field::Status | Field::Kind, _) => "keyword",
        (Field::Duration | Field::TraceDuration, _) => "duration",
        (_, Value::Bool(_)) => "bool",
        (_, Value::Number(number)) if number.is_f64() => "float",
        (_, Value::Number(_)) => "int",
        _ => "string",
    };
    let items: Value = values(pool, &window, &field, filter.as_ref())
        .iter()
        .map(|value| json!({"type": kind(value), "value": plain(value)}))
        .collect();
    Ok(Reply::ok(&json!({"tagValues": items, "metrics": {"inspectedBytes": "502756"}})))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn trace(pool: &DataPool, id: &str, version_2: bool) -> Result<Reply, String> {
    if id.is_empty() || id.len() > 32 || !id.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err("trace IDs can only contain hex characters: invalid character".into());
    }
    let padded = format!("{:0>32}", id.to_ascii_lowercase());
    let found = pool.traces().find(&padded).map(resource_spans);
    Ok(match (found, version_2) {
        (Some(spans), true) => {
            Reply::ok(&json!({"trace": {"resourceSpans": spans}, "metrics": {"inspectedBytes": "21344"}}))
        }
        (None, true) => Reply::ok(&json!({"trace": {}, "metrics": {"inspectedBytes": "21344"}})),
        (Some(spans), false) => Reply::ok(&json!({"batches": spans})),
        (None, false) => Reply::text(StatusCode::NOT_FOUND, ""),
    })
}

/// OTLP JSON as Tempo's protobuf marshaller writes it: ids in base64, enums by name, 64-bit numbers as text.
fn resource_spans(trace: &Trace) -> Value {
    let mut groups: Vec<(&Span, Vec<&Span>)> = Vec::new();
    for span in &trace.spans {
        match groups.iter_mut().find(|(first, _)| first.resource() == span.resource()) {
            Some((_, spans)) => spans.push(span),
            None => groups.push((span, vec![span])),
        }
    }
    groups
        .iter()
        .map(|(first, spans)| {
            json!({
                "resource": {"attributes": attributes(first.resource())},
                "scopeSpans": [{
                    "scope": {"name": "io.opentelemetry.sdk", "version": "1.41.0"},
                    "spans": spans.iter().map(|span| span_json(span, trace)).collect::<Value>(),
                }],
            })
        })
        .collect()
}

fn span_json(span: &Span, trace: &Trace) -> Value {
    let kind = match span.kind() {
        SpanKind::Internal => "SPAN_KIND_INTERNAL",
        SpanKind::Server => "SPAN_KIND_SERVER",
        SpanKind::Client => "SPAN_KIND_CLIENT",
        SpanKind::Producer => "SPAN_KIND_PRODUCER",
        SpanKind::Consumer => "SPAN_KIND_CONSUMER",
    };
    let id = |id: u64| STANDARD.encode(id.to_be_bytes());
    let trace_id = u128::from_str_radix(&trace.id, 16).unwrap_or_default();
    let mut item = json!({
        "traceId": STANDARD.encode(trace_id.to_be_bytes()),
        "spanId": id(span.id),
        "name": span.name(),
        "kind": kind,
        "startTimeUnixNano": span.start.to_string(),
        "endTimeUnixNano": (span.start + span.duration).to_string(),
        "attributes": attributes(span.attributes()),
        "status": {},
    });
    if let Some(parent) = span.parent {
        item["parentSpanId"] = id(parent).into();
    }
    if span.failed {
        item["status"] = json!({"code": "STATUS_CODE_ERROR"});
        if !span.message().is_empty() {
            item["status"]["message"] = span.message().into();
        }
    }
    if let Some(exception) = span.exception() {
        let details = BTreeMap::from([
            ("exception.type".to_owned(), Value::from(exception.kind.as_str())),
            ("exception.message".to_owned(), Value::from(exception.message.as_str())),
            ("exception.stacktrace".to_owned(), Value::from(exception.stacktrace.as_str())),
        ]);
        item["events"] = json!([{
            "timeUnixNano": (span.start + span.duration / 2).to_string(),
            "name": "exception",
            "attributes": attributes(&details),
        }]);
    }
    item
}

fn attributes(map: &BTreeMap<String, Value>) -> Value {
    map.iter().map(|(key, value)| json!({"key": key, "value": any_value(value)})).collect()
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": plain(other)}),
    }
}
