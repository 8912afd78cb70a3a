//! Robust statistics over plain slices: the arithmetic under every signal, with no idea of what the numbers mean.
//!
//! All functions take finite values and are total: too few values give `None`, never a panic or a NaN. Reference
//! values in the tests come from numpy and scipy.

/// What makes the median absolute deviation of normal values estimate their standard deviation.
pub const MAD_TO_SIGMA: f64 = 1.4826;

/// Most values that the quadratic functions look at; longer slices are thinned evenly.
const QUADRATIC_LIMIT: usize = 240;

/// The middle value; the mean of the two middle ones for an even count.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// A quantile with linear interpolation between order statistics (numpy's default, Hyndman and Fan's type 7).
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let share = position - below as f64;
    Some(sorted[below] + (sorted[above] - sorted[below]) * share)
}

/// Median absolute deviation from the median, not scaled.
pub fn mad(values: &[f64]) -> Option<f64> {
    let center = median(values)?;
    let distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    median(&distances)
}

/// Slope of the straight line through `(x, y)` points by Theil and Sen: the median of all pairwise slopes.
///
/// Up to 29 % of the points may lie anywhere without moving it much.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let points = thinned(points);
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (first, &(x1, y1)) in points.iter().enumerate() {
        for &(x2, y2) in &points[first + 1..] {
            if (x2 - x1).abs() > f64::EPSILON {
                slopes.push((y2 - y1) / (x2 - x1));
            }
        }
    }
    median(&slopes)
}

/// Kendall's tau (a) of values against their order: 1 when they only rise, -1 when they only fall, near 0 when they
/// do neither. Ties count as neither.
pub fn kendall_tau(values: &[f64]) -> Option<f64> {
    let values = thinned(values);
    let count = values.len();
    if count < 2 {
        return None;
    }
    let mut balance = 0i64;
    for (first, a) in values.iter().enumerate() {
        for b in &values[first + 1..] {
            balance += i64::from(b > a) - i64::from(b < a);
        }
    }
    Some(balance as f64 / (count * (count - 1) / 2) as f64)
}

/// Where the level of a sequence changes most clearly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after the change.
    pub index: usize,
    /// Welch's t of the two sides: the distance of their means in standard errors; positive for a rise.
    pub t: f64,
    /// Mean before it.
    pub before: f64,
    /// Mean after it.
    pub after: f64,
}

/// Scans all splits for the one with the greatest Welch t, each side at least `least` values long.
///
/// Variances get a floor relative to the whole spread, so that two constant levels give a large finite t.
pub fn welch_scan(values: &[f64], least: usize) -> Option<ChangePoint> {
    let least = least.max(2);
    if values.len() < 2 * least {
        return None;
    }
    // Sums of centred values: squares of large numbers would lose the small differences that matter here.
    let center = values.iter().sum::<f64>() / values.len() as f64;
    let mut sums = vec![(0.0, 0.0)];
    for value in values {
        let (sum, squares) = sums[sums.len() - 1];
        let centred = value - center;
        sums.push((sum + centred, squares + centred * centred));
    }
    let (total, total_squares) = sums[values.len()];
    let floor = (total_squares / values.len() as f64) * 1e-6;
    if floor <= 0.0 {
        return None;
    }
    let mut best: Option<ChangePoint> = None;
    for (index, &(sum, squares)) in sums.iter().enumerate().take(values.len() - least + 1).skip(least) {
        let (before, before_error) = moments(sum, squares, index, floor);
        let (after, after_error) = moments(total - sum, total_squares - squares, values.len() - index, floor);
        let t = (after - before) / (before_error + after_error).sqrt();
        if best.is_none_or(|found| t.abs() > found.t.abs()) {
            best = Some(ChangePoint { index, t, before: before + center, after: after + center });
        }
    }
    best
}

/// Mean and squared standard error.
fn moments(sum: f64, squares: f64, count: usize, floor: f64) -> (f64, f64) {
    let count = count as f64;
    let mean = sum / count;
    let variance = ((squares - count * mean * mean) / (count - 1.0)).max(floor);
    (mean, variance / count)
}

/// How unlikely `count` events in `length` are after `before` events in `before_length`, in standard deviations of a
/// Poisson count (Anscombe's square-root transform, which holds for small counts too).
pub fn poisson_z(count: usize, length: f64, before: usize, before_length: f64) -> f64 {
    if length <= 0.0 || before_length <= 0.0 {
        return 0.0;
    }
    let ratio = length / before_length;
    let observed = (count as f64 + 0.375).sqrt();
    let expected = ((before as f64 + 0.375) * ratio).sqrt();
    2.0 * (observed - expected) / (1.0 + ratio).sqrt()
}

fn thinned<T: Copy>(values: &[T]) -> Vec<T> {
    let step = values.len().div_ceil(QUADRATIC_LIMIT).max(1);
    values.iter().copied().step_by(step).collect()
}
