//! What Loki answers, read leniently: one odd stream or entry never loses the rest, and what was odd is counted.
//!
//! Facts from the vendor's page "Loki HTTP API": sections "Query logs within a range of time", "Query labels",
//! "Query label values". An entry of a stream is `[<ns as text>, <line>]`; with structured metadata a third element
//! holds it (`{"structuredMetadata": {...}, "parsed": {...}}` when the request carries
//! `X-Loki-Response-Encoding-Flags: categorize-labels`; otherwise metadata is folded into the stream's labels).

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{LogLine, Series};
use serde_json::Value as Json;

use super::level;

/// Longest line that is kept, in bytes; a longer one is cut at the end.
pub const LONGEST_LINE: usize = 4 * 1024;

/// Most labels of one line that are kept.
const MOST_LABELS: usize = 40;

/// Why an answer is not one of Loki's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLoki {
    /// Not the JSON of a Loki answer (an HTML page, another server).
    #[error("the answer is not Loki's: {0}")]
    Shape(&'static str),
    /// Loki itself says that it failed.
    #[error("loki answered `{0}`")]
    Status(String),
}

/// The `data` of an answer with `status: success`.
fn data(answer: &Json) -> Result<&Json, NotLoki> {
    let status = answer.get("status").and_then(Json::as_str).ok_or(NotLoki::Shape("`status` is missing"))?;
    if status != "success" {
        return Err(NotLoki::Status(level::head(status, 80).to_owned()));
    }
    Ok(answer.get("data").unwrap_or(&Json::Null))
}

/// Names or values of labels, sorted. Loki leaves `data` out where there is none.
pub fn names(answer: &Json) -> Result<Vec<String>, NotLoki> {
    match data(answer)? {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => {
            let mut names: Vec<String> = items.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            names.sort();
            names.dedup();
            Ok(names)
        }
        _ => Err(NotLoki::Shape("`data` is not an array")),
    }
}

/// Log lines of an answer, and what in it could not be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    /// The lines, oldest first.
    pub entries: Vec<LogLine>,
    /// Entries that were of no known shape.
    pub odd: usize,
    /// Lines that were cut at [`LONGEST_LINE`].
    pub cut: usize,
}

/// What a query answered: lines, or series.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// A log query's lines.
    Lines(Lines),
    /// A metric query's series, sorted by labels.
    Series(Vec<Series>),
}

/// Reads the answer of `query_range` or `query`.
pub fn answered(answer: &Json) -> Result<Answered, NotLoki> {
    let data = data(answer)?;
    let kind = data.get("resultType").and_then(Json::as_str).ok_or(NotLoki::Shape("`resultType` is missing"))?;
    let result = data.get("result").and_then(Json::as_array);
    // A Go server writes an empty list as `null`.
    let result = result.map_or(&[][..], Vec::as_slice);
    match kind {
        "streams" => Ok(Answered::Lines(lines(result))),
        "matrix" | "vector" => Ok(Answered::Series(series(result))),
        _ => Err(NotLoki::Shape("an unknown `resultType`")),
    }
}

fn lines(streams: &[Json]) -> Lines {
    let mut all = Lines::default();
    for stream in streams {
        let labels = texts(stream.get("stream"));
        let Some(entries) = stream.get("values").and_then(Json::as_array) else {
            all.odd += 1;
            continue;
        };
        for entry in entries {
            match line(&labels, entry) {
                Some((line, cut)) => {
                    all.cut += usize::from(cut);
                    all.entries.push(line);
                }
                None => all.odd += 1,
            }
        }
    }
    sort(&mut all.entries);
    all
}

/// Sorts lines by time; lines of one moment by labels and text, so that the same answer reads the same whatever
/// the order of its streams.
pub fn sort(lines: &mut [LogLine]) {
    lines.sort_by(|a, b| (a.time, &a.labels, &a.message).cmp(&(b.time, &b.labels, &b.message)));
}

/// One entry of a stream, and whether its text was cut.
fn line(stream: &Labels, entry: &Json) -> Option<(LogLine, bool)> {
    let entry = entry.as_array()?;
    let time = nanoseconds(entry.first()?)?;
    let text = entry.get(1)?.as_str()?;
    let message = level::head(text, LONGEST_LINE);
    let mut labels = stream.clone();
    if let Some(more) = entry.get(2) {
        // `categorize-labels` nests the metadata; a plain map is what a client pushed.
        let nested = more.get("structuredMetadata").is_some() || more.get("parsed").is_some();
        let maps = if nested { vec![more.get("structuredMetadata"), more.get("parsed")] } else { vec![Some(more)] };
        for (name, value) in maps.into_iter().flat_map(texts) {
            if labels.len() >= MOST_LABELS {
                break;
            }
            labels.entry(name).or_insert(value);
        }
    }
    let level = level::detect(&labels, message).map(str::to_owned);
    let cut = message.len() < text.len();
    Some((LogLine { time, level, message: message.trim_end().to_owned(), labels }, cut))
}

/// A time in nanoseconds since 1970, as text (which Loki sends) or as a number.
fn nanoseconds(value: &Json) -> Option<Timestamp> {
    let number = match value {
        Json::String(text) => text.trim().parse::<i128>().ok()?,
        Json::Number(number) => i128::from(number.as_i64()?),
        _ => return None,
    };
    Timestamp::from_nanosecond(number).ok()
}

/// The texts of a map; what is no text is left out.
fn texts(map: Option<&Json>) -> Labels {
    map.and_then(Json::as_object)
        .into_iter()
        .flatten()
        .take(MOST_LABELS)
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn series(result: &[Json]) -> Vec<Series> {
    let mut series: Vec<Series> = result
        .iter()
        .map(|item| {
            let points = item.get("values").and_then(Json::as_array);
            let mut points: Vec<(Timestamp, f64)> = match points {
                Some(points) => points.iter().filter_map(point).collect(),
                None => item.get("value").and_then(point).into_iter().collect(),
            };
            points.sort_by_key(|(time, _)| *time);
            Series { labels: texts(item.get("metric")), points }
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

/// `[<seconds>, "<value>"]`; a value that is not finite is no point.
fn point(value: &Json) -> Option<(Timestamp, f64)> {
    let pair = value.as_array()?;
    let seconds = pair.first()?.as_f64()?;
    let value: f64 = match pair.get(1)? {
        Json::String(text) => text.parse().ok()?,
        Json::Number(number) => number.as_f64()?,
        _ => return None,
    };
    if !seconds.is_finite() || !value.is_finite() {
        return None;
    }
    // The cast saturates, and what saturates is out of the range of a timestamp.
    Timestamp::from_millisecond((seconds * 1e3).round() as i64).ok().map(|time| (time, value))
}
