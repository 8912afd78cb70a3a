//! Loki: log lines and their counts.
//!
//! The same code asks a Loki directly and through a Grafana ([`crate::grafana`]): [`gather`] takes a
//! [`Backend`](crate::backend::Backend) and knows nothing of how it is reached.

pub(crate) mod api;
pub mod declaration;
mod discovery;
pub(crate) mod gather;
pub mod level;
pub mod logql;
pub mod selection;
pub mod wire;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join};
use opensre_model::alert::{Alert, Labels};
use opensre_model::window::Window;
use serde_json::Value as Json;
use url::Url;

use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkBuilder, LinkTarget};
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Provider, Query, Relevance};
use crate::failure::Failure;
use crate::subject;

/// Loki.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["version", "tenant"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const FIELDS: HttpFields = HttpFields::at("base_url")
    .bearer("bearer_token")
    .basic("username", "password")
    .header("X-Scope-OrgID", "org_id")
    .trust_all("tls_skip_verify");

const QUERIES: &[Query] = &[
    Query {
        name: LOGS,
        summary: "lines of errors and of warnings, a sample of all lines, and counts, of what the alert's labels name",
        input: LOGS_INPUT,
        bounds: BOUNDS,
        relevance: logs_relevance,
        run: |access, input, window| run_logs(access, input, window).boxed(),
    },
    Query {
        name: "query",
        summary: "what a LogQL query finds in the window",
        input: &[InputSpec { key: "query", kind: "string", required: true, help: "a LogQL query" }],
        bounds: BOUNDS,
        relevance: |_| Relevance::Skip("it needs a LogQL query, which no alert carries"),
        run: |access, input, window| run_query(access, input, window).boxed(),
    },
];

const LOGS: &str = "logs";

/// Input of the query `logs`, here and at a Grafana.
pub(crate) const LOGS_INPUT: &[InputSpec] = &[subject::LABELS_INPUT];

/// Bounds of every query of logs, here and at a Grafana.
pub(crate) const BOUNDS: Bounds = Bounds { rows: gather::MOST_LINES, bytes: 8 * 1024 * 1024, seconds: 30 };

/// When an alert's labels name streams whose logs can be read.
pub(crate) fn logs_relevance(alert: &Alert) -> Relevance {
    let names_something = |labels: &Labels| selection::names_something(&selection::sought(labels));
    subject::relevance(alert, names_something, "nothing in the alert names a service, pod, host or namespace")
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /loki/api/v1/labels` answers with `status: success`.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let client = access.client(&FIELDS).await?;
    let (labels, info) = join(
        client.get::<&str, &str>("loki/api/v1/labels", &[]),
        client.get::<&str, &str>("loki/api/v1/status/buildinfo", &[]),
    )
    .await;
    let names = wire::names(&labels?.json::<Json>()?)?;
    // Old versions and gateways have no build information; nothing depends on it.
    let version = info.ok().and_then(|reply| Some(reply.json::<Json>().ok()?.get("version")?.as_str()?.to_owned()));
    let detail = match names.len() {
        0 => "the API answers; no stream was written in the last hours".to_owned(),
        count => format!("the API answers; streams carry {count} labels"),
    };
    Ok(Probe::passed(detail).with("version", version).with("tenant", access.instance.config().text("org_id")))
}

async fn backend(access: &Access) -> Result<Backend, Failure> {
    let client = BOUNDS.keep(access.client(&FIELDS).await?);
    let links = links(client.base());
    Ok(Backend::direct(&access.instance, client, links))
}

async fn run_logs(access: &Access, input: &Input, window: Window) -> Answer {
    let backend = match backend(access).await {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, LOGS, failure),
    };
    let mut answer = gather::logs(&backend, LOGS, &input.labels(subject::LABELS), window).await;
    answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(LOGS, failure)));
    answer.calls = backend.client.calls();
    answer
}

async fn run_query(access: &Access, input: &Input, window: Window) -> Answer {
    const NAME: &str = "query";
    let Some(logql) = input.text("query") else {
        return Answer::unanswered(access, NAME, Failure::missing("query"));
    };
    let backend = match backend(access).await {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, NAME, failure),
    };
    let mut answer = gather::query(&backend, NAME, logql, window).await;
    answer.calls = backend.client.calls();
    answer
}

/// Loki has no pages of its own: a link is the call itself, which a browser shows as JSON.
fn links(base: &Url) -> LinkBuilder {
    let mut page = base.clone();
    if let Ok(mut path) = page.path_segments_mut() {
        path.pop_if_empty().extend(["loki", "api", "v1", "query_range"]);
    }
    Arc::new(move |target, window| {
        let LinkTarget::Query(query) = target else { return None };
        let mut url = page.clone();
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("start", &api::nanoseconds(window.baseline_start))
            .append_pair("end", &api::nanoseconds(window.end))
            .append_pair("limit", "1000");
        Some(url.into())
    })
}
