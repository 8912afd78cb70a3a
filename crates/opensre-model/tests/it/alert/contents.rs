//! What is read from a payload: hints, times, identifiers, the subject.

use opensre_model::alert::{Alert, AlertState, STANDARD_LABELS, standard_name};
use serde_json::{Value as Json, json};

use super::formats::{cloudwatch, pagerduty};
use super::{alertmanager, parse, shown};

#[test]
fn hints_are_found_everywhere_in_the_order_of_precedence() {
    let alert = parse(&json!({
        "alerts": [
            {"annotations": {"grafana_instance": "h-item-annotation"}, "labels": {"grafana_instance": "g-item-label"}},
            "no object",
            {"labels": {"EKS_Instance": " Prod , eu "}}
        ],
        "groupLabels": {"grafana_instance": "f"},
        "commonLabels": {"grafana_instance": "e"},
        "labels": {"grafana_instance": "d"},
        "commonAnnotations": {"grafana_instance": "c"},
        "annotations": {"grafana_instance": "b"},
        "grafana_instance": "a",
        "loki_instance": ["eu", "us"],
        "tempo_instance": "  ",
        "instance": "web-1:9100",
        "mimir_instance": {"name": "x"},
        "receiver": "r"
    }));
    let found: Vec<String> =
        alert.hints.iter().map(|hint| format!("{} {} {}", hint.path, hint.value.service, hint.value.wanted)).collect();
    insta::assert_snapshot!(found.join("\n"));
    assert!(alert.oddities.iter().any(|oddity| oddity.starts_with("mimir_instance: an object")));
}

#[test]
fn hints_at_the_top_level_count_in_every_format() {
    let mut payloads =
        [pagerduty(&json!({})), cloudwatch(), alertmanager(), json!({"alert_transition": "Warn", "title": "x"})];
    for payload in &mut payloads {
        payload["grafana_instance"] = json!("staging");
        payload["annotations"] = json!({"loki_instance": "eu"});
        let alert = parse(payload);
        let found: Vec<_> = alert.hints.iter().map(|hint| (hint.path.as_str(), hint.value.wanted.as_str())).collect();
        assert_eq!(found, [("grafana_instance", "staging"), ("annotations.loki_instance", "eu")], "{:?}", alert.format);
    }
}

#[test]
fn wrong_types_lose_only_themselves() {
    let payload = json!({
        "receiver": "r", "status": 7, "externalURL": {"a": 1}, "groupKey": null,
        "commonLabels": "service=checkout, env:prod",
        "commonAnnotations": null,
        "groupLabels": [{"name": "team", "value": "a"}, 5],
        "alerts": [
            null, 5, "text", ["x"],
            {"status": "resolved", "labels": {"pod": 7, "shard": true, "gone": null, "nested": {"a": 1}, "list": ["a", 2]},
             "annotations": "{\"summary\": \"x\"}", "startsAt": 1_773_140_400, "endsAt": 1_773_144_000_000_i64,
             "generatorURL": "not a url", "fingerprint": 12},
            {"status": null, "labels": null, "startsAt": "soon", "endsAt": []}
        ]
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn a_list_where_one_alert_stands_and_the_reverse_are_read() {
    let single = parse(&json!({"receiver": "r", "alerts": {"labels": {"pod": "a"}, "status": "firing"}}));
    assert_eq!(single.items[0].labels["pod"], "a");
    assert_eq!(single.state, AlertState::Firing);
    let text = parse(&json!({"receiver": "r", "alerts": "none", "commonLabels": {"service": "a"}}));
    assert_eq!(text.items.len(), 1);
    assert_eq!(text.items[0].labels["service"], "a");
    assert!(text.oddities.iter().any(|oddity| oddity == "alerts: a text where a list was expected"));
}

#[test]
fn times_are_read_in_every_common_spelling() {
    for value in [
        json!("2024-01-05T08:00:00Z"),
        json!(" 2024-01-05T09:00:00+01:00 "),
        json!("2024-01-05T08:00:00.000+0000"),
        json!("2024-01-05 08:00:00"),
        json!("2024-01-05T08:00:00"),
        json!("2024-01-05 08:00:00 +0000 UTC"),
        json!("2024-01-05 08:00:00 UTC"),
        json!("Fri, 5 Jan 2024 08:00:00 +0000"),
        json!(1_704_441_600),
        json!(1_704_441_600.0),
        json!("1704441600"),
        json!(1_704_441_600_000_i64),
        json!("1704441600000"),
        json!(1_704_441_600_000_000_i64),
        json!(1_704_441_600_000_000_000_i64),
    ] {
        let alert = parse(&json!({"title": "x", "startsAt": value}));
        assert_eq!(alert.starts_at.map(|time| time.to_string()).as_deref(), Some("2024-01-05T08:00:00Z"), "{value}");
    }
}

#[test]
fn what_stands_for_no_time_is_none_and_nonsense_is_noted() {
    for value in
        [json!(null), json!(""), json!(0), json!(-5), json!("0001-01-01T00:00:00Z"), json!("1970-01-01T00:00:00Z")]
    {
        let alert = parse(&json!({"title": "x", "startsAt": value}));
        assert_eq!((alert.starts_at, alert.oddities.len()), (None, 0), "{value}");
    }
    for value in [json!("soon"), json!(true), json!([]), json!({}), json!(1e300), json!("NaN"), json!("inf")] {
        let alert = parse(&json!({"title": "x", "startsAt": value}));
        assert_eq!(alert.starts_at, None, "{value}");
        assert_eq!(alert.oddities, ["startsAt: not a time"], "{value}");
    }
}

#[test]
fn arns_identify_in_structured_fields_only() {
    let found = |payload: Json| -> Vec<String> {
        parse(&payload).identifiers.iter().map(|found| format!("{:?} {}", found.value, found.path)).collect()
    };
    assert_eq!(
        found(json!({"title": "x", "labels": {"resource": "arn:aws:eks:eu-west-1:123456789012:cluster/shop"}})),
        [
            r#"AwsAccount("123456789012") labels.resource"#,
            r#"AwsRegion("eu-west-1") labels.resource"#,
            r#"Cluster("shop") labels.resource"#,
        ]
    );
    assert_eq!(
        found(json!({"title": "x", "annotations": {"description": "see arn:aws:iam::123456789012:role/x"},
            "message": "arn:aws:iam::123456789012:role/x"})),
        Vec::<String>::new()
    );
    assert_eq!(
        found(
            json!({"title": "x", "labels": {"aws_account_id": "123456789012", "region": "eu", "aws_region": "us-gov-east-1"}})
        ),
        [r#"AwsAccount("123456789012") labels.aws_account_id"#, r#"AwsRegion("us-gov-east-1") labels.aws_region"#]
    );
}

#[test]
fn a_credential_in_a_url_is_dropped() {
    let alert = parse(&json!({"title": "x", "externalURL": "https://admin:hunter2@grafana.example.com/x"}));
    assert_eq!(alert.urls[0].value, "https://grafana.example.com/x");
    assert!(!format!("{alert:?}").contains("hunter2"));
}

#[test]
fn the_subject_knows_every_spelling_and_all_values() {
    let alert = parse(&json!({
        "receiver": "r",
        "commonLabels": {"app.kubernetes.io/name": "checkout", "environment": "prod"},
        "alerts": [
            {"labels": {"pod": "a", "kube_namespace": "shop", "instance": "10.0.0.1:80"}},
            {"labels": {"pod": "b", "namespace": "shop", "service": " "}}
        ]
    }));
    let subject = alert.subject();
    assert_eq!(subject.one("service"), Some("checkout"));
    assert_eq!(subject.one("env"), Some("prod"));
    assert_eq!(subject.one("namespace"), Some("shop"));
    assert_eq!(subject.one("pod"), None);
    assert_eq!(subject.values("pod").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(subject.values("region").count(), 0);
    assert!(STANDARD_LABELS.iter().all(|name| standard_name(name) == Some(name)));
}

#[test]
fn a_long_text_is_cut_and_many_oddities_are_counted() {
    let alert = Alert::from_text(&"ä".repeat(100_000));
    assert_eq!(alert.text.chars().count(), 64 * 1024);
    assert!(alert.oddities[0].contains("was cut"));
    let items: Vec<Json> = (0..500).map(Json::from).collect();
    let alert = parse(&json!({"receiver": "r", "alerts": items}));
    assert_eq!(alert.oddities.len(), 51);
    assert_eq!(alert.oddities[50], "and 450 more of the kind");
}
