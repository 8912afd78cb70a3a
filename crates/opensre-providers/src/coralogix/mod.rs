//! Coralogix: logs and spans, asked in DataPrime.
//!
//! One call answers everything; its answer is a sequence of JSON lines. The misspelling `carologix` is an alias,
//! since old stores have it. Pure parts: [`dataprime`] builds queries, [`wire`] reads answers.

pub mod dataprime;
pub mod declaration;
pub mod wire;

mod api;
mod gather;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use opensre_model::alert::Alert;
use opensre_model::window::Window;

use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Provider, Query, Relevance};
use crate::failure::Failure;
use crate::subject;
use api::{Coralogix, Tier};
use dataprime::Source;

/// Coralogix.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["domain", "application", "subsystem"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const LOGS: &str = "logs";
const SPANS: &str = "spans";
const TRACE: &str = "trace";
const QUERY: &str = "query";

/// Bounds of every query. Of logs there are errors in three cuts; nothing else has as many rows.
const BOUNDS: Bounds = Bounds { rows: 1_200, bytes: 8 * 1024 * 1024, seconds: 45 };

const QUERIES: &[Query] = &[
    Query {
        name: LOGS,
        summary: "lines of errors and of warnings, a sample of all lines, and counts, of the alert's service, \
                  application or subsystem",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: things_of,
        run: |access, input, window| run(access, LOGS, input, window).boxed(),
    },
    Query {
        name: SPANS,
        summary: "spans with errors, slow ones and ordinary ones of the alert's service, and the worst traces",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: things_of,
        run: |access, input, window| run(access, SPANS, input, window).boxed(),
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
        summary: "the log lines that a DataPrime query finds in the window",
        input: &[InputSpec { key: QUERY, kind: "string", required: true, help: "a DataPrime query of logs" }],
        bounds: BOUNDS,
        relevance: |_| Relevance::Skip("it needs a DataPrime query, which no alert carries"),
        run: |access, input, window| run(access, QUERY, input, window).boxed(),
    },
];

fn things_of(alert: &Alert) -> Relevance {
    subject::relevance(
        alert,
        dataprime::names_something,
        "nothing in the alert names a service, application or subsystem",
    )
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `source logs | limit 1` over a quarter of an hour is answered with lines that all parse. Nothing in the answer says
/// whose key it is; only what it was narrowed to is told.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let coralogix = Coralogix::open(access, BOUNDS).await?;
    let now = access.http.now();
    let quarter = now.checked_sub(SignedDuration::from_mins(15)).unwrap_or(now);
    let rows = coralogix.query("source logs | limit 1", (quarter, now), Tier::Usual).await?;
    let detail = match rows.rows.len() {
        0 => "the key may query; no log was written in the last 15 minutes",
        _ => "the key may query; there are logs of the last 15 minutes",
    };
    let config = access.instance.config();
    Ok(Probe::passed(detail)
        .with("domain", coralogix.client.base().host_str().map(|host| host.trim_start_matches("api.").to_owned()))
        .with("application", config.text("application_name"))
        .with("subsystem", config.text("subsystem_name")))
}

async fn run(access: &Access, name: &str, input: &Input, window: Window) -> Answer {
    let coralogix = match Coralogix::open(access, BOUNDS).await {
        Ok(coralogix) => coralogix,
        Err(failure) => return Answer::unanswered(access, name, failure),
    };
    let labels = input.labels(subject::LABELS);
    let mut answer = match (name, input.text(QUERY)) {
        (LOGS, _) => gather::logs(&coralogix, name, &labels, window).await,
        (SPANS, _) => gather::spans(&coralogix, name, &labels, window).await,
        (TRACE, _) => gather::traces(&coralogix, name, &input.list(subject::TRACE_IDS), window).await,
        (_, Some(written)) => gather::query(&coralogix, name, written, window).await,
        (_, None) => Answer::unanswered(access, name, Failure::missing(QUERY)),
    };
    let left_out = subject::left_out(input);
    answer.gaps.extend(left_out.map(|failure| coralogix.backend(Source::Logs).gap(name, failure)));
    answer.calls = coralogix.client.calls();
    answer
}
