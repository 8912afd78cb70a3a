//! What an alert is about: the standard labels, whatever a payload calls them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Alert, Labels};

/// The standard labels by which things are found in every back end.
pub const STANDARD_LABELS: [&str; 10] =
    ["service", "job", "namespace", "pod", "deployment", "container", "instance", "cluster", "env", "region"];

/// Other spellings of the standard labels (lower case, `_` for `.`, `-` and `/`): those of OpenTelemetry's semantic
/// conventions, Kubernetes' recommended labels, Datadog's unified tags and CloudWatch's dimensions.
const SPELLINGS: [(&str, &[&str]); 10] = [
    ("service", &["service_name", "servicename", "app", "application", "app_kubernetes_io_name"]),
    ("job", &["job_name", "kube_job"]),
    ("namespace", &["kube_namespace", "kubernetes_namespace", "k8s_namespace", "k8s_namespace_name"]),
    ("pod", &["pod_name", "podname", "kube_pod", "k8s_pod_name", "kubernetes_pod_name"]),
    ("deployment", &["kube_deployment", "k8s_deployment_name", "deployment_name"]),
    ("container", &["container_name", "containername", "kube_container_name", "k8s_container_name"]),
    ("instance", &["host", "hostname", "host_name", "instance_id", "instanceid", "server_name"]),
    (
        "cluster",
        &[
            "cluster_name",
            "clustername",
            "kube_cluster_name",
            "kube_cluster",
            "k8s_cluster",
            "k8s_cluster_name",
            "kubernetes_cluster",
            "eks_cluster",
        ],
    ),
    ("env", &["environment", "deployment_environment", "deployment_environment_name"]),
    ("region", &["aws_region", "cloud_region"]),
];

/// The standard label that a label name stands for: itself, or what another convention calls so.
///
/// ```
/// use opensre_model::alert::standard_name;
///
/// assert_eq!(standard_name("Environment"), Some("env"));
/// assert_eq!(standard_name("k8s.namespace.name"), Some("namespace"));
/// assert_eq!(standard_name("severity"), None);
/// ```
pub fn standard_name(label: &str) -> Option<&'static str> {
    rank(label).map(|(name, _)| name)
}

/// The standard label and how near the spelling is to it (0 is the name itself).
fn rank(label: &str) -> Option<(&'static str, usize)> {
    let label = label.trim().to_lowercase().replace(['.', '-', '/'], "_");
    SPELLINGS.iter().find_map(|(name, others)| {
        if *name == label {
            return Some((*name, 0));
        }
        others.iter().position(|other| *other == label).map(|position| (*name, position + 1))
    })
}

/// The standard labels of some labels; of several spellings of one, the nearest to the standard name counts.
fn standard(labels: &Labels) -> BTreeMap<&'static str, &str> {
    let mut best: BTreeMap<&'static str, (usize, &str)> = BTreeMap::new();
    for (label, value) in labels {
        let value = value.trim();
        if let Some((name, rank)) = rank(label)
            && !value.is_empty()
            && best.get(name).is_none_or(|(known, _)| rank < *known)
        {
            best.insert(name, (rank, value));
        }
    }
    best.into_iter().map(|(name, (_, value))| (name, value)).collect()
}

/// Adds the standard names that are missing, where a payload has another convention.
pub(super) fn add_standard(labels: &mut Labels) {
    let found: Vec<(&str, String)> =
        standard(labels).into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    for (name, value) in found {
        labels.entry(name.to_owned()).or_insert(value);
    }
}

/// The standard labels of an alert, each with all values that the alerts of the group give it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    labels: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Subject {
    pub(super) fn of(alert: &Alert) -> Self {
        let mut subject = Self::default();
        let group = standard(&alert.labels);
        for item in &alert.items {
            let own = standard(&item.labels);
            for name in STANDARD_LABELS {
                if let Some(value) = own.get(name).or_else(|| group.get(name)) {
                    subject.labels.entry(name).or_default().insert((*value).to_owned());
                }
            }
        }
        subject
    }

    /// The value that all alerts of the group agree on.
    pub fn one(&self, label: &str) -> Option<&str> {
        let values = self.labels.get(label)?;
        if values.len() == 1 { values.first().map(String::as_str) } else { None }
    }

    /// All values of a standard label, sorted.
    pub fn values(&self, label: &str) -> impl Iterator<Item = &str> {
        self.labels.get(label).into_iter().flatten().map(String::as_str)
    }

    /// The standard labels that have a value, with all their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<String>)> {
        self.labels.iter().map(|(name, values)| (*name, values))
    }

    /// Whether the alert has no standard label at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}
