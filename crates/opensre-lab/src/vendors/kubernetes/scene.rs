//! What a cluster holds after a bad rollout: checkout 1.8.0 needs more memory than it may use.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Cluster;

/// A value that stands in an environment variable, a config map and a secret, and must never be seen outside.
pub const CANARY: &str = "canary-value-c3f1";

/// Fills a cluster with the scene, in the namespace `shop`; the alert begins at `onset`.
pub fn bad_rollout(cluster: &Cluster, onset: Timestamp) {
    let at = |minutes: i64| -> String {
        onset.checked_add(SignedDuration::from_mins(minutes)).map(|time| time.to_string()).unwrap_or_default()
    };
    workloads(cluster, &at);
    pods(cluster, &at);
    events(cluster, &at);
    nodes(cluster, &at);
    network(cluster, &at);
    surroundings(cluster, &at);
    configuration(cluster, &at);
    logs(cluster, &at);
}

type At<'a> = &'a dyn Fn(i64) -> String;

fn meta(name: &str, created: &str) -> Value {
    json!({"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "creationTimestamp": created})
}

fn owned(mut meta: Value, kind: &str, name: &str, labels: Value) -> Value {
    meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true}]);
    meta["labels"] = labels;
    meta
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{
        "name": "api", "image": image, "env": [{"name": "DB_PASSWORD", "value": CANARY}],
        "resources": {"limits": {"memory": "256Mi", "cpu": "500m"}},
    }]}})
}

fn workloads(cluster: &Cluster, at: At<'_>) {
    let mut checkout = meta("checkout", &at(-100_000));
    checkout["annotations"] = json!({"deployment.kubernetes.io/revision": "12"});
    checkout["labels"] = json!({"app": "checkout"});
    cluster.put(
        "apis/apps/v1",
        "deployments",
        json!({
            "metadata": checkout,
            "spec": {"replicas": 3, "template": template("registry.example/checkout:1.8.0")},
            "status": {"replicas": 3, "readyReplicas": 1, "updatedReplicas": 2, "conditions": [
                {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable",
                 "message": "Deployment does not have minimum availability.", "lastTransitionTime": at(-2)},
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": at(-9),
                 "lastTransitionTime": at(-100_000)},
            ]},
        }),
    );
    cluster.put(
        "apis/apps/v1",
        "deployments",
        json!({
            "metadata": meta("web", &at(-100_000)),
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1},
        }),
    );
    for (hash, revision, image, created) in [
        ("7c9d8f6b54", "11", "registry.example/checkout:1.7.3", at(-10_000)),
        ("6d5f8b7c9d", "12", "registry.example/checkout:1.8.0", at(-10)),
    ] {
        let mut meta =
            owned(meta(&format!("checkout-{hash}"), &created), "Deployment", "checkout", json!({"app": "checkout"}));
        meta["annotations"] = json!({"deployment.kubernetes.io/revision": revision});
        cluster.put("apis/apps/v1", "replicasets", json!({"metadata": meta, "spec": {"template": template(image)}}));
    }
    let metadata = owned(meta("db-5f8c", &at(-50_000)), "StatefulSet", "db", json!({}));
    cluster.put("apis/apps/v1", "controllerrevisions", json!({"metadata": metadata, "data": {"secret": CANARY}}));
}

fn pod(name: &str, app: &str, owner: &str, created: &str, spec: &Value, status: &Value) -> Value {
    json!({"metadata": owned(meta(name, created), "ReplicaSet", owner, json!({"app": app})), "spec": spec, "status": status})
}

fn pods(cluster: &Cluster, at: At<'_>) {
    let spec =
        json!({"nodeName": "node-2", "containers": template("registry.example/checkout:1.8.0")["spec"]["containers"]});
    let killed =
        json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": at(-5), "finishedAt": at(-3)}});
    cluster.put(
        "api/v1",
        "pods",
        pod(
            "checkout-6d5f8b7c9d-x2v4z",
            "checkout",
            "checkout-6d5f8b7c9d",
            &at(-10),
            &spec,
            &json!({
                "phase": "Running", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at(-3)}],
                "containerStatuses": [{
                    "name": "api", "image": "registry.example/checkout:1.8.0", "ready": false, "restartCount": 5,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message":
                        "back-off 2m40s restarting failed container=api pod=checkout-6d5f8b7c9d-x2v4z_shop(uid)"}},
                    "lastState": killed,
                }],
            }),
        ),
    );
    cluster.put("api/v1", "pods", pod("checkout-6d5f8b7c9d-b7k9m", "checkout", "checkout-6d5f8b7c9d", &at(-10), &json!({}), &json!({
        "phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.", "lastTransitionTime": at(-10)}],
    })));
    let running = |image: &str, since: String| {
        json!({
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "api", "image": image, "ready": true, "restartCount": 0,
                "state": {"running": {"startedAt": since}}}],
        })
    };
    cluster.put(
        "api/v1",
        "pods",
        pod(
            "checkout-7c9d8f6b54-q8w6t",
            "checkout",
            "checkout-7c9d8f6b54",
            &at(-10_000),
            &spec,
            &running("registry.example/checkout:1.7.3", at(-10_000)),
        ),
    );
    cluster.put("api/v1", "pods", pod("cart-5b6c7d8f9g-w4x8z", "cart", "cart-5b6c7d8f9g", &at(-20), &json!({}), &json!({
        "phase": "Pending",
        "containerStatuses": [{"name": "cart", "image": "registry.example/cart:2", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"registry.example/cart:2\""}}}],
    })));
    cluster.put(
        "api/v1",
        "pods",
        pod(
            "web-6f7b8c9d5f-k2m4n",
            "web",
            "web-6f7b8c9d5f",
            &at(-9_000),
            &json!({}),
            &running("registry.example/web:3", at(-9_000)),
        ),
    );
    cluster.put(
        "api/v1",
        "pods",
        pod(
            "web-6f7b8c9d5f-old42",
            "web",
            "web-6f7b8c9d5f",
            &at(-9_000),
            &json!({}),
            &json!({
                "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
                "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at(-8_000)}],
            }),
        ),
    );
    cluster.put(
        "apis/metrics.k8s.io/v1beta1",
        "pods",
        json!({
            "metadata": meta("checkout-6d5f8b7c9d-x2v4z", &at(0)), "timestamp": at(0), "window": "30s",
            "containers": [{"name": "api", "usage": {"cpu": "120000000n", "memory": "255000Ki"}}],
        }),
    );
}

fn event(name: &str, kind: &str, object: &str, reason: &str, message: &str, times: (String, String, u32)) -> Value {
    let (first, last, count) = times;
    let warning = !matches!(reason, "ScalingReplicaSet" | "Pulled" | "SuccessfulRescale");
    let namespace = if kind == "Node" { "default" } else { "shop" };
    json!({
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": first},
        "involvedObject": {"kind": kind, "name": object, "namespace": if kind == "Node" { "" } else { "shop" }},
        "type": if warning { "Warning" } else { "Normal" }, "reason": reason, "message": message,
        "firstTimestamp": first, "lastTimestamp": last, "count": count, "source": {"component": "kubelet"},
    })
}

fn events(cluster: &Cluster, at: At<'_>) {
    let pod = "checkout-6d5f8b7c9d-x2v4z";
    for event in [
        event("e1", "Pod", pod, "BackOff", "Back-off restarting failed container api in pod", (at(-6), at(20), 30)),
        event(
            "e2",
            "Pod",
            "checkout-6d5f8b7c9d-b7k9m",
            "FailedScheduling",
            "0/3 nodes are available: 3 Insufficient memory.",
            (at(-10), at(-10), 1),
        ),
        event("e3", "Pod", pod, "Pulled", "Container image already present on machine", (at(-4), at(-4), 1)),
        event(
            "e4",
            "Deployment",
            "checkout",
            "ScalingReplicaSet",
            "Scaled up replica set checkout-6d5f8b7c9d to 2",
            (at(-10), at(-10), 1),
        ),
        event(
            "e5",
            "Pod",
            "web-6f7b8c9d5f-old42",
            "Evicted",
            "The node was low on resource: memory.",
            (at(-2_000), at(-2_000), 1),
        ),
        event("e6", "Node", "node-2", "EvictionThresholdMet", "Attempting to reclaim memory", (at(-4), at(-4), 1)),
        event("e7", "HorizontalPodAutoscaler", "web", "SuccessfulRescale", "New size: 4", (at(-60), at(-60), 1)),
        event(
            "e8",
            "Deployment",
            "web",
            "ScalingReplicaSet",
            "Scaled up replica set web-6f7b8c9d5f to 4",
            (at(-60), at(-60), 1),
        ),
    ] {
        cluster.put("api/v1", "events", event);
    }
}

fn nodes(cluster: &Cluster, at: At<'_>) {
    for (name, ready, pressure) in
        [("node-1", "True", "False"), ("node-2", "False", "True"), ("node-3", "True", "False")]
    {
        let reason = if ready == "True" { "KubeletReady" } else { "NodeStatusUnknown" };
        cluster.put("api/v1", "nodes", json!({
            "metadata": {"name": name, "creationTimestamp": at(-100_000), "labels": {"node.kubernetes.io/instance-type": "m5.large"}},
            "spec": {"unschedulable": name == "node-3"},
            "status": {"nodeInfo": {"kubeletVersion": "v1.33.4"}, "conditions": [
                {"type": "MemoryPressure", "status": pressure, "reason": "KubeletHasInsufficientMemory",
                 "message": "kubelet has insufficient memory available", "lastTransitionTime": at(-4)},
                {"type": "Ready", "status": ready, "reason": reason, "message": "", "lastTransitionTime": at(-4)},
            ]},
        }));
    }
}

fn network(cluster: &Cluster, at: At<'_>) {
    for (name, ready) in [("checkout", false), ("web", true)] {
        cluster.put(
            "api/v1",
            "services",
            json!({
                "metadata": meta(name, &at(-100_000)),
                "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": 80, "protocol": "TCP"}]},
            }),
        );
        let mut slice = meta(&format!("{name}-abcde"), &at(-100_000));
        slice["labels"] = json!({"kubernetes.io/service-name": name});
        cluster.put(
            "apis/discovery.k8s.io/v1",
            "endpointslices",
            json!({
                "metadata": slice, "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": ready}}],
            }),
        );
    }
    cluster.put(
        "apis/networking.k8s.io/v1",
        "ingresses",
        json!({
            "metadata": meta("shop", &at(-100_000)),
            "spec": {"rules": [{"host": "shop.example", "http": {"paths": [
                {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
                {"path": "/pay", "backend": {"service": {"name": "payments", "port": {"number": 80}}}},
            ]}}]},
        }),
    );
    cluster.put(
        "apis/networking.k8s.io/v1",
        "networkpolicies",
        json!({
            "metadata": meta("deny-all", &at(-7)), "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        }),
    );
}

fn surroundings(cluster: &Cluster, at: At<'_>) {
    cluster.put("api/v1", "resourcequotas", json!({
        "metadata": meta("compute", &at(-100_000)),
        "status": {"hard": {"limits.memory": "1Gi", "pods": "50"}, "used": {"limits.memory": "1024Mi", "pods": "6"}},
    }));
    cluster.put(
        "api/v1",
        "limitranges",
        json!({
            "metadata": meta("defaults", &at(-100_000)),
            "spec": {"limits": [{"type": "Container", "default": {"memory": "256Mi"}, "max": {"memory": "512Mi"}}]},
        }),
    );
    cluster.put(
        "apis/autoscaling/v2",
        "horizontalpodautoscalers",
        json!({
            "metadata": meta("checkout", &at(-100_000)),
            "spec": {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "checkout"}},
            "status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": [
                {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas",
                 "message": "the desired replica count is more than the maximum replica count"}]},
        }),
    );
    cluster.put("api/v1", "persistentvolumeclaims", json!({
        "metadata": meta("data-db-0", &at(-30)),
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}}, "status": {"phase": "Pending"},
    }));
    let job = owned(meta("report-28571040", &at(-60)), "CronJob", "report", json!({}));
    cluster.put(
        "apis/batch/v1",
        "jobs",
        json!({
            "metadata": job, "status": {"failed": 3, "startTime": at(-60), "conditions": [
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
                 "message": "Job has reached the specified backoff limit", "lastTransitionTime": at(-40)}]},
        }),
    );
    cluster.put(
        "apis/batch/v1",
        "cronjobs",
        json!({
            "metadata": meta("report", &at(-100_000)), "spec": {"schedule": "0 * * * *", "suspend": false},
            "status": {"lastScheduleTime": at(-60)},
        }),
    );
}

fn configuration(cluster: &Cluster, at: At<'_>) {
    let mut config = meta("checkout-config", &at(-100_000));
    config["managedFields"] = json!([
        {"manager": "helm", "operation": "Update", "time": at(-90_000)},
        {"manager": "kubectl-edit", "operation": "Update", "time": at(-8)},
        {"manager": "controller", "operation": "Update", "subresource": "status", "time": at(5)},
    ]);
    cluster.put("api/v1", "configmaps", json!({"metadata": config, "data": {"password": CANARY}}));
    cluster.put(
        "api/v1",
        "configmaps",
        json!({"metadata": meta("kube-root-ca.crt", &at(-100_000)), "data": {"ca": CANARY}}),
    );
    cluster.put(
        "api/v1",
        "secrets",
        json!({
            "metadata": meta("checkout-db", &at(-100_000)), "type": "Opaque", "data": {"password": CANARY},
        }),
    );
    let mut release = meta("sh.helm.release.v1.checkout.v12", &at(-11));
    release["labels"] = json!({"owner": "helm", "name": "checkout", "version": "12", "status": "deployed"});
    cluster.put(
        "api/v1",
        "secrets",
        json!({"metadata": release, "type": "helm.sh/release.v1", "data": {"release": CANARY}}),
    );
}

fn logs(cluster: &Cluster, at: At<'_>) {
    let pod = "checkout-6d5f8b7c9d-x2v4z";
    let previous = [
        format!("{} INFO loading the catalogue", at(-5)),
        format!("{} ERROR java.lang.OutOfMemoryError: Java heap space", at(-3)),
    ];
    cluster.log("shop", pod, "api", true, &(previous.join("\n") + "\n"));
    cluster.log("shop", pod, "api", false, "");
    let healthy = "checkout-7c9d8f6b54-q8w6t";
    let lines: Vec<String> = (-120..60)
        .map(|minute| format!("{} INFO served a request in {} ms", at(minute), 40 + minute.rem_euclid(7)))
        .collect();
    cluster.log("shop", healthy, "api", false, &(lines.join("\n") + "\n"));
}
