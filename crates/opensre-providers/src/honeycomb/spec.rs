//! Query specifications, built as JSON: values of an alert are JSON values, never text of a language.
//!
//! Facts from the vendor's API reference "Queries" (query specification) and "Time Functions in Calculated Fields"
//! (`EVENT_TIMESTAMP()` is in seconds since 1970, as a float). Results are groups, never events: a group by what
//! tells one event from another stands for it.

use serde_json::{Value as Json, json};

use super::columns::{Columns, names};

/// The calculated field that holds an event's time.
pub const TIME: &str = "opensre_time";

/// Levels of errors and of warnings, as they are usually written.
pub const ERROR_LEVELS: &[&str] = &[
    "error",
    "Error",
    "ERROR",
    "err",
    "ERR",
    "fatal",
    "Fatal",
    "FATAL",
    "critical",
    "Critical",
    "CRITICAL",
    "crit",
    "panic",
    "PANIC",
    "severe",
    "SEVERE",
    "alert",
    "ALERT",
    "emergency",
    "EMERGENCY",
];

/// Levels of warnings.
pub const WARNING_LEVELS: &[&str] = &["warn", "Warn", "WARN", "warning", "Warning", "WARNING"];

/// Which spans are asked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The slowest.
    Slowest,
    /// The newest.
    Newest,
}

/// Spans that pass all filters. `None` where the columns that make a span are not there.
pub fn spans(columns: &Columns, filters: &[Json], order: Order, limit: usize) -> Option<Json> {
    let (trace, span) = (columns.find(names::TRACE)?, columns.find(names::SPAN)?);
    let duration = columns.find(names::DURATION)?;
    let mut breakdowns = vec![trace, span];
    for role in [names::PARENT, names::SERVICE, names::NAME, names::ERROR] {
        breakdowns.extend(columns.find(role));
    }
    breakdowns.extend(columns.all(names::MESSAGES));
    breakdowns.extend(columns.all(names::KEPT));
    let mut filters = filters.to_vec();
    // Logs and span events may have both ids; only spans took a time.
    filters.push(json!({"column": duration, "op": "exists"}));
    Some(json!({
        "calculations": [{"op": "MAX", "column": duration}, {"op": "MIN", "column": TIME}],
        "breakdowns": breakdowns,
        "filters": filters,
        "filter_combination": "AND",
        "calculated_fields": [{"name": TIME, "expression": "EVENT_TIMESTAMP()"}],
        "orders": match order {
            Order::Slowest => json!([{"op": "MAX", "column": duration, "order": "descending"}]),
            Order::Newest => json!([{"op": "MIN", "column": TIME, "order": "descending"}]),
        },
        "limit": limit,
    }))
}

/// Log lines that pass all filters, in order of time. `None` where no column has their text.
pub fn logs(columns: &Columns, filters: &[Json], oldest_first: bool, limit: usize) -> Option<Json> {
    let body = columns.find(names::BODY)?;
    let mut breakdowns = vec![TIME, body];
    for role in [names::LEVEL, names::SERVICE, names::TRACE] {
        breakdowns.extend(columns.find(role));
    }
    let kept = ["k8s.pod.name", "host.name", "k8s.namespace.name", "deployment.environment", "exception.message"];
    breakdowns.extend(columns.all(&kept));
    let mut filters = filters.to_vec();
    filters.push(json!({"column": body, "op": "exists"}));
    Some(json!({
        "calculations": [{"op": "COUNT"}],
        "breakdowns": breakdowns,
        "filters": filters,
        "filter_combination": "AND",
        "calculated_fields": [{"name": TIME, "expression": "EVENT_TIMESTAMP()"}],
        "orders": [{"column": TIME, "order": if oldest_first { "ascending" } else { "descending" }}],
        "limit": limit,
    }))
}

/// The filter for lines of these levels; `None` where no column has a level.
pub fn levels(columns: &Columns, levels: &[&str]) -> Option<Json> {
    Some(json!({"column": columns.find(names::LEVEL)?, "op": "in", "value": levels}))
}

/// How many spans there are in each step of time, and, where asked for, how long 95 % of them take at most.
pub fn rates(columns: &Columns, filters: &[Json], with_duration: bool, step: i64) -> Option<Json> {
    let duration = columns.find(names::DURATION)?;
    let mut calculations = vec![json!({"op": "COUNT"})];
    if with_duration {
        calculations.push(json!({"op": "P95", "column": duration}));
    }
    let mut filters = filters.to_vec();
    filters.push(json!({"column": duration, "op": "exists"}));
    Some(json!({
        "calculations": calculations,
        "filters": filters,
        "filter_combination": "AND",
        "granularity": step,
    }))
}
