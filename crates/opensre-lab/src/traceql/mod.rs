//! TraceQL: spanset filters `{ ... }` with conditions, combined with `&&` and `||`, and the few pipeline stages that
//! searches use.

mod parser;

use serde_json::Value;

use crate::data::traces::{Span, Trace};
use crate::scenario::SpanKind;

pub(crate) use parser::{identifier, parse};

/// A parsed query.
#[derive(Debug)]
pub(crate) struct Query {
    spans: SpanSet,
    /// Conditions on the number of spans found (`| count() > 2`).
    counts: Vec<(Operator, f64)>,
    /// Attributes a `select()` adds to the result.
    pub(crate) selected: Vec<Field>,
}

#[derive(Debug)]
enum SpanSet {
    Filter(Option<Condition>),
    And(Box<SpanSet>, Box<SpanSet>),
    Or(Box<SpanSet>, Box<SpanSet>),
}

#[derive(Debug)]
enum Condition {
    Compare {
        field: Field,
        operator: Operator,
        operand: Operand,
    },
    /// A bare boolean attribute, or `true`.
    Truth(Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone)]
enum Operand {
    Text(String),
    Regex(regex::Regex),
    /// Numbers, and durations in nanoseconds.
    Number(f64),
    Bool(bool),
    Status(&'static str),
    Kind(&'static str),
    Nil,
    Field(Field),
}

/// Something a span has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Status,
    StatusMessage,
    Kind,
    Duration,
    TraceDuration,
    RootName,
    RootService,
    /// `resource.` attribute.
    Resource(String),
    /// `span.` attribute.
    Span(String),
    /// `.attribute`: of the span, else of the resource.
    Either(String),
}

impl Query {
    /// The spans of a trace that the query selects; none if the trace does not match.
    pub(crate) fn select<'t>(&self, trace: &'t Trace) -> Option<Vec<&'t Span>> {
        let found = self.spans.select(trace)?;
        let count = found.len() as f64;
        self.counts
            .iter()
            .all(|(operator, limit)| operator.number(count, *limit))
            .then(|| found.into_iter().map(|index| &trace.spans[index]).collect())
    }

    /// The fields that conditions mention, whose values a search shows for each span.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.spans.fields(&mut fields);
        fields.extend(&self.selected);
        fields
    }
}

impl SpanSet {
    fn select(&self, trace: &Trace) -> Option<Vec<usize>> {
        match self {
            Self::Filter(condition) => {
                let matches = |span: &Span| condition.as_ref().is_none_or(|condition| condition.holds(span, trace));
                let found: Vec<usize> = (0..trace.spans.len()).filter(|index| matches(&trace.spans[*index])).collect();
                (!found.is_empty()).then_some(found)
            }
            Self::And(left, right) => merge(Some(left.select(trace)?), Some(right.select(trace)?)),
            Self::Or(left, right) => merge(left.select(trace), right.select(trace)),
        }
    }

    fn fields<'q>(&'q self, fields: &mut Vec<&'q Field>) {
        match self {
            Self::Filter(condition) => {
                if let Some(condition) = condition {
                    condition.fields(fields);
                }
            }
            Self::And(left, right) | Self::Or(left, right) => {
                left.fields(fields);
                right.fields(fields);
            }
        }
    }
}

fn merge(left: Option<Vec<usize>>, right: Option<Vec<usize>>) -> Option<Vec<usize>> {
    let mut all = match (left, right) {
        (None, None) => return None,
        (left, right) => [left.unwrap_or_default(), right.unwrap_or_default()].concat(),
    };
    all.sort_unstable();
    all.dedup();
    Some(all)
}

impl Condition {
    fn holds(&self, span: &Span, trace: &Trace) -> bool {
        match self {
            Self::Compare { field, operator, operand } => {
                let value = field.value(span, trace);
                match operand {
                    Operand::Field(other) => operator.values(&value, &other.value(span, trace)),
                    operand => operator.operand(&value, operand),
                }
            }
            Self::Truth(Operand::Bool(flag)) => *flag,
            Self::Truth(Operand::Field(field)) => field.value(span, trace) == Value::Bool(true),
            Self::Truth(_) => false,
            Self::And(left, right) => left.holds(span, trace) && right.holds(span, trace),
            Self::Or(left, right) => left.holds(span, trace) || right.holds(span, trace),
            Self::Not(inner) => !inner.holds(span, trace),
        }
    }

    fn fields<'q>(&'q self, fields: &mut Vec<&'q Field>) {
        match self {
            Self::Compare { field, .. } | Self::Truth(Operand::Field(field)) => fields.push(field),
            Self::Truth(_) => {}
            Self::And(left, right) | Self::Or(left, right) => {
                left.fields(fields);
                right.fields(fields);
            }
            Self::Not(inner) => inner.fields(fields),
        }
    }
}

impl Field {
    /// The value of the field, null if the span has none. Durations are nanoseconds; status and kind are words.
    pub(crate) fn value(&self, span: &Span, trace: &Trace) -> Value {
        let attribute = |attributes: &std::collections::BTreeMap<String, Value>, name: &str| {
            attributes.get(name).cloned().unwrap_or(Value::Null)
        };
        match self {
            Self::Name => span.name().into(),
            Self::Status => status_word(span).into(),
            Self::StatusMessage => span.message().into(),
            Self::Kind => kind_word(span.kind()).into(),
            Self::Duration => span.duration.into(),
            Self::TraceDuration => trace.duration().into(),
            Self::RootName => trace.root().name().into(),
            Self::RootService => trace.root().service().into(),
            Self::Resource(name) => attribute(span.resource(), name),
            Self::Span(name) => attribute(span.attributes(), name),
            Self::Either(name) => {
                span.attributes().get(name).cloned().unwrap_or_else(|| attribute(span.resource(), name))
            }
        }
    }

    /// The key under which a search result shows the field.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::StatusMessage => "statusMessage",
            Self::Kind => "kind",
            Self::Duration => "duration",
            Self::TraceDuration => "traceDuration",
            Self::RootName => "rootName",
            Self::RootService => "rootServiceName",
            Self::Resource(name) | Self::Span(name) | Self::Either(name) => name,
        }
    }
}

/// `ok` is only set by code that says so; our spans are either failed or unset.
pub(crate) fn status_word(span: &Span) -> &'static str {
    if span.failed { "error" } else { "unset" }
}

pub(crate) fn kind_word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

impl Operator {
    fn number(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left.partial_cmp(&right) == Some(std::cmp::Ordering::Equal),
            Self::NotEqual => left.partial_cmp(&right) != Some(std::cmp::Ordering::Equal),
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Matches | Self::NotMatches => false,
        }
    }

    fn operand(self, value: &Value, operand: &Operand) -> bool {
        match operand {
            Operand::Nil => (self == Self::Equal) == value.is_null(),
            Operand::Regex(regex) => {
                // A span without the attribute matches neither the expression nor its negation.
                value.as_str().is_some_and(|text| regex.is_match(text) == (self == Self::Matches))
            }
            Operand::Text(text) => value.as_str().is_some_and(|value| self.ordered(value.cmp(text))),
            Operand::Status(word) | Operand::Kind(word) => {
                value.as_str().is_some_and(|value| self.ordered(value.cmp(word)))
            }
            Operand::Number(number) => value.as_f64().is_some_and(|value| self.number(value, *number)),
            Operand::Bool(flag) => value.as_bool().is_some_and(|value| self.ordered(value.cmp(flag))),
            Operand::Field(_) => false,
        }
    }

    fn values(self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::String(left), Value::String(right)) => self.ordered(left.cmp(right)),
            (Value::Bool(left), Value::Bool(right)) => self.ordered(left.cmp(right)),
            (Value::Number(left), Value::Number(right)) => {
                let pair = left.as_f64().zip(right.as_f64());
                pair.is_some_and(|(left, right)| self.number(left, right))
            }
            _ => false,
        }
    }

    fn ordered(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Matches | Self::NotMatches => false,
        }
    }
}
