//! What a team has to say about an alert: logs, spans and whole traces.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{join, join3};
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{GapKind, Meaning};
use opensre_model::window::Window;

use super::api::{Coralogix, Tier};
use super::dataprime::{self, Condition, Selection, Source};
use super::wire;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::lines::{self, Asked, Cut, Scope};
use crate::spans::{self, Searched};

/// Most lines of errors in each cut; the same of warnings, and of the sample.
const ERROR_LINES: usize = 400;
const WARNING_LINES: usize = 100;
const SAMPLE_LINES: usize = 150;

/// Most rows of a query that a person wrote.
const QUERY_LINES: usize = 500;

/// Most spans of one search over one part of the window, and of one trace.
const SPANS: usize = 50;
const TRACE_SPANS: usize = 750;

/// Most log lines of the traces that an alert names.
const TRACE_LINES: usize = 200;

/// The selections, and where each is asked: the archive is slower, and asked only where nothing is indexed.
fn choices(coralogix: &Coralogix<'_>, source: Source, labels: &Labels) -> Vec<(Selection, Tier)> {
    let config = coralogix.access.instance.config();
    let (application, subsystem) = (config.text("application_name"), config.text("subsystem_name"));
    let selections = dataprime::selections(source, labels, application, subsystem);
    // The widest one of the first name: it leaves out the scope, but not the name.
    let archived = selections.iter().find(|one| one.left_out.is_some()).or(selections.first()).cloned();
    selections
        .into_iter()
        .map(|selection| (selection, Tier::Usual))
        .chain(archived.map(|selection| (selection, Tier::Archive)))
        .collect()
}

fn nothing(what: &str) -> Failure {
    Failure::new(GapKind::NotRelevant, format!("no {what} in the window is of what the alert names"))
        .with_hint("an application or subsystem of that name may write to another team")
}

/// Lines of errors, of warnings and a sample, and how many there are.
pub(super) async fn logs(coralogix: &Coralogix<'_>, operation: &str, labels: &Labels, window: Window) -> Answer {
    let backend = coralogix.backend(Source::Logs);
    let mut answer = Answer::default();
    let choices = choices(coralogix, Source::Logs, labels);
    let ask = |condition: Condition, tier: Tier| {
        move |cut: Cut| {
            let query = dataprime::entries(Source::Logs, &condition, cut.oldest_first, cut.limit);
            async move {
                let rows = coralogix.query(&query, (cut.from, cut.to), tier).await?;
                Ok(wire::logs(rows, cut.limit))
            }
            .boxed()
        }
    };
    let mut chosen = None;
    for (selection, tier) in &choices {
        let sample = Asked::near(&window, SAMPLE_LINES, ask(selection.condition.clone(), *tier)).await;
        // What was not answered cannot be told from what is not there; a second question would fail alike.
        if sample.found_something() || !sample.answered() {
            chosen = Some((selection, *tier, sample));
            break;
        }
    }
    let Some((selection, tier, sample)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("log line")));
        return answer;
    };
    let scope = Scope { backend: &backend, operation, window, dropped: selection.left_out.clone() };
    let everything = &selection.condition;
    let written = |condition: &Condition| dataprime::entries(Source::Logs, condition, true, ERROR_LINES);
    if sample.found_something() {
        let errors = everything.and(&Condition::fixed(dataprime::ERRORS));
        let warnings = everything.and(&Condition::fixed(dataprime::WARNINGS));
        let step = lines::step_seconds(&window);
        let count = |condition: &Condition| dataprime::counts(Source::Logs, condition, step);
        let (error_count, all_count) = (count(&errors), count(everything));
        let whole = (window.baseline_start, window.end);
        let counted = async |query: &str| -> Result<BTreeMap<i64, f64>, Failure> {
            Ok(wire::counts(&coralogix.query(query, whole, tier).await?))
        };
        let (found, warned, (failed, all)) = join3(
            Asked::whole(&window, ERROR_LINES, ask(errors.clone(), tier)),
            Asked::whole(&window, WARNING_LINES, ask(warnings.clone(), tier)),
            join(counted(&error_count), counted(&all_count)),
        )
        .await;
        found.tell(&scope, "of errors", &written(&errors), &mut answer);
        warned.tell(&scope, "of warnings", &written(&warnings), &mut answer);
        sample.tell(&scope, "of a sample of all lines", &written(everything), &mut answer);
        lines::tell_counts(&scope, "lines of errors", &error_count, Meaning::Errors, step, failed, &mut answer);
        lines::tell_counts(&scope, "lines", &all_count, Meaning::Other, step, all, &mut answer);
    } else {
        sample.tell(&scope, "of a sample of all lines", &written(everything), &mut answer);
    }
    answer
}

/// Spans with errors, slow ones and ordinary ones, and the worst traces span by span.
pub(super) async fn spans(coralogix: &Coralogix<'_>, operation: &str, labels: &Labels, window: Window) -> Answer {
    let backend = coralogix.backend(Source::Spans);
    let mut answer = Answer::default();
    let choices = choices(coralogix, Source::Spans, labels);
    let searched = async |condition: Condition, tier: Tier, what: &str| {
        let query = dataprime::entries(Source::Spans, &condition, false, SPANS);
        let asked = query.clone();
        let ask = move |from: Timestamp, to: Timestamp| {
            let query = asked.clone();
            async move { Ok(wire::spans(&coralogix.query(&query, (from, to), tier).await?, SPANS)) }.boxed()
        };
        Searched::ask(query, what.to_owned(), &window, ask).await
    };
    let mut chosen = None;
    for (selection, tier) in &choices {
        let any = searched(selection.condition.clone(), *tier, "of any kind").await;
        if any.found_something() || !any.answered() {
            chosen = Some((selection, *tier, any));
            break;
        }
    }
    let Some((selection, tier, any)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("span")));
        return answer;
    };
    let scope = Scope { backend: &backend, operation, window, dropped: selection.left_out.clone() };
    if !any.found_something() {
        any.tell(&scope, &mut answer);
        return answer;
    }
    let and = |text: &'static str| selection.condition.and(&Condition::fixed(text));
    let (errors, slow) = join(
        searched(and(dataprime::FAILED), tier, "with an error"),
        searched(and(dataprime::SLOW), tier, "of 1000 ms or more"),
    )
    .await;
    let worst = spans::worst(&errors, &slow, &any, &window);
    for found in [errors, slow, any] {
        found.tell(&scope, &mut answer);
    }
    whole_traces(coralogix, &scope, &worst, tier, &mut answer).await;
    answer
}

/// Traces by their ids, and the log lines that carry them.
pub(super) async fn traces(coralogix: &Coralogix<'_>, operation: &str, ids: &[String], window: Window) -> Answer {
    let (backend, of_logs) = (coralogix.backend(Source::Spans), coralogix.backend(Source::Logs));
    let mut answer = Answer::default();
    let scope = Scope { backend: &backend, operation, window, dropped: None };
    let ids = spans::wanted(&scope, ids, &mut answer);
    if ids.is_empty() {
        return answer;
    }
    whole_traces(coralogix, &scope, &ids, Tier::Usual, &mut answer).await;
    let query = dataprime::entries(Source::Logs, &dataprime::of_traces(&ids), true, TRACE_LINES);
    let found = coralogix.query(&query, (window.baseline_start, window.end), Tier::Usual).await;
    match found.map(|rows| wire::logs(rows, TRACE_LINES)) {
        Ok(found) if found.lines.is_empty() => {}
        found => lines::tell_plain(&Scope { backend: &of_logs, ..scope }, &query, found, &mut answer),
    }
    answer
}

async fn whole_traces(coralogix: &Coralogix<'_>, scope: &Scope<'_>, ids: &[String], tier: Tier, answer: &mut Answer) {
    let window = scope.window;
    let ask = |id: String| {
        let query = dataprime::entries(Source::Spans, &dataprime::of_trace(&id), true, TRACE_SPANS);
        async move {
            let found = coralogix.query(&query, (window.baseline_start, window.end), tier).await;
            (query, found.map(|rows| wire::spans(&rows, TRACE_SPANS)))
        }
        .boxed()
    };
    spans::tell_traces(scope, ids, ask, answer).await;
}

/// The log lines of a query that a person wrote. Its results are bounded, whatever it says.
pub(super) async fn query(coralogix: &Coralogix<'_>, operation: &str, written: &str, window: Window) -> Answer {
    let backend = coralogix.backend(Source::Logs);
    let mut answer = Answer::default();
    let bounded = format!("{}\n| limit {QUERY_LINES}", written.trim_end().trim_end_matches('|'));
    let found = coralogix.query(&bounded, (window.baseline_start, window.end), Tier::Usual).await;
    let scope = Scope { backend: &backend, operation, window, dropped: None };
    lines::tell_plain(&scope, written, found.map(|rows| wire::logs(rows, QUERY_LINES)), &mut answer);
    answer
}
