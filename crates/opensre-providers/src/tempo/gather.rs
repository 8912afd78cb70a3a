//! What a Tempo has to say about an alert: traces of its service with errors, slow ones and ordinary ones, before
//! and since, and the worst of them span by span.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::{join, join_all};
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, Span};
use opensre_model::window::Window;

use super::api;
use super::reduce;
use super::traceql;
use super::wire::{self, Found, Trace};
use crate::backend::{Backend, LinkTarget};
use crate::driver::Answer;
use crate::failure::Failure;
use crate::subject;

/// Most traces of one search.
const TRACES: usize = 20;

/// From how long a span is looked for as slow, whatever is usual.
const SLOW_MS: u64 = 1_000;

/// Most traces that are read span by span.
pub(crate) const WHOLE_TRACES: usize = 4;

/// Most spans that are kept of one trace.
pub(crate) const SPANS_OF_A_TRACE: usize = 60;

/// The service names that an alert's labels can mean, the most telling first.
pub(crate) fn named_services(labels: &Labels) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    subject::SERVICE
        .iter()
        .filter_map(|name| labels.get(*name))
        .map(|value| value.trim())
        .filter(|value| !value.is_empty() && seen.insert(*value))
        .collect()
}

/// Traces of the service that an alert's labels name.
pub(crate) async fn search(backend: &Backend, operation: &str, labels: &Labels, window: Window) -> Answer {
    let named = named_services(labels);
    let Some(guess) = named.first().copied() else {
        let failure =
            Failure::new(GapKind::NotRelevant, "nothing in the alert names a service whose traces could be read")
                .with_hint("add a label such as `service` to the alert");
        return Answer { gaps: vec![backend.gap(operation, failure)], ..Answer::default() };
    };
    // The names of the services and, at once, the traces of the most likely one: in the usual case it is right.
    let (services, mut searched) =
        join(api::services(&backend.client, &window), Searched::ask(backend, guess, &window)).await;
    let mut answer = Answer::default();
    let service = match services {
        Ok(services) => match spelling(&named, &services) {
            Some(service) => service,
            None if searched.found_something() => guess.to_owned(),
            None => {
                let failure = Failure::new(
                    GapKind::NotRelevant,
                    format!("no service in the window is called what the alert names ({})", named.join(", ")),
                )
                .with_hint(format!("{} services have spans there", services.len()));
                answer.gaps.push(backend.gap(operation, failure));
                return answer;
            }
        },
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            guess.to_owned()
        }
    };
    if service != guess {
        searched = Searched::ask(backend, &service, &window).await;
    }
    let worst = searched.worst(&window);
    let traces = join_all(worst.iter().map(|id| api::trace(&backend.client, id).boxed())).await;
    searched.tell(backend, operation, &service, window, &mut answer);
    tell_traces(backend, operation, &worst, traces, window, &mut answer);
    answer
}

/// Traces by their ids.
pub(crate) async fn by_id(backend: &Backend, operation: &str, ids: &[String], window: Window) -> Answer {
    let mut answer = Answer::default();
    let mut known = BTreeSet::new();
    let mut asked = Vec::new();
    for id in ids {
        match wire::trace_id(id) {
            Some(id) if asked.len() < WHOLE_TRACES => {
                if known.insert(id.clone()) {
                    asked.push(id);
                }
            }
            Some(_) => answer.gaps.push(backend.gap(
                operation,
                Failure::new(
                    GapKind::NotRelevant,
                    format!("only the first {WHOLE_TRACES} traces that the alert names are read"),
                ),
            )),
            None => answer.gaps.push(
                backend.gap(
                    operation,
                    Failure::new(GapKind::NotRelevant, "the alert names a trace by something that is no trace id")
                        .with_hint("a trace id has up to 32 hexadecimal digits"),
                ),
            ),
        }
    }
    let traces = join_all(asked.iter().map(|id| api::trace(&backend.client, id).boxed())).await;
    tell_traces(backend, operation, &asked, traces, window, &mut answer);
    answer
}

/// The name of a service that has spans here and that the alert means: the same, the same but for letter case, or
/// the same but for a namespace before a slash.
fn spelling(named: &[&str], services: &[String]) -> Option<String> {
    let exact = named.iter().find_map(|name| services.iter().find(|service| service == name));
    let like = || named.iter().find_map(|name| services.iter().find(|service| service.eq_ignore_ascii_case(name)));
    let bare = || {
        named.iter().find_map(|name| {
            let (_, last) = name.rsplit_once('/')?;
            services.iter().find(|service| service.eq_ignore_ascii_case(last))
        })
    };
    exact.or_else(like).or_else(bare).cloned()
}

/// One search, over the incident and over the baseline.
struct Pair {
    traceql: String,
    incident: Result<Vec<Found>, Failure>,
    baseline: Result<Vec<Found>, Failure>,
}

impl Pair {
    async fn ask(backend: &Backend, traceql: String, window: &Window) -> Self {
        let client = &backend.client;
        let (incident, baseline) = join(
            api::search(client, &traceql, window.start, window.end, TRACES).boxed(),
            api::search(client, &traceql, window.baseline_start, window.start, TRACES).boxed(),
        )
        .await;
        Self { traceql, incident, baseline }
    }

    fn since(&self) -> &[Found] {
        self.incident.as_deref().unwrap_or_default()
    }

    fn before(&self) -> &[Found] {
        self.baseline.as_deref().unwrap_or_default()
    }
}

struct Searched {
    errors: Pair,
    slow: Pair,
    any: Pair,
}

impl Searched {
    async fn ask(backend: &Backend, service: &str, window: &Window) -> Self {
        let (errors, (slow, any)) = join(
            Pair::ask(backend, traceql::errors_of(service), window),
            join(
                Pair::ask(backend, traceql::slow_of(service, SLOW_MS), window),
                Pair::ask(backend, traceql::any_of(service), window),
            ),
        )
        .await;
        Self { errors, slow, any }
    }

    fn found_something(&self) -> bool {
        [&self.errors, &self.slow, &self.any].iter().any(|pair| !pair.since().is_empty() || !pair.before().is_empty())
    }

    /// Ids of the traces that are worth reading span by span: the longest with errors, the first with errors at or
    /// after the onset, the slowest, and an ordinary one of the baseline to compare with.
    fn worst(&self, window: &Window) -> Vec<String> {
        let longest = |found: &[Found]| -> Option<String> {
            found
                .iter()
                .max_by(|a, b| a.duration_ms.total_cmp(&b.duration_ms).then(b.start.cmp(&a.start)))
                .map(|t| t.trace_id.clone())
        };
        let mut slowest: Vec<Found> = self.slow.since().to_vec();
        slowest.extend_from_slice(self.any.since());
        let mut ordinary: Vec<&Found> = self.any.before().iter().collect();
        ordinary.sort_by(|a, b| a.duration_ms.total_cmp(&b.duration_ms));
        let first =
            self.errors.since().iter().find(|trace| trace.start >= window.onset).or(self.errors.since().first());
        let mut seen = BTreeSet::new();
        [
            longest(self.errors.since()),
            first.map(|trace| trace.trace_id.clone()),
            longest(&slowest),
            ordinary.get(ordinary.len() / 2).map(|trace| trace.trace_id.clone()),
        ]
        .into_iter()
        .flatten()
        .filter(|id| seen.insert(id.clone()))
        .collect()
    }

    fn tell(self, backend: &Backend, operation: &str, service: &str, window: Window, answer: &mut Answer) {
        let Self { errors, slow, any } = self;
        for (pair, what) in [
            (errors, format!("with an error of {service}")),
            (slow, format!("with a span of {service} of {SLOW_MS} ms or more")),
            (any, format!("of {service}")),
        ] {
            let Pair { traceql, incident, baseline } = pair;
            let mut notes = Vec::new();
            let baseline = baseline.map_err(|failure| {
                notes.push("the baseline could not be read".to_owned());
                answer.gaps.push(backend.gap(operation, failure));
            });
            let incident = match incident {
                Ok(incident) => incident,
                Err(failure) => {
                    // Of the baseline alone nothing can be said.
                    answer.gaps.push(backend.gap(operation, failure));
                    continue;
                }
            };
            let count = |found: &[Found], when: &str, notes: &mut Vec<String>| {
                if found.len() >= TRACES {
                    notes.push(format!(
                        "{when} Tempo answered with the first {TRACES} traces that it found; there are more"
                    ));
                    format!("{TRACES} or more")
                } else {
                    found.len().to_string()
                }
            };
            let since = count(&incident, "since the start", &mut notes);
            let before =
                baseline.as_ref().map_or("an unknown number".to_owned(), |found| count(found, "before", &mut notes));
            let noun = if since == "1" { "trace" } else { "traces" };
            let mut summary = format!("{since} {noun} {what}, {before} in the baseline");
            if let (Some(now), Some(then)) = (median(&incident), baseline.as_deref().ok().and_then(median)) {
                let _ = write!(summary, "; median {now:.0} ms, {then:.0} ms in the baseline");
            }
            let mut spans: Vec<Span> =
                incident.into_iter().chain(baseline.unwrap_or_default()).flat_map(|trace| trace.matched).collect();
            spans.sort_by(|a, b| (a.start, &a.trace_id, &a.span_id).cmp(&(b.start, &b.trace_id, &b.span_id)));
            spans.dedup_by(|a, b| a.trace_id == b.trace_id && a.span_id == b.span_id);
            let mut evidence = backend.evidence(operation, traceql, window, summary, EvidenceData::Spans { spans });
            evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
            answer.evidence.push(evidence);
        }
    }
}

fn median(found: &[Found]) -> Option<f64> {
    let mut durations: Vec<f64> = found.iter().map(|trace| trace.duration_ms).collect();
    durations.sort_by(f64::total_cmp);
    durations.get(durations.len() / 2).copied()
}

/// Evidence of whole traces, reduced, and of how their services fared with each other.
fn tell_traces(
    backend: &Backend,
    operation: &str,
    ids: &[String],
    traces: Vec<Result<Trace, Failure>>,
    window: Window,
    answer: &mut Answer,
) {
    let mut incident = Vec::new();
    for (id, read) in ids.iter().zip(traces) {
        let trace = match read {
            Ok(trace) => trace,
            Err(failure) => {
                answer.gaps.push(backend.gap(operation, failure));
                continue;
            }
        };
        let all = trace.spans.len();
        let errors = trace.spans.iter().filter(|span| span.error).count();
        let since = trace.spans.first().is_some_and(|span| span.start >= window.start);
        if since {
            incident.extend_from_slice(&trace.spans);
        }
        let reduced = reduce::reduce(trace.spans, SPANS_OF_A_TRACE);
        let mut notes = Vec::new();
        if reduced.left_out > 0 {
            notes.push(format!(
                "{} of {all} spans are kept: errors, the critical path and the longest",
                all - reduced.left_out
            ));
        }
        if trace.partial {
            notes.push("Tempo itself left out a part of the trace".to_owned());
        }
        if trace.odd > 0 {
            notes.push(format!("{} spans could not be read", trace.odd));
        }
        let when = if since { "" } else { " of the baseline" };
        let summary = format!("trace{when}: {all} spans, {errors} with an error{}", slowest_words(&reduced.spans));
        let mut evidence =
            backend.evidence(operation, id.as_str(), window, summary, EvidenceData::Spans { spans: reduced.spans });
        evidence.origin.link = (backend.links)(LinkTarget::Trace(id), &window);
        evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
        answer.evidence.push(evidence);
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
        let mut evidence = backend.evidence(operation, ids.join(" "), window, summary, data);
        evidence.origin.link = ids.first().and_then(|id| (backend.links)(LinkTarget::Trace(id), &window));
        answer.evidence.push(evidence);
    }
}

/// Where most of the time went: the span with the largest own part of the critical path.
fn slowest_words(spans: &[Span]) -> String {
    let own = |span: &Span| span.attributes.get(reduce::CRITICAL_PATH).and_then(|text| text.parse::<f64>().ok());
    let slowest = spans.iter().filter_map(|span| Some((own(span)?, span))).max_by(|a, b| a.0.total_cmp(&b.0));
    slowest.map_or_else(String::new, |(own, span)| {
        format!("; {} {} itself takes {own:.0} ms of it", span.service, span.name)
    })
}
