//! The calls to one Loki, reached directly or through Grafana: sent, read, and told apart when they fail.
//!
//! Facts from the vendor's page "Loki HTTP API": times in nanoseconds since 1970, `end` exclusive, `direction`
//! `forward` or `backward`, `limit` of log lines, `interval` (thins lines out) and `step` (of metric queries) in
//! seconds.

use std::time::Duration;

use jiff::Timestamp;
use opensre_http::{Client, FailureKind};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::wire::{self, Answered, Lines, NotLoki};
use crate::failure::Failure;

/// How long names and values of labels are taken for known.
const FRESH: Duration = Duration::from_mins(1);

impl From<NotLoki> for Failure {
    fn from(odd: NotLoki) -> Self {
        Self::nonsense(odd.to_string())
    }
}

/// Which lines of a log query are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Of this time or later.
    pub(crate) from: Timestamp,
    /// Earlier than this time.
    pub(crate) to: Timestamp,
    /// Most lines.
    pub(crate) limit: usize,
    /// Whether the oldest are asked for first, else the newest.
    pub(crate) oldest_first: bool,
    /// At most one line in so many seconds, to see all of a long time in few lines.
    pub(crate) every_seconds: Option<f64>,
}

/// The names of the labels that streams have in the window.
pub(crate) async fn label_names(client: &Client, window: &Window) -> Result<Vec<String>, Failure> {
    let (start, end) = (nanoseconds(window.baseline_start), nanoseconds(window.end));
    let reply = client.get_shared("loki/api/v1/labels", &[("start", &start), ("end", &end)], FRESH).await?;
    Ok(wire::names(&reply.json::<Json>()?)?)
}

/// The values of a label in the window; none for a label that Loki does not know.
pub(crate) async fn label_values(client: &Client, name: &str, window: &Window) -> Result<Vec<String>, Failure> {
    let (start, end) = (nanoseconds(window.baseline_start), nanoseconds(window.end));
    let path = ["loki", "api", "v1", "label", name, "values"];
    match client.get_shared(&path, &[("start", &start), ("end", &end)], FRESH).await {
        Ok(reply) => Ok(wire::names(&reply.json::<Json>()?)?),
        // Loki answers an unknown label with nothing; what speaks its protocol may answer so.
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}

/// The lines that a log query finds.
pub(crate) async fn lines(client: &Client, query: &str, cut: Cut) -> Result<Lines, Failure> {
    let mut parameters = vec![
        ("query", query.to_owned()),
        ("start", nanoseconds(cut.from)),
        ("end", nanoseconds(cut.to)),
        ("limit", cut.limit.to_string()),
        ("direction", if cut.oldest_first { "forward" } else { "backward" }.to_owned()),
    ];
    if let Some(seconds) = cut.every_seconds {
        parameters.push(("interval", format!("{seconds:.3}")));
    }
    match range(client, &parameters).await? {
        Answered::Lines(lines) => Ok(lines),
        Answered::Series(_) => Err(Failure::nonsense("a log query was answered with series")),
    }
}

/// What a query of either kind finds in the whole window: at most `limit` lines, the newest, or series.
pub(crate) async fn whole_window(
    client: &Client,
    query: &str,
    window: &Window,
    limit: usize,
) -> Result<Answered, Failure> {
    let parameters = [
        ("query", query.to_owned()),
        ("start", nanoseconds(window.baseline_start)),
        ("end", nanoseconds(window.end)),
        ("limit", limit.to_string()),
        ("direction", "backward".to_owned()),
        ("step", step_seconds(window).to_string()),
    ];
    range(client, &parameters).await
}

async fn range(client: &Client, parameters: &[(&str, String)]) -> Result<Answered, Failure> {
    let reply = client.get("loki/api/v1/query_range", parameters).await?;
    Ok(wire::answered(&reply.json::<Json>()?)?)
}

/// The step of metric queries over a window, in seconds: about two hundred points, whole quarter minutes.
pub(crate) fn step_seconds(window: &Window) -> i64 {
    let wanted = (window.length().as_secs() / 200).max(1);
    (wanted + 14) / 15 * 15
}

/// A time as Loki takes it.
pub(crate) fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().to_string()
}
