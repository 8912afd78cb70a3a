//! The Loki HTTP API (vendor page "Loki HTTP API"), version 3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::exchange::{Call, Reply};
use super::prometheus::sample_json;
use super::time::{go_duration, loki_time, prometheus_duration};
use crate::data::DataPool;
use crate::data::labels::Labels;
use crate::data::logs::Stream;
use crate::logql::{self, LogQuery, Matcher, Query};

const HOUR: i64 = 3_600_000_000_000;
/// `max_entries_limit_per_query`
const MAXIMUM_ENTRIES: usize = 5000;
/// `max_query_length`
const MAXIMUM_LENGTH: i64 = 721 * HOUR;

/// Answers one request.
pub(crate) fn answer(pool: &DataPool, call: &Call) -> Reply {
    let path = call.path();
    let result = match (call.method.as_str(), path.as_slice()) {
        ("GET" | "HEAD", ["ready"]) => Ok(Reply::text(StatusCode::OK, "ready\n")),
        ("GET" | "POST", ["loki", "api", "v1", "query_range"]) => query_range(pool, call),
        ("GET" | "POST", ["loki", "api", "v1", "query"]) => query(pool, call),
        ("GET" | "POST", ["loki", "api", "v1", "labels" | "label"]) => labels(pool, call),
        ("GET" | "POST", ["loki", "api", "v1", "label", name, "values"]) => label_values(pool, call, name),
        ("GET" | "POST", ["loki", "api", "v1", "series"]) => series(pool, call),
        ("GET" | "POST", ["loki", "api", "v1", "index", "stats"]) => index_stats(pool, call),
        ("GET", ["loki", "api", "v1", "status", "buildinfo"]) => Ok(Reply::ok(&json!({
            "version": "3.1.1", "revision": "b4da1a8a5", "branch": "HEAD", "buildUser": "root@lab",
            "buildDate": "2024-08-08T17:30:43Z", "goVersion": "go1.22.5",
        }))),
        _ => Ok(Reply::not_found()),
    };
    // Loki answers errors in plain text.
    result.unwrap_or_else(|message| Reply::text(StatusCode::BAD_REQUEST, message))
}

struct Window {
    start: i64,
    end: i64,
}

fn window(pool: &DataPool, call: &Call, default: i64) -> Result<Window, String> {
    let time = |name| match call.param(name) {
        None => Ok(None),
        Some(text) => match loki_time(text) {
            Some(time) => Ok(Some(time)),
            None => {
                Err(format!("could not parse '{name}' parameter: strconv.ParseInt: parsing \"{text}\": invalid syntax"))
            }
        },
    };
    let now = pool.clock.now * 1_000_000;
    let end = time("end")?.unwrap_or(now);
    let since = match call.param("since") {
        None => default,
        Some(text) => go_duration(text)
            .ok_or_else(|| format!("could not parse 'since' parameter: not a valid duration string: \"{text}\""))?,
    };
    let start = time("start")?.unwrap_or(end.min(now) - since);
    if end < start {
        return Err("end timestamp must not be before or equal to start time".into());
    }
    Ok(Window { start, end })
}

fn log_or_metric(call: &Call) -> Result<Query, String> {
    let text = call.param("query").ok_or("parse error : syntax error: unexpected $end")?;
    logql::parse(text)
}

fn limit(call: &Call) -> Result<usize, String> {
    let Some(text) = call.param("limit") else { return Ok(100) };
    let limit: usize = text.parse().map_err(|_| format!("strconv.Atoi: parsing \"{text}\": invalid syntax"))?;
    match limit {
        0 => Err("limit must be a positive value".into()),
        1..=MAXIMUM_ENTRIES => Ok(limit),
        _ => Err(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MAXIMUM_ENTRIES})"
        )),
    }
}

fn forward(call: &Call) -> Result<bool, String> {
    match call.param("direction").map(str::to_ascii_lowercase).as_deref() {
        None | Some("backward") => Ok(false),
        Some("forward") => Ok(true),
        Some(other) => Err(format!("invalid direction '{other}'")),
    }
}

fn query_range(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let window = window(pool, call, HOUR)?;
    if window.end - window.start > MAXIMUM_LENGTH {
        return Err("the query time range exceeds the limit (limit: 30d1h)".into());
    }
    let query = log_or_metric(call)?;
    match query {
        Query::Log(query) => Ok(streams(pool, &query, &window, limit(call)?, forward(call)?)),
        Query::Metric(metric) => {
            // Without `step`, Loki aims at about 250 points.
            let default = ((window.end - window.start) / 250 / 1_000_000_000).max(1) * 1_000_000_000;
            let step = match call.param("step") {
                None => default,
                Some(text) => prometheus_duration(text)
                    .map(|milliseconds| milliseconds * 1_000_000)
                    .ok_or_else(|| format!("could not parse 'step' parameter: \"{text}\""))?,
            };
            if step <= 0 {
                return Err(
                    "zero or negative query resolution step widths are not accepted. Try a positive integer".into()
                );
            }
            if (window.end - window.start) / step > 11_000 {
                return Err("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter".into());
            }
            let series = logql::range(pool.logs(), &metric, window.start, window.end, step)?;
            let result: Value = series
                .iter()
                .map(|(labels, samples)| {
                    let values: Value = samples.iter().map(|sample| sample_json(sample.time, sample.value)).collect();
                    json!({"metric": labels.to_json(), "values": values})
                })
                .collect();
            Ok(success("matrix", &result, 0, 0))
        }
    }
}

fn query(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let time = match call.param("time") {
        None => pool.clock.now * 1_000_000,
        Some(text) => loki_time(text).ok_or_else(|| format!("could not parse 'time' parameter: \"{text}\""))?,
    };
    match log_or_metric(call)? {
        Query::Log(_) => Err(
            "log queries are not supported as an instant query type, please change your query to a range query type"
                .into(),
        ),
        Query::Metric(metric) => {
            let vector = logql::instant(pool.logs(), &metric, time)?;
            let milliseconds = time.div_euclid(1_000_000);
            let result: Value = vector
                .iter()
                .map(|(labels, value)| json!({"metric": labels.to_json(), "value": sample_json(milliseconds, *value)}))
                .collect();
            Ok(success("vector", &result, 0, 0))
        }
    }
}

fn streams(pool: &DataPool, query: &LogQuery, window: &Window, limit: usize, forward: bool) -> Reply {
    let mut lines = logql::lines(pool.logs(), query, window.start, window.end);
    let total = lines.len();
    let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
    lines.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.labels.cmp(&b.labels)));
    if !forward {
        lines.reverse();
    }
    lines.truncate(limit);
    let mut groups: BTreeMap<Arc<Labels>, Vec<Value>> = BTreeMap::new();
    for line in lines {
        groups.entry(line.labels).or_default().push(json!([line.time.to_string(), line.text]));
    }
    let result: Value =
        groups.into_iter().map(|(labels, values)| json!({"stream": labels.to_json(), "values": values})).collect();
    success("streams", &result, total, bytes)
}

fn success(kind: &str, result: &Value, lines: usize, bytes: usize) -> Reply {
    Reply::ok(&json!({
        "status": "success",
        "data": {
            "resultType": kind,
            "result": result,
            "stats": {
                "summary": {
                    "bytesProcessedPerSecond": 0, "linesProcessedPerSecond": 0, "totalBytesProcessed": bytes,
                    "totalLinesProcessed": lines, "execTime": 0.004, "queueTime": 0.000_1, "subqueries": 0,
                    "totalEntriesReturned": lines, "splits": 1, "shards": 0
                },
                "querier": {}, "ingester": {}, "cache": {}, "index": {}
            }
        }
    }))
}

/// Streams that match and have an entry in the window.
fn matching<'p>(pool: &'p DataPool, matchers: &[Matcher], window: &Window) -> Vec<&'p Stream> {
    let streams = pool.logs().streams.iter();
    streams
        .filter(|stream| matchers.iter().all(|matcher| matcher.matches(&stream.labels)))
        .filter(|stream| !stream.between(window.start, window.end).is_empty())
        .collect()
}

fn optional_selector(call: &Call) -> Result<Vec<Matcher>, String> {
    // `{}` is what Grafana sends for "everything" and is accepted here, unlike in a query.
    match call.param("query").map(str::trim) {
        None | Some("{}") => Ok(Vec::new()),
        Some(text) => logql::parse_selector(text),
    }
}

fn labels(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let window = window(pool, call, 6 * HOUR)?;
    let matchers = optional_selector(call)?;
    let streams = matching(pool, &matchers, &window);
    let names: BTreeSet<&str> = streams.iter().flat_map(|stream| stream.labels.iter().map(|(name, _)| name)).collect();
    Ok(list(&names))
}

fn label_values(pool: &DataPool, call: &Call, name: &str) -> Result<Reply, String> {
    let window = window(pool, call, 6 * HOUR)?;
    let matchers = optional_selector(call)?;
    let streams = matching(pool, &matchers, &window);
    let values: BTreeSet<&str> = streams.iter().filter_map(|stream| stream.labels.get(name)).collect();
    Ok(list(&values))
}

/// Loki leaves `data` out when there is nothing.
fn list(items: &BTreeSet<&str>) -> Reply {
    if items.is_empty() {
        return Reply::ok(&json!({"status": "success"}));
    }
    Reply::ok(&json!({"status": "success", "data": items}))
}

fn series(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let window = window(pool, call, HOUR)?;
    let selectors: Vec<&str> = call.all("match[]").chain(call.all("match")).collect();
    if selectors.is_empty() {
        return Err("0 matcher groups supplied".into());
    }
    let mut found: BTreeSet<&Arc<Labels>> = BTreeSet::new();
    for selector in selectors {
        let matchers = logql::parse_selector(selector)?;
        found.extend(matching(pool, &matchers, &window).into_iter().map(|stream| &stream.labels));
    }
    let data: Value = found.into_iter().map(|labels| labels.to_json()).collect();
    Ok(Reply::ok(&json!({"status": "success", "data": data})))
}

fn index_stats(pool: &DataPool, call: &Call) -> Result<Reply, String> {
    let window = window(pool, call, HOUR)?;
    let text = call.param("query").ok_or("parse error : syntax error: unexpected $end")?;
    let matchers = logql::parse_selector(text)?;
    let streams = matching(pool, &matchers, &window);
    let (mut entries, mut bytes) = (0, 0);
    for stream in &streams {
        let between = stream.between(window.start, window.end);
        entries += between.len();
        bytes += between.iter().map(|entry| entry.line.len()).sum::<usize>();
    }
    let chunks = streams.len() + entries / 1000;
    Ok(Reply::ok(&json!({"streams": streams.len(), "chunks": chunks, "entries": entries, "bytes": bytes})))
}
