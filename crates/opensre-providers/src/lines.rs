//! Log lines around the onset of an alert, however a vendor's API is asked: which cuts of time, and what is told of
//! them.
//!
//! Incident and baseline are asked in the same way, so that what is new or more frequent can be told from what is
//! always there. The onset lies between two cuts, each of which asks for what is nearest to it, so that lines which
//! are always there never crowd out those around it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::{BoxFuture, join3};
use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, LogLine, Meaning, Series};
use opensre_model::window::Window;

use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::loki::level::{detect, head, normalise};
use crate::prometheus::summary::clock;

/// Longest text of one line that is kept, in bytes.
pub(crate) const LONGEST_LINE: usize = 4 * 1024;

/// Most labels of one line that are kept.
pub(crate) const MOST_LABELS: usize = 40;

/// A part of the time, and which lines of it are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Of this time or later.
    pub(crate) from: Timestamp,
    /// Earlier than this time.
    pub(crate) to: Timestamp,
    /// Most lines.
    pub(crate) limit: usize,
    /// Whether the oldest are asked for first, else the newest.
    pub(crate) oldest_first: bool,
}

/// What was found in a cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    /// The lines, in any order.
    pub(crate) lines: Vec<LogLine>,
    /// Whether there are more than were asked for.
    pub(crate) more: bool,
    /// Lines that were shortened to [`LONGEST_LINE`].
    pub(crate) shortened: usize,
    /// Entries that could not be read.
    pub(crate) odd: usize,
    /// What the server said about its own answer.
    pub(crate) said: Vec<String>,
}

impl Found {
    /// Adds a line. The level is the one the vendor tells, else what labels and text say.
    pub(crate) fn add(&mut self, time: Timestamp, level: Option<&str>, message: &str, mut labels: Labels) {
        let text = head(message, LONGEST_LINE);
        self.shortened += usize::from(text.len() < message.len());
        while labels.len() > MOST_LABELS {
            labels.pop_last();
        }
        let level = level.and_then(normalise).or_else(|| detect(&labels, text)).map(str::to_owned);
        self.lines.push(LogLine { time, level, message: text.trim_end().to_owned(), labels });
    }
}

/// What all evidence of one gathering has in common.
pub(crate) struct Scope<'a> {
    /// The back end.
    pub(crate) backend: &'a Backend,
    /// Name of the query.
    pub(crate) operation: &'a str,
    /// The window.
    pub(crate) window: Window,
    /// What the alert names and this back end does not have, in words.
    pub(crate) dropped: Option<String>,
}

/// The lines of one kind, in three cuts: before the onset, after it, and in the baseline.
pub(crate) struct Asked {
    before: Result<Found, Failure>,
    after: Result<Found, Failure>,
    baseline: Result<Found, Failure>,
}

impl Asked {
    /// Asks for the whole window, at most `limit` lines in each cut.
    pub(crate) async fn whole<'a>(
        window: &Window,
        limit: usize,
        ask: impl Fn(Cut) -> BoxFuture<'a, Result<Found, Failure>>,
    ) -> Self {
        Self::between(window.start, window.end, window, limit, ask).await
    }

    /// Asks for what is near the onset, and for the end of the baseline: a sample of what is written anyway.
    pub(crate) async fn near<'a>(
        window: &Window,
        limit: usize,
        ask: impl Fn(Cut) -> BoxFuture<'a, Result<Found, Failure>>,
    ) -> Self {
        let before = window.onset.checked_sub(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MIN);
        let after = window.onset.checked_add(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX);
        Self::between(before.max(window.start), after.min(window.end), window, limit, ask).await
    }

    async fn between<'a>(
        before: Timestamp,
        after: Timestamp,
        window: &Window,
        limit: usize,
        ask: impl Fn(Cut) -> BoxFuture<'a, Result<Found, Failure>>,
    ) -> Self {
        let cut = |from, to, oldest_first| {
            // A cut of no length has no lines: an alert can begin now.
            if from >= to { async { Ok(Found::default()) }.boxed() } else { ask(Cut { from, to, limit, oldest_first }) }
        };
        let (before, after, baseline) = join3(
            cut(before, window.onset, false),
            cut(window.onset, after, true),
            cut(window.baseline_start, window.start, false),
        )
        .await;
        Self { before, after, baseline }
    }

    /// Whether anything was found at all.
    pub(crate) fn found_something(&self) -> bool {
        [&self.before, &self.after, &self.baseline]
            .iter()
            .any(|part| matches!(part, Ok(found) if !found.lines.is_empty()))
    }

    /// Whether everything was answered, be it with nothing.
    pub(crate) fn answered(&self) -> bool {
        self.before.is_ok() && self.after.is_ok() && self.baseline.is_ok()
    }

    /// Tells what was found as one piece of evidence. An incident that was not answered as a whole tells nothing:
    /// what is left of it would look as if nothing had happened.
    pub(crate) fn tell(self, scope: &Scope<'_>, what: &str, query: &str, answer: &mut Answer) {
        let baseline = self.baseline.map_err(|failure| answer.gaps.push(scope.backend.gap(scope.operation, failure)));
        let (before, after) = match (self.before, self.after) {
            (Ok(before), Ok(after)) => (before, after),
            (before, after) => {
                let failures = [before.err(), after.err()].into_iter().flatten();
                answer.gaps.extend(failures.map(|failure| scope.backend.gap(scope.operation, failure)));
                return;
            }
        };
        let mut notes = Vec::new();
        let first = |found: &Found| found.lines.iter().map(|line| line.time).min().filter(|_| found.more);
        let last = |found: &Found| found.lines.iter().map(|line| line.time).max().filter(|_| found.more);
        notes.extend(first(&before).map(|time| format!("too many lines: some before {} are missing", clock(time))));
        notes.extend(last(&after).map(|time| format!("too many lines: some after {} are missing", clock(time))));
        match &baseline {
            Ok(baseline) => {
                let from = first(baseline);
                notes.extend(from.map(|time| format!("of the baseline only lines after {} are kept", clock(time))));
            }
            Err(()) => notes.push("the baseline could not be read".to_owned()),
        }
        let parts = [Some(&before), Some(&after), baseline.as_ref().ok()];
        notes.extend(oddities(parts.into_iter().flatten()));
        let incident = distinct(before.lines.into_iter().chain(after.lines));
        let baseline = distinct(baseline.unwrap_or_default().lines);
        let noun = if incident.len() == 1 { "line" } else { "lines" };
        let mut summary = match (incident.len(), baseline.len()) {
            (0, 0) => format!("no lines {what}"),
            (new, 0) => format!("{new} {noun} {what}, none in the baseline"),
            (new, old) => format!("{new} {noun} {what}, {old} in the baseline"),
        };
        if let Some(first) = incident.first() {
            let _ = write!(summary, "; the first at {}", clock(first.time));
        }
        if let Some(dropped) = &scope.dropped {
            let _ = write!(summary, "; not narrowed by {dropped}, which is not there");
        }
        let data = EvidenceData::Logs { lines: baseline.into_iter().chain(incident).collect() };
        let mut evidence = scope.backend.evidence(scope.operation, query, scope.window, summary, data);
        evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
        answer.evidence.push(evidence);
    }
}

/// Tells what a query that a person wrote found.
pub(crate) fn tell_plain(scope: &Scope<'_>, query: &str, found: Result<Found, Failure>, answer: &mut Answer) {
    let found = match found {
        Ok(found) => found,
        Err(failure) => return answer.gaps.push(scope.backend.gap(scope.operation, failure)),
    };
    let count = found.lines.len();
    let cut = found.more.then(|| format!("only the newest {count} lines were asked for; there are more"));
    let notes: Vec<String> = cut.into_iter().chain(oddities([&found])).collect();
    let summary = format!("{count} {}", if count == 1 { "line" } else { "lines" });
    let data = EvidenceData::Logs { lines: distinct(found.lines) };
    let mut evidence = scope.backend.evidence(scope.operation, query, scope.window, summary, data);
    evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
    answer.evidence.push(evidence);
}

/// Tells how many lines there were in each step of time: seconds since 1970, and a number. Steps that the server left
/// out count zero.
pub(crate) fn tell_counts(
    scope: &Scope<'_>,
    what: &str,
    query: &str,
    meaning: Meaning,
    step: i64,
    counts: Result<BTreeMap<i64, f64>, Failure>,
    answer: &mut Answer,
) {
    let counts = match counts {
        Ok(counts) => counts,
        Err(failure) => return answer.gaps.push(scope.backend.gap(scope.operation, failure)),
    };
    let points = with_zeros(&counts, &scope.window, step);
    let (before, since): (Vec<_>, Vec<_>) = points.iter().partition(|(time, _)| *time < scope.window.start);
    let total = |points: &[&(Timestamp, f64)]| points.iter().map(|(_, value)| value).sum::<f64>();
    let summary =
        format!("{} {what} since {}, {} in the baseline", total(&since), clock(scope.window.start), total(&before));
    let series = vec![Series { labels: Labels::from([("counted".to_owned(), what.to_owned())]), points }];
    let unit = Some(format!("lines per {step} s"));
    let data = EvidenceData::Metrics { meaning, unit, threshold: None, series };
    answer.evidence.push(scope.backend.evidence(scope.operation, query, scope.window, summary, data));
}

/// The step of counts over a window, in seconds: about a hundred points, whole minutes.
pub(crate) fn step_seconds(window: &Window) -> i64 {
    (window.length().as_secs() / 100).max(1).saturating_add(59) / 60 * 60
}

/// The points of a count on its whole grid, zero where there is none. The grid's phase is that of the points. A step
/// that has not ended with the window is left out: its count is not all of it.
pub(crate) fn with_zeros(counts: &BTreeMap<i64, f64>, window: &Window, step: i64) -> Vec<(Timestamp, f64)> {
    let step = step.max(1);
    let (first, last) = (window.baseline_start.as_second(), window.end.as_second());
    let phase = counts.keys().next().copied().unwrap_or(first).rem_euclid(step);
    let start = first + (phase - first).rem_euclid(step);
    let mut second = start;
    let mut grid = Vec::new();
    while second.saturating_add(step) <= last {
        if let Ok(time) = Timestamp::from_second(second) {
            grid.push((time, counts.get(&second).copied().unwrap_or(0.0)));
        }
        second += step;
    }
    grid
}

/// Lines, each once, oldest first.
fn distinct(found: impl IntoIterator<Item = LogLine>) -> Vec<LogLine> {
    let mut seen = HashSet::new();
    let mut lines: Vec<LogLine> = found.into_iter().collect();
    lines.sort_by(|a, b| (a.time, &a.message, &a.labels).cmp(&(b.time, &b.message, &b.labels)));
    lines.retain(|line| seen.insert((line.time, line.message.clone(), line.labels.clone())));
    lines
}

fn oddities<'a>(found: impl IntoIterator<Item = &'a Found>) -> Vec<String> {
    let (mut odd, mut shortened, mut said) = (0, 0, Vec::new());
    for part in found {
        odd += part.odd;
        shortened += part.shortened;
        said.extend(part.said.iter().map(|note| format!("the server says: {note}")));
    }
    said.sort();
    said.dedup();
    let shortened = (shortened > 0).then(|| format!("{shortened} lines were cut at {LONGEST_LINE} bytes"));
    let odd = (odd > 0).then(|| format!("{odd} entries could not be read"));
    shortened.into_iter().chain(odd).chain(said).collect()
}
