//! Inputs of queries, over the whole registry: what the planner gives fits what the query declares, and the check and
//! the published schema say the same.

use std::collections::BTreeSet;

use opensre_lab::{Lab, scenarios};
use opensre_model::alert::Alert;
use opensre_providers::driver::{Answer, Bounds, Input, InputError, InputSpec, Query, Relevance};
use opensre_providers::providers;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Alerts of every bundled scenario, and some that name a lot.
fn alerts() -> Vec<Alert> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    let mut payloads: Vec<Json> = scenarios()
        .iter()
        .map(|scenario| {
            let lab = runtime.block_on(Lab::start(scenario.load().unwrap(), now)).unwrap();
            let _guard = runtime.enter();
            lab.alert()
        })
        .collect();
    // Six parts in six places: the planner leaves some out and tells the query.
    let parts: Vec<Json> = (0..6)
        .map(|part| {
            json!({
                "status": "firing", "startsAt": "2026-11-20T09:50:00Z",
                "generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
                "labels": {
                    "alertname": "Down", "service": format!("shop-{part}"), "namespace": "shop", "pod": format!("p-{part}"),
                    "cluster": "eu-1", "region": "eu-west-1", "instance": "10.0.0.1:9100", "job": "node", "host": "db-1",
                    "trace_id": "0af7651916cd43dd8448eb211c80319c", "datname": "shop", "container": "app",
                },
                "annotations": {"summary": "trace 0af7651916cd43dd8448eb211c80319c of arn:aws:rds:eu-west-1:123456789012:db:shop"},
            })
        })
        .collect();
    payloads.push(json!({
        "receiver": "x", "status": "firing", "alerts": parts, "groupLabels": {}, "commonLabels": {"alertname": "Down"},
        "commonAnnotations": {}, "externalURL": "http://alertmanager.example", "version": "4", "groupKey": "{}:{}",
    }));
    payloads.push(json!({
        "AlarmName": "cpu", "NewStateValue": "ALARM", "StateChangeTime": "2026-11-20T09:50:00.000+0000",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:cpu", "AWSAccountId": "123456789012",
        "Region": "EU (Ireland)", "Trigger": {
            "MetricName": "CPUUtilization", "Namespace": "AWS/RDS",
            "Dimensions": [{"name": "DBInstanceIdentifier", "value": "shop"}]},
    }));
    let mut alerts: Vec<Alert> = payloads.iter().map(|payload| Alert::parse(payload.to_string().as_bytes())).collect();
    alerts.push(Alert::from_text("checkout is slow"));
    alerts
}

#[test]
fn what_the_planner_asks_for_fits_the_schema_of_the_query() {
    let alerts = alerts();
    let mut checked = 0;
    let mut offences = BTreeSet::new();
    for provider in providers() {
        for query in provider.queries {
            let validator = jsonschema::draft202012::new(&query.schema()).unwrap();
            for alert in &alerts {
                let Relevance::Ask(inputs) = (query.relevance)(alert) else { continue };
                for input in inputs {
                    checked += 1;
                    let name = format!("{} {}", provider.spec.key, query.name);
                    for error in validator.iter_errors(&Json::Object(input.0.clone())) {
                        offences.insert(format!("{name}: {error}"));
                    }
                    if let Err(error) = query.check(&input) {
                        offences.insert(format!("{name}: {error}"));
                    }
                }
            }
        }
    }
    assert_eq!(offences, BTreeSet::new());
    assert!(checked > 50, "only {checked} inputs");
}

#[test]
fn every_input_has_a_type_a_help_and_a_key_of_its_own() {
    for provider in providers() {
        let mut names = BTreeSet::new();
        for query in provider.queries {
            let name = format!("{} {}", provider.spec.key, query.name);
            assert!(names.insert(query.name), "{name} is there twice");
            assert!(jsonschema::draft202012::meta::is_valid(&query.schema()), "{name}");
            let mut keys = BTreeSet::new();
            for spec in query.input {
                let known = ["string", "integer", "number", "boolean", "array", "object"];
                assert!(known.contains(&spec.kind), "{name} {}: {}", spec.key, spec.kind);
                assert!(!spec.help.is_empty() && keys.insert(spec.key), "{name} {}", spec.key);
            }
            assert!(query.bounds.rows > 0 && query.bounds.bytes > 0 && query.bounds.seconds > 0, "{name}");
        }
    }
}

const ALL_KINDS: Query = Query {
    name: "all-kinds",
    summary: "takes one input of each kind",
    input: &[
        InputSpec { key: "text", kind: "string", required: true, help: "a text" },
        InputSpec { key: "count", kind: "integer", required: false, help: "a count" },
        InputSpec { key: "ratio", kind: "number", required: false, help: "a ratio" },
        InputSpec { key: "all", kind: "boolean", required: false, help: "whether all" },
        InputSpec { key: "names", kind: "array", required: false, help: "names" },
        InputSpec { key: "labels", kind: "object", required: false, help: "labels" },
    ],
    bounds: Bounds { rows: 1, bytes: 1, seconds: 1 },
    relevance: |_| Relevance::Skip("only declared"),
    run: |_, _, _| Box::pin(async { Answer::default() }),
};

#[test]
fn what_does_not_fit_is_told_without_its_value() {
    let check = |input: Json| ALL_KINDS.check(&Input(input.as_object().unwrap().clone())).unwrap_err();
    let error = check(json!({"text": "x", "naems": "hunter2"}));
    assert_eq!(error.to_string(), "all-kinds has no input `naems`");
    assert_eq!(ALL_KINDS.nearest_input("naems"), Some("names"));
    assert!(matches!(check(json!({})), InputError::Missing { key: "text", .. }));
    let error = check(json!({"text": "x", "names": ["a", 1]})).to_string();
    assert_eq!(error, "the input `names` of all-kinds must be a list of texts");
    assert!(matches!(check(json!({"text": "x", "count": "hunter2"})), InputError::WrongType { key: "count", .. }));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e9..1e9_f64).prop_map(|number| Json::from(number + 0.5)),
        "[a-z]{0,4}".prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map("[a-z]{1,2}", inner, 0..3)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_check_and_the_schema_agree(
        input in prop::collection::btree_map(
            prop::sample::select(vec!["text", "count", "ratio", "all", "names", "labels", "left_out", "other"]),
            any_json(),
            0..4,
        ),
    ) {
        let input: serde_json::Map<String, Json> =
            input.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let valid = jsonschema::draft202012::is_valid(&ALL_KINDS.schema(), &Json::Object(input.clone()));
        prop_assert_eq!(ALL_KINDS.check(&Input(input)).is_ok(), valid);
    }
}
