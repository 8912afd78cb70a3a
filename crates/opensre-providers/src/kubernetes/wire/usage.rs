//! What containers use now, from the metrics API, beside their limits.
//!
//! Source: `PodMetrics` of metrics.k8s.io/v1beta1 (project metrics-server, and page "Resource metrics pipeline"). The API
//! is an add-on; it holds the latest sample only.

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Meta, items, text, time};
use super::pods::Pod;
use super::{add, quantity, state};

/// From this share of its memory limit on a container counts as about to be killed.
const NEARLY_FULL: f64 = 0.95;

/// What a pod uses. `pod` is the pod itself, for the limits.
pub fn usage(object: &Json, pod: Option<&Pod>, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let mut state = state("pod usage", &meta, time(object, "/timestamp").unwrap_or(now));
    if let Some(pod) = pod {
        state.attributes.extend(pod.meta.identity());
    }
    add(&mut state, "pod", meta.name.as_str());
    let mut full = Vec::new();
    for container in items(object, "/containers") {
        let Some(name) = text(container, "/name") else { continue };
        let known = pod.and_then(|pod| pod.containers.iter().find(|known| known.name == name));
        let used = |resource: &str| quantity::parse(&text(container, &format!("/usage/{resource}"))?);
        let mut told = Vec::new();
        if let Some(cpu) = used("cpu") {
            let limit = known.and_then(|known| known.cpu_limit);
            told.push(format!("cpu {}{}", quantity::cores(cpu), of(limit, cpu, quantity::cores)));
        }
        if let Some(memory) = used("memory") {
            let limit = known.and_then(|known| known.memory_limit);
            told.push(format!("memory {}{}", quantity::bytes(memory), of(limit, memory, quantity::bytes)));
            if limit.is_some_and(|limit| limit > 0.0 && memory >= NEARLY_FULL * limit) {
                full.push(format!("memory of {name} is nearly at its limit"));
            }
        }
        add(&mut state, &format!("usage of {name}"), told.join(", "));
    }
    state.healthy = Some(full.is_empty());
    add(&mut state, "condition", full.join("; "));
    Some(state)
}

fn of(limit: Option<f64>, used: f64, written: fn(f64) -> String) -> String {
    match limit.filter(|limit| *limit > 0.0) {
        Some(limit) => format!(" of {} ({:.0}%)", written(limit), used / limit * 100.0),
        None => String::new(),
    }
}
