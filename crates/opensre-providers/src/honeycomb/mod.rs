//! Honeycomb: events and traces, asked by query.
//!
//! One key (header X-Honeycomb-Team) belongs to one environment. A query is created, started, and then polled. Pure
//! parts: [`columns`] knows which columns say what, [`spec`] builds queries, [`wire`] reads results.

pub mod columns;
pub mod declaration;
pub mod spec;
pub mod wire;

mod api;
mod gather;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::alert::{Alert, Labels};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Provider, Query, Relevance};
use crate::failure::Failure;
use crate::subject;
use crate::tempo::gather::named_services;
use api::Honeycomb;

/// Honeycomb.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["team", "team_name", "environment", "dataset"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const SPANS: &str = "spans";
const RATES: &str = "rates";
const LOGS: &str = "logs";
const TRACE: &str = "trace";
const QUERY: &str = "query";

/// Bounds of every query. Of logs there are errors in three cuts; nothing else has as many rows.
const BOUNDS: Bounds = Bounds { rows: 1_200, bytes: 8 * 1024 * 1024, seconds: 45 };

const QUERIES: &[Query] = &[
    Query {
        name: SPANS,
        summary: "spans with errors, slow ones and ordinary ones of the alert's service, and the worst traces",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: of_service,
        run: |access, input, window| run(access, SPANS, input, window).boxed(),
    },
    Query {
        name: RATES,
        summary: "how many spans of the alert's service there are, how many failed, and how long they take",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: of_service,
        run: |access, input, window| run(access, RATES, input, window).boxed(),
    },
    Query {
        name: LOGS,
        summary: "lines of errors and of warnings of the alert's service, and a sample of all lines",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: of_service,
        run: |access, input, window| run(access, LOGS, input, window).boxed(),
    },
    Query {
        name: TRACE,
        summary: "the traces that the alert names, span by span, and their log lines",
        input: &[subject::TRACE_IDS_INPUT],
        bounds: BOUNDS,
        relevance: subject::traces,
        run: |access, input, window| run(access, TRACE, input, window).boxed(),
    },
    Query {
        name: QUERY,
        summary: "the series of a query specification over the window",
        input: &[InputSpec {
            key: QUERY,
            kind: "string",
            required: true,
            help: "a query specification (JSON); its times are those of the window",
        }],
        bounds: BOUNDS,
        relevance: |_| Relevance::Skip("it needs a query specification, which no alert carries"),
        run: |access, input, window| run(access, QUERY, input, window).boxed(),
    },
];

fn of_service(alert: &Alert) -> Relevance {
    let names_something = |labels: &Labels| !named_services(labels).is_empty();
    subject::relevance(alert, names_something, "nothing in the alert names a service")
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /1/auth` says who the key belongs to; a count over a quarter of an hour proves that it may query.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    const QUARTER: u32 = 900;
    let honeycomb = Honeycomb::open(access, BOUNDS).await?;
    let auth = honeycomb.auth().await?;
    let count = json!({"calculations": [{"op": "COUNT"}], "time_range": QUARTER});
    let data = honeycomb.result(&count, &[]).await?;
    let count = match data.get("results") {
        Some(Json::Array(rows)) if rows.is_empty() => Some(0.0),
        _ => data.pointer("/results/0/data/COUNT").and_then(Json::as_f64),
    };
    let count = count.ok_or_else(|| Failure::nonsense("the answer is not Honeycomb's: a count is no number"))?;
    let text = |place: &str| auth.pointer(place).and_then(Json::as_str).filter(|text| !text.is_empty());
    Ok(Probe::passed(format!("the key may query; {count} events in the last {} minutes", QUARTER / 60))
        .with("team", text("/team/slug"))
        .with("team_name", text("/team/name"))
        .with("environment", text("/environment/slug"))
        .with("dataset", access.instance.config().text("dataset")))
}

async fn run(access: &Access, name: &str, input: &Input, window: Window) -> Answer {
    let honeycomb = match Honeycomb::open(access, BOUNDS).await {
        Ok(honeycomb) => honeycomb,
        Err(failure) => return Answer::unanswered(access, name, failure),
    };
    let labels = input.labels(subject::LABELS);
    let mut answer = match (name, input.text(QUERY)) {
        (SPANS, _) => gather::spans(&honeycomb, name, &labels, window).await,
        (RATES, _) => gather::rates(&honeycomb, name, &labels, window).await,
        (LOGS, _) => gather::logs(&honeycomb, name, &labels, window).await,
        (TRACE, _) => gather::traces(&honeycomb, name, &input.list(subject::TRACE_IDS), window).await,
        (_, Some(written)) => gather::query(&honeycomb, name, written, window).await,
        (_, None) => Answer::unanswered(access, name, Failure::missing(QUERY)),
    };
    answer.gaps.extend(subject::left_out(input).map(|failure| honeycomb.backend.gap(name, failure)));
    answer.calls = honeycomb.client.calls();
    answer
}
