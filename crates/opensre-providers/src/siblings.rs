//! Whether another alert may belong to the same incident: by the labels that name things and places.

use opensre_model::alert::Labels;

/// Labels that say something about the alert, not about what it is for.
const ABOUT_ALERTS: &[&str] = &[
    "alertname",
    "alertstate",
    "severity",
    "priority",
    "team",
    "owner",
    "receiver",
    "monitor",
    "prometheus",
    "prometheus_replica",
    "replica",
    "grafana_folder",
    "rulename",
    "runbook",
    "__name__",
    "__alert_rule_uid__",
    "endpoint",
    "le",
    "quantile",
];

/// Labels of places: alike everywhere in one place, so that they relate nothing on their own.
const PLACES: &[&str] = &["cluster", "k8s_cluster", "env", "environment", "region", "zone", "datacenter", "tenant"];

/// How another alert's labels agree with those of the alert that is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kinship {
    /// In another place: a label of a place differs.
    Elsewhere,
    /// Nothing shared.
    None,
    /// It shares something that names a thing.
    Shared,
    /// It is the alert itself.
    Same,
}

/// How two alerts' labels agree.
pub(crate) fn kinship(own: &Labels, other: &Labels) -> Kinship {
    let differs = |name: &&str| matches!((own.get(*name), other.get(*name)), (Some(a), Some(b)) if a != b);
    if PLACES.iter().any(differs) {
        return Kinship::Elsewhere;
    }
    let telling = |name: &str| !ABOUT_ALERTS.contains(&name);
    let conflict =
        own.iter().any(|(name, value)| telling(name) && other.get(name).is_some_and(|theirs| theirs != value));
    if !conflict && own.get("alertname").is_some_and(|name| other.get("alertname") == Some(name)) {
        return Kinship::Same;
    }
    let values: Vec<&String> = own.iter().filter(|(name, _)| names_a_thing(name)).map(|(_, value)| value).collect();
    // The same value under another label counts too: `service=checkout` here is `app=checkout` there.
    let shared = other.iter().any(|(name, value)| names_a_thing(name) && !value.is_empty() && values.contains(&value));
    if shared { Kinship::Shared } else { Kinship::None }
}

fn names_a_thing(label: &str) -> bool {
    !ABOUT_ALERTS.contains(&label) && !PLACES.contains(&label)
}
