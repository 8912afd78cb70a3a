//! Datadog's HTTP API, as far as it is read: logs, events, spans, monitors and metric queries.
//!
//! Facts from the vendor's API reference: "Search logs (POST)", "Aggregate events" of logs, "Search events", "Search
//! spans", "Get all monitors", "Get a monitor's details", "Query timeseries points", "Get active metrics list",
//! "Validate API key", "List your managed organizations" and "Rate Limits".

mod data;
mod search;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

pub use data::{Data, Metric, checkout};
pub use search::{Pattern, Search};

use super::stage::Stage;

/// One organisation.
#[derive(Debug)]
pub struct Datadog {
    /// Requests and misbehaviour.
    pub stage: Arc<Stage>,
    api_key: String,
    app_key: String,
    org: String,
    data: Data,
}

type Shared = State<Arc<Datadog>>;
type Parameters = Query<BTreeMap<String, String>>;

impl Datadog {
    /// An organisation with its keys and data.
    pub fn new(org: &str, api_key: &str, app_key: &str, data: Data) -> Arc<Self> {
        Arc::new(Self {
            stage: Arc::default(),
            api_key: api_key.to_owned(),
            app_key: app_key.to_owned(),
            org: org.to_owned(),
            data,
        })
    }

    /// The API.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/api/v1/validate", get(async || Json(json!({"valid": true}))))
            .route("/api/v1/org", get(org))
            .route("/api/v1/monitor", get(monitors))
            .route("/api/v1/monitor/{id}", get(monitor))
            .route("/api/v1/metrics", get(active_metrics))
            .route("/api/v1/query", get(query))
            .route("/api/v2/logs/events/search", post(logs))
            .route("/api/v2/logs/analytics/aggregate", post(aggregate))
            .route("/api/v2/events/search", post(events))
            .route("/api/v2/spans/events/search", post(spans))
            .fallback(async || refused(StatusCode::NOT_FOUND, "Not found"))
            .layer(from_fn_with_state(Arc::clone(self), authenticated))
            .with_state(Arc::clone(self));
        self.stage.around(router)
    }
}

/// `validate` asks for the API key alone; everything else for both.
async fn authenticated(State(datadog): Shared, request: Request, next: Next) -> Response {
    // A request must not be borrowed across an await: its body is not `Sync`.
    let allowed = {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        header("dd-api-key") == datadog.api_key
            && (header("dd-application-key") == datadog.app_key || request.uri().path() == "/api/v1/validate")
    };
    if allowed {
        let mut response = next.run(request).await;
        for (name, value) in [("x-ratelimit-limit", "300"), ("x-ratelimit-remaining", "299")] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    } else {
        refused(StatusCode::FORBIDDEN, "Forbidden")
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"errors": [why]}))).into_response()
}

async fn org(State(datadog): Shared) -> Json<Value> {
    let slug = datadog.org.to_lowercase();
    Json(json!({"orgs": [{"name": datadog.org, "public_id": format!("{slug}-id"), "subscription": {"type": "pro"}}]}))
}

async fn monitors(State(datadog): Shared, Query(parameters): Parameters) -> Json<Value> {
    let parameter = |name: &str| parameters.get(name).map(String::as_str);
    let number = |name: &str, otherwise| parameter(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let size: usize = number("page_size", 100).min(1000);
    let fits = |monitor: &&Value| {
        let name = monitor["name"].as_str().unwrap_or_default().to_lowercase();
        parameter("name").is_none_or(|wanted| name.contains(&wanted.to_lowercase()))
            && parameter("monitor_tags").is_none_or(|wanted| wanted.split(',').all(|tag| tagged(monitor, tag)))
    };
    let found = datadog.data.monitors.iter().filter(fits).skip(number("page", 0) * size).take(size);
    Json(found.cloned().collect())
}

async fn monitor(State(datadog): Shared, Path(id): Path<String>) -> Response {
    match datadog.data.monitors.iter().find(|monitor| monitor["id"].as_u64() == id.parse().ok()) {
        Some(monitor) => Json(monitor.clone()).into_response(),
        None => refused(StatusCode::NOT_FOUND, "Monitor not found"),
    }
}

async fn active_metrics(State(datadog): Shared, Query(parameters): Parameters) -> Response {
    let Some(from) = parameters.get("from").and_then(|from| from.parse::<i64>().ok()) else {
        return refused(StatusCode::BAD_REQUEST, "from is required");
    };
    let tag = parameters.get("tag_filter").map(String::as_str);
    let fits = |metric: &&Metric| {
        metric.points.iter().any(|(time, _)| *time >= from)
            && tag.is_none_or(|tag| metric.tags.iter().any(|known| known == tag))
    };
    let names: Vec<&str> = datadog.data.metrics.iter().filter(fits).map(|metric| metric.name.as_str()).collect();
    Json(json!({"from": from.to_string(), "metrics": names})).into_response()
}

async fn query(State(datadog): Shared, Query(parameters): Parameters) -> Response {
    let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(from), Some(to), Some(query)) = (number("from"), number("to"), parameters.get("query")) else {
        return refused(StatusCode::BAD_REQUEST, "from, to and query are required");
    };
    let Some((name, scope)) = metric_query(query) else {
        return refused(StatusCode::BAD_REQUEST, &format!("Error parsing query: {query}"));
    };
    let fits = |metric: &&Metric| metric.name == name && scope.iter().all(|tag| metric.tags.contains(tag));
    let series: Vec<Value> = datadog.data.metrics.iter().filter(fits).map(|m| m.series(from, to, query)).collect();
    Json(json!({
        "status": "ok", "res_type": "time_series", "resp_version": 1, "query": query, "message": "", "group_by": [],
        "from_date": from * 1000, "to_date": to * 1000, "series": series,
    }))
    .into_response()
}

/// The name and the tags of `avg:name{tag,tag} by {key}.as_count()`.
fn metric_query(query: &str) -> Option<(String, Vec<String>)> {
    let pattern = r"^(?:avg|sum|min|max|p\d\d):([\w.]+)\{([^{}]*)\}(?: ?by ?\{[\w,.]+\})?(?:\.as_(?:count|rate)\(\)|\.rollup\([\w, ]+\))*$";
    let found = Regex::new(pattern).ok()?.captures(query.trim())?;
    let scope = found.get(2)?.as_str().split(',').map(str::trim).filter(|tag| !matches!(*tag, "" | "*"));
    Some((found.get(1)?.as_str().to_owned(), scope.map(str::to_owned).collect()))
}

async fn logs(State(datadog): Shared, Json(body): Json<Value>) -> Response {
    found(&datadog.data.logs, &body, 1000)
}

async fn events(State(datadog): Shared, Json(body): Json<Value>) -> Response {
    found(&datadog.data.events, &body, 1000)
}

async fn spans(State(datadog): Shared, Json(body): Json<Value>) -> Response {
    if body["data"]["type"] != "search_request" {
        return refused(StatusCode::BAD_REQUEST, "data.type must be search_request");
    }
    found(&datadog.data.spans, &body["data"]["attributes"], 1000)
}

/// One page of what a search finds.
fn found(all: &[Value], body: &Value, most: usize) -> Response {
    let mut fitting = match filtered(all, &body["filter"]) {
        Ok(fitting) => fitting,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    fitting.sort_by_key(|item| time_of(item));
    if body["sort"] != "timestamp" {
        fitting.reverse();
    }
    let limit = body["page"]["limit"].as_u64().unwrap_or(10) as usize;
    if limit > most {
        return refused(StatusCode::BAD_REQUEST, "page.limit is too large");
    }
    let offset = match body["page"]["cursor"].as_str() {
        None => 0,
        Some(cursor) => match cursor.strip_prefix("after-").and_then(|offset| offset.parse::<usize>().ok()) {
            Some(offset) => offset,
            None => return refused(StatusCode::BAD_REQUEST, "Invalid cursor"),
        },
    };
    let page: Vec<&Value> = fitting.iter().skip(offset).take(limit).copied().collect();
    let mut answer = json!({"data": page, "meta": {"elapsed": 12, "request_id": "r", "status": "done"}});
    if offset + page.len() < fitting.len() {
        answer["meta"]["page"] = json!({"after": format!("after-{}", offset + page.len())});
    }
    Json(answer).into_response()
}

fn filtered<'a>(all: &'a [Value], filter: &Value) -> Result<Vec<&'a Value>, String> {
    let search = Search::parse(filter["query"].as_str().unwrap_or("*"))?;
    let time = |key: &str| -> Result<Timestamp, String> {
        let text = filter[key].as_str().ok_or("a time is missing")?;
        text.parse().map_err(|_| format!("`{text}` is no time"))
    };
    let (from, to) = (time("from")?, time("to")?);
    let fits = |item: &&Value| {
        let text = |place: &str| item.pointer(place).and_then(Value::as_str).unwrap_or_default();
        // Words are looked for in the message and, of events, in the title.
        let message = &format!("{} {}", text("/attributes/message"), text("/attributes/attributes/title"));
        time_of(item).is_some_and(|time| time >= from && time < to) && search.matches(&|key| field(item, key), message)
    };
    Ok(all.iter().filter(fits).collect())
}

fn time_of(item: &Value) -> Option<Timestamp> {
    let attributes = &item["attributes"];
    attributes["timestamp"].as_str().or(attributes["start_timestamp"].as_str())?.parse().ok()
}

/// What a search means by a key: a reserved attribute, an attribute (`@`), or a tag.
fn field(item: &Value, key: &str) -> Vec<Value> {
    let attributes = &item["attributes"];
    let dug = |root: &Value, path: &str| {
        let mut here = root.clone();
        for part in path.split('.') {
            here = here[part].clone();
        }
        here
    };
    let mut values: Vec<Value> = match key.strip_prefix('@') {
        Some(path) => vec![dug(&attributes["attributes"], path), dug(&attributes["custom"], path)],
        None => vec![attributes[key].clone(), attributes["attributes"][key].clone()],
    };
    for tag in attributes["tags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        values.extend(tag.split_once(':').filter(|(name, _)| *name == key).map(|(_, value)| Value::from(value)));
    }
    values.retain(|value| !value.is_null());
    values
}

fn tagged(item: &Value, tag: &str) -> bool {
    item["tags"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag))
}

/// Counts of logs in steps of time, by facets.
async fn aggregate(State(datadog): Shared, Json(body): Json<Value>) -> Response {
    let fitting = match filtered(&datadog.data.logs, &body["filter"]) {
        Ok(fitting) => fitting,
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    let compute = &body["compute"][0];
    if compute["aggregation"] != "count" || compute["type"] != "timeseries" {
        return refused(StatusCode::BAD_REQUEST, "this simulator counts over time alone");
    }
    let interval = compute["interval"].as_str().unwrap_or("5m");
    let (number, unit) = interval.split_at(interval.len().saturating_sub(1));
    let step = match (number.parse::<i64>(), unit) {
        (Ok(number), "s") => number,
        (Ok(number), "m") => number * 60,
        (Ok(number), "h") => number * 3600,
        _ => return refused(StatusCode::BAD_REQUEST, "the interval is odd"),
    };
    let facets: Vec<&str> =
        body["group_by"].as_array().into_iter().flatten().filter_map(|by| by["facet"].as_str()).collect();
    let mut groups: BTreeMap<Vec<String>, BTreeMap<i64, u64>> = BTreeMap::new();
    for log in fitting {
        let by = facets.iter().map(|facet| field(log, facet).first().and_then(Value::as_str).unwrap_or("").to_owned());
        let second = time_of(log).map_or(0, Timestamp::as_second);
        *groups.entry(by.collect()).or_default().entry(second - second.rem_euclid(step)).or_default() += 1;
    }
    let buckets = groups.into_iter().map(|(values, counts)| {
        let by: serde_json::Map<String, Value> =
            facets.iter().zip(values).map(|(facet, value)| ((*facet).to_owned(), Value::from(value))).collect();
        let points = counts.into_iter().filter_map(|(second, count)| {
            Some(json!({"time": Timestamp::from_second(second).ok()?.to_string(), "value": count}))
        });
        json!({"by": by, "computes": {"c0": points.collect::<Vec<_>>()}})
    });
    let buckets: Vec<Value> = buckets.collect();
    Json(json!({"data": {"buckets": buckets}, "meta": {"status": "done", "elapsed": 9}})).into_response()
}
