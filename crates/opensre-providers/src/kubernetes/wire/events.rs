//! Events of the cluster (core/v1).
//!
//! Source: page "Event" of the Kubernetes API reference. The API server forgets them after an hour unless it is told
//! otherwise. Repeated ones are one object with a count and its first and last time; newer reporters use `eventTime` and
//! `series` instead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind};
use serde_json::Value as Json;

use super::meta::{join, number, text, time};
use super::pods::one_line;
use crate::kubernetes::scope::without_hash;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEvent {
    /// `Warning` or `Normal`.
    pub warning: bool,
    /// One word.
    pub reason: String,
    /// More of it.
    pub message: String,
    /// The kind of object it is about.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The object's namespace; empty for what is of the whole cluster.
    pub namespace: String,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// Normal events that tell of something; the others tell of what always happens.
const TELLING: &[&str] = &[
    "ScalingReplicaSet",
    "SuccessfulRescale",
    "Killing",
    "Preempted",
    "NodeNotReady",
    "NodeReady",
    "NodeSchedulable",
    "NodeNotSchedulable",
    "Rebooted",
    "Starting",
    "RegisteredNode",
    "RemovingNode",
    "ScaleDown",
    "TriggeredScaleUp",
    "NotTriggerScaleUp",
    "TaintManagerEviction",
    "DeletingAllPods",
];

/// Reads an event; `None` when it names no object or no time.
pub fn event(object: &Json) -> Option<ClusterEvent> {
    let series_last = time(object, "/series/lastObservedTime");
    let made = time(object, "/eventTime").or_else(|| time(object, "/metadata/creationTimestamp"));
    let first = time(object, "/firstTimestamp").or(made);
    let last = series_last.or_else(|| time(object, "/lastTimestamp")).or(first)?;
    let first = first.unwrap_or(last);
    Some(ClusterEvent {
        warning: text(object, "/type").as_deref() == Some("Warning"),
        reason: text(object, "/reason").unwrap_or_default(),
        message: one_line(&text(object, "/message").or_else(|| text(object, "/note")).unwrap_or_default()),
        kind: text(object, "/involvedObject/kind")?,
        name: text(object, "/involvedObject/name")?,
        namespace: text(object, "/involvedObject/namespace").unwrap_or_default(),
        first: first.min(last),
        last,
        count: number(object, "/series/count").or_else(|| number(object, "/count")).unwrap_or(1).max(1),
    })
}

impl ClusterEvent {
    /// Whether it tells of more than what always happens.
    pub fn tells(&self) -> bool {
        self.warning || TELLING.contains(&self.reason.as_str())
    }

    /// What it is about, as labels.
    fn labels(&self) -> Labels {
        let mut labels = Labels::from([
            ("reason".to_owned(), self.reason.clone()),
            ("type".to_owned(), if self.warning { "Warning" } else { "Normal" }.to_owned()),
        ]);
        if !self.namespace.is_empty() {
            labels.insert("namespace".to_owned(), self.namespace.clone());
        }
        let (key, name) = match (self.kind.as_str(), without_hash(&self.name)) {
            ("ReplicaSet", Some(deployment)) => ("deployment".to_owned(), deployment.to_owned()),
            ("HorizontalPodAutoscaler", _) => ("workload".to_owned(), self.name.clone()),
            (kind, _) => (kind.to_lowercase(), self.name.clone()),
        };
        labels.insert(key, name);
        labels
    }

    /// The Deployment and replica set of a scaling: `Scaled down replica set checkout-6d5f8b7c9d from 3 to 1`.
    fn scaling(&self) -> Option<(&str, &str)> {
        if self.reason != "ScalingReplicaSet" {
            return None;
        }
        let (_, rest) = self.message.split_once("replica set ")?;
        Some((&self.name, rest.split_whitespace().next()?))
    }

    /// As events of an investigation: its first time, and its last where that is another.
    pub fn dated(&self, scalings: &Scalings) -> Vec<Event> {
        let times =
            if self.count > 1 && self.last > self.first { vec![self.first, self.last] } else { vec![self.last] };
        let seen = if self.count > 1 { format!("(seen {} times)", self.count) } else { String::new() };
        times
            .into_iter()
            .map(|at| Event {
                time: at,
                kind: if scalings.by_hand(self, at) { EventKind::Change } else { EventKind::Other },
                title: format!("{} of {} {}", self.reason, spoken(&self.kind), self.name),
                text: join(&[&self.message, &seen], " "),
                labels: self.labels(),
            })
            .collect()
    }
}

/// Who scaled what, so that a scaling by hand can be told from those of rollouts and autoscalers.
#[derive(Debug, Clone, Default)]
pub struct Scalings {
    /// When an autoscaler spoke.
    rescaled: Vec<Timestamp>,
    /// By Deployment: the replica sets that were scaled.
    replica_sets: BTreeMap<String, BTreeSet<String>>,
}

impl Scalings {
    /// What events tell of scalings.
    pub fn of(events: &[ClusterEvent]) -> Self {
        let mut scalings = Self::default();
        for event in events {
            if event.reason == "SuccessfulRescale" {
                scalings.rescaled.extend([event.first, event.last]);
            }
            if let Some((deployment, replica_set)) = event.scaling() {
                scalings.replica_sets.entry(deployment.to_owned()).or_default().insert(replica_set.to_owned());
            }
        }
        scalings
    }

    /// Whether an event at a time is a scaling down that somebody asked for: no autoscaler spoke next to it, and only
    /// one replica set of the Deployment was scaled (a rollout scales two). Rollouts are told by their revisions.
    fn by_hand(&self, event: &ClusterEvent, at: Timestamp) -> bool {
        const NEAR: SignedDuration = SignedDuration::from_mins(2);
        event.message.starts_with("Scaled down")
            && event
                .scaling()
                .is_some_and(|(deployment, _)| self.replica_sets.get(deployment).is_none_or(|sets| sets.len() == 1))
            && !self.rescaled.iter().any(|rescaled| rescaled.duration_since(at).abs() <= NEAR)
    }
}

/// A kind as words: `replica set`.
pub(crate) fn spoken(kind: &str) -> String {
    let mut words = String::new();
    let mut before = None;
    for character in kind.chars() {
        if character.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase()) {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
        before = Some(character);
    }
    words
}
