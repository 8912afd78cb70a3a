//! Services and their endpoints, ingresses, network policies.
//!
//! Source: pages "Service", "EndpointSlice", "Ingress" and "NetworkPolicy" of the Kubernetes API reference.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opensre_model::evidence::ResourceState;
use serde_json::Value as Json;

use super::meta::{Meta, items, labels, text};
use super::{add, state};

/// Endpoints of a service: ready, and not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Ready to serve.
    pub ready: usize,
    /// There and not ready.
    pub unready: usize,
}

/// Adds the endpoints of a slice to those of its service.
pub fn count_endpoints(slice: &Json, known: &mut BTreeMap<(String, String), Endpoints>) {
    let Some(meta) = Meta::read(slice) else { return };
    let Some(service) = meta.labels.get("kubernetes.io/service-name") else { return };
    let counted = known.entry((meta.namespace.clone(), service.clone())).or_default();
    for endpoint in items(slice, "/endpoints") {
        // An absent condition means ready.
        let is_ready = endpoint.pointer("/conditions/ready").and_then(Json::as_bool).unwrap_or(true);
        let addresses = items(endpoint, "/addresses").count().max(1);
        if is_ready { counted.ready += addresses } else { counted.unready += addresses }
    }
}

/// The state of a service. `endpoints` is `None` where they could not be read.
pub fn service(
    object: &Json,
    endpoints: Option<&BTreeMap<(String, String), Endpoints>>,
    now: Timestamp,
) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let kind = text(object, "/spec/type").unwrap_or_else(|| "ClusterIP".to_owned());
    let selector = labels(object.pointer("/spec/selector"));
    let mut state = state("service", &meta, now);
    add(&mut state, "service", meta.name.as_str());
    add(&mut state, "type", kind.as_str());
    let selects: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    add(&mut state, "selector", selects.join(", "));
    let ports: Vec<String> = items(object, "/spec/ports")
        .filter_map(|port| {
            Some(format!(
                "{}/{}",
                port.get("port")?.as_u64()?,
                text(port, "/protocol").unwrap_or_else(|| "TCP".to_owned())
            ))
        })
        .collect();
    add(&mut state, "ports", ports.join(", "));
    // Without a selector somebody else keeps the endpoints; an external name has none.
    if let Some(endpoints) = endpoints.filter(|_| !selector.is_empty() && kind != "ExternalName") {
        let counted = endpoints.get(&(meta.namespace.clone(), meta.name.clone())).copied().unwrap_or_default();
        state.healthy = Some(counted.ready > 0);
        let told = match counted {
            Endpoints { ready: 0, unready: 0 } => "no ready endpoint: no pod fits its selector".to_owned(),
            Endpoints { ready: 0, unready } => format!("no ready endpoint: {unready} are not ready"),
            Endpoints { ready, unready } => format!("{ready} ready, {unready} not ready"),
        };
        add(&mut state, "endpoints", told);
    }
    Some(state)
}

/// The state of an ingress; unhealthy when it leads to a service that is not there. `services` is `None` where they could
/// not be read.
pub fn ingress(object: &Json, services: Option<&BTreeSet<(String, String)>>, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let paths = items(object, "/spec/rules").flat_map(|rule| items(rule, "/http/paths"));
    let mut backends: BTreeSet<String> = paths.filter_map(|path| text(path, "/backend/service/name")).collect();
    backends.extend(text(object, "/spec/defaultBackend/service/name"));
    let hosts: BTreeSet<String> = items(object, "/spec/rules").filter_map(|rule| text(rule, "/host")).collect();
    let mut state = state("ingress", &meta, now);
    add(&mut state, "ingress", meta.name.as_str());
    add(&mut state, "hosts", hosts.into_iter().collect::<Vec<_>>().join(", "));
    add(&mut state, "class", text(object, "/spec/ingressClassName").unwrap_or_default());
    add(&mut state, "backends", backends.iter().cloned().collect::<Vec<_>>().join(", "));
    if let Some(services) = services {
        let missing: Vec<&String> =
            backends.iter().filter(|name| !services.contains(&(meta.namespace.clone(), (*name).clone()))).collect();
        state.healthy = Some(missing.is_empty());
        let missing: Vec<String> =
            missing.iter().map(|name| format!("leads to service {name}, which does not exist")).collect();
        add(&mut state, "condition", missing.join("; "));
    }
    Some(state)
}

/// What a network policy selects and which directions it closes. It is neither healthy nor not.
pub fn policy(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let selector = labels(object.pointer("/spec/podSelector/matchLabels"));
    let mut state = state("network policy", &meta, now);
    let selects: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    add(&mut state, "pods", if selects.is_empty() { "all".to_owned() } else { selects.join(", ") });
    let kinds: Vec<&str> = items(object, "/spec/policyTypes").filter_map(Json::as_str).collect();
    for (kind, path) in [("Ingress", "/spec/ingress"), ("Egress", "/spec/egress")] {
        // Ingress is meant where nothing is said.
        if kinds.contains(&kind) || (kinds.is_empty() && kind == "Ingress") {
            let rules = items(object, path).count();
            let told = if rules == 0 { "nothing is let through".to_owned() } else { format!("{rules} rules") };
            add(&mut state, &kind.to_lowercase(), told);
        }
    }
    Some(state)
}
