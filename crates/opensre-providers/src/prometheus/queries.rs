//! The queries as the registry has them, and the probe. What each asks is independent of how the API is reached, so
//! that others who speak it ([`crate::victoriametrics`], [`crate::grafana`]) offer the same.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, join};
use opensre_http::Client;
use opensre_model::alert::{Alert, Labels};
use opensre_model::window::Window;

use super::alert_rule::Wanted;
use super::{alert_rule, api, firing, links, range, related, selection, targets};
use crate::access::{Access, HttpFields};
use crate::backend::Backend;
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Query, Relevance};
use crate::failure::Failure;
use crate::subject;

/// A query of the API, however it is reached.
pub(crate) struct ApiQuery {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) input: &'static [InputSpec],
    pub(crate) relevance: fn(&Alert) -> Relevance,
    /// Asks one back end, under the operation's name.
    pub(crate) ask: for<'a> fn(&'a Backend, &'a str, &'a Input, Window) -> BoxFuture<'a, Answer>,
}

/// Runs a query of the registry.
type Run = for<'a> fn(&'a Access, &'a Input, Window) -> BoxFuture<'a, Answer>;

impl ApiQuery {
    /// The registry's entry, with the way in which an instance is reached.
    pub(crate) const fn with(&self, run: Run) -> Query {
        Query {
            name: self.name,
            summary: self.summary,
            input: self.input,
            bounds: BOUNDS,
            relevance: self.relevance,
            run,
        }
    }

    /// Asks a back end that is an instance's own.
    pub(crate) async fn ask_alone(&self, backend: &Backend, input: &Input, window: Window) -> Answer {
        let mut answer = (self.ask)(backend, self.name, input, window).await;
        answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(self.name, failure)));
        answer.calls = backend.client.calls();
        answer
    }
}

/// Bounds of every query: 250 points of a series, answers of 8 MiB.
pub(crate) const BOUNDS: Bounds = Bounds { rows: 250, bytes: 8 * 1024 * 1024, seconds: 30 };

/// Values of the alert rule's own expression.
pub(crate) const ALERT_RULE: ApiQuery = ApiQuery {
    name: "alert-rule",
    summary: "values of the alert rule's own expression over the window, and the rule's state",
    input: &[
        subject::LABELS_INPUT,
        InputSpec { key: "name", kind: "string", required: false, help: "name of the alert" },
        InputSpec { key: "expression", kind: "string", required: false, help: "the rule's PromQL, where it is known" },
    ],
    relevance: rules_of,
    ask: |backend, operation, input, window| {
        let wanted = Wanted {
            name: input.text("name").map(str::to_owned),
            expression: input.text("expression").map(str::to_owned),
            threshold: None,
            labels: input.labels(subject::LABELS),
        };
        async move { alert_rule::alert_rule(backend, operation, &wanted, window).await }.boxed()
    },
};

/// Metrics of what the alert is about.
pub(crate) const RELATED: ApiQuery = ApiQuery {
    name: "related",
    summary: "errors, latency, traffic and use of resources of what the alert's labels name",
    input: &[
        subject::LABELS_INPUT,
        InputSpec { key: "title", kind: "string", required: false, help: "title of the alert" },
    ],
    relevance: related_to,
    ask: |backend, operation, input, window| {
        let labels = input.labels(subject::LABELS);
        let words = input.text("title").map(related::words).unwrap_or_default();
        async move { related::related(backend, operation, &labels, &words, window).await }.boxed()
    },
};

/// Scrape targets.
pub(crate) const TARGETS: ApiQuery = ApiQuery {
    name: "targets",
    summary: "scrape targets of what the alert's labels name, and why they are down",
    input: &[subject::LABELS_INPUT],
    relevance: things_of,
    ask: |backend, operation, input, window| {
        let labels = input.labels(subject::LABELS);
        async move { targets::targets(backend, operation, &labels, window).await }.boxed()
    },
};

/// Other alerts.
pub(crate) const ALERTS: ApiQuery = ApiQuery {
    name: "alerts",
    summary: "other alerts of the same things that fired in the window",
    input: &[subject::LABELS_INPUT],
    relevance: things_of,
    ask: |backend, operation, input, window| {
        let labels = input.labels(subject::LABELS);
        async move { firing::firing(backend, operation, &labels, window).await }.boxed()
    },
};

/// An expression that a person gives.
pub(crate) const RANGE: ApiQuery = ApiQuery {
    name: "range",
    summary: "values of a PromQL expression over the window",
    input: &[InputSpec { key: "query", kind: "string", required: true, help: "a PromQL expression" }],
    relevance: |_| Relevance::Skip("it needs a PromQL expression, which no alert carries"),
    ask: |backend, operation, input, window| {
        async move {
            match input.text("query") {
                Some(query) => range::range(backend, operation, query, window).await,
                None => Answer { gaps: vec![backend.gap(operation, Failure::missing("query"))], ..Answer::default() },
            }
        }
        .boxed()
    },
};

/// The queries of a Prometheus that is reached directly.
pub(super) const QUERIES: &[Query] = &[
    ALERT_RULE.with(|access, input, window| run(access, &ALERT_RULE, input, window).boxed()),
    RELATED.with(|access, input, window| run(access, &RELATED, input, window).boxed()),
    TARGETS.with(|access, input, window| run(access, &TARGETS, input, window).boxed()),
    ALERTS.with(|access, input, window| run(access, &ALERTS, input, window).boxed()),
    RANGE.with(|access, input, window| run(access, &RANGE, input, window).boxed()),
];

const FIELDS: HttpFields = HttpFields::at("base_url")
    .bearer("bearer_token")
    .basic("username", "password")
    .header("X-Scope-OrgID", "tenant")
    .header_map("headers");

async fn run(access: &Access, query: &ApiQuery, input: &Input, window: Window) -> Answer {
    match access.client(&FIELDS).await {
        Ok(client) => {
            let client = BOUNDS.keep(client);
            let links = links::graph(client.base());
            query.ask_alone(&Backend::direct(&access.instance, client, links), input, window).await
        }
        Err(failure) => Answer::unanswered(access, query.name, failure),
    }
}

/// The labels of all alerts that are active ("HTTP API", alerts).
pub(crate) async fn active_labels(access: &Access) -> Result<Vec<Labels>, Failure> {
    let client = BOUNDS.keep(access.client(&FIELDS).await?).by(access.deadline);
    super::wire::active_labels(&client.get_json("api/v1/alerts", &[]).await?)
}

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move {
        let tenant = access.instance.config().text("tenant");
        let proved = async { Ok(prove(&access.client(&FIELDS).await?).await?.with("tenant", tenant)) };
        Probe::from(proved.await)
    }
    .boxed()
}

/// `vector(1)` is answered with 1; the version is told where it is there.
pub(crate) async fn prove(client: &Client) -> Result<Probe, Failure> {
    let (proof, version) = join(api::prove(client), api::version(client)).await;
    proof?;
    Ok(Probe::passed("the API answers queries").with("version", version))
}

/// Most rules of one alert that are asked for.
const MOST_RULES: usize = 4;

/// Which rules the alert may come from: one input for each alert name in it. The expression of the alert's own link
/// goes along where there is one name alone, since nothing says which of several it belongs to.
fn rules_of(alert: &Alert) -> Relevance {
    let mut of_name: BTreeMap<String, Labels> = BTreeMap::new();
    for item in &alert.items {
        let labels: Labels = alert.labels.iter().chain(&item.labels).map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some(name) = name_in(&labels) {
            of_name.entry(name).or_insert(labels);
        }
    }
    if let Some(name) = name_in(&alert.labels) {
        of_name.entry(name).or_insert_with(|| alert.labels.clone());
    }
    let expression = alert.references.expression.as_deref().filter(|_| of_name.len() <= 1);
    let mut inputs: Vec<Input> = of_name
        .into_iter()
        .take(MOST_RULES)
        .map(|(name, labels)| {
            let mut input = subject::input(&labels);
            input.0.insert("name".to_owned(), name.into());
            input
        })
        .collect();
    if let Some(expression) = expression {
        if inputs.is_empty() {
            inputs.push(subject::input(&alert.labels));
        }
        inputs[0].0.insert("expression".to_owned(), expression.into());
    }
    if inputs.is_empty() { Relevance::Skip("the alert names no rule") } else { Relevance::Ask(inputs) }
}

fn name_in(labels: &Labels) -> Option<String> {
    labels.get("alertname").filter(|name| !name.trim().is_empty()).cloned()
}

fn related_to(alert: &Alert) -> Relevance {
    let mut relevance = things_of(alert);
    if let Relevance::Ask(inputs) = &mut relevance {
        for input in inputs {
            let name = input.labels(subject::LABELS).remove("alertname").unwrap_or_default();
            input.0.insert("title".to_owned(), format!("{name} {}", alert.title).into());
        }
    }
    relevance
}

fn things_of(alert: &Alert) -> Relevance {
    let names_something = |labels: &Labels| selection::names_something(labels);
    subject::relevance(alert, names_something, "nothing in the alert names a service, pod, host or namespace")
}
