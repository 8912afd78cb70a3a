//! Tempo: traces.
//!
//! The same code asks a Tempo directly and through a Grafana ([`crate::grafana`]): [`gather`] takes a
//! [`Backend`](crate::backend::Backend) and knows nothing of how it is reached.

pub(crate) mod api;
pub mod declaration;
pub(crate) mod gather;
pub mod reduce;
pub mod traceql;
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

/// Tempo.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["version", "tenant"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const FIELDS: HttpFields =
    HttpFields::at("base_url").bearer("bearer_token").basic("username", "password").header("X-Scope-OrgID", "org_id");

const QUERIES: &[Query] = &[
    Query {
        name: SEARCH,
        summary: "traces of the alert's service with errors, slow ones and ordinary ones, and the worst span by span",
        input: SEARCH_INPUT,
        bounds: BOUNDS,
        relevance: search_relevance,
        run: |access, input, window| run_search(access, input, window).boxed(),
    },
    Query {
        name: TRACE,
        summary: "the traces that the alert names, span by span",
        input: TRACE_INPUT,
        bounds: BOUNDS,
        relevance: subject::traces,
        run: |access, input, window| run_trace(access, input, window).boxed(),
    },
];

const SEARCH: &str = "search";
const TRACE: &str = "trace";

/// Input of the search, here and at a Grafana.
pub(crate) const SEARCH_INPUT: &[InputSpec] = &[subject::LABELS_INPUT];

/// Input of the query by ids, here and at a Grafana.
pub(crate) const TRACE_INPUT: &[InputSpec] = &[subject::TRACE_IDS_INPUT];

/// Bounds of every query of traces, here and at a Grafana.
pub(crate) const BOUNDS: Bounds =
    Bounds { rows: gather::WHOLE_TRACES * gather::SPANS_OF_A_TRACE, bytes: 16 * 1024 * 1024, seconds: 30 };

/// When an alert's labels name a service.
pub(crate) fn search_relevance(alert: &Alert) -> Relevance {
    let names_something = |labels: &Labels| !gather::named_services(labels).is_empty();
    subject::relevance(alert, names_something, "nothing in the alert names a service")
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /api/v2/search/tags`, else `/api/search/tags`, answers with tag names.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let client = access.client(&FIELDS).await?;
    let (tags, info) = join(api::tags(&client), client.get::<&str, &str>("api/status/buildinfo", &[])).await;
    let detail = match tags? {
        0 => "the API answers; it knows no recent span".to_owned(),
        count => format!("the API answers; it knows {count} tags"),
    };
    // Old versions and gateways have no build information; nothing depends on it.
    let version = info.ok().and_then(|reply| Some(reply.json::<Json>().ok()?.get("version")?.as_str()?.to_owned()));
    Ok(Probe::passed(detail).with("version", version).with("tenant", access.instance.config().text("org_id")))
}

async fn backend(access: &Access) -> Result<Backend, Failure> {
    let client = BOUNDS.keep(access.client(&FIELDS).await?);
    let links = links(client.base());
    Ok(Backend::direct(&access.instance, client, links))
}

async fn run_search(access: &Access, input: &Input, window: Window) -> Answer {
    let backend = match backend(access).await {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, SEARCH, failure),
    };
    let mut answer = gather::search(&backend, SEARCH, &input.labels(subject::LABELS), window).await;
    answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(SEARCH, failure)));
    answer.calls = backend.client.calls();
    answer
}

async fn run_trace(access: &Access, input: &Input, window: Window) -> Answer {
    let backend = match backend(access).await {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, TRACE, failure),
    };
    let mut answer = gather::by_id(&backend, TRACE, &input.list(subject::TRACE_IDS), window).await;
    answer.calls = backend.client.calls();
    answer
}

/// Tempo has no pages of its own: a link is the call itself, which a browser shows as JSON.
fn links(base: &Url) -> LinkBuilder {
    let page = |segments: &[&str]| {
        let mut page = base.clone();
        if let Ok(mut path) = page.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        page
    };
    let (search, traces) = (page(&["api", "search"]), page(&["api", "traces"]));
    Arc::new(move |target, window| {
        Some(match target {
            LinkTarget::Query(traceql) => {
                let mut url = search.clone();
                url.query_pairs_mut()
                    .append_pair("q", traceql)
                    .append_pair("start", &api::seconds(window.baseline_start))
                    .append_pair("end", &api::seconds_after(window.end));
                url.into()
            }
            LinkTarget::Trace(id) => {
                let mut url = traces.clone();
                if let Ok(mut path) = url.path_segments_mut() {
                    path.push(id);
                }
                url.into()
            }
        })
    })
}
