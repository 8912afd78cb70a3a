//! Kubernetes' queries against the lab's API server.

use std::time::{Duration, Instant};

use opensre_lab::vendors::kubernetes::scene::{CANARY, bad_rollout};
use opensre_lab::vendors::kubernetes::{Cluster, Misbehaviour, router};
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, GapKind, ResourceState};
use opensre_providers::driver::{Access, Answer, Input, Relevance};
use opensre_providers::kubernetes::PROVIDER;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::stub::{access, alert, ask, input, messages, reasons, summaries, window};

/// A running cluster and the access to it.
struct Lab {
    cluster: Cluster,
    access: Access,
    _serving: Guard,
    _folder: TempDir,
}

async fn lab_of(cluster: Cluster) -> Lab {
    let (address, serving) = serve(router(&cluster)).await.unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config");
    let text = format!(
        "current-context: prod\nclusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: t0ken}}}}]\n"
    );
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    let access = access(&PROVIDER, &[("kubeconfig", path.to_str().unwrap())]);
    Lab { cluster, access, _serving: serving, _folder: folder }
}

fn cluster() -> Cluster {
    Cluster::new("t0ken", "jane", "uid", "2024-05-01T12:46:00Z".parse().unwrap())
}

async fn scene() -> Lab {
    let cluster = cluster();
    bad_rollout(&cluster, window().onset);
    lab_of(cluster).await
}

fn of_checkout() -> Input {
    input("labels", json!({"alertname": "Errors", "namespace": "shop", "deployment": "checkout", "severity": "page"}))
}

async fn asked(lab: &Lab, query: &str) -> Answer {
    ask(&PROVIDER, &lab.access, query, &of_checkout()).await
}

fn states(evidence: &Evidence) -> &[ResourceState] {
    match &evidence.data {
        EvidenceData::States { states } => states,
        other => panic!("these are {}", other.kind()),
    }
}

fn events(evidence: &Evidence) -> &[Event] {
    match &evidence.data {
        EvidenceData::Events { events } => events,
        other => panic!("these are {}", other.kind()),
    }
}

fn titles(evidence: &Evidence) -> Vec<&str> {
    events(evidence).iter().map(|event| event.title.as_str()).collect()
}

fn attribute<'a>(state: &'a ResourceState, key: &str) -> &'a str {
    state.attributes.get(key).map_or("", String::as_str)
}

#[tokio::test]
async fn pods_tell_how_they_are_and_how_containers_ended() {
    let lab = scene().await;
    let answer = asked(&lab, "pods").await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(
        summaries(&answer),
        [
            "pods in namespace shop: 5, not healthy: 3",
            "failed ends of containers in namespace shop, from a day before the end of the incident: 1"
        ]
    );
    let evidence = &answer.evidence[0];
    assert_eq!(evidence.origin.query, "GET /api/v1/namespaces/shop/pods?limit=250");
    assert_eq!((evidence.origin.instance.as_str(), evidence.origin.window), ("prod", window()));
    assert_eq!(evidence.truncated.as_deref(), Some("pods left out that failed before the window: 1"));
    let pods = states(evidence);
    let seen: Vec<(&str, Option<bool>, &str)> =
        pods.iter().map(|pod| (pod.name.as_str(), pod.healthy, attribute(pod, "condition"))).collect();
    assert_eq!(
        seen,
        [
            (
                "checkout-6d5f8b7c9d-b7k9m",
                Some(false),
                "Unschedulable: 0/3 nodes are available: 3 Insufficient memory."
            ),
            (
                "checkout-6d5f8b7c9d-x2v4z",
                Some(false),
                "api waits: CrashLoopBackOff: back-off 2m40s restarting failed container=api \
                 pod=checkout-6d5f8b7c9d-x2v4z_shop(uid); api ended before: OOMKilled, exit code 137"
            ),
            ("checkout-7c9d8f6b54-q8w6t", Some(true), ""),
            (
                "cart-5b6c7d8f9g-w4x8z",
                Some(false),
                "cart waits: ImagePullBackOff: Back-off pulling image \"registry.example/cart:2\""
            ),
        ]
    );
    let identity = ["namespace", "deployment", "pod", "service", "node", "ready", "restarts", "limits of api"];
    assert_eq!(
        identity.map(|key| attribute(&pods[1], key)),
        ["shop", "checkout", "checkout-6d5f8b7c9d-x2v4z", "checkout", "node-2", "0/1", "5", "cpu 500m, memory 256 MiB"]
    );
    assert_eq!(pods[0].observed_at.to_string(), "2024-05-01T12:46:00Z", "the server's own time");
    let killed = &events(&answer.evidence[1])[0];
    assert_eq!(killed.title, "container api of pod checkout-6d5f8b7c9d-x2v4z ended: OOMKilled, exit code 137");
    assert_eq!(killed.text, "memory limit 256 MiB, ran 120 s, 5 restarts");
    assert_eq!((killed.time.to_string().as_str(), killed.kind), ("2024-05-01T12:12:00Z", EventKind::Other));
    assert_eq!(killed.labels["deployment"], "checkout");
}

#[tokio::test]
async fn events_are_those_of_the_day_that_tell_of_something() {
    let lab = scene().await;
    let answer = asked(&lab, "events").await;
    let evidence = &answer.evidence[0];
    let seen: Vec<(String, EventKind, &str)> =
        events(evidence).iter().map(|event| (event.time.to_string(), event.kind, event.title.as_str())).collect();
    let at = |clock: &str| format!("2024-05-01T{clock}:00Z");
    let crashing = "BackOff of pod checkout-6d5f8b7c9d-x2v4z";
    assert_eq!(
        seen,
        [
            (at("11:15"), EventKind::Other, "ScalingReplicaSet of deployment web"),
            (at("11:15"), EventKind::Other, "SuccessfulRescale of horizontal pod autoscaler web"),
            (at("12:05"), EventKind::Other, "FailedScheduling of pod checkout-6d5f8b7c9d-b7k9m"),
            (at("12:05"), EventKind::Other, "ScalingReplicaSet of deployment checkout"),
            (at("12:09"), EventKind::Other, crashing),
            (at("12:11"), EventKind::Other, "EvictionThresholdMet of node node-2"),
            (at("12:35"), EventKind::Other, crashing),
        ]
    );
    let crashing = &events(evidence)[4];
    assert_eq!(crashing.text, "Back-off restarting failed container api in pod (seen 30 times)");
    assert_eq!(crashing.labels["reason"], "BackOff");
    assert_eq!(lab.cluster.asked("/namespaces/default/events")[0].query["fieldSelector"], "involvedObject.kind=Node");
}

#[tokio::test]
async fn workloads_tell_of_rollouts() {
    let lab = scene().await;
    let answer = asked(&lab, "workloads").await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    let checkout = &states(&answer.evidence[0])[0];
    assert_eq!((checkout.name.as_str(), checkout.healthy), ("checkout", Some(false)));
    assert_eq!(attribute(checkout, "replicas"), "1 of 3 ready, 2 updated");
    assert_eq!(
        attribute(checkout, "condition"),
        "MinimumReplicasUnavailable: Deployment does not have minimum availability."
    );
    let rollout = &events(&answer.evidence[1])[0];
    assert_eq!(
        rollout.title,
        "deployment checkout rolled out revision 12: registry.example/checkout:1.8.0 (before: registry.example/checkout:1.7.3)"
    );
    assert_eq!((rollout.kind, rollout.time.to_string().as_str()), (EventKind::Deploy, "2024-05-01T12:05:00Z"));
    assert!(lab.cluster.asked("controllerrevisions")[0].accept.contains("PartialObjectMetadataList"));
}

#[tokio::test]
async fn logs_are_read_around_the_onset_and_of_the_life_before() {
    let lab = scene().await;
    let answer = asked(&lab, "logs").await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(
        summaries(&answer),
        [
            "lines of container api of pod checkout-6d5f8b7c9d-x2v4z: 2, errors: 1",
            "lines of container api of pod checkout-7c9d8f6b54-q8w6t: 106, errors: 0"
        ]
    );
    assert_eq!(
        messages(&answer.evidence[0]),
        ["INFO loading the catalogue", "ERROR java.lang.OutOfMemoryError: Java heap space"]
    );
    let asked = lab.cluster.asked("checkout-6d5f8b7c9d-x2v4z/log");
    assert_eq!(asked[0].query["previous"], "true");
    assert!(asked.iter().all(|seen| seen.query["container"] == "api" && seen.query.contains_key("limitBytes")));
    let running = lab.cluster.asked("checkout-7c9d8f6b54-q8w6t/log");
    assert_eq!(running[0].query["sinceTime"], "2024-05-01T11:00:00Z");
    let unscheduled = lab.cluster.asked("checkout-6d5f8b7c9d-b7k9m/log");
    assert_eq!(unscheduled, [], "what never ran has no log");
}

#[tokio::test]
async fn a_log_longer_than_its_bounds_is_still_read_at_the_onset() {
    let lab = scene().await;
    let mut text = String::new();
    for second in 0..6_000 {
        let at = window().baseline_start + jiff::SignedDuration::from_secs(second);
        text.push_str(&at.to_string());
        text.push_str(" INFO ");
        text.push_str(&"x".repeat(200));
        text.push('\n');
    }
    lab.cluster.log("shop", "checkout-7c9d8f6b54-q8w6t", "api", false, &text);
    let answer = asked(&lab, "logs").await;
    let EvidenceData::Logs { lines } = &answer.evidence[1].data else { panic!("no logs") };
    assert_eq!(lines.len(), 2000);
    assert!(lines.iter().any(|line| line.time == window().onset), "the onset is there");
    assert!(lines.is_sorted_by_key(|line| line.time));
    let truncated = answer.evidence[1].truncated.as_deref().unwrap();
    assert!(
        truncated.contains("lines are kept, those nearest to the onset") && truncated.contains("holes"),
        "{truncated}"
    );
}

#[tokio::test]
async fn nodes_under_pressure_are_told() {
    let lab = scene().await;
    let answer = asked(&lab, "nodes").await;
    assert_eq!(summaries(&answer), ["nodes in the cluster: 3, not healthy: 1"]);
    let node = &states(&answer.evidence[0])[0];
    assert_eq!(attribute(node, "state"), "node is not ready: NodeStatusUnknown since 2024-05-01T12:11:00Z");
    assert_eq!(
        attribute(node, "condition"),
        "MemoryPressure: KubeletHasInsufficientMemory: kubelet has insufficient memory available"
    );
    let named = ask(&PROVIDER, &lab.access, "nodes", &input("node", json!("node-3"))).await;
    let names: Vec<&str> = states(&named.evidence[0]).iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["node-3", "node-2"]);
    assert_eq!(attribute(&states(&named.evidence[0])[0], "scheduling"), "cordoned");
}

#[tokio::test]
async fn of_config_maps_and_secrets_only_names_leave_the_server() {
    let lab = scene().await;
    let answer = asked(&lab, "configuration").await;
    let names: Vec<&str> = answer
        .evidence
        .iter()
        .filter(|evidence| matches!(evidence.data, EvidenceData::States { .. }))
        .flat_map(|evidence| states(evidence).iter().map(|state| state.name.as_str()))
        .collect();
    assert_eq!(names, ["checkout-config", "checkout-db"]);
    assert_eq!(titles(&answer.evidence[1]), ["config map checkout-config was changed"]);
    let change = &events(&answer.evidence[1])[0];
    assert_eq!((change.text.as_str(), change.kind), ("by kubectl-edit", EventKind::Change));
    assert_eq!(titles(&answer.evidence[3]), ["helm release checkout revision 12 (deployed)"]);
    for plural in ["/configmaps", "/secrets"] {
        let asked = lab.cluster.asked(plural);
        assert!(!asked.is_empty());
        assert!(
            asked.iter().all(|seen| seen.accept == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=1")
        );
    }
}

#[tokio::test]
async fn no_value_and_no_token_is_in_any_answer() {
    let lab = scene().await;
    for query in PROVIDER.queries {
        let answer = asked(&lab, query.name).await;
        let text = format!("{answer:?}{}", serde_json::to_string(&answer.evidence).unwrap());
        assert!(!text.contains(CANARY) && !text.contains("t0ken"), "{}", query.name);
        assert!(!answer.evidence.is_empty(), "{}", query.name);
        assert!(answer.calls > 0);
        let methods = lab.cluster.seen();
        assert!(methods.iter().all(|seen| seen.method == "GET"), "{}", query.name);
    }
}

#[tokio::test]
async fn the_network_shows_what_leads_nowhere() {
    let lab = scene().await;
    let answer = asked(&lab, "network").await;
    let checkout = &states(&answer.evidence[0])[0];
    assert_eq!((checkout.name.as_str(), checkout.healthy), ("checkout", Some(false)));
    assert_eq!(attribute(checkout, "endpoints"), "no ready endpoint: 1 are not ready");
    let ingress = &states(&answer.evidence[1])[0];
    assert_eq!(attribute(ingress, "condition"), "leads to service payments, which does not exist");
    assert_eq!(titles(&answer.evidence[3]), ["network policy deny-all was made"]);
}

#[tokio::test]
async fn limits_storage_jobs_and_usage() {
    let lab = scene().await;
    let everything = input("labels", json!({"namespace": "shop"}));
    let mut told = Vec::new();
    for query in ["limits", "storage", "jobs", "usage"] {
        let answer = ask(&PROVIDER, &lab.access, query, &everything).await;
        assert_eq!(reasons(&answer), Vec::<&str>::new());
        for evidence in answer.evidence.iter().filter(|evidence| matches!(evidence.data, EvidenceData::States { .. })) {
            for state in states(evidence).iter().filter(|state| state.healthy == Some(false)) {
                told.push(format!("{} {}: {}", state.kind, state.name, attribute(state, "condition")));
            }
        }
    }
    assert_eq!(
        told,
        [
            "resource quota compute: quota reached: limits.memory 1024Mi of 1Gi",
            "autoscaler checkout: TooManyReplicas: the desired replica count is more than the maximum replica count",
            "volume claim data-db-0: ",
            "job report-28571040: job failed: BackoffLimitExceeded: Job has reached the specified backoff limit",
            "pod usage checkout-6d5f8b7c9d-x2v4z: memory of api is nearly at its limit",
        ]
    );
}

fn many_pods(cluster: &Cluster, count: usize) {
    for number in 0..count {
        cluster.put(
            "api/v1",
            "pods",
            json!({"metadata": {"name": format!("worker-{number:05}"), "namespace": "shop"}, "status": {"phase": "Running"}}),
        );
    }
}

#[tokio::test]
async fn lists_are_read_in_pages_and_bounded() {
    let cluster = cluster();
    many_pods(&cluster, 600);
    let lab = lab_of(cluster).await;
    let answer = asked(&lab, "pods").await;
    assert!(summaries(&answer)[0].starts_with("pods in namespace shop: 600,"), "{:?}", summaries(&answer));
    let limits: Vec<String> = lab.cluster.asked("/pods").iter().map(|seen| seen.query["limit"].clone()).collect();
    assert_eq!(limits, ["250", "250", "250"]);

    let cluster = self::cluster();
    many_pods(&cluster, 2_000);
    let lab = lab_of(cluster).await;
    let answer = asked(&lab, "pods").await;
    let truncated = answer.evidence[0].truncated.as_deref().unwrap();
    assert!(truncated.starts_with("the first 1500 pods were read; there are 500 more"), "{truncated}");
}

#[tokio::test]
async fn a_stale_continue_token_begins_the_list_again_once() {
    let cluster = cluster();
    many_pods(&cluster, 600);
    cluster.expire_tokens(1);
    let lab = lab_of(cluster).await;
    let answer = asked(&lab, "pods").await;
    assert!(summaries(&answer)[0].starts_with("pods in namespace shop: 600,"), "{:?}", summaries(&answer));

    let cluster = self::cluster();
    many_pods(&cluster, 600);
    cluster.expire_tokens(100);
    let lab = lab_of(cluster).await;
    let answer = asked(&lab, "pods").await;
    assert!(answer.evidence.is_empty());
    assert!(reasons(&answer)[0].contains("410"), "{:?}", reasons(&answer));
    assert!(lab.cluster.seen().len() <= 4);
}

#[tokio::test]
async fn a_refusal_of_one_kind_is_a_gap_and_no_failure() {
    let lab = scene().await;
    for plural in ["replicasets", "endpointslices", "secrets", "pods/log"] {
        lab.cluster.deny(plural);
    }
    lab.cluster.without("apis/metrics.k8s.io/v1beta1");
    let workloads = asked(&lab, "workloads").await;
    assert_eq!(workloads.gaps.len(), 1);
    assert_eq!(workloads.gaps[0].kind, GapKind::Denied);
    assert!(workloads.gaps[0].reason.starts_with("replica sets: "), "{:?}", workloads.gaps);
    assert!(workloads.gaps[0].hint.as_ref().unwrap().contains("replica sets"));
    assert!(summaries(&workloads)[0].starts_with("deployments in namespace shop: 2,"));

    let network = asked(&lab, "network").await;
    let checkout = &states(&network.evidence[0])[0];
    assert_eq!((checkout.healthy, attribute(checkout, "endpoints")), (None, ""), "what is not known is not guessed");

    assert_eq!(asked(&lab, "configuration").await.gaps.len(), 1);
    assert_eq!(asked(&lab, "logs").await.gaps.len(), 1, "the same refusal is told once");
    let usage = asked(&lab, "usage").await;
    assert!(usage.gaps[0].hint.as_ref().unwrap().contains("metrics-server"), "{:?}", usage.gaps);
}

#[tokio::test]
async fn failures_are_gaps_with_their_kind() {
    for (how, kind, words) in [
        (Misbehaviour::Status(401, None), GapKind::Denied, "401"),
        (Misbehaviour::Status(429, Some(60)), GapKind::RateLimited, "429"),
        (Misbehaviour::Status(503, None), GapKind::Failed, "503"),
        (Misbehaviour::LoginPage, GapKind::Failed, "HTML page"),
        (Misbehaviour::WrongTypes, GapKind::Failed, "no list of pods"),
        (Misbehaviour::Cut, GapKind::Failed, "broke"),
        (Misbehaviour::Huge(17 * 1024 * 1024), GapKind::Failed, "more than 16.0 MiB"),
    ] {
        let lab = scene().await;
        lab.cluster.misbehave("/api/v1/namespaces/shop/pods", how.clone(), None);
        let answer = asked(&lab, "pods").await;
        assert!(answer.evidence.is_empty(), "{how:?}");
        assert_eq!(answer.gaps[0].kind, kind, "{how:?}: {:?}", answer.gaps);
        assert!(answer.gaps[0].reason.contains(words), "{how:?}: {:?}", answer.gaps);
    }
    let mut lab = scene().await;
    lab.cluster.misbehave("/api", Misbehaviour::Slow(Duration::from_secs(20)), None);
    lab.access.deadline = Instant::now() + Duration::from_millis(500);
    assert_eq!(asked(&lab, "pods").await.gaps[0].kind, GapKind::Deadline);
}

#[tokio::test]
async fn odd_objects_cost_only_themselves() {
    let lab = scene().await;
    for odd in [json!(7), json!({"metadata": {"name": 7}}), json!({"metadata": {"namespace": "shop", "name": ""}})] {
        let mut odd = odd;
        if odd.is_object() {
            odd["metadata"]["namespace"] = json!("shop");
        }
        lab.cluster.put("api/v1", "pods", odd);
    }
    let answer = asked(&lab, "pods").await;
    assert!(summaries(&answer)[0].starts_with("pods in namespace shop: 5,"));
    assert!(answer.evidence[0].truncated.as_deref().unwrap().contains("pods that could not be read: 2"));
}

#[tokio::test]
async fn without_a_namespace_all_are_asked_as_narrowly_as_can_be() {
    let lab = scene().await;
    let answer = ask(&PROVIDER, &lab.access, "pods", &input("labels", json!({"pod": "web-6f7b8c9d5f-k2m4n"}))).await;
    assert_eq!(summaries(&answer)[0], "pods in all namespaces: 1, not healthy: 0");
    assert_eq!(lab.cluster.asked("/api/v1/pods")[0].query["fieldSelector"], "metadata.name=web-6f7b8c9d5f-k2m4n");

    ask(&PROVIDER, &lab.access, "pods", &input("labels", json!({"node": "node-2"}))).await;
    assert_eq!(lab.cluster.asked("/api/v1/pods")[1].query["fieldSelector"], "spec.nodeName=node-2");

    let nothing = ask(&PROVIDER, &lab.access, "pods", &input("labels", json!({"severity": "page"}))).await;
    assert_eq!(nothing.gaps[0].kind, GapKind::NotRelevant);
    assert_eq!(lab.cluster.asked("/api/v1/pods").len(), 2, "an empty question is not sent");
}

#[tokio::test]
async fn what_the_alert_names_and_is_not_there_is_said() {
    let lab = scene().await;
    let answer =
        ask(&PROVIDER, &lab.access, "pods", &input("labels", json!({"namespace": "shop", "service": "billing"}))).await;
    assert_eq!(reasons(&answer), ["no pod in namespace shop is of billing"]);
    assert!(summaries(&answer)[0].starts_with("pods in namespace shop: 5,"));
}

#[test]
fn an_alert_is_relevant_when_it_names_something_of_kubernetes() {
    let relevance = |name: &str, pairs: &[(&str, &str)]| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
        matches!((query.relevance)(&alert(pairs)), Relevance::Ask(_))
    };
    assert!(relevance("pods", &[("namespace", "shop")]));
    assert!(relevance("logs", &[("service", "checkout")]));
    assert!(relevance("nodes", &[("node", "node-1")]));
    assert!(!relevance("logs", &[("namespace", "shop")]));
    assert!(!relevance("pods", &[("severity", "page"), ("alertname", "X")]));
    assert!(!relevance("pods", &[("pod", "x'; drop table pods")]), "no name of Kubernetes");
}

#[test]
fn inputs_fit_what_is_declared() {
    for query in PROVIDER.queries {
        let Relevance::Ask(inputs) = (query.relevance)(&alert(&[("namespace", "shop"), ("deployment", "checkout")]))
        else {
            panic!("{} is not asked", query.name)
        };
        for key in inputs.iter().flat_map(|input| input.0.keys()) {
            assert!(key == "left_out" || query.input.iter().any(|declared| declared.key == key), "{key}");
        }
        let _: &Json = &inputs[0].0["labels"];
    }
}
