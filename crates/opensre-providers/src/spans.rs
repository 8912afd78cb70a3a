//! Traces around the onset of an alert, however a vendor's API is asked: what is told of the spans that searches
//! found, and of whole traces.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use futures::future::{BoxFuture, join};
use futures::{FutureExt, future::join_all};
use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, GapKind, Span};
use opensre_model::window::Window;

use crate::backend::LinkTarget;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::lines::Scope;
use crate::tempo::reduce;

/// From how long a span is looked for as slow, whatever is usual.
pub(crate) const SLOW_MS: u64 = 1_000;

/// Most traces that are read span by span.
pub(crate) const WHOLE_TRACES: usize = 4;

/// Most spans that are kept of one trace.
pub(crate) const SPANS_OF_A_TRACE: usize = 60;

/// Longest text of a span that is kept, in bytes.
pub(crate) const LONGEST_TEXT: usize = 512;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    /// The spans, in any order.
    pub(crate) spans: Vec<Span>,
    /// Whether there are more than were asked for.
    pub(crate) more: bool,
    /// Entries that could not be read.
    pub(crate) odd: usize,
}

/// One search, over the incident and over the baseline.
pub(crate) struct Searched {
    query: String,
    /// What is found, in words that follow `spans`.
    what: String,
    incident: Result<Found, Failure>,
    baseline: Result<Found, Failure>,
}

impl Searched {
    /// Asks `ask(from, to)` for both parts of the window.
    pub(crate) async fn ask<'a>(
        query: String,
        what: String,
        window: &Window,
        ask: impl Fn(Timestamp, Timestamp) -> BoxFuture<'a, Result<Found, Failure>>,
    ) -> Self {
        let part = |from, to| {
            // A part of no length has no spans.
            if from >= to { async { Ok(Found::default()) }.boxed() } else { ask(from, to) }
        };
        let (incident, baseline) =
            join(part(window.start, window.end), part(window.baseline_start, window.start)).await;
        Self { query, what, incident, baseline }
    }

    /// A search that was not asked; it tells nothing.
    pub(crate) fn none() -> Self {
        Self {
            query: String::new(),
            what: String::new(),
            incident: Ok(Found::default()),
            baseline: Ok(Found::default()),
        }
    }

    /// Whether anything was found at all.
    pub(crate) fn found_something(&self) -> bool {
        !self.since().is_empty() || !self.before().is_empty()
    }

    /// Whether both parts were answered, be it with nothing.
    pub(crate) fn answered(&self) -> bool {
        self.incident.is_ok() && self.baseline.is_ok()
    }

    fn since(&self) -> &[Span] {
        self.incident.as_ref().map_or(&[], |found| &found.spans)
    }

    fn before(&self) -> &[Span] {
        self.baseline.as_ref().map_or(&[], |found| &found.spans)
    }

    /// Tells what was found as one piece of evidence.
    pub(crate) fn tell(self, scope: &Scope<'_>, answer: &mut Answer) {
        let Self { query, what, incident, baseline } = self;
        if query.is_empty() {
            return;
        }
        let mut notes = Vec::new();
        let baseline = baseline.map_err(|failure| {
            notes.push("the baseline could not be read".to_owned());
            answer.gaps.push(scope.backend.gap(scope.operation, failure));
        });
        let incident = match incident {
            Ok(incident) => incident,
            // Of the baseline alone nothing can be said.
            Err(failure) => return answer.gaps.push(scope.backend.gap(scope.operation, failure)),
        };
        let odd = incident.odd + baseline.as_ref().map_or(0, |found| found.odd);
        let count = |found: &Found, when: &str, notes: &mut Vec<String>| {
            let count = found.spans.len();
            if found.more {
                notes.push(format!("{when} only {count} spans were asked for; there are more"));
                format!("{count} or more")
            } else {
                count.to_string()
            }
        };
        let since = count(&incident, "since the start", &mut notes);
        let before =
            baseline.as_ref().map_or("an unknown number".to_owned(), |found| count(found, "before", &mut notes));
        if odd > 0 {
            notes.push(format!("{odd} spans could not be read"));
        }
        let noun = if since == "1" { "span" } else { "spans" };
        let mut summary = format!("{since} {noun} {what}, {before} in the baseline");
        if let (Some(now), Some(then)) =
            (median(&incident.spans), baseline.as_ref().ok().and_then(|found| median(&found.spans)))
        {
            let _ = write!(summary, "; median {now:.0} ms, {then:.0} ms in the baseline");
        }
        if let Some(dropped) = &scope.dropped {
            let _ = write!(summary, "; not narrowed by {dropped}, which is not there");
        }
        let mut spans = incident.spans;
        spans.extend(baseline.unwrap_or_default().spans);
        sort(&mut spans);
        let mut evidence =
            scope.backend.evidence(scope.operation, query, scope.window, summary, EvidenceData::Spans { spans });
        evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
        answer.evidence.push(evidence);
    }
}

/// Ids of the traces that are worth reading span by span: the longest and the first with errors at or after the
/// onset, the slowest, and an ordinary one of the baseline to compare with.
pub(crate) fn worst(errors: &Searched, slow: &Searched, any: &Searched, window: &Window) -> Vec<String> {
    let failed: Vec<&Span> = errors.since().iter().collect();
    let late = failed.iter().copied().filter(|span| span.start >= window.onset).min_by_key(|span| span.start);
    let slowest: Vec<&Span> = slow.since().iter().chain(any.since()).collect();
    let mut ordinary: Vec<&Span> = any.before().iter().filter(|span| !span.error).collect();
    ordinary.sort_by(|a, b| a.duration_ms.total_cmp(&b.duration_ms));
    let mut seen = BTreeSet::new();
    [longest(&failed), late, longest(&slowest), ordinary.get(ordinary.len() / 2).copied()]
        .into_iter()
        .flatten()
        .map(|span| span.trace_id.clone())
        .filter(|id| !id.is_empty() && seen.insert(id.clone()))
        .take(WHOLE_TRACES)
        .collect()
}

fn longest<'a>(spans: &[&'a Span]) -> Option<&'a Span> {
    spans.iter().max_by(|a, b| a.duration_ms.total_cmp(&b.duration_ms).then(b.start.cmp(&a.start))).copied()
}

/// The trace ids that a query was given: each once, cleaned, with a gap for those that are none or too many.
pub(crate) fn wanted(scope: &Scope<'_>, ids: &[String], answer: &mut Answer) -> Vec<String> {
    let mut asked: Vec<String> = Vec::new();
    for id in ids {
        let id = id.trim().to_ascii_lowercase();
        let is_id = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let failure = if !is_id {
            Failure::new(GapKind::NotRelevant, "the alert names a trace by something that is no trace id")
                .with_hint("a trace id has up to 32 hexadecimal digits")
        } else if asked.contains(&id) {
            continue;
        } else if asked.len() >= WHOLE_TRACES {
            Failure::new(GapKind::NotRelevant, format!("only the first {WHOLE_TRACES} traces are read"))
        } else {
            asked.push(id);
            continue;
        };
        let gap = scope.backend.gap(scope.operation, failure);
        if !answer.gaps.contains(&gap) {
            answer.gaps.push(gap);
        }
    }
    asked
}

/// Reads whole traces and tells them, reduced, and how their services fared with each other. `ask` is given an id and
/// yields the query in words and what it found.
pub(crate) async fn tell_traces<'a>(
    scope: &Scope<'_>,
    ids: &[String],
    ask: impl Fn(String) -> BoxFuture<'a, (String, Result<Found, Failure>)>,
    answer: &mut Answer,
) {
    let read = join_all(ids.iter().map(|id| ask(id.clone()))).await;
    let mut incident = Vec::new();
    for (id, (query, found)) in ids.iter().zip(read) {
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                answer.gaps.push(scope.backend.gap(scope.operation, failure));
                continue;
            }
        };
        if found.spans.is_empty() {
            let failure = Failure::new(GapKind::NotRelevant, format!("no span of trace {id} is there in the window"));
            answer.gaps.push(scope.backend.gap(scope.operation, failure));
            continue;
        }
        tell_trace(scope, id, query, found, &mut incident, answer);
    }
    let states = reduce::dependencies(&incident);
    if !states.is_empty() {
        let failing: Vec<&str> =
            states.iter().filter(|state| state.healthy == Some(false)).map(|state| state.name.as_str()).collect();
        let summary = match failing.as_slice() {
            [] => format!("{} dependencies in these traces, none with a failed call", states.len()),
            failing => format!("failed calls in these traces: {}", failing.join(", ")),
        };
        let data = EvidenceData::States { states };
        let mut evidence = scope.backend.evidence(scope.operation, ids.join(" "), scope.window, summary, data);
        evidence.origin.link = ids.first().and_then(|id| (scope.backend.links)(LinkTarget::Trace(id), &scope.window));
        answer.evidence.push(evidence);
    }
}

fn tell_trace(
    scope: &Scope<'_>,
    id: &str,
    query: String,
    mut found: Found,
    incident: &mut Vec<Span>,
    answer: &mut Answer,
) {
    sort(&mut found.spans);
    let all = found.spans.len();
    let errors = found.spans.iter().filter(|span| span.error).count();
    let since = found.spans.first().is_some_and(|span| span.start >= scope.window.start);
    if since {
        incident.extend_from_slice(&found.spans);
    }
    let reduced = reduce::reduce(found.spans, SPANS_OF_A_TRACE);
    let mut notes = Vec::new();
    if reduced.left_out > 0 {
        let kept = all - reduced.left_out;
        notes.push(format!("{kept} of {all} spans are kept: errors, the critical path and the longest"));
    }
    if found.more {
        notes.push(format!("only {all} spans of the trace were asked for; there are more"));
    }
    if found.odd > 0 {
        notes.push(format!("{} spans could not be read", found.odd));
    }
    let when = if since { "" } else { " of the baseline" };
    let summary = format!("trace{when}: {all} spans, {errors} with an error{}", slowest_words(&reduced.spans));
    let data = EvidenceData::Spans { spans: reduced.spans };
    let mut evidence = scope.backend.evidence(scope.operation, query, scope.window, summary, data);
    evidence.origin.link = (scope.backend.links)(LinkTarget::Trace(id), &scope.window);
    evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
    answer.evidence.push(evidence);
}

fn sort(spans: &mut Vec<Span>) {
    spans.sort_by(|a, b| (a.start, &a.trace_id, &a.span_id).cmp(&(b.start, &b.trace_id, &b.span_id)));
    spans.dedup_by(|a, b| a.trace_id == b.trace_id && a.span_id == b.span_id && a.start == b.start);
}

fn median(spans: &[Span]) -> Option<f64> {
    let mut durations: Vec<f64> = spans.iter().map(|span| span.duration_ms).collect();
    durations.sort_by(f64::total_cmp);
    durations.get(durations.len() / 2).copied()
}

/// Where most of the time went: the span with the largest own part of the critical path.
fn slowest_words(spans: &[Span]) -> String {
    let own = |span: &Span| span.attributes.get(reduce::CRITICAL_PATH).and_then(|text| text.parse::<f64>().ok());
    let slowest = spans.iter().filter_map(|span| Some((own(span)?, span))).max_by(|a, b| a.0.total_cmp(&b.0));
    slowest.map_or_else(String::new, |(own, span)| {
        format!("; {} {} itself takes {own:.0} ms of it", span.service, span.name)
    })
}
