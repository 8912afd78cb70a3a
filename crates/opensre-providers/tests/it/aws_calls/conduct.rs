//! Refusals, limits, and who is asked at all.

use std::time::Duration;

use opensre_lab::vendors::stage::Misbehaviour;
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::GapKind;
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use opensre_model::routing::{RoutingMode, route};
use opensre_providers::aws::PROVIDER;
use opensre_providers::catalogue;
use opensre_providers::driver::{Answer, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{ask, reasons};

use super::{ACCOUNT, EXTERNAL_ID, KEY, ROLE, SECRET, World, labelled, of_the_database};

#[tokio::test]
async fn a_refusal_of_one_action_is_a_gap_and_names_the_permission() {
    let cases = [
        ("rds", "DescribeEvents", "rds:DescribeEvents", json!({"DBInstanceIdentifier": "orders-db"}), 1),
        ("logs", "FilterLogEvents", "logs:FilterLogEvents", json!({"DBInstanceIdentifier": "orders-db"}), 0),
        ("eks", "ListNodegroups", "eks:ListNodegroups", json!({"cluster": "shop"}), 1),
        ("lambda", "GetFunctionConfiguration", "lambda:GetFunctionConfiguration", json!({"service": "charge"}), 0),
        ("changes", "LookupEvents", "cloudtrail:LookupEvents", json!({}), 0),
        ("metrics", "ListMetrics", "cloudwatch:ListMetrics", json!({"service": "checkout"}), 0),
        ("ec2", "DescribeInstanceStatus", "ec2:DescribeInstanceStatus", json!({"instance": "i-0123456789abcdef0"}), 1),
    ];
    for (query, action, permission, labels, pieces) in cases {
        let world = World::new().await;
        let code = if query == "ec2" { "UnauthorizedOperation" } else { "AccessDeniedException" };
        world.account.refuse(action, 403, code, None);
        let answer = ask(&PROVIDER, &world.with_keys(), query, &labelled(labels)).await;
        assert_eq!(answer.evidence.len(), pieces, "{query}: {answer:?}");
        assert_eq!(answer.gaps.len(), 1, "{query}: {:?}", answer.gaps);
        assert_eq!(answer.gaps[0].kind, GapKind::Denied);
        assert!(answer.gaps[0].reason.contains(permission), "{}", answer.gaps[0].reason);
        assert!(answer.gaps[0].hint.as_ref().unwrap().contains(permission));
    }
}

#[tokio::test]
async fn throttling_is_waited_out_a_few_times() {
    let world = World::new().await;
    world.account.refuse("DescribeDBInstances", 400, "Throttling", Some(2));
    let answer = ask(&PROVIDER, &world.with_keys(), "rds", &of_the_database()).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(world.account.asked("DescribeDBInstances").len(), 3);
}

#[tokio::test]
async fn whatever_the_server_does_there_is_an_answer_with_gaps() {
    for how in [
        Misbehaviour::LoginPage,
        Misbehaviour::WrongTypes,
        Misbehaviour::Cut,
        Misbehaviour::Huge(9 * 1024 * 1024),
        Misbehaviour::Status(500, vec![], Json::Null),
    ] {
        let world = World::new().await;
        world.stage.misbehave("/", how.clone());
        let labels = json!({"DBInstanceIdentifier": "orders-db", "service": "checkout", "cluster": "shop",
            "instance": "i-0123456789abcdef0", "FunctionName": "charge", "TargetGroup": "targetgroup/web/73e2"});
        for query in PROVIDER.queries.iter().filter(|query| query.name != "insights") {
            let answer = ask(&PROVIDER, &world.with_keys(), query.name, &labelled(labels.clone())).await;
            // Answers of other types are read as far as they can be.
            let quiet = matches!(how, Misbehaviour::WrongTypes);
            assert!(
                quiet || answer.gaps.iter().any(|gap| gap.kind == GapKind::Failed),
                "{how:?} {}: {answer:?}",
                query.name
            );
            assert!(!format!("{answer:?}").contains(SECRET));
        }
    }
}

#[tokio::test]
async fn the_deadline_holds() {
    let world = World::new().await;
    world.stage.misbehave("/", Misbehaviour::Slow(Duration::from_mins(1)));
    let mut access = world.with_keys();
    access.deadline = std::time::Instant::now() + Duration::from_millis(100);
    let answer = ask(&PROVIDER, &access, "changes", &of_the_database()).await;
    assert_eq!(answer.gaps[0].kind, GapKind::Deadline, "{answer:?}");
}

#[tokio::test]
async fn every_region_is_asked_or_the_one_that_the_alert_names() {
    let world = World::new().await;
    let fields = [("access_key_id", KEY), ("secret_access_key", SECRET), ("region", "eu-west-1, us-east-1,nonsense/x")];
    let access = world.access(&fields);
    let answer = ask(&PROVIDER, &access, "rds", &of_the_database()).await;
    let regions = |answer: &Answer| -> Vec<String> {
        answer.evidence.iter().filter_map(|one| one.origin.datasource.clone()).collect()
    };
    assert_eq!(regions(&answer), ["eu-west-1", "eu-west-1", "us-east-1", "us-east-1"]);
    let mut input = of_the_database();
    input.0.insert("region".to_owned(), json!("ap-south-1"));
    assert_eq!(regions(&ask(&PROVIDER, &access, "rds", &input).await), ["ap-south-1", "ap-south-1"]);
}

#[tokio::test]
async fn only_the_chosen_instance_is_called_and_no_secret_is_told() {
    let (one, other) = (World::new().await, World::new().await);
    let fields =
        [("role_arn", ROLE), ("external_id", EXTERNAL_ID), ("access_key_id", KEY), ("secret_access_key", SECRET)];
    let access = one.access(&fields);
    let mut told = Vec::new();
    for query in PROVIDER.queries {
        let labels = json!({"DBInstanceIdentifier": "orders-db", "service": "checkout", "FunctionName": "charge"});
        told.push(format!("{:?}", ask(&PROVIDER, &access, query.name, &labelled(labels)).await));
    }
    assert!(!one.account.calls().is_empty());
    assert_eq!(other.account.calls(), []);
    told.push(format!("{:?} {:?}", access.http.calls(), access.instance));
    let told = told.join(" ");
    for secret in [SECRET, EXTERNAL_ID, "role+secret/key", "role-session-token", "sk_live", "canary"] {
        assert!(!told.contains(secret), "{secret} is told");
    }
    // Nothing but reads is ever sent.
    let reads = ["Describe", "List", "Get", "Lookup", "Filter", "AssumeRole", "StartQuery", "StopQuery"];
    for action in one.actions() {
        assert!(reads.iter().any(|read| action.starts_with(read)), "{action}");
        assert!(!action.contains("Secret") && !action.contains("Parameter"), "{action}");
    }
}

#[test]
fn account_and_any_of_the_regions_choose_the_instance() {
    let instance = |name: &str, account: &str, region: &str| json!({"name": name, "credentials": {"role_arn": format!("arn:aws:iam::{account}:role/reader"), "region": region}});
    let record = json!({"id": "aws-1", "service": "eks", "status": "active", "instances": [
        instance("one", "111111111111", "eu-west-1, us-east-1"),
        instance("two", "222222222222", "eu-west-1,ap-south-1"),
        instance("three", "111111111111", "ca-central-1"),
    ]});
    let source = Source::Store { path: "integrations.json".to_owned() };
    let record = Record::from_json(&record, &source, 0).0.expect("a record");
    let resolved = resolve(&catalogue(), &[record], &[], Precedence::Store);
    let chosen = |labels: Json| -> Vec<String> {
        let alert = json!({"title": "x", "alert_source": "prometheus", "state": "alerting", "commonLabels": labels});
        let alert = Alert::parse(alert.to_string().as_bytes());
        let routes = route(&catalogue(), &resolved, &alert, &[], RoutingMode::default());
        routes[0].chosen.iter().map(|instance| instance.name.as_str().to_owned()).collect()
    };
    assert_eq!(chosen(json!({"region": "ap-south-1"})), ["two"]);
    assert_eq!(chosen(json!({"region": "us-east-1"})), ["one"]);
    assert_eq!(chosen(json!({"account_id": "222222222222"})), ["two"]);
    assert_eq!(chosen(json!({"db": "arn:aws:rds:ca-central-1:111111111111:db:orders"})), ["three"]);
}

/// What an alert says reaches AWS as one value, or not at all.
#[tokio::test]
async fn alert_text_never_becomes_a_query() {
    let world = World::new().await;
    let access = world.with_keys();
    let hostile = [
        "a&Action=DeleteAlarms",
        "a\" | delete *",
        "'; drop table x; --",
        "line\nbreak\r\n",
        "back\\slash/../..",
        "%26Action%3DDeleteAlarms",
        "/* comment */ | fields @message",
        "\u{fc}\u{1f525}\u{0}",
    ];
    for text in hostile {
        let mut input =
            labelled(json!({"DBInstanceIdentifier": text, "service": text, "FunctionName": text, "cluster": text,
            "log_group": text, "instance": text, "TargetGroup": text, "region": text, "QueueName": text}));
        input.0.insert("alarm".to_owned(), json!(text));
        input.0.insert("region".to_owned(), json!(text));
        for query in PROVIDER.queries {
            let _ = ask(&PROVIDER, &access, query.name, &input).await;
        }
    }
    let named: Vec<Json> = world
        .account
        .asked("DescribeAlarms")
        .iter()
        .map(|call| call.parameters["AlarmNames.member.1"].clone())
        .collect();
    for text in hostile {
        // Read as input is, without white space around it.
        assert!(named.contains(&json!(text.trim())), "{text:?} is not among {named:?}");
    }
    for call in world.account.calls() {
        assert_eq!(call.region, "eu-west-1");
        let bound = ["AlarmNames.member.1", "Dimensions.member.1.Value", "MetricDataQueries.member.1"];
        for (name, value) in call.parameters.as_object().into_iter().flatten() {
            let spoken = hostile.iter().any(|text| value.to_string().contains(&json!(text.trim()).to_string()));
            assert!(!spoken || bound.contains(&name.as_str()), "{name} of {call:?}");
        }
    }
    assert_eq!(world.account.asked("DeleteAlarms"), []);
}

#[test]
fn an_alarm_makes_its_resources_queries_relevant() {
    let alarm = json!({
        "AlarmName": "orders-db CPU", "NewStateValue": "ALARM", "AWSAccountId": ACCOUNT, "Region": "EU (Ireland)",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-db CPU",
        "StateChangeTime": "2024-05-01T12:15:00.000+0000",
        "Trigger": {"MetricName": "CPUUtilization", "Namespace": "AWS/RDS", "Statistic": "AVERAGE", "Threshold": 90.0,
            "Dimensions": [{"name": "DBInstanceIdentifier", "value": "orders-db"}]},
    });
    let alert = Alert::parse(alarm.to_string().as_bytes());
    let asked: Vec<&str> = PROVIDER
        .queries
        .iter()
        .filter(|query| matches!((query.relevance)(&alert), Relevance::Ask(_)))
        .map(|query| query.name)
        .collect();
    assert_eq!(asked, ["metrics", "alarms", "changes", "logs", "log-counts", "rds", "database-load"]);
    let Relevance::Ask(inputs) = (PROVIDER.queries[0].relevance)(&alert) else { panic!("relevant") };
    assert_eq!(inputs[0].text("alarm"), Some("orders-db CPU"));
    assert_eq!(inputs[0].text("region"), Some("eu-west-1"));
    assert_eq!(inputs[0].labels("labels")["DBInstanceIdentifier"], "orders-db");

    let alert = Alert::parse(b"something is slow");
    let asked: Vec<&str> = PROVIDER
        .queries
        .iter()
        .filter(|query| matches!((query.relevance)(&alert), Relevance::Ask(_)))
        .map(|query| query.name)
        .collect();
    assert_eq!(asked, ["alarms", "changes"], "what needs no name is asked all the same");
}
