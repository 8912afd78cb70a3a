//! The probe and the queries.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::alert::{Alert, Labels};
use opensre_model::evidence::{Event, EventKind, EvidenceData};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::wire::{self, ActiveAlert, Silence};
use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkBuilder, LinkTarget};
use crate::driver::{Answer, Bounds, Input, Probe, Query, Relevance};
use crate::failure::Failure;
use crate::siblings::{Kinship, kinship};
use crate::subject;

const FIELDS: HttpFields = HttpFields::at("base_url").bearer("bearer_token").basic("username", "password");

const ALERTS: &str = "alerts";
const SILENCES: &str = "silences";

const BOUNDS: Bounds = Bounds { rows: MOST, bytes: 8 * 1024 * 1024, seconds: 30 };

/// Most events that are kept; those nearest to the onset.
const MOST: usize = 50;

pub(super) const QUERIES: &[Query] = &[
    Query {
        name: ALERTS,
        summary: "other alerts of the same things that are active, and whether this one still is",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance,
        run: |access, input, window| run(access, ALERTS, input, window).boxed(),
    },
    Query {
        name: SILENCES,
        summary: "silences that cover the alert, and who set them why",
        input: &[subject::LABELS_INPUT],
        bounds: BOUNDS,
        relevance,
        run: |access, input, window| run(access, SILENCES, input, window).boxed(),
    },
];

fn relevance(alert: &Alert) -> Relevance {
    subject::relevance(alert, |labels| !labels.is_empty(), "the alert has no labels")
}

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /api/v2/status` is an object with `cluster`, which may be null.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let client = access.client(&FIELDS).await?;
    let status: Json = client.get_json("api/v2/status", &[]).await?;
    let is_cluster = |cluster: &Json| cluster.is_null() || cluster.get("status").is_some_and(Json::is_string);
    if !status.get("cluster").is_some_and(is_cluster) {
        return Err(Failure::nonsense("answered without the state of its cluster"));
    }
    let text = |path: &str| status.pointer(path).and_then(Json::as_str).map(str::to_owned);
    Ok(Probe::passed("the API answers")
        .with("version", text("/versionInfo/version"))
        .with("cluster", text("/cluster/status")))
}

/// The labels of all alerts that are active.
pub(crate) async fn active_labels(access: &Access) -> Result<Vec<Labels>, Failure> {
    let answer: Json =
        BOUNDS.keep(access.client(&FIELDS).await?).by(access.deadline).get_json("api/v2/alerts", &[]).await?;
    Ok(wire::alerts(&answer)?.0.into_iter().map(|alert| alert.labels).collect())
}

async fn run(access: &Access, query: &str, input: &Input, window: Window) -> Answer {
    let client = match access.client(&FIELDS).await {
        Ok(client) => BOUNDS.keep(client),
        Err(failure) => return Answer::unanswered(access, query, failure),
    };
    let links = links(&client, query);
    let backend = Backend::direct(&access.instance, client, links);
    let labels = input.labels(subject::LABELS);
    let found = match query {
        ALERTS => alerts(&backend, &labels, &window).await,
        _ => silences(&backend, &labels, &window).await,
    };
    let mut answer = Answer::default();
    match found {
        Ok(found) => answer.evidence.push(evidence(&backend, query, found, window)),
        Err(failure) => answer.gaps.push(backend.gap(query, failure)),
    }
    answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(query, failure)));
    answer.calls = backend.client.calls();
    answer
}

/// What a call found.
struct Found {
    path: &'static str,
    events: Vec<Event>,
    said: String,
    odd: usize,
}

async fn alerts(backend: &Backend, labels: &Labels, window: &Window) -> Result<Found, Failure> {
    let answer: Json = backend.client.get_json("api/v2/alerts", &[]).await?;
    let (all, odd) = wire::alerts(&answer)?;
    // Alertmanager knows only what is active now; what began after the window is another story.
    let known = |alert: &&ActiveAlert| alert.starts_at <= window.end;
    let related: Vec<(&ActiveAlert, Kinship)> =
        all.iter().filter(known).map(|alert| (alert, kinship(labels, &alert.labels))).collect();
    let events: Vec<Event> =
        related.iter().filter(|(_, kin)| *kin == Kinship::Shared).map(|(alert, _)| alert.event()).collect();
    let own = related.iter().find(|(_, kin)| *kin == Kinship::Same).map(|(alert, _)| alert.state.as_str());
    let own = own.map_or("not active any more".to_owned(), |state| format!("still {state}"));
    let said = match events.len() {
        0 => format!("no other active alert is of the same things; the alert itself is {own}"),
        1 => format!("1 other active alert is of the same things; the alert itself is {own}"),
        count => format!("{count} other active alerts are of the same things; the alert itself is {own}"),
    };
    Ok(Found { path: "GET /api/v2/alerts", events, said, odd })
}

async fn silences(backend: &Backend, labels: &Labels, window: &Window) -> Result<Found, Failure> {
    let answer: Json = backend.client.get_json("api/v2/silences", &[]).await?;
    let (all, odd) = wire::silences(&answer)?;
    let in_window = |silence: &&Silence| silence.starts_at <= window.end && silence.ends_at >= window.baseline_start;
    let events: Vec<Event> =
        all.iter().filter(in_window).filter(|silence| silence.covers(labels)).map(Silence::event).collect();
    let said = match events.len() {
        0 => "no silence covers the alert in the window".to_owned(),
        1 => "1 silence covers the alert in the window".to_owned(),
        count => format!("{count} silences cover the alert in the window"),
    };
    Ok(Found { path: "GET /api/v2/silences", events, said, odd })
}

fn evidence(backend: &Backend, query: &str, found: Found, window: Window) -> opensre_model::evidence::Evidence {
    let Found { path, mut events, said, odd } = found;
    let count = events.len();
    events.sort_by_key(|event| (event.time.duration_since(window.onset).abs(), event.title.clone()));
    events.truncate(MOST);
    events.sort_by(|a, b| (a.time, &a.title, &a.labels).cmp(&(b.time, &b.title, &b.labels)));
    let mut evidence = backend.evidence(query, path, window, said, EvidenceData::Events { events });
    let cut = (count > MOST).then(|| format!("{MOST} of {count} are kept, those nearest to the onset"));
    let odd = (odd > 0).then(|| format!("{odd} entries could not be read"));
    let notes: Vec<String> = cut.into_iter().chain(odd).collect();
    evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
    evidence
}

/// Alertmanager's own page for alerts or silences.
fn links(client: &opensre_http::Client, query: &str) -> LinkBuilder {
    let mut page = client.base().clone();
    if let Ok(mut path) = page.path_segments_mut() {
        path.pop_if_empty().push("");
    }
    page.set_fragment(Some(if query == ALERTS { "/alerts" } else { "/silences" }));
    let page = page.to_string();
    Arc::new(move |target, _| matches!(target, LinkTarget::Query(_)).then(|| page.clone()))
}

impl ActiveAlert {
    fn event(&self) -> Event {
        let summary = ["summary", "description", "message"].iter().find_map(|key| self.annotations.get(*key));
        let mut text = vec![self.state.clone()];
        text.extend(summary.cloned());
        Event {
            time: self.starts_at,
            kind: EventKind::Alert,
            title: format!("alert {}", self.labels.get("alertname").map_or("without a name", String::as_str)),
            text: text.join(": "),
            labels: self.labels.clone(),
        }
    }
}

impl Silence {
    fn event(&self) -> Event {
        let until = self.ends_at.strftime("%Y-%m-%d %H:%MZ");
        Event {
            time: self.starts_at,
            kind: EventKind::Silence,
            title: format!("silence of {} by {} until {until} ({})", self.matchers_text(), self.created_by, self.state),
            text: self.comment.clone(),
            labels: self.matchers.iter().filter_map(wire::Matcher::exact).collect(),
        }
    }
}
