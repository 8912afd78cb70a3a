//! Wire formats: from the API's JSON to states and events. Pure.
//!
//! Source: the Kubernetes API reference (v1.33 and neighbours), one page per kind; each module names its own. The types
//! are our own and hold only what an investigation reads: in particular never the value of an environment variable, a
//! config map or a secret.

pub mod autoscaling;
pub mod events;
pub mod jobs;
pub mod meta;
pub mod network;
pub mod nodes;
pub mod pods;
pub mod quantity;
pub mod quotas;
pub mod storage;
pub mod usage;
pub mod workloads;

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;

use meta::Meta;

/// A state of an object with its identity as attributes.
pub(crate) fn state(kind: &str, meta: &Meta, observed_at: Timestamp) -> ResourceState {
    ResourceState {
        kind: kind.to_owned(),
        name: meta.name.clone(),
        observed_at,
        healthy: None,
        attributes: meta.identity(),
    }
}

/// Adds an attribute unless its text is empty.
pub(crate) fn add(state: &mut ResourceState, key: &str, text: impl Into<String>) {
    let text = text.into();
    if !text.is_empty() {
        state.attributes.insert(key.to_owned(), text);
    }
}
