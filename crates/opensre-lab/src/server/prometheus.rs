//! The Prometheus HTTP API (vendor page "HTTP API"), version 2.53.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Expr, VectorSelector};
use serde_json::{Value, json};

use super::exchange::{Call, Reply};
use super::rules;
use super::time::{prometheus_duration, prometheus_time};
use crate::data::DataPool;
use crate::data::clock::timestamp;
use crate::data::labels::{Labels, NAME};
use crate::data::metrics::{Sample, Series};
use crate::promql::{self, QueryError};
use crate::scenario::AlertRule;

/// Answers one request.
pub(crate) fn answer(pool: &DataPool, alert_rules: &[AlertRule], call: &Call) -> Reply {
    let path = call.path();
    match (call.method.as_str(), path.as_slice()) {
        ("GET" | "HEAD", ["-", "healthy"]) => Reply::text(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        ("GET" | "HEAD", ["-", "ready"]) => Reply::text(StatusCode::OK, "Prometheus Server is Ready.\n"),
        ("GET" | "POST", ["api", "v1", "query"]) => outcome(query(pool, call)),
        ("GET" | "POST", ["api", "v1", "query_range"]) => outcome(query_range(pool, call)),
        ("GET" | "POST", ["api", "v1", "series"]) => outcome(series(pool, call)),
        ("GET" | "POST", ["api", "v1", "labels"]) => outcome(labels(pool, call)),
        ("GET", ["api", "v1", "label", name, "values"]) => outcome(label_values(pool, call, name)),
        ("GET", ["api", "v1", "metadata"]) => outcome(metadata(pool, call)),
        ("GET", ["api", "v1", "rules"]) => outcome(Ok(Answer::new(rules::prometheus_rules(pool, alert_rules)))),
        ("GET", ["api", "v1", "alerts"]) => outcome(Ok(Answer::new(rules::prometheus_alerts(pool, alert_rules)))),
        ("GET", ["api", "v1", "targets"]) => outcome(Ok(Answer::new(targets(pool, call)))),
        ("GET", ["api", "v1", "status", "buildinfo"]) => outcome(Ok(Answer::new(build_info()))),
        (
            _,
            ["api", "v1", "query" | "query_range" | "series" | "labels" | "metadata" | "rules" | "alerts" | "targets"],
        ) => Reply::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"),
        _ => Reply::not_found(),
    }
}

struct Answer {
    data: Value,
    warnings: Vec<&'static str>,
}

impl Answer {
    fn new(data: Value) -> Self {
        Self { data, warnings: Vec::new() }
    }

    /// Cuts a list at the `limit` parameter, with the warning Prometheus adds.
    fn limited(mut items: Vec<Value>, limit: Option<usize>) -> Self {
        let mut warnings = Vec::new();
        if let Some(limit) = limit.filter(|limit| items.len() > *limit) {
            items.truncate(limit);
            warnings.push("results truncated due to limit");
        }
        Self { data: Value::Array(items), warnings }
    }
}

fn outcome(result: Result<Answer, QueryError>) -> Reply {
    match result {
        Ok(answer) => {
            let mut body = json!({"status": "success", "data": answer.data});
            if !answer.warnings.is_empty() {
                body["warnings"] = json!(answer.warnings);
            }
            Reply::ok(&body)
        }
        Err(QueryError::BadData(message)) => failure(StatusCode::BAD_REQUEST, "bad_data", &message),
        Err(QueryError::Execution(message)) => failure(StatusCode::UNPROCESSABLE_ENTITY, "execution", &message),
    }
}

/// An error body of the API.
pub(crate) fn failure(status: StatusCode, kind: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"status": "error", "errorType": kind, "error": message}))
}

fn invalid(name: &str, problem: impl std::fmt::Display) -> QueryError {
    QueryError::BadData(format!("invalid parameter \"{name}\": {problem}"))
}

fn query(pool: &DataPool, call: &Call) -> Result<Answer, QueryError> {
    let time = time_param(call, "time")?.unwrap_or(pool.clock.now);
    let expr = expression(call)?;
    let value = promql::instant(pool.metrics(), &expr, time)?;
    let (kind, result) = match value {
        promql::Value::Scalar(value) => ("scalar", sample_json(time, value)),
        promql::Value::String(text) => ("string", json!([seconds(time), text])),
        promql::Value::Vector(points) => {
            let items = points
                .iter()
                .map(|point| json!({"metric": point.labels.to_json(), "value": sample_json(time, point.value)}));
            ("vector", items.collect())
        }
        promql::Value::Matrix(rows) => ("matrix", matrix(&rows)),
    };
    Ok(Answer::new(json!({"resultType": kind, "result": result})))
}

fn query_range(pool: &DataPool, call: &Call) -> Result<Answer, QueryError> {
    let required =
        |name| time_param(call, name)?.ok_or_else(|| invalid(name, "cannot parse \"\" to a valid timestamp"));
    let start = required("start")?;
    let end = required("end")?;
    if end < start {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let text = call.param("step").unwrap_or_default();
    let step = prometheus_duration(text)
        .ok_or_else(|| invalid("step", format!("cannot parse \"{text}\" to a valid duration")))?;
    if step <= 0 {
        return Err(invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if (end - start) / step > 11_000 {
        return Err(QueryError::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
                .into(),
        ));
    }
    let expr = expression(call)?;
    let kind = expr.value_type();
    if !matches!(kind, ValueType::Scalar | ValueType::Vector) {
        let kind = match kind {
            ValueType::Matrix => "range vector",
            _ => "string",
        };
        let problem = format!("invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector");
        return Err(invalid("query", problem));
    }
    let rows = promql::range(pool.metrics(), &expr, start, end, step)?;
    Ok(Answer::new(json!({"resultType": "matrix", "result": matrix(&rows)})))
}

fn expression(call: &Call) -> Result<Expr, QueryError> {
    let text = call
        .param("query")
        .ok_or_else(|| invalid("query", "unknown position: parse error: no expression found in input"))?;
    promql::parse(text).map_err(|error| match error {
        QueryError::BadData(message) => invalid("query", message),
        execution @ QueryError::Execution(_) => execution,
    })
}

fn time_param(call: &Call, name: &str) -> Result<Option<i64>, QueryError> {
    match call.param(name) {
        None => Ok(None),
        Some(text) => match prometheus_time(text) {
            Some(time) => Ok(Some(time)),
            None => Err(invalid(name, format!("cannot parse \"{text}\" to a valid timestamp"))),
        },
    }
}

fn limit_param(call: &Call) -> Result<Option<usize>, QueryError> {
    match call.param("limit") {
        None => Ok(None),
        Some(text) => match text.parse::<usize>() {
            Ok(0) => Ok(None),
            Ok(limit) => Ok(Some(limit)),
            Err(_) => Err(invalid("limit", format!("strconv.Atoi: parsing \"{text}\": invalid syntax"))),
        },
    }
}

/// The series that any `match[]` selects and that have a sample between `start` and `end`.
fn matching(pool: &DataPool, call: &Call, required: bool) -> Result<Vec<Arc<Series>>, QueryError> {
    let start = time_param(call, "start")?.unwrap_or(i64::MIN);
    let end = time_param(call, "end")?.unwrap_or(i64::MAX);
    if end < start {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let mut selectors = Vec::new();
    for text in call.all("match[]") {
        match promql::parse(text) {
            Ok(Expr::VectorSelector(selector)) => selectors.push(selector),
            Ok(_) => return Err(invalid("match[]", "1:1: parse error: expected a metric selector")),
            Err(QueryError::BadData(message)) => return Err(invalid("match[]", message)),
            Err(other) => return Err(other),
        }
    }
    let store = pool.metrics();
    if selectors.is_empty() {
        if required {
            return Err(QueryError::BadData("no match[] parameter provided".into()));
        }
        return Ok(store.series(None).filter(|series| alive(series, start, end)).cloned().collect());
    }
    let mut found: BTreeMap<Arc<Labels>, Arc<Series>> = BTreeMap::new();
    for selector in &selectors {
        for series in selected(pool, selector)? {
            if alive(&series, start, end) {
                found.insert(Arc::clone(&series.labels), series);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn selected(pool: &DataPool, selector: &VectorSelector) -> Result<Vec<Arc<Series>>, QueryError> {
    Ok(promql::selected(pool.metrics(), selector)?.cloned().collect())
}

fn alive(series: &Series, start: i64, end: i64) -> bool {
    series.between(start, end).iter().any(|sample| !sample.is_stale())
}

fn series(pool: &DataPool, call: &Call) -> Result<Answer, QueryError> {
    let found = matching(pool, call, true)?;
    let items = found.iter().map(|series| series.labels.to_json()).collect();
    Ok(Answer::limited(items, limit_param(call)?))
}

fn labels(pool: &DataPool, call: &Call) -> Result<Answer, QueryError> {
    let found = matching(pool, call, false)?;
    let names: BTreeSet<&str> = found.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name)).collect();
    Ok(Answer::limited(names.into_iter().map(Value::from).collect(), limit_param(call)?))
}

fn label_values(pool: &DataPool, call: &Call, name: &str) -> Result<Answer, QueryError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(valid) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(QueryError::BadData(format!("invalid label name: \"{name}\"")));
    }
    let found = matching(pool, call, false)?;
    let values: BTreeSet<&str> = found.iter().filter_map(|series| series.labels.get(name)).collect();
    Ok(Answer::limited(values.into_iter().map(Value::from).collect(), limit_param(call)?))
}

fn metadata(pool: &DataPool, call: &Call) -> Result<Answer, QueryError> {
    let wanted = call.param("metric");
    let limit = limit_param(call)?.unwrap_or(usize::MAX);
    let entries = pool.metrics().metadata.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
    let items = entries
        .take(limit)
        .map(|(name, entry)| (name.clone(), json!([{"type": entry.kind, "help": entry.help, "unit": ""}])));
    Ok(Answer::new(Value::Object(items.collect())))
}

/// Targets as the `up` series show them.
fn targets(pool: &DataPool, call: &Call) -> Value {
    let wanted = call.param("state").unwrap_or("any");
    let mut active = Vec::new();
    for series in pool.metrics().series(Some("up")) {
        let Some(sample) = series.samples.iter().rfind(|sample| sample.time <= pool.clock.now) else { continue };
        if sample.is_stale() {
            continue;
        }
        let labels = series.labels.without(&[NAME]);
        let address = labels.value("instance").to_owned();
        let up = sample.value > 0.0;
        let job = labels.value("job").to_owned();
        active.push(json!({
            "discoveredLabels": {"__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http", "job": job},
            "labels": labels.to_json(),
            "scrapePool": job,
            "scrapeUrl": format!("http://{address}/metrics"),
            "globalUrl": format!("http://{address}/metrics"),
            "lastError": if up { String::new() } else { format!("Get \"http://{address}/metrics\": dial tcp {address}: connect: connection refused") },
            "lastScrape": timestamp(sample.time).to_string(),
            "lastScrapeDuration": 0.006_2,
            "health": if up { "up" } else { "down" },
            "scrapeInterval": "15s",
            "scrapeTimeout": "10s",
        }));
    }
    if wanted == "dropped" {
        active.clear();
    }
    json!({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}})
}

fn build_info() -> Value {
    json!({
        "version": "2.53.2",
        "revision": "6e971a7dc9e5dd67ee8e0a5a7e2ee2e7b1b6a1f4",
        "branch": "HEAD",
        "buildUser": "root@lab",
        "buildDate": "20240809-17:16:09",
        "goVersion": "go1.22.6",
    })
}

fn matrix(rows: &[promql::Row]) -> Value {
    let items = rows.iter().map(|row| {
        let values: Vec<Value> =
            row.samples.iter().map(|sample: &Sample| sample_json(sample.time, sample.value)).collect();
        json!({"metric": row.labels.to_json(), "values": values})
    });
    items.collect()
}

/// `[1435781430.781, "1"]`
pub(crate) fn sample_json(time: i64, value: f64) -> Value {
    json!([seconds(time), promql::number(value)])
}

/// Seconds of the Unix epoch: a whole number where it is one, otherwise with milliseconds.
pub(crate) fn seconds(milliseconds: i64) -> Value {
    if milliseconds % 1000 == 0 { json!(milliseconds / 1000) } else { json!(milliseconds as f64 / 1000.0) }
}
