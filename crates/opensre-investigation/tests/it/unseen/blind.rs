//! Incidents that were written after the rules; how many were right at once is in the commit that brought them.

use jiff::SignedDuration;
use opensre_model::alert::AlertState;
use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category::{
    self, CodeDefect, ConfigurationError, DataQuality, DependencyFailure, Healthy, Infrastructure, ResourceExhaustion,
    Unknown,
};
use opensre_providers::kubernetes::wire::nodes;
use serde_json::json;

use super::peers::{Hop, alert, at, container, event, pod, state, warning};
use super::{Incident, wanted};
use crate::world::World;

const CONFIG: &[Category] = &[ConfigurationError];
const CODE: &[Category] = &[CodeDefect];

pub(super) const INCIDENTS: &[Incident] = &[
    ("migration left dirty", dirty_migration, wanted(CODE, &["migration"])),
    ("cache full", cache_full, wanted(&[ResourceExhaustion, DependencyFailure], &["memory"])),
    ("producer sends other records", producer, wanted(&[DataQuality, CodeDefect], &["email"])),
    ("a zone is gone", zone, wanted(&[Infrastructure], &[])),
    ("slow search behind the gateway", search, wanted(&[DependencyFailure, ResourceExhaustion], &["search"])),
    ("job without its database", no_database, wanted(CONFIG, &["analytics"])),
    ("leak since a deployment", leak, wanted(&[ResourceExhaustion], &["memory"])),
    ("vault is sealed", vault, wanted(&[DependencyFailure], &["vault"])),
    ("security group was closed", security_group, wanted(CONFIG, &["revokesecuritygroupingress"])),
    ("resolved and well", resolved, wanted(&[Healthy], &[])),
    ("slow for no reason that is seen", slow, wanted(&[Unknown], &[]).at_most(0.3)),
    ("deadlocks since a deployment", deadlocks, wanted(CODE, &["deadlock", "7.3.0"])),
    ("typo in a config map", typo, wanted(CONFIG, &["checkout-config"])),
    ("degraded for three days", three_days, wanted(CONFIG, &["image"])),
    ("queue without consumers", no_consumers, wanted(&[CodeDefect, Unknown, Infrastructure], &[])),
];

const OWN: &[(&str, &str)] = &[("service", "checkout"), ("namespace", "shop")];

fn errors(world: &mut World, bad: f64, from: i64) {
    let points = world.step(0.001, bad, from, None);
    world.series(
        "sum by (service) (rate(http_requests_total{code=~\"5..\"}[2m])) / sum by (service) (rate(http_requests_total[2m]))",
        Meaning::Errors,
        Some("ratio"),
        OWN,
        points,
    );
}

fn dirty_migration() -> World {
    let mut world = alert("KubePodCrashLooping", &[("namespace", "shop"), ("pod", "ledger-6c8d7b5f4d-tq8vn")], "");
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 1, "startedAt": at(&world, 20), "finishedAt": at(&world, 20),
        "message": "error: Dirty database version 42. Fix and force version."}});
    let status = json!({"phase": "Pending", "initContainerStatuses": [{"name": "migrate", "ready": false, "restartCount": 6,
        "image": "registry.example/ledger-migrate:42", "lastState": ended,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 2m40s restarting failed container=migrate"}}}]});
    let one = pod(&world, "ledger-6c8d7b5f4d-tq8vn", Some("n1"), status);
    world.kube_pods(&[one]);
    let events = [warning(
        &world,
        (-3, 25),
        "BackOff",
        ("Pod", "ledger-6c8d7b5f4d-tq8vn"),
        "Back-off restarting failed container migrate in pod ledger-6c8d7b5f4d-tq8vn_shop",
    )];
    world.kube_events(&events);
    world
}

fn cache_full() -> World {
    let mut world = alert("CheckoutErrors", OWN, "");
    errors(&mut world, 0.2, -1);
    world.log("loki", OWN, &[(-1, 28, Some("error"),
        "cart {id} not stored: redis.exceptions.ResponseError: OOM command not allowed when used memory > 'maxmemory'.")]);
    let points = world.line(0.8, 1.0, (-50, -2));
    world.series(
        "redis_memory_used_bytes / (redis_memory_max_bytes > 0)",
        Meaning::Memory,
        Some("ratio"),
        &[("service", "redis-carts"), ("namespace", "shop")],
        points,
    );
    world
}

fn producer() -> World {
    let mut world = alert("DeadLetterQueueGrows", &[("service", "crm-sync"), ("QueueName", "crm-dlq")], "");
    let depth = world.line(0.0, 900.0, (-2, 29));
    world.cloudwatch(
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        Meaning::Pool,
        None,
        ("QueueName", "crm-dlq"),
        depth,
    );
    world.log(
        "aws",
        &[("service", "crm-sync")],
        &[(
            -2,
            28,
            Some("error"),
            "message {id} moved to crm-dlq: jsonschema.exceptions.ValidationError: 'email' is a required property",
        )],
    );
    let other = event(&world, EventKind::Deploy, -4, "Deployed signup 12.0.0", "", &[("service", "signup")]);
    world.events_of("datadog", "events", vec![other]);
    world
}

fn zone() -> World {
    let mut world = alert(
        "ManyPodsNotReady",
        &[("cluster", "prod-1"), ("namespace", "shop")],
        "more than a third of the pods in shop is not ready",
    );
    for name in ["ip-10-0-3-4", "ip-10-0-3-9", "ip-10-0-3-17"] {
        let object = json!({"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": "eu-central-1c"}}, "status": {"conditions": [
            {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.", "lastTransitionTime": at(&world, -2)}]}});
        world.kube_states("nodes", |now| nodes::node(&object, now));
    }
    let events: Vec<_> = ["ip-10-0-3-4", "ip-10-0-3-9", "ip-10-0-3-17"].iter().map(|name| json!({"type": "Normal", "reason": "NodeNotReady",
        "message": format!("Node {name} status is now: NodeNotReady"), "firstTimestamp": at(&world, -2), "lastTimestamp": at(&world, -2),
        "involvedObject": {"kind": "Node", "name": name}})).collect();
    world.kube_events(&events);
    world
}

fn search() -> World {
    let mut world = alert("Gateway5xx", &[("service", "gateway")], "504 of the gateway");
    let path = [
        Hop {
            service: "gateway",
            name: "GET /find",
            usual_ms: 80.0,
            bad_ms: 3000.0,
            error: Some("504 Gateway Timeout"),
            ..Hop::default()
        },
        Hop {
            service: "gateway",
            name: "HTTP GET",
            usual_ms: 75.0,
            bad_ms: 2990.0,
            error: Some("context deadline exceeded"),
            attributes: &[("span.kind", "client"), ("peer.service", "search")],
        },
    ];
    world.requests("tempo", &path, -3);
    let busy = world.step(0.4, 1.0, -5, None);
    world.series("sum by (service) (rate(container_cpu_usage_seconds_total[2m])) / sum by (service) (kube_pod_container_resource_limits)",
        Meaning::Cpu, Some("ratio"), &[("service", "search")], busy);
    world
}

fn no_database() -> World {
    let mut world = alert(
        "KubeJobFailed",
        &[("namespace", "shop"), ("job_name", "nightly-rollup"), ("service", "nightly-rollup")],
        "",
    );
    world.log("kubernetes", &[("service", "nightly-rollup"), ("namespace", "shop"), ("pod", "nightly-rollup-28991-8zk2p")], &[(-2, 4, None,
        "psycopg2.OperationalError: connection to server at \"pg.internal\" (10.4.0.9), port 5432 failed: FATAL:  database \"analytics\" does not exist")]);
    let failed = state(
        &world,
        "job",
        "nightly-rollup-28991",
        Some(false),
        &[
            ("namespace", "shop"),
            ("job", "nightly-rollup-28991"),
            ("cronjob", "nightly-rollup"),
            ("condition", "job failed: BackoffLimitExceeded: Job has reached the specified backoff limit"),
            ("pods", "0 active, 0 succeeded, 4 failed"),
        ],
    );
    world.states_of("kubernetes", "jobs", vec![failed]);
    world
}

fn leak() -> World {
    let mut world = alert("ContainerMemoryNearLimit", OWN, "");
    let points = world.line(0.35, 0.99, (-55, 8));
    world.series("sum by (pod, container) (container_memory_working_set_bytes) / sum by (pod, container) (kube_pod_container_resource_limits{resource=\"memory\"})",
        Meaning::Memory, Some("ratio"), &[("service", "checkout"), ("pod", "checkout-7d9f8b6c5d-x2v4z"), ("container", "checkout"), ("namespace", "shop")], points);
    let marker = event(&world, EventKind::Deploy, -58, "Deployed checkout 5.0.0", "", &[("service", "checkout")]);
    world.events_of("datadog", "events", vec![marker]);
    world
}

fn vault() -> World {
    let mut world = alert("PaymentsDown", &[("service", "payments"), ("env", "prod")], "");
    world.log("coralogix", &[("service", "payments"), ("env", "prod")], &[(-1, 28, Some("error"),
        "cannot sign charge {id}: Error making API request. URL: PUT https://vault.internal:8200/v1/transit/sign/payments Code: 503. Errors: * Vault is sealed")]);
    world
}

fn security_group() -> World {
    let mut world = alert("OrdersErrors", &[("service", "orders"), ("region", "eu-central-1")], "");
    world.log(
        "aws",
        &[("service", "orders")],
        &[(-1, 28, Some("error"), "Error: connect ETIMEDOUT 10.0.7.12:5432 while saving order {id}")],
    );
    let closed =
        event(&world, EventKind::Change, -2, "RevokeSecurityGroupIngress on sg-0a1b2c3d4e5f", "by terraform-ci", &[]);
    world.events_of("aws", "changes", vec![closed]);
    world
}

fn resolved() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    world.alert.state = AlertState::Resolved;
    world.alert.ends_at = Some(world.at(9));
    let points = world.step(0.001, 0.2, -1, Some(8));
    world.condition(0.05, points.clone());
    world.series("share of failed requests", Meaning::Errors, Some("ratio"), OWN, points);
    let running = json!({"running": {"startedAt": at(&world, -5000)}});
    let mut status = container("checkout", running, json!({}), 0);
    status["containerStatuses"][0]["ready"] = json!(true);
    let one = pod(&world, "checkout-7d9f8b6c5d-x2v4z", Some("n1"), status);
    world.kube_pods(&[one]);
    world
}

fn slow() -> World {
    let mut world = alert("HighLatency", OWN, "");
    let points = world.step(0.2, 1.4, -1, None);
    world.series(
        "histogram_quantile(0.99, sum by (service, le) (rate(http_request_duration_seconds_bucket[2m])))",
        Meaning::Latency,
        Some("seconds"),
        OWN,
        points,
    );
    let other = event(&world, EventKind::Deploy, -6, "Deployed newsletter 3.3.0", "", &[("service", "newsletter")]);
    world.events_of("datadog", "events", vec![other]);
    world.log("loki", OWN, &[]);
    world
}

fn deadlocks() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.1, -2);
    world.log("loki", OWN, &[(-2, 28, Some("error"),
        "org.postgresql.util.PSQLException: ERROR: deadlock detected Detail: Process 4711 waits for ShareLock on transaction 882{id}; blocked by process 4712.")]);
    let marker = event(
        &world,
        EventKind::Deploy,
        -3,
        "checkout 7.3.0 rolled out",
        "",
        &[("service", "checkout"), ("version", "7.3.0")],
    );
    world.events_of("grafana", "annotations", vec![marker]);
    world
}

fn typo() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.9, -1);
    world.log(
        "kubernetes",
        OWN,
        &[(-1, 28, Some("error"), "charge {id} failed: getaddrinfo ENOTFOUND paymnets.shop.svc.cluster.local")],
    );
    let change = event(
        &world,
        EventKind::Change,
        -2,
        "config map checkout-config was changed",
        "by kubectl-edit",
        &[("namespace", "shop")],
    );
    world.events_of("kubernetes", "configuration", vec![change]);
    world
}

fn three_days() -> World {
    let mut world = alert("ArgoCDAppDegraded", &[("service", "checkout"), ("argocd_app", "checkout")], "");
    let since = at(&world, -2);
    let mut app = state(
        &world,
        "application",
        "checkout",
        Some(false),
        &[("service", "checkout"), ("argocd_app", "checkout"), ("health", "Degraded"), ("health_since", &since)],
    );
    let mut one = state(
        &world,
        "pod",
        "checkout-7d9f8b6c5d-x2v4z",
        Some(false),
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("health", "Degraded"),
            ("message", "Back-off pulling image \"registry.example/checkout:9.9.9\": ErrImagePull: not found"),
        ],
    );
    for state in [&mut app, &mut one] {
        state.observed_at += SignedDuration::from_hours(72);
    }
    world.states_of("argocd", "applications", vec![app, one]);
    world
}

fn no_consumers() -> World {
    let mut world = alert("RabbitQueueBacklog", &[("service", "mailer"), ("queue", "mail")], "");
    let points = world.line(3.0, 40_000.0, (-3, 29));
    world.series(
        "rabbitmq_queue_messages_ready",
        Meaning::Pool,
        None,
        &[("queue", "mail"), ("service", "mailer")],
        points,
    );
    let points = world.step(3.0, 0.0, -4, None);
    world.series("rabbitmq_queue_consumers", Meaning::Other, None, &[("queue", "mail"), ("service", "mailer")], points);
    let marker = event(&world, EventKind::Deploy, -5, "Deployed mailer 2.2.0", "", &[("service", "mailer")]);
    world.events_of("datadog", "events", vec![marker]);
    world
}
