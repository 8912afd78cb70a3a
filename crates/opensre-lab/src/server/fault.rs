//! Plays faults: what a misbehaving server answers instead.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::exchange::Reply;
use super::{grafana, prometheus};
use crate::fault::{Fault, FaultKind};
use crate::scenario::Service;

/// The faults of one instance; they can be changed while it runs.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Mutex<Vec<Fault>>,
}

/// What the faults do to one request.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    pub(crate) latency: Duration,
    pub(crate) kind: Option<FaultKind>,
}

impl Faults {
    pub(crate) fn new(list: Vec<Fault>) -> Self {
        Self { list: Mutex::new(list) }
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The effect on a request for `path`, counting it against limited faults.
    pub(crate) fn effect(&self, path: &str) -> Effect {
        let mut effect = Effect::default();
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in list.iter_mut().filter(|fault| path.starts_with(&fault.path)) {
            match &mut fault.times {
                Some(0) => continue,
                Some(times) => *times -= 1,
                None => {}
            }
            if let FaultKind::Latency(length) = &fault.kind {
                effect.latency += length.duration();
            } else {
                effect.kind = Some(fault.kind.clone());
                break;
            }
        }
        effect
    }
}

/// The answer of a fault that replaces the right one; none for faults of the connection.
pub(crate) fn replacement(service: Service, kind: &FaultKind, right: &Reply) -> Option<Reply> {
    match kind {
        FaultKind::Status { code, retry_after } => {
            let mut reply = status(service, *code);
            if let Some(seconds) = retry_after {
                reply.headers.push(("retry-after", seconds.to_string()));
            }
            Some(reply)
        }
        FaultKind::LoginPage => Some(Reply::html(StatusCode::OK, grafana::LOGIN_PAGE)),
        FaultKind::WrongTypes => {
            let mut reply = right.clone();
            let value: Value = serde_json::from_slice(&right.body).unwrap_or(Value::Null);
            reply.body = twisted(&value).to_string().into_bytes();
            Some(reply)
        }
        FaultKind::Huge(bytes) => {
            let mut reply = right.clone();
            // Valid JSON all the same: white space may follow a value.
            let missing = usize::try_from(*bytes).unwrap_or(usize::MAX).saturating_sub(reply.body.len());
            reply.body.resize(reply.body.len() + missing, b' ');
            Some(reply)
        }
        FaultKind::Latency(_) | FaultKind::SlowBody(_) | FaultKind::Cut => None,
    }
}

/// An error with the body that the service's own code, or the proxy before it, sends.
fn status(service: Service, code: u16) -> Reply {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match (service, code) {
        (Service::Grafana, 401) => grafana::unauthorized(true),
        (Service::Grafana, 403) => Reply::json(
            status,
            &json!({
                "accessErrorId": "ACE9823061954", "title": "Access denied",
                "message": "You'll need additional permissions to perform this action. Permissions needed: datasources:query",
            }),
        ),
        (Service::Grafana, 404) => grafana::message(status, "Not found"),
        (Service::Grafana, 500) => grafana::message(status, "Internal server error"),
        (Service::Prometheus, 500) => prometheus::failure(status, "internal", "unexpected error: disk read failed"),
        (Service::Prometheus, 503) => {
            prometheus::failure(status, "timeout", "query timed out in expression evaluation")
        }
        (Service::Loki | Service::Tempo, 429) => Reply::text(status, "too many outstanding requests"),
        (_, 502..=504) => Reply::html(
            status,
            format!(
                "<html>\r\n<head><title>{code} {reason}</title></head>\r\n<body>\r\n<center><h1>{code} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
                reason = status.canonical_reason().unwrap_or("Error"),
            ),
        ),
        _ => Reply::text(status, status.canonical_reason().unwrap_or("error")),
    }
}

/// The same structure with every scalar of another type and every inner list turned into an object.
fn twisted(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(flag) => json!(if *flag { "yes" } else { "no" }),
        Value::Number(number) => json!(number.to_string()),
        // `status: success` stays, so that the damage lies deeper than the first check.
        Value::String(text) if text == "success" => json!(text),
        Value::String(text) => json!(text.len()),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::Array(inner) => {
                    let pairs = inner.iter().enumerate().map(|(index, item)| (index.to_string(), item.clone()));
                    Value::Object(pairs.collect())
                }
                other => twisted(other),
            })
            .collect(),
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), twisted(item))).collect(),
    }
}
