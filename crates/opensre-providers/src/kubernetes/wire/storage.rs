//! Claims of volumes.
//!
//! Source: page "PersistentVolumeClaim" of the Kubernetes API reference.

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Condition, Meta, text};
use super::pods::one_line;
use super::{add, state};

/// The state of a claim; healthy when it is bound.
pub fn claim(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let phase = text(object, "/status/phase").unwrap_or_else(|| "Unknown".to_owned());
    let mut state = state("volume claim", &meta, now);
    state.healthy = Some(phase == "Bound");
    add(&mut state, "persistentvolumeclaim", meta.name.as_str());
    add(&mut state, "phase", phase.as_str());
    add(&mut state, "storage class", text(object, "/spec/storageClassName").unwrap_or_default());
    add(&mut state, "volume", text(object, "/spec/volumeName").unwrap_or_default());
    let size = text(object, "/status/capacity/storage").or_else(|| text(object, "/spec/resources/requests/storage"));
    add(&mut state, "size", size.unwrap_or_default());
    let conditions: Vec<String> = Condition::read(object)
        .iter()
        .filter(|condition| condition.status == "True")
        .map(|condition| one_line(&format!("{}: {}", condition.kind, condition.why())))
        .collect();
    add(&mut state, "condition", conditions.join("; "));
    Some(state)
}
