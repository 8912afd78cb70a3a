//! The API's calls. Each takes a client whose paths start at the API's root and returns what [`super::wire`] reads.
//!
//! Source: Prometheus documentation, "HTTP API".

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use opensre_http::{Client, FailureKind, HttpFailure, Reply};
use opensre_model::alert::Labels;
use opensre_model::evidence::GapKind;
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::promql::Selector;
use super::wire::{self, AlertingRule, Answered, Envelope, Target};
use crate::failure::Failure;

/// Queries beyond this many bytes travel as a form, since proxies refuse long URLs.
const LONGEST_URL_QUERY: usize = 4 * 1024;

/// How long an answer that several queries need is shared.
const FRESH: Duration = Duration::from_secs(30);

/// Distance of points, in seconds, such that a window has at most 250 of them.
pub(crate) fn step_seconds(window: &Window) -> i64 {
    const STEPS: &[i64] = &[15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    let length = window.length().as_secs().max(1);
    let wanted = (length + 248) / 249;
    STEPS.iter().copied().find(|step| *step >= wanted).unwrap_or(wanted)
}

/// `query_range` over the whole window. The last point is at the window's end.
pub(crate) async fn range(client: &Client, expression: &str, window: &Window, step: i64) -> Result<Answered, Failure> {
    let steps = window.length().as_secs() / step.max(1);
    let first = window.end.checked_sub(SignedDuration::from_secs(steps * step)).unwrap_or(window.baseline_start);
    let (start, end, step) = (seconds(first), seconds(window.end), step.to_string());
    let timeout = timeout(client);
    let parameters = [("query", expression), ("start", &start), ("end", &end), ("step", &step), ("timeout", &timeout)];
    wire::series(envelope(&ask(client, "api/v1/query_range", &parameters).await?)?)
}

/// Why there are no label sets.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// There are more than the size limit lets in: a narrower call may do.
    TooLarge(Failure),
    /// Something else.
    Failed(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::TooLarge(failure) | Unanswered::Failed(failure) => failure,
        }
    }
}

/// The label sets of the series that any of the selectors finds in the window, at most `limit` where the server knows
/// that parameter.
pub(crate) async fn series(
    client: &Client,
    selectors: &[Selector],
    window: &Window,
    limit: usize,
) -> Result<(Vec<Labels>, Vec<String>), Unanswered> {
    let selectors: Vec<String> = selectors.iter().map(Selector::to_string).collect();
    let (start, end, limit) = (seconds(window.baseline_start), seconds(window.end), limit.to_string());
    let mut parameters: Vec<(&str, &str)> = selectors.iter().map(|one| ("match[]", one.as_str())).collect();
    parameters.extend([("start", start.as_str()), ("end", &end), ("limit", &limit)]);
    let reply = ask(client, "api/v1/series", &parameters).await.map_err(|failure| match failure.kind {
        FailureKind::TooLarge => Unanswered::TooLarge(failure.into()),
        _ => Unanswered::Failed(failure.into()),
    })?;
    let envelope = envelope(&reply)?;
    Ok((wire::label_sets(&envelope)?, envelope.notes))
}

/// All alerting rules; none where the back end has no rules (Thanos, Mimir without a ruler). Shared, since every
/// alert of a group asks for them.
pub(crate) async fn alerting_rules(client: &Client) -> Result<Vec<AlertingRule>, Failure> {
    match client.get_shared("api/v1/rules", &[("type", "alert")], FRESH).await {
        Ok(reply) => wire::alerting_rules(&envelope(&reply)?),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}

/// The active targets.
pub(crate) async fn targets(client: &Client) -> Result<Vec<Target>, Failure> {
    match client.get_shared("api/v1/targets", &[("state", "active")], FRESH).await {
        Ok(reply) => wire::targets(&envelope(&reply)?),
        Err(failure) if failure.kind == FailureKind::NotFound => {
            Err(Failure::new(GapKind::NotRelevant, "the server has no list of scrape targets (404)")
                .with_hint("Mimir, Thanos and others do not scrape; ask the Prometheus that feeds them"))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The server's version, where it tells.
pub(crate) async fn version(client: &Client) -> Option<String> {
    let reply = client.get::<&str, &str>("api/v1/status/buildinfo", &[]).await.ok()?;
    Some(envelope(&reply).ok()?.data.get("version")?.as_str()?.to_owned())
}

/// Answers an expression that needs no data: proves that queries are allowed.
pub(crate) async fn prove(client: &Client) -> Result<(), Failure> {
    let reply = client.get("api/v1/query", &[("query", "vector(1)")]).await?;
    let answered = wire::series(envelope(&reply)?)?;
    match answered.series.as_slice() {
        [one] if one.points.iter().all(|(_, value)| (*value - 1.0).abs() < f64::EPSILON) => Ok(()),
        _ => Err(Failure::nonsense("answered `vector(1)` with something else than 1")),
    }
}

/// Sends a query: as a form where it is too long for a URL.
async fn ask(client: &Client, path: &str, parameters: &[(&str, &str)]) -> Result<Reply, HttpFailure> {
    let length: usize = parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    if length > LONGEST_URL_QUERY {
        client.post_form(path, parameters).await
    } else {
        client.get(path, parameters).await
    }
}

fn envelope(reply: &Reply) -> Result<Envelope, Failure> {
    wire::envelope(reply.json::<Json>()?)
}

/// What is left of the time, so that the server gives up when we do.
fn timeout(client: &Client) -> String {
    let left = client.deadline().saturating_duration_since(Instant::now());
    format!("{}ms", left.as_millis().clamp(1, 120_000))
}

/// Unix seconds with milliseconds.
pub(crate) fn seconds(time: Timestamp) -> String {
    let milliseconds = time.as_millisecond();
    if milliseconds % 1000 == 0 {
        (milliseconds / 1000).to_string()
    } else {
        format!("{:.3}", milliseconds as f64 / 1000.0)
    }
}

/// The window's length as links spell it (`2h15m`).
pub(crate) fn span(length: SignedDuration) -> String {
    let minutes = (length.as_secs().max(60) + 59) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}
