//! Kubernetes: formats, names and quantities, without a server.

use std::collections::BTreeMap;

use opensre_model::alert::Labels;
use opensre_model::evidence::EventKind;
use opensre_providers::kubernetes::scope::{Scope, is_name, without_hash};
use opensre_providers::kubernetes::wire::events::Scalings;
use opensre_providers::kubernetes::wire::meta::Meta;
use opensre_providers::kubernetes::wire::{events, pods, quantity, usage, workloads};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::{labels, window};

fn scope(pairs: &[(&str, &str)]) -> Scope {
    Scope::of(&labels(pairs))
}

fn meta(name: &str, app: &str) -> Meta {
    Meta::read(&json!({"metadata": {"name": name, "labels": {"app": app}}})).unwrap()
}

#[test]
fn labels_are_read_in_all_their_spellings() {
    let found = scope(&[
        ("namespace", "monitoring"),
        ("exported_namespace", "shop"),
        ("k8s.pod.name", "checkout-6d5f8b7c9d-x2v4z"),
        ("service", "kube-state-metrics"),
        ("app.kubernetes.io/name", "checkout"),
        ("container", "api"),
    ]);
    assert_eq!(found.namespace.as_deref(), Some("shop"), "what is exported is what the alert is about");
    assert_eq!(found.pod.as_deref(), Some("checkout-6d5f8b7c9d-x2v4z"));
    assert_eq!(found.names, ["checkout"], "who scrapes is not what it is about");
    assert_eq!(found.container.as_deref(), Some("api"));
}

#[test]
fn a_scrape_job_names_something_only_where_nothing_else_does() {
    assert_eq!(scope(&[("namespace", "shop"), ("job", "shop/checkout")]).names, ["checkout"]);
    assert_eq!(scope(&[("namespace", "shop"), ("job", "node-exporter")]).names, Vec::<String>::new());
    assert_eq!(scope(&[("namespace", "shop"), ("job", "scrape"), ("app", "cart")]).names, ["cart"]);
    assert!(!scope(&[("job", "checkout")]).names_something());
}

#[test]
fn a_pod_stands_for_its_siblings_and_a_name_for_what_is_made_from_it() {
    let pod = scope(&[("pod", "checkout-6d5f8b7c9d-x2v4z")]);
    assert!(pod.covers(&meta("checkout-6d5f8b7c9d-b7k9m", "")));
    assert!(!pod.covers(&meta("cart-6d5f8b7c9d-b7k9m", "")));
    assert!(pod.names_like("checkout-config") && !pod.names_like("checkouts"));
    let member = scope(&[("pod", "db-0")]);
    assert!(member.covers(&meta("db-1", "")) && member.names_like("db"));
    let service = scope(&[("service", "checkout")]);
    assert!(service.covers(&meta("frontend-1", "checkout")) && !service.covers(&meta("frontend-1", "cart")));
    assert_eq!(without_hash("checkout-6d5f8b7c9d"), Some("checkout"));
    assert_eq!(without_hash("checkout-service"), None, "a word with vowels is no hash");
}

proptest! {
    #[test]
    fn only_names_of_kubernetes_are_ever_sent(
        values in proptest::collection::vec("\\PC{0,20}|[a-z'\"\\\\/,=!&%\n#.-]{1,12}|[a-z0-9-]{1,30}", 6)
    ) {
        let keys = ["namespace", "pod", "service", "deployment", "node", "container"];
        let labels: Labels =
            keys.iter().zip(&values).map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let scope = Scope::of(&labels);
        let all = scope.namespace.iter().chain(&scope.pod).chain(&scope.names).chain(&scope.container).chain(&scope.node);
        for name in all {
            prop_assert!(is_name(name), "{name}");
            prop_assert!(!name.chars().any(|c| "'\"\\/,=!&%\n# ".contains(c)) && name != "." && name != "..", "{name}");
        }
    }

    #[test]
    fn quantities_never_panic_and_are_no_negative_numbers(text in "\\PC{0,12}|[0-9.]{1,8}[a-zA-Z]{0,2}|-?[0-9]{1,3}[eE]-?[0-9]{1,12}") {
        if let Some(value) = quantity::parse(&text) {
            prop_assert!(value.is_finite() && value >= 0.0, "{text}");
        }
    }

    #[test]
    fn odd_objects_are_read_or_left_out(text in "[\\[\\]{}:,\"a-z0-9]{0,40}", name in "\\PC{0,10}") {
        let inner: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        let object = json!({"metadata": {"name": name, "labels": inner, "ownerReferences": inner, "managedFields": inner},
            "spec": inner, "status": inner, "involvedObject": inner, "containers": inner});
        let now = window().end;
        let _ = (pods::pod(&object), events::event(&object), workloads::workload(&object, "deployment", now));
        let _ = (workloads::revision(&object), usage::usage(&object, None, now));
    }
}

#[test]
fn quantities_are_read_and_written() {
    for (text, value) in
        [("250m", 0.25), ("2", 2.0), ("512Mi", 536_870_912.0), ("1e3", 1000.0), ("1.5Gi", 1_610_612_736.0)]
    {
        assert_eq!(quantity::parse(text), Some(value), "{text}");
    }
    assert_eq!(quantity::parse("12 parsecs"), None);
    assert_eq!([quantity::bytes(536_870_912.0), quantity::bytes(900.0)], ["512 MiB", "900 B"]);
    assert_eq!([quantity::cores(0.25), quantity::cores(1.5)], ["250m", "1.5"]);
}

fn pod(status: Json) -> pods::Pod {
    let metadata = json!({"name": "p", "creationTimestamp": "2024-05-01T10:00:00Z"});
    pods::pod(&Json::from_iter([("metadata", metadata), ("status", status)])).unwrap()
}

#[test]
fn what_is_wrong_with_a_pod() {
    let (window, now) = (window(), window().end);
    let one = |state: Json, last: Json, ready: bool| {
        json!({"phase": "Running", "containerStatuses": [
            {"name": "api", "ready": ready, "restartCount": 1, "state": state, "lastState": last}]})
    };
    let running = json!({"running": {"startedAt": "2024-05-01T10:00:01Z"}});
    let ended = |at: &str, code: i64| json!({"terminated": {"exitCode": code, "reason": "Error", "finishedAt": at}});
    for (status, troubles) in [
        (one(running.clone(), json!({}), true), vec![]),
        (one(running.clone(), json!({}), false), vec!["it runs and is not ready"]),
        (one(running.clone(), ended("2024-05-01T12:20:00Z", 1), true), vec!["api ended before: Error, exit code 1"]),
        (one(running.clone(), ended("2024-05-01T09:20:00Z", 1), true), vec![]),
        (one(running.clone(), ended("2024-05-01T12:20:00Z", 0), true), vec![]),
        (
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
            vec!["Evicted: The node was low on resource: memory."],
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "migrate", "ready": false, "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
            vec!["migrate waits: CrashLoopBackOff"],
        ),
        (json!({"phase": "Succeeded"}), vec![]),
    ] {
        assert_eq!(pod(status.clone()).troubles(&window, now), troubles, "{status}");
    }
}

#[test]
fn a_pod_that_goes_may_end_as_it_was_told() {
    let of = |deleted: Json| {
        let object = json!({"metadata": {"name": "p", "deletionTimestamp": deleted}, "status": {"phase": "Running",
            "containerStatuses": [{"name": "api", "restartCount": 0, "state": {"terminated":
                {"exitCode": 143, "reason": "Error", "finishedAt": "2024-05-01T12:20:00Z"}}}]}});
        let pod = pods::pod(&object).unwrap();
        (pod.troubles(&window(), window().end).len(), pod.ends(None).len())
    };
    assert_eq!(of(json!("2024-05-01T12:19:30Z")), (0, 0));
    assert_eq!(of(Json::Null), (1, 1));
}

#[test]
fn events_of_newer_reporters_have_a_series() {
    let event = events::event(&json!({
        "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "shop"}, "type": "Warning",
        "reason": "Unhealthy", "message": "Readiness probe failed", "eventTime": "2024-05-01T12:00:00.123456Z",
        "series": {"count": 9, "lastObservedTime": "2024-05-01T12:30:00Z"}, "firstTimestamp": null, "lastTimestamp": null,
    }))
    .unwrap();
    let dated = event.dated(&Scalings::default());
    assert_eq!(dated.len(), 2);
    assert_eq!(
        (dated[1].time.to_string().as_str(), dated[1].text.as_str()),
        ("2024-05-01T12:30:00Z", "Readiness probe failed (seen 9 times)")
    );
    assert_eq!(events::event(&json!({"involvedObject": {"kind": "Pod", "name": "p"}})), None, "without a time");
}

#[test]
fn a_scaling_down_by_hand_is_a_change() {
    let event = |reason: &str, name: &str, message: &str, at: &str| {
        events::event(&json!({
            "involvedObject": {"kind": "Deployment", "name": name, "namespace": "shop"}, "type": "Normal",
            "reason": reason, "message": message, "firstTimestamp": at, "lastTimestamp": at, "count": 1,
        }))
        .unwrap()
    };
    let at = "2024-05-01T12:05:00Z";
    let all = [
        event("ScalingReplicaSet", "checkout", "Scaled down replica set checkout-6d5f8b7c9d from 3 to 1", at),
        event("ScalingReplicaSet", "cart", "Scaled up replica set cart-6d5f8b7c9d from 0 to 1", at),
        event("ScalingReplicaSet", "cart", "Scaled down replica set cart-7c9d8f6b54 from 1 to 0", at),
        event("ScalingReplicaSet", "web", "Scaled down replica set web-7c9d8f6b54 from 9 to 4", "2024-05-01T12:30:00Z"),
        event("SuccessfulRescale", "web", "New size: 4; reason: All metrics below target", "2024-05-01T12:29:45Z"),
    ];
    let scalings = Scalings::of(&all);
    let kinds: Vec<EventKind> = all.iter().map(|event| event.dated(&scalings)[0].kind).collect();
    let other = EventKind::Other;
    assert_eq!(kinds, [EventKind::Change, other, other, other, other], "by hand, a rollout, an autoscaler");
}

fn replica_set(hash: &str, number: &str, created: &str, image: &str, reused: bool) -> Json {
    let mut annotations = json!({"deployment.kubernetes.io/revision": number});
    if reused {
        annotations["deployment.kubernetes.io/revision-history"] = json!("1");
    }
    json!({
        "metadata": {"name": format!("checkout-{hash}"), "namespace": "shop", "creationTimestamp": created,
            "annotations": annotations, "ownerReferences": [{"kind": "Deployment", "name": "checkout", "controller": true}]},
        "spec": {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}},
    })
}

#[test]
fn going_back_to_an_old_replica_set_is_a_rollback() {
    let sets = [
        replica_set("aaaaaa", "3", "2024-04-01T00:00:00Z", "checkout:1", true),
        replica_set("bbbbbb", "2", "2024-05-01T12:00:00Z", "checkout:2", false),
    ];
    let revisions: Vec<_> = sets.iter().filter_map(workloads::revision).collect();
    let progress =
        BTreeMap::from([(("shop".to_owned(), "checkout".to_owned()), "2024-05-01T12:20:00Z".parse().unwrap())]);
    let rollouts = workloads::rollouts(&revisions, &progress);
    let told: Vec<(String, &str, EventKind)> =
        rollouts.iter().map(|event| (event.time.to_string(), event.title.as_str(), event.kind)).collect();
    assert_eq!(
        told,
        [
            (
                "2024-05-01T12:00:00Z".to_owned(),
                "deployment checkout rolled out revision 2: checkout:2",
                EventKind::Deploy
            ),
            (
                "2024-05-01T12:20:00Z".to_owned(),
                "deployment checkout rolled back, as revision 3: checkout:1 (before: checkout:2)",
                EventKind::Deploy
            ),
        ]
    );
}
