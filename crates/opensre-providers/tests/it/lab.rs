//! Grafana's queries against the lab's simulators, which were written from the vendors' documentation by other hands:
//! what was sent is understood there, and what comes back says what the scenario plays.

use opensre_lab::{Lab, scenario_named};
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, GapKind, LogLine, Meaning, Span};
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus};
use opensre_providers::grafana::PROVIDER;
use serde_json::{Value as Json, json};

use crate::stub::{access, probe};

async fn staging_bad_deploy() -> Lab {
    let scenario = scenario_named("staging-bad-deploy").expect("bundled").load().unwrap();
    Lab::start(scenario, "2024-05-01T12:30:00Z".parse().unwrap()).await.unwrap()
}

/// Access to one of the lab's Grafanas, with the credentials of its store file.
fn grafana(lab: &Lab, name: &str) -> Access {
    let document = lab.store_document();
    let instances = document["integrations"][0]["instances"].as_array().unwrap();
    let credentials = &instances.iter().find(|instance| instance["name"] == name).unwrap()["credentials"];
    let text = |key: &str| credentials[key].as_str().unwrap();
    access(&PROVIDER, &[("endpoint", text("endpoint")), ("api_key", text("api_key"))])
}

async fn ask(lab: &Lab, access: &Access, name: &str, input: Json) -> Answer {
    let window = Window::around(Some(lab.onset()), None, lab.now(), None);
    let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
    let answer = (query.run)(access, &Input(input.as_object().unwrap().clone()), window).await;
    for gap in &answer.gaps {
        assert_eq!(gap.kind, GapKind::NotRelevant, "{name}: {}", gap.reason);
    }
    answer
}

/// What the alert of the scenario says.
fn labels() -> Json {
    json!({"alertname": "Checkout error ratio high", "env": "staging", "service": "checkout-api", "severity": "critical"})
}

fn lines(evidence: &Evidence) -> &[LogLine] {
    let EvidenceData::Logs { lines } = &evidence.data else { panic!("{}", evidence.summary) };
    lines
}

fn spans(evidence: &Evidence) -> Option<&[Span]> {
    if let EvidenceData::Spans { spans } = &evidence.data { Some(spans) } else { None }
}

#[tokio::test]
async fn the_instance_that_is_in_trouble_shows_it_in_every_kind_of_evidence() {
    let lab = staging_bad_deploy().await;
    let staging = grafana(&lab, "staging");
    assert_eq!(probe(&PROVIDER, &staging).await.status, ProbeStatus::Passed);

    let rule = ask(&lab, &staging, "alert-rule", json!({"rule_uid": "checkout-5xx", "labels": labels()})).await;
    let condition = rule.evidence.iter().find_map(|evidence| match &evidence.data {
        EvidenceData::Metrics { meaning: Meaning::AlertCondition, threshold, series, .. } => Some((threshold, series)),
        _ => None,
    });
    let (threshold, series) = condition.expect("what the rule measured");
    let threshold = threshold.expect("its threshold");
    let over = |from, to| {
        let points = series[0].points.iter().filter(|(time, _)| (from..to).contains(time));
        points.filter(|(_, value)| *value > threshold.value).count()
    };
    let window = Window::around(Some(lab.onset()), None, lab.now(), None);
    assert_eq!(over(window.baseline_start, window.start), 0);
    assert!(over(lab.onset(), window.end) > 5);

    let annotations = ask(&lab, &staging, "annotations", json!({})).await;
    let EvidenceData::Events { events } = &annotations.evidence[0].data else { panic!("these are events") };
    let named = |event: &&Event| event.kind == EventKind::Deploy && event.title.contains("checkout-api 2.14.0");
    let deploy = events.iter().find(named).expect("the deploy that broke it");
    assert!(deploy.time < lab.onset());

    let logs = ask(&lab, &staging, "logs", json!({"labels": labels()})).await;
    let errors = lines(&logs.evidence[0]);
    let thrown: Vec<&LogLine> = errors.iter().filter(|line| line.message.contains("applyDiscount")).collect();
    assert!(thrown.len() > 20, "{}", thrown.len());
    assert!(thrown.iter().all(|line| line.time >= lab.onset() && line.level.as_deref() == Some("error")));
    assert!(errors.iter().any(|line| line.time < window.start), "what was always there is there to compare with");
    assert!(errors.iter().all(|line| line.labels["service_name"] == "checkout-api"));

    let traces = ask(&lab, &staging, "traces", json!({"labels": labels()})).await;
    let failed = spans(&traces.evidence[0]).expect("spans with errors");
    assert!(!failed.is_empty() && failed.iter().all(|span| span.error && span.start >= lab.onset()));
    let whole =
        traces.evidence.iter().filter_map(spans).find(|spans| spans.iter().any(|span| span.parent_id.is_some()));
    let origin = whole.expect("a trace span by span").iter().find(|span| span.error && span.service == "checkout-api");
    assert!(origin.expect("the failed span").message.contains("percentage"), "{origin:?}");

    let metrics = ask(&lab, &staging, "metrics", json!({"labels": labels()})).await;
    assert!(metrics.evidence.len() > 3);
}

#[tokio::test]
async fn the_instance_that_is_calm_shows_nothing_and_is_not_asked_by_the_others_queries() {
    let lab = staging_bad_deploy().await;
    let staging = grafana(&lab, "staging");
    ask(&lab, &staging, "logs", json!({"labels": labels()})).await;
    assert!(!lab.requests().is_empty());
    assert!(lab.requests().iter().all(|request| request.instance == "grafana/staging"));

    let prod = grafana(&lab, "prod");
    let traces = ask(&lab, &prod, "traces", json!({"labels": labels()})).await;
    assert_eq!(spans(&traces.evidence[0]), Some(&[][..]));
}
