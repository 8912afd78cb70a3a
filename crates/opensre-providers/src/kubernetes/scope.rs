//! What of a cluster an alert is about: the namespace and names that questions are scoped by.
//!
//! A value of an alert only ever becomes a path segment or a field selector here, and only when it is a name that
//! Kubernetes allows for an object (page "Object Names and IDs": RFC 1123): nothing in such a name separates or escapes
//! anything. Whatever else an alert says is not sent.

use std::collections::BTreeSet;

use opensre_model::alert::Labels;

use super::wire::meta::{Meta, Owner};
use crate::driver::Input;

/// What an alert is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The namespace, where the alert names one.
    pub namespace: Option<String>,
    /// The pod.
    pub pod: Option<String>,
    /// Workloads, services and apps that it names, the most telling first.
    pub names: Vec<String>,
    /// The container.
    pub container: Option<String>,
    /// The node.
    pub node: Option<String>,
}

/// kube-state-metrics' alerts are about the `exported_` object where the scraper's own labels won.
const NAMESPACE: &[&str] = &[
    "exported_namespace",
    "namespace",
    "kubernetes_namespace",
    "kube_namespace",
    "k8s_namespace_name",
    "k8s_namespace",
];
const POD: &[&str] = &["exported_pod", "pod", "pod_name", "kubernetes_pod_name", "kube_pod", "k8s_pod_name"];
const CONTAINER: &[&str] =
    &["exported_container", "container", "container_name", "kube_container_name", "k8s_container_name"];
const NODE: &[&str] = &["exported_node", "node", "nodename", "kube_node", "k8s_node_name", "kubernetes_node"];
const NAMES: &[&str] = &[
    "deployment",
    "kube_deployment",
    "k8s_deployment_name",
    "statefulset",
    "k8s_statefulset_name",
    "daemonset",
    "k8s_daemonset_name",
    "workload",
    "exported_service",
    "service",
    "service_name",
    "app",
    "application",
    "app_kubernetes_io_name",
    "exported_job",
    "job_name",
    "cronjob",
    "horizontalpodautoscaler",
    "persistentvolumeclaim",
    "component",
];

/// Who scrapes, and is not what an alert is about.
const COLLECTORS: &[&str] =
    &["kube-state-metrics", "node-exporter", "prometheus", "kubelet", "cadvisor", "alertmanager", "otel-collector"];

/// Labels of pods that say which app they are (page "Recommended Labels", and what was usual before).
const APP_LABELS: &[&str] =
    &["app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app", "component", "service"];

impl Scope {
    /// What labels name. Nothing in it is anything but a name of Kubernetes.
    pub fn of(labels: &Labels) -> Self {
        let all = |keys: &[&str]| -> Vec<String> {
            let mut found = Vec::new();
            for key in keys {
                if let Some(value) = value(labels, key)
                    && is_name(value)
                    && !COLLECTORS.contains(&value)
                    && !found.iter().any(|known| known == value)
                {
                    found.push(value.to_owned());
                }
            }
            found
        };
        let first = |keys: &[&str]| all(keys).into_iter().next();
        let (namespace, pod) = (first(NAMESPACE), first(POD));
        let mut names = all(NAMES);
        // A scrape job names what runs in a namespace, where nothing better does: `checkout`, or `shop/checkout`.
        if names.is_empty() && pod.is_none() && namespace.is_some() {
            let job = value(labels, "job").and_then(|job| job.rsplit('/').next());
            names.extend(job.filter(|job| is_name(job) && !COLLECTORS.contains(job)).map(str::to_owned));
        }
        Self { namespace, pod, names, container: first(CONTAINER), node: first(NODE) }
    }

    /// What the input of a query names: its labels, and its own keys, which win.
    pub fn of_input(input: &Input) -> Self {
        let mut labels = input.labels(crate::subject::LABELS);
        for key in ["namespace", "pod", "deployment", "container", "node"] {
            if let Some(text) = input.text(key) {
                labels.insert(key.to_owned(), text.to_owned());
            }
        }
        Self::of(&labels)
    }

    /// Whether it names anything that Kubernetes knows.
    pub fn names_something(&self) -> bool {
        self.namespace.is_some() || self.node.is_some() || self.names_an_object()
    }

    /// Whether it names a pod or a workload, so that one object can be told from another.
    pub fn names_an_object(&self) -> bool {
        self.pod.is_some() || !self.names.is_empty() || self.container.is_some()
    }

    /// Whether an object's name is one that the alert names, or is made from one: `checkout-7d4b9c8f6d-x2v4z` and
    /// `checkout-config` of `checkout`.
    pub fn names_like(&self, name: &str) -> bool {
        self.pod.as_deref() == Some(name)
            || self.names.iter().any(|known| known == name || made_from(name, known))
            || self
                .pod
                .as_deref()
                .and_then(workload_of_pod)
                .is_some_and(|known| known == name || made_from(name, &known))
    }

    /// Whether a pod (or other object) is part of what the alert is about.
    pub fn covers(&self, meta: &Meta) -> bool {
        if self.pod.as_deref() == Some(meta.name.as_str()) {
            return true;
        }
        let labelled = APP_LABELS.iter().filter_map(|key| meta.labels.get(*key));
        let owned = meta.workload();
        let own: BTreeSet<&str> =
            labelled.map(String::as_str).chain(owned.as_ref().map(|owner| owner.name.as_str())).collect();
        let sibling = self.pod.as_deref().and_then(workload_of_pod);
        self.names.iter().chain(sibling.as_ref()).any(|name| own.contains(name.as_str()) || made_from(&meta.name, name))
    }

    /// The alert's word for the app of an object, where a label of the object says the same.
    pub fn app_of(&self, meta: &Meta) -> Option<&str> {
        let apps: BTreeSet<&String> = APP_LABELS.iter().filter_map(|key| meta.labels.get(*key)).collect();
        self.names.iter().find(|name| apps.contains(name)).map(String::as_str)
    }
}

/// A label by its name, whatever separates its words.
fn value<'a>(labels: &'a Labels, key: &str) -> Option<&'a str> {
    let spelt = |name: &str| name.to_ascii_lowercase().replace(['.', '-', '/'], "_") == key;
    let found = labels.get(key).or_else(|| labels.iter().find(|(name, _)| spelt(name)).map(|(_, value)| value))?;
    let found = found.trim();
    (!found.is_empty()).then_some(found)
}

/// Whether a text is a name that Kubernetes allows for an object: an RFC 1123 subdomain, at most 253 characters.
pub fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let outer = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    text.len() <= 253 && outer(bytes.first()) && outer(bytes.last()) && bytes.iter().all(|byte| inner(*byte))
}

/// Whether a name begins with another and goes on after a `-`.
fn made_from(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.starts_with('-'))
}

/// The workload in the name of a pod: of a Deployment (`checkout-7d4b9c8f6d-x2v4z`) or a StatefulSet (`db-0`).
fn workload_of_pod(pod: &str) -> Option<String> {
    let (rest, last) = pod.rsplit_once('-')?;
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(rest.to_owned());
    }
    if last.len() != 5 || !is_random(last) {
        return None;
    }
    Some(without_hash(rest).unwrap_or(rest).to_owned())
}

/// A replica set's name without the hash of its pod template.
pub fn without_hash(replica_set: &str) -> Option<&str> {
    let (rest, hash) = replica_set.rsplit_once('-')?;
    ((6..=10).contains(&hash.len()) && is_random(hash)).then_some(rest)
}

/// The alphabet of Kubernetes' random suffixes: no vowels, no digits that look like one.
fn is_random(text: &str) -> bool {
    text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

/// The owner as people know it: the Deployment of a replica set.
pub fn known_owner(owner: &Owner) -> Owner {
    match (owner.kind.as_str(), without_hash(&owner.name)) {
        ("ReplicaSet", Some(name)) => Owner { kind: "Deployment".to_owned(), name: name.to_owned() },
        _ => owner.clone(),
    }
}
