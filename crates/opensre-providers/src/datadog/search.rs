//! The search language of logs, events and spans, and the scopes of metric queries, built from values that come from
//! outside: a value is always one term, and a search is never empty.
//!
//! Facts from the vendor's pages "Log Search Syntax" (what is special, quoting, `AND` and `OR`) and "Getting Started
//! with Tags" (what a tag's value can hold, and what becomes of everything else).

use std::collections::BTreeSet;

use opensre_model::alert::Labels;

use crate::subject;

/// A value as one term: as it is where nothing in it is special, else in double quotes, in which only the quote and
/// the backslash are. Control characters become spaces, since a line break ends a search.
pub fn value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let is_plain = !text.is_empty()
        && text.chars().all(plain)
        && !text.starts_with('-')
        && !matches!(text, "AND" | "OR" | "NOT" | "TO");
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            other if other.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `key:value`. Keys are ours, never from outside.
pub fn term(key: &str, text: &str) -> String {
    format!("{key}:{}", value(text))
}

/// A tag as metrics carry it: lower case, letters, digits, `_`, `-`, `:`, `.` and `/`, everything else as `_`; at most
/// 200 characters.
pub fn tag(key: &str, text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '/');
    let text: String = text.trim().chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    format!("{key}:{}", text.to_lowercase()).chars().take(200).collect()
}

/// How what an alert is about is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The search; never empty.
    pub search: String,
    /// The same as tags of metrics; never empty.
    pub tags: Vec<String>,
    /// What the alert names and this search leaves out, as `env=prod`.
    pub left_out: Vec<String>,
}

struct Role {
    /// Labels of alerts, the most telling first.
    alert: &'static [&'static str],
    /// Tags of Datadog that say the same, the most usual first.
    tags: &'static [&'static str],
}

/// What can be searched for by itself, the smallest first.
const IDENTITIES: &[Role] = &[
    Role { alert: subject::SERVICE, tags: &["service"] },
    Role { alert: &["pod_name", "pod", "k8s_pod_name"], tags: &["pod_name"] },
    Role { alert: &["host", "hostname", "node", "nodename", "instance"], tags: &["host"] },
    Role { alert: &["kube_namespace", "namespace", "k8s_namespace_name"], tags: &["kube_namespace"] },
];

/// What narrows a search.
const SCOPES: &[Role] = &[
    Role { alert: &["env", "environment", "deployment_environment", "stage"], tags: &["env"] },
    Role { alert: &["kube_cluster_name", "cluster", "cluster_name", "k8s_cluster"], tags: &["kube_cluster_name"] },
    Role { alert: &["kube_namespace", "namespace", "k8s_namespace_name"], tags: &["kube_namespace"] },
];

/// Tags that name a workload where no `service` is set, by the alert's label.
fn tags_of(label: &str, usual: &'static [&'static str]) -> Vec<&'static str> {
    let also: &[&str] = match label {
        "deployment" => &["kube_deployment"],
        "statefulset" => &["kube_stateful_set"],
        "daemonset" => &["kube_daemon_set"],
        "container" => &["container_name"],
        _ => &[],
    };
    usual.iter().chain(also).copied().collect()
}

/// The searches for what an alert's labels name, in order of preference: the smallest thing narrowed by its scope, the
/// same without the scope, then what another label calls it. Empty where nothing can be searched for.
pub fn selections(labels: &Labels) -> Vec<Selection> {
    let scopes: Vec<(&str, &str, &str)> = SCOPES.iter().filter_map(|role| first(labels, role)).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for role in IDENTITIES {
        let named = role.alert.iter().filter_map(|label| Some((*label, text(labels, label)?)));
        let distinct: Vec<(&str, &str)> = named.filter(|(_, value)| seen.insert(*value)).take(2).collect();
        for (label, value) in distinct {
            let value = if role.tags[0] == "host" { without_port(value) } else { value };
            let tags = tags_of(label, role.tags);
            let terms: Vec<String> = tags.iter().map(|tag| term(tag, value)).collect();
            let identity = if terms.len() == 1 { terms[0].clone() } else { format!("({})", terms.join(" OR ")) };
            let narrowing: Vec<&(&str, &str, &str)> =
                scopes.iter().filter(|(_, tag, _)| *tag != role.tags[0]).collect();
            let own = tag(role.tags[0], value);
            if !narrowing.is_empty() {
                let terms = narrowing.iter().map(|(_, tag, value)| term(tag, value));
                found.push(Selection {
                    search: std::iter::once(identity.clone()).chain(terms).collect::<Vec<_>>().join(" "),
                    tags: std::iter::once(own.clone())
                        .chain(narrowing.iter().map(|(_, key, value)| tag(key, value)))
                        .collect(),
                    left_out: Vec::new(),
                });
            }
            found.push(Selection {
                search: identity,
                tags: vec![own],
                left_out: narrowing.iter().map(|(label, _, value)| format!("{label}={value}")).collect(),
            });
        }
        if !found.is_empty() {
            // Something larger than what was named would be about other things too.
            break;
        }
    }
    found
}

/// The search for changes around what an alert is about: of anything in the same environment, cluster or namespace.
/// `None` where the alert names no such place.
pub fn changes_around(labels: &Labels) -> Option<String> {
    let scopes: Vec<String> =
        SCOPES.iter().filter_map(|role| first(labels, role)).map(|(_, tag, value)| term(tag, value)).collect();
    let words = "(deploy* OR release* OR rollout OR rollback OR migrat* OR \"feature flag\" OR config*)";
    (!scopes.is_empty()).then(|| format!("{} {words}", scopes.join(" ")))
}

/// Whether an alert's labels name anything that can be searched for.
pub fn names_something(labels: &Labels) -> bool {
    !selections(labels).is_empty()
}

fn text<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn first<'a>(labels: &'a Labels, role: &Role) -> Option<(&'static str, &'static str, &'a str)> {
    role.alert.iter().find_map(|label| Some((*label, role.tags[0], text(labels, label)?)))
}

/// A host and port without the port; anything else as it is.
fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    }
}
