//! What an alert is about: the labels of each of its parts, from which queries are built.

use std::collections::BTreeSet;

use opensre_model::alert::{Alert, Labels};
use opensre_model::evidence::GapKind;
use serde_json::{Map, Value as Json};

use crate::driver::{Input, InputSpec, Relevance};
use crate::failure::Failure;

/// Input key under which a query gets the labels.
pub const LABELS: &str = "labels";

/// Input key under which a query learns how many parts of the alert nothing is asked for.
pub const LEFT_OUT: &str = "left_out";

/// Input key under which a query gets the ids of traces.
pub const TRACE_IDS: &str = "trace_ids";

/// The input of a query about what an alert is about.
pub const LABELS_INPUT: InputSpec =
    InputSpec { key: LABELS, kind: "object", required: true, help: "labels of the alert, as texts" };

/// The input of a query for the traces that an alert names.
pub const TRACE_IDS_INPUT: InputSpec =
    InputSpec { key: TRACE_IDS, kind: "array", required: true, help: "trace ids, hexadecimal" };

/// Relevance of a query for the traces that an alert names.
pub fn traces(alert: &Alert) -> Relevance {
    if alert.references.trace_ids.is_empty() {
        return Relevance::Skip("the alert names no trace");
    }
    let ids = alert.references.trace_ids.iter().map(|id| Json::String(id.clone())).collect();
    Relevance::Ask(vec![Input(Map::from_iter([(TRACE_IDS.to_owned(), Json::Array(ids))]))])
}

/// Most parts of one alert that are asked for.
const MOST: usize = 3;

/// Labels of alerts that name a service, application or workload, the most telling first.
pub const SERVICE: &[&str] = &[
    "service",
    "service_name",
    "app",
    "application",
    "app_kubernetes_io_name",
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
    "container",
    "job",
    "component",
];

/// Labels that set two parts of the same service apart well enough to ask for both.
const SCOPE: &[&str] = &["namespace", "cluster", "k8s_cluster", "env", "environment", "region"];

/// The labels of the parts of an alert, each with those of the group; parts of the same service in the same place
/// count once. Also how many further ones there are beyond the most that are asked for.
pub fn subjects(alert: &Alert) -> (Vec<Labels>, usize) {
    let parts: Vec<Labels> = if alert.items.is_empty() {
        vec![alert.labels.clone()]
    } else {
        let merged = |item: &Labels| {
            let mut labels = alert.labels.clone();
            labels.extend(item.iter().map(|(name, value)| (name.clone(), value.clone())));
            labels
        };
        alert.items.iter().map(|item| merged(&item.labels)).collect()
    };
    let mut seen = BTreeSet::new();
    let mut distinct: Vec<Labels> = parts.into_iter().filter(|labels| seen.insert(identity(labels))).collect();
    let left_out = distinct.len().saturating_sub(MOST);
    distinct.truncate(MOST);
    (distinct, left_out)
}

/// What tells one part from another: its service and where it runs; without a service all of its labels.
fn identity(labels: &Labels) -> Vec<(String, String)> {
    let pair = |name: &&str| labels.get(*name).map(|value| ((*name).to_owned(), value.clone()));
    match SERVICE.iter().find_map(pair) {
        Some(service) => std::iter::once(service).chain(SCOPE.iter().filter_map(pair)).collect(),
        None => labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

/// Asks once per part of the alert that `names_something` finds usable; skips for the given reason when none is.
pub fn relevance(alert: &Alert, names_something: fn(&Labels) -> bool, otherwise: &'static str) -> Relevance {
    let (subjects, left_out) = subjects(alert);
    let mut inputs: Vec<Input> = subjects.iter().filter(|labels| names_something(labels)).map(input).collect();
    let Some(first) = inputs.first_mut() else { return Relevance::Skip(otherwise) };
    if left_out > 0 {
        first.0.insert(LEFT_OUT.to_owned(), left_out.into());
    }
    Relevance::Ask(inputs)
}

/// Labels as the input of a query.
pub fn input(labels: &Labels) -> Input {
    let labels: Map<String, Json> = labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    Input(Map::from_iter([(LABELS.to_owned(), Json::Object(labels))]))
}

/// What to tell when parts of the alert are not asked for.
pub fn left_out(input: &Input) -> Option<Failure> {
    let count = input.0.get(LEFT_OUT)?.as_u64().filter(|count| *count > 0)?;
    let reason = format!("the alert has {count} further parts; nothing is asked for them");
    Some(Failure::new(GapKind::NotRelevant, reason).with_hint("investigate them as alerts of their own"))
}
