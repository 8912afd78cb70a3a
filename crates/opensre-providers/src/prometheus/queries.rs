//! The registry's view: probe and queries of an instance that is reached directly.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::{BoxFuture, join};
use opensre_model::alert::{Alert, Labels};
use opensre_model::window::Window;

use super::{Wanted, alert_rule, api, firing, links, range, related, targets, words};
use crate::access::{Access, HttpFields};
use crate::backend::Backend;
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Query, Relevance};
use crate::failure::Failure;
use crate::subject;

const FIELDS: HttpFields = HttpFields::at("base_url")
    .bearer("bearer_token")
    .basic("username", "password")
    .header("X-Scope-OrgID", "tenant")
    .header_map("headers");

/// Bounds of every query: 250 points of a series, an answer of 8 MiB.
pub(crate) const BOUNDS: Bounds = Bounds { rows: 250, bytes: 8 * 1024 * 1024, seconds: 30 };

const ALERT_RULE: &str = "alert-rule";
const RELATED: &str = "related";
const TARGETS: &str = "targets";
const ALERTS: &str = "alerts";
const RANGE: &str = "range";

/// The queries, here and wherever the same API is spoken; their names are the operations.
pub(crate) const QUERIES: &[Query] = &[
    query(ALERT_RULE, |access, input, window| run(access, ALERT_RULE, input, window).boxed()),
    query(RELATED, |access, input, window| run(access, RELATED, input, window).boxed()),
    query(TARGETS, |access, input, window| run(access, TARGETS, input, window).boxed()),
    query(ALERTS, |access, input, window| run(access, ALERTS, input, window).boxed()),
    query(RANGE, |access, input, window| run(access, RANGE, input, window).boxed()),
];

type Run = for<'a> fn(&'a Access, &'a Input, Window) -> BoxFuture<'a, Answer>;

/// What each query is, apart from how the instance is reached.
pub(crate) const fn query(name: &'static str, run: Run) -> Query {
    const LABELS: InputSpec =
        InputSpec { key: subject::LABELS, kind: "object", required: true, help: "labels of the alert, as texts" };
    let (summary, input, relevance): (_, &[InputSpec], fn(&Alert) -> Relevance) = match name.as_bytes() {
        b"alert-rule" => (
            "values of the alert rule's own expression over the window, and the rule's state",
            &[
                InputSpec { key: "name", kind: "string", required: false, help: "name of the alert" },
                InputSpec {
                    key: "expression",
                    kind: "string",
                    required: false,
                    help: "the rule's PromQL, where known",
                },
                LABELS,
            ],
            rules_of,
        ),
        b"related" => (
            "errors, latency, traffic and use of resources of what the alert's labels name",
            &[LABELS, InputSpec { key: "title", kind: "string", required: false, help: "title of the alert" }],
            related_to,
        ),
        b"targets" => ("scrape targets of what the alert's labels name, and why they are down", &[LABELS], things_of),
        b"alerts" => ("other alerts of the same things that fired in the window", &[LABELS], things_of),
        _ => (
            "values of a PromQL expression over the window",
            &[InputSpec { key: "query", kind: "string", required: true, help: "a PromQL expression" }],
            |_| Relevance::Skip("it needs a PromQL expression, which no alert carries"),
        ),
    };
    Query { name, summary, input, bounds: BOUNDS, relevance, run }
}

/// Runs one of the queries against a back end.
pub(crate) async fn ask(backend: &Backend, operation: &str, query: &str, input: &Input, window: Window) -> Answer {
    let labels = input.labels(subject::LABELS);
    let mut answer = match query {
        ALERT_RULE => {
            let wanted = Wanted {
                name: input.text("name").map(str::to_owned),
                expression: input.text("expression").map(str::to_owned),
                labels,
            };
            alert_rule(backend, operation, &wanted, window).await
        }
        RELATED => {
            let words = input.text("title").map(words).unwrap_or_default();
            related(backend, operation, &labels, &words, window).await
        }
        TARGETS => targets(backend, operation, &labels, window).await,
        ALERTS => firing(backend, operation, &labels, window).await,
        _ => match input.text("query") {
            Some(query) => range(backend, operation, query, window).await,
            None => Answer { gaps: vec![backend.gap(operation, Failure::missing("query"))], ..Answer::default() },
        },
    };
    answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(operation, failure)));
    answer
}

async fn run(access: &Access, query: &str, input: &Input, window: Window) -> Answer {
    match access.client(&FIELDS).await {
        Ok(client) => {
            let client = BOUNDS.keep(client);
            let links = links::graph(client.base());
            let backend = Backend::direct(&access.instance, client, links);
            let mut answer = ask(&backend, query, query, input, window).await;
            answer.calls = backend.client.calls();
            answer
        }
        Err(failure) => Answer::unanswered(access, query, failure),
    }
}

pub(crate) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

async fn prove(access: &Access) -> Result<Probe, Failure> {
    let client = access.client(&FIELDS).await?;
    Ok(prove_api(&client).await?.with("tenant", access.instance.config().text("tenant")))
}

/// `vector(1)` is answered with 1; the version is told where it is there.
pub(crate) async fn prove_api(client: &opensre_http::Client) -> Result<Probe, Failure> {
    let (proof, version) = join(api::prove(client), api::version(client)).await;
    proof?;
    Ok(Probe::passed("the API answers queries").with("version", version))
}

/// Which rules the alert may come from: one input for each alert name in it, with the expression where the alert has
/// one.
pub(crate) fn rules_of(alert: &Alert) -> Relevance {
    let (subjects, _) = subject::subjects(alert);
    let mut seen = BTreeSet::new();
    let mut inputs = Vec::new();
    for labels in &subjects {
        let name = labels.get("alertname").cloned();
        if name.is_none() && alert.references.expression.is_none() || !seen.insert(name.clone()) {
            continue;
        }
        let mut input = subject::input(labels);
        if let Some(name) = name {
            input.0.insert("name".to_owned(), name.into());
        }
        if let Some(expression) = &alert.references.expression {
            input.0.insert("expression".to_owned(), expression.as_str().into());
        }
        inputs.push(input);
    }
    if inputs.is_empty() { Relevance::Skip("the alert names no rule") } else { Relevance::Ask(inputs) }
}

fn related_to(alert: &Alert) -> Relevance {
    let Relevance::Ask(mut inputs) = things_of(alert) else { return things_of(alert) };
    for input in &mut inputs {
        let name = input.labels(subject::LABELS).remove("alertname").unwrap_or_default();
        input.0.insert("title".to_owned(), format!("{name} {}", alert.title).into());
    }
    Relevance::Ask(inputs)
}

fn things_of(alert: &Alert) -> Relevance {
    let names_something = |labels: &Labels| super::selection::names_something(labels);
    subject::relevance(alert, names_something, "nothing in the alert names a service, pod, host or namespace")
}
