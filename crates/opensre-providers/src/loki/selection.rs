//! From an alert's labels to the streams of one Loki: which of its labels say the same thing under another name.
//!
//! An alert comes from metrics; logs carry other label names (`service` there is `service_name`, `app`, `job` or
//! `container` here, as the collectors' defaults have it). Nothing is assumed: a label is used only when this Loki
//! knows its name in the window, and knows the alert's value for it. What is not found is dropped, in words.

use std::collections::BTreeMap;

use opensre_model::alert::Labels;

use super::logql::Selector;
use crate::subject;

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The service, application or workload.
    Service,
    /// One pod.
    Pod,
    /// One machine or address.
    Host,
    /// A namespace: narrows a service, or stands alone when nothing smaller is known.
    Namespace,
    /// A cluster.
    Cluster,
    /// An environment.
    Environment,
    /// A region.
    Region,
}

struct Names {
    role: Role,
    /// Labels of alerts, the most telling first.
    alert: &'static [&'static str],
    /// Labels of streams, the most usual first.
    loki: &'static [&'static str],
}

const NAMES: &[Names] = &[
    Names {
        role: Role::Service,
        alert: subject::SERVICE,
        loki: &[
            "service_name",
            "app",
            "job",
            "service",
            "container",
            "app_kubernetes_io_name",
            "application",
            "app_name",
            "k8s_deployment_name",
            "deployment",
            "container_name",
            "k8s_container_name",
            "component",
            "compose_service",
            "name",
            "unit",
        ],
    },
    Names { role: Role::Pod, alert: &["pod", "pod_name", "k8s_pod_name"], loki: &["pod", "k8s_pod_name", "pod_name"] },
    Names {
        role: Role::Host,
        alert: &["host", "hostname", "node", "nodename", "instance"],
        loki: &["host", "hostname", "node", "node_name", "nodename", "k8s_node_name", "instance"],
    },
    Names {
        role: Role::Namespace,
        alert: &["namespace", "exported_namespace", "kubernetes_namespace", "k8s_namespace_name"],
        loki: &["namespace", "k8s_namespace_name", "kubernetes_namespace", "namespace_name", "service_namespace"],
    },
    Names {
        role: Role::Cluster,
        alert: &["cluster", "cluster_name", "k8s_cluster", "k8s_cluster_name"],
        loki: &["cluster", "k8s_cluster_name", "cluster_name", "k8s_cluster"],
    },
    Names {
        role: Role::Environment,
        alert: &["env", "environment", "deployment_environment", "deployment_environment_name", "stage"],
        loki: &["env", "environment", "deployment_environment", "deployment_environment_name", "stage"],
    },
    Names { role: Role::Region, alert: &["region", "cloud_region"], loki: &["region", "cloud_region"] },
];

/// Something that the alert names, by which its streams can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// What it says.
    pub role: Role,
    /// The alert's label.
    pub label: String,
    /// Its value.
    pub value: String,
}

/// What an alert's labels name, role by role, the most telling label first.
pub fn sought(labels: &Labels) -> Vec<Sought> {
    NAMES
        .iter()
        .flat_map(|names| names.alert.iter().map(move |label| (names.role, *label)))
        .filter_map(|(role, label)| {
            let value = labels.get(label)?.trim();
            (!value.is_empty()).then(|| Sought { role, label: label.to_owned(), value: value.to_owned() })
        })
        .collect()
}

/// Whether what is sought can name streams at all (a cluster or a region alone cannot).
pub fn names_something(sought: &[Sought]) -> bool {
    sought.iter().any(|item| item.role <= Role::Namespace)
}

/// Labels whose values are worth asking for before this Loki's label names are known: those that collectors write
/// by default, and for the scope the alert's own spelling. Saves a round trip in the usual case.
pub fn first_guess(sought: &[Sought]) -> Vec<&'static str> {
    let smallest = sought.iter().map(|item| item.role).min();
    let mut guesses = Vec::new();
    for names in NAMES {
        let mut of_role = sought.iter().filter(|item| item.role == names.role).peekable();
        if of_role.peek().is_none() {
            continue;
        }
        match names.role {
            Role::Service => guesses.extend(&names.loki[..3]),
            // A pod or a host is looked at only where the alert names no service.
            Role::Pod | Role::Host if smallest != Some(names.role) => {}
            Role::Pod | Role::Host => guesses.extend(&names.loki[..1]),
            _ => guesses
                .extend(names.loki.iter().filter(|name| of_role.clone().any(|item| item.label == **name)).take(1)),
        }
    }
    guesses
}

/// The labels of this Loki that can say what is sought, in order of preference, but for those asked for already.
pub fn candidates(sought: &[Sought], known: &[String], asked: &[&str]) -> Vec<&'static str> {
    NAMES
        .iter()
        .filter(|names| sought.iter().any(|item| item.role == names.role))
        .flat_map(|names| names.loki)
        .copied()
        .filter(|name| known.iter().any(|known| known == name) && !asked.contains(name))
        .collect()
}

/// How the alert's labels were turned into a stream selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The selector; `None` when no stream of this Loki has anything that the alert names.
    pub selector: Option<Selector>,
    /// What the alert names and this Loki does not have, as `label=value`.
    pub dropped: Vec<String>,
}

/// Selects streams: by the smallest thing that this Loki knows, narrowed by the scope around it.
///
/// `values` holds, for each label that was asked for, the values it has in the window.
pub fn select(sought: &[Sought], values: &BTreeMap<String, Vec<String>>) -> Selection {
    let mut matchers: Vec<(String, String)> = Vec::new();
    let mut dropped = Vec::new();
    let (mut found_identity, mut found_namespace) = (false, false);
    for names in NAMES {
        let of_role: Vec<&Sought> = sought.iter().filter(|item| item.role == names.role).collect();
        let identity = matches!(names.role, Role::Service | Role::Pod | Role::Host);
        if of_role.is_empty() || (identity && found_identity) {
            continue;
        }
        let found = of_role.iter().find_map(|item| {
            names.loki.iter().find_map(|name| Some(((*name).to_owned(), spelling(&item.value, values.get(*name)?)?)))
        });
        match found {
            Some(matcher) => {
                found_identity |= identity;
                found_namespace |= names.role == Role::Namespace;
                matchers.push(matcher);
            }
            None => dropped.extend(of_role.iter().map(|item| format!("{}={}", item.label, item.value))),
        }
    }
    // A cluster, an environment or a region alone is far too much to call it the alert's logs.
    let selector = (found_identity || found_namespace).then(|| Selector::new(matchers)).flatten();
    Selection { selector, dropped }
}

/// The value of this Loki that means the alert's: the same, else the same but for letter case, for a namespace
/// before a slash on one side (`shop/checkout`, as Promtail writes `job`), or for a port (`10.0.0.7:9100`).
fn spelling(wanted: &str, values: &[String]) -> Option<String> {
    let same = |value: &str| value.eq_ignore_ascii_case(wanted);
    let but_for_namespace = |value: &str| {
        let (long, short) = if value.contains('/') { (value, wanted) } else { (wanted, value) };
        !short.contains('/') && long.rsplit_once('/').is_some_and(|(_, last)| last.eq_ignore_ascii_case(short))
    };
    let but_for_port = |value: &str| without_port(value).eq_ignore_ascii_case(without_port(wanted));
    values
        .iter()
        .find(|value| *value == wanted)
        .or_else(|| values.iter().find(|value| same(value)))
        .or_else(|| values.iter().find(|value| but_for_namespace(value)))
        .or_else(|| values.iter().find(|value| but_for_port(value)))
        .cloned()
}

/// A host and port without the port; anything else as it is.
fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        _ => text,
    }
}
