//! What the `data` of a complete result says, read leniently: one odd row never loses the rest, and what was odd is
//! counted.
//!
//! Facts from the vendor's API reference "Query Data": `results` has one row per group, `series` one per group and
//! step of time; a calculation's key is its operator with its column (`MAX(duration_ms)`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Series, Span};
use serde_json::{Map, Value as Json};

use super::columns::{Columns, names};
use super::spec::TIME;
use crate::failure::Failure;
use crate::loki::level::head;
use crate::spans::LONGEST_TEXT;
use crate::{lines, spans};

/// The rows of `results` (or of `series`).
fn rows<'a>(data: &'a Json, key: &str) -> Result<Vec<&'a Json>, Failure> {
    match data.get(key) {
        Some(Json::Array(rows)) => Ok(rows.iter().collect()),
        // A Go server writes an empty list as `null`.
        Some(Json::Null) => Ok(Vec::new()),
        _ => Err(Failure::nonsense(format!("the answer is not Honeycomb's: `{key}` is no list"))),
    }
}

/// Reads spans.
pub(crate) fn spans(data: &Json, columns: &Columns, limit: usize) -> Result<spans::Found, Failure> {
    let rows = rows(data, "results")?;
    let mut found = spans::Found { more: rows.len() >= limit, ..spans::Found::default() };
    for row in rows {
        match row.get("data").and_then(Json::as_object).and_then(|data| span(data, columns)) {
            Some(span) => found.spans.push(span),
            None => found.odd += 1,
        }
    }
    Ok(found)
}

fn span(row: &Map<String, Json>, columns: &Columns) -> Option<Span> {
    let of = |role: &[&'static str]| columns.find(role).and_then(|column| text(row, column));
    let duration = columns.find(names::DURATION)?;
    let message = columns.all(names::MESSAGES).into_iter().find_map(|column| text(row, column));
    let kept = columns.all(names::KEPT).into_iter().filter_map(|column| Some((column.to_owned(), text(row, column)?)));
    let error = columns.find(names::ERROR).and_then(|column| row.get(column)).is_some_and(|error| match error {
        Json::Bool(flag) => *flag,
        Json::Number(number) => number.as_f64().is_some_and(|number| number >= 1.0),
        Json::String(text) => !matches!(text.as_str(), "" | "false" | "0"),
        _ => false,
    });
    Some(Span {
        trace_id: of(names::TRACE)?,
        span_id: of(names::SPAN)?,
        parent_id: of(names::PARENT),
        service: of(names::SERVICE).unwrap_or_else(|| "unknown".to_owned()),
        name: of(names::NAME).unwrap_or_default(),
        start: time(row.get(&format!("MIN({TIME})"))?)?,
        duration_ms: row.get(&format!("MAX({duration})"))?.as_f64().filter(|ms| ms.is_finite() && *ms >= 0.0)?,
        error,
        message: message.unwrap_or_default(),
        attributes: kept.collect(),
    })
}

/// Reads log lines.
pub(crate) fn logs(data: &Json, columns: &Columns, limit: usize) -> Result<lines::Found, Failure> {
    let rows = rows(data, "results")?;
    let mut found = lines::Found { more: rows.len() >= limit, ..lines::Found::default() };
    for row in rows {
        let read = row.get("data").and_then(Json::as_object).and_then(|row| {
            let body = columns.find(names::BODY)?;
            Some((row, body, time(row.get(TIME)?)?, row.get(body)?.as_str()?))
        });
        let Some((row, body, time, message)) = read else {
            found.odd += 1;
            continue;
        };
        let level = columns.find(names::LEVEL);
        let labels: Labels = row
            .keys()
            .filter(|key| !matches!(key.as_str(), TIME | "COUNT") && *key != body && Some(key.as_str()) != level)
            .filter_map(|key| Some((key.clone(), text(row, key)?)))
            .collect();
        found.add(time, level.and_then(|level| text(row, level)).as_deref(), message, labels);
    }
    Ok(found)
}

/// Reads the series of a calculation (`COUNT`): seconds since 1970 and a number, of a query without breakdowns.
pub fn points(data: &Json, calculation: &str) -> Result<BTreeMap<i64, f64>, Failure> {
    let read = |row: &Json| {
        let time: Timestamp = row.get("time")?.as_str()?.parse().ok()?;
        let value = row.get("data")?.get(calculation)?.as_f64().filter(|value| value.is_finite())?;
        Some((time.as_second(), value))
    };
    Ok(rows(data, "series")?.into_iter().filter_map(read).collect())
}

/// Reads all series of a query that a person wrote: one for each group and calculation, sorted by labels. A number
/// under an operator's key (`COUNT`, `P95(duration_ms)`) is a value, everything else tells the group.
pub fn series(data: &Json) -> Result<Vec<Series>, Failure> {
    let mut all: BTreeMap<Labels, Vec<(Timestamp, f64)>> = BTreeMap::new();
    for row in rows(data, "series")? {
        let time = row.get("time").and_then(Json::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        let (Some(time), Some(data)) = (time, row.get("data").and_then(Json::as_object)) else { continue };
        let is_value = |key: &str| {
            let operator = key.split('(').next().unwrap_or_default();
            !operator.is_empty() && operator.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        let group: Labels =
            data.keys().filter(|key| !is_value(key)).filter_map(|key| Some((key.clone(), text(data, key)?))).collect();
        for (key, value) in data.iter().filter(|(key, _)| is_value(key)) {
            if let Some(value) = value.as_f64().filter(|value| value.is_finite()) {
                let mut labels = group.clone();
                labels.insert("calculation".to_owned(), key.clone());
                all.entry(labels).or_default().push((time, value));
            }
        }
    }
    let sorted = |(labels, mut points): (Labels, Vec<(Timestamp, f64)>)| {
        points.sort_by_key(|(time, _)| *time);
        // A series has one value at a time.
        points.dedup_by_key(|(time, _)| *time);
        Series { labels, points }
    };
    Ok(all.into_iter().map(sorted).collect())
}

/// A time in seconds since 1970, as a float.
fn time(value: &Json) -> Option<Timestamp> {
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite())?;
    // The cast saturates, and what saturates is out of the range of a timestamp.
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// A value that says something, as text, bounded.
fn text(row: &Map<String, Json>, key: &str) -> Option<String> {
    let text = match row.get(key)? {
        Json::String(text) => head(text, LONGEST_TEXT).to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
