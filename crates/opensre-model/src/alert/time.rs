//! Times as monitoring systems write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

/// What a value says about a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// This time.
    At(Timestamp),
    /// That there is none: null, blank, zero, or Go's zero time in the year 1.
    Unset,
    /// Nothing that can be read.
    Unreadable,
}

/// Reads a time: RFC 3339 and its relatives (a missing offset means UTC), or a number of seconds, milliseconds,
/// microseconds or nanoseconds since 1970, also as text.
pub(super) fn read(value: &Json) -> Reading {
    match value {
        Json::Null => Reading::Unset,
        Json::Number(number) => number.as_f64().map_or(Reading::Unreadable, |float| epoch(number.as_i64(), float)),
        Json::String(text) => read_text(text.trim()),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => Reading::Unreadable,
    }
}

fn read_text(text: &str) -> Reading {
    if text.is_empty() {
        return Reading::Unset;
    }
    if let Ok(float) = text.parse::<f64>() {
        return epoch(text.parse().ok(), float);
    }
    // Go's `time.Time.String()`: `2024-01-05 08:00:00.123 +0000 UTC`.
    let plain = text.trim_end_matches(" UTC").replace(" +", "+");
    let parsed = plain.parse::<Timestamp>().ok().or_else(|| {
        let civil = plain.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    });
    match parsed.or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())) {
        // Nothing that is monitored is older than the epoch; the year 1 and 1970 stand for «not set».
        Some(time) if time.as_second() <= 86_400 => Reading::Unset,
        Some(time) => Reading::At(time),
        None => Reading::Unreadable,
    }
}

/// A number since 1970; its size tells the unit (any time between 1973 and 5138 is told apart).
fn epoch(whole: Option<i64>, float: f64) -> Reading {
    if !float.is_finite() {
        return Reading::Unreadable;
    }
    if float.abs() < 1.0 {
        return Reading::Unset;
    }
    let size = float.abs();
    let (per_second, nanoseconds) = match size {
        size if size < 1e11 => (1.0, 1_000_000_000),
        size if size < 1e14 => (1e3, 1_000_000),
        size if size < 1e17 => (1e6, 1_000),
        size if size < 1e20 => (1e9, 1),
        _ => return Reading::Unreadable,
    };
    let time = match whole {
        Some(whole) => Timestamp::from_nanosecond(i128::from(whole) * nanoseconds).ok(),
        None => SignedDuration::try_from_secs_f64(float / per_second)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok()),
    };
    match time {
        Some(time) if time.as_second() > 86_400 => Reading::At(time),
        Some(_) => Reading::Unset,
        None => Reading::Unreadable,
    }
}
