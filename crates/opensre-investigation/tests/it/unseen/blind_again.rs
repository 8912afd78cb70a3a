//! A second set of incidents that was written after the rules; how many were right at once is in the commit that brought
//! them.

use opensre_model::alert::AlertState;
use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category::{
    self, CodeDefect, ConfigurationError, DependencyFailure, Healthy, Infrastructure, ResourceExhaustion, Unknown,
};
use serde_json::json;

use super::peers::{Hop, alert, at, container, event, pod, warning};
use super::{Incident, wanted};
use crate::world::World;

const CONFIG: &[Category] = &[ConfigurationError];
const CODE: &[Category] = &[CodeDefect];
const RESOURCE: &[Category] = &[ResourceExhaustion];

pub(super) const INCIDENTS: &[Incident] = &[
    ("wrong command", wrong_command, wanted(&[ConfigurationError, CodeDefect], &["servr"])),
    ("role of the service account", web_identity, wanted(CONFIG, &["sts:assumerolewithwebidentity"])),
    ("volume attached elsewhere", multi_attach, wanted(&[Infrastructure], &["storage"])),
    ("too many clients", too_many, wanted(RESOURCE, &["connection"])),
    ("unavailable over grpc", grpc, wanted(&[DependencyFailure], &["ledger"])),
    ("host out of memory", host_memory, wanted(RESOURCE, &["memory"])),
    ("resolver without upstream", resolver, wanted(&[Infrastructure, DependencyFailure], &[])),
    ("table throttled", table, wanted(RESOURCE, &["limit"])),
    ("concurrent map writes", map_writes, wanted(CODE, &["concurrent map writes"])),
    ("token revoked", revoked, wanted(CONFIG, &["credential"])),
    ("errors of another environment", other_environment, wanted(&[Unknown], &[]).at_most(0.3)),
    ("rolled back and well", rolled_back, wanted(&[Healthy], &["rollback"])),
];

const OWN: &[(&str, &str)] = &[("service", "checkout"), ("env", "prod")];

fn errors(world: &mut World, bad: f64, from: i64, until: Option<i64>) {
    let points = world.step(0.001, bad, from, until);
    world.series("share of failed requests (http_requests_total)", Meaning::Errors, Some("ratio"), OWN, points);
}

fn wrong_command() -> World {
    let mut world = alert("KubePodNotReady", &[("namespace", "shop"), ("pod", "api-5c9f7d8b6f-zx4kl")], "");
    let why = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"./servr\": stat ./servr: no such file or directory: unknown";
    let last = json!({"terminated": {"reason": "StartError", "exitCode": 128, "startedAt": at(&world, -4), "finishedAt": at(&world, 21), "message": why}});
    let waiting = json!({"waiting": {"reason": "RunContainerError", "message": why}});
    let one = pod(&world, "api-5c9f7d8b6f-zx4kl", Some("n1"), container("api", waiting, last, 6));
    world.kube_pods(&[one]);
    let events = [warning(&world, (-4, 25), "Failed", ("Pod", "api-5c9f7d8b6f-zx4kl"), &format!("Error: {why}"))];
    world.kube_events(&events);
    world
}

fn web_identity() -> World {
    let mut world = alert("ExporterErrors", &[("service", "exporter"), ("env", "prod")], "");
    world.log("loki", &[("service", "exporter"), ("env", "prod")], &[(-1, 28, Some("error"),
        "export {id}: operation error S3: PutObject, get identity: failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity")]);
    world
}

fn multi_attach() -> World {
    let mut world = alert("KubeStatefulSetReplicasMismatch", &[("namespace", "shop"), ("statefulset", "ledger")], "");
    let events = [
        warning(
            &world,
            (-6, 25),
            "FailedAttachVolume",
            ("Pod", "ledger-0"),
            "Multi-Attach error for volume \"pvc-0a1b\" Volume is already exclusively attached to one node and can't be attached to another",
        ),
        warning(
            &world,
            (-4, 25),
            "FailedMount",
            ("Pod", "ledger-0"),
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition",
        ),
    ];
    world.kube_events(&events);
    world
}

fn too_many() -> World {
    let mut world = alert("ApiErrors", &[("service", "api"), ("env", "prod")], "");
    world.log(
        "datadog",
        &[("service", "api"), ("env", "prod")],
        &[(
            -2,
            28,
            Some("error"),
            "request {id}: asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already",
        )],
    );
    world
}

fn grpc() -> World {
    let mut world = alert("checkout burn rate", OWN, "");
    let path = [
        Hop {
            service: "checkout",
            name: "POST /pay",
            usual_ms: 60.0,
            bad_ms: 70.0,
            error: Some("payment failed"),
            ..Hop::default()
        },
        Hop {
            service: "checkout",
            name: "ledger.Ledger/Append",
            usual_ms: 20.0,
            bad_ms: 21.0,
            error: Some(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing\"",
            ),
            attributes: &[("span.kind", "client"), ("rpc.system", "grpc"), ("peer.service", "ledger")],
        },
    ];
    world.requests("honeycomb", &path, -2);
    errors(&mut world, 0.4, -2, None);
    world
}

fn host_memory() -> World {
    let mut world = alert("HostOutOfMemory", &[("instance", "batch-7:9100"), ("job", "node")], "");
    let points = world.line(0.55, 0.985, (-30, -2));
    world.series("1 - node_memory_MemAvailable_bytes{instance=\"batch-7:9100\"} / node_memory_MemTotal_bytes{instance=\"batch-7:9100\"}", Meaning::Memory, Some("ratio"), &[("instance", "batch-7:9100")], points);
    world.log(
        "loki",
        &[("instance", "batch-7"), ("job", "systemd-journal")],
        &[(
            -1,
            1,
            Some("error"),
            "kernel: Out of memory: Killed process 2211 (java) total-vm:9912312kB, anon-rss:7812344kB",
        )],
    );
    world
}

fn resolver() -> World {
    let mut world = alert("CoreDNSErrorsHigh", &[("namespace", "kube-system"), ("service", "kube-dns")], "");
    world.log(
        "loki",
        &[("namespace", "kube-system"), ("service", "kube-dns"), ("pod", "coredns-5d78c9869d-6mqtb")],
        &[(
            -2,
            28,
            Some("error"),
            "[ERROR] plugin/errors: 2 api.partner.example. A: read udp 10.2.0.3:43211->10.0.0.2:53: i/o timeout",
        )],
    );
    world
}

fn table() -> World {
    let mut world = alert("SessionsErrors", &[("service", "sessions"), ("TableName", "sessions")], "");
    let points = world.step(0.0, 800.0, -2, None);
    world.cloudwatch(("AWS/DynamoDB", "ThrottledRequests"), Meaning::Errors, None, ("TableName", "sessions"), points);
    world.log("aws", &[("service", "sessions")], &[(-2, 28, Some("error"),
        "put {id}: ProvisionedThroughputExceededException: The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")]);
    world
}

fn map_writes() -> World {
    let mut world = alert("KubePodCrashLooping", &[("namespace", "shop"), ("pod", "pricing-7b9c5d6f8d-qm2xn")], "");
    let ended = json!({"terminated": {"reason": "Error", "exitCode": 2, "startedAt": at(&world, 10), "finishedAt": at(&world, 18)}});
    let running = json!({"running": {"startedAt": at(&world, 19)}});
    let one = pod(&world, "pricing-7b9c5d6f8d-qm2xn", Some("n1"), container("pricing", running, ended, 3));
    world.kube_pods(&[one]);
    world.log(
        "kubernetes",
        &[("namespace", "shop"), ("pod", "pricing-7b9c5d6f8d-qm2xn"), ("container", "pricing")],
        &[(-1, 1, None, "fatal error: concurrent map writes"), (10, 11, None, "fatal error: concurrent map writes")],
    );
    world
}

fn revoked() -> World {
    let mut world = alert("CalendarSyncFailing", &[("service", "calendar-sync"), ("env", "prod")], "");
    world.log("coralogix", &[("service", "calendar-sync"), ("env", "prod")], &[(-1, 28, Some("error"),
        "sync {id} failed: google.auth.exceptions.RefreshError: ('invalid_grant: Token has been expired or revoked.', {'error': 'invalid_grant'})")]);
    world
}

fn other_environment() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    world.log(
        "loki",
        &[("service", "checkout"), ("env", "staging")],
        &[(
            -1,
            28,
            Some("error"),
            "java.lang.NullPointerException: Cannot invoke \"Order.total()\" because \"order\" is null, {id}",
        )],
    );
    let marker = event(
        &world,
        EventKind::Deploy,
        -3,
        "Deployed checkout 1.2.3",
        "",
        &[("service", "checkout"), ("env", "staging")],
    );
    world.events_of("datadog", "events", vec![marker]);
    world
}

fn rolled_back() -> World {
    let mut world = alert("HighErrorRate", OWN, "");
    world.alert.state = AlertState::Resolved;
    world.alert.ends_at = Some(world.at(14));
    let points = world.step(0.001, 0.3, -2, Some(13));
    world.condition(0.05, points);
    errors(&mut world, 0.3, -2, Some(13));
    let deployed = event(
        &world,
        EventKind::Deploy,
        -4,
        "checkout deployed at 4f9c1d2",
        "",
        &[("service", "checkout"), ("revision", "4f9c1d2aa0b1")],
    );
    let back = event(
        &world,
        EventKind::Deploy,
        12,
        "rollback of checkout to 77aa001",
        "",
        &[("service", "checkout"), ("revision", "77aa001bbcc2")],
    );
    world.events_of("argocd", "history", vec![deployed, back]);
    world
}
