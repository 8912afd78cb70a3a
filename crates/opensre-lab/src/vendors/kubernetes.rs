//! A Kubernetes API server: lists in pages, metadata-only lists, logs as text, reviews of who one is and what one may do.
//!
//! Source: "Kubernetes API Concepts" (chunks, `410 Gone` of a stale continue token, `PartialObjectMetadataList`, field
//! selectors), the API reference's pages of the kinds, and the `Status` object with which every refusal is told.

pub mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use futures::stream;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};
use url::form_urlencoded;

/// A request that the server saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// Parameters, decoded; the last of a name counts.
    pub query: BTreeMap<String, String>,
    /// The `Authorization` header; empty without one.
    pub authorization: String,
    /// The `Accept` header.
    pub accept: String,
    /// The headers of impersonation, by name.
    pub impersonation: BTreeMap<String, String>,
}

/// How the server fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// This status, as a `Status` object, with `Retry-After` in seconds if given.
    Status(u16, Option<u32>),
    /// The answer comes that much later.
    Slow(Duration),
    /// The connection breaks within the body.
    Cut,
    /// 200 and an HTML page.
    LoginPage,
    /// The right structure with wrong types in it.
    WrongTypes,
    /// A valid list of at least that many bytes.
    Huge(usize),
    /// 403, with the `Authorization` header in its message.
    Echo,
}

/// A cluster. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    token: String,
    authenticator: Option<Authenticator>,
    user: String,
    uid: String,
    now: Timestamp,
    /// By group and version, plural: the objects in the order of their keys.
    objects: BTreeMap<(String, String), Vec<Value>>,
    /// By namespace, pod, container, and whether of the life before.
    logs: BTreeMap<(String, String, String, bool), String>,
    denied: BTreeSet<String>,
    absent: BTreeSet<String>,
    expiring: u32,
    misbehaviours: Vec<(String, Misbehaviour, Option<u32>)>,
    seen: Vec<Seen>,
}

/// Says whose a bearer token is.
type WhoseToken = dyn Fn(&str) -> Option<String> + Send + Sync;

#[derive(Clone)]
struct Authenticator(Arc<WhoseToken>);

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}

impl Cluster {
    /// An empty cluster that knows one user by one token. `uid` is that of its `kube-system`, `now` its clock.
    pub fn new(token: &str, user: &str, uid: &str, now: Timestamp) -> Self {
        let state = State {
            token: token.to_owned(),
            authenticator: None,
            user: user.to_owned(),
            uid: uid.to_owned(),
            now,
            objects: BTreeMap::new(),
            logs: BTreeMap::new(),
            denied: BTreeSet::new(),
            absent: BTreeSet::new(),
            expiring: 0,
            misbehaviours: Vec::new(),
            seen: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks somebody else whose a bearer token is, from now on, instead of knowing one (a webhook token authenticator, as
    /// EKS has one).
    pub fn authenticate(&self, whose: impl Fn(&str) -> Option<String> + Send + Sync + 'static) {
        self.state().authenticator = Some(Authenticator(Arc::new(whose)));
    }

    /// Adds an object: `put("api/v1", "pods", json!({...}))`.
    pub fn put(&self, group: &str, plural: &str, object: Value) {
        self.state().objects.entry((group.to_owned(), plural.to_owned())).or_default().push(object);
    }

    /// Adds a log; every line of `text` begins with its time.
    pub fn log(&self, namespace: &str, pod: &str, container: &str, previous: bool, text: &str) {
        let key = (namespace.to_owned(), pod.to_owned(), container.to_owned(), previous);
        self.state().logs.insert(key, text.to_owned());
    }

    /// Refuses a plural (`secrets`, `pods/log`) with 403 from now on.
    pub fn deny(&self, plural: &str) {
        self.state().denied.insert(plural.to_owned());
    }

    /// Does not serve a group (`apis/metrics.k8s.io/v1beta1`).
    pub fn without(&self, group: &str) {
        self.state().absent.insert(group.to_owned());
    }

    /// The next that many continue tokens are too old: 410 Gone.
    pub fn expire_tokens(&self, times: u32) {
        self.state().expiring = times;
    }

    /// Fails for paths that begin with `path`, that many times or always.
    pub fn misbehave(&self, path: &str, how: Misbehaviour, times: Option<u32>) {
        self.state().misbehaviours.push((path.to_owned(), how, times));
    }

    /// Everything that was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The requests whose path ends so.
    pub fn asked(&self, ending: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path.ends_with(ending)).collect()
    }
}

/// The API of a cluster.
pub fn router(cluster: &Cluster) -> Router {
    let cluster = cluster.clone();
    Router::new().fallback(move |request: Request| {
        let cluster = cluster.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1024 * 1024).await.unwrap_or_default();
            let query: BTreeMap<String, String> =
                form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
            let seen = Seen {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query,
                authorization: text(&parts.headers, "authorization"),
                accept: text(&parts.headers, "accept"),
                impersonation: parts
                    .headers
                    .iter()
                    .filter(|(name, _)| name.as_str().starts_with("impersonate-"))
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                    .collect(),
            };
            let (how, now) = cluster.meet(&seen);
            let answer = match how {
                Some(Misbehaviour::Echo) => {
                    let message = format!("user with {} may not", seen.authorization);
                    Answer::refusal(StatusCode::FORBIDDEN, "Forbidden", &message)
                }
                _ => cluster.answer(&seen, &body),
            };
            send(answer, how, now).await
        }
    })
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// An answer: status, type, extra headers, body.
struct Answer {
    status: StatusCode,
    content_type: &'static str,
    retry_after: Option<u32>,
    body: Vec<u8>,
}

impl Answer {
    fn json(status: StatusCode, body: &Value) -> Self {
        Self { status, content_type: "application/json", retry_after: None, body: body.to_string().into_bytes() }
    }

    fn plain(status: StatusCode, body: &str) -> Self {
        Self { status, content_type: "text/plain", retry_after: None, body: body.as_bytes().to_vec() }
    }

    /// A refusal, as the API server tells every one.
    fn refusal(status: StatusCode, reason: &str, message: &str) -> Self {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": status.as_u16(),
        });
        Self::json(status, &body)
    }
}

async fn send(answer: Answer, how: Option<Misbehaviour>, now: Timestamp) -> Response {
    let mut answer = answer;
    match how {
        Some(Misbehaviour::Slow(time)) => tokio::time::sleep(time).await,
        Some(Misbehaviour::Status(code, retry_after)) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            answer = Answer::refusal(status, "", "the server is on purpose unable to answer");
            answer.retry_after = retry_after;
        }
        Some(Misbehaviour::LoginPage) => {
            answer = Answer::plain(StatusCode::OK, "<!DOCTYPE html><html><body><form>Log in</form></body></html>");
            answer.content_type = "text/html; charset=utf-8";
        }
        Some(Misbehaviour::WrongTypes) => {
            let body = json!({"kind": 7, "metadata": [], "items": {"0": "pod"}, "status": "fine", "gitVersion": []});
            answer = Answer::json(StatusCode::OK, &body);
        }
        Some(Misbehaviour::Huge(bytes)) => {
            let body = json!({"kind": "List", "metadata": {}, "items": [{"metadata": {"name": "x".repeat(bytes)}}]});
            answer = Answer::json(StatusCode::OK, &body);
        }
        Some(Misbehaviour::Cut) => {
            let half = Bytes::copy_from_slice(&answer.body[..answer.body.len() / 2]);
            let pieces = stream::iter([Ok::<_, std::io::Error>(half), Err(std::io::ErrorKind::ConnectionReset.into())]);
            let mut response = Response::new(Body::from_stream(pieces));
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            return response;
        }
        Some(Misbehaviour::Echo) | None => {}
    }
    let pieces = stream::iter([Ok::<_, Infallible>(Bytes::from(answer.body))]);
    let mut response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, answer.content_type);
    if let Some(seconds) = answer.retry_after {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
        response = response.header(header::DATE, date);
    }
    response.body(Body::from_stream(pieces)).unwrap_or_default()
}

impl Cluster {
    /// Notes a request, and says how to fail it and what time it is.
    fn meet(&self, seen: &Seen) -> (Option<Misbehaviour>, Timestamp) {
        let mut state = self.state();
        state.seen.push(seen.clone());
        let now = state.now;
        let fitting = state
            .misbehaviours
            .iter_mut()
            .find(|(path, _, times)| seen.path.starts_with(path.as_str()) && *times != Some(0));
        let how = fitting.map(|(_, how, times)| {
            if let Some(times) = times {
                *times -= 1;
            }
            how.clone()
        });
        (how, now)
    }

    fn answer(&self, seen: &Seen, body: &[u8]) -> Answer {
        let mut state = self.state();
        let segments: Vec<&str> = seen.path.split('/').filter(|segment| !segment.is_empty()).collect();
        if segments == ["version"] {
            return Answer::json(StatusCode::OK, &json!({"major": "1", "minor": "33", "gitVersion": "v1.33.4"}));
        }
        let token = seen.authorization.strip_prefix("Bearer ").unwrap_or_default();
        let user = match &state.authenticator {
            Some(Authenticator(whose)) => whose(token),
            None => (token == state.token).then(|| state.user.clone()),
        };
        let Some(user) = user else {
            return Answer::refusal(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
        };
        match (seen.method.as_str(), segments.as_slice()) {
            ("POST", ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"]) => {
                let user = seen.impersonation.get("impersonate-user").unwrap_or(&user);
                let groups = ["system:authenticated"];
                let review = json!({
                    "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                    "metadata": {"creationTimestamp": state.now.to_string()},
                    "status": {"userInfo": {"username": user, "groups": groups}},
                });
                Answer::json(StatusCode::CREATED, &review)
            }
            ("POST", ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]) => {
                let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
                let plural = review.pointer("/spec/resourceAttributes/resource").and_then(Value::as_str);
                let namespace = review.pointer("/spec/resourceAttributes/namespace").and_then(Value::as_str);
                let everywhere = namespace.is_none() && state.denied.contains("all namespaces");
                let allowed = plural.is_some_and(|plural| !state.denied.contains(plural)) && !everywhere;
                review["status"] = json!({"allowed": allowed});
                Answer::json(StatusCode::CREATED, &review)
            }
            ("GET", ["api", "v1", "namespaces", "kube-system"]) => {
                if state.denied.contains("namespaces") {
                    return state.forbidden("namespaces", "");
                }
                let uid = &state.uid;
                let namespace = json!({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": uid}});
                Answer::json(StatusCode::OK, &namespace)
            }
            ("GET", ["api", "v1", "namespaces", namespace, "pods", pod, "log"]) => state.read_log(namespace, pod, seen),
            ("GET", [group @ .., "namespaces", namespace, plural]) => {
                state.list(&group.join("/"), Some(namespace), plural, seen)
            }
            ("GET", [group @ .., plural]) => state.list(&group.join("/"), None, plural, seen),
            _ => Answer::refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "this server only reads"),
        }
    }
}

impl State {
    fn forbidden(&self, plural: &str, group: &str) -> Answer {
        let message = format!(
            "{plural} is forbidden: User \"{}\" cannot list resource \"{plural}\" in API group \"{group}\"",
            self.user
        );
        Answer::refusal(StatusCode::FORBIDDEN, "Forbidden", &message)
    }

    fn list(&mut self, group: &str, namespace: Option<&str>, plural: &str, seen: &Seen) -> Answer {
        if !(group == "api/v1" || group.starts_with("apis/")) || self.absent.contains(group) {
            return Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        if self.denied.contains(plural) || (namespace.is_none() && self.denied.contains("all namespaces")) {
            return self.forbidden(plural, group);
        }
        let selectors = match selectors(seen.query.get("fieldSelector").map_or("", String::as_str)) {
            Ok(selectors) => selectors,
            Err(message) => return Answer::refusal(StatusCode::BAD_REQUEST, "BadRequest", &message),
        };
        let all = self.objects.get(&(group.to_owned(), plural.to_owned())).cloned().unwrap_or_default();
        let fitting: Vec<Value> = all
            .into_iter()
            .filter(|object| {
                let own = object.pointer("/metadata/namespace").and_then(Value::as_str);
                namespace.is_none_or(|namespace| own == Some(namespace))
            })
            .filter(|object| {
                selectors.iter().all(|(pointer, value)| object.pointer(pointer).and_then(Value::as_str) == Some(value))
            })
            .collect();
        let start = match seen.query.get("continue").map(|token| offset(token)) {
            Some(_) if self.expiring > 0 => {
                self.expiring -= 1;
                let message = "The provided continue parameter is too old to display a consistent list result.";
                return Answer::refusal(StatusCode::GONE, "Expired", message);
            }
            Some(None) => {
                return Answer::refusal(StatusCode::BAD_REQUEST, "BadRequest", "continue key is not valid");
            }
            Some(Some(start)) => start,
            None => 0,
        };
        let limit = seen.query.get("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
        let end = limit.map_or(fitting.len(), |limit| (start + limit).min(fitting.len()));
        let mut metadata = json!({"resourceVersion": "4711"});
        if end < fitting.len() {
            metadata["continue"] = json!(BASE64.encode(format!("v1:{end}")));
            // The server cannot count what a selector would leave out.
            if selectors.is_empty() {
                metadata["remainingItemCount"] = json!(fitting.len() - end);
            }
        }
        let page = fitting.get(start..end).unwrap_or_default();
        if seen.accept.contains("as=PartialObjectMetadataList") {
            let items: Vec<Value> = page
                .iter()
                .map(|object| {
                    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
                })
                .collect();
            let list = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
            });
            return Answer::json(StatusCode::OK, &list);
        }
        Answer::json(StatusCode::OK, &json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page}))
    }

    fn read_log(&self, namespace: &str, pod: &str, seen: &Seen) -> Answer {
        if self.denied.contains("pods/log") {
            return self.forbidden("pods/log", "");
        }
        if seen.accept.contains("json") && !seen.accept.contains("*/*") {
            return Answer::refusal(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", "only text/plain is to be had");
        }
        let parameter = |name: &str| seen.query.get(name).map(String::as_str);
        let container = parameter("container").unwrap_or_default();
        let previous = parameter("previous") == Some("true");
        let key = (namespace.to_owned(), pod.to_owned(), container.to_owned(), previous);
        let Some(log) = self.logs.get(&key) else {
            let known = self.logs.keys().any(|(known, name, ..)| known == namespace && name == pod);
            return match (known, previous) {
                (false, _) => Answer::refusal(StatusCode::NOT_FOUND, "NotFound", &format!("pods \"{pod}\" not found")),
                (true, true) => Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "BadRequest",
                    &format!("previous terminated container \"{container}\" in pod \"{pod}\" not found"),
                ),
                (true, false) => Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "BadRequest",
                    &format!("container {container} is not valid for pod {pod}"),
                ),
            };
        };
        let since = match parameter("sinceTime").map(str::parse::<Timestamp>) {
            Some(Err(_)) => {
                return Answer::refusal(StatusCode::BAD_REQUEST, "BadRequest", "sinceTime is no RFC3339 time");
            }
            Some(Ok(since)) => Some(since),
            None => None,
        };
        let time = |line: &str| line.split(' ').next().and_then(|time| time.parse::<Timestamp>().ok());
        let lines: Vec<&str> =
            log.lines().filter(|line| since.is_none_or(|since| time(line).is_some_and(|time| time >= since))).collect();
        let tail = parameter("tailLines").and_then(|lines| lines.parse::<usize>().ok()).unwrap_or(lines.len());
        let with_times = parameter("timestamps") == Some("true");
        let mut text = String::new();
        for line in lines.iter().skip(lines.len().saturating_sub(tail)) {
            text.push_str(if with_times { line } else { line.split_once(' ').map_or("", |(_, message)| message) });
            text.push('\n');
        }
        let mut bytes = text.into_bytes();
        if let Some(limit) = parameter("limitBytes").and_then(|limit| limit.parse::<usize>().ok()) {
            bytes.truncate(limit);
        }
        let mut answer = Answer::plain(StatusCode::OK, "");
        answer.body = bytes;
        answer
    }
}

/// The field selectors that the kinds here have in common, as pointers into the object and the value.
fn selectors(written: &str) -> Result<Vec<(&'static str, String)>, String> {
    written
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (field, value) = part.split_once('=').ok_or_else(|| format!("invalid selector: '{part}'"))?;
            let pointer = match field {
                "metadata.name" => "/metadata/name",
                "metadata.namespace" => "/metadata/namespace",
                "spec.nodeName" => "/spec/nodeName",
                "involvedObject.kind" => "/involvedObject/kind",
                "involvedObject.name" => "/involvedObject/name",
                other => return Err(format!("field label not supported: {other}")),
            };
            Ok((pointer, value.trim_start_matches('=').to_owned()))
        })
        .collect()
}

fn offset(token: &str) -> Option<usize> {
    let decoded = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    decoded.strip_prefix("v1:")?.parse().ok()
}
