//! Walks the syntax tree and selects series.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use promql_parser::label::Matchers;
use promql_parser::parser::{AtModifier, Expr, MatrixSelector, Offset, SubqueryExpr, VectorSelector};

use super::{Point, QueryError, Row, Value, aggregate, binary, call};
use crate::data::labels::NAME;
use crate::data::metrics::{MetricStore, Sample, Series};

/// How far an instant selector looks back for a sample.
const LOOKBACK: i64 = 5 * 60_000;

/// The step of a subquery that does not name one: the default evaluation interval.
const SUBQUERY_STEP: i64 = 60_000;

pub(super) struct Evaluator<'a> {
    store: &'a MetricStore,
    start: i64,
    end: i64,
    /// Series by the address of the selector: the selector is the same at every step.
    selections: RefCell<HashMap<*const VectorSelector, Vec<Arc<Series>>>>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(store: &'a MetricStore, start: i64, end: i64) -> Self {
        Self { store, start, end, selections: RefCell::default() }
    }

    pub(super) fn eval(&self, expr: &Expr, time: i64) -> Result<Value, QueryError> {
        match expr {
            Expr::NumberLiteral(literal) => Ok(Value::Scalar(literal.val)),
            Expr::StringLiteral(literal) => Ok(Value::String(literal.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, time),
            Expr::Unary(unary) => Ok(match self.eval(&unary.expr, time)? {
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(points) => Value::Vector(map(points, |value| -value)),
                other => other,
            }),
            Expr::VectorSelector(selector) => Ok(Value::Vector(self.instant_selector(selector, time)?)),
            Expr::MatrixSelector(selector) => Ok(Value::Matrix(self.matrix_selector(selector, time)?)),
            Expr::Subquery(subquery) => Ok(Value::Matrix(self.subquery(subquery, time)?)),
            Expr::Call(call) => call::call(self, call, time),
            Expr::Aggregate(aggregate) => aggregate::aggregate(self, aggregate, time),
            Expr::Binary(binary) => binary::binary(self, binary, time),
            Expr::Extension(_) => Err(QueryError::BadData("extensions are not PromQL".into())),
        }
    }

    pub(super) fn vector(&self, expr: &Expr, time: i64) -> Result<Vec<Point>, QueryError> {
        match self.eval(expr, time)? {
            Value::Vector(points) => Ok(points),
            _ => Err(QueryError::BadData("expected an instant vector".into())),
        }
    }

    pub(super) fn scalar(&self, expr: &Expr, time: i64) -> Result<f64, QueryError> {
        match self.eval(expr, time)? {
            Value::Scalar(value) => Ok(value),
            _ => Err(QueryError::BadData("expected a scalar".into())),
        }
    }

    pub(super) fn text(&self, expr: &Expr, time: i64) -> Result<String, QueryError> {
        match self.eval(expr, time)? {
            Value::String(text) => Ok(text),
            _ => Err(QueryError::BadData("expected a string".into())),
        }
    }

    /// A range vector with the bounds of its window, which `rate` and its kin need.
    pub(super) fn window(&self, expr: &Expr, time: i64) -> Result<Window, QueryError> {
        let (rows, start, end) = match expr {
            Expr::MatrixSelector(selector) => {
                let end = self.reference(selector.vs.at.as_ref(), selector.vs.offset.as_ref(), time);
                (self.matrix_selector(selector, time)?, end - milliseconds(selector.range), end)
            }
            Expr::Subquery(subquery) => {
                let end = self.reference(subquery.at.as_ref(), subquery.offset.as_ref(), time);
                (self.subquery(subquery, time)?, end - milliseconds(subquery.range), end)
            }
            Expr::Paren(paren) => return self.window(&paren.expr, time),
            _ => return Err(QueryError::BadData("expected a range vector".into())),
        };
        Ok(Window { rows, start, end })
    }

    /// The sample each series of a selector has at `time`, with its own time stamp.
    pub(super) fn current(
        &self,
        selector: &VectorSelector,
        time: i64,
    ) -> Result<Vec<(Arc<Series>, Sample)>, QueryError> {
        let time = self.reference(selector.at.as_ref(), selector.offset.as_ref(), time);
        let series = self.select(selector)?;
        Ok(series
            .into_iter()
            .filter_map(|series| {
                let sample = *series.between(time - LOOKBACK, time).last()?;
                (!sample.is_stale()).then_some((series, sample))
            })
            .collect())
    }

    fn instant_selector(&self, selector: &VectorSelector, time: i64) -> Result<Vec<Point>, QueryError> {
        let current = self.current(selector, time)?;
        Ok(current
            .into_iter()
            .map(|(series, sample)| Point { labels: Arc::clone(&series.labels), value: sample.value })
            .collect())
    }

    fn matrix_selector(&self, selector: &MatrixSelector, time: i64) -> Result<Vec<Row>, QueryError> {
        let end = self.reference(selector.vs.at.as_ref(), selector.vs.offset.as_ref(), time);
        let start = end - milliseconds(selector.range);
        let series = self.select(&selector.vs)?;
        Ok(series
            .iter()
            .filter_map(|series| {
                let samples: Vec<Sample> =
                    series.between(start, end).iter().filter(|sample| !sample.is_stale()).copied().collect();
                (!samples.is_empty()).then(|| Row {
                    labels: Arc::clone(&series.labels),
                    bare: Arc::clone(&series.bare),
                    samples,
                })
            })
            .collect())
    }

    fn subquery(&self, subquery: &SubqueryExpr, time: i64) -> Result<Vec<Row>, QueryError> {
        let end = self.reference(subquery.at.as_ref(), subquery.offset.as_ref(), time);
        let start = end - milliseconds(subquery.range);
        let step = subquery.step.map_or(SUBQUERY_STEP, milliseconds).max(1);
        let mut rows: Vec<Row> = Vec::new();
        let mut index = HashMap::new();
        // Subquery steps are multiples of the step, independent of the query's own time.
        let mut at = start + (-start).rem_euclid(step);
        while at <= end {
            let points = match self.eval(&subquery.expr, at)? {
                Value::Vector(points) => points,
                Value::Scalar(value) => vec![Point { labels: Arc::default(), value }],
                _ => return Err(QueryError::BadData("subquery is only allowed on instant vector".into())),
            };
            for point in points {
                let row = *index.entry(Arc::clone(&point.labels)).or_insert_with(|| {
                    let labels = Arc::clone(&point.labels);
                    rows.push(Row { bare: bare(&labels), labels, samples: Vec::new() });
                    rows.len() - 1
                });
                rows[row].samples.push(Sample { time: at, value: point.value });
            }
            at += step;
        }
        Ok(rows)
    }

    fn reference(&self, at: Option<&AtModifier>, offset: Option<&Offset>, time: i64) -> i64 {
        let time = match at {
            None => time,
            Some(AtModifier::Start) => self.start,
            Some(AtModifier::End) => self.end,
            Some(AtModifier::At(moment)) => match moment.duration_since(UNIX_EPOCH) {
                Ok(since) => milliseconds(since),
                Err(before) => -milliseconds(before.duration()),
            },
        };
        match offset {
            None => time,
            Some(Offset::Pos(length)) => time - milliseconds(*length),
            Some(Offset::Neg(length)) => time + milliseconds(*length),
        }
    }

    fn select(&self, selector: &VectorSelector) -> Result<Vec<Arc<Series>>, QueryError> {
        let key = std::ptr::from_ref(selector);
        if let Some(found) = self.selections.borrow().get(&key) {
            return Ok(found.clone());
        }
        let found: Vec<_> = selected(self.store, selector)?.cloned().collect();
        self.selections.borrow_mut().insert(key, found.clone());
        Ok(found)
    }
}

/// A range vector and the bounds of its window in milliseconds.
pub(super) struct Window {
    pub(super) rows: Vec<Row>,
    pub(super) start: i64,
    pub(super) end: i64,
}

/// The series that a selector matches.
pub(crate) fn selected<'s>(
    store: &'s MetricStore,
    selector: &'s VectorSelector,
) -> Result<impl Iterator<Item = &'s Arc<Series>>, QueryError> {
    let Matchers { matchers, or_matchers } = &selector.matchers;
    if !or_matchers.is_empty() {
        // An extension of another product that the parser accepts.
        return Err(QueryError::BadData("1:1: parse error: unexpected identifier \"or\" in label matching".into()));
    }
    Ok(store.series(selector.name.as_deref()).filter(move |series| {
        matchers.iter().all(|matcher| {
            debug_assert!(matcher.name != NAME || selector.name.is_none());
            matcher.is_match(series.labels.value(&matcher.name))
        })
    }))
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Applies a function to every value and drops the metric's name, as arithmetic does.
pub(super) fn map(points: Vec<Point>, apply: impl Fn(f64) -> f64) -> Vec<Point> {
    points.into_iter().map(|point| Point { value: apply(point.value), labels: bare(&point.labels) }).collect()
}

/// The labels without the metric's name.
pub(super) fn bare(labels: &Arc<crate::data::labels::Labels>) -> Arc<crate::data::labels::Labels> {
    if labels.get(NAME).is_none() { Arc::clone(labels) } else { Arc::new(labels.without(&[NAME])) }
}
