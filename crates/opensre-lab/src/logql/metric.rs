//! Evaluates metric queries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Metric, RangeAggregation, filter, lines};
use crate::data::labels::{Labels, NAME};
use crate::data::logs::LogStore;
use crate::data::metrics::Sample;

/// A vector: one value per label set.
type Vector = BTreeMap<Arc<Labels>, f64>;

/// The value at one moment, in nanoseconds. A scalar has the empty label set.
pub(crate) fn instant(store: &LogStore, query: &Metric, time: i64) -> Result<Vector, String> {
    Evaluator::new(store, time, time).eval(query, time)
}

/// The values from `start` to `end` at every `step` (all nanoseconds), as series with times in milliseconds.
pub(crate) fn range(
    store: &LogStore,
    query: &Metric,
    start: i64,
    end: i64,
    step: i64,
) -> Result<BTreeMap<Arc<Labels>, Vec<Sample>>, String> {
    let mut evaluator = Evaluator::new(store, start, end);
    let mut series: BTreeMap<Arc<Labels>, Vec<Sample>> = BTreeMap::new();
    let mut time = start;
    while time <= end {
        for (labels, value) in evaluator.eval(query, time)? {
            series.entry(labels).or_default().push(Sample { time: time.div_euclid(1_000_000), value });
        }
        time += step;
    }
    Ok(series)
}

/// Lines of a range aggregation by label set: time and value (1, the bytes, or what was unwrapped).
type Prepared = BTreeMap<Arc<Labels>, Vec<(i64, f64)>>;

struct Evaluator<'a> {
    store: &'a LogStore,
    start: i64,
    end: i64,
    prepared: HashMap<*const RangeAggregation, Prepared>,
}

impl<'a> Evaluator<'a> {
    fn new(store: &'a LogStore, start: i64, end: i64) -> Self {
        Self { store, start, end, prepared: HashMap::new() }
    }

    fn eval(&mut self, query: &Metric, time: i64) -> Result<Vector, String> {
        match query {
            Metric::Literal(value) => Ok(Vector::from([(Arc::default(), *value)])),
            Metric::Range(aggregation) => Ok(self.range_aggregation(aggregation, time)),
            Metric::Vector { op, parameter, grouping, inner } => {
                let inner = self.eval(inner, time)?;
                let group = |labels: &Labels| match grouping {
                    Some(grouping) => grouping.apply(labels),
                    None => Labels::default(),
                };
                Ok(aggregate(op, *parameter, &inner, group))
            }
            Metric::Binary { op, returns_bool, left, right } => {
                let scalars = (is_scalar(left), is_scalar(right));
                let (left, right) = (self.eval(left, time)?, self.eval(right, time)?);
                Ok(binary(op, *returns_bool, left, right, scalars))
            }
        }
    }

    fn range_aggregation(&mut self, aggregation: &RangeAggregation, time: i64) -> Vector {
        let (store, start, end) = (self.store, self.start, self.end);
        let prepared = self
            .prepared
            .entry(std::ptr::from_ref(aggregation))
            .or_insert_with(|| prepare(store, aggregation, start, end));
        let end = time - aggregation.offset;
        let start = end - aggregation.range;
        let mut vector = Vector::new();
        for (labels, values) in prepared.iter() {
            // The window is open at its start and closed at its end.
            let from = values.partition_point(|(at, _)| *at <= start);
            let to = values.partition_point(|(at, _)| *at <= end);
            let window = &values[from..to.max(from)];
            if !window.is_empty() {
                vector.insert(Arc::clone(labels), fold(aggregation, window));
            }
        }
        if aggregation.op == "absent_over_time" {
            return if vector.is_empty() { Vector::from([(Arc::default(), 1.0)]) } else { Vector::new() };
        }
        vector
    }
}

fn is_scalar(metric: &Metric) -> bool {
    matches!(metric, Metric::Literal(_))
}

fn prepare(store: &LogStore, aggregation: &RangeAggregation, start: i64, end: i64) -> Prepared {
    let from = start - aggregation.offset - aggregation.range;
    // `lines` leaves its end out, the last window includes it.
    let to = end - aggregation.offset + 1;
    let mut prepared = Prepared::new();
    for line in lines(store, &aggregation.query, from, to) {
        let mut labels = line.labels;
        let value = match &aggregation.unwrap {
            Some(name) => {
                let Some(value) = labels.get(name).and_then(filter::number) else { continue };
                labels = Arc::new(labels.without(&[name]));
                value
            }
            None if aggregation.op.starts_with("bytes") => line.text.len() as f64,
            None => 1.0,
        };
        if let Some(grouping) = &aggregation.grouping {
            labels = Arc::new(grouping.apply(&labels));
        }
        prepared.entry(labels).or_default().push((line.time, value));
    }
    for values in prepared.values_mut() {
        values.sort_by_key(|(time, _)| *time);
    }
    prepared
}

fn fold(aggregation: &RangeAggregation, window: &[(i64, f64)]) -> f64 {
    let values = || window.iter().map(|(_, value)| *value);
    let count = window.len() as f64;
    let variance = || {
        let mean = values().sum::<f64>() / count;
        values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
    };
    match aggregation.op.as_str() {
        "rate" | "bytes_rate" => values().sum::<f64>() / (aggregation.range as f64 / 1e9),
        "avg_over_time" => values().sum::<f64>() / count,
        "min_over_time" => values().fold(f64::NAN, f64::min),
        "max_over_time" => values().fold(f64::NAN, f64::max),
        "first_over_time" => window.first().map_or(f64::NAN, |(_, value)| *value),
        "last_over_time" => window.last().map_or(f64::NAN, |(_, value)| *value),
        "stddev_over_time" => variance().sqrt(),
        "stdvar_over_time" => variance(),
        "quantile_over_time" => {
            let mut sorted: Vec<f64> = values().collect();
            sorted.sort_by(f64::total_cmp);
            let rank = aggregation.parameter.unwrap_or(0.5).clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
            let lower = rank.floor();
            let upper = (lower as usize + 1).min(sorted.len() - 1);
            sorted[lower as usize] * (1.0 - (rank - lower)) + sorted[upper] * (rank - lower)
        }
        // count_over_time, bytes_over_time, sum_over_time
        _ => values().sum(),
    }
}

fn aggregate(op: &str, parameter: Option<f64>, inner: &Vector, group: impl Fn(&Labels) -> Labels) -> Vector {
    let mut groups: BTreeMap<Labels, Vec<(&Arc<Labels>, f64)>> = BTreeMap::new();
    for (labels, value) in inner {
        groups.entry(group(labels)).or_default().push((labels, *value));
    }
    let mut result = Vector::new();
    for (key, mut members) in groups {
        if op == "topk" || op == "bottomk" {
            members.sort_by(|a, b| if op == "topk" { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
            members.truncate(parameter.unwrap_or(0.0).max(0.0) as usize);
            result.extend(members.into_iter().map(|(labels, value)| (Arc::clone(labels), value)));
            continue;
        }
        let values = || members.iter().map(|(_, value)| *value);
        let count = members.len() as f64;
        let variance = || {
            let mean = values().sum::<f64>() / count;
            values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
        };
        let value = match op {
            "avg" => values().sum::<f64>() / count,
            "min" => values().fold(f64::NAN, f64::min),
            "max" => values().fold(f64::NAN, f64::max),
            "count" => count,
            "stddev" => variance().sqrt(),
            "stdvar" => variance(),
            _ => values().sum(),
        };
        result.insert(Arc::new(key), value);
    }
    result
}

/// Arithmetic and comparisons; vectors match one to one by all their labels.
fn binary(op: &str, returns_bool: bool, left: Vector, right: Vector, scalars: (bool, bool)) -> Vector {
    let constant = |vector: &Vector| vector.values().next().copied().unwrap_or(f64::NAN);
    let pairs: Vec<(Arc<Labels>, f64, f64)> = match scalars {
        (_, true) => {
            let scalar = constant(&right);
            left.into_iter().map(|(labels, value)| (labels, value, scalar)).collect()
        }
        (true, false) => {
            let scalar = constant(&left);
            right.into_iter().map(|(labels, value)| (labels, scalar, value)).collect()
        }
        (false, false) => {
            let found =
                left.into_iter().filter_map(|(labels, value)| right.get(&labels).map(|other| (labels, value, *other)));
            found.collect()
        }
    };
    let mut result = Vector::new();
    for (labels, left, right) in pairs {
        let held = match op {
            "+" => Ok(left + right),
            "-" => Ok(left - right),
            "*" => Ok(left * right),
            "/" => Ok(left / right),
            "%" => Ok(left % right),
            "^" => Ok(left.powf(right)),
            ">" => Err(left > right),
            "<" => Err(left < right),
            ">=" => Err(left >= right),
            "<=" => Err(left <= right),
            "==" => Err(left.partial_cmp(&right) == Some(std::cmp::Ordering::Equal)),
            _ => Err(left.partial_cmp(&right) != Some(std::cmp::Ordering::Equal)),
        };
        let value = match held {
            Ok(value) => value,
            Err(held) if returns_bool => f64::from(u8::from(held)),
            Err(true) => {
                if scalars.0 {
                    right
                } else {
                    left
                }
            }
            Err(false) => continue,
        };
        result.insert(Arc::new(labels.without(&[NAME])), value);
    }
    result
}
