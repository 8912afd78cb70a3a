//! What surrounds a simulator: it remembers every request, and misbehaves when told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use serde_json::Value;

/// Bodies larger than this are cut off.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A request, as the server saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path, as sent.
    pub path: String,
    /// Query parameters, decoded; the last of a name counts.
    pub query: BTreeMap<String, String>,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON; null where it is none.
    pub body: Value,
}

/// How a server misbehaves.
#[derive(Debug, Clone)]
pub enum Misbehaviour {
    /// Answers with this status, these headers and this body.
    Status(u16, Vec<(&'static str, String)>, Value),
    /// Answers 200 with an HTML login page.
    LoginPage,
    /// Answers 200 with JSON whose values are of other types.
    WrongTypes,
    /// Answers with the right JSON and so many bytes of white space behind it.
    Huge(usize),
    /// Answers after this time.
    Slow(Duration),
    /// Sends half of the answer and breaks the connection.
    Cut,
}

#[derive(Debug)]
struct Planned {
    path: String,
    times: Option<usize>,
    how: Misbehaviour,
}

/// The record of requests and the plan of misbehaviour of one server.
#[derive(Debug, Default)]
pub struct Stage {
    seen: Mutex<Vec<Seen>>,
    plan: Mutex<Vec<Planned>>,
}

impl Stage {
    /// Every request so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// The requests whose path begins so.
    pub fn asked(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path.starts_with(path)).collect()
    }

    /// Misbehaves at all paths that begin so, from now on.
    pub fn misbehave(&self, path: &str, how: Misbehaviour) {
        lock(&self.plan).push(Planned { path: path.to_owned(), times: None, how });
    }

    /// Misbehaves at paths that begin so, so many times.
    pub fn misbehave_times(&self, path: &str, times: usize, how: Misbehaviour) {
        lock(&self.plan).push(Planned { path: path.to_owned(), times: Some(times), how });
    }

    /// Puts a router on this stage.
    pub fn around(self: &Arc<Self>, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::clone(self), play))
    }

    fn planned(&self, path: &str) -> Option<Misbehaviour> {
        let mut plan = lock(&self.plan);
        let fits = |planned: &&mut Planned| path.starts_with(&planned.path) && planned.times != Some(0);
        let planned = plan.iter_mut().find(fits)?;
        planned.times = planned.times.map(|times| times - 1);
        Some(planned.how.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn play(State(stage): State<Arc<Stage>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    lock(&stage.seen).push(Seen {
        method: parts.method.to_string(),
        path: path.clone(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    });
    let right = next.run(Request::from_parts(parts, Body::from(body)));
    match stage.planned(&path) {
        None => right.await,
        Some(Misbehaviour::Status(status, headers, body)) => refusal(status, headers, &body),
        Some(Misbehaviour::LoginPage) => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], "<!DOCTYPE html><html><body>Log in</body></html>")
                .into_response()
        }
        Some(Misbehaviour::WrongTypes) => {
            let right: Value = serde_json::from_slice(&whole(right.await).await).unwrap_or(Value::Null);
            ([(header::CONTENT_TYPE, "application/json")], twisted(&right).to_string()).into_response()
        }
        Some(Misbehaviour::Huge(bytes)) => {
            let mut body = whole(right.await).await.to_vec();
            body.resize(body.len() + bytes, b' ');
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Some(Misbehaviour::Slow(time)) => {
            tokio::time::sleep(time).await;
            right.await
        }
        Some(Misbehaviour::Cut) => cut(&whole(right.await).await),
    }
}

fn refusal(status: u16, headers: Vec<(&'static str, String)>, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body.to_string())).unwrap_or_else(|_| status.into_response())
}

async fn whole(response: Response) -> Bytes {
    to_bytes(response.into_body(), MOST_BYTES).await.unwrap_or_default()
}

/// The head promises the whole body, half of it comes, then the connection breaks.
fn cut(body: &Bytes) -> Response {
    let length = body.len().max(2);
    let half = stream::iter([Ok(body.slice(..body.len() / 2))]);
    let broken = stream::once(async {
        // Head and first half must be on their way, or the client would see a connection that never answered.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let response = Response::builder().header(header::CONTENT_LENGTH, length);
    response.body(Body::from_stream(half.chain(broken))).unwrap_or_default()
}

/// The same structure with every value of another type.
fn twisted(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("null"),
        Value::Bool(flag) => Value::from(if *flag { "yes" } else { "no" }),
        Value::Number(number) => Value::from(number.to_string()),
        Value::String(text) => Value::from(text.len()),
        Value::Array(items) => {
            Value::Object(items.iter().enumerate().map(|(index, item)| (index.to_string(), twisted(item))).collect())
        }
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), twisted(item))).collect(),
    }
}
