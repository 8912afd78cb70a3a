//! Labels of the alerts that are active: who can tell them, and what becomes of odd answers.

use opensre_providers::alert_labels::{alert_labels, can_tell};
use opensre_providers::driver::Provider;
use opensre_providers::{alertmanager, loki, prometheus};
use serde_json::{Value as Json, json};

use crate::stub::{Said, Stub, access};

async fn told(provider: &Provider, answer: Json) -> (Result<Vec<Json>, String>, Vec<String>) {
    let stub = Stub::start(move |_| Said::Json(answer.clone())).await;
    let labels = alert_labels(&access(provider, &[("base_url", &stub.url)])).await;
    let labels = labels.map(|all| all.into_iter().map(|labels| json!(labels)).collect());
    (labels.map_err(|failure| failure.reason), stub.seen().into_iter().map(|seen| seen.path).collect())
}

#[tokio::test]
async fn alertmanager_and_prometheus_tell_the_labels_of_active_alerts() {
    let one =
        json!({"labels": {"alertname": "Down", "env": "prod"}, "startsAt": "2024-05-01T12:00:00Z", "state": "firing"});
    let (labels, paths) = told(&alertmanager::PROVIDER, json!([one])).await;
    assert_eq!(labels, Ok(vec![json!({"alertname": "Down", "env": "prod"})]));
    assert_eq!(paths, ["/api/v2/alerts"]);
    let (labels, paths) = told(&prometheus::PROVIDER, json!({"status": "success", "data": {"alerts": [one]}})).await;
    assert_eq!(labels, Ok(vec![json!({"alertname": "Down", "env": "prod"})]));
    assert_eq!(paths, ["/api/v1/alerts"]);
}

#[tokio::test]
async fn an_odd_answer_is_a_failure_and_who_cannot_tell_is_not_asked() {
    assert!(told(&prometheus::PROVIDER, json!({"status": "success"})).await.0.is_err());
    assert!(told(&alertmanager::PROVIDER, json!({"alerts": 7})).await.0.is_err());
    assert_eq!(told(&loki::PROVIDER, json!({})).await, (Ok(Vec::new()), Vec::new()));
    assert!(can_tell("alertmanager") && can_tell("prometheus") && !can_tell("loki"));
}
