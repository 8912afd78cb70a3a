//! The queries `metrics` (of what the alert's labels name) and `metric-query` (that a person wrote).
//!
//! Which metrics there are is asked for, never assumed ("Get active metrics list"); what a name says is read as the
//! vendor's pages "Trace Metrics" and those of its container and system checks have it.

use futures::FutureExt;
use futures::future::join_all;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning};
use opensre_model::window::Window;

use super::api::{self, Datadog};
use super::search;
use super::site::Page;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::prometheus::summary;

/// Most metrics of one meaning, and in all.
const MOST_ALIKE: usize = 3;
const MOST: usize = 14;

/// What a metric's name says: what it measures, and how it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What it measures.
    pub meaning: Meaning,
    /// How series are put together: `avg`, `sum`, `max` or `p95`.
    pub aggregate: &'static str,
    /// Whether it counts, so that it is asked for per second.
    pub counts: bool,
}

/// Reads a metric's name; `None` where it says nothing that is generally known.
pub fn read(name: &str) -> Option<Reading> {
    let reading = |meaning, aggregate, counts| Some(Reading { meaning, aggregate, counts });
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if let Some(rest) = name.strip_prefix("trace.") {
        return match rest.rsplit_once('.').map(|(_, last)| last) {
            Some("errors") => reading(Meaning::Errors, "sum", true),
            Some("hits") => reading(Meaning::Traffic, "sum", true),
            // `apdex`, `by_http_status`, `duration` and the like say the same once more.
            Some("apdex" | "duration" | "by_http_status" | "by_service" | "by_type") => None,
            _ if has(&[".by_", ".errors.", ".hits."]) => None,
            _ => reading(Meaning::Latency, "p95", false),
        };
    }
    if has(&["limit", "capacity", "quota", "requests.cpu", "cpu.requests", "memory.requests", ".max_", ".total_max"]) {
        return None;
    }
    if has(&["restart"]) {
        return reading(Meaning::Restarts, "max", false);
    }
    if has(&["error", "exception", "failure", "failed", "5xx", "rejected", "dropped"]) {
        return reading(Meaning::Errors, "sum", true);
    }
    if has(&["latency", "duration", "response_time", "query_time", "elapsed"]) {
        return reading(Meaning::Latency, "avg", false);
    }
    if has(&["cpu."]) && !has(&["idle", "cpu.num", "cpu.interrupt", "shares"]) {
        return reading(Meaning::Cpu, "avg", false);
    }
    if has(&[
        "memory.usage",
        "memory.rss",
        "memory.working_set",
        "mem.used",
        "mem.pct_used",
        "heap_memory",
        "heap.used",
    ]) {
        return reading(Meaning::Memory, "max", false);
    }
    if has(&["disk.in_use", "disk.used", "filesystem.usage", "fs.usage", "inodes.in_use"]) {
        return reading(Meaning::Disk, "max", false);
    }
    if has(&["connections", "pool", "threads", "open_file", "file_descriptors", "queue", "backlog", "consumer_lag"]) {
        return reading(Meaning::Pool, "max", false);
    }
    if has(&["requests", "hits", ".request.count", "messages_in", "throughput"]) {
        return reading(Meaning::Traffic, "sum", true);
    }
    None
}

/// The metric query for a metric of these tags. Only a name that is one is asked for.
pub fn query(name: &str, reading: Reading, tags: &[String]) -> Option<String> {
    let is_name = !name.is_empty()
        && name.len() <= 200
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let rate = if reading.counts { ".as_rate()" } else { "" };
    is_name.then(|| format!("{}:{name}{{{}}}{rate}", reading.aggregate, tags.join(",")))
}

/// Metrics of what an alert's labels name, as far as their names say what they measure.
pub(super) async fn related(datadog: &Datadog<'_>, operation: &str, labels: &Labels, window: Window) -> Answer {
    let (client, nowhere) = (&datadog.client, datadog.backend(Page::Nowhere));
    let mut answer = Answer::default();
    let selections = search::selections(labels);
    let mut found = None;
    for selection in selections.iter().filter(|selection| selection.tags.len() == 1) {
        match api::active_metrics(client, &selection.tags[0], &window).await {
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                found = Some((selection, names));
                break;
            }
            Err(failure) => {
                answer.gaps.push(nowhere.gap(operation, failure));
                return answer;
            }
        }
    }
    let Some((selection, names)) = found else {
        let failure = Failure::new(GapKind::NotRelevant, "no metric in the window carries a tag that the alert names");
        answer.gaps.push(nowhere.gap(operation, failure));
        return answer;
    };
    // The narrower selection of the same thing, where there is one.
    let narrow = selections.iter().find(|other| other.tags.first() == selection.tags.first()).unwrap_or(selection);
    let (chosen, telling) = choose(names);
    let asked = chosen.into_iter().map(|(name, reading)| {
        let narrow = narrow.tags.as_slice();
        async move {
            let mut text = query(&name, reading, narrow)?;
            let mut asked = api::query(client, &text, &window).await;
            if narrow.len() > 1 && matches!(&asked, Ok((series, _)) if series.is_empty()) {
                text = query(&name, reading, &narrow[..1])?;
                asked = api::query(client, &text, &window).await;
            }
            Some((name, reading, text, asked))
        }
        .boxed()
    });
    let mut silent = 0;
    for (name, reading, text, asked) in join_all(asked).await.into_iter().flatten() {
        let backend = datadog.backend(Page::Metric(name.clone()));
        match asked {
            Ok((series, _)) if series.is_empty() => silent += 1,
            Ok((mut series, unit)) => {
                // Without `by`, a series carries no tags; what it is of is in the query.
                for one in &mut series {
                    if one.labels.is_empty() {
                        one.labels =
                            narrow.tags.iter().filter(|tag| text.contains(*tag)).filter_map(|tag| pair(tag)).collect();
                    }
                }
                let unit = unit.or_else(|| reading.counts.then(|| "per_second".to_owned()));
                let (series, cut) = summary::keep_most_changed(series);
                let said = summary::of_series(&name, &series, unit.as_deref(), &window);
                let data = EvidenceData::Metrics { meaning: reading.meaning, unit, threshold: None, series };
                let mut evidence = backend.evidence(operation, text, window, said, data);
                evidence.truncated = cut;
                answer.evidence.push(evidence);
            }
            Err(failure) => answer.gaps.push(backend.gap(operation, failure.about(&name))),
        }
    }
    if telling > MOST {
        let failure = Failure::new(
            GapKind::NotRelevant,
            format!("{telling} metrics say something by their name; {MOST} at most were asked for"),
        );
        answer.gaps.push(nowhere.gap(operation, failure));
    }
    if silent > 0 && answer.evidence.is_empty() {
        let failure = Failure::new(GapKind::NotRelevant, format!("{silent} metrics have no points in the window"));
        answer.gaps.push(nowhere.gap(operation, failure));
    }
    answer
}

/// The metrics that are asked for, in order of what they tell, and how many there would be.
fn choose(mut names: Vec<String>) -> (Vec<(String, Reading)>, usize) {
    // The shortest name of a kind is the most general one.
    names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    names.dedup();
    let mut readings: Vec<(String, Reading)> =
        names.into_iter().filter_map(|name| read(&name).map(|reading| (name, reading))).collect();
    let telling = readings.len();
    readings.sort_by_key(|(_, reading)| reading.meaning);
    let mut alike = std::collections::BTreeMap::<Meaning, usize>::new();
    readings.retain(|(_, reading)| {
        let count = alike.entry(reading.meaning).or_default();
        *count += 1;
        *count <= MOST_ALIKE
    });
    readings.truncate(MOST);
    (readings, telling)
}

fn pair(tag: &str) -> Option<(String, String)> {
    tag.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// Values of a metric query that a person wrote.
pub(super) async fn metric_query(datadog: &Datadog<'_>, operation: &str, query: &str, window: Window) -> Answer {
    let backend = datadog.backend(Page::Nowhere);
    let mut answer = Answer::default();
    match api::query(&datadog.client, query, &window).await {
        Ok((series, unit)) => {
            let (series, cut) = summary::keep_most_changed(series);
            let said = summary::of_series(query, &series, unit.as_deref(), &window);
            let data = EvidenceData::Metrics { meaning: Meaning::Other, unit, threshold: None, series };
            let mut evidence = backend.evidence(operation, query, window, said, data);
            evidence.truncated = cut;
            answer.evidence.push(evidence);
        }
        Err(failure) => answer.gaps.push(backend.gap(operation, failure)),
    }
    answer
}
