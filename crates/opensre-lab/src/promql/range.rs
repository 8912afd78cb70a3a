//! Functions over range vectors: `rate` and its kin, and `*_over_time`.

use super::aggregate::quantile;
use crate::data::metrics::Sample;

/// Per-second rate, increase or difference, extrapolated to the ends of the window as Prometheus does.
///
/// `counter` undoes resets; `per_second` divides by the length of the window (milliseconds `start..end`).
pub(super) fn extrapolated(samples: &[Sample], start: i64, end: i64, counter: bool, per_second: bool) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let mut result = last.value - first.value;
    if counter {
        result +=
            samples.windows(2).filter(|pair| pair[1].value < pair[0].value).map(|pair| pair[0].value).sum::<f64>();
    }
    let seconds = |milliseconds: i64| milliseconds as f64 / 1000.0;
    let mut to_start = seconds(first.time - start);
    let to_end = seconds(end - last.time);
    let sampled = seconds(last.time - first.time);
    let average = sampled / (samples.len() - 1) as f64;
    if counter && result > 0.0 && first.value >= 0.0 {
        // A counter cannot have been below zero: do not extrapolate beyond its likely birth.
        to_start = to_start.min(sampled * (first.value / result));
    }
    let threshold = average * 1.1;
    let reach = |distance: f64| if distance < threshold { distance } else { average / 2.0 };
    let mut factor = (sampled + reach(to_start) + reach(to_end)) / sampled;
    if per_second {
        factor /= seconds(end - start);
    }
    Some(result * factor)
}

/// `irate` and `idelta`: from the last two samples.
pub(super) fn instant_change(samples: &[Sample], rate: bool) -> Option<f64> {
    let [.., previous, last] = samples else { return None };
    let mut result = last.value - previous.value;
    if rate {
        if last.value < previous.value {
            result = last.value;
        }
        let seconds = (last.time - previous.time) as f64 / 1000.0;
        if seconds == 0.0 {
            return None;
        }
        result /= seconds;
    }
    Some(result)
}

/// Slope per second and value at `origin` of the least-squares line.
pub(super) fn regression(samples: &[Sample], origin: i64) -> Option<(f64, f64)> {
    if samples.len() < 2 {
        return None;
    }
    let constant = samples[0].value;
    if samples.iter().all(|sample| sample.value.to_bits() == constant.to_bits()) {
        return Some(if constant.is_finite() { (0.0, constant) } else { (f64::NAN, f64::NAN) });
    }
    let count = samples.len() as f64;
    let (mut sum_x, mut sum_y, mut sum_xy, mut sum_xx) = (0.0, 0.0, 0.0, 0.0);
    for sample in samples {
        let x = (sample.time - origin) as f64 / 1000.0;
        sum_x += x;
        sum_y += sample.value;
        sum_xy += x * sample.value;
        sum_xx += x * x;
    }
    let slope = (sum_xy - sum_x * sum_y / count) / (sum_xx - sum_x * sum_x / count);
    Some((slope, sum_y / count - slope * sum_x / count))
}

/// `name` of a `*_over_time` function without that ending; none for an unknown one.
pub(super) fn over_time(name: &str, samples: &[Sample]) -> Option<f64> {
    let values = || samples.iter().map(|sample| sample.value);
    let count = samples.len() as f64;
    Some(match name {
        "sum" => values().sum(),
        "avg" => values().sum::<f64>() / count,
        "min" => values().fold(f64::NAN, f64::min),
        "max" => values().fold(f64::NAN, f64::max),
        "count" => count,
        "last" => samples.last()?.value,
        "present" => 1.0,
        "stddev" => variance(values(), count).sqrt(),
        "stdvar" => variance(values(), count),
        _ => return None,
    })
}

/// Population variance.
pub(super) fn variance(values: impl Iterator<Item = f64>, count: f64) -> f64 {
    let values: Vec<f64> = values.collect();
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

/// `quantile_over_time`.
pub(super) fn quantile_over_time(q: f64, samples: &[Sample]) -> f64 {
    quantile(q, samples.iter().map(|sample| sample.value).collect())
}

/// `changes` or `resets`: how often a value differs from (or is below) the one before.
pub(super) fn transitions(samples: &[Sample], resets: bool) -> f64 {
    let counts = |pair: &&[Sample]| {
        let (before, after) = (pair[0].value, pair[1].value);
        if resets {
            after < before
        } else {
            after.partial_cmp(&before) != Some(std::cmp::Ordering::Equal) && !(after.is_nan() && before.is_nan())
        }
    };
    samples.windows(2).filter(counts).count() as f64
}
