//! Times and durations as the servers accept them in parameters.

use jiff::Timestamp;

/// Prometheus: seconds of the Unix epoch with fraction, or RFC 3339. Milliseconds.
pub(crate) fn prometheus_time(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.abs() < 1e12).then(|| (seconds * 1000.0).round() as i64);
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Prometheus: seconds with fraction, or a duration such as `1m30s`. Milliseconds.
pub(crate) fn prometheus_duration(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.abs() < 1e9).then(|| (seconds * 1000.0).round() as i64);
    }
    let duration = promql_parser::util::parse_duration(text).ok()?;
    i64::try_from(duration.as_millis()).ok()
}

/// Loki: nanoseconds of the Unix epoch, seconds (up to ten digits, or with a fraction), or RFC 3339. Nanoseconds.
pub(crate) fn loki_time(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        return (seconds.abs() < 9e9).then_some((seconds * 1e9) as i64);
    }
    if let Ok(number) = text.parse::<i64>() {
        return if text.len() <= 10 { number.checked_mul(1_000_000_000) } else { Some(number) };
    }
    let time: Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Tempo: seconds of the Unix epoch. Nanoseconds.
pub(crate) fn tempo_time(text: &str) -> Option<i64> {
    text.parse::<i64>().ok()?.checked_mul(1_000_000_000)
}

/// Go's duration syntax (`1.5h`, `100ms`, `2m30s`). Nanoseconds.
pub(crate) fn go_duration(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let factor = match &rest[..unit] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            "d" => 8.64e13,
            _ => return None,
        };
        rest = &rest[unit..];
        total += number * factor;
    }
    (total < 9e18).then_some(total as i64)
}
