//! Prometheus, asked over HTTP: rules, targets, other alerts, failures.

use std::time::{Duration, Instant};

use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Threshold};
use opensre_providers::driver::{Answer, Input, Relevance};
use opensre_providers::{prometheus, victoriametrics};
use serde_json::{Value as Json, json};

use crate::stub::{Said, Seen, Stub, access, alert, ask, input, labels, reasons, summaries, window};

fn matrix(result: &Json) -> Said {
    Said::Json(json!({"status": "success", "data": {"resultType": "matrix", "result": result}}))
}

fn rules(rules: &Json) -> Said {
    Said::Json(json!({"status": "success", "data": {"groups": [{"name": "g", "rules": rules}]}}))
}

fn errors_rule() -> Json {
    json!({"type": "alerting", "name": "Errors", "query": "errors > 0.05", "duration": 60, "state": "firing", "health": "ok",
           "labels": {"severity": "page"}, "lastEvaluation": "2024-05-01T12:45:00Z",
           "alerts": [{"labels": {"alertname": "Errors", "service": "checkout", "severity": "page"}}]})
}

fn of_errors(expression: Option<&str>) -> Input {
    let mut one = input("labels", json!({"alertname": "Errors", "service": "checkout", "severity": "page"}));
    one.0.insert("name".into(), "Errors".into());
    one.0.extend(expression.map(|expression| ("expression".to_owned(), expression.into())));
    one
}

async fn prometheus_asks(
    query: &str,
    input: &Input,
    answer: impl Fn(&Seen) -> Said + Send + Sync + 'static,
) -> (Answer, Stub) {
    let stub = Stub::start(answer).await;
    let access = access(&prometheus::PROVIDER, &[("base_url", &format!("{}/prom", stub.url))]);
    (ask(&prometheus::PROVIDER, &access, query, input).await, stub)
}

fn server(seen: &Seen) -> Said {
    match seen.path.as_str() {
        "/prom/api/v1/rules" => rules(&json!([errors_rule(), {"type": "alerting", "name": "Other", "query": "x"}])),
        "/prom/api/v1/query_range" => matrix(&json!([
            {"metric": {"service": "checkout"}, "values": [[1_714_561_200, "0.01"], [1_714_564_800, "0.02"], [1_714_567_500, "0.4"]]},
            {"metric": {"service": "cart"}, "values": [[1_714_561_200, "5"], [1_714_567_500, "9"]]},
        ])),
        path => panic!("{path} is not asked for"),
    }
}

#[tokio::test]
async fn the_rule_is_found_by_its_name_and_its_expression_measured() {
    let (answer, stub) = prometheus_asks("alert-rule", &of_errors(None), server).await;
    assert_eq!(
        summaries(&answer),
        [
            "the alert's own expression (fires above 0.05) of service=checkout: 0.01 in the baseline; 0.02 to 0.4 since \
             12:00:00Z, last 0.4; 1 series of other things left out",
            "rule Errors is firing",
        ]
    );
    assert_eq!((answer.calls, reasons(&answer)), (2, vec![]));
    let EvidenceData::Metrics { meaning, threshold, series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    assert_eq!((*meaning, *threshold), (Meaning::AlertCondition, Some(Threshold { value: 0.05, above: true })));
    assert_eq!(series.len(), 1);
    let EvidenceData::States { states } = &answer.evidence[1].data else { panic!("states") };
    assert_eq!(
        (states.len(), states[0].healthy, states[0].attributes["this_alert"].as_str()),
        (1, Some(false), "active")
    );
    let asked = &stub.asked("/prom/api/v1/query_range")[0];
    assert_eq!(asked.parameter("query"), "errors");
    // 105 minutes in at most 250 points, the last at the end.
    assert_eq!(
        (asked.parameter("step"), asked.parameter("start"), asked.parameter("end")),
        ("30", "1714561200", "1714567500")
    );
    assert!(asked.parameter("timeout").ends_with("ms"));
    let link = answer.evidence[0].origin.link.as_deref().unwrap();
    assert_eq!(
        link,
        format!(
            "{}/prom/graph?g0.expr=errors&g0.range_input=1h45m&g0.end_input=2024-05-01+12%3A45%3A00&g0.tab=0",
            stub.url
        )
    );
}

#[tokio::test]
async fn a_known_expression_is_asked_at_once() {
    let (answer, stub) = prometheus_asks("alert-rule", &of_errors(Some("own > 2")), server).await;
    assert_eq!(stub.asked("/prom/api/v1/query_range")[0].parameter("query"), "own");
    assert_eq!(stub.asked("/prom/api/v1/query_range").len(), 1);
    assert_eq!(answer.evidence.len(), 2);

    let without_rules = |seen: &Seen| if seen.path.ends_with("rules") { Said::Status(404) } else { server(seen) };
    let (answer, _) = prometheus_asks("alert-rule", &of_errors(Some("own > 2")), without_rules).await;
    assert_eq!(
        (answer.evidence.len(), reasons(&answer)),
        (1, vec![]),
        "a back end without rules has none, and that is all"
    );
}

#[tokio::test]
async fn an_expression_that_measures_nothing_gives_way_to_the_rules_own() {
    let (answer, stub) = prometheus_asks("alert-rule", &of_errors(Some("old > 2")), |seen| {
        if seen.parameter("query") == "old" { matrix(&json!([])) } else { server(seen) }
    })
    .await;
    assert_eq!(stub.asked("/prom/api/v1/query_range").len(), 2);
    assert_eq!(answer.evidence[0].origin.query, "errors");
    assert_eq!((answer.evidence.len(), reasons(&answer)), (2, vec![]));
}

#[tokio::test]
async fn rules_of_one_name_are_told_apart_by_their_labels() {
    let (_, stub) = prometheus_asks("alert-rule", &of_errors(None), |seen| match seen.path.as_str() {
        "/prom/api/v1/rules" => rules(&json!([
            {"type": "alerting", "name": "Errors", "query": "warn > 1", "labels": {"severity": "warning"}},
            {"type": "alerting", "name": "Errors", "query": "page > 2", "labels": {"severity": "page", "team": "{{ $labels.team }}"}},
        ])),
        _ => matrix(&json!([])),
    })
    .await;
    let asked: Vec<String> =
        stub.asked("/prom/api/v1/query_range").iter().map(|seen| seen.parameter("query").to_owned()).collect();
    assert_eq!(asked, ["page"]);
}

#[tokio::test]
async fn a_name_that_no_rule_has_is_told() {
    let (answer, _) = prometheus_asks("alert-rule", &of_errors(None), |_| rules(&json!([]))).await;
    assert_eq!(reasons(&answer), ["no alerting rule here is named Errors"]);
    assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
}

#[tokio::test]
async fn an_expression_beyond_all_measure_is_not_sent() {
    let long = format!("x{{a=\"{}\"}} > 1", "y".repeat(10_000));
    let (answer, stub) = prometheus_asks("alert-rule", &of_errors(Some(&long)), server).await;
    assert_eq!(answer.gaps[0].kind, GapKind::NotSupported);
    let asked = stub.asked("/prom/api/v1/query_range");
    assert_eq!((asked.len(), asked[0].parameter("query")), (1, "errors"), "the rule's own is");
}

#[tokio::test]
async fn long_queries_travel_as_a_form() {
    let query = format!("x{{a=\"{}\"}}", "y".repeat(5_000));
    let (answer, stub) = prometheus_asks("range", &input("query", query.clone().into()), server).await;
    assert_eq!(answer.evidence[0].origin.query, query);
    assert_eq!(stub.seen()[0].parameter("query"), "", "not in the URL");
}

#[tokio::test]
async fn targets_that_are_down_say_why() {
    let target = |service: &str, health: &str, error: &str| {
        json!({"labels": {"job": "web", "service": service, "instance": format!("{service}:80")}, "health": health, "lastError": error,
               "lastScrape": "2024-05-01T12:44:00Z", "scrapeUrl": "http://h/metrics?token=canary"})
    };
    let targets = json!({"status": "success", "data": {"activeTargets": [
        target("checkout", "up", ""), target("cart", "down", "other"), target("checkout", "down", "connection refused"),
    ]}});
    let input = input("labels", json!({"service": "checkout"}));
    let (answer, _) = prometheus_asks("targets", &input, move |_| Said::Json(targets.clone())).await;
    assert_eq!(summaries(&answer), ["1 of 2 scrape targets are down: connection refused"]);
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("states") };
    assert_eq!(states.iter().map(|state| state.healthy).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert!(!format!("{answer:?}").contains("canary"));

    let (elsewhere, _) = prometheus_asks("targets", &input, |_| Said::Status(404)).await;
    assert_eq!(reasons(&elsewhere), ["the server has no list of scrape targets (404)"]);
}

#[tokio::test]
async fn other_alerts_that_fired() {
    let input = input("labels", json!({"alertname": "Errors", "service": "checkout", "env": "prod"}));
    let (answer, stub) = prometheus_asks("alerts", &input, |_| {
        let of = |labels: Json, from: i64, to: i64| {
            json!({"metric": labels, "values": [[1_714_561_200 + 60 * from, "1"], [1_714_561_200 + 60 * to, "1"]]})
        };
        matrix(&json!([
            of(json!({"__name__": "ALERTS", "alertname": "DbDown", "app": "checkout"}), 65, 105),
            of(json!({"__name__": "ALERTS", "alertname": "Old", "service": "checkout"}), 0, 30),
            of(json!({"__name__": "ALERTS", "alertname": "Errors", "service": "checkout"}), 75, 105),
            of(json!({"__name__": "ALERTS", "alertname": "Errors", "service": "cart"}), 75, 105),
            of(json!({"__name__": "ALERTS", "alertname": "Staging", "service": "checkout", "env": "staging"}), 75, 105),
        ]))
    })
    .await;
    assert_eq!(stub.seen()[0].parameter("query"), r#"ALERTS{alertstate="firing",env=~"prod|"}"#);
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("events") };
    let told: Vec<String> =
        events.iter().map(|event| format!("{} {} {}", event.time, event.title, event.text)).collect();
    assert_eq!(
        told,
        [
            "2024-05-01T11:00:00Z alert Old fired since before the window, until 11:30:00Z",
            "2024-05-01T12:05:00Z alert DbDown fires at the end of the window",
        ]
    );
}

#[tokio::test]
async fn series_beyond_the_bound_are_those_that_changed_least() {
    let (answer, _) = prometheus_asks("range", &input("query", "x".into()), |_| {
        let series: Vec<Json> = (0..40)
            .map(|number| json!({"metric": {"n": format!("{number:02}")}, "values": [[1_714_561_200, "0"], [1_714_567_500, number.to_string()]]}))
            .collect();
        matrix(&json!(series))
    })
    .await;
    let EvidenceData::Metrics { series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    let kept: Vec<&str> = series.iter().map(|one| one.labels["n"].as_str()).collect();
    assert_eq!(kept, ["30", "31", "32", "33", "34", "35", "36", "37", "38", "39"]);
    assert_eq!(answer.evidence[0].truncated.as_deref(), Some("10 of 40 series are kept: those that changed most"));
}

#[tokio::test]
async fn what_is_odd_about_an_answer_is_told() {
    let (answer, _) = prometheus_asks("range", &input("query", "x".into()), |_| {
        Said::Json(
            json!({"status": "success", "warnings": ["results truncated"], "data": {"resultType": "matrix", "result": [
            {"metric": {"evil": "a\nb\u{7}".repeat(60)}, "values": [[1_714_561_200, "NaN"], [1_714_567_500, "1"]]}]}}),
        )
    })
    .await;
    assert_eq!(
        answer.evidence[0].truncated.as_deref(),
        Some("1 values that are no finite number are left out; the server says: results truncated")
    );
    let summary = &answer.evidence[0].summary;
    assert!(summary.len() < 200 && !summary.contains(char::is_control), "{summary:?}");
}

#[tokio::test]
async fn a_failed_call_is_a_gap_and_the_others_go_on() {
    let (answer, _) = prometheus_asks("related", &input("labels", json!({"service": "s"})), |seen| match seen.path.as_str() {
        "/prom/api/v1/series" => Said::Json(json!({"status": "success", "data": [
            {"__name__": "up", "service": "s"}, {"__name__": "a_queue_length", "service": "s"}, {"__name__": "b_errors_total", "service": "s"}
        ]})),
        _ if seen.parameter("query").contains("up") => Said::Status(422),
        _ if seen.parameter("query").contains("errors") => matrix(&json!([])),
        _ => matrix(&json!([{"metric": {}, "values": [[1_714_561_200, "1"]]}])),
    })
    .await;
    assert_eq!(answer.evidence.len(), 1);
    assert!(answer.gaps[0].reason.starts_with("scrape targets that are up (up): 127.0.0.1:"), "{:?}", answer.gaps);
    assert_eq!(answer.gaps[0].kind, GapKind::Failed);
    assert_eq!(reasons(&answer)[1], "there is no data in the window for failures per second (b_errors_total)");
    assert_eq!(answer.calls, 4);

    for (status, kind) in [(401, GapKind::Denied), (500, GapKind::Failed), (429, GapKind::RateLimited)] {
        let (answer, _) =
            prometheus_asks("related", &input("labels", json!({"service": "s"})), move |_| Said::Status(status)).await;
        assert_eq!((answer.evidence.len(), answer.gaps.len(), answer.gaps[0].kind), (0, 1, kind));
    }
}

#[tokio::test]
async fn too_many_series_are_narrowed_to_the_smallest_thing() {
    let huge = "x".repeat(9 * 1024 * 1024);
    let of_pod = input("labels", json!({"service": "s", "pod": "p"}));
    let (answer, stub) = prometheus_asks("related", &of_pod, move |seen| match seen.path.as_str() {
        "/prom/api/v1/series" if seen.all("match[]").len() > 1 => {
            Said::Json(json!({"status": "success", "data": [huge]}))
        }
        "/prom/api/v1/series" => Said::Json(json!({"status": "success", "data": [{"__name__": "up", "pod": "p"}]})),
        _ => matrix(&json!([{"metric": {"pod": "p"}, "values": [[1_714_561_200, "1"]]}])),
    })
    .await;
    assert_eq!(stub.asked("/prom/api/v1/series")[1].all("match[]"), [r#"{pod="p"}"#]);
    assert_eq!(answer.evidence.len(), 1);
    assert!(
        reasons(&answer).iter().any(|reason| reason.contains("only those of {pod=\"p\"} are looked at")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_deadline_ends_everything_as_gaps() {
    let stub = Stub::start(server).await;
    let mut access = access(&prometheus::PROVIDER, &[("base_url", &stub.url)]);
    access.deadline = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    for query in prometheus::PROVIDER.queries {
        let answer = (query.run)(&access, &of_errors(None), window()).await;
        assert!(answer.evidence.is_empty());
        assert_eq!(
            answer.gaps[0].kind,
            if query.name == "range" { answer.gaps[0].kind } else { GapKind::Deadline },
            "{}",
            query.name
        );
    }
}

#[tokio::test]
async fn a_cluster_of_victoriametrics_is_asked_below_its_account() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/select/7:1/prometheus/api/v1/query_range" => {
            matrix(&json!([{"metric": {}, "values": [[1_714_561_200, "1"]]}]))
        }
        path => panic!("{path} is not asked for"),
    })
    .await;
    let fields = [("base_url", stub.url.as_str()), ("account_id", "7:1")];
    let answer = ask(
        &victoriametrics::PROVIDER,
        &access(&victoriametrics::PROVIDER, &fields),
        "range",
        &input("query", "up".into()),
    )
    .await;
    assert_eq!(
        answer.evidence[0].origin.link.as_deref().unwrap(),
        format!("{}/select/7:1/vmui/#/?g0.expr=up&g0.range_input=1h45m&g0.end_input=2024-05-01+12%3A45%3A00", stub.url)
    );
}

#[test]
fn an_alert_decides_what_is_asked() {
    let asked = |pairs: &[(&str, &str)], expression: Option<&str>| -> Vec<(&str, usize)> {
        let mut alert = alert(pairs);
        alert.references.expression = expression.map(str::to_owned);
        let inputs = |query: &opensre_providers::driver::Query| match (query.relevance)(&alert) {
            Relevance::Ask(inputs) => inputs.len(),
            Relevance::Skip(_) => 0,
        };
        prometheus::PROVIDER
            .queries
            .iter()
            .map(|query| (query.name, inputs(query)))
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    assert_eq!(asked(&[], None), []);
    assert_eq!(asked(&[], Some("up")), [("alert-rule", 1)]);
    assert_eq!(asked(&[("alertname", "A")], None), [("alert-rule", 1)]);
    assert_eq!(asked(&[("service", "s"), ("severity", "x")], None), [("related", 1), ("targets", 1), ("alerts", 1)]);
    assert_eq!(asked(&[("severity", "page"), ("env", "prod")], None), []);
}

#[test]
fn every_name_in_a_group_asks_for_its_rule_once() {
    let group = |names: &[(&str, &str)]| {
        let mut group = alert(&[]);
        group.references.expression = Some("up == 0".to_owned());
        group.items = names
            .iter()
            .map(|(name, service)| opensre_model::alert::AlertItem {
                labels: labels(&[("alertname", name), ("service", service)]),
                ..opensre_model::alert::AlertItem::default()
            })
            .collect();
        let Relevance::Ask(inputs) = (prometheus::PROVIDER.queries[0].relevance)(&group) else { panic!("it asks") };
        let text = |input: &Input, key| input.text(key).unwrap_or("-").to_owned();
        inputs.iter().map(|input| (text(input, "name"), text(input, "expression"))).collect::<Vec<_>>()
    };
    let pair = |name: &str, expression: &str| (name.to_owned(), expression.to_owned());
    assert_eq!(group(&[("B", "x"), ("A", "x"), ("A", "y")]), [pair("A", "-"), pair("B", "-")]);
    assert_eq!(group(&[("A", "x"), ("A", "y")]), [pair("A", "up == 0")]);
}
