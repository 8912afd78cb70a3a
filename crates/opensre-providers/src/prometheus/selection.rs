//! From an alert's labels to selectors: which labels name something, how else it may be called here, and what only
//! narrows it.
//!
//! Nothing is assumed about the back end: every candidate is asked for in one call, and only those for which it has
//! series are used. What it does not have is reported.

use std::collections::BTreeSet;

use opensre_model::alert::Labels;

use super::promql::{Compare, Matcher, Selector, is_classic_label, literal_regex};
use crate::subject;

/// A way in which the series of what an alert is about can be found.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Finds the series.
    pub selector: Selector,
    /// Which of the alert's labels it comes from.
    pub from: String,
    /// That label's value.
    pub value: String,
    matching: Matching,
}

#[derive(Debug, Clone, PartialEq)]
struct Matching {
    label: String,
    value: Value,
    scope: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Exactly(String),
    /// `host` or `host:port`.
    Host(String),
    /// `namespace/service`, as OpenTelemetry's `job` is.
    Ending(String),
    /// A pod of the workload with this name.
    PodOf(String),
}

/// Labels of one single thing, the smallest first, and how else series call it.
const THINGS: &[(&str, &[&str])] = &[
    ("pod", &["pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "exported_pod"]),
    ("pod_name", &["pod_name", "pod"]),
    ("k8s_pod_name", &["k8s_pod_name", "pod"]),
    ("persistentvolumeclaim", &["persistentvolumeclaim"]),
    ("queue", &["queue", "queue_name"]),
    ("topic", &["topic"]),
    ("consumergroup", &["consumergroup", "consumer_group", "group"]),
    ("datname", &["datname", "database"]),
    ("database", &["database", "datname"]),
    ("dbinstance_identifier", &["dbinstance_identifier"]),
];

/// Labels that name a machine or an address.
const HOSTS: &[&str] = &["instance", "node", "host", "hostname", "nodename", "kubernetes_node", "k8s_node_name"];

/// Labels by which series name a service, the most telling first.
const SERVICE_ALIASES: &[&str] = &[
    "service",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "application",
    "job",
    "exported_service",
    "exported_job",
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
    "component",
    "container",
];

/// Labels that only narrow; on their own they name too much, but for `namespace`.
const SCOPE: &[&str] = &[
    "namespace",
    "exported_namespace",
    "kubernetes_namespace",
    "cluster",
    "k8s_cluster",
    "env",
    "environment",
    "region",
    "zone",
    "datacenter",
    "tenant",
];

/// Jobs that speak for others: the alert's `job`, `instance` and `service` are then the speaker's own.
const SPEAKERS: &[&str] = &[
    "kube-state-metrics",
    "cadvisor",
    "kubelet",
    "kubernetes-cadvisor",
    "pushgateway",
    "blackbox",
    "cloudwatch",
    "yace",
];

/// Longest value that is asked for; longer ones are no names.
const LONGEST_VALUE: usize = 256;

/// Most candidates of one alert.
const MOST: usize = 24;

/// Whether an alert's labels name something whose series can be found.
pub fn names_something(labels: &Labels) -> bool {
    !candidates(labels).is_empty()
}

/// The candidates of an alert's labels, the most specific first: single things, machines, the service under its own
/// label and under other names, pods of that name. A namespace counts only when there is nothing else.
pub fn candidates(labels: &Labels) -> Vec<Candidate> {
    let spoken_for = labels.get("job").is_some_and(|job| is_speaker(job));
    let value_of = |label: &str| {
        let value = labels.get(label)?.trim();
        let spoken = spoken_for && (matches!(label, "job" | "instance" | "service") || is_speaker(value));
        (!value.is_empty() && value.len() <= LONGEST_VALUE && !spoken).then_some(value)
    };
    let scope: Vec<(String, String)> =
        SCOPE.iter().filter_map(|label| Some(((*label).to_owned(), value_of(label)?.to_owned()))).collect();
    let mut found = Found { scope: &scope, candidates: Vec::new() };
    for (from, aliases) in THINGS {
        for alias in value_of(from).map(|_| *aliases).unwrap_or_default() {
            found.add(from, alias, Value::Exactly(labels[*from].trim().to_owned()));
        }
    }
    for from in HOSTS {
        if let Some(value) = value_of(from) {
            found.add(from, from, Value::Exactly(value.to_owned()));
            // An address is an instance and nothing else; a machine's name can be the host of an instance.
            for alias in HOSTS.iter().filter(|_| *from != "instance") {
                found.add(from, alias, Value::Host(value.to_owned()));
            }
        }
    }
    for from in subject::SERVICE {
        // The job of a single thing or machine is its collector's; of a service it may be its only name.
        if *from == "job" && !found.candidates.is_empty() {
            continue;
        }
        let Some(value) = value_of(from) else { continue };
        found.add(from, from, Value::Exactly(value.to_owned()));
        for alias in SERVICE_ALIASES {
            found.add(from, alias, Value::Exactly(value.to_owned()));
        }
        found.add(from, "job", Value::Ending(value.to_owned()));
        found.add(from, "pod", Value::PodOf(value.to_owned()));
    }
    if found.candidates.is_empty() {
        let own = ["namespace", "exported_namespace", "kubernetes_namespace"];
        if let Some((label, value)) = scope.iter().find(|(label, _)| own.contains(&label.as_str())) {
            found.add(label, label, Value::Exactly(value.clone()));
        }
    }
    found.candidates.truncate(MOST);
    found.candidates
}

/// The labels of an alert that only narrow, with their values.
pub fn scope(labels: &Labels) -> Vec<(String, String)> {
    SCOPE
        .iter()
        .filter_map(|label| Some(((*label).to_owned(), labels.get(*label)?.trim().to_owned())))
        .filter(|(_, value)| !value.is_empty() && value.len() <= LONGEST_VALUE)
        .collect()
}

struct Found<'a> {
    scope: &'a [(String, String)],
    candidates: Vec<Candidate>,
}

impl Found<'_> {
    fn add(&mut self, from: &str, label: &str, value: Value) {
        // A name that servers before version 3 refuse would cost the whole call its answer.
        if !is_classic_label(label) {
            return;
        }
        let matching = Matching {
            label: label.to_owned(),
            value,
            scope: self.scope.iter().filter(|(name, _)| name != label).cloned().collect(),
        };
        let selector = matching.selector();
        if self.candidates.iter().all(|known| known.selector != selector) {
            let value = matching.value.text().to_owned();
            self.candidates.push(Candidate { selector, from: from.to_owned(), value, matching });
        }
    }
}

impl Candidate {
    /// Whether a series is one that the selector finds.
    pub fn finds(&self, series: &Labels) -> bool {
        let Matching { label, value, scope } = &self.matching;
        series.get(label).is_some_and(|found| value.is(found))
            && scope.iter().all(|(name, value)| series.get(name).is_none_or(|found| found == value || found.is_empty()))
    }

    /// The selector for series of which it is known which labels some have and which all have: a label of the scope
    /// that none has narrows nothing, and one that all have can be asked for outright.
    pub fn narrowed(&self, some: &BTreeSet<&str>, all: &BTreeSet<&str>) -> Selector {
        let scope = self.matching.scope.iter().filter(|(name, _)| some.contains(name.as_str()));
        Selector::matching(std::iter::once(self.matching.matcher()).chain(scope.map(|(name, value)| {
            if all.contains(name.as_str()) {
                Matcher::equal(name.clone(), value.clone())
            } else {
                Matcher::equal_or_absent(name.clone(), value)
            }
        })))
    }

    /// The labels that its series are kept apart by: the one that names the thing, and those of the scope that some
    /// have.
    pub fn grouping(&self, some: &BTreeSet<&str>) -> Vec<String> {
        let scope = self.matching.scope.iter().map(|(name, _)| name).filter(|name| some.contains(name.as_str()));
        std::iter::once(&self.matching.label).chain(scope).cloned().collect()
    }
}

impl Matching {
    fn matcher(&self) -> Matcher {
        let label = self.label.clone();
        match &self.value {
            Value::Exactly(value) => Matcher::equal(label, value.clone()),
            Value::Host(host) => Matcher::new(label, Compare::Like, format!("{}(:[0-9]+)?", literal_regex(host))),
            Value::Ending(name) => Matcher::new(label, Compare::Like, format!(".+/{}", literal_regex(name))),
            Value::PodOf(name) => Matcher::new(label, Compare::Like, format!("{}-{POD_SUFFIX}", literal_regex(name))),
        }
    }

    /// Finds its series, and of those in another scope none that says so.
    fn selector(&self) -> Selector {
        let scope = self.scope.iter().map(|(name, value)| Matcher::equal_or_absent(name.clone(), value));
        Selector::matching(std::iter::once(self.matcher()).chain(scope))
    }
}

/// What Kubernetes puts behind a workload's name: `<replica set hash>-<random>` (Deployment), `<random>` (DaemonSet),
/// `<ordinal>` (StatefulSet).
const POD_SUFFIX: &str = "([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})";

impl Value {
    fn text(&self) -> &str {
        match self {
            Self::Exactly(text) | Self::Host(text) | Self::Ending(text) | Self::PodOf(text) => text,
        }
    }

    /// The same test as the selector's, for series that are already here.
    fn is(&self, found: &str) -> bool {
        match self {
            Self::Exactly(value) => found == value,
            Self::Host(host) => found
                .strip_prefix(host.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_digits)),
            Self::Ending(name) => found
                .strip_suffix(name.as_str())
                .and_then(|rest| rest.strip_suffix('/'))
                .is_some_and(|rest| !rest.is_empty()),
            Self::PodOf(name) => {
                found.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_pod_suffix)
            }
        }
    }
}

fn is_pod_suffix(suffix: &str) -> bool {
    let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match suffix.split_once('-') {
        Some((hash, random)) => (6..=10).contains(&hash.len()) && random.len() == 5 && word(hash) && word(random),
        None => (suffix.len() == 5 && word(suffix)) || ((1..=3).contains(&suffix.len()) && is_digits(suffix)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_speaker(job: &str) -> bool {
    let job = job.to_lowercase();
    SPEAKERS.iter().any(|speaker| {
        job == *speaker || job.ends_with(&format!("/{speaker}")) || job.ends_with(&format!("-{speaker}"))
    })
}
