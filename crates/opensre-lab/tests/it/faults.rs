//! Faults: what a client meets when a server misbehaves.

use std::time::{Duration, Instant};

use opensre_lab::scenario::Offset;
use opensre_lab::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{Asker, demo, start};

const PLAIN: &str = r#"
name: plain
description: one server of each kind
cause: {category: healthy, sentence: none, instances: []}
onset_ago: 5m
history: 10m
backends:
  main:
    metrics:
      - {name: up, type: gauge, series: [{labels: {job: api, instance: "a:1"}, value: 1}]}
instances:
  - {service: prometheus, name: main, backend: main, token: prom-token, path_prefix: /prom}
  - service: loki
    name: main
    backend: main
    faults: [{kind: {status: {code: 429, retry_after: 7}}, times: 1}]
  - {service: tempo, name: main, backend: main, basic: {username: reader, password: secret}}
alert: {payload: {}}
"#;

#[tokio::test]
async fn statuses_come_with_the_bodies_of_the_service() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    for (code, message) in
        [(401, "Invalid API key"), (403, "You'll need"), (404, "Not found"), (500, "Internal server error")]
    {
        lab.clear_faults("grafana/staging").unwrap();
        lab.set_fault("grafana/staging", Fault::new(FaultKind::Status { code, retry_after: None })).unwrap();
        let (status, body) = asker.get("/api/datasources", &[]).await;
        assert_eq!(status, code);
        assert!(body["message"].as_str().unwrap().starts_with(message), "{body}");
    }
    lab.clear_faults("grafana/staging").unwrap();
    assert_eq!(asker.get("/api/datasources", &[]).await.0, 200);
    let statuses: Vec<_> = lab.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [401, 403, 404, 500, 200], "the record shows what was answered");
}

#[tokio::test]
async fn faults_apply_to_their_path_and_number_only() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let fault = Fault::new(FaultKind::Status { code: 503, retry_after: Some(2) }).on("/api/annotations").times(2);
    lab.set_fault("grafana/staging", fault).unwrap();
    assert_eq!(asker.get("/api/datasources", &[]).await.0, 200);
    let response = asker.send("/api/annotations", &[]).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(asker.get("/api/annotations", &[]).await.0, 503);
    assert_eq!(asker.get("/api/annotations", &[]).await.0, 200);
    assert_eq!(Asker::new(&lab, "grafana/prod").get("/api/annotations", &[]).await.0, 200);
}

#[tokio::test]
async fn a_scenario_can_begin_with_a_fault() {
    let lab = start(PLAIN).await;
    let asker = Asker::new(&lab, "loki/main");
    let response = asker.send("/loki/api/v1/labels", &[]).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(response.text().await.unwrap(), "too many outstanding requests");
    assert_eq!(asker.get("/loki/api/v1/labels", &[]).await, (200, json!({"status": "success"})));
}

#[tokio::test]
async fn latency_delays_and_lets_other_faults_through() {
    let lab = demo().await;
    lab.set_fault("grafana/staging", Fault::new(FaultKind::Latency(Offset::from_milliseconds(120)))).unwrap();
    lab.set_fault("grafana/staging", Fault::new(FaultKind::LoginPage).times(1)).unwrap();
    let asker = Asker::new(&lab, "grafana/staging");
    let before = Instant::now();
    let (status, body) = asker.get("/api/datasources", &[]).await;
    // A lower bound holds on any machine.
    assert!(before.elapsed() >= Duration::from_millis(120));
    assert_eq!(status, 200);
    assert!(body.as_str().unwrap().contains("<title>Grafana</title>"));
    assert!(asker.get("/api/datasources", &[]).await.1.is_array());
}

#[tokio::test]
async fn the_connection_can_break_in_the_body() {
    let lab = demo().await;
    lab.set_fault("grafana/staging", Fault::new(FaultKind::Cut)).unwrap();
    let response = Asker::new(&lab, "grafana/staging").send("/api/datasources", &[]).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn a_slow_body_arrives_whole() {
    let lab = demo().await;
    lab.set_fault("grafana/staging", Fault::new(FaultKind::SlowBody(Offset::from_milliseconds(200)))).unwrap();
    let before = Instant::now();
    let (_, body) = Asker::new(&lab, "grafana/staging").get("/api/datasources", &[]).await;
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(body.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn answers_can_be_huge_or_of_wrong_types() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    lab.set_fault("grafana/staging", Fault::new(FaultKind::Huge(3_000_000)).times(1)).unwrap();
    let text = asker.send("/api/datasources", &[]).await.unwrap().text().await.unwrap();
    assert!(text.len() >= 3_000_000);
    assert!(serde_json::from_str::<Value>(&text).unwrap().is_array(), "valid all the same");

    lab.set_fault("grafana/staging", Fault::new(FaultKind::WrongTypes)).unwrap();
    let (status, body) = asker.get("/api/datasources/proxy/uid/mimir-staging/api/v1/query", &[("query", "up")]).await;
    assert_eq!((status, &body["status"]), (200, &json!("success")));
    assert!(body["data"]["resultType"].is_number());
    assert!(body["data"]["result"][0]["metric"]["job"].is_number());
}

#[tokio::test]
async fn plain_servers_sit_behind_prefixes_and_credentials() {
    let lab = start(PLAIN).await;
    assert!(lab.url("prometheus/main").unwrap().ends_with("/prom"));
    let asker = Asker::new(&lab, "prometheus/main");
    assert_eq!(asker.get("/api/v1/query", &[("query", "up")]).await.1["data"]["result"].as_array().unwrap().len(), 1);
    let (status, body) =
        Asker::new(&lab, "prometheus/main").with_token(Some("other")).get("/api/v1/query", &[("query", "up")]).await;
    assert_eq!((status, body), (401, json!("Unauthorized\n")));
    // Outside the prefix there is nothing.
    let outside = format!("http://{}/api/v1/query?query=up", lab.address("prometheus/main").unwrap());
    assert_eq!(reqwest::get(outside).await.unwrap().status().as_u16(), 404);

    let url = format!("{}/api/echo", lab.url("tempo/main").unwrap());
    assert_eq!(reqwest::get(&url).await.unwrap().status().as_u16(), 401);
    let authorized = reqwest::Client::new().get(&url).basic_auth("reader", Some("secret")).send().await.unwrap();
    assert_eq!(authorized.text().await.unwrap(), "echo");
}

#[tokio::test]
async fn an_unknown_instance_is_named_with_those_there_are() {
    let lab = start(PLAIN).await;
    let error = lab.set_fault("grafana/main", Fault::new(FaultKind::Cut)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the scenario has no instance `grafana/main`; it has prometheus/main, loki/main, tempo/main"
    );
}
