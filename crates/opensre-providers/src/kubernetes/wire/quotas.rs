//! Resource quotas and limit ranges of a namespace.
//!
//! Source: pages "ResourceQuota" and "LimitRange" of the Kubernetes API reference.

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Meta, items, labels, text};
use super::{add, quantity, state};

/// The state of a resource quota; not healthy when something of it is used up.
pub fn quota(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let hard = labels(object.pointer("/status/hard").or_else(|| object.pointer("/spec/hard")));
    let used = labels(object.pointer("/status/used"));
    let mut state = state("resource quota", &meta, now);
    let mut full = Vec::new();
    for (resource, most) in &hard {
        let taken = used.get(resource).map_or("0", String::as_str);
        add(&mut state, &format!("used {resource}"), format!("{taken} of {most}"));
        let both = quantity::parse(taken).zip(quantity::parse(most));
        // A quota of nothing is a prohibition, not a shortage.
        if both.is_some_and(|(taken, most)| most > 0.0 && taken >= most) {
            full.push(format!("{resource} {taken} of {most}"));
        }
    }
    state.healthy = Some(full.is_empty());
    if !full.is_empty() {
        add(&mut state, "condition", format!("quota reached: {}", full.join(", ")));
    }
    Some(state)
}

/// The limits of a limit range. They are neither healthy nor not.
pub fn limit_range(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let mut state = state("limit range", &meta, now);
    for limit in items(object, "/spec/limits") {
        let of = text(limit, "/type").unwrap_or_default().to_lowercase();
        for bound in ["min", "max", "default", "defaultRequest"] {
            let values: Vec<String> =
                labels(limit.get(bound)).iter().map(|(resource, value)| format!("{resource} {value}")).collect();
            add(&mut state, &format!("{bound} of {of}"), values.join(", "));
        }
    }
    Some(state)
}
