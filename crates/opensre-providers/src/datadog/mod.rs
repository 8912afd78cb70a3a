//! Datadog: logs, metrics, events, spans and monitors.
//!
//! Two keys authenticate every call (headers DD-API-KEY and DD-APPLICATION-KEY) against `https://api.{site}`. The
//! site is also what tells one Datadog from another in an alert: its links lead to it. Pure parts: [`site`] knows
//! where things are, [`search`] builds searches, [`monitor`] reads a monitor's own query, [`wire`] reads answers.

pub mod declaration;
pub mod metrics;
pub mod monitor;
pub mod search;
pub mod site;
pub mod wire;

mod api;
mod gather;
mod monitors;
mod probe;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::alert::Alert;
use opensre_model::window::Window;

use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Probe, Provider, Query, Relevance};
use crate::failure::Failure;
use crate::subject;
use api::Datadog;
use site::Page;

/// Datadog.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["org", "org_id", "site"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const LOGS: &str = "logs";
const METRICS: &str = "metrics";
const EVENTS: &str = "events";
const SPANS: &str = "spans";
const TRACE: &str = "trace";
const LOG_SEARCH: &str = "log-search";
const METRIC_QUERY: &str = "metric-query";

const QUERY: &str = "query";
const MONITOR_ID: &str = "monitor_id";

/// Bounds of everything but monitors. Of logs there are errors in three cuts; nothing else has as many rows.
const BOUNDS: Bounds = Bounds { rows: 1_200, bytes: 8 * 1024 * 1024, seconds: 30 };

const QUERIES: &[Query] = &[
    Query {
        name: monitors::MONITOR,
        summary: "the alert's own monitor: its state, and its own query over the window with its threshold",
        input: monitors::MONITOR_INPUT,
        bounds: monitors::BOUNDS,
        relevance: monitors::monitor_relevance,
        run: |access, input, window| monitors::run_monitor(access, input, window).boxed(),
    },
    Query {
        name: monitors::MONITORS,
        summary: "states of the other monitors that are tagged with what the alert's labels name",
        input: monitors::MONITORS_INPUT,
        bounds: monitors::BOUNDS,
        relevance: monitors::monitors_relevance,
        run: |access, input, window| monitors::run_monitors(access, input, window).boxed(),
    },
    Query {
        name: LOGS,
        summary: "lines of errors and of warnings, a sample of all lines, and counts, of what the alert's labels name",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: things_of,
        run: |access, input, window| run(access, LOGS, input, window).boxed(),
    },
    Query {
        name: METRICS,
        summary: "errors, latency, traffic and use of resources of what the alert's labels name",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: things_of,
        run: |access, input, window| run(access, METRICS, input, window).boxed(),
    },
    Query {
        name: EVENTS,
        summary: "deployments, changes and alerts of what the alert's labels name, and changes of anything around it",
        input: &[
            subject::LABELS_INPUT,
            InputSpec {
                key: MONITOR_ID,
                kind: "string",
                required: false,
                help: "id of the alert's own monitor, whose events are left out",
            },
        ],
        bounds: BOUNDS,
        relevance: events_of,
        run: |access, input, window| run(access, EVENTS, input, window).boxed(),
    },
    Query {
        name: SPANS,
        summary: "spans with errors, slow ones and ordinary ones of what the alert's labels name, and the worst traces",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance: things_of,
        run: |access, input, window| run(access, SPANS, input, window).boxed(),
    },
    Query {
        name: TRACE,
        summary: "the traces that the alert names, span by span",
        input: &[InputSpec {
            key: subject::TRACE_IDS,
            kind: "array",
            required: true,
            help: "trace ids, hexadecimal or decimal",
        }],
        bounds: BOUNDS,
        relevance: subject::traces,
        run: |access, input, window| run(access, TRACE, input, window).boxed(),
    },
    Query {
        name: LOG_SEARCH,
        summary: "the log lines that a search finds in the window",
        input: &[InputSpec { key: QUERY, kind: "string", required: true, help: "a search of logs" }],
        bounds: BOUNDS,
        relevance: |_| Relevance::Skip("it needs a search, which no alert carries"),
        run: |access, input, window| run(access, LOG_SEARCH, input, window).boxed(),
    },
    Query {
        name: METRIC_QUERY,
        summary: "values of a metric query over the window",
        input: &[InputSpec { key: QUERY, kind: "string", required: true, help: "a metric query" }],
        bounds: BOUNDS,
        relevance: |_| Relevance::Skip("it needs a metric query; the query `monitor` asks that of the alert"),
        run: |access, input, window| run(access, METRIC_QUERY, input, window).boxed(),
    },
];

fn things_of(alert: &Alert) -> Relevance {
    subject::relevance(alert, search::names_something, "nothing in the alert names a service, pod, host or namespace")
}

fn events_of(alert: &Alert) -> Relevance {
    let mut relevance = things_of(alert);
    if let (Relevance::Ask(inputs), Some(id)) = (&mut relevance, &alert.references.monitor_id) {
        for input in inputs {
            input.0.insert(MONITOR_ID.to_owned(), id.as_str().into());
        }
    }
    relevance
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move {
        let proved = async { probe::prove(&Datadog::open(access).await?).await };
        Probe::from(proved.await)
    }
    .boxed()
}

async fn run(access: &Access, name: &str, input: &Input, window: Window) -> Answer {
    let written = input.text(QUERY);
    if matches!(name, LOG_SEARCH | METRIC_QUERY) && written.is_none() {
        return Answer::unanswered(access, name, Failure::missing(QUERY));
    }
    let datadog = match Datadog::within(access, BOUNDS).await {
        Ok(datadog) => datadog,
        Err(failure) => return Answer::unanswered(access, name, failure),
    };
    let labels = input.labels(subject::LABELS);
    let written = written.unwrap_or_default();
    let mut answer = match name {
        LOGS => gather::logs(&datadog, name, &labels, window).await,
        METRICS => metrics::related(&datadog, name, &labels, window).await,
        EVENTS => gather::events(&datadog, name, &labels, input.text(MONITOR_ID), window).await,
        SPANS => gather::spans(&datadog, name, &labels, window).await,
        TRACE => gather::traces(&datadog, name, &input.list(subject::TRACE_IDS), window).await,
        LOG_SEARCH => gather::log_search(&datadog, name, written, window).await,
        _ => metrics::metric_query(&datadog, name, written, window).await,
    };
    let left_out = subject::left_out(input);
    answer.gaps.extend(left_out.map(|failure| datadog.backend(Page::Nowhere).gap(name, failure)));
    answer.calls = datadog.client.calls();
    answer
}
