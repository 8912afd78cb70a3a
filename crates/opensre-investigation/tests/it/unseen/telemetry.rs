//! Incidents seen by metrics, logs, traces and delivery.

use opensre_model::evidence::{EventKind, GapKind, Meaning};
use opensre_model::report::Category::{
    self, CodeDefect, ConfigurationError, DataQuality, DependencyFailure, Healthy, Infrastructure, ResourceExhaustion,
    Unknown,
};

use super::peers::{Hop, alert, event, state};
use super::{Incident, wanted};
use crate::world::World;

const CONFIG: &[Category] = &[ConfigurationError];
const RESOURCE: &[Category] = &[ResourceExhaustion];
const CODE: &[Category] = &[CodeDefect];

pub(super) const INCIDENTS: &[Incident] = &[
    ("exceptions after a deployment marker", datadog_deploy, wanted(CODE, &["1.8.0"])),
    ("slow query in traces", slow_query, wanted(&[DependencyFailure], &["orders"])),
    ("bad records", bad_records, wanted(&[DataQuality], &[])),
    ("disk fills", disk_fills, wanted(RESOURCE, &["disk"])),
    ("errors after a deployment, no logs", deploy_no_logs, wanted(CODE, &["4.2.0"])),
    ("worker threads used up", thread_pool, wanted(RESOURCE, &["pool"])),
    ("consumer lag by load", consumer_lag, wanted(RESOURCE, &[])),
    ("certificate runs out", cert_expiry, wanted(CONFIG, &["certificate"])),
    ("target down", target_down, wanted(&[Infrastructure, Unknown], &[]).at_most(0.8)),
    ("clock skew", clock_skew, wanted(&[Infrastructure, ConfigurationError], &["clock"])),
    ("sync failed", sync_failed, wanted(CONFIG, &["invalid"])),
    ("degraded after rollout", degraded, wanted(CODE, &["deployed at 4f9c1d2"])),
    ("one rollout, three witnesses", three_witnesses, wanted(CODE, &["4f9c1d2"])),
    ("healthy: over by itself", false_alarm, wanted(&[Healthy], &[])),
    (
        "contradiction",
        contradiction,
        wanted(&[Unknown, CodeDefect, DependencyFailure], &[]).at_most(0.65).considers(&["payments-db", "deploy"]),
    ),
    ("denied everywhere", denied, wanted(&[Unknown], &[]).at_most(0.1)),
    (
        "two faults at once",
        two_faults,
        wanted(&[ResourceExhaustion, ConfigurationError], &[]).at_most(0.75).considers(&["memory", "certificate"]),
    ),
    ("words of a commit", commit_words, wanted(CODE, &["2.0.1"])),
    ("feature flag", feature_flag, wanted(CONFIG, &["new-pricing"])),
    ("traffic gone upstream", traffic_gone, wanted(&[Unknown, DependencyFailure, Infrastructure], &[]).at_most(0.6)),
];

const OWN: &[(&str, &str)] = &[("service", "checkout"), ("env", "prod")];

fn errors(world: &mut World, bad: f64, from: i64) {
    let points = world.step(0.002, bad, from, None);
    world.condition(0.05, points.clone());
    world.series("sum by (service) (rate(http_requests_total{code=~\"5..\"}[2m])) / sum by (service) (rate(http_requests_total[2m]))",
        Meaning::Errors, Some("ratio"), OWN, points);
}

fn datadog_deploy() -> World {
    let mut world = alert("checkout error rate", OWN, "");
    errors(&mut world, 0.3, -2);
    let marker = event(
        &world,
        EventKind::Deploy,
        -3,
        "Deployed checkout 1.8.0 to prod",
        "",
        &[("service", "checkout"), ("version", "1.8.0"), ("source", "deploy")],
    );
    world.events_of("datadog", "events", vec![marker]);
    world.log(
        "datadog",
        OWN,
        &[(
            -2,
            28,
            Some("error"),
            "Unhandled error in POST /cart: TypeError: Cannot read properties of undefined (reading 'currency') {id}",
        )],
    );
    world
}

fn slow_query() -> World {
    let mut world = alert("checkout latency", OWN, "");
    let points = world.step(0.2, 5.0, -1, None);
    world.series("histogram_quantile(0.99, ...)", Meaning::Latency, Some("seconds"), OWN, points);
    let path = [
        Hop { service: "gateway", name: "POST /checkout", usual_ms: 130.0, bad_ms: 5100.0, ..Hop::default() },
        Hop { service: "checkout", name: "POST /orders", usual_ms: 120.0, bad_ms: 5050.0, ..Hop::default() },
        Hop {
            service: "checkout",
            name: "SELECT orders",
            usual_ms: 12.0,
            bad_ms: 4900.0,
            error: None,
            attributes: &[("span.kind", "client"), ("db.system", "postgresql"), ("db.name", "orders")],
        },
    ];
    world.requests("honeycomb", &path, -2);
    world
}

fn bad_records() -> World {
    let mut world = alert("PipelineFailures", &[("service", "ingest"), ("env", "prod")], "");
    world.log(
        "coralogix",
        &[("service", "ingest"), ("env", "prod")],
        &[(
            -1,
            28,
            Some("error"),
            "dropping record {id}: failed to deserialize event: missing field `customer_id` at line 1 column 233",
        )],
    );
    world
}

fn disk_fills() -> World {
    let mut world = alert(
        "NodeFilesystemAlmostOutOfSpace",
        &[("instance", "build-3:9100"), ("job", "node"), ("mountpoint", "/var")],
        "",
    );
    let points = world.line(0.80, 0.985, (-65, 29));
    world.series("1 - node_filesystem_avail_bytes{instance=\"build-3:9100\"} / node_filesystem_size_bytes{instance=\"build-3:9100\"}",
        Meaning::Disk, Some("ratio"), &[("instance", "build-3:9100"), ("mountpoint", "/var")], points);
    world
}

fn deploy_no_logs() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.2, -3);
    let sets = [
        super::peers::replica_set(&world, "checkout", 1, -900, "registry.example/checkout:4.1.9"),
        super::peers::replica_set(&world, "checkout", 2, -4, "registry.example/checkout:4.2.0"),
    ];
    world.kube_rollouts(&sets, &[]);
    world
}

fn thread_pool() -> World {
    let mut world = alert("HighLatency", OWN, "");
    let points = world.step(0.2, 6.0, -1, None);
    world.series("histogram_quantile(0.99, ...)", Meaning::Latency, Some("seconds"), OWN, points);
    let points = world.step(0.3, 1.0, -2, None);
    world.series(
        "tomcat_threads_busy_threads / tomcat_threads_config_max_threads",
        Meaning::Pool,
        Some("ratio"),
        OWN,
        points,
    );
    world
}

fn consumer_lag() -> World {
    let mut world = alert("KafkaConsumerLag", &[("service", "indexer"), ("consumergroup", "indexer")], "");
    let points = world.line(100.0, 900_000.0, (-2, 29));
    world.series(
        "sum by (consumergroup, topic) (kafka_consumergroup_lag)",
        Meaning::Pool,
        Some("messages"),
        &[("consumergroup", "indexer"), ("topic", "events")],
        points,
    );
    let points = world.step(800.0, 6500.0, -3, None);
    world.series(
        "sum by (topic) (rate(kafka_topic_partition_current_offset[2m]))",
        Meaning::Traffic,
        Some("per_second"),
        &[("topic", "events")],
        points,
    );
    world
}

fn cert_expiry() -> World {
    let mut world = alert(
        "TLSCertificateExpiringSoon",
        &[("instance", "https://shop.example"), ("job", "blackbox")],
        "certificate of shop.example expires in less than 3 days",
    );
    let points = world.line(2.9, 2.8, (-60, 30));
    let series = vec![opensre_model::evidence::Series {
        labels: crate::world::labels(&[("instance", "https://shop.example"), ("job", "blackbox")]),
        points,
    }];
    let data = opensre_model::evidence::EvidenceData::Metrics {
        meaning: Meaning::AlertCondition,
        unit: None,
        threshold: Some(opensre_model::evidence::Threshold { value: 3.0, above: false }),
        series,
    };
    world.answer("prometheus", "alert-rule", "(probe_ssl_earliest_cert_expiry - time()) / 86400 < 3", data);
    let up = world.points(|_, _| 1.0);
    world.series(
        "probe_success",
        Meaning::Availability,
        None,
        &[("instance", "https://shop.example"), ("job", "blackbox")],
        up,
    );
    world
}

fn target_down() -> World {
    let mut world =
        alert("TargetDown", &[("job", "checkout"), ("instance", "10.1.2.3:9090"), ("service", "checkout")], "");
    let start = world.at(-2);
    let up = world.points(|time, _| f64::from(u8::from(time < start)));
    world.series(
        "up",
        Meaning::Availability,
        Some("up"),
        &[("job", "checkout"), ("instance", "10.1.2.3:9090"), ("service", "checkout")],
        up,
    );
    let target = state(
        &world,
        "target",
        "checkout",
        Some(false),
        &[
            ("job", "checkout"),
            ("instance", "10.1.2.3:9090"),
            ("service", "checkout"),
            ("health", "down"),
            ("url", "http://10.1.2.3:9090/metrics"),
            ("last_error", "Get \"http://10.1.2.3:9090/metrics\": dial tcp 10.1.2.3:9090: connect: connection refused"),
        ],
    );
    world.states_of("prometheus", "targets", vec![target]);
    world
}

fn clock_skew() -> World {
    let mut world = alert(
        "NodeClockSkewDetected",
        &[("instance", "api-2:9100"), ("job", "node")],
        "clock of api-2 is out of sync by more than 0.05 s",
    );
    let points = world.line(0.0001, 42.0, (-4, 20));
    world.series("node_timex_offset_seconds", Meaning::Other, Some("seconds"), &[("instance", "api-2:9100")], points);
    world.log(
        "loki",
        &[("instance", "api-2:9100"), ("job", "api")],
        &[(
            -2,
            28,
            Some("error"),
            "request {id} rejected: token used before issued (iat), is the clock of this host right?",
        )],
    );
    world
}

fn sync_failed() -> World {
    let mut world = alert("ArgoCDSyncFailed", &[("service", "checkout"), ("argocd_app", "checkout")], "");
    let why = "one or more objects failed to apply, reason: error when patching: Deployment.apps \"checkout\" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1";
    let app = state(
        &world,
        "application",
        "checkout",
        None,
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("sync", "OutOfSync"),
            ("health", "Healthy"),
            ("operation", &format!("Failed at {}: {why}", super::peers::at(&world, -1))),
        ],
    );
    world.states_of("argocd", "applications", vec![app]);
    let failed = event(
        &world,
        EventKind::Other,
        -1,
        "sync of checkout to 4f9c1d2 failed",
        why,
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("reason", "SyncFailed"),
            ("revision", "4f9c1d2aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5"),
        ],
    );
    world.events_of("argocd", "history", vec![failed]);
    world
}

fn rollout(world: &World, minute: i64) -> opensre_model::evidence::Event {
    event(
        world,
        EventKind::Deploy,
        minute,
        "checkout deployed at 4f9c1d2",
        "rework pricing of carts\nauthor: Sam\nby: automated sync\nbefore: 77aa001",
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("revision", "4f9c1d2aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5"),
            ("repository", "https://github.com/shop/deploy"),
        ],
    )
}

fn degraded() -> World {
    let mut world = alert("ArgoCDAppDegraded", &[("service", "checkout"), ("argocd_app", "checkout")], "");
    let deployed = rollout(&world, -5);
    world.events_of("argocd", "history", vec![deployed]);
    let app = state(
        &world,
        "application",
        "checkout",
        Some(false),
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("sync", "Synced"),
            ("health", "Degraded"),
            ("revision", "4f9c1d2aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5"),
            ("health_since", &super::peers::at(&world, -2)),
        ],
    );
    let one = state(
        &world,
        "pod",
        "checkout-7d9f8b6c5d-x2v4z",
        Some(false),
        &[
            ("service", "checkout"),
            ("argocd_app", "checkout"),
            ("health", "Degraded"),
            ("message", "back-off 5m0s restarting failed container=checkout pod=checkout-7d9f8b6c5d-x2v4z_shop(6f1)"),
        ],
    );
    world.states_of("argocd", "applications", vec![app, one]);
    world
}

fn three_witnesses() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.3, -2);
    let sha = "4f9c1d2aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5";
    let deployed = rollout(&world, -5);
    world.events_of("argocd", "history", vec![deployed]);
    let sets = [
        super::peers::replica_set(&world, "checkout", 1, -900, "registry.example/checkout:sha-77aa001"),
        super::peers::replica_set(&world, "checkout", 2, -4, "registry.example/checkout:sha-4f9c1d2"),
    ];
    world.kube_rollouts(&sets, &[]);
    let run = event(
        &world,
        EventKind::Deploy,
        -9,
        "workflow \"deploy\" #214 succeeded (main, 4f9c1d2)",
        "rework pricing of carts",
        &[("service", "checkout"), ("repository", "shop/checkout"), ("sha", sha), ("conclusion", "success")],
    );
    world.events_of("github", "runs", vec![run]);
    let commit = event(
        &world,
        EventKind::Change,
        -12,
        "commit 4f9c1d2: rework pricing of carts",
        "",
        &[("service", "checkout"), ("repository", "shop/checkout"), ("sha", sha)],
    );
    world.events_of("github", "commits", vec![commit]);
    world
}

fn false_alarm() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    let points = world.step(0.002, 0.09, -1, Some(4));
    world.condition(0.05, points.clone());
    world.series("share of failed requests", Meaning::Errors, Some("ratio"), OWN, points);
    world.log("loki", OWN, &[]);
    world
}

fn contradiction() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.3, -2);
    let marker = event(&world, EventKind::Deploy, -3, "Deployed checkout 1.8.0", "", &[("service", "checkout")]);
    world.events_of("datadog", "events", vec![marker]);
    world.log(
        "datadog",
        OWN,
        &[
            (-2, 28, Some("error"), "TypeError: Cannot read properties of undefined (reading 'currency') {id}"),
            (-2, 28, Some("error"), "order {id}: connect ECONNREFUSED payments-db:5432"),
        ],
    );
    world
}

fn denied() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    for operation in ["metrics.related", "logs.related", "traces.search", "pods", "events"] {
        world.gap(operation, GapKind::Denied);
    }
    world
}

fn two_faults() -> World {
    let mut world = alert("HighErrorRate", &[("service", "checkout"), ("namespace", "shop")], "");
    errors(&mut world, 0.3, -2);
    let ended = serde_json::json!({"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": super::peers::at(&world, -30), "finishedAt": super::peers::at(&world, -2)}});
    let running = serde_json::json!({"running": {"startedAt": super::peers::at(&world, -1)}});
    let one = super::peers::pod(
        &world,
        "checkout-7d9f8b6c5d-x2v4z",
        Some("n1"),
        super::peers::container("checkout", running, ended, 4),
    );
    world.kube_pods(&[one]);
    world.log(
        "loki",
        &[("service", "checkout"), ("namespace", "shop")],
        &[(
            -2,
            28,
            Some("error"),
            "tax lookup {id} failed: x509: certificate has expired or is not yet valid: https://tax.internal:8443",
        )],
    );
    world
}

fn commit_words() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.3, -3);
    let commit = event(
        &world,
        EventKind::Change,
        -40,
        "commit aa11bb2: update search results for 3.2 users and restart worker",
        "",
        &[("sha", "aa11bb2c00000000000000000000000000000000"), ("repository", "shop/checkout")],
    );
    let release = event(
        &world,
        EventKind::Deploy,
        -4,
        "release 2.0.1 published: update billing 7.0 and upgrade inventory client",
        "",
        &[("tag", "2.0.1"), ("repository", "shop/checkout")],
    );
    world.events_of("github", "releases", vec![commit, release]);
    world
}

fn feature_flag() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    errors(&mut world, 0.3, -2);
    let flag = event(
        &world,
        EventKind::Change,
        -3,
        "feature flag new-pricing turned on for 100 %",
        "",
        &[("service", "checkout")],
    );
    world.events_of("grafana", "annotations", vec![flag]);
    world.log(
        "loki",
        OWN,
        &[(-2, 28, Some("error"), "panic recovered: runtime error: index out of range [3] with length 3, order {id}")],
    );
    world
}

fn traffic_gone() -> World {
    let mut world = alert("TrafficDrop", OWN, "requests to checkout fell below half of last hour");
    let points = world.step(400.0, 20.0, -1, None);
    world.series("sum by (service) (rate(http_requests_total[2m]))", Meaning::Traffic, Some("per_second"), OWN, points);
    let points = world.step(0.002, 0.002, 0, None);
    world.series("share of failed requests", Meaning::Errors, Some("ratio"), OWN, points);
    let points = world.step(0.1, 0.1, 0, None);
    world.series("histogram_quantile(0.99, ...)", Meaning::Latency, Some("seconds"), OWN, points);
    world
}
