//! LogQL: log queries with filters and parsers, and the metric queries built on them.
//!
//! A subset of the language, checked strictly: what is not known is a parse error, as for any unknown word in Loki.

mod filter;
mod lexer;
mod metric;
mod parser;
mod stage;

use std::sync::Arc;

use regex::Regex;

use crate::data::labels::Labels;
use crate::data::logs::LogStore;

pub(crate) use metric::{instant, range};
pub(crate) use parser::{parse, parse_selector};

/// A parsed query.
#[derive(Debug)]
pub(crate) enum Query {
    Log(LogQuery),
    Metric(Metric),
}

/// A stream selector with a pipeline.
#[derive(Debug)]
pub(crate) struct LogQuery {
    pub(crate) matchers: Vec<Matcher>,
    stages: Vec<Stage>,
}

/// A matcher on a label.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    name: String,
    value: String,
    regex: Option<Regex>,
    negated: bool,
}

impl Matcher {
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.value(&self.name))
    }

    fn accepts(&self, value: &str) -> bool {
        let same = self.regex.as_ref().map_or_else(|| self.value == value, |regex| regex.is_match(value));
        same != self.negated
    }
}

#[derive(Debug)]
enum Stage {
    /// The line contains (or with `negated` does not contain) any of them.
    Line {
        negated: bool,
        patterns: Vec<LinePattern>,
    },
    Json(Vec<(String, String)>),
    Logfmt(Vec<(String, String)>),
    Regexp(Regex),
    Filter(Filter),
    LineFormat(String),
    Drop(Vec<String>),
    Keep(Vec<String>),
    /// A stage without effect here (`decolorize`).
    Nothing,
}

#[derive(Debug)]
enum LinePattern {
    Text(String),
    Regex(Regex),
}

/// A condition on labels in a pipeline.
#[derive(Debug)]
enum Filter {
    Match(Matcher),
    Number { name: String, comparison: Comparison, value: f64 },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        let order = left.partial_cmp(&right);
        match self {
            Self::Equal => order == Some(std::cmp::Ordering::Equal),
            Self::NotEqual => order != Some(std::cmp::Ordering::Equal),
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
        }
    }
}

/// A metric query.
#[derive(Debug)]
pub(crate) enum Metric {
    Literal(f64),
    Range(RangeAggregation),
    Vector { op: String, parameter: Option<f64>, grouping: Option<Grouping>, inner: Box<Metric> },
    Binary { op: String, returns_bool: bool, left: Box<Metric>, right: Box<Metric> },
}

/// `rate({app="x"} |= "error" [5m])`
#[derive(Debug)]
pub(crate) struct RangeAggregation {
    op: String,
    parameter: Option<f64>,
    query: LogQuery,
    unwrap: Option<String>,
    /// Nanoseconds.
    range: i64,
    offset: i64,
    grouping: Option<Grouping>,
}

#[derive(Debug)]
pub(crate) struct Grouping {
    by: bool,
    names: Vec<String>,
}

impl Grouping {
    fn apply(&self, labels: &Labels) -> Labels {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if self.by { labels.only(&names) } else { labels.without(&names) }
    }
}

/// A line that passed a pipeline, with the labels it has there.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) labels: Arc<Labels>,
    /// Nanoseconds of the Unix epoch.
    pub(crate) time: i64,
    pub(crate) text: String,
}

/// The lines of a log query from `start` (included) to `end` (not included), in no order.
pub(crate) fn lines(store: &LogStore, query: &LogQuery, start: i64, end: i64) -> Vec<Line> {
    let mut found = Vec::new();
    for stream in &store.streams {
        if !query.matchers.iter().all(|matcher| matcher.matches(&stream.labels)) {
            continue;
        }
        for entry in stream.between(start, end) {
            if let Some((labels, text)) = stage::run(&query.stages, &stream.labels, &entry.line) {
                found.push(Line { labels, time: entry.time, text });
            }
        }
    }
    found
}
