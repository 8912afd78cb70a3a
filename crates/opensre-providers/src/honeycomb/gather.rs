//! What an environment has to say about an alert: spans, how many there are and how long they take, logs, and whole
//! traces.

use futures::FutureExt;
use futures::future::join;
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Series};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::api::Honeycomb;
use super::columns::{Columns, equal, names};
use super::spec::{self, Order};
use super::wire;
use crate::driver::Answer;
use crate::failure::Failure;
use crate::lines::{self, Asked, Scope};
use crate::prometheus::summary;
use crate::spans::{self, SLOW_MS, Searched};
use crate::tempo::gather::named_services;

/// Most lines of errors in each cut; the same of warnings, and of the sample.
const ERROR_LINES: usize = 400;
const WARNING_LINES: usize = 100;
const SAMPLE_LINES: usize = 150;

/// Most spans of one search over one part of the window, and of one trace.
const SPANS: usize = 50;
const TRACE_SPANS: usize = 750;

/// Most log lines of one trace.
const TRACE_LINES: usize = 200;

/// Most names of a service that are tried.
const MOST_NAMES: usize = 2;

/// Filters that find what the alert names, in order of preference, with what they leave out.
struct Choice {
    filters: Vec<Json>,
    left_out: Option<String>,
    service: String,
}

/// The columns, and the filters for the alert's service; the gap where there are none. Columns that could not be read are
/// a gap of the answer.
async fn choices(
    honeycomb: &Honeycomb,
    operation: &str,
    labels: &Labels,
    answer: &mut Answer,
) -> Result<(Columns, Vec<Choice>), Failure> {
    let named = named_services(labels);
    if named.is_empty() {
        return Err(Failure::new(GapKind::NotRelevant, "nothing in the alert names a service")
            .with_hint("add a label such as `service` to the alert"));
    }
    let (columns, unread) = honeycomb.columns(&named).await?;
    answer.gaps.extend(unread.map(|failure| honeycomb.backend.gap(operation, failure)));
    let Some(service) = columns.find(names::SERVICE) else {
        let reason = format!("none of the {} columns names a service", columns.count());
        return Err(
            Failure::new(GapKind::NotRelevant, reason).with_hint(format!("looked for {}", names::SERVICE.join(", ")))
        );
    };
    let scope = columns.scope(labels);
    let mut choices = Vec::new();
    for name in named.into_iter().take(MOST_NAMES) {
        let own = equal(service, name);
        if !scope.is_empty() {
            let filters = std::iter::once(own.clone()).chain(scope.iter().map(|(filter, _)| filter.clone())).collect();
            choices.push(Choice { filters, left_out: None, service: name.to_owned() });
        }
        let words: Vec<&str> = scope.iter().map(|(_, words)| words.as_str()).collect();
        let left_out = (!words.is_empty()).then(|| words.join(", "));
        choices.push(Choice { filters: vec![own], left_out, service: name.to_owned() });
    }
    Ok((columns, choices))
}

fn nothing(what: &str, choices: &[Choice]) -> Failure {
    let mut tried: Vec<&str> = choices.iter().map(|choice| choice.service.as_str()).collect();
    tried.dedup();
    Failure::new(
        GapKind::NotRelevant,
        format!("no {what} in the window is of what the alert names ({})", tried.join(", ")),
    )
}

fn missing(what: &str, looked_for: &[&[&str]]) -> Failure {
    let names: Vec<String> = looked_for.iter().map(|names| names.join(" or ")).collect();
    Failure::new(GapKind::NotRelevant, format!("there are no columns of {what}"))
        .with_hint(format!("looked for {}", names.join("; ")))
}

fn with(filters: &[Json], more: impl IntoIterator<Item = Json>) -> Vec<Json> {
    filters.iter().cloned().chain(more).collect()
}

/// Spans with errors, slow ones and ordinary ones, and the worst traces span by span.
pub(super) async fn spans(honeycomb: &Honeycomb, operation: &str, labels: &Labels, window: Window) -> Answer {
    let backend = &honeycomb.backend;
    let mut answer = Answer::default();
    let (columns, choices) = match choices(honeycomb, operation, labels, &mut answer).await {
        Ok(found) => found,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    let searched = async |filters: Vec<Json>, order: Order, what: String| {
        let spec = spec::spans(&columns, &filters, order, SPANS)?;
        let (columns, query) = (&columns, spec.to_string());
        let ask = |from: Timestamp, to: Timestamp| {
            let (spec, query) = (spec.clone(), query.clone());
            async move {
                // The link leads to the incident's part.
                let keys: &[&str] = if to == window.end { &[&query] } else { &[] };
                let data = honeycomb.run(&spec, (from, to), keys).await?;
                let mut found = wire::spans(&data, columns, SPANS)?;
                found.spans.retain(|span| (from..to).contains(&span.start));
                Ok(found)
            }
            .boxed()
        };
        Some(Searched::ask(query.clone(), what, &window, ask).await)
    };
    let mut chosen = None;
    for choice in &choices {
        let Some(any) = searched(choice.filters.clone(), Order::Newest, "of any kind".to_owned()).await else {
            let failure = missing("spans", &[names::TRACE, names::SPAN, names::DURATION]);
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        };
        // What was not answered cannot be told from what is not there; a second question would fail alike.
        if any.found_something() || !any.answered() {
            chosen = Some((choice, any));
            break;
        }
    }
    let Some((choice, any)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("span", &choices)));
        return answer;
    };
    let scope = Scope { backend, operation, window, dropped: choice.left_out.clone() };
    if !any.found_something() {
        any.tell(&scope, &mut answer);
        return answer;
    }
    let slow = columns.find(names::DURATION).map(|column| json!({"column": column, "op": ">=", "value": SLOW_MS}));
    let failed = columns.failed();
    let with_errors = async {
        let filters = with(&choice.filters, [failed?]);
        searched(filters, Order::Slowest, "with an error".to_owned()).await
    };
    let slow_ones = searched(with(&choice.filters, slow), Order::Slowest, format!("of {SLOW_MS} ms or more"));
    let (errors, slow) = join(with_errors, slow_ones).await;
    if errors.is_none() {
        answer.gaps.push(backend.gap(operation, missing("errors", &[names::ERROR])));
    }
    let (errors, slow) = (errors.unwrap_or_else(Searched::none), slow.unwrap_or_else(Searched::none));
    let worst = spans::worst(&errors, &slow, &any, &window);
    for found in [errors, slow, any] {
        found.tell(&scope, &mut answer);
    }
    whole_traces(honeycomb, &scope, &columns, &worst, &mut answer).await;
    answer
}

/// How many spans of the alert's service there are over time, how many failed, and how long they take.
pub(super) async fn rates(honeycomb: &Honeycomb, operation: &str, labels: &Labels, window: Window) -> Answer {
    let backend = &honeycomb.backend;
    let mut answer = Answer::default();
    let (columns, choices) = match choices(honeycomb, operation, labels, &mut answer).await {
        Ok(found) => found,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    let step = lines::step_seconds(&window);
    let whole = (window.baseline_start, window.end);
    for choice in &choices {
        let Some(all) = spec::rates(&columns, &choice.filters, true, step) else {
            answer.gaps.push(backend.gap(operation, missing("durations", &[names::DURATION])));
            return answer;
        };
        let failed = columns.failed();
        let errors =
            spec::rates(&columns, &with(&choice.filters, failed.clone()), false, step).filter(|_| failed.is_some());
        let query = all.to_string();
        let data = match honeycomb.run(&all, whole, &[&query]).await {
            Ok(data) => data,
            Err(failure) => {
                answer.gaps.push(backend.gap(operation, failure));
                return answer;
            }
        };
        let duration = columns.find(names::DURATION).unwrap_or_default();
        let read = wire::points(&data, "COUNT")
            .and_then(|counts| Ok((counts, wire::points(&data, &format!("P95({duration})"))?)));
        let (counts, durations) = match read {
            Ok(read) => read,
            Err(failure) => {
                answer.gaps.push(backend.gap(operation, failure));
                return answer;
            }
        };
        if counts.is_empty() {
            continue;
        }
        let series =
            |points| vec![Series { labels: Labels::from([("service".to_owned(), choice.service.clone())]), points }];
        let mut tell = |what: &str, query: &str, meaning, unit: &str, points| {
            let series = series(points);
            let summary = summary::of_series(what, &series, Some(unit), &window);
            let data = EvidenceData::Metrics { meaning, unit: Some(unit.to_owned()), threshold: None, series };
            answer.evidence.push(backend.evidence(operation, query, window, summary, data));
        };
        let per_step = format!("per {step} s");
        let at = |(second, value)| Some((Timestamp::from_second(second).ok()?, value));
        tell("spans", &query, Meaning::Traffic, &per_step, lines::with_zeros(&counts, &window, step));
        tell(
            "slowest 5 % of spans",
            &query,
            Meaning::Latency,
            "milliseconds",
            durations.into_iter().filter_map(at).collect(),
        );
        match errors {
            None => answer.gaps.push(backend.gap(operation, missing("errors", &[names::ERROR]))),
            Some(errors) => {
                let query = errors.to_string();
                let counted = honeycomb.run(&errors, whole, &[&query]).await;
                match counted.and_then(|data| wire::points(&data, "COUNT")) {
                    // The grid is that of all spans: a step without errors has none, not no value.
                    Ok(failed) => {
                        let on_grid = counts.keys().map(|second| (*second, failed.get(second).copied().unwrap_or(0.0)));
                        let points = lines::with_zeros(&on_grid.collect(), &window, step);
                        tell("failed spans", &query, Meaning::Errors, &per_step, points);
                    }
                    Err(failure) => answer.gaps.push(backend.gap(operation, failure)),
                }
            }
        }
        return answer;
    }
    answer.gaps.push(backend.gap(operation, nothing("span", &choices)));
    answer
}

/// Lines of errors, of warnings and a sample.
pub(super) async fn logs(honeycomb: &Honeycomb, operation: &str, labels: &Labels, window: Window) -> Answer {
    let backend = &honeycomb.backend;
    let mut answer = Answer::default();
    let (columns, choices) = match choices(honeycomb, operation, labels, &mut answer).await {
        Ok(found) => found,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    if columns.find(names::BODY).is_none() {
        answer.gaps.push(backend.gap(operation, missing("log lines", &[names::BODY])));
        return answer;
    }
    let columns = &columns;
    let ask = |filters: Vec<Json>, key: String| {
        move |cut: lines::Cut| {
            let (filters, key) = (filters.clone(), key.clone());
            async move {
                let spec = spec::logs(columns, &filters, cut.oldest_first, cut.limit)
                    .ok_or_else(|| missing("log lines", &[names::BODY]))?;
                let keys: &[&str] = if cut.oldest_first { &[&key] } else { &[] };
                let data = honeycomb.run(&spec, (cut.from, cut.to), keys).await?;
                let mut found = wire::logs(&data, columns, cut.limit)?;
                found.lines.retain(|line| (cut.from..cut.to).contains(&line.time));
                Ok(found)
            }
            .boxed()
        }
    };
    let written = |filters: &[Json]| json!(filters).to_string();
    let mut chosen = None;
    for choice in &choices {
        let query = written(&choice.filters);
        let sample = Asked::near(&window, SAMPLE_LINES, ask(choice.filters.clone(), query.clone())).await;
        if sample.found_something() || !sample.answered() {
            chosen = Some((choice, query, sample));
            break;
        }
    }
    let Some((choice, query, sample)) = chosen else {
        answer.gaps.push(backend.gap(operation, nothing("log line", &choices)));
        return answer;
    };
    let scope = Scope { backend, operation, window, dropped: choice.left_out.clone() };
    if sample.found_something() {
        let of_levels = async |levels: &[&str], limit| {
            let filters = with(&choice.filters, [spec::levels(columns, levels)?]);
            let query = written(&filters);
            Some((Asked::whole(&window, limit, ask(filters, query.clone())).await, query))
        };
        let (errors, warnings) =
            join(of_levels(spec::ERROR_LEVELS, ERROR_LINES), of_levels(spec::WARNING_LEVELS, WARNING_LINES)).await;
        if errors.is_none() {
            answer.gaps.push(backend.gap(operation, missing("levels", &[names::LEVEL])));
        }
        for (found, what) in [(errors, "of errors"), (warnings, "of warnings")] {
            if let Some((found, query)) = found {
                found.tell(&scope, what, &query, &mut answer);
            }
        }
    }
    sample.tell(&scope, "of a sample of all lines", &query, &mut answer);
    answer
}

/// Traces by their ids, and the log lines that carry them.
pub(super) async fn traces(honeycomb: &Honeycomb, operation: &str, ids: &[String], window: Window) -> Answer {
    let backend = &honeycomb.backend;
    let mut answer = Answer::default();
    let scope = Scope { backend, operation, window, dropped: None };
    let ids = spans::wanted(&scope, ids, &mut answer);
    let columns = match honeycomb.columns(&[]).await {
        Ok((columns, unread)) => {
            answer.gaps.extend(unread.map(|failure| backend.gap(operation, failure)));
            columns
        }
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    whole_traces(honeycomb, &scope, &columns, &ids, &mut answer).await;
    let (Some(trace), false) = (columns.find(names::TRACE), ids.is_empty()) else { return answer };
    let filters = [json!({"column": trace, "op": "in", "value": ids})];
    if let Some(spec) = spec::logs(&columns, &filters, true, TRACE_LINES) {
        let query = spec.to_string();
        let found = honeycomb.run(&spec, (window.baseline_start, window.end), &[&query]).await;
        match found.and_then(|data| wire::logs(&data, &columns, TRACE_LINES)) {
            Ok(found) if found.lines.is_empty() => {}
            found => lines::tell_plain(&scope, &query, found, &mut answer),
        }
    }
    answer
}

async fn whole_traces(
    honeycomb: &Honeycomb,
    scope: &Scope<'_>,
    columns: &Columns,
    ids: &[String],
    answer: &mut Answer,
) {
    let window = scope.window;
    let ask = |id: String| {
        async move {
            let spec = columns
                .find(names::TRACE)
                .and_then(|trace| spec::spans(columns, &[equal(trace, &id)], Order::Slowest, TRACE_SPANS));
            let Some(spec) = spec else {
                return (id, Err(missing("spans", &[names::TRACE, names::SPAN, names::DURATION])));
            };
            let query = spec.to_string();
            let found = honeycomb.run(&spec, (window.baseline_start, window.end), &[&query, &id]).await;
            (query, found.and_then(|data| wire::spans(&data, columns, TRACE_SPANS)))
        }
        .boxed()
    };
    spans::tell_traces(scope, ids, ask, answer).await;
}

/// The series of a query specification that a person wrote.
pub(super) async fn query(honeycomb: &Honeycomb, operation: &str, written: &str, window: Window) -> Answer {
    let backend = &honeycomb.backend;
    let mut answer = Answer::default();
    let spec = match serde_json::from_str::<Json>(written) {
        Ok(spec) if spec.is_object() => spec,
        _ => {
            let failure = Failure::new(GapKind::Failed, "the query is no JSON object")
                .with_hint(r#"write a query specification, such as {"calculations": [{"op": "COUNT"}]}"#);
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    let found = honeycomb.run(&spec, (window.baseline_start, window.end), &[written]).await;
    match found.and_then(|data| wire::series(&data)) {
        Ok(series) => {
            let (series, cut) = summary::keep_most_changed(series);
            let said = summary::of_series("the query", &series, None, &window);
            let data = EvidenceData::Metrics { meaning: Meaning::Other, unit: None, threshold: None, series };
            let mut evidence = backend.evidence(operation, written, window, said, data);
            evidence.truncated = cut;
            answer.evidence.push(evidence);
        }
        Err(failure) => answer.gaps.push(backend.gap(operation, failure)),
    }
    answer
}
