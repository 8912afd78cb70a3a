//! Grafana: data sources behind one door, alert rules, annotations.
//!
//! A Grafana on this very machine is a provider of its own ([`LOCAL`], key `grafana_local`) that shares the family:
//! both are listed, named and selected as `grafana`.
//!
//! Metrics, logs and traces are asked for by the code of [`crate::prometheus`], [`crate::loki`] and [`crate::tempo`],
//! through the proxy of the data source; what is Grafana's own lives here: which data sources there are and which are asked (`discovery`,
//! `datasources`), alert rules (`rule`, `condition`), annotations (`annotations`, `changes`) and links.

pub mod annotations;
mod changes;
mod condition;
pub mod datasources;
pub mod declaration;
mod discovery;
mod links;
pub mod rule;

use futures::FutureExt;
use futures::future::{BoxFuture, join, join_all};
use opensre_model::evidence::GapKind;
use opensre_model::window::Window;
use serde_json::Value as Json;

use self::datasources::{DataSources, Kind};
use self::discovery::Grafana;
pub use self::discovery::described;
use crate::access::{Access, HttpFields};
use crate::backend::Backend;
use crate::driver::{Answer, Bounds, Input, Probe, Provider, Query, Relevance};
use crate::failure::Failure;
use crate::prometheus::ApiQuery;
use crate::{loki, prometheus, subject, tempo};

/// Grafana.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["organisation", "version"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

/// Grafana on this machine, reached without credentials.
pub const LOCAL: Provider = Provider { spec: &declaration::LOCAL_SPEC, ..PROVIDER };

const FIELDS: HttpFields = HttpFields::at("endpoint").bearer("api_key");

const SOURCE_RULE: &str = "source-rule";
const METRICS: &str = "metrics";
const ALERTS: &str = "alerts";
const LOGS: &str = "logs";
const TRACES: &str = "traces";
const TRACE: &str = "trace";

const QUERIES: &[Query] = &[
    Query {
        name: condition::NAME,
        summary: "the alert's own rule, and what its queries measured over the window",
        input: condition::INPUT,
        bounds: condition::BOUNDS,
        relevance: condition::relevance,
        run: |access, input, window| condition::run(access, input, window).boxed(),
    },
    Query {
        name: SOURCE_RULE,
        relevance: |alert| match alert.references.rule_uid {
            Some(_) => Relevance::Skip("the alert's rule is Grafana's own, not a data source's"),
            None => (prometheus::ALERT_RULE.relevance)(alert),
        },
        ..prometheus::ALERT_RULE.with(|access, input, window| {
            by_metrics(access, input, window, SOURCE_RULE, &prometheus::ALERT_RULE).boxed()
        })
    },
    Query {
        name: changes::NAME,
        summary: "deployments, changes and alerts that somebody or something wrote down as annotations",
        input: &[],
        bounds: changes::BOUNDS,
        relevance: |_| Relevance::Ask(vec![Input::default()]),
        run: |access, _, window| changes::run(access, window).boxed(),
    },
    Query {
        name: METRICS,
        ..prometheus::RELATED
            .with(|access, input, window| by_metrics(access, input, window, METRICS, &prometheus::RELATED).boxed())
    },
    Query {
        name: ALERTS,
        ..prometheus::ALERTS
            .with(|access, input, window| by_metrics(access, input, window, ALERTS, &prometheus::ALERTS).boxed())
    },
    Query {
        name: LOGS,
        summary: "what the Loki data sources have of the alert's labels: errors, warnings, a sample, and counts",
        input: loki::LOGS_INPUT,
        bounds: loki::BOUNDS,
        relevance: loki::logs_relevance,
        run: |access, input, window| logs(access, input, window).boxed(),
    },
    Query {
        name: TRACES,
        summary: "what the Tempo data sources have of the alert's service: traces with errors, slow and ordinary ones",
        input: tempo::SEARCH_INPUT,
        bounds: tempo::BOUNDS,
        relevance: tempo::search_relevance,
        run: |access, input, window| traces(access, input, window).boxed(),
    },
    Query {
        name: TRACE,
        summary: "the traces that the alert names, span by span",
        input: tempo::TRACE_INPUT,
        bounds: tempo::BOUNDS,
        relevance: subject::traces,
        run: |access, input, window| trace(access, input, window).boxed(),
    },
];

async fn by_metrics(
    access: &Access,
    input: &Input,
    window: Window,
    operation: &'static str,
    query: &'static ApiQuery,
) -> Answer {
    let ask =
        |backend: Backend, input: Input| async move { (query.ask)(&backend, operation, &input, window).await }.boxed();
    through(access, input, operation, Kind::Prometheus, prometheus::BOUNDS, ask).await
}

async fn logs(access: &Access, input: &Input, window: Window) -> Answer {
    let ask = |backend: Backend, input: Input| {
        async move { loki::gather::logs(&backend, LOGS, &input.labels(subject::LABELS), window).await }.boxed()
    };
    through(access, input, LOGS, Kind::Loki, loki::BOUNDS, ask).await
}

async fn traces(access: &Access, input: &Input, window: Window) -> Answer {
    let ask = |backend: Backend, input: Input| {
        async move { tempo::gather::search(&backend, TRACES, &input.labels(subject::LABELS), window).await }.boxed()
    };
    through(access, input, TRACES, Kind::Tempo, tempo::BOUNDS, ask).await
}

async fn trace(access: &Access, input: &Input, window: Window) -> Answer {
    let ask = |backend: Backend, input: Input| {
        async move { tempo::gather::by_id(&backend, TRACE, &input.list(subject::TRACE_IDS), window).await }.boxed()
    };
    through(access, input, TRACE, Kind::Tempo, tempo::BOUNDS, ask).await
}

/// Asks the data sources of a kind, all at once, each through the proxy.
async fn through(
    access: &Access,
    input: &Input,
    operation: &str,
    kind: Kind,
    bounds: Bounds,
    ask: impl Fn(Backend, Input) -> BoxFuture<'static, Answer>,
) -> Answer {
    let grafana = match Grafana::open(access, bounds).await {
        Ok(grafana) => grafana,
        Err(failure) => return Answer::unanswered(access, operation, failure),
    };
    let mut answer = Answer::default();
    match grafana.reach(kind, operation, &input.labels(subject::LABELS)).await {
        Ok(reached) => {
            let asked = reached.backends.into_iter().map(|backend| ask(backend, input.clone()));
            for of_one in join_all(asked).await {
                answer.merge(of_one);
            }
            answer.gaps.extend(reached.gaps);
        }
        Err(failure) => answer.gaps.push(grafana.gap(operation, failure)),
    }
    answer.gaps.extend(subject::left_out(input).map(|failure| grafana.gap(operation, failure)));
    answer.calls = grafana.client.calls();
    answer
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /api/datasources` answers with an array in which at least one data source can be asked for evidence. Who we
/// are (`/api/org`) and what version it is (`/api/health`) is told where those answer.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    const BOUNDS: Bounds = Bounds { rows: 5_000, bytes: 16 * 1024 * 1024, seconds: 10 };
    let grafana = Grafana::open(access, BOUNDS).await?;
    let client = &grafana.client;
    let (sources, (org, health)) = join(
        grafana.sources(),
        join(client.get::<&str, &str>("api/org", &[]), client.get::<&str, &str>("api/health", &[])),
    )
    .await;
    let sources = sources?;
    if sources.known.is_empty() {
        return Err(Failure::new(
            GapKind::Denied,
            format!(
                "it answers, but shows no Prometheus, Loki or Tempo data source ({} of other types)",
                sources.other
            ),
        )
        .with_hint("give the service account the permission to query the data sources, or add one"));
    }
    let text = |reply: Result<opensre_http::Reply, _>, key: &str| -> Option<String> {
        let answer: Json = reply.ok()?.json().ok()?;
        Some(answer.get(key)?.as_str()?.to_owned())
    };
    Ok(Probe::passed(counted(&sources))
        .with("organisation", text(org, "name"))
        .with("version", text(health, "version")))
}

/// `3 data sources to ask: prometheus 2, loki 1; 4 of other types`.
fn counted(sources: &DataSources) -> String {
    let kinds: Vec<String> = [Kind::Prometheus, Kind::Loki, Kind::Tempo]
        .into_iter()
        .map(|kind| (kind, sources.known.iter().filter(|source| source.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{} {count}", kind.word()))
        .collect();
    let noun = if sources.known.len() == 1 { "data source" } else { "data sources" };
    let other = if sources.other > 0 { format!("; {} of other types", sources.other) } else { String::new() };
    format!("{} {noun} to ask: {}{other}", sources.known.len(), kinds.join(", "))
}
