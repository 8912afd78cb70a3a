//! Which columns of an environment say what: nothing is assumed, a column is used only where it is there.
//!
//! The names are those of OpenTelemetry's semantic conventions as Honeycomb stores them, and of Honeycomb's own
//! Beelines (vendor pages "Columns" and "Dataset definitions").

use std::collections::BTreeMap;

use opensre_model::alert::Labels;
use serde_json::{Value as Json, json};

use crate::failure::Failure;

/// Columns that are there, with their types (`string`, `float`, `integer`, `boolean`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<String, String>);

/// What a column can say, and its usual names, the most usual first.
pub mod names {
    /// The service.
    pub const SERVICE: &[&str] = &["service.name", "service_name", "serviceName", "service"];
    /// The trace.
    pub const TRACE: &[&str] = &["trace.trace_id", "trace_id", "traceId"];
    /// The span.
    pub const SPAN: &[&str] = &["trace.span_id", "span_id", "spanId"];
    /// The span's parent.
    pub const PARENT: &[&str] = &["trace.parent_id", "parent_id", "parentId"];
    /// The operation.
    pub const NAME: &[&str] = &["name", "span.name", "operation.name"];
    /// How long it took, in milliseconds.
    pub const DURATION: &[&str] = &["duration_ms", "durationMs"];
    /// Whether it failed.
    pub const ERROR: &[&str] = &["error", "status.error", "request.error"];
    /// Why it failed.
    pub const MESSAGES: &[&str] =
        &["exception.message", "error.message", "status_message", "error_detail", "exception.type", "error.type"];
    /// The text of a log line.
    pub const BODY: &[&str] = &["body", "message", "msg", "log.message", "log.body"];
    /// The level of a log line.
    pub const LEVEL: &[&str] = &["severity_text", "severity", "level", "log.level", "loglevel"];
    /// Where it ran, with the labels of alerts that say the same.
    pub const SCOPES: &[(&[&str], &[&str])] = &[
        (
            &["env", "environment", "deployment_environment"],
            &["deployment.environment", "deployment.environment.name", "environment", "env"],
        ),
        (&["namespace", "kube_namespace", "k8s_namespace_name"], &["k8s.namespace.name", "service.namespace"]),
        (&["cluster", "kube_cluster_name", "k8s_cluster_name"], &["k8s.cluster.name"]),
    ];
    /// What is worth keeping of a span.
    pub const KEPT: &[&str] = &[
        "span.kind",
        "peer.service",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        "server.address",
        "net.peer.name",
        "messaging.system",
        "messaging.destination.name",
        "rpc.service",
        "http.status_code",
        "http.response.status_code",
        "http.route",
    ];
}

impl Columns {
    /// Adds those of one dataset: the answer of `GET /1/columns/{dataset}`.
    pub fn add(&mut self, answer: &Json) -> Result<(), Failure> {
        let Json::Array(columns) = answer else {
            return Err(Failure::nonsense("the answer is not Honeycomb's: the columns are no list"));
        };
        for column in columns {
            if let Some(name) = column.get("key_name").and_then(Json::as_str) {
                let kind = column.get("type").and_then(Json::as_str).unwrap_or("string");
                self.0.entry(name.to_owned()).or_insert_with(|| kind.to_owned());
            }
        }
        Ok(())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The first of these names that is there.
    pub fn find(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.0.contains_key(*name))
    }

    /// Those of these names that are there.
    pub fn all(&self, names: &[&'static str]) -> Vec<&'static str> {
        names.iter().copied().filter(|name| self.0.contains_key(*name)).collect()
    }

    /// The filter for what failed: true where the column is a boolean, there at all where it is a text.
    pub fn failed(&self) -> Option<Json> {
        let column = self.find(names::ERROR)?;
        Some(match self.0[column].as_str() {
            "boolean" => json!({"column": column, "op": "=", "value": true}),
            "integer" | "float" => json!({"column": column, "op": ">=", "value": 1}),
            _ => json!({"column": column, "op": "exists"}),
        })
    }

    /// Filters for where an alert says that it happened, each with the alert's words (`env=prod`).
    pub fn scope(&self, labels: &Labels) -> Vec<(Json, String)> {
        let one = |(own, columns): &(&[&str], &'static [&'static str])| {
            let label = own.iter().find(|label| labels.get(**label).is_some_and(|value| !value.trim().is_empty()))?;
            let value = labels[*label].trim();
            Some((equal(self.find(columns)?, value), format!("{label}={value}")))
        };
        names::SCOPES.iter().filter_map(one).collect()
    }
}

/// A filter for a value.
pub fn equal(column: &str, value: &str) -> Json {
    json!({"column": column, "op": "=", "value": value})
}
