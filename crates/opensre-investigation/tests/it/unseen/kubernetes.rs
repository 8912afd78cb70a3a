//! Incidents of clusters.

use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category::{
    self, CodeDefect, ConfigurationError, DependencyFailure, Infrastructure, ResourceExhaustion,
};
use opensre_providers::kubernetes::wire::{autoscaling, nodes, quotas, storage};
use serde_json::json;

use super::peers::{alert, at, container, deployment, event, pod, replica_set, state, warning};
use super::{Incident, wanted};
use crate::world::World;

const CONFIG: &[Category] = &[ConfigurationError];
const RESOURCE: &[Category] = &[ResourceExhaustion];
const INFRA: &[Category] = &[Infrastructure];
const CODE: &[Category] = &[CodeDefect];

pub(super) const INCIDENTS: &[Incident] = &[
    ("image pull", image_pull, wanted(CONFIG, &["image", "2.9.9"])),
    ("missing secret", missing_secret, wanted(CONFIG, &["payments-db"])),
    ("bad config", bad_config, wanted(CONFIG, &["config"])),
    ("oom", oom, wanted(RESOURCE, &["memory"])),
    ("no cpu to place", pending_cpu, wanted(RESOURCE, &["no room"])),
    ("taints", taints, wanted(&[ConfigurationError, Infrastructure], &["taint"])),
    ("claim unbound", claim_unbound, wanted(&[ConfigurationError, Infrastructure], &["fast-ssd"])),
    ("autoscaler at its limit", hpa_at_max, wanted(RESOURCE, &["cpu"]).considers(&["autoscaler"])),
    ("readiness 503 after rollout", readiness_after_rollout, wanted(CODE, &["rolled out"])),
    ("liveness refused without cause", liveness_refused, wanted(&[Category::Unknown], &[])),
    ("node under disk pressure", node_disk_pressure, wanted(INFRA, &["disk"])),
    ("evicted for memory", evicted, wanted(&[Infrastructure, ResourceExhaustion], &["evicted"])),
    ("quota exceeded", quota_exceeded, wanted(&[ResourceExhaustion, ConfigurationError], &["quota"])),
    ("cluster dns", cluster_dns, wanted(INFRA, &["resolve"])),
    ("network policy", network_policy, wanted(CONFIG, &["network policy"])),
    ("expired certificate", expired_certificate, wanted(CONFIG, &["certificate is expired"])),
    ("liveness kills a throttled container", throttled, wanted(RESOURCE, &["cpu"])),
    ("node not ready", node_not_ready, wanted(INFRA, &["ip-10-0-3-4"])),
    ("node pressure by metrics", pressure_by_metrics, wanted(INFRA, &["memory pressure"])),
    ("dependency of many", shared_database, wanted(&[DependencyFailure], &["inventory-db"])),
];

const CHECKOUT: &[(&str, &str)] =
    &[("namespace", "shop"), ("service", "checkout"), ("cluster", "prod-1"), ("severity", "critical")];
const OF_POD: &[(&str, &str)] =
    &[("namespace", "shop"), ("pod", "checkout-7d9f8b6c5d-x2v4z"), ("container", "checkout")];
const POD: &str = "checkout-7d9f8b6c5d-x2v4z";

fn image_pull() -> World {
    let mut world =
        alert("KubePodNotReady", OF_POD, "Pod shop/checkout-7d9f8b6c5d-x2v4z has been in a non-ready state");
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff",
        "message": "Back-off pulling image \"registry.example/checkout:2.9.9\""}});
    let mut status = container("checkout", waiting, json!({}), 0);
    status["phase"] = json!("Pending");
    let one = pod(&world, POD, Some("ip-10-0-3-4"), status);
    world.kube_pods(&[one]);
    let failed = "Failed to pull image \"registry.example/checkout:2.9.9\": rpc error: code = NotFound desc = failed to \
        pull and unpack image: registry.example/checkout:2.9.9: not found";
    let events = [
        warning(&world, (-6, 20), "Failed", ("Pod", POD), failed),
        warning(&world, (-6, 20), "Failed", ("Pod", POD), "Error: ImagePullBackOff"),
    ];
    world.kube_events(&events);
    let sets = [
        replica_set(&world, "checkout", 1, -600, "registry.example/checkout:2.9.8"),
        replica_set(&world, "checkout", 2, -6, "registry.example/checkout:2.9.9"),
    ];
    let whole = [deployment(&world, "checkout", 3, 4, "registry.example/checkout:2.9.9")];
    world.kube_rollouts(&sets, &whole);
    world
}

fn missing_secret() -> World {
    let mut world = alert("KubeDeploymentReplicasMismatch", &[("namespace", "shop"), ("deployment", "checkout")], "");
    let waiting =
        json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"payments-db\" not found"}});
    let one = pod(&world, POD, Some("n1"), container("checkout", waiting, json!({}), 0));
    world.kube_pods(&[one]);
    let events = [warning(&world, (-4, 22), "Failed", ("Pod", POD), "Error: secret \"payments-db\" not found")];
    world.kube_events(&events);
    world
}

fn bad_config() -> World {
    let mut world = alert("KubePodCrashLooping", OF_POD, "Pod is restarting 1.6 times / 10 minutes");
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "startedAt": at(&world, 24), "finishedAt": at(&world, 25),
        "message": "fatal: cannot parse configuration: cache.ttl: time: invalid duration \"5 minutes\""}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff",
        "message": "back-off 5m0s restarting failed container=checkout pod=checkout-7d9f8b6c5d-x2v4z"}});
    let one = pod(&world, POD, Some("n1"), container("checkout", waiting, ended, 7));
    world.kube_pods(&[one]);
    let events =
        [warning(&world, (-5, 26), "BackOff", ("Pod", POD), "Back-off restarting failed container checkout in pod")];
    world.kube_events(&events);
    let config = event(
        &world,
        EventKind::Change,
        -7,
        "config map checkout-config was changed",
        "by kubectl-edit",
        &[("namespace", "shop")],
    );
    world.events_of("kubernetes", "configuration", vec![config]);
    world.log(
        "kubernetes",
        OF_POD,
        &[(-5, 26, None, "fatal: cannot parse configuration: cache.ttl: time: invalid duration \"5 minutes\"")],
    );
    world
}

fn oom() -> World {
    let mut world = alert("KubeContainerRestarts", OF_POD, "");
    let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": at(&world, -3), "finishedAt": at(&world, 12)}});
    let running = json!({"running": {"startedAt": at(&world, 12)}});
    let one = pod(&world, POD, Some("n1"), container("checkout", running, ended, 4));
    world.kube_pods(&[one]);
    world
}

fn pending_cpu() -> World {
    let mut world = alert("KubePodPending", OF_POD, "");
    let why = "0/6 nodes are available: 6 Insufficient cpu. preemption: 0/6 nodes are available: 6 No preemption victims found for incoming pod.";
    let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": why, "lastTransitionTime": at(&world, -5)}]});
    let one = pod(&world, POD, None, status);
    world.kube_pods(&[one]);
    let events = [warning(&world, (-5, 25), "FailedScheduling", ("Pod", POD), why)];
    world.kube_events(&events);
    world
}

fn taints() -> World {
    let mut world = alert("KubePodPending", OF_POD, "");
    let why = "0/5 nodes are available: 5 node(s) had untolerated taint {dedicated: gpu}. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.";
    let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": why, "lastTransitionTime": at(&world, -5)}]});
    let one = pod(&world, POD, None, status);
    world.kube_pods(&[one]);
    let events = [warning(&world, (-5, 25), "FailedScheduling", ("Pod", POD), why)];
    world.kube_events(&events);
    world
}

fn claim_unbound() -> World {
    let mut world = alert("KubePodPending", &[("namespace", "shop"), ("pod", "ledger-0")], "");
    let why = "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/4 nodes are available";
    let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": why, "lastTransitionTime": at(&world, -5)}]});
    let one = json!({"metadata": {"name": "ledger-0", "namespace": "shop", "creationTimestamp": at(&world, -5),
        "ownerReferences": [{"kind": "StatefulSet", "name": "ledger", "controller": true}]}, "spec": {}, "status": status});
    world.kube_pods(&[one]);
    let events = [
        warning(&world, (-5, 25), "FailedScheduling", ("Pod", "ledger-0"), why),
        warning(
            &world,
            (-5, 27),
            "ProvisioningFailed",
            ("PersistentVolumeClaim", "data-ledger-0"),
            "storageclass.storage.k8s.io \"fast-ssd\" not found",
        ),
    ];
    world.kube_events(&events);
    let claim = json!({"metadata": {"name": "data-ledger-0", "namespace": "shop"}, "spec": {"storageClassName": "fast-ssd",
        "resources": {"requests": {"storage": "50Gi"}}}, "status": {"phase": "Pending"}});
    world.kube_states("storage", |now| storage::claim(&claim, now));
    world
}

fn hpa_at_max() -> World {
    let mut world = alert("CheckoutLatencyHigh", CHECKOUT, "p99 latency of checkout above 2 s");
    let own = [("service", "checkout"), ("namespace", "shop")];
    let slow = world.step(0.2, 3.4, -1, None);
    world.series(
        "histogram_quantile(0.99, sum by (service, le) (rate(http_request_duration_seconds_bucket[2m])))",
        Meaning::Latency,
        Some("seconds"),
        &own,
        slow,
    );
    let busy = world.step(0.45, 0.99, -3, None);
    world.series("sum by (pod) (rate(container_cpu_usage_seconds_total[2m])) / sum by (pod) (kube_pod_container_resource_limits)",
        Meaning::Cpu, Some("ratio"), &own, busy);
    let more = world.step(120.0, 390.0, -4, None);
    world.series("sum by (service) (rate(http_requests_total[2m]))", Meaning::Traffic, Some("per_second"), &own, more);
    let scaler = json!({"metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": {"kind": "Deployment", "name": "checkout"}},
        "status": {"currentReplicas": 6, "desiredReplicas": 6, "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "recommended size matches current size"},
            {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas",
             "message": "the desired replica count is more than the maximum replica count"}]}});
    world.kube_states("limits", |now| autoscaling::autoscaler(&scaler, now));
    world
}

fn readiness_after_rollout() -> World {
    let mut world = alert("KubeDeploymentReplicasMismatch", &[("namespace", "shop"), ("deployment", "checkout")], "");
    let running = json!({"running": {"startedAt": at(&world, -5)}});
    let one = pod(&world, POD, Some("n1"), container("checkout", running, json!({}), 0));
    world.kube_pods(&[one]);
    let events = [warning(
        &world,
        (-5, 28),
        "Unhealthy",
        ("Pod", POD),
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
    )];
    world.kube_events(&events);
    let sets = [
        replica_set(&world, "checkout", 1, -600, "registry.example/checkout:3.0.0"),
        replica_set(&world, "checkout", 2, -6, "registry.example/checkout:3.1.0"),
    ];
    let whole = [deployment(&world, "checkout", 2, 3, "registry.example/checkout:3.1.0")];
    world.kube_rollouts(&sets, &whole);
    world
}

fn liveness_refused() -> World {
    let mut world = alert("KubePodCrashLooping", OF_POD, "");
    let running = json!({"running": {"startedAt": at(&world, 22)}});
    let one = pod(&world, POD, Some("n1"), container("checkout", running, json!({}), 3));
    world.kube_pods(&[one]);
    let events = [warning(
        &world,
        (-1, 28),
        "Unhealthy",
        ("Pod", POD),
        "Liveness probe failed: Get \"http://10.2.3.4:8080/healthz\": dial tcp 10.2.3.4:8080: connect: connection refused",
    )];
    world.kube_events(&events);
    world
}

fn node(world: &World, ready: &str, kind: &str, reason: &str, message: &str) -> serde_json::Value {
    json!({"metadata": {"name": "ip-10-0-3-4"}, "status": {"conditions": [
        {"type": "Ready", "status": ready, "reason": if ready == "True" { "KubeletReady" } else { "NodeStatusUnknown" },
         "message": if ready == "True" { "kubelet is posting ready status" } else { "Kubelet stopped posting node status." },
         "lastTransitionTime": at(world, -3)},
        {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": at(world, -4)}]}})
}

fn node_disk_pressure() -> World {
    let mut world =
        alert("KubeNodePressure", &[("node", "ip-10-0-3-4"), ("cluster", "prod-1")], "node is under pressure");
    let object = node(&world, "True", "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure");
    world.kube_states("nodes", |now| nodes::node(&object, now));
    let events = [
        warning(
            &world,
            (-3, 20),
            "EvictionThresholdMet",
            ("Node", "ip-10-0-3-4"),
            "Attempting to reclaim ephemeral-storage",
        ),
        warning(
            &world,
            (-2, 24),
            "FreeDiskSpaceFailed",
            ("Node", "ip-10-0-3-4"),
            "Failed to garbage collect required amount of images. Attempted to free 4521230336 bytes, but only found 0 bytes eligible to free.",
        ),
        warning(
            &world,
            (-2, -2),
            "Evicted",
            ("Pod", POD),
            "The node was low on resource: ephemeral-storage. Threshold quantity: 3219965180, available: 2811224Ki.",
        ),
    ];
    world.kube_events(&events);
    world
}

fn evicted() -> World {
    let mut world = alert("KubePodNotReady", &[("namespace", "shop"), ("deployment", "checkout")], "");
    let mut gone = pod(
        &world,
        POD,
        Some("ip-10-0-3-4"),
        json!({"phase": "Failed", "reason": "Evicted",
        "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61232Ki. Container checkout was using 912Mi, request is 256Mi"}),
    );
    gone["status"]["conditions"] = json!([{"type": "Ready", "status": "False", "lastTransitionTime": at(&world, -2)}]);
    world.kube_pods(&[gone]);
    let events = [warning(&world, (-2, -2), "Evicted", ("Pod", POD), "The node was low on resource: memory.")];
    world.kube_events(&events);
    let object = node(
        &world,
        "True",
        "MemoryPressure",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
    );
    world.kube_states("nodes", |now| nodes::node(&object, now));
    world
}

fn quota_exceeded() -> World {
    let mut world = alert("KubeDeploymentReplicasMismatch", &[("namespace", "shop"), ("deployment", "checkout")], "");
    let events = [warning(
        &world,
        (-8, 25),
        "FailedCreate",
        ("ReplicaSet", "checkout-7d9f8b6c5d"),
        "Error creating: pods \"checkout-7d9f8b6c5d-k2x\" is forbidden: exceeded quota: compute, requested: limits.cpu=2, used: limits.cpu=20, limited: limits.cpu=20",
    )];
    world.kube_events(&events);
    let quota = json!({"metadata": {"name": "compute", "namespace": "shop"}, "status": {"hard": {"limits.cpu": "20"}, "used": {"limits.cpu": "20"}}});
    world.kube_states("limits", |now| quotas::quota(&quota, now));
    world
}

fn cluster_dns() -> World {
    let mut world = alert("HighErrorRate", CHECKOUT, "5xx ratio of checkout above 5 %");
    let points = world.step(0.002, 0.4, 0, None);
    world.series(
        "share of failed requests",
        Meaning::Errors,
        Some("ratio"),
        &[("service", "checkout"), ("namespace", "shop")],
        points,
    );
    world.log("kubernetes", CHECKOUT, &[
        (-1, 28, Some("error"), "charge {id}: Post \"http://payments.shop.svc.cluster.local/charge\": dial tcp: lookup payments.shop.svc.cluster.local on 10.96.0.10:53: read udp 10.2.0.7:51123->10.96.0.10:53: i/o timeout"),
        (-1, 28, Some("error"), "stock {id}: Get \"http://inventory.shop.svc.cluster.local/s\": dial tcp: lookup inventory.shop.svc.cluster.local on 10.96.0.10:53: read udp 10.2.0.7:51123->10.96.0.10:53: i/o timeout"),
    ]);
    let events = [warning(
        &world,
        (-3, 25),
        "Unhealthy",
        ("Pod", "coredns-5d78c9869d-6mqtb"),
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
    )];
    world.kube_events(&events);
    world
}

fn network_policy() -> World {
    let mut world = alert("HighErrorRate", CHECKOUT, "5xx ratio of checkout above 5 %");
    let points = world.step(0.002, 0.6, 0, None);
    world.series(
        "share of failed requests",
        Meaning::Errors,
        Some("ratio"),
        &[("service", "checkout"), ("namespace", "shop")],
        points,
    );
    world.log("kubernetes", CHECKOUT, &[(-1, 28, Some("error"), "order {id}: dial tcp 10.4.1.2:5432: i/o timeout")]);
    let change = event(
        &world,
        EventKind::Change,
        -2,
        "network policy default-deny-egress was made",
        "",
        &[("namespace", "shop")],
    );
    world.events_of("kubernetes", "network", vec![change]);
    let policy = state(
        &world,
        "network policy",
        "default-deny-egress",
        None,
        &[("namespace", "shop"), ("pods", "all"), ("egress", "nothing is let through")],
    );
    world.states_of("kubernetes", "network", vec![policy]);
    world
}

fn expired_certificate() -> World {
    let mut world = alert("IngressErrors", CHECKOUT, "");
    world.log("kubernetes", CHECKOUT, &[(0, 28, Some("error"),
        "webhook {id} failed: Post \"https://fraud.internal:8443/check\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-03-14T10:03:11Z is after 2026-03-14T10:00:00Z")]);
    world
}

fn throttled() -> World {
    let mut world = alert("KubeContainerRestarts", OF_POD, "");
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 137, "startedAt": at(&world, 2), "finishedAt": at(&world, 9)}});
    let running = json!({"running": {"startedAt": at(&world, 9)}});
    let one = pod(&world, POD, Some("n1"), container("checkout", running, ended, 5));
    world.kube_pods(&[one]);
    let events = [warning(
        &world,
        (-2, 26),
        "Unhealthy",
        ("Pod", POD),
        "Liveness probe failed: Get \"http://10.2.3.4:8080/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    )];
    world.kube_events(&events);
    let own = [("pod", POD), ("container", "checkout"), ("namespace", "shop")];
    let points = world.step(0.02, 0.97, -4, None);
    world.series("sum by (pod, container) (rate(container_cpu_cfs_throttled_periods_total[2m])) / sum by (pod, container) (rate(container_cpu_cfs_periods_total[2m]))",
        Meaning::Cpu, Some("ratio"), &own, points);
    world
}

fn node_not_ready() -> World {
    let mut world = alert("KubeNodeNotReady", &[("node", "ip-10-0-3-4"), ("cluster", "prod-1")], "");
    let object =
        node(&world, "Unknown", "NetworkUnavailable", "NodeStatusUnknown", "Kubelet stopped posting node status.");
    world.kube_states("nodes", |now| nodes::node(&object, now));
    let events = [
        json!({"type": "Normal", "reason": "NodeNotReady", "message": "Node ip-10-0-3-4 status is now: NodeNotReady",
        "firstTimestamp": at(&world, -3), "lastTimestamp": at(&world, -3), "involvedObject": {"kind": "Node", "name": "ip-10-0-3-4"}}),
    ];
    world.kube_events(&events);
    world
}

fn pressure_by_metrics() -> World {
    let mut world =
        alert("KubePodEvicted", &[("namespace", "shop"), ("deployment", "checkout"), ("node", "ip-10-0-3-4")], "");
    let start = world.at(-3);
    let points = world.points(|time, _| f64::from(u8::from(time >= start)));
    world.series(
        "max by (node, condition) (kube_node_status_condition{condition!=\"Ready\",status=\"true\"})",
        Meaning::Other,
        None,
        &[("node", "ip-10-0-3-4"), ("condition", "MemoryPressure")],
        points,
    );
    let rest = world.points(|_, _| 0.0);
    world.series(
        "max by (node, condition) (kube_node_status_condition{condition!=\"Ready\",status=\"true\"})",
        Meaning::Other,
        None,
        &[("node", "ip-10-0-3-4"), ("condition", "PIDPressure")],
        rest,
    );
    world
}

fn shared_database() -> World {
    let mut world = alert("HighErrorRate", CHECKOUT, "");
    let points = world.step(0.002, 0.3, 0, None);
    world.series(
        "share of failed requests",
        Meaning::Errors,
        Some("ratio"),
        &[("service", "checkout"), ("namespace", "shop")],
        points,
    );
    world.log("kubernetes", CHECKOUT, &[(-1, 28, Some("error"),
        "reserve {id}: pq: could not connect to server: connection to server at \"inventory-db\" (10.4.0.9), port 5432 failed: Connection refused")]);
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 2, "startedAt": at(&world, -90), "finishedAt": at(&world, -2)}});
    let waiting =
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}});
    let mut other = pod(&world, "inventory-db-0", Some("n2"), container("postgres", waiting, ended, 6));
    other["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "inventory-db", "controller": true}]);
    other["metadata"]["labels"] = json!({"app": "inventory-db"});
    world.kube_pods(&[other]);
    world
}
