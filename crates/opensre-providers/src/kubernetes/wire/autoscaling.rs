//! Horizontal pod autoscalers.
//!
//! Source: page "HorizontalPodAutoscaler" (autoscaling/v2) of the Kubernetes API reference.

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Condition, Meta, number, text};
use super::pods::one_line;
use super::{add, state};

/// The state of an autoscaler; not healthy when it cannot scale, or would scale further than it may.
pub fn autoscaler(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let conditions = Condition::read(object);
    let most = number(object, "/spec/maxReplicas").unwrap_or(0);
    let current = number(object, "/status/currentReplicas").unwrap_or(0);
    let desired = number(object, "/status/desiredReplicas").unwrap_or(0);
    let troubles: Vec<String> = conditions
        .iter()
        .filter(|condition| match condition.kind.as_str() {
            "AbleToScale" | "ScalingActive" => condition.status == "False" && condition.reason != "ScalingDisabled",
            "ScalingLimited" => condition.status == "True" && condition.reason == "TooManyReplicas",
            _ => false,
        })
        .map(|condition| one_line(&condition.why()))
        .collect();
    let mut state = state("autoscaler", &meta, now);
    state.healthy = Some(troubles.is_empty());
    let target = text(object, "/spec/scaleTargetRef/kind").zip(text(object, "/spec/scaleTargetRef/name"));
    if let Some((kind, name)) = target {
        add(&mut state, &kind.to_lowercase(), name);
    }
    let least = number(object, "/spec/minReplicas").unwrap_or(1);
    add(&mut state, "replicas", format!("{current} now, {desired} wanted, {least} to {most} allowed"));
    add(&mut state, "condition", troubles.join("; "));
    Some(state)
}
