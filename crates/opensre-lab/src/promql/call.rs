//! Function calls.

use std::sync::Arc;

use promql_parser::parser::{Call, Expr, VectorSelector};
use regex::Regex;

use super::eval::{Evaluator, Window, map};
use super::{Point, QueryError, Row, Value, histogram, range};
use crate::data::clock::timestamp;
use crate::data::labels::{Labels, NAME};
use crate::data::metrics::Sample;

pub(super) fn call(evaluator: &Evaluator<'_>, call: &Call, time: i64) -> Result<Value, QueryError> {
    let name = call.func.name;
    let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
    let arg = |index: usize| {
        args.get(index).copied().ok_or_else(|| QueryError::BadData(format!("missing argument of {name}")))
    };
    let vector = |index| evaluator.vector(arg(index)?, time);
    let scalar = |index| evaluator.scalar(arg(index)?, time);
    let text = |index| evaluator.text(arg(index)?, time);
    let window = |index| evaluator.window(arg(index)?, time);
    let mapped = |apply: fn(f64) -> f64| Ok(Value::Vector(map(vector(0)?, apply)));
    match name {
        "time" => Ok(Value::Scalar(time as f64 / 1000.0)),
        "pi" => Ok(Value::Scalar(std::f64::consts::PI)),
        "vector" => Ok(Value::Vector(vec![Point { labels: Arc::default(), value: scalar(0)? }])),
        "scalar" => Ok(Value::Scalar(match vector(0)?.as_slice() {
            [point] => point.value,
            _ => f64::NAN,
        })),
        "abs" => mapped(f64::abs),
        "ceil" => mapped(f64::ceil),
        "floor" => mapped(f64::floor),
        "exp" => mapped(f64::exp),
        "sqrt" => mapped(f64::sqrt),
        "ln" => mapped(f64::ln),
        "log2" => mapped(f64::log2),
        "log10" => mapped(f64::log10),
        "sgn" => mapped(|value| if value == 0.0 || value.is_nan() { value } else { value.signum() }),
        "round" => {
            let inverse = 1.0 / if args.len() > 1 { scalar(1)? } else { 1.0 };
            Ok(Value::Vector(map(vector(0)?, |value| (value * inverse + 0.5).floor() / inverse)))
        }
        "clamp" => {
            let (low, high) = (scalar(1)?, scalar(2)?);
            let points = if low > high { Vec::new() } else { vector(0)? };
            Ok(Value::Vector(map(points, |value| low.max(high.min(value)))))
        }
        "clamp_min" => {
            let low = scalar(1)?;
            Ok(Value::Vector(map(vector(0)?, |value| value.max(low))))
        }
        "clamp_max" => {
            let high = scalar(1)?;
            Ok(Value::Vector(map(vector(0)?, |value| value.min(high))))
        }
        "sort" | "sort_desc" => {
            let mut points = vector(0)?;
            points.sort_by(|a, b| a.value.total_cmp(&b.value));
            if name == "sort_desc" {
                points.reverse();
            }
            Ok(Value::Vector(points))
        }
        "timestamp" => timestamps(evaluator, arg(0)?, time),
        "hour" | "minute" | "day_of_week" | "day_of_month" | "month" | "year" => {
            let points = if args.is_empty() {
                vec![Point { labels: Arc::default(), value: time as f64 / 1000.0 }]
            } else {
                vector(0)?
            };
            Ok(Value::Vector(map(points, |seconds| calendar(name, seconds))))
        }
        "absent" => Ok(Value::Vector(absent(vector(0)?.is_empty(), arg(0)?))),
        "absent_over_time" => Ok(Value::Vector(absent(window(0)?.rows.is_empty(), arg(0)?))),
        "label_replace" => {
            let target = text(1)?;
            label_replace(vector(0)?, &target, &text(2)?, &text(3)?, &text(4)?).map(Value::Vector)
        }
        "label_join" => {
            let (target, separator) = (text(1)?, text(2)?);
            let sources = (3..args.len()).map(text).collect::<Result<Vec<_>, _>>()?;
            let points = vector(0)?.into_iter().map(|point| {
                let joined: Vec<&str> = sources.iter().map(|source| point.labels.value(source)).collect();
                let labels = (*point.labels).clone().with(&target, &joined.join(&separator));
                Point { labels: Arc::new(labels), value: point.value }
            });
            Ok(Value::Vector(points.collect()))
        }
        "histogram_quantile" => Ok(Value::Vector(histogram::histogram_quantile(scalar(0)?, &vector(1)?))),
        "rate" | "increase" | "delta" => {
            let Window { rows, start, end } = window(0)?;
            Ok(each(rows, |samples| range::extrapolated(samples, start, end, name != "delta", name == "rate")))
        }
        "irate" | "idelta" => Ok(each(window(0)?.rows, |samples| range::instant_change(samples, name == "irate"))),
        "deriv" => Ok(each(window(0)?.rows, |samples| {
            range::regression(samples, samples.first()?.time).map(|(slope, _)| slope)
        })),
        "predict_linear" => {
            let ahead = scalar(1)?;
            Ok(each(window(0)?.rows, |samples| {
                range::regression(samples, time).map(|(slope, intercept)| intercept + slope * ahead)
            }))
        }
        "changes" | "resets" => {
            Ok(each(window(0)?.rows, |samples| Some(range::transitions(samples, name == "resets"))))
        }
        "quantile_over_time" => {
            let q = scalar(0)?;
            Ok(each(window(1)?.rows, |samples| Some(range::quantile_over_time(q, samples))))
        }
        "last_over_time" => {
            let rows = window(0)?.rows.into_iter();
            let last = rows.filter_map(|row| Some(Point { value: row.samples.last()?.value, labels: row.labels }));
            Ok(Value::Vector(last.collect()))
        }
        _ => match name.strip_suffix("_over_time") {
            Some(kind) if range::over_time(kind, &[Sample { time, value: 0.0 }]).is_some() => {
                Ok(each(window(0)?.rows, |samples| range::over_time(kind, samples)))
            }
            _ => Err(QueryError::Execution(format!("function {name} is not simulated by opensre-lab"))),
        },
    }
}

/// A value for every row; the name is dropped, and rows without a value disappear.
fn each(rows: Vec<Row>, apply: impl Fn(&[Sample]) -> Option<f64>) -> Value {
    let points = rows.into_iter().filter_map(|row| {
        let value = apply(&row.samples)?;
        Some(Point { labels: row.bare, value })
    });
    Value::Vector(points.collect())
}

/// `timestamp`: of the samples themselves for a plain selector, of the evaluation for anything else.
fn timestamps(evaluator: &Evaluator<'_>, expr: &Expr, time: i64) -> Result<Value, QueryError> {
    let points = match expr {
        Expr::VectorSelector(selector) => evaluator
            .current(selector, time)?
            .into_iter()
            .map(|(series, sample)| Point { labels: Arc::clone(&series.bare), value: sample.time as f64 / 1000.0 })
            .collect(),
        _ => map(evaluator.vector(expr, time)?, |_| time as f64 / 1000.0),
    };
    Ok(Value::Vector(points))
}

fn calendar(part: &str, seconds: f64) -> f64 {
    let date = timestamp((seconds * 1000.0) as i64).to_zoned_datetime(jiff::tz::TimeZone::UTC);
    match part {
        "hour" => f64::from(date.hour()),
        "minute" => f64::from(date.minute()),
        "day_of_week" => f64::from(date.weekday().to_sunday_zero_offset()),
        "day_of_month" => f64::from(date.day()),
        "month" => f64::from(date.month()),
        _ => f64::from(date.year()),
    }
}

/// One element with the labels that the selector fixes, if there is nothing.
fn absent(nothing: bool, expr: &Expr) -> Vec<Point> {
    if !nothing {
        return Vec::new();
    }
    let labels = match expr {
        Expr::VectorSelector(selector) => fixed_labels(selector),
        Expr::MatrixSelector(selector) => fixed_labels(&selector.vs),
        _ => Labels::default(),
    };
    vec![Point { labels: Arc::new(labels), value: 1.0 }]
}

fn fixed_labels(selector: &VectorSelector) -> Labels {
    let mut labels = Labels::default();
    let mut ambiguous = Vec::new();
    for matcher in &selector.matchers.matchers {
        let equal = matches!(matcher.op, promql_parser::label::MatchOp::Equal);
        if matcher.name == NAME {
            continue;
        }
        if equal && labels.get(&matcher.name).is_none() {
            labels.set(&matcher.name, &matcher.value);
        } else {
            ambiguous.push(matcher.name.as_str());
        }
    }
    labels.without(&ambiguous)
}

fn label_replace(
    points: Vec<Point>,
    target: &str,
    replacement: &str,
    source: &str,
    pattern: &str,
) -> Result<Vec<Point>, QueryError> {
    let regex = Regex::new(&format!("^(?s:{pattern})$"))
        .map_err(|_| QueryError::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if target.is_empty() || !target.chars().all(valid) || target.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(QueryError::Execution(format!("invalid destination label name in label_replace(): {target}")));
    }
    Ok(points
        .into_iter()
        .map(|point| {
            let Some(captures) = regex.captures(point.labels.value(source)) else { return point };
            let mut value = String::new();
            captures.expand(replacement, &mut value);
            Point { labels: Arc::new((*point.labels).clone().with(target, &value)), value: point.value }
        })
        .collect())
}
