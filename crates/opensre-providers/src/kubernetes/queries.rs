//! The registry of queries.

use futures::FutureExt;
use opensre_model::alert::Alert;

use super::gather::{configuration, events, logs, namespace, nodes, pods, workloads};
use super::inquiry::{self, BOUNDS};
use super::scope::Scope;
use crate::driver::{InputSpec, Query, Relevance};
use crate::subject;

const INPUT: &[InputSpec] = &[
    InputSpec { key: subject::LABELS, kind: "object", required: false, help: "labels of the alert, as texts" },
    InputSpec { key: "namespace", kind: "string", required: false, help: "the namespace; stronger than the labels" },
    InputSpec { key: "deployment", kind: "string", required: false, help: "name of a workload" },
    InputSpec { key: "pod", kind: "string", required: false, help: "name of a pod" },
    InputSpec { key: "container", kind: "string", required: false, help: "name of a container" },
    InputSpec { key: "node", kind: "string", required: false, help: "name of a node" },
];

macro_rules! query {
    ($name:literal, $summary:literal, $relevance:expr, $gather:path) => {
        Query {
            name: $name,
            summary: $summary,
            input: INPUT,
            bounds: BOUNDS,
            relevance: $relevance,
            run: |access, input, window| inquiry::run($name, access, input, window, |inquiry| $gather(inquiry).boxed()),
        }
    };
}

/// What can be asked, the most telling first.
pub(super) const QUERIES: &[Query] = &[
    query!("pods", "states of pods and their containers, and how containers ended", place, pods::states),
    query!("events", "warnings and other telling events of the last day", place, events::events),
    query!(
        "workloads",
        "states of deployments, stateful and daemon sets, and their rollouts",
        place,
        workloads::workloads
    ),
    query!(
        "logs",
        "log lines of containers around the onset, and the last words of those that ended",
        object,
        logs::lines
    ),
    query!("nodes", "nodes that are not ready or under pressure", place, nodes::states),
    query!(
        "configuration",
        "changes of config maps, secrets and helm releases; names only",
        place,
        configuration::configuration
    ),
    query!("network", "services without ready endpoints, ingresses, network policies", place, namespace::network),
    query!("limits", "quotas that are used up, limit ranges, autoscalers at their limit", place, namespace::limits),
    query!("storage", "volume claims that are not bound", place, namespace::storage),
    query!("jobs", "jobs that failed, cron jobs", place, namespace::jobs),
    query!("usage", "CPU and memory of containers beside their limits", place, pods::usage),
];

fn place(alert: &Alert) -> Relevance {
    subject::relevance(
        alert,
        |labels| Scope::of(labels).names_something(),
        "the alert names no namespace, workload, pod, service or node",
    )
}

fn object(alert: &Alert) -> Relevance {
    subject::relevance(
        alert,
        |labels| Scope::of(labels).names_an_object(),
        "the alert names no workload, pod, service or container",
    )
}
