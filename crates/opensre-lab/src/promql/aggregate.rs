//! Aggregation operators.

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::parser::token;
use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::eval::Evaluator;
use super::range::variance;
use super::{Point, QueryError, Value, number};
use crate::data::labels::{Labels, NAME};

pub(super) fn aggregate(evaluator: &Evaluator<'_>, expr: &AggregateExpr, time: i64) -> Result<Value, QueryError> {
    let points = evaluator.vector(&expr.expr, time)?;
    let group_of = grouping(expr.modifier.as_ref());
    let mut groups: BTreeMap<Labels, Vec<Point>> = BTreeMap::new();
    for point in points {
        groups.entry(group_of(&point.labels)).or_default().push(point);
    }
    let scalar = || match &expr.param {
        Some(param) => evaluator.scalar(param, time),
        None => Err(QueryError::BadData("missing parameter of an aggregation".into())),
    };
    let each = |fold: &dyn Fn(&[Point]) -> f64| {
        let points =
            groups.iter().map(|(labels, members)| Point { labels: Arc::new(labels.clone()), value: fold(members) });
        Value::Vector(points.collect())
    };
    let sum = |members: &[Point]| members.iter().map(|point| point.value).sum::<f64>();
    let spread = |members: &[Point]| variance(members.iter().map(|point| point.value), members.len() as f64);
    Ok(match expr.op.id() {
        token::T_SUM => each(&sum),
        token::T_AVG => each(&|members| sum(members) / members.len() as f64),
        token::T_COUNT => each(&|members| members.len() as f64),
        token::T_MIN => each(&|members| members.iter().map(|point| point.value).fold(f64::NAN, f64::min)),
        token::T_MAX => each(&|members| members.iter().map(|point| point.value).fold(f64::NAN, f64::max)),
        token::T_GROUP => each(&|_| 1.0),
        token::T_STDDEV => each(&|members| spread(members).sqrt()),
        token::T_STDVAR => each(&spread),
        token::T_QUANTILE => {
            let q = scalar()?;
            each(&|members| quantile(q, members.iter().map(|point| point.value).collect()))
        }
        token::T_TOPK => Value::Vector(extreme(groups, scalar()?, true)),
        token::T_BOTTOMK => Value::Vector(extreme(groups, scalar()?, false)),
        token::T_COUNT_VALUES => {
            let Some(param) = &expr.param else {
                return Err(QueryError::BadData("missing parameter of count_values".into()));
            };
            let label = evaluator.text(param, time)?;
            Value::Vector(count_values(groups, &label))
        }
        _ => return Err(QueryError::Execution(format!("aggregation {} is not simulated", expr.op))),
    })
}

fn grouping(modifier: Option<&LabelModifier>) -> impl Fn(&Labels) -> Labels {
    let (include, names): (bool, Vec<String>) = match modifier {
        None => (true, Vec::new()),
        Some(LabelModifier::Include(labels)) => (true, labels.labels.clone()),
        Some(LabelModifier::Exclude(labels)) => (false, labels.labels.clone()),
    };
    move |labels| {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if include {
            labels.only(&names)
        } else {
            names.push(NAME);
            labels.without(&names)
        }
    }
}

/// `topk` and `bottomk`: the elements themselves, best first.
fn extreme(groups: BTreeMap<Labels, Vec<Point>>, count: f64, top: bool) -> Vec<Point> {
    // NaN and negative numbers give nothing.
    let count = count.max(0.0) as usize;
    let mut result = Vec::new();
    for (_, mut members) in groups {
        // NaN sorts last either way.
        let key = |point: &Point| match (point.value.is_nan(), top) {
            (true, _) => f64::INFINITY,
            (false, true) => -point.value,
            (false, false) => point.value,
        };
        members.sort_by(|a, b| key(a).total_cmp(&key(b)));
        members.truncate(count);
        result.append(&mut members);
    }
    result
}

fn count_values(groups: BTreeMap<Labels, Vec<Point>>, label: &str) -> Vec<Point> {
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for (labels, members) in groups {
        for point in members {
            *counts.entry(labels.clone().with(label, &number(point.value))).or_default() += 1.0;
        }
    }
    counts.into_iter().map(|(labels, value)| Point { labels: Arc::new(labels), value }).collect()
}

/// The φ-quantile, interpolated between neighbours.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let upper = (lower as usize + 1).min(values.len() - 1);
    let weight = rank - lower;
    values[lower as usize] * (1.0 - weight) + values[upper] * weight
}
