//! What an organisation has to say about what an alert names: logs, spans and events.

use futures::FutureExt;
use futures::future::join;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EventKind, EvidenceData, GapKind, Meaning};
use opensre_model::window::Window;

use super::api::{self, Datadog};
use super::search::{self, Selection};
use super::site::Page;
use super::wire;
use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::lines::{self, Asked, Scope};
use crate::spans::{self, SLOW_MS, Searched};

/// Most lines of errors in each cut; the same of warnings, and of the sample.
const ERROR_LINES: usize = 400;
const WARNING_LINES: usize = 100;
const SAMPLE_LINES: usize = 150;

/// Most lines of a search that a person wrote, and so of any evidence of one cut.
pub(super) const SEARCH_LINES: usize = 500;

/// Most spans of one search over one part of the window.
const SPANS: usize = 50;

/// Most spans of one trace that are read.
const TRACE_SPANS: usize = 750;

/// Most events.
pub(super) const EVENTS: usize = 200;

/// Statuses of errors and of warnings ("Log Status Remapper").
const ERRORS: &str = "status:(error OR critical OR alert OR emergency)";
const WARNINGS: &str = "status:(warn OR warning)";

/// Lines of errors, of warnings and a sample, and how many there are.
pub(super) async fn logs(datadog: &Datadog<'_>, operation: &str, labels: &Labels, window: Window) -> Answer {
    let (client, backend) = (&datadog.client, datadog.backend(Page::Logs));
    let mut answer = Answer::default();
    let step = lines::step_seconds(&window);
    let interval = format!("{}m", step / 60);
    // The first selection of which there is any line; what all of its lines number is evidence already.
    let selections = search::selections(labels);
    let mut chosen = None;
    for selection in &selections {
        match api::count_logs(client, &selection.search, &window, &interval, &[]).await {
            Ok(buckets) => {
                let counts: wire::Counts = buckets.into_iter().flat_map(|(_, counts)| counts).collect();
                if counts.values().sum::<f64>() > 0.0 {
                    chosen = Some((selection, Some(counts)));
                    break;
                }
            }
            Err(failure) => {
                // Counting may be forbidden or broken; the lines may be there all the same.
                answer.gaps.push(backend.gap(operation, failure));
                chosen = Some((selection, None));
                break;
            }
        }
    }
    let Some((selection, all)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("log", &selections)));
        return answer;
    };
    let everything = selection.search.as_str();
    let (errors, warnings) = (format!("{everything} {ERRORS}"), format!("{everything} {WARNINGS}"));
    let ask = |search: &str, cut| {
        let search = search.to_owned();
        async move { api::logs(client, &search, cut).await }.boxed()
    };
    let ((found, counts), (warned, sample)) = join(
        join(
            Asked::whole(&window, ERROR_LINES, |cut| ask(&errors, cut)).boxed(),
            api::count_logs(client, &errors, &window, &interval, &[]).boxed(),
        ),
        join(
            Asked::whole(&window, WARNING_LINES, |cut| ask(&warnings, cut)).boxed(),
            Asked::near(&window, SAMPLE_LINES, |cut| ask(everything, cut)).boxed(),
        ),
    )
    .await;
    let scope = scope(&backend, operation, window, selection);
    found.tell(&scope, "of errors", &errors, &mut answer);
    warned.tell(&scope, "of warnings", &warnings, &mut answer);
    sample.tell(&scope, "of a sample of all lines", everything, &mut answer);
    let counts = counts.map(|buckets| buckets.into_iter().flat_map(|(_, counts)| counts).collect());
    lines::tell_counts(&scope, "lines of errors", &errors, Meaning::Errors, step, counts, &mut answer);
    if let Some(all) = all {
        lines::tell_counts(&scope, "lines", everything, Meaning::Other, step, Ok(all), &mut answer);
    }
    answer
}

/// What a search that a person wrote finds.
pub(super) async fn log_search(datadog: &Datadog<'_>, operation: &str, search: &str, window: Window) -> Answer {
    let backend = datadog.backend(Page::Logs);
    let cut = lines::Cut { from: window.baseline_start, to: window.end, limit: SEARCH_LINES, oldest_first: false };
    let found = api::logs(&datadog.client, search, cut).await;
    let mut answer = Answer::default();
    let scope = Scope { backend: &backend, operation, window, dropped: None };
    lines::tell_plain(&scope, search, found, &mut answer);
    answer
}

/// Spans with errors, slow ones and ordinary ones, and the worst traces span by span.
pub(super) async fn spans(datadog: &Datadog<'_>, operation: &str, labels: &Labels, window: Window) -> Answer {
    let (client, backend) = (&datadog.client, datadog.backend(Page::Traces));
    let mut answer = Answer::default();
    let searched = async |search: String, what: String| {
        let asked = search.clone();
        let ask = move |from, to| {
            let search = asked.clone();
            async move { api::spans(client, &search, (from, to), SPANS).await }.boxed()
        };
        Searched::ask(search, what, &window, ask).await
    };
    let selections = search::selections(labels);
    let mut chosen = None;
    for selection in &selections {
        let any = searched(selection.search.clone(), "of any kind".to_owned()).await;
        // What was not answered cannot be told from what is not there; a second question would fail alike.
        if any.found_something() || !any.answered() {
            chosen = Some((selection, any));
            break;
        }
    }
    let Some((selection, any)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("span", &selections)));
        return answer;
    };
    let scope = scope(&backend, operation, window, selection);
    if !any.found_something() {
        any.tell(&scope, &mut answer);
        return answer;
    }
    let slow = format!("{} @duration:>{}", selection.search, SLOW_MS * 1_000_000);
    let (errors, slow) = join(
        searched(format!("{} status:error", selection.search), "with an error".to_owned()),
        searched(slow, format!("of {SLOW_MS} ms or more")),
    )
    .await;
    let worst = spans::worst(&errors, &slow, &any, &window);
    for found in [errors, slow, any] {
        found.tell(&scope, &mut answer);
    }
    whole_traces(datadog, &scope, &worst, &mut answer).await;
    answer
}

/// Traces by their ids.
pub(super) async fn traces(datadog: &Datadog<'_>, operation: &str, ids: &[String], window: Window) -> Answer {
    let backend = datadog.backend(Page::Traces);
    let mut answer = Answer::default();
    let scope = Scope { backend: &backend, operation, window, dropped: None };
    let ids = spans::wanted(&scope, ids, &mut answer);
    whole_traces(datadog, &scope, &ids, &mut answer).await;
    answer
}

async fn whole_traces(datadog: &Datadog<'_>, scope: &Scope<'_>, ids: &[String], answer: &mut Answer) {
    let client = &datadog.client;
    let window = scope.window;
    let ask = |id: String| {
        let search = of_trace(&id);
        async move {
            let found = api::spans(client, &search, (window.baseline_start, window.end), TRACE_SPANS).await;
            (search, found)
        }
        .boxed()
    };
    spans::tell_traces(scope, ids, ask, answer).await;
}

/// The search for a trace: by the id as written and, for a hexadecimal one, by its lower 64 bits as the decimal number
/// under which older tracers send it ("Correlating OpenTelemetry traces and logs").
fn of_trace(id: &str) -> String {
    let low = id.get(id.len().saturating_sub(16)..).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match low {
        Some(low) if matches!(id.len(), 16 | 32) => format!("trace_id:({} OR {low})", search::value(id)),
        _ => search::term("trace_id", id),
    }
}

/// Deployments, changes and alerts of what the alert names, and changes of anything around it.
pub(super) async fn events(
    datadog: &Datadog<'_>,
    operation: &str,
    labels: &Labels,
    own_monitor: Option<&str>,
    window: Window,
) -> Answer {
    let backend = datadog.backend(Page::Events);
    let mut answer = Answer::default();
    let selections = search::selections(labels);
    let mut found = None;
    for selection in &selections {
        let asked = api::events(&datadog.client, &selection.search, &window, EVENTS).await;
        // What was not answered cannot be told from what is not there; a second question would fail alike.
        let enough = asked.as_ref().map_or(true, |(entries, _, _)| !entries.is_empty());
        found = Some((selection.search.clone(), asked));
        if enough {
            break;
        }
    }
    let Some((search, asked)) = found else {
        answer.gaps.push(backend.gap(operation, nothing("event", &selections)));
        return answer;
    };
    let failed = asked.is_err();
    tell_events(&backend, operation, &search, asked, own_monitor, window, &mut answer);
    if let Some(around) = search::changes_around(labels).filter(|_| !failed) {
        let mut asked = api::events(&datadog.client, &around, &window, EVENTS).await;
        if let (Ok((entries, _, _)), Some(told)) = (&mut asked, answer.evidence.first()) {
            // What is told already is not told again.
            let EvidenceData::Events { events: told } = &told.data else { return answer };
            entries.retain(|entry| {
                let (events, _) = wire::events(std::slice::from_ref(entry), own_monitor);
                !events.iter().any(|event| told.contains(event) || !is_change(event.kind))
            });
        }
        tell_events(&backend, operation, &around, asked, own_monitor, window, &mut answer);
    }
    answer
}

fn is_change(kind: EventKind) -> bool {
    matches!(kind, EventKind::Deploy | EventKind::Change)
}

fn tell_events(
    backend: &Backend,
    operation: &str,
    search: &str,
    asked: Result<api::Events, Failure>,
    own_monitor: Option<&str>,
    window: Window,
    answer: &mut Answer,
) {
    let (entries, more, mut notes) = match asked {
        Ok(found) => found,
        Err(failure) => return answer.gaps.push(backend.gap(operation, failure)),
    };
    let (events, odd) = wire::events(&entries, own_monitor);
    const WORDS: [(EventKind, &str); 5] = [
        (EventKind::Deploy, "deployments"),
        (EventKind::Change, "changes"),
        (EventKind::Alert, "alerts of other monitors"),
        (EventKind::Silence, "silences"),
        (EventKind::Other, "other events"),
    ];
    let counted: Vec<String> = WORDS
        .iter()
        .map(|(kind, word)| (events.iter().filter(|event| event.kind == *kind).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{word}: {count}"))
        .collect();
    let summary = if counted.is_empty() { "no events".to_owned() } else { counted.join(", ") };
    if more {
        notes.push(format!("only the newest {EVENTS} were asked for; there are more"));
    }
    if odd > 0 {
        notes.push(format!("{odd} entries could not be read"));
    }
    let data = EvidenceData::Events { events };
    let mut evidence = backend.evidence(operation, search, window, summary, data);
    evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
    answer.evidence.push(evidence);
}

fn scope<'a>(backend: &'a Backend, operation: &'a str, window: Window, selection: &Selection) -> Scope<'a> {
    let dropped = (!selection.left_out.is_empty()).then(|| selection.left_out.join(", "));
    Scope { backend, operation, window, dropped }
}

fn nothing(what: &str, selections: &[Selection]) -> Failure {
    let tried: Vec<&str> = selections.iter().map(|selection| selection.search.as_str()).collect();
    Failure::new(GapKind::NotRelevant, format!("no {what} in the window is of what the alert names"))
        .with_hint(format!("searched for {}", tried.join(", then ")))
}
