//! Deployments, stateful sets, daemon sets, and the replica sets by which rollouts are known.
//!
//! Source: pages "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet" and "ControllerRevision" of the Kubernetes API
//! reference. A Deployment keeps one replica set per revision of its pod template, numbered by the annotation
//! `deployment.kubernetes.io/revision`; going back to an earlier template gives its old replica set a new number.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::evidence::{Event, EventKind, ResourceState};
use serde_json::Value as Json;

use super::meta::{Condition, Meta, items, join, number, text};
use super::pods::one_line;
use super::{add, state};

/// A replica set, as a revision of its Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The Deployment.
    pub deployment: String,
    /// Its namespace.
    pub namespace: String,
    /// The number.
    pub number: u64,
    /// When the replica set was made.
    pub created: Timestamp,
    /// Images by container.
    pub images: BTreeMap<String, String>,
    /// `kubernetes.io/change-cause`, where people write it.
    pub cause: String,
    /// When somebody asked for a restart, as `kubectl rollout restart` notes it in the template.
    pub restarted: Option<String>,
    /// Whether the replica set had other numbers before: somebody went back to it.
    pub reused: bool,
}

/// The state of a Deployment, stateful set or daemon set; `kind` in words.
pub fn workload(object: &Json, kind: &str, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let count = |path: &str| number(object, path);
    // A daemon set's replicas are the nodes that should run it.
    let wanted = if kind == "daemon set" {
        count("/status/desiredNumberScheduled").unwrap_or(0)
    } else {
        count("/spec/replicas").unwrap_or(1)
    };
    let ready = count("/status/readyReplicas").or_else(|| count("/status/numberReady")).unwrap_or(0);
    let updated = count("/status/updatedReplicas").or_else(|| count("/status/updatedNumberScheduled")).unwrap_or(0);
    let conditions = Condition::read(object);
    let troubles: Vec<String> = conditions
        .iter()
        .filter(|condition| match condition.kind.as_str() {
            "Available" | "Progressing" => condition.status == "False",
            "ReplicaFailure" => condition.status == "True",
            _ => false,
        })
        .map(|condition| one_line(&condition.why()))
        .collect();
    let mut state = state(kind, &meta, now);
    state.healthy = Some(ready >= wanted && troubles.is_empty());
    add(&mut state, &kind.replace(' ', ""), meta.name.as_str());
    add(&mut state, "replicas", format!("{ready} of {wanted} ready, {updated} updated"));
    add(&mut state, "revision", meta.annotations.get(REVISION).cloned().unwrap_or_default());
    add(&mut state, "images", images(object).into_values().collect::<Vec<_>>().join(", "));
    add(&mut state, "condition", troubles.join("; "));
    let observed = count("/status/observedGeneration");
    let generation = count("/metadata/generation");
    if observed.zip(generation).is_some_and(|(observed, generation)| observed < generation) {
        add(&mut state, "rollout", "the controller has not seen the latest change yet");
    }
    if object.pointer("/spec/paused").and_then(Json::as_bool) == Some(true) {
        add(&mut state, "rollout", "paused");
    }
    Some(state)
}

const REVISION: &str = "deployment.kubernetes.io/revision";

/// Images by container, of a workload's pod template. Nothing else of the template is ever read.
fn images(object: &Json) -> BTreeMap<String, String> {
    let image = |container: &Json| Some((text(container, "/name")?, text(container, "/image")?));
    items(object, "/spec/template/spec/containers").filter_map(image).collect()
}

/// Reads a replica set as a revision; `None` when no Deployment made it.
pub fn revision(object: &Json) -> Option<Revision> {
    let meta = Meta::read(object)?;
    let owner = meta.owner.as_ref().filter(|owner| owner.kind == "Deployment")?;
    Some(Revision {
        deployment: owner.name.clone(),
        number: meta.annotations.get(REVISION)?.parse().ok()?,
        created: meta.created?,
        images: images(object),
        cause: meta.annotations.get("kubernetes.io/change-cause").cloned().unwrap_or_default(),
        restarted: text(object, "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"),
        reused: meta.annotations.contains_key("deployment.kubernetes.io/revision-history"),
        namespace: meta.namespace,
    })
}

/// The rollouts that revisions tell of, oldest first. `progress` has, by namespace and Deployment, when its rollout last
/// got on: the only trace in time of going back to a replica set that was there before.
pub fn rollouts(revisions: &[Revision], progress: &BTreeMap<(String, String), Timestamp>) -> Vec<Event> {
    let mut by_deployment: BTreeMap<(&str, &str), Vec<&Revision>> = BTreeMap::new();
    for revision in revisions {
        by_deployment.entry((&revision.namespace, &revision.deployment)).or_default().push(revision);
    }
    let mut events = Vec::new();
    for ((namespace, deployment), mut revisions) in by_deployment {
        revisions.sort_by_key(|revision| revision.number);
        for (position, revision) in revisions.iter().enumerate() {
            let before = position.checked_sub(1).map(|before| revisions[before]);
            let back = revision.reused && revisions.iter().any(|other| other.created > revision.created);
            let time = if revision.reused {
                // Older numbers of a reused replica set left no trace.
                let is_latest = position + 1 == revisions.len();
                let moved = progress.get(&(namespace.to_owned(), deployment.to_owned())).filter(|_| is_latest);
                let Some(moved) = moved else { continue };
                *moved
            } else {
                revision.created
            };
            events.push(revision.event(before, back, time));
        }
    }
    events.sort_by(|a, b| (a.time, &a.title).cmp(&(b.time, &b.title)));
    events
}

impl Revision {
    fn event(&self, before: Option<&Self>, back: bool, time: Timestamp) -> Event {
        let empty = BTreeMap::new();
        let old = before.map_or(&empty, |before| &before.images);
        let changed: Vec<String> = self
            .images
            .iter()
            .filter(|(container, image)| old.get(*container) != Some(image))
            .map(|(container, image)| match old.get(container) {
                Some(old) => format!("{image} (before: {old})"),
                None => image.clone(),
            })
            .collect();
        let restart = self.restarted.is_some() && before.is_some_and(|before| before.restarted != self.restarted);
        let what = match (back, changed.is_empty(), restart) {
            (true, ..) => format!("deployment {} rolled back, as revision {}", self.deployment, self.number),
            (false, ..) if self.reused => {
                format!("deployment {} rolled out again, as revision {}", self.deployment, self.number)
            }
            (false, true, true) => format!("deployment {} restarted, as revision {}", self.deployment, self.number),
            (false, true, false) => {
                format!("deployment {} changed its pod template, revision {}", self.deployment, self.number)
            }
            (false, false, _) => format!("deployment {} rolled out revision {}", self.deployment, self.number),
        };
        let title = if changed.is_empty() { what } else { format!("{what}: {}", changed.join(", ")) };
        let mut labels = BTreeMap::from([
            ("namespace".to_owned(), self.namespace.clone()),
            ("deployment".to_owned(), self.deployment.clone()),
            ("revision".to_owned(), self.number.to_string()),
        ]);
        if let [image] = self.images.values().collect::<Vec<_>>().as_slice() {
            labels.insert("image".to_owned(), (*image).clone());
        }
        let kind = if back || !changed.is_empty() { EventKind::Deploy } else { EventKind::Change };
        let restarted = self.restarted.as_ref().filter(|_| restart).map(|at| format!("restart asked for at {at}"));
        let text = join(&[&one_line(&self.cause), restarted.as_deref().unwrap_or_default()], "; ");
        Event { time, kind, title, text, labels }
    }
}

/// When the rollout of a Deployment last got on.
pub fn progress(object: &Json) -> Option<((String, String), Timestamp)> {
    let meta = Meta::read(object)?;
    let conditions = Condition::read(object);
    let progressing = conditions.iter().find(|condition| condition.kind == "Progressing")?;
    Some(((meta.namespace, meta.name), progressing.updated.or(progressing.since)?))
}

/// A rollout of a stateful or daemon set, from the metadata of its ControllerRevision.
pub fn controller_revision(object: &Json) -> Option<Event> {
    let meta = Meta::read(object)?;
    let owner = meta.owner.clone()?;
    let mut labels = meta.identity();
    labels.insert("controllerrevision".to_owned(), meta.name.clone());
    Some(Event {
        time: meta.created?,
        kind: EventKind::Deploy,
        title: format!("{} {} rolled out a new pod template", super::events::spoken(&owner.kind), owner.name),
        text: String::new(),
        labels,
    })
}
