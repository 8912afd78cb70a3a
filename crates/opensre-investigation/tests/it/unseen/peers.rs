//! What back ends would answer, in the shape that the providers give it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::{AlertItem, Labels};
use opensre_model::evidence::{
    Event, EventKind, Evidence, EvidenceData, LogLine, Meaning, Origin, ResourceState, Series, Span,
};
use opensre_providers::kubernetes::scope::Scope;
use opensre_providers::kubernetes::wire::events::Scalings;
use opensre_providers::kubernetes::wire::{events, pods, workloads};
use serde_json::{Value as Json, json};

use crate::world::{World, labels};

/// A world whose alert has these labels and this text.
pub(super) fn alert(title: &str, pairs: &[(&str, &str)], text: &str) -> World {
    let mut world = World::new(title, "unnamed", 11);
    let mut all = labels(pairs);
    all.insert("alertname".to_owned(), title.to_owned());
    world.service = all.get("service").cloned().unwrap_or_default();
    world.alert.labels = all.clone();
    world.alert.items = vec![AlertItem { labels: all, starts_at: world.alert.starts_at, ..AlertItem::default() }];
    text.clone_into(&mut world.alert.text);
    world
}

pub(super) fn at(world: &World, minute: i64) -> String {
    world.at(minute).to_string()
}

impl World {
    /// An answer of a provider.
    pub(super) fn answer(&mut self, service: &str, operation: &str, query: &str, data: EvidenceData) {
        self.evidence.push(Evidence {
            origin: Origin {
                service: service.to_owned(),
                instance: "prod".to_owned(),
                datasource: None,
                operation: operation.to_owned(),
                query: query.to_owned(),
                window: self.window,
                link: None,
            },
            summary: format!("{operation} answered"),
            truncated: None,
            data,
        });
    }

    pub(super) fn events_of(&mut self, service: &str, operation: &str, mut events: Vec<Event>) {
        events.sort_by(|a, b| (a.time, &a.title).cmp(&(b.time, &b.title)));
        self.answer(service, operation, operation, EvidenceData::Events { events });
    }

    pub(super) fn states_of(&mut self, service: &str, operation: &str, states: Vec<ResourceState>) {
        self.answer(service, operation, operation, EvidenceData::States { states });
    }

    pub(super) fn seen(&self) -> Timestamp {
        self.at(40)
    }

    /// The answer of `pods`: states, and failed ends as events.
    pub(super) fn kube_pods(&mut self, objects: &[Json]) {
        let scope = Scope::of(&self.alert.labels);
        let now = self.seen();
        let mut states = Vec::new();
        let mut ends = Vec::new();
        for pod in objects.iter().filter_map(pods::pod) {
            let app = scope.app_of(&pod.meta);
            ends.extend(pod.ends(app));
            states.push(pod.state(&self.window, now, app));
        }
        self.states_of("kubernetes", "pods", states);
        ends.retain(|end| end.time <= self.window.end);
        self.events_of("kubernetes", "pods", ends);
    }

    /// The answer of `events`.
    pub(super) fn kube_events(&mut self, objects: &[Json]) {
        let read: Vec<_> = objects.iter().filter_map(events::event).collect();
        let scalings = Scalings::of(&read);
        let end = self.window.end;
        let mut dated: Vec<Event> =
            read.iter().filter(|event| event.tells()).flat_map(|event| event.dated(&scalings)).collect();
        dated.retain(|event| event.time <= end);
        self.events_of("kubernetes", "events", dated);
    }

    /// The answer of `workloads`: Deployments with their replica sets.
    pub(super) fn kube_rollouts(&mut self, replica_sets: &[Json], deployments: &[Json]) {
        let revisions: Vec<_> = replica_sets.iter().filter_map(workloads::revision).collect();
        let progress = deployments.iter().filter_map(workloads::progress).collect();
        let now = self.seen();
        let states = deployments.iter().filter_map(|object| workloads::workload(object, "deployment", now)).collect();
        self.states_of("kubernetes", "workloads", states);
        self.events_of("kubernetes", "workloads", workloads::rollouts(&revisions, &progress));
    }

    pub(super) fn kube_states(&mut self, operation: &str, read: impl Fn(Timestamp) -> Option<ResourceState>) {
        let state = read(self.seen()).expect("an object");
        self.states_of("kubernetes", operation, vec![state]);
    }

    /// A metric with a query and labels of its own.
    pub(super) fn series(
        &mut self,
        query: &str,
        meaning: Meaning,
        unit: Option<&str>,
        pairs: &[(&str, &str)],
        points: Vec<(Timestamp, f64)>,
    ) {
        let series = vec![Series { labels: labels(pairs), points }];
        let data = EvidenceData::Metrics { meaning, unit: unit.map(str::to_owned), threshold: None, series };
        self.answer("prometheus", "metrics.related", query, data);
    }

    /// A CloudWatch metric, as the query `metrics` answers it.
    pub(super) fn cloudwatch(
        &mut self,
        (namespace, name): (&str, &str),
        meaning: Meaning,
        unit: Option<&str>,
        dimension: (&str, &str),
        points: Vec<(Timestamp, f64)>,
    ) {
        let free = if name.starts_with("Free") { ", available" } else { "" };
        let query = format!("GetMetricData {namespace} {name}{free}, Maximum of 60 s");
        let series = vec![Series { labels: labels(&[dimension, ("__name__", name)]), points }];
        let data = EvidenceData::Metrics { meaning, unit: unit.map(str::to_owned), threshold: None, series };
        self.answer("aws", "metrics", &query, data);
    }

    /// A straight line from `from` to `to` between two minutes, `from` before and `to` after.
    pub(super) fn line(&mut self, from: f64, to: f64, (start, end): (i64, i64)) -> Vec<(Timestamp, f64)> {
        let (first, last) = (self.at(start), self.at(end));
        let whole = last.duration_since(first).as_secs_f64();
        self.points(|time, dice| {
            let share = (time.duration_since(first).as_secs_f64() / whole).clamp(0.0, 1.0);
            (from + (to - from) * share) * (1.0 + 0.002 * dice.normal())
        })
    }

    /// Log lines with labels, `chatter` a minute of which say nothing.
    pub(super) fn log(&mut self, service: &str, of: &[(&str, &str)], lines: &[(i64, i64, Option<&str>, &str)]) {
        let of: Labels = labels(of);
        let mut all = Vec::new();
        let line = |time, level: Option<&str>, message: String| LogLine {
            time,
            level: level.map(str::to_owned),
            message,
            labels: of.clone(),
        };
        for minute in -70..29 {
            all.push(line(self.at(minute), Some("info"), format!("GET /health 200 {minute}ms")));
        }
        for (from, until, level, message) in lines {
            for minute in *from..*until {
                for part in 0..3_i64 {
                    let time = self.at(minute) + SignedDuration::from_secs(part * 17 + 3);
                    let salt = format!("{:06x}", self.dice.next() & 0xff_ffff);
                    all.push(line(time, *level, message.replace("{id}", &salt)));
                }
            }
        }
        all.sort_by(|a, b| (a.time, &a.message).cmp(&(b.time, &b.message)));
        self.answer(service, "logs", "logs", EvidenceData::Logs { lines: all });
    }

    /// Spans of requests: each `(service, name, milliseconds, error message, attributes)` calls the next; from a minute on
    /// the last two apply.
    pub(super) fn requests(&mut self, service: &str, path: &[Hop<'_>], from: i64) {
        let mut spans = Vec::new();
        for minute in -60..29 {
            let trace_id = format!("{:032x}", self.dice.next());
            let bad = minute >= from;
            let mut parent: Option<String> = None;
            for hop in path {
                let span_id = format!("{:016x}", self.dice.next());
                spans.push(Span {
                    trace_id: trace_id.clone(),
                    span_id: span_id.clone(),
                    parent_id: parent.take(),
                    service: hop.service.to_owned(),
                    name: hop.name.to_owned(),
                    start: self.at(minute),
                    duration_ms: if bad { hop.bad_ms } else { hop.usual_ms },
                    error: bad && hop.error.is_some(),
                    message: hop.error.filter(|_| bad).unwrap_or_default().to_owned(),
                    attributes: hop.attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                });
                parent = Some(span_id);
            }
        }
        self.answer(service, "traces", "traces", EvidenceData::Spans { spans });
    }
}

/// One service on the way of a request.
#[derive(Clone, Copy, Default)]
pub(super) struct Hop<'a> {
    pub(super) service: &'a str,
    pub(super) name: &'a str,
    pub(super) usual_ms: f64,
    pub(super) bad_ms: f64,
    pub(super) error: Option<&'a str>,
    pub(super) attributes: &'a [(&'a str, &'a str)],
}

/// A pod of a Deployment's replica set.
#[expect(clippy::needless_pass_by_value, reason = "incidents write the objects in place")]
pub(super) fn pod(world: &World, name: &str, node: Option<&str>, status: Json) -> Json {
    let replica_set = name.rsplit_once('-').map_or(name, |(set, _)| set);
    let app = replica_set.rsplit_once('-').map_or(replica_set, |(app, _)| app);
    json!({
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}, "creationTimestamp": at(world, -6),
            "ownerReferences": [{"kind": "ReplicaSet", "name": replica_set, "controller": true}]},
        "spec": {"nodeName": node, "containers": [{"name": app, "image": format!("registry.example/{app}:1.4.2"),
            "resources": {"limits": {"memory": "512Mi", "cpu": "500m"}}}]},
        "status": status,
    })
}

/// The status of a pod with one container.
#[expect(clippy::needless_pass_by_value, reason = "incidents write the objects in place")]
pub(super) fn container(name: &str, state: Json, last: Json, restarts: u64) -> Json {
    json!({"phase": "Running", "containerStatuses": [{"name": name, "ready": false, "restartCount": restarts,
        "image": format!("registry.example/{name}:1.4.2"), "state": state, "lastState": last}]})
}

/// A warning of the cluster that was seen several times.
pub(super) fn warning(world: &World, minutes: (i64, i64), reason: &str, of: (&str, &str), message: &str) -> Json {
    json!({"type": "Warning", "reason": reason, "message": message, "count": 9,
        "firstTimestamp": at(world, minutes.0), "lastTimestamp": at(world, minutes.1),
        "involvedObject": {"kind": of.0, "name": of.1, "namespace": if of.0 == "Node" { "" } else { "shop" }}})
}

/// A replica set as a revision of its Deployment.
pub(super) fn replica_set(world: &World, deployment: &str, number: u64, minute: i64, image: &str) -> Json {
    json!({"metadata": {"name": format!("{deployment}-{number}"), "namespace": "shop",
            "creationTimestamp": at(world, minute), "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "ownerReferences": [{"kind": "Deployment", "name": deployment, "controller": true}]},
        "spec": {"template": {"spec": {"containers": [{"name": deployment, "image": image}]}}}})
}

pub(super) fn deployment(world: &World, name: &str, ready: u64, wanted: u64, image: &str) -> Json {
    json!({"metadata": {"name": name, "namespace": "shop", "generation": 4,
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"name": name, "image": image}]}}},
        "status": {"readyReplicas": ready, "updatedReplicas": 1, "observedGeneration": 4, "conditions": [
            {"type": "Available", "status": if ready * 4 >= wanted * 3 { "True" } else { "False" },
             "reason": "MinimumReplicasUnavailable", "message": "Deployment does not have minimum availability.",
             "lastTransitionTime": at(world, 0)},
            {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "progressing",
             "lastTransitionTime": at(world, -3)}]}})
}

pub(super) fn event(
    world: &World,
    kind: EventKind,
    minute: i64,
    title: &str,
    text: &str,
    of: &[(&str, &str)],
) -> Event {
    Event { time: world.at(minute), kind, title: title.to_owned(), text: text.to_owned(), labels: labels(of) }
}

pub(super) fn state(
    world: &World,
    kind: &str,
    name: &str,
    healthy: Option<bool>,
    attributes: &[(&str, &str)],
) -> ResourceState {
    let attributes: BTreeMap<String, String> = labels(attributes);
    ResourceState { kind: kind.to_owned(), name: name.to_owned(), observed_at: world.seen(), healthy, attributes }
}
