//! The calls to one Tempo, reached directly or through Grafana: sent, read, and told apart when they fail.
//!
//! Facts from the vendor's page "Tempo HTTP API": times of a search in whole seconds, `q` a TraceQL query, `limit` of
//! traces, `spss` of spans per trace; a search takes the first traces that it finds, not the worst.

use std::time::Duration;

use jiff::Timestamp;
use opensre_http::{Client, FailureKind, HttpFailure};
use opensre_model::evidence::GapKind;
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::wire::{self, Found, NotTempo, Trace};
use crate::failure::Failure;

/// How long the names of services are taken for known.
const FRESH: Duration = Duration::from_mins(1);

/// Spans that a search tells of each trace.
const SPANS_PER_TRACE: &str = "3";

impl From<NotTempo> for Failure {
    fn from(odd: NotTempo) -> Self {
        Self::nonsense(odd.to_string())
    }
}

/// The number of tag names that this Tempo knows: its second version, else its first.
pub(crate) async fn tags(client: &Client) -> Result<usize, Failure> {
    let answer = match client.get::<&str, &str>("api/v2/search/tags", &[]).await {
        Err(failure) if is_absent(&failure) => client.get::<&str, &str>("api/search/tags", &[]).await?,
        answer => answer?,
    };
    Ok(wire::tags(&answer.json::<Json>()?)?)
}

/// The names of the services that have spans in the window.
pub(crate) async fn services(client: &Client, window: &Window) -> Result<Vec<String>, Failure> {
    let (start, end) = (seconds(window.baseline_start), seconds_after(window.end));
    let range = [("start", start.as_str()), ("end", end.as_str())];
    let second = "api/v2/search/tag/resource.service.name/values";
    let answer = match client.get_shared(second, &range, FRESH).await {
        Err(failure) if is_absent(&failure) => {
            client.get_shared("api/search/tag/service.name/values", &range, FRESH).await?
        }
        answer => answer?,
    };
    Ok(wire::tag_values(&answer.json::<Json>()?)?)
}

/// The traces that a TraceQL query finds between two times.
pub(crate) async fn search(
    client: &Client,
    traceql: &str,
    from: Timestamp,
    to: Timestamp,
    limit: usize,
) -> Result<Vec<Found>, Failure> {
    let parameters = [
        ("q", traceql.to_owned()),
        ("start", seconds(from)),
        ("end", seconds_after(to)),
        ("limit", limit.to_string()),
        ("spss", SPANS_PER_TRACE.to_owned()),
    ];
    let reply = client.get("api/search", &parameters).await?;
    let mut found = wire::found(&reply.json::<Json>()?)?;
    // Whole seconds ask for a little more than was meant.
    found.retain(|trace| trace.start <= to);
    found.sort_by(|a, b| (a.start, &a.trace_id).cmp(&(b.start, &b.trace_id)));
    Ok(found)
}

/// A trace by its id, by the second version of the endpoint, else by the first.
pub(crate) async fn trace(client: &Client, id: &str) -> Result<Trace, Failure> {
    let none = || {
        Failure::new(GapKind::NotRelevant, format!("there is no trace {id}"))
            .with_hint("it was not sampled, belongs to another tenant, or is older than what is kept")
    };
    let answer = match client.get::<&str, &str>(&["api", "v2", "traces", id], &[]).await {
        Err(failure) if is_absent(&failure) => match client.get::<&str, &str>(&["api", "traces", id], &[]).await {
            Err(failure) if failure.kind == FailureKind::NotFound => return Err(none()),
            answer => answer?,
        },
        answer => answer?,
    };
    let trace = wire::trace(&answer.json::<Json>()?)?;
    if trace.spans.is_empty() && trace.odd > 0 {
        return Err(Failure::nonsense(format!("none of the {} spans of the trace can be read", trace.odd)));
    }
    if trace.spans.is_empty() { Err(none()) } else { Ok(trace) }
}

/// Whether an endpoint is not there: old versions answer the second one's paths so.
fn is_absent(failure: &HttpFailure) -> bool {
    matches!(failure.kind, FailureKind::NotFound | FailureKind::BadRequest(405 | 501))
}

/// A time as Tempo takes it.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.as_second().to_string()
}

/// The first whole second that is not before a time.
pub(crate) fn seconds_after(time: Timestamp) -> String {
    let whole = time.as_second();
    (whole + i64::from(time.subsec_nanosecond() > 0)).to_string()
}
