//! A PromQL evaluator over the generated series, faithful to Prometheus 2.x for the functions it has.
//!
//! Parsing is done by `promql-parser`. Range selectors include both ends, as in Prometheus before 3.0, so that
//! results can be compared with the server in Debian. What the evaluator does not know is an error, never a guess.

mod aggregate;
mod binary;
mod call;
mod eval;
mod histogram;
mod range;

use std::sync::Arc;

use promql_parser::parser::{self, Expr};

use crate::data::labels::Labels;
use crate::data::metrics::{MetricStore, Sample};

pub(crate) use eval::selected;

/// Where a query fails, as Prometheus tells the two apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryError {
    /// The query cannot be understood: status 400, `bad_data`.
    BadData(String),
    /// The query cannot be evaluated: status 422, `execution`.
    Execution(String),
}

/// One element of an instant vector.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) labels: Arc<Labels>,
    pub(crate) value: f64,
}

/// One series of a range vector.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) labels: Arc<Labels>,
    /// The labels without the name, for functions that drop it; kept because they need it at every step.
    bare: Arc<Labels>,
    pub(crate) samples: Vec<Sample>,
}

/// The value of an expression at one moment.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(f64),
    Vector(Vec<Point>),
    Matrix(Vec<Row>),
    String(String),
}

/// Parses a query; the message is the one that goes behind `invalid parameter "query":`.
pub(crate) fn parse(query: &str) -> Result<Expr, QueryError> {
    let parsed = parser::parse(query).map_err(|message| {
        // Prometheus puts the function's name in double quotes.
        QueryError::BadData(format!("1:1: parse error: {}", message.replace('\'', "\"")))
    })?;
    Ok(parsed)
}

/// Evaluates at one moment (milliseconds of the Unix epoch).
pub(crate) fn instant(store: &MetricStore, expr: &Expr, time: i64) -> Result<Value, QueryError> {
    let evaluator = eval::Evaluator::new(store, time, time);
    let value = evaluator.eval(expr, time)?;
    if let Value::Vector(points) = &value {
        unique(points)?;
    }
    Ok(value)
}

/// Evaluates from `start` to `end` at every `step` milliseconds. Rows are ordered by labels, samples by time.
pub(crate) fn range(store: &MetricStore, expr: &Expr, start: i64, end: i64, step: i64) -> Result<Vec<Row>, QueryError> {
    let evaluator = eval::Evaluator::new(store, start, end);
    let mut rows = std::collections::BTreeMap::<Arc<Labels>, Vec<Sample>>::new();
    let mut time = start;
    while time <= end {
        let points = match evaluator.eval(expr, time)? {
            Value::Scalar(value) => vec![Point { labels: Arc::default(), value }],
            Value::Vector(points) => points,
            Value::Matrix(_) | Value::String(_) => {
                return Err(QueryError::BadData(
                    "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector".into(),
                ));
            }
        };
        unique(&points)?;
        for point in points {
            rows.entry(point.labels).or_default().push(Sample { time, value: point.value });
        }
        time += step;
    }
    Ok(rows.into_iter().map(|(labels, samples)| Row { bare: Arc::clone(&labels), labels, samples }).collect())
}

/// The same label set twice in one vector is an error in Prometheus.
fn unique(points: &[Point]) -> Result<(), QueryError> {
    let mut seen = std::collections::HashSet::with_capacity(points.len());
    if points.iter().all(|point| seen.insert(&*point.labels)) {
        Ok(())
    } else {
        Err(QueryError::Execution("vector cannot contain metrics with the same labelset".into()))
    }
}

/// A number as Prometheus writes it: shortest form without exponent, `+Inf`, `-Inf`, `NaN`.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.into()
    } else {
        format!("{value}")
    }
}
