//! Incidents of AWS.

use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category::{
    self, CodeDefect, ConfigurationError, DependencyFailure, Infrastructure, ResourceExhaustion, Unknown,
};

use super::peers::{alert, event, state};
use super::{Incident, wanted};
use crate::world::World;

const CONFIG: &[Category] = &[ConfigurationError];
const RESOURCE: &[Category] = &[ResourceExhaustion];

pub(super) const INCIDENTS: &[Incident] = &[
    ("rds storage full", storage_full, wanted(RESOURCE, &["disk"])),
    ("rds connections used up", connections, wanted(RESOURCE, &["connection"])),
    ("cpu credits used up", credits, wanted(RESOURCE, &["cpu"])),
    ("lambda throttled", throttles, wanted(RESOURCE, &["limit"])),
    ("lambda timeouts without more", lambda_timeouts, wanted(&[Unknown], &[])),
    ("targets unhealthy after deployment", unhealthy_targets, wanted(&[CodeDefect], &["deployment"])),
    ("targets unhealthy without more", targets_alone, wanted(&[Unknown, Infrastructure], &[]).at_most(0.6)),
    ("ecs image", ecs_image, wanted(CONFIG, &["image"])),
    ("ecs secret", ecs_secret, wanted(CONFIG, &["denied"])),
    ("iam", iam, wanted(CONFIG, &["s3:putobject"])),
    ("queue backlog behind a dependency", queue_backlog, wanted(&[DependencyFailure], &["ledger"])),
    ("instance status check", status_check, wanted(&[Infrastructure], &["i-0abc12345def67890"])),
    ("stream consumers throttled", kinesis, wanted(RESOURCE, &["limit"])),
];

fn storage_full() -> World {
    let mut world = alert(
        "RDSFreeStorageLow",
        &[("DBInstanceIdentifier", "orders"), ("region", "eu-central-1")],
        "FreeStorageSpace of orders is below 1 GiB",
    );
    let points = world.line(9.0e9, 2.0e7, (-60, 5));
    world.cloudwatch(
        ("AWS/RDS", "FreeStorageSpace"),
        Meaning::Disk,
        Some("bytes"),
        ("DBInstanceIdentifier", "orders"),
        points,
    );
    let one = state(
        &world,
        "RDS instance",
        "orders",
        Some(false),
        &[
            ("DBInstanceIdentifier", "orders"),
            ("status", "storage-full"),
            ("engine", "postgres 15.4"),
            ("allocated_storage_gib", "100"),
        ],
    );
    world.states_of("aws", "rds", vec![one]);
    let said = event(
        &world,
        EventKind::Other,
        1,
        "Allocated storage has been exhausted for DB instance: orders. To resolve this issue, allocate additional storage.",
        "failure",
        &[("DBInstanceIdentifier", "orders")],
    );
    world.events_of("aws", "rds", vec![said]);
    world
}

fn connections() -> World {
    let mut world = alert("OrdersErrors", &[("service", "orders"), ("DBInstanceIdentifier", "orders-db")], "");
    let points = world.step(60.0, 401.0, -3, None);
    world.cloudwatch(
        ("AWS/RDS", "DatabaseConnections"),
        Meaning::Pool,
        None,
        ("DBInstanceIdentifier", "orders-db"),
        points,
    );
    world.log("aws", &[("service", "orders"), ("log_group", "/ecs/orders")],
        &[(-2, 28, Some("error"), "org.postgresql.util.PSQLException: FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute, request {id}")]);
    let one = state(
        &world,
        "RDS instance",
        "orders-db",
        Some(true),
        &[("DBInstanceIdentifier", "orders-db"), ("status", "available")],
    );
    world.states_of("aws", "rds", vec![one]);
    world
}

fn credits() -> World {
    let mut world = alert(
        "HighLatency",
        &[("service", "reports"), ("InstanceId", "i-0abc12345def67890")],
        "p95 of reports above 3 s",
    );
    let of = ("InstanceId", "i-0abc12345def67890");
    let balance = world.line(140.0, 0.0, (-60, -3));
    world.cloudwatch(("AWS/EC2", "CPUCreditBalance"), Meaning::Other, None, of, balance);
    let busy = world.points(|_, dice| 20.0 + dice.normal() * 0.3);
    world.cloudwatch(("AWS/EC2", "CPUUtilization"), Meaning::Cpu, Some("percent"), of, busy);
    let slow = world.step(0.3, 4.2, -3, None);
    world.series("histogram_quantile(0.95, ...)", Meaning::Latency, Some("seconds"), &[("service", "reports")], slow);
    world
}

fn throttles() -> World {
    let mut world = alert("LambdaThrottles", &[("FunctionName", "thumbnailer"), ("region", "eu-west-1")], "");
    let of = ("FunctionName", "thumbnailer");
    let points = world.step(0.0, 240.0, -1, None);
    world.cloudwatch(("AWS/Lambda", "Throttles"), Meaning::Errors, None, of, points);
    let points = world.step(300.0, 1000.0, -2, None);
    world.cloudwatch(("AWS/Lambda", "ConcurrentExecutions"), Meaning::Pool, None, of, points);
    let points = world.step(9000.0, 41000.0, -2, None);
    world.cloudwatch(("AWS/Lambda", "Invocations"), Meaning::Traffic, None, of, points);
    world
}

fn lambda_timeouts() -> World {
    let mut world = alert("LambdaErrors", &[("FunctionName", "invoice-pdf")], "");
    let of = ("FunctionName", "invoice-pdf");
    let points = world.step(0.0, 30.0, -1, None);
    world.cloudwatch(("AWS/Lambda", "Errors"), Meaning::Errors, None, of, points);
    let points = world.step(900.0, 30000.0, -1, None);
    world.cloudwatch(("AWS/Lambda", "Duration"), Meaning::Latency, Some("milliseconds"), of, points);
    world.log(
        "aws",
        &[("FunctionName", "invoice-pdf"), ("log_group", "/aws/lambda/invoice-pdf")],
        &[(-1, 28, None, "2026-03-14T10:01:00.000Z 6f1c8e2a-{id} Task timed out after 30.03 seconds")],
    );
    world
}

fn unhealthy_targets() -> World {
    let mut world = alert(
        "UnHealthyHostCount",
        &[("service", "storefront"), ("TargetGroup", "targetgroup/storefront/0123456789abcdef")],
        "",
    );
    let states = [("10.0.1.4:8080", "10.0.1.4"), ("10.0.2.9:8080", "10.0.2.9")].map(|(name, id)| {
        state(
            &world,
            "target",
            name,
            Some(false),
            &[
                ("instance", id),
                ("target_group", "storefront"),
                ("state", "unhealthy"),
                ("reason", "Target.ResponseCodeMismatch"),
                ("description", "Health checks failed with these codes: [502]"),
            ],
        )
    });
    world.states_of("aws", "balancing", states.into());
    let deployed = event(
        &world,
        EventKind::Deploy,
        -4,
        "deployment of storefront: storefront:88",
        "IN_PROGRESS",
        &[("service", "storefront"), ("cluster", "web")],
    );
    world.events_of("aws", "ecs", vec![deployed]);
    world.log(
        "aws",
        &[("service", "storefront"), ("log_group", "/ecs/storefront")],
        &[(-3, 28, Some("error"), "ModuleNotFoundError: No module named 'stripe' (worker {id})")],
    );
    world
}

fn targets_alone() -> World {
    let mut world = alert(
        "UnHealthyHostCount",
        &[("service", "storefront"), ("TargetGroup", "targetgroup/storefront/0123456789abcdef")],
        "",
    );
    let states = [("10.0.1.4:8080", "10.0.1.4"), ("10.0.2.9:8080", "10.0.2.9")].map(|(name, id)| {
        state(
            &world,
            "target",
            name,
            Some(false),
            &[
                ("instance", id),
                ("target_group", "storefront"),
                ("state", "unhealthy"),
                ("reason", "Target.Timeout"),
                ("description", "Request timed out"),
            ],
        )
    });
    world.states_of("aws", "balancing", states.into());
    world
}

fn ecs_image() -> World {
    let mut world = alert("ECSRunningTasksLow", &[("service", "mailer"), ("cluster", "jobs")], "");
    let of = [("service", "mailer"), ("cluster", "jobs")];
    let events = (0..5).map(|n| event(&world, EventKind::Other, n * 5 - 2, "task stopped: Task failed to start",
        "mailer: CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/mailer:v12: not found", &of)).collect();
    world.events_of("aws", "ecs", events);
    let one = state(
        &world,
        "ECS service",
        "mailer",
        Some(false),
        &[("service", "mailer"), ("cluster", "jobs"), ("running", "0"), ("desired", "2"), ("rollout", "IN_PROGRESS")],
    );
    world.states_of("aws", "ecs", vec![one]);
    let deployed = event(&world, EventKind::Deploy, -4, "deployment of mailer: mailer:12", "IN_PROGRESS", &of);
    world.events_of("aws", "ecs", vec![deployed]);
    world
}

fn ecs_secret() -> World {
    let mut world = alert("ECSRunningTasksLow", &[("service", "mailer"), ("cluster", "jobs")], "");
    let of = [("service", "mailer"), ("cluster", "jobs")];
    let events = (0..5).map(|n| event(&world, EventKind::Other, n * 5 - 2,
        "task stopped: ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/mailer-exec is not authorized to perform: secretsmanager:GetSecretValue",
        "", &of)).collect();
    world.events_of("aws", "ecs", events);
    world
}

fn iam() -> World {
    let mut world = alert("ExportFailures", &[("service", "exporter")], "");
    world.log("aws", &[("service", "exporter")], &[(-1, 28, Some("error"),
        "export {id} failed: An error occurred (AccessDenied) when calling the PutObject operation: User: arn:aws:sts::123456789012:assumed-role/exporter/i-1 is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::reports/x\" because no identity-based policy allows the s3:PutObject action")]);
    let change = event(&world, EventKind::Change, -3, "DetachRolePolicy on exporter", "by alice", &[]);
    world.events_of("aws", "changes", vec![change]);
    world
}

fn queue_backlog() -> World {
    let mut world = alert(
        "QueueAgeHigh",
        &[("service", "settlement"), ("QueueName", "settlements")],
        "age of the oldest message above 10 min",
    );
    let of = ("QueueName", "settlements");
    let age = world.line(4.0, 1900.0, (-2, 29));
    world.cloudwatch(("AWS/SQS", "ApproximateAgeOfOldestMessage"), Meaning::Latency, Some("seconds"), of, age);
    let depth = world.line(12.0, 60000.0, (-2, 29));
    world.cloudwatch(("AWS/SQS", "ApproximateNumberOfMessagesVisible"), Meaning::Pool, None, of, depth);
    let sent = world.step(2000.0, 2000.0, 0, None);
    world.cloudwatch(("AWS/SQS", "NumberOfMessagesSent"), Meaning::Traffic, None, of, sent);
    world.log(
        "aws",
        &[("service", "settlement")],
        &[(
            -3,
            28,
            Some("error"),
            "message {id} not settled: ledger: read timed out (POST http://ledger.internal:8080/entries), will retry",
        )],
    );
    world
}

fn status_check() -> World {
    let mut world =
        alert("StatusCheckFailed_System", &[("InstanceId", "i-0abc12345def67890"), ("region", "eu-central-1")], "");
    let one = state(
        &world,
        "EC2 instance",
        "i-0abc12345def67890",
        Some(false),
        &[
            ("instance", "i-0abc12345def67890"),
            ("state", "running"),
            ("system_check", "impaired"),
            ("instance_check", "ok"),
            ("type", "m5.large"),
        ],
    );
    world.states_of("aws", "machines", vec![one]);
    let points = world.step(0.0, 1.0, -2, None);
    world.cloudwatch(
        ("AWS/EC2", "StatusCheckFailed"),
        Meaning::Errors,
        None,
        ("InstanceId", "i-0abc12345def67890"),
        points,
    );
    world
}

fn kinesis() -> World {
    let mut world = alert("IteratorAgeHigh", &[("service", "clickstream"), ("StreamName", "clicks")], "");
    let of = ("StreamName", "clicks");
    let age = world.line(500.0, 1_500_000.0, (-2, 29));
    world.cloudwatch(
        ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds"),
        Meaning::Latency,
        Some("milliseconds"),
        of,
        age,
    );
    let refused = world.step(0.0, 900.0, -3, None);
    world.cloudwatch(("AWS/Kinesis", "WriteProvisionedThroughputExceeded"), Meaning::Errors, None, of, refused);
    world.log("aws", &[("service", "clickstream")], &[(-3, 28, Some("warn"),
        "ProvisionedThroughputExceededException: Rate exceeded for shard shardId-000000000003 in stream clicks under account 123456789012, batch {id}")]);
    world
}
