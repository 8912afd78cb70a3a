//! The query `applications`: how the alert's applications are, and which of their resources are not well.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;

use super::client::Argo;
use super::queries::{APPLICATIONS, Opened, answered_at, bounded, bounds, counted, labels};
use super::select::Chosen;
use super::wire::{self, Application, Resource};
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input};
use crate::failure::Failure;

pub(super) const BOUNDS: Bounds = bounds(MOST_STATES);

/// Most states that are kept, those of applications included.
const MOST_STATES: usize = 60;

/// Longest text of one attribute, in characters.
const LONGEST: usize = 600;

/// Most images that are named.
const MOST_IMAGES: usize = 8;

pub(super) async fn run(access: &Access, input: &Input, window: Window) -> Answer {
    let mut opened = match Opened::new(access, input, &window, APPLICATIONS, BOUNDS).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let chosen = opened.choice.chosen.clone();
    let looks = join_all(chosen.iter().map(|chosen| look(&opened.argo, chosen, window.end))).await;
    let mut states = Vec::new();
    let (mut count, mut unwell) = (0, 0);
    for (chosen, looked) in chosen.iter().zip(looks) {
        match looked {
            Ok((found, gap)) => {
                count += 1;
                unwell += usize::from(found.first().is_some_and(|state| state.healthy == Some(false)));
                states.extend(found);
                if let Some(failure) = gap {
                    opened.gap(access, APPLICATIONS, &chosen.application.name, failure);
                }
            }
            Err(failure) => opened.gap(access, APPLICATIONS, &chosen.application.name, failure),
        }
    }
    let backend = match opened.argo.backend() {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, APPLICATIONS, failure),
    };
    let all = states.len();
    states.truncate(MOST_STATES);
    let dropped = (all > MOST_STATES).then(|| format!("{MOST_STATES} of {all} states are kept"));
    let summary = if unwell == 0 {
        counted(count, &opened.choice)
    } else {
        format!("{}; {unwell} not healthy", counted(count, &opened.choice))
    };
    let query = match chosen.as_slice() {
        [one] => one.application.path(""),
        _ => "GET /api/v1/applications".to_owned(),
    };
    let mut evidence = backend.evidence(APPLICATIONS, query, window, summary, EvidenceData::States { states });
    if let [one] = chosen.as_slice() {
        evidence.origin.link = opened.argo.link(&one.application);
    }
    evidence.truncated = opened.cut(dropped);
    opened.answer.evidence.push(evidence);
    opened.finish()
}

/// An application and its resources that are not well. The tree is asked for only where something is not well: its
/// nodes are those that the cluster made too, such as pods, which the application itself does not list.
async fn look(
    argo: &Argo<'_>,
    chosen: &Chosen,
    otherwise: Timestamp,
) -> Result<(Vec<ResourceState>, Option<Failure>), Failure> {
    let (application, reply) = argo.application(&chosen.application).await?;
    let seen = answered_at(&reply).or(application.reconciled_at).unwrap_or(otherwise);
    let chosen = Chosen { service: chosen.service.clone(), application };
    let mut states = vec![state(&chosen, seen)];
    if chosen.application.health.is_good() == Some(true) {
        return Ok((states, None));
    }
    let (resources, gap) = match argo.about(&chosen.application, &["resource-tree"], &[]).await {
        Ok(reply) => match reply.json() {
            Ok(tree) => (wire::tree(&tree), None),
            Err(failure) => (Vec::new(), Some(failure.into())),
        },
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let resources = if resources.is_empty() { &chosen.application.resources } else { &resources };
    states.extend(resources.iter().filter(|resource| resource.health.is_good() == Some(false)).map(|resource| {
        let mut attributes = labels(&chosen);
        attributes.extend(attributes_of(resource));
        ResourceState {
            kind: resource.kind.to_lowercase(),
            name: resource.name.clone(),
            observed_at: seen,
            healthy: Some(false),
            attributes,
        }
    }));
    Ok((states, gap))
}

fn attributes_of(resource: &Resource) -> BTreeMap<String, String> {
    let health = &resource.health;
    [("health", health.status.as_deref()), ("message", health.message.as_deref()), ("sync", resource.sync.as_deref())]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), bounded(value?, LONGEST))))
        .collect()
}

fn state(chosen: &Chosen, observed_at: Timestamp) -> ResourceState {
    let application = &chosen.application;
    let mut attributes = labels(chosen);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.insert(name.to_owned(), bounded(&value, LONGEST));
        }
    };
    add("sync", application.sync.clone());
    add("revision", application.revision.clone());
    add("health", application.health.status.clone());
    add("health_message", application.health.message.clone());
    add("health_since", application.health.since.map(|time| time.to_string()));
    add("operation", operation(application));
    let conditions: Vec<String> = application.conditions.iter().map(in_words).collect();
    add("conditions", (!conditions.is_empty()).then(|| conditions.join("; ")));
    let images = &application.images[..application.images.len().min(MOST_IMAGES)];
    add("images", (!images.is_empty()).then(|| images.join(", ")));
    let failed = application.operation.as_ref().is_some_and(wire::Operation::is_failed);
    ResourceState {
        kind: "application".to_owned(),
        name: application.name.clone(),
        observed_at,
        // A sync that failed leaves a healthy old version standing: that is not what the alert is about, but no good
        // state either.
        healthy: if failed && application.health.is_good() == Some(true) { None } else { application.health.is_good() },
        attributes,
    }
}

/// A condition. What Argo CD could not compare is its own trouble (a repository out of reach, say): its words would read
/// as the application's, so they are told by the query `history` alone.
fn in_words(condition: &wire::Condition) -> String {
    if condition.is_of_argo() { condition.kind.clone() } else { format!("{}: {}", condition.kind, condition.message) }
}

/// `Failed at 2024-05-01T12:10:00Z: one or more objects failed to apply`.
fn operation(application: &Application) -> Option<String> {
    let operation = application.operation.as_ref()?;
    // Writing to a `String` cannot fail.
    let mut words = operation.phase.clone();
    if let Some(time) = operation.finished_at.or(operation.started_at) {
        let _ = write!(words, " at {time}");
    }
    if let Some(message) = &operation.message {
        let _ = write!(words, ": {message}");
    }
    if let Some(first) = operation.failed.first() {
        let _ = write!(words, " ({first})");
    }
    Some(words)
}
