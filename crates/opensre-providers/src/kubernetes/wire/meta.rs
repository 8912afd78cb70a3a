//! What all objects have: name, namespace, labels, owner, who changed them when; and how fields are read.
//!
//! Source: "ObjectMeta" and "API Conventions" of the Kubernetes API reference. Fields that are missing or of another type
//! count as absent: one odd object costs itself at most.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use serde_json::Value as Json;

use crate::kubernetes::scope::known_owner;

/// Metadata of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Its namespace; empty for what is of the whole cluster.
    pub namespace: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// What controls it.
    pub owner: Option<Owner>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was asked to go.
    pub deleted: Option<Timestamp>,
    /// The last change of its contents (not of its status) and who made it, as `managedFields` tells.
    pub changed: Option<(Timestamp, String)>,
}

/// What controls an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, `Job`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Meta {
    /// Reads the metadata of an object; `None` when it has no name.
    pub fn read(object: &Json) -> Option<Self> {
        let meta = object.get("metadata")?;
        Some(Self {
            name: text(meta, "/name")?,
            namespace: text(meta, "/namespace").unwrap_or_default(),
            labels: labels(meta.get("labels")),
            annotations: labels(meta.get("annotations")),
            owner: owner(meta),
            created: time(meta, "/creationTimestamp"),
            deleted: time(meta, "/deletionTimestamp"),
            changed: changed(meta),
        })
    }

    /// The workload that it belongs to, as people know it.
    pub fn workload(&self) -> Option<Owner> {
        self.owner.as_ref().map(known_owner)
    }

    /// The labels by which a diagnosis knows what the object is: namespace, and its workload's name under its kind.
    pub fn identity(&self) -> BTreeMap<String, String> {
        let mut identity = BTreeMap::new();
        if !self.namespace.is_empty() {
            identity.insert("namespace".to_owned(), self.namespace.clone());
        }
        if let Some(owner) = self.workload() {
            identity.insert(owner.kind.to_lowercase(), owner.name);
        }
        identity
    }
}

fn owner(meta: &Json) -> Option<Owner> {
    let owners = meta.get("ownerReferences")?.as_array()?;
    let controls = |owner: &&Json| owner.get("controller").and_then(Json::as_bool) == Some(true);
    let owner = owners.iter().find(controls).or_else(|| owners.first())?;
    Some(Owner { kind: text(owner, "/kind")?, name: text(owner, "/name")? })
}

/// The latest entry that is not of a subresource (`status`, `scale`).
fn changed(meta: &Json) -> Option<(Timestamp, String)> {
    let entries = meta.get("managedFields")?.as_array()?;
    let contents = |entry: &&Json| text(entry, "/subresource").is_none();
    let change = |entry: &Json| Some((time(entry, "/time")?, text(entry, "/manager").unwrap_or_default()));
    entries.iter().filter(contents).filter_map(change).max_by_key(|(time, _)| *time)
}

/// A text at a path, trimmed; `None` when it is empty or something else.
pub fn text(json: &Json, path: &str) -> Option<String> {
    let text = json.pointer(path)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A whole number at a path; negative ones count as absent.
pub fn number(json: &Json, path: &str) -> Option<u64> {
    json.pointer(path)?.as_u64()
}

/// A time at a path (RFC 3339).
pub fn time(json: &Json, path: &str) -> Option<Timestamp> {
    json.pointer(path)?.as_str()?.parse().ok()
}

/// A map of texts.
pub fn labels(json: Option<&Json>) -> Labels {
    let Some(Json::Object(map)) = json else { return Labels::new() };
    map.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The items of a list at a path; nothing when it is none.
pub fn items<'a>(json: &'a Json, path: &str) -> impl Iterator<Item = &'a Json> {
    json.pointer(path).and_then(Json::as_array).into_iter().flatten()
}

/// A condition of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its type (`Ready`).
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, as one word.
    pub reason: String,
    /// Why, as a text.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it was last updated, where that is told apart.
    pub updated: Option<Timestamp>,
}

impl Condition {
    /// Reads `status.conditions`.
    pub fn read(object: &Json) -> Vec<Self> {
        let read = |condition: &Json| {
            Some(Self {
                kind: text(condition, "/type")?,
                status: text(condition, "/status").unwrap_or_default(),
                reason: text(condition, "/reason").unwrap_or_default(),
                message: text(condition, "/message").unwrap_or_default(),
                since: time(condition, "/lastTransitionTime"),
                updated: time(condition, "/lastUpdateTime"),
            })
        };
        items(object, "/status/conditions").filter_map(read).collect()
    }

    /// Reason and message in one line.
    pub fn why(&self) -> String {
        join(&[&self.reason, &self.message], ": ")
    }
}

/// The parts that are not empty, with a separator between.
pub fn join(parts: &[&str], separator: &str) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(separator)
}
