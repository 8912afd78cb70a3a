//! Nodes: ready or not, and under which pressure.
//!
//! Source: page "Node" of the Kubernetes API reference, and "Node Status".

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Condition, Meta, items, text};
use super::{add, state};

/// The state of a node; `None` when it is no node.
pub fn node(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let conditions = Condition::read(object);
    let ready = conditions.iter().find(|condition| condition.kind == "Ready");
    // Every other condition is a trouble when it is true: pressure, or what a problem detector found.
    let troubles: Vec<String> = conditions
        .iter()
        .filter(|condition| condition.kind != "Ready" && condition.status == "True")
        .map(|condition| format!("{}: {}", condition.kind, condition.why()))
        .collect();
    let mut state = state("node", &meta, now);
    let is_ready = ready.is_some_and(|condition| condition.status == "True");
    state.healthy = ready.map(|_| is_ready && troubles.is_empty());
    add(&mut state, "node", meta.name.as_str());
    if let Some(condition) = ready {
        let since = condition.since.map(|since| format!(" since {since}")).unwrap_or_default();
        let told = if is_ready { "ready".to_owned() } else { format!("node is not ready: {}", condition.why()) };
        add(&mut state, "state", format!("{told}{since}"));
    }
    add(&mut state, "condition", troubles.join("; "));
    if object.pointer("/spec/unschedulable").and_then(Json::as_bool) == Some(true) {
        add(&mut state, "scheduling", "cordoned");
    }
    let taints: Vec<String> = items(object, "/spec/taints")
        .filter_map(|taint| Some(format!("{}:{}", text(taint, "/key")?, text(taint, "/effect").unwrap_or_default())))
        .collect();
    add(&mut state, "taints", taints.join(", "));
    add(&mut state, "kubelet", text(object, "/status/nodeInfo/kubeletVersion").unwrap_or_default());
    add(&mut state, "instance type", meta.labels.get("node.kubernetes.io/instance-type").cloned().unwrap_or_default());
    Some(state)
}
