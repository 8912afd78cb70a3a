//! `histogram_quantile` over classic buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Point;
use crate::data::labels::{Labels, NAME};

/// One result for every label set that remains without `le`.
pub(super) fn histogram_quantile(q: f64, points: &[Point]) -> Vec<Point> {
    let mut groups: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        // Series without a readable bound are not buckets and are passed over.
        let Some(bound) = point.labels.get("le").and_then(bound) else { continue };
        groups.entry(point.labels.without(&["le", NAME])).or_default().push((bound, point.value));
    }
    groups
        .into_iter()
        .map(|(labels, buckets)| Point { labels: Arc::new(labels), value: bucket_quantile(q, buckets) })
        .collect()
}

fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        _ => text.parse().ok(),
    }
}

/// The quantile from cumulative counts by upper bound, interpolated linearly within a bucket.
fn bucket_quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|next, kept| {
        let same = next.0.total_cmp(&kept.0).is_eq();
        if same {
            kept.1 += next.1;
        }
        same
    });
    let mut highest = f64::NEG_INFINITY;
    for bucket in &mut buckets {
        highest = highest.max(bucket.1);
        bucket.1 = highest;
    }
    let Some((f64::INFINITY, observations)) = buckets.last().copied() else { return f64::NAN };
    if buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let last = buckets.len() - 1;
    let index = buckets[..last].partition_point(|bucket| bucket.1 < rank);
    if index == last {
        return buckets[last - 1].0;
    }
    let (end, mut count) = buckets[index];
    if index == 0 && end <= 0.0 {
        return end;
    }
    let mut start = 0.0;
    if index > 0 {
        start = buckets[index - 1].0;
        count -= buckets[index - 1].1;
        rank -= buckets[index - 1].1;
    }
    start + (end - start) * (rank / count)
}
