//! What each query tells.

use base64::Engine;
use opensre_model::evidence::{EventKind, EvidenceData, GapKind, Meaning};
use opensre_providers::aws::PROVIDER;
use opensre_providers::aws::cluster::reach;
use serde_json::json;

use crate::stub::{ask, input, messages, reasons, summaries, window};

use super::{World, events, labelled, of_the_database, states, titles};

#[tokio::test]
async fn the_alarms_own_metric_and_the_standard_ones() {
    let world = World::new().await;
    let mut input = of_the_database();
    input.0.insert("alarm".to_owned(), json!("orders-db CPU & load"));
    let answer = ask(&PROVIDER, &world.with_keys(), "metrics", &input).await;
    assert_eq!(
        summaries(&answer),
        ["105 values of alarm orders-db CPU & load; the alarm's limit is 90", "AWS/RDS CPUUtilization: 1 series"]
    );
    assert_eq!(reasons(&answer), ["eu-west-1: no values in the window of FreeStorageSpace"]);
    let EvidenceData::Metrics { meaning, threshold, series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    assert_eq!(*meaning, Meaning::AlertCondition);
    assert_eq!(threshold.map(|limit| (limit.value, limit.above)), Some((90.0, true)));
    assert_eq!(series[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!(
        answer.evidence[0].origin.query,
        "GetMetricData AWS/RDS CPUUtilization (DBInstanceIdentifier=orders-db) Average of 60 s"
    );
    assert_eq!(answer.evidence[0].origin.datasource.as_deref(), Some("eu-west-1"));
    let EvidenceData::Metrics { meaning, unit, .. } = &answer.evidence[1].data else { panic!("metrics") };
    assert_eq!((*meaning, unit.as_deref()), (Meaning::Cpu, Some("percent")));
    let asked = world.account.asked("GetMetricData");
    for call in &asked {
        assert_eq!(call.parameters["StartTime"], "2024-05-01T11:00:00Z");
        assert_eq!(call.parameters["EndTime"], "2024-05-01T12:45:00Z");
    }
    // What CloudWatch has, and is worth asking for: not BinLogDiskUsage.
    assert!(!format!("{asked:?}").contains("BinLogDiskUsage"));
    assert_eq!(answer.calls, world.account.calls().len() as u64);
}

#[tokio::test]
async fn alarms_that_were_raised_and_the_state_of_the_own() {
    let world = World::new().await;
    let mut input = of_the_database();
    input.0.insert("alarm".to_owned(), json!("orders-db CPU & load"));
    let answer = ask(&PROVIDER, &world.with_keys(), "alarms", &input).await;
    assert_eq!(summaries(&answer), ["1 alarm raised in the window", "alarm orders-db CPU & load is ALARM now"]);
    assert_eq!(titles(&answer.evidence[0]), [(EventKind::Alert, "alarm orders-db connections")]);
    assert_eq!(events(&answer.evidence[0])[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!(states(&answer.evidence[1])[0].healthy, Some(false));
}

#[tokio::test]
async fn changes_are_deployments_changes_and_refused_attempts() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "changes", &of_the_database()).await;
    assert_eq!(summaries(&answer), ["3 changes in the window, by CloudTrail"]);
    assert_eq!(
        titles(&answer.evidence[0]),
        [
            (EventKind::Change, "ModifyDBInstance on orders-db"),
            (EventKind::Deploy, "UpdateService on checkout"),
            (EventKind::Other, "DeleteDBInstance on orders-db"),
        ]
    );
    let events = events(&answer.evidence[0]);
    assert_eq!(events[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!((events[1].labels["service"].as_str(), events[1].text.as_str()), ("checkout", "by deployer"));
    assert_eq!(events[2].text, "by deployer; refused: AccessDenied");
    assert!(!format!("{answer:?}").contains("canary-password"));
}

#[tokio::test]
async fn logs_of_a_database_before_and_since() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &of_the_database()).await;
    assert_eq!(
        summaries(&answer),
        ["2 lines of warnings and errors in /aws/rds/instance/orders-db/postgresql, 1 in the baseline"]
    );
    assert_eq!(
        messages(&answer.evidence[0]),
        [
            "ERROR: deadlock detected",
            "FATAL: remaining connection slots are reserved for superusers",
            "ERROR: canceling statement due to statement timeout"
        ]
    );
    let EvidenceData::Logs { lines } = &answer.evidence[0].data else { panic!("logs") };
    assert_eq!(lines[1].level.as_deref(), Some("critical"));
    assert_eq!(lines[1].labels["DBInstanceIdentifier"], "orders-db");
    // A service's log group is found by its name.
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &labelled(json!({"service": "checkout"}))).await;
    assert!(answer.evidence[0].origin.query.starts_with("FilterLogEvents /ecs/checkout "));
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &labelled(json!({"service": "billing"}))).await;
    assert_eq!(reasons(&answer), ["eu-west-1: no log group is called after what the alert names (billing)"]);
}

#[tokio::test]
async fn insights_are_polled_until_they_are_there() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "log-counts", &of_the_database()).await;
    assert_eq!(summaries(&answer), ["42 lines of errors in /aws/rds/instance/orders-db/postgresql, 0 in the baseline"]);
    let EvidenceData::Metrics { meaning, series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    assert_eq!((*meaning, series[0].points.len()), (Meaning::Errors, 105));
    assert_eq!(world.account.asked("GetQueryResults").len(), 2);
    let started = &world.account.asked("StartQuery")[0].parameters;
    assert_eq!(started["startTime"], window().baseline_start.as_second());

    let mut input = input("query", json!("fields @message | limit 5"));
    input.0.insert("log_groups".to_owned(), json!(["/ecs/checkout"]));
    let answer = ask(&PROVIDER, &world.with_keys(), "insights", &input).await;
    assert_eq!(summaries(&answer), ["1 row from /ecs/checkout"]);
    assert_eq!(world.account.asked("StartQuery")[1].parameters["queryString"], "fields @message | limit 5");
}

#[tokio::test]
async fn states_of_resources() {
    let world = World::new().await;
    let access = world.with_keys();
    let database = ask(&PROVIDER, &access, "rds", &of_the_database()).await;
    assert_eq!(summaries(&database), ["orders-db is storage-full", "1 event of orders-db in the window"]);
    let state = &states(&database.evidence[0])[0];
    assert_eq!((state.healthy, state.attributes["pending"].as_str()), (Some(false), "DBInstanceClass=db.t3.large"));

    let load = ask(&PROVIDER, &access, "database-load", &of_the_database()).await;
    assert_eq!(summaries(&load), ["load of orders-db by wait event: 1 part", "load of orders-db by statement: 1 part"]);
    let EvidenceData::Metrics { series, .. } = &load.evidence[0].data else { panic!("metrics") };
    assert_eq!((series[0].labels["db.wait_event"].as_str(), series[0].points.len()), ("DataFileRead", 2));

    let machine = ask(&PROVIDER, &access, "ec2", &labelled(json!({"instance": "i-0123456789abcdef0"}))).await;
    let state = &states(&machine.evidence[0])[0];
    assert_eq!((state.healthy, state.attributes["system_check"].as_str()), (Some(false), "impaired"));
    assert_eq!(
        titles(&machine.evidence[1]),
        [(EventKind::Change, "scheduled instance-retirement of i-0123456789abcdef0")]
    );

    let service = ask(&PROVIDER, &access, "ecs", &labelled(json!({"service": "checkout"}))).await;
    assert_eq!(
        summaries(&service),
        [
            "ECS service checkout runs 1 of 3 tasks",
            "2 events of ECS service checkout in the window",
            "1 stopped task of ECS service checkout"
        ]
    );
    assert_eq!(
        titles(&service.evidence[1]),
        [
            (EventKind::Deploy, "deployment of checkout: checkout:42"),
            (EventKind::Other, "(service checkout) was unable to place a task")
        ]
    );
    assert!(events(&service.evidence[2])[0].text.contains("exit code 137, OutOfMemoryError"));

    let cluster = ask(&PROVIDER, &access, "eks", &labelled(json!({"cluster": "shop"}))).await;
    assert_eq!(summaries(&cluster), ["EKS cluster shop with 1 node group; 1 not healthy"]);
    assert_eq!(states(&cluster.evidence[0])[1].attributes["issues"], "AsgInstanceLaunchFailures: no capacity");

    let targets =
        ask(&PROVIDER, &access, "target-health", &labelled(json!({"LoadBalancer": "app/front/50dc6c495c0c9188"})))
            .await;
    assert_eq!(summaries(&targets), ["1 of 2 targets of web are not healthy"]);

    let function = ask(&PROVIDER, &access, "lambda", &labelled(json!({"FunctionName": "charge"}))).await;
    assert_eq!(states(&function.evidence[0])[0].attributes["environment_names"], "STRIPE_KEY, STAGE");
    assert_eq!(titles(&function.evidence[1]), [(EventKind::Deploy, "code or configuration of charge changed")]);
    let all = format!("{function:?} {database:?} {service:?}");
    assert!(!all.contains("canary") && !all.contains("sk_live"), "a value of the environment is shown");
}

#[tokio::test]
async fn a_cluster_is_reached_with_a_token_of_its_own() {
    let world = World::new().await;
    let cluster = reach(&world.with_keys(), "shop").await.unwrap();
    assert_eq!(cluster.endpoint, "https://ABC.gr7.eu-west-1.eks.amazonaws.com");
    assert_eq!(cluster.certificate_authority, "-----BEGIN");
    let token = cluster.token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
    let url = String::from_utf8(url).unwrap();
    assert!(url.starts_with(&format!("{}/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-", world.url)), "{url}");
    assert!(url.contains("X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature="), "{url}");
    let failure = reach(&world.with_keys(), "other").await.unwrap_err();
    assert_eq!(failure.reason, "there is no EKS cluster other in eu-west-1");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let world = World::new().await;
    let access = world.with_keys();
    for (query, labels, reason) in [
        ("rds", json!({"DBInstanceIdentifier": "other"}), "eu-west-1: there is no RDS instance other"),
        ("ec2", json!({"instance": "i-00000000"}), "eu-west-1: there is no EC2 instance i-00000000"),
        ("eks", json!({"cluster": "other"}), "eu-west-1: there is no EKS cluster other"),
        ("lambda", json!({"service": "other"}), "eu-west-1: there is no Lambda function other"),
        ("ecs", json!({"service": "other"}), "eu-west-1: no ECS service is called other"),
    ] {
        let answer = ask(&PROVIDER, &access, query, &labelled(labels)).await;
        assert_eq!(answer.evidence, [], "{query}");
        assert_eq!(reasons(&answer), [reason]);
        assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
    }
}
