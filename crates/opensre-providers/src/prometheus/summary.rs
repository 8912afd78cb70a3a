//! Metric evidence in one line: what was usual, what it is in the incident, and when it was most.

use opensre_model::alert::Labels;
use opensre_model::evidence::Series;
use opensre_model::window::Window;

/// Most series of one answer that are kept.
pub(crate) const MOST_SERIES: usize = 10;

/// Keeps the series that changed most, in order of labels; says what was cut.
pub(crate) fn keep_most_changed(mut series: Vec<Series>) -> (Vec<Series>, Option<String>) {
    let count = series.len();
    if count <= MOST_SERIES {
        return (series, None);
    }
    series.sort_by(|a, b| change(b).total_cmp(&change(a)).then_with(|| a.labels.cmp(&b.labels)));
    series.truncate(MOST_SERIES);
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    (series, Some(format!("{MOST_SERIES} of {count} series are kept: those that changed most")))
}

/// One line about the series that changed most.
pub(crate) fn of_series(title: &str, series: &[Series], unit: Option<&str>, window: &Window) -> String {
    let most = series.iter().max_by(|a, b| change(a).total_cmp(&change(b)).then_with(|| b.labels.cmp(&a.labels)));
    let Some(most) = most else { return format!("{title}: no data in the window") };
    let part = |incident: bool| -> Vec<f64> {
        most.points.iter().filter(|(time, _)| (*time >= window.start) == incident).map(|(_, value)| *value).collect()
    };
    let (before, since) = (part(false), part(true));
    let mut said = Vec::new();
    if let Some(usual) = median(before) {
        said.push(format!("{} in the baseline", quantity(usual, unit)));
    }
    if let (Some(now), Some((low, high))) = (median(since.clone()), extremes(&since)) {
        let range =
            if low < high { format!(" ({} to {})", quantity(low, unit), quantity(high, unit)) } else { String::new() };
        said.push(format!("{}{range} since {}", quantity(now, unit), clock(window.start)));
    }
    let of = if most.labels.is_empty() { String::new() } else { format!(" of {}", named(&most.labels)) };
    let count = if series.len() > 1 {
        format!(", the one of {} series that changed most", series.len())
    } else {
        String::new()
    };
    format!("{title}{of}: {}{count}", said.join(", "))
}

/// Labels as a person reads them, without the name of the metric.
pub(crate) fn named(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}={}", short(value)))
        .collect();
    pairs.join(" ")
}

/// A label's value on one line, bounded.
fn short(value: &str) -> String {
    const MOST: usize = 80;
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// A value with its unit, to three digits.
pub(crate) fn quantity(value: f64, unit: Option<&str>) -> String {
    const KIB: f64 = 1024.0;
    match unit {
        Some("ratio") => format!("{} %", number(value * 100.0)),
        Some("percent") => format!("{} %", number(value)),
        Some("seconds") if value != 0.0 && value.abs() < 1.0 => format!("{} ms", number(value * 1000.0)),
        Some("seconds") => format!("{} s", number(value)),
        Some("milliseconds") => format!("{} ms", number(value)),
        Some("bytes") if value.abs() >= KIB.powi(3) => format!("{} GiB", number(value / KIB.powi(3))),
        Some("bytes") if value.abs() >= KIB.powi(2) => format!("{} MiB", number(value / KIB.powi(2))),
        Some("bytes") => format!("{} B", number(value)),
        Some("per_second") => format!("{}/s", number(value)),
        Some(other) => format!("{} {other}", number(value)),
        None => number(value),
    }
}

/// A number to three significant digits, without needless zeros.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 9);
    let text = format!("{value:.*}", digits as usize);
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text,
    }
}

/// A time as a report's reader compares it: UTC, to the second.
pub(crate) fn clock(time: jiff::Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}

fn change(series: &Series) -> f64 {
    let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).collect();
    extremes(&values).map_or(0.0, |(low, high)| high - low)
}

fn extremes(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().fold(None, |known: Option<(f64, f64)>, value| {
        Some(known.map_or((*value, *value), |(low, high)| (low.min(*value), high.max(*value))))
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(values[middle - 1].midpoint(values[middle])),
    }
}
