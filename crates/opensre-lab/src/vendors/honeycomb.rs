//! Honeycomb's API, as far as it is read: who a key belongs to, datasets, columns, and queries whose results are polled.
//!
//! Facts from the vendor's API reference: "Auth", "Datasets", "Columns", "Queries" (query specification), "Query Data"
//! (create, run, poll), "Time Functions in Calculated Fields" and "Rate Limits".

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::stage::Stage;

/// One event of a dataset.
#[derive(Debug, Clone)]
pub struct Event {
    /// The dataset's slug.
    pub dataset: String,
    /// When it happened.
    pub time: Timestamp,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// One environment of one team.
#[derive(Debug)]
pub struct Honeycomb {
    /// Requests and misbehaviour.
    pub stage: Arc<Stage>,
    key: String,
    environment: String,
    events: Vec<Event>,
    /// How many times a result is not complete yet when it is asked for.
    polls: usize,
    state: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    queries: HashMap<String, (String, Value)>,
    results: HashMap<String, (String, Value, usize)>,
}

type Shared = State<Arc<Honeycomb>>;

impl Honeycomb {
    /// An environment with its key and events; results are complete after `polls` questions.
    pub fn new(environment: &str, key: &str, events: Vec<Event>, polls: usize) -> Arc<Self> {
        Arc::new(Self {
            stage: Arc::default(),
            key: key.to_owned(),
            environment: environment.to_owned(),
            events,
            polls,
            state: Mutex::default(),
        })
    }

    /// The API.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/1/auth", get(auth))
            .route("/1/datasets", get(datasets))
            .route("/1/columns/{dataset}", get(columns))
            .route("/1/queries/{dataset}", post(create))
            .route("/1/query_results/{dataset}", post(start))
            .route("/1/query_results/{dataset}/{id}", get(poll))
            .fallback(async || refused(StatusCode::NOT_FOUND, "Not found"))
            .layer(from_fn_with_state(Arc::clone(self), authenticated))
            .with_state(Arc::clone(self));
        self.stage.around(router)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of<'a>(&'a self, dataset: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| dataset == "__all__" || event.dataset == dataset)
    }

    fn columns<'a>(&'a self, dataset: &'a str) -> BTreeMap<&'a str, &'static str> {
        let mut columns = BTreeMap::new();
        for (name, value) in self.of(dataset).flat_map(|event| &event.fields) {
            let kind = match value {
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "float",
                Value::Number(_) => "integer",
                _ => "string",
            };
            columns.insert(name.as_str(), kind);
        }
        columns
    }
}

async fn authenticated(State(honeycomb): Shared, request: Request, next: Next) -> Response {
    let given = request.headers().get("x-honeycomb-team").and_then(|value| value.to_str().ok());
    if given == Some(&honeycomb.key) {
        next.run(request).await
    } else {
        refused(StatusCode::UNAUTHORIZED, "unknown API key - check your credentials")
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

async fn auth(State(honeycomb): Shared) -> Json<Value> {
    let name = &honeycomb.environment;
    Json(json!({
        "id": "hcxlk_1", "type": "configuration", "api_key_access": {"events": true, "queries": true, "columns": true},
        "environment": {"name": name, "slug": name.to_lowercase()}, "team": {"name": "Shop Inc", "slug": "shop-inc"},
    }))
}

async fn datasets(State(honeycomb): Shared) -> Json<Value> {
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for event in &honeycomb.events {
        let known = last.entry(&event.dataset).or_insert(event.time);
        *known = event.time.max(*known);
    }
    let all =
        last.into_iter().map(|(slug, time)| json!({"name": slug, "slug": slug, "last_written_at": time.to_string()}));
    Json(all.collect())
}

async fn columns(State(honeycomb): Shared, Path(dataset): Path<String>) -> Response {
    let columns = honeycomb.columns(&dataset);
    if columns.is_empty() || dataset == "__all__" {
        return refused(StatusCode::NOT_FOUND, "Dataset not found");
    }
    let all =
        columns.into_iter().map(|(name, kind)| json!({"id": name, "key_name": name, "type": kind, "hidden": false}));
    Json(all.collect::<Value>()).into_response()
}

async fn create(State(honeycomb): Shared, Path(dataset): Path<String>, Json(spec): Json<Value>) -> Response {
    let known = honeycomb.columns(&dataset);
    let calculated: Vec<&str> = list(&spec, "calculated_fields").filter_map(|field| field["name"].as_str()).collect();
    let used = list(&spec, "breakdowns").filter_map(Value::as_str);
    let used = used
        .chain(list(&spec, "filters").chain(list(&spec, "calculations")).filter_map(|part| part["column"].as_str()));
    for column in used {
        if !known.contains_key(column) && !calculated.contains(&column) {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, &format!("unknown column name: {column}"));
        }
    }
    if spec["limit"].as_u64().is_some_and(|limit| limit > 1000) {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "limit is too large");
    }
    let mut state = honeycomb.state();
    let id = format!("q{}", state.queries.len());
    state.queries.insert(id.clone(), (dataset, spec));
    Json(json!({"id": id})).into_response()
}

async fn start(State(honeycomb): Shared, Path(dataset): Path<String>, Json(body): Json<Value>) -> Response {
    let mut state = honeycomb.state();
    let Some((_, spec)) = state.queries.get(body["query_id"].as_str().unwrap_or_default()).cloned() else {
        return refused(StatusCode::NOT_FOUND, "Query not found");
    };
    let id = format!("r{}", state.results.len());
    state.results.insert(id.clone(), (dataset, spec, honeycomb.polls));
    (StatusCode::CREATED, Json(json!({"id": id, "complete": false}))).into_response()
}

async fn poll(State(honeycomb): Shared, Path((dataset, id)): Path<(String, String)>) -> Response {
    let spec = {
        let mut state = honeycomb.state();
        let Some((_, spec, left)) = state.results.get_mut(&id) else {
            return refused(StatusCode::NOT_FOUND, "Query result not found");
        };
        if *left > 0 {
            *left -= 1;
            return Json(json!({"id": id, "complete": false})).into_response();
        }
        spec.clone()
    };
    let slug = honeycomb.environment.to_lowercase();
    Json(json!({
        "id": id, "complete": true, "query": spec, "data": answer(&honeycomb, &dataset, &spec),
        "links": {"query_url": format!("https://ui.honeycomb.io/shop-inc/environments/{slug}/result/{id}")},
    }))
    .into_response()
}

fn list<'a>(spec: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    spec[key].as_array().into_iter().flatten()
}

/// `results` and `series` of a query.
fn answer(honeycomb: &Honeycomb, dataset: &str, spec: &Value) -> Value {
    let (from, to) = (spec["start_time"].as_i64().unwrap_or(0), spec["end_time"].as_i64().unwrap_or(i64::MAX));
    let events: Vec<(i64, Map<String, Value>)> = honeycomb
        .of(dataset)
        .filter(|event| (from..to).contains(&event.time.as_second()))
        .map(|event| {
            let mut fields = event.fields.clone();
            for field in list(spec, "calculated_fields").filter(|field| field["expression"] == "EVENT_TIMESTAMP()") {
                let seconds = event.time.as_microsecond() as f64 / 1e6;
                fields.insert(field["name"].as_str().unwrap_or_default().to_owned(), json!(seconds));
            }
            (event.time.as_second(), fields)
        })
        .filter(|(_, fields)| list(spec, "filters").all(|filter| fits(fields, filter)))
        .collect();
    let rows: Vec<&Map<String, Value>> = events.iter().map(|(_, fields)| fields).collect();
    let mut results = grouped(&rows, spec);
    for order in spec["orders"].as_array().into_iter().flatten().rev() {
        let key = match (order["op"].as_str(), order["column"].as_str()) {
            (Some(op), Some(column)) => format!("{op}({column})"),
            (Some(op), None) => op.to_owned(),
            (None, column) => column.unwrap_or_default().to_owned(),
        };
        results.sort_by(|a, b| a[&key].as_f64().unwrap_or(0.0).total_cmp(&b[&key].as_f64().unwrap_or(0.0)));
        if order["order"] == "descending" {
            results.reverse();
        }
    }
    results.truncate(spec["limit"].as_u64().unwrap_or(100) as usize);
    let step = spec["granularity"].as_i64().unwrap_or(60).max(1);
    let mut by_time: BTreeMap<i64, Vec<&Map<String, Value>>> = BTreeMap::new();
    for (second, fields) in &events {
        by_time.entry(second - second.rem_euclid(step)).or_default().push(fields);
    }
    let series = by_time.into_iter().flat_map(|(second, rows)| {
        let time = Timestamp::from_second(second).map(|time| time.to_string()).unwrap_or_default();
        grouped(&rows, spec).into_iter().map(move |row| json!({"time": time, "data": row}))
    });
    let series: Vec<Value> = series.collect();
    let results: Vec<Value> = results.into_iter().map(|row| json!({"data": row})).collect();
    json!({"results": results, "series": series})
}

fn fits(fields: &Map<String, Value>, filter: &Value) -> bool {
    let own = filter["column"].as_str().and_then(|column| fields.get(column));
    let wanted = &filter["value"];
    match filter["op"].as_str().unwrap_or_default() {
        "=" => own == Some(wanted),
        "exists" => own.is_some(),
        "in" => own.is_some_and(|own| wanted.as_array().is_some_and(|all| all.contains(own))),
        ">=" => own.and_then(Value::as_f64) >= wanted.as_f64() && own.is_some(),
        _ => false,
    }
}

fn grouped(rows: &[&Map<String, Value>], spec: &Value) -> Vec<Value> {
    let breakdowns: Vec<&str> = list(spec, "breakdowns").filter_map(Value::as_str).collect();
    let mut groups: BTreeMap<String, Vec<&Map<String, Value>>> = BTreeMap::new();
    for row in rows {
        let key: Vec<String> =
            breakdowns.iter().map(|column| row.get(*column).map(Value::to_string).unwrap_or_default()).collect();
        groups.entry(key.join("\u{1f}")).or_default().push(row);
    }
    groups
        .into_values()
        .map(|rows| {
            let mut data = Map::new();
            for column in &breakdowns {
                data.insert((*column).to_owned(), rows[0].get(*column).cloned().unwrap_or(Value::Null));
            }
            for calculation in list(spec, "calculations") {
                let (op, column) = (calculation["op"].as_str().unwrap_or_default(), calculation["column"].as_str());
                let mut values: Vec<f64> =
                    column.iter().flat_map(|c| rows.iter().filter_map(|row| row.get(*c)?.as_f64())).collect();
                values.sort_by(f64::total_cmp);
                let (name, value) = match (op, column) {
                    ("COUNT", _) => ("COUNT".to_owned(), Some(rows.len() as f64)),
                    ("MIN", Some(column)) => (format!("MIN({column})"), values.first().copied()),
                    ("MAX", Some(column)) => (format!("MAX({column})"), values.last().copied()),
                    ("P95", Some(column)) => (format!("P95({column})"), values.get(values.len() * 95 / 100).copied()),
                    (op, column) => (format!("{op}({})", column.unwrap_or_default()), None),
                };
                data.insert(name, json!(value));
            }
            Value::Object(data)
        })
        .collect()
}

/// `checkout-api` (environment `prod`), whose calls to `payments-db` fail from the onset on; its logs say so too.
/// Each service has a dataset of its own, as OpenTelemetry data has.
pub fn checkout(onset: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |dataset: &str, seconds: i64, fields: Value| {
        let time = onset + SignedDuration::from_secs(seconds);
        events.push(Event {
            dataset: dataset.to_owned(),
            time,
            fields: fields.as_object().cloned().unwrap_or_default(),
        });
    };
    for seconds in (-6000..1800_i64).step_by(60) {
        let failed = seconds >= 0;
        let trace = format!("{:032x}", if failed { 0xabc0_0000 + seconds } else { 0xdef0_0000 - seconds });
        let duration = if failed { 2000.0 } else { 40.0 + (seconds % 7) as f64 };
        add(
            "checkout-api",
            seconds,
            json!({"service.name": "checkout-api", "name": "POST /checkout", "trace.trace_id": trace, "trace.span_id": "a1",
                   "duration_ms": duration, "error": failed, "span.kind": "server", "deployment.environment": "prod",
                   "status_message": if failed { "payment failed" } else { "" }}),
        );
        add(
            "checkout-api",
            seconds,
            json!({"service.name": "checkout-api", "name": "postgres.connect", "trace.trace_id": trace, "trace.span_id": "b2",
                   "trace.parent_id": "a1", "duration_ms": duration / 2.0, "error": failed, "span.kind": "client",
                   "db.system": "postgresql", "server.address": "payments-db", "deployment.environment": "prod",
                   "exception.message": if failed { "too many clients already" } else { "" }}),
        );
        add(
            "search",
            seconds,
            json!({"service.name": "search", "name": "GET /search", "trace.trace_id": format!("{:032x}", 7 - seconds.min(0)),
                   "trace.span_id": "c3", "duration_ms": 5.0, "error": false}),
        );
        add(
            "checkout-api",
            seconds,
            json!({"service.name": "checkout-api", "severity_text": "INFO", "body": format!("cart {seconds} served")}),
        );
        if failed {
            add(
                "checkout-api",
                seconds + 1,
                json!({"service.name": "checkout-api", "severity_text": "ERROR", "trace.trace_id": trace,
                       "body": "connection to payments-db refused: too many clients already"}),
            );
        }
    }
    events
}
