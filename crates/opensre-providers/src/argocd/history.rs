//! The query `history`: what was deployed when, at which revision, by whom; and syncs that failed.

use std::fmt::Write as _;

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::evidence::{Event, EventKind, EvidenceData};
use opensre_model::window::Window;

use super::client::Argo;
use super::queries::{HISTORY, Opened, bounded, bounds, counted, labels, since};
use super::select::Chosen;
use super::wire::{self, Deployment, Operation, Revision};
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input};
use crate::failure::Failure;

pub(super) const BOUNDS: Bounds = bounds(MOST_EVENTS);

/// Most events of one application that are kept, those nearest to the onset.
const MOST_EVENTS: usize = 40;

/// Most revisions of one application whose author and message are asked for, those nearest to the onset.
const MOST_REVISIONS: usize = 4;

/// Longest text of an event, in characters.
const LONGEST: usize = 1_000;

pub(super) async fn run(access: &Access, input: &Input, window: Window) -> Answer {
    let mut opened = match Opened::new(access, input, &window, HISTORY, BOUNDS).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let backend = match opened.argo.backend() {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, HISTORY, failure),
    };
    let chosen = opened.choice.chosen.clone();
    if chosen.is_empty() {
        let data = EvidenceData::Events { events: Vec::new() };
        let mut evidence =
            backend.evidence(HISTORY, "GET /api/v1/applications", window, counted(0, &opened.choice), data);
        evidence.truncated = opened.cut(None);
        opened.answer.evidence.push(evidence);
        return opened.finish();
    }
    let told = join_all(chosen.iter().map(|chosen| tell(&opened.argo, chosen, &window))).await;
    for (chosen, told) in chosen.iter().zip(told) {
        let told = match told {
            Ok(told) => told,
            Err(failure) => {
                opened.gap(access, HISTORY, &chosen.application.name, failure);
                continue;
            }
        };
        let data = EvidenceData::Events { events: told.events };
        let mut evidence = backend.evidence(HISTORY, chosen.application.path(""), window, told.summary, data);
        evidence.origin.link = opened.argo.link(&chosen.application);
        evidence.truncated = opened.cut(told.dropped);
        opened.answer.evidence.push(evidence);
        for failure in told.gaps {
            opened.gap(access, HISTORY, &chosen.application.name, failure);
        }
    }
    opened.finish()
}

struct Told {
    events: Vec<Event>,
    summary: String,
    dropped: Option<String>,
    gaps: Vec<Failure>,
}

async fn tell(argo: &Argo<'_>, chosen: &Chosen, window: &Window) -> Result<Told, Failure> {
    let (application, _) = argo.application(&chosen.application).await?;
    let chosen = Chosen { service: chosen.service.clone(), application };
    let within = |time: Timestamp| time >= since(window) && time <= window.end;
    let history = &chosen.application.history;
    let mut recent: Vec<usize> = (0..history.len()).filter(|&index| within(began(&history[index]))).collect();
    let count = recent.len();
    recent.sort_by_key(|&index| began(&history[index]).duration_since(window.onset).abs());
    recent.truncate(MOST_EVENTS);
    let asked = recent.iter().take(MOST_REVISIONS).map(|&index| describe(argo, &chosen, &history[index]));
    let described = join_all(asked).await;
    let mut gaps = Vec::new();
    let mut revisions: Vec<Option<Revision>> = Vec::new();
    for described in described {
        match described {
            Ok(revision) => revisions.push(revision),
            Err(failure) => {
                // One reason is enough: what refuses one revision refuses all.
                if gaps.is_empty() {
                    gaps.push(failure.about("author and message of a revision"));
                }
                revisions.push(None);
            }
        }
    }
    revisions.resize(recent.len(), None);
    let mut events: Vec<Event> =
        recent.iter().zip(&revisions).map(|(&index, revision)| deployed(&chosen, index, revision.as_ref())).collect();
    let operation = chosen.application.operation.as_ref();
    events.extend(operation.into_iter().flat_map(|operation| operated(&chosen, operation, within)));
    events.extend(chosen.application.conditions.iter().filter_map(|condition| {
        let time = condition.since.filter(|time| within(*time))?;
        let mut labels = labels(&chosen);
        labels.insert("reason".to_owned(), condition.kind.clone());
        if condition.is_of_argo() {
            labels.insert("service".to_owned(), "argocd".to_owned());
        }
        Some(Event {
            time,
            kind: EventKind::Other,
            title: format!("{} of {}", condition.kind, chosen.application.name),
            text: bounded(&condition.message, LONGEST),
            labels,
        })
    }));
    events.sort_by(|a, b| (a.time, &a.title).cmp(&(b.time, &b.title)));
    let summary = summary(&chosen, count, window);
    let dropped = (count > MOST_EVENTS).then(|| format!("{MOST_EVENTS} of {count} deployments are kept"));
    Ok(Told { events, summary, dropped, gaps })
}

/// When what a deployment changed began to change.
fn began(deployment: &Deployment) -> Timestamp {
    deployment.started_at.filter(|started| *started < deployment.deployed_at).unwrap_or(deployment.deployed_at)
}

/// Who wrote a revision and why. Charts have versions, which no repository describes.
async fn describe(argo: &Argo<'_>, chosen: &Chosen, deployment: &Deployment) -> Result<Option<Revision>, Failure> {
    let chart = deployment.source.as_ref().is_some_and(|source| source.is_chart);
    if chart || !wire::is_commit(&deployment.revision) {
        return Ok(None);
    }
    let id = deployment.id.map(|id| id.to_string()).unwrap_or_default();
    let several = [("sourceIndex", "0"), ("versionId", id.as_str())];
    let more: &[(&str, &str)] = if deployment.revisions.len() > 1 && !id.is_empty() { &several } else { &[] };
    let reply = argo.about(&chosen.application, &["revisions", &deployment.revision, "metadata"], more).await?;
    Ok(Some(wire::revision(&reply.json()?)))
}

fn deployed(chosen: &Chosen, index: usize, revision: Option<&Revision>) -> Event {
    let history = &chosen.application.history;
    let deployment = &history[index];
    let name = &chosen.application.name;
    let at = wire::short(&deployment.revision);
    let before = index.checked_sub(1).map(|before| history[before].revision.as_str());
    let again = before == Some(deployment.revision.as_str());
    let earlier = history[..index].iter().any(|entry| entry.revision == deployment.revision);
    let title = if earlier && !again {
        format!("rollback of {name} to {at}")
    } else if again {
        format!("{name} synced again at {at}")
    } else {
        format!("{name} deployed at {at}")
    };
    let mut labels = labels(chosen);
    labels.insert("revision".to_owned(), deployment.revision.clone());
    labels.insert("deployed_at".to_owned(), deployment.deployed_at.to_string());
    let mut text = Vec::new();
    if let Some(message) = revision.and_then(|revision| revision.message.as_ref()) {
        text.push(message.clone());
    }
    let mut add = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            text.push(format!("{name}: {value}"));
            labels.insert(name.to_owned(), value.clone());
        }
    };
    add("author", revision.and_then(|revision| revision.author.as_ref()));
    add("by", deployment.by.as_ref());
    let source = deployment.source.as_ref();
    add("repository", source.map(|source| &source.repository));
    add("path", source.and_then(|source| source.path.as_ref()));
    add("target", source.and_then(|source| source.target.as_ref()));
    if let Some(before) = before.filter(|_| !again) {
        text.push(format!("before: {}", wire::short(before)));
    }
    if deployment.revisions.len() > 1 {
        let all: Vec<&str> = deployment.revisions.iter().map(|revision| wire::short(revision)).collect();
        text.push(format!("revisions: {}", all.join(", ")));
    }
    // A commit's message may hold anything; what Argo CD itself says of a sync is never a rollback's name.
    let kind = if again { EventKind::Change } else { EventKind::Deploy };
    Event { time: began(deployment), kind, title, text: bounded(&text.join("\n"), LONGEST), labels }
}

/// The last operation, where the history does not have it: one that failed, or is under way.
fn operated(chosen: &Chosen, operation: &Operation, within: impl Fn(Timestamp) -> bool) -> Vec<Event> {
    let name = &chosen.application.name;
    let mut labels = labels(chosen);
    let to = operation.revision.as_deref().map(|revision| format!(" to {}", wire::short(revision))).unwrap_or_default();
    if let Some(revision) = &operation.revision {
        labels.insert("revision".to_owned(), revision.clone());
    }
    if let Some(by) = &operation.by {
        labels.insert("by".to_owned(), by.clone());
    }
    let mut text = operation.message.clone().unwrap_or_default();
    for failed in operation.failed.iter().take(10) {
        let _ = write!(text, "\n{failed}");
    }
    let text = bounded(text.trim(), LONGEST);
    let mut events = Vec::new();
    let running = matches!(operation.phase.as_str(), "Running" | "Terminating");
    // What a sync that failed or still runs has applied so far stands: it is a change all the same.
    if let Some(started) = operation.started_at.filter(|time| within(*time))
        && (running || (operation.is_failed() && operation.synced > 0))
    {
        let how = if running { "is under way" } else { "was begun and failed" };
        let title = format!("sync of {name}{to} {how}");
        let done = format!("{} resources were applied", operation.synced);
        events.push(Event { time: started, kind: EventKind::Change, title, text: done, labels: labels.clone() });
    }
    if let Some(ended) = operation.finished_at.or(operation.started_at).filter(|time| within(*time))
        && operation.is_failed()
    {
        labels.insert("reason".to_owned(), format!("Sync{}", operation.phase));
        let title = format!("sync of {name}{to} failed");
        events.push(Event { time: ended, kind: EventKind::Other, title, text, labels });
    }
    events
}

fn summary(chosen: &Chosen, count: usize, window: &Window) -> String {
    let name = &chosen.application.name;
    let before = chosen.application.history.iter().rev().find(|entry| entry.deployed_at < since(window));
    let last = before.map(|entry| {
        format!(
            "; before that at {} on {}",
            wire::short(&entry.revision),
            entry.deployed_at.strftime("%Y-%m-%d %H:%MZ")
        )
    });
    let noun = if count == 1 { "deployment" } else { "deployments" };
    format!("{count} {noun} of {name} from a day before the onset on{}", last.unwrap_or_default())
}
