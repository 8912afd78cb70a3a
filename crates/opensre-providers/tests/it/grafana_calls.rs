//! Grafana, asked over HTTP: data sources shared and chosen, rules, annotations, and logs through the proxy.

use opensre_model::alert::Alert;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Threshold};
use opensre_providers::driver::{Input, Probe, ProbeStatus};
use opensre_providers::grafana::{LOCAL, PROVIDER};
use serde_json::{Value as Json, json};

use crate::stub::{Said, Seen, Stub, access, ask, input, nanoseconds, probe, reasons, summaries};

fn sources() -> Json {
    let source = |uid: &str, kind: &str| json!({"id": 1, "uid": uid, "orgId": 3, "name": uid, "type": kind, "access": "proxy", "isDefault": false, "url": "http://inner"});
    json!([
        source("loki-prod", "loki"),
        source("loki-staging", "loki"),
        source("alert-state", "loki"),
        source("my/sql", "mysql")
    ])
}

/// What a Grafana with two Lokis answers.
fn grafana(seen: &Seen) -> Said {
    let Some(inner) = seen.path.strip_prefix("/api/datasources/proxy/uid/") else {
        return Said::Json(match seen.path.as_str() {
            "/api/datasources" => sources(),
            "/api/org" => json!({"id": 3, "name": "Shop"}),
            "/api/health" => json!({"database": "ok", "version": "11.2.0"}),
            "/api/annotations" if seen.parameter("type") == "alert" => json!([]),
            "/api/annotations" => json!([
                {"id": 1, "time": 1_714_565_400_000_i64, "tags": ["deploy", "service:checkout"], "text": "checkout 1.4.2"}
            ]),
            "/api/v1/provisioning/alert-rules/rule-1" => rule(),
            _ => return Said::Status(404),
        });
    };
    let (_, path) = inner.split_once('/').unwrap();
    Said::Json(match path {
        "loki/api/v1/labels" => json!({"status": "success", "data": ["app"]}),
        "loki/api/v1/label/app/values" => json!({"status": "success", "data": ["checkout"]}),
        "loki/api/v1/query_range" if seen.parameter("query").starts_with("sum") => {
            json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1_714_565_700, "4"]]}]}})
        }
        "loki/api/v1/query_range" => json!({"status": "success", "data": {"resultType": "streams", "result": [
            {"stream": {"app": "checkout"}, "values": [[nanoseconds("12:14:00"), "level=error refused"]]}]}}),
        _ => json!({"status": "success"}),
    })
}

fn rule() -> Json {
    json!({"uid": "rule-1", "title": "Errors in the logs", "condition": "B", "for": "5m", "updated": "2024-05-01T11:50:00Z", "labels": {"team": "shop"},
    "data": [
        {"refId": "A", "datasourceUid": "loki-prod", "relativeTimeRange": {"from": 600, "to": 0},
         "model": {"expr": "sum(count_over_time({app=\"checkout\"} |= \"error\" [$__interval]))"}},
        {"refId": "B", "datasourceUid": "__expr__", "model": {"type": "threshold", "expression": "A", "conditions": [{"evaluator": {"type": "gt", "params": [3]}}]}},
    ]})
}

fn of_checkout() -> Input {
    input("labels", json!({"service": "checkout", "env": "prod"}))
}

fn parts(stub: &Stub) -> [(&'static str, &str); 2] {
    [("endpoint", stub.url.as_str()), ("api_key", "glsa_token")]
}

#[tokio::test]
async fn logs_come_through_the_proxy_of_the_data_source_that_fits() {
    let stub = Stub::start(grafana).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "logs", &of_checkout()).await;
    assert!(summaries(&answer)[0].starts_with("1 line of errors, 1 in the baseline"), "{:?}", summaries(&answer));
    let origin = &answer.evidence[0].origin;
    assert_eq!((origin.service.as_str(), origin.instance.as_str()), ("grafana", "prod"));
    assert_eq!(origin.datasource.as_deref(), Some("loki-prod (loki)"));
    assert_eq!(
        reasons(&answer),
        [
            "loki data sources that are not asked: loki-staging (another one's name agrees with the alert's labels), alert-state (it is about Grafana itself)"
        ]
    );
    assert!(stub.seen().iter().all(|seen| !seen.path.contains("loki-staging")));
    assert!(stub.seen().iter().all(|seen| seen.headers["authorization"] == "Bearer glsa_token"));
    assert_eq!(answer.calls, stub.seen().len() as u64);
}

#[tokio::test]
async fn a_link_opens_explore_with_the_query_and_the_window() {
    let stub = Stub::start(grafana).await;
    let prefixed = format!("{}/", stub.url);
    let access = access(&PROVIDER, &[("endpoint", &prefixed), ("api_key", "glsa_token")]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    let link = answer.evidence[2].origin.link.clone().unwrap();
    assert!(!link.contains("glsa_token"));
    let link = url::Url::parse(&link).unwrap();
    assert_eq!(link.path(), "/explore");
    let query: std::collections::BTreeMap<_, _> = link.query_pairs().into_owned().collect();
    assert_eq!((query["schemaVersion"].as_str(), query["orgId"].as_str()), ("1", "3"));
    let panes: Json = serde_json::from_str(&query["panes"]).unwrap();
    let pane = &panes["opensre"];
    assert_eq!(pane["datasource"], "loki-prod");
    assert_eq!(pane["queries"][0]["expr"], r#"{app="checkout"}"#);
    assert_eq!(pane["queries"][0]["datasource"], json!({"type": "loki", "uid": "loki-prod"}));
    assert_eq!(pane["range"], json!({"from": "1714561200000", "to": "1714567500000"}));
}

#[tokio::test]
async fn data_sources_are_asked_for_once_for_all_queries_and_again_after_a_failure() {
    let stub = Stub::start(grafana).await;
    let shared = access(&PROVIDER, &parts(&stub));
    let (logs, rule) = (of_checkout(), input("rule_uid", json!("rule-1")));
    tokio::join!(
        ask(&PROVIDER, &shared, "logs", &logs),
        ask(&PROVIDER, &shared, "traces", &logs),
        ask(&PROVIDER, &shared, "alert-rule", &rule),
    );
    assert_eq!(stub.asked("/api/datasources").len(), 1);
    // Another token is another identity.
    let mut other = access(&PROVIDER, &[("endpoint", &stub.url), ("api_key", "another")]);
    other.http = shared.http.clone();
    ask(&PROVIDER, &other, "logs", &logs).await;
    assert_eq!(stub.asked("/api/datasources").len(), 2);

    let flaky = std::sync::atomic::AtomicBool::new(true);
    let stub = Stub::start(move |seen| {
        if seen.path == "/api/datasources" && flaky.swap(false, std::sync::atomic::Ordering::Relaxed) {
            return Said::Status(500);
        }
        grafana(seen)
    })
    .await;
    let access = access(&PROVIDER, &parts(&stub));
    let first = ask(&PROVIDER, &access, "logs", &logs).await;
    assert_eq!((first.evidence.len(), first.gaps[0].kind), (0, GapKind::Failed));
    let second = ask(&PROVIDER, &access, "logs", &logs).await;
    assert_eq!(second.evidence.len(), 5);
}

#[tokio::test]
async fn what_a_grafana_does_not_have_is_a_gap() {
    let stub = Stub::start(grafana).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "traces", &of_checkout()).await;
    assert_eq!(answer.evidence, []);
    assert_eq!(reasons(&answer), ["it has no tempo data source that the token can see"]);
    assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
}

#[tokio::test]
async fn a_configured_data_source_is_asked_though_the_token_may_not_list_them() {
    let stub =
        Stub::start(|seen| if seen.path == "/api/datasources" { Said::Status(403) } else { grafana(seen) }).await;
    let denied = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "logs", &of_checkout()).await;
    assert_eq!((denied.evidence.len(), denied.gaps[0].kind), (0, GapKind::Denied));
    assert!(denied.gaps[0].hint.as_ref().unwrap().contains("datasources:read"));

    let configured =
        access(&PROVIDER, &[("endpoint", &stub.url), ("api_key", "x"), ("loki_datasource_uid", "loki-staging")]);
    let answer = ask(&PROVIDER, &configured, "logs", &of_checkout()).await;
    assert_eq!((answer.evidence.len(), reasons(&answer)), (5, vec![]));
    assert!(stub.seen().iter().any(|seen| seen.path.starts_with("/api/datasources/proxy/uid/loki-staging/")));
}

#[tokio::test]
async fn the_alerts_own_rule_is_run_on_its_own_data_source() {
    let stub = Stub::start(grafana).await;
    let answer =
        ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "alert-rule", &input("rule_uid", json!("rule-1"))).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(
        summaries(&answer),
        [
            r#"alert rule "Errors in the logs" fires when A > 3"#,
            r#"alert rule "Errors in the logs" was changed"#,
            r#"1 series of sum(count_over_time({app="checkout"} |= "error" [45s]))"#,
        ]
    );
    let EvidenceData::Metrics { meaning, threshold, .. } = &answer.evidence[2].data else {
        panic!("these are metrics")
    };
    assert_eq!((*meaning, *threshold), (Meaning::AlertCondition, Some(Threshold { value: 3.0, above: true })));
    assert_eq!(answer.evidence[2].origin.datasource.as_deref(), Some("loki-prod (loki)"));
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("this is a state") };
    assert_eq!(states[0].attributes["data source A"], "loki-prod (loki)");
    assert!(answer.evidence[0].origin.link.as_ref().unwrap().ends_with("/alerting/grafana/rule-1/view"));
}

#[tokio::test]
async fn a_rule_is_found_by_the_ruler_when_provisioning_is_forbidden() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/api/v1/provisioning/alert-rules/rule-1" => Said::Status(403),
        "/api/ruler/grafana/api/v1/rules" => {
            Said::Json(json!({"Shop": [{"name": "g", "rules": [{"for": "5m", "grafana_alert": rule()}]}]}))
        }
        _ => grafana(seen),
    })
    .await;
    let answer =
        ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "alert-rule", &input("rule_uid", json!("rule-1"))).await;
    assert_eq!((answer.evidence.len(), reasons(&answer)), (2, vec![]));

    let stub = Stub::start(|seen| if seen.path.contains("rule") { Said::Status(403) } else { grafana(seen) }).await;
    let answer =
        ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "alert-rule", &input("rule_uid", json!("rule-1"))).await;
    assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::Denied));
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("alert.rules:read"));
}

#[tokio::test]
async fn a_rule_of_another_grafana_and_one_that_cannot_be_run_are_gaps() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/api/v1/provisioning/alert-rules/rule-2" => {
            let mut rule = rule();
            rule["data"][0]["datasourceUid"] = json!("my/sql");
            Said::Json(rule)
        }
        _ => grafana(seen),
    })
    .await;
    let access = access(&PROVIDER, &parts(&stub));
    let absent = ask(&PROVIDER, &access, "alert-rule", &input("rule_uid", json!("../../admin"))).await;
    assert_eq!((absent.evidence.len(), absent.gaps.len()), (0, 1));
    assert!(stub.seen().iter().all(|seen| !seen.path.contains("/api/admin")));
    let other = ask(&PROVIDER, &access, "alert-rule", &input("rule_uid", json!("rule-2"))).await;
    assert_eq!(other.gaps[0].kind, GapKind::NotSupported);
    assert_eq!(other.evidence.len(), 2, "the rule itself is still told");
}

#[tokio::test]
async fn annotations_of_the_window_are_events() {
    let stub = Stub::start(grafana).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "annotations", &Input::default()).await;
    assert_eq!(summaries(&answer), ["deployments: 1"]);
    for seen in stub.asked("/api/annotations") {
        assert_eq!((seen.parameter("from"), seen.parameter("to")), ("1714561200000", "1714567500000"));
    }

    let stub = Stub::start(|_| Said::Status(403)).await;
    let denied = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "annotations", &Input::default()).await;
    assert!(
        denied
            .gaps
            .iter()
            .all(|gap| gap.kind == GapKind::Denied && gap.hint.as_ref().unwrap().contains("annotations:read"))
    );
    assert_eq!((denied.evidence.len(), denied.gaps.len()), (0, 2));
}

async fn probed(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Probe {
    let stub = Stub::start(answer).await;
    probe(&PROVIDER, &access(&PROVIDER, &parts(&stub))).await
}

#[tokio::test]
async fn a_probe_passes_on_a_data_source_that_can_be_asked() {
    let passed = probed(grafana).await;
    assert_eq!(passed.status, ProbeStatus::Passed);
    assert_eq!(passed.detail, "3 data sources to ask: loki 3; 1 of other types");
    assert_eq!((passed.identity["organisation"].as_str(), passed.identity["version"].as_str()), ("Shop", "11.2.0"));
    // Who and what it is may stay unknown.
    let plain = probed(|seen| if seen.path == "/api/datasources" { grafana(seen) } else { Said::Status(404) }).await;
    assert_eq!((plain.status, plain.identity.len()), (ProbeStatus::Passed, 0));

    let none = probed(|_| Said::Json(json!([{"uid": "a", "type": "mysql"}]))).await;
    assert_eq!((none.status, none.hint.is_some()), (ProbeStatus::Failed, true));
    type Case = (fn(&Seen) -> Said, &'static str);
    let cases: [Case; 4] = [
        (|_| Said::Page, "HTML"),
        (|_| Said::Status(401), "401"),
        (|_| Said::Status(403), "403"),
        (|_| Said::Json(json!({"status": "success"})), "not Grafana's"),
    ];
    for (answer, word) in cases {
        let failed = probed(answer).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{word}");
        assert!(failed.detail.contains(word) && !failed.detail.contains("glsa_token"), "{}", failed.detail);
    }
}

#[tokio::test]
async fn a_local_grafana_is_asked_without_credentials() {
    let stub = Stub::start(grafana).await;
    let access = access(&LOCAL, &[("endpoint", &stub.url)]);
    assert_eq!(probe(&LOCAL, &access).await.status, ProbeStatus::Passed);
    assert!(stub.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[test]
fn an_alert_makes_relevant_what_it_names() {
    use opensre_providers::driver::Relevance;
    let relevance = |name: &str, alert: &Alert| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
        (query.relevance)(alert)
    };
    let mut alert = crate::stub::alert(&[("severity", "page")]);
    for name in ["alert-rule", "logs", "traces", "trace"] {
        assert!(matches!(relevance(name, &alert), Relevance::Skip(_)), "{name}");
    }
    assert!(matches!(relevance("annotations", &alert), Relevance::Ask(inputs) if inputs.len() == 1));

    alert = crate::stub::alert(&[("service", "checkout")]);
    alert.references.rule_uid = Some("rule-1".to_owned());
    alert.references.trace_ids = vec!["e1".to_owned()];
    let mut of_rule = input("labels", json!({"service": "checkout"}));
    of_rule.0.insert("rule_uid".to_owned(), json!("rule-1"));
    assert_eq!(relevance("alert-rule", &alert), Relevance::Ask(vec![of_rule]));
    assert_eq!(relevance("trace", &alert), Relevance::Ask(vec![input("trace_ids", json!(["e1"]))]));
    assert_eq!(relevance("logs", &alert), Relevance::Ask(vec![input("labels", json!({"service": "checkout"}))]));
}

#[test]
fn the_parts_of_a_group_are_asked_for_once_per_service_and_bounded() {
    use opensre_model::alert::AlertItem;
    use opensre_providers::driver::Relevance;
    let mut alert = crate::stub::alert(&[("env", "prod")]);
    let item = |service: &str, pod: &str| AlertItem {
        labels: crate::stub::labels(&[("service", service), ("pod", pod)]),
        ..AlertItem::default()
    };
    alert.items = vec![item("a", "a-1"), item("a", "a-2"), item("b", "b-1"), item("c", "c-1"), item("d", "d-1")];
    let logs = PROVIDER.queries.iter().find(|query| query.name == "logs").unwrap();
    let Relevance::Ask(inputs) = (logs.relevance)(&alert) else { panic!("it names services") };
    let services: Vec<_> = inputs.iter().map(|input| input.labels("labels")["service"].clone()).collect();
    assert_eq!(services, ["a", "b", "c"]);
    assert!(inputs.iter().all(|input| input.labels("labels")["env"] == "prod"));
    assert_eq!(inputs[0].0["left_out"], json!(1));
}

/// What a Grafana with one Prometheus answers, whose rule compares outside of the expression.
fn with_prometheus(seen: &Seen) -> Said {
    Said::Json(match seen.path.as_str() {
        "/api/datasources" => {
            json!([{"uid": "mimir", "name": "Mimir", "type": "prometheus", "isDefault": true, "orgId": 1}])
        }
        "/api/v1/provisioning/alert-rules/rule-9" => {
            json!({"uid": "rule-9", "title": "Error ratio", "condition": "C", "data": [
                {"refId": "A", "datasourceUid": "mimir", "relativeTimeRange": {"from": 600, "to": 0},
                 "model": {"expr": "sum by (service) (rate(http_errors_total[$__rate_interval]))"}},
                {"refId": "B", "datasourceUid": "__expr__", "model": {"type": "reduce", "reducer": "last", "expression": "A"}},
                {"refId": "C", "datasourceUid": "__expr__", "model": {"type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "gt", "params": [0.05]}}]}},
            ]})
        }
        "/api/datasources/proxy/uid/mimir/api/v1/query_range" => {
            json!({"status": "success", "data": {"resultType": "matrix", "result": [
                {"metric": {"service": "checkout"}, "values": [[1_714_561_200, "0.01"], [1_714_565_700, "0.2"]]},
                {"metric": {"service": "cart"}, "values": [[1_714_565_700, "0.01"]]},
            ]}})
        }
        "/api/datasources/proxy/uid/mimir/api/v1/series" => json!({"status": "success", "data": [
            {"__name__": "http_requests_total", "service": "checkout", "code": "200"}]}),
        _ => return Said::Status(404),
    })
}

#[tokio::test]
async fn a_rule_over_prometheus_is_run_with_the_threshold_of_its_expression_node() {
    let stub = Stub::start(with_prometheus).await;
    let mut of_rule = input("labels", json!({"service": "checkout"}));
    of_rule.0.insert("rule_uid".to_owned(), json!("rule-9"));
    let answer = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "alert-rule", &of_rule).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    let EvidenceData::Metrics { meaning, threshold, series, .. } = &answer.evidence[1].data else {
        panic!("these are metrics")
    };
    assert_eq!((*meaning, *threshold), (Meaning::AlertCondition, Some(Threshold { value: 0.05, above: true })));
    let services: Vec<_> = series.iter().map(|series| series.labels["service"].as_str()).collect();
    assert_eq!(services, ["checkout"], "what the alert is not about is left out");
    let origin = &answer.evidence[1].origin;
    assert_eq!((origin.operation.as_str(), origin.datasource.as_deref()), ("alert-rule", Some("Mimir (prometheus)")));
    assert!(!origin.query.contains('$'), "{}", origin.query);
    assert!(origin.link.as_ref().unwrap().contains("/explore?"));
}

#[tokio::test]
async fn metrics_come_through_the_proxy() {
    let stub = Stub::start(with_prometheus).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &parts(&stub)), "metrics", &of_checkout()).await;
    assert!(!answer.evidence.is_empty(), "{:?}", answer.gaps);
    for evidence in &answer.evidence {
        assert_eq!((evidence.origin.service.as_str(), evidence.origin.operation.as_str()), ("grafana", "metrics"));
        assert_eq!(evidence.origin.datasource.as_deref(), Some("Mimir (prometheus)"));
    }
    assert_eq!(stub.asked("/api/datasources").len(), 1);
    assert_eq!(answer.calls, stub.seen().len() as u64);
}
