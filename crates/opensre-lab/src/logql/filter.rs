//! Conditions on labels in a pipeline.

use super::Filter;
use crate::data::labels::Labels;
use crate::server::time::go_duration;

pub(super) fn holds(filter: &Filter, labels: &Labels) -> bool {
    match filter {
        Filter::Match(matcher) => matcher.matches(labels),
        // A label that is missing or is no number passes no comparison.
        Filter::Number { name, comparison, value } => {
            labels.get(name).and_then(number).is_some_and(|number| comparison.holds(number, *value))
        }
        Filter::And(left, right) => holds(left, labels) && holds(right, labels),
        Filter::Or(left, right) => holds(left, labels) || holds(right, labels),
    }
}

/// A number, a duration in seconds (`250ms`), or a size in bytes (`20KB`).
pub(super) fn number(text: &str) -> Option<f64> {
    if let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    if let Some(nanoseconds) = go_duration(text) {
        return Some(nanoseconds as f64 / 1e9);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let value: f64 = text[..digits].parse().ok()?;
    let factor = match &text[digits..] {
        "B" => 1.0,
        "KB" | "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(value * factor)
}
