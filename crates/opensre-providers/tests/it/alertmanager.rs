//! Alertmanager: formats, probe and queries.

use opensre_model::evidence::{EventKind, EvidenceData, GapKind};
use opensre_providers::alertmanager::PROVIDER;
use opensre_providers::alertmanager::wire::silences;
use opensre_providers::driver::{Input, ProbeStatus, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{Said, Stub, access, alert, ask, input, labels, probe, reasons, summaries};

fn answering(answer: Json) -> impl Fn(&crate::stub::Seen) -> Said {
    move |_| Said::Json(answer.clone())
}

fn of_checkout() -> Input {
    input("labels", json!({"alertname": "Errors", "service": "checkout", "env": "prod", "severity": "page"}))
}

fn active(labels: &Json, starts_at: &str, state: &str, silenced_by: &[&str]) -> Json {
    json!({"labels": labels, "annotations": {"summary": "it is broken"}, "startsAt": starts_at, "endsAt": "2024-05-01T13:00:00Z",
           "status": {"state": state, "silencedBy": silenced_by, "inhibitedBy": []}, "fingerprint": "f"})
}

#[tokio::test]
async fn the_status_proves_the_api() {
    let stub = Stub::start(answering(json!({"cluster": null, "versionInfo": {"version": "0.27.0"}}))).await;
    let proved = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url), ("bearer_token", "t0ken")])).await;
    assert_eq!((proved.status, proved.identity["version"].as_str()), (ProbeStatus::Passed, "0.27.0"));
    assert_eq!(stub.seen()[0].path, "/api/v2/status");
    assert_eq!(stub.seen()[0].headers["authorization"], "Bearer t0ken");

    for (answer, words) in [
        (Said::Json(json!({"status": "success"})), "without the state of its cluster"),
        (Said::Page, "HTML page"),
        (Said::Status(401), "refused the credentials (401)"),
        (Said::Json(json!(7)), "without the state of its cluster"),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let stub = Stub::start(move |_| answer.lock().unwrap().take().unwrap()).await;
        let failed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)])).await;
        assert_eq!(failed.status, ProbeStatus::Failed);
        assert!(failed.detail.contains(words) && failed.hint.is_some(), "{failed:?}");
    }
}

#[tokio::test]
async fn other_alerts_of_the_same_things() {
    let stub = Stub::start(answering(json!([
        active(&json!({"alertname": "DbDown", "app": "checkout", "env": "prod"}), "2024-05-01T12:10:00Z", "active", &[]),
        active(&json!({"alertname": "Errors", "service": "checkout", "env": "prod"}), "2024-05-01T12:15:00Z", "suppressed", &["s"]),
        active(&json!({"alertname": "DbDown", "app": "checkout", "env": "staging"}), "2024-05-01T12:10:00Z", "active", &[]),
        active(&json!({"alertname": "Other", "service": "cart", "env": "prod", "severity": "page"}), "2024-05-01T12:10:00Z", "active", &[]),
        active(&json!({"alertname": "Later", "service": "checkout"}), "2024-05-01T14:10:00Z", "active", &[]),
        {"labels": {}, "startsAt": 7},
    ])))
    .await;
    let access = access(&PROVIDER, &[("base_url", &format!("{}/am", stub.url))]);
    let answer = ask(&PROVIDER, &access, "alerts", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["1 other active alert is of the same things; the alert itself is still silenced"]);
    assert_eq!((answer.calls, reasons(&answer)), (1, vec![]));
    let evidence = &answer.evidence[0];
    assert_eq!(evidence.truncated.as_deref(), Some("1 entries could not be read"));
    assert_eq!(evidence.origin.link.as_deref(), Some(format!("{}/am/#/alerts", stub.url).as_str()));
    let EvidenceData::Events { events } = &evidence.data else { panic!("these are events") };
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].title.as_str()), (EventKind::Alert, "alert DbDown"));
    assert_eq!(events[0].text, "active: it is broken");
    assert_eq!(events[0].labels, labels(&[("alertname", "DbDown"), ("app", "checkout"), ("env", "prod")]));
    assert_eq!(stub.seen()[0].path, "/am/api/v2/alerts");
}

#[tokio::test]
async fn many_alerts_are_cut_to_those_nearest_to_the_onset() {
    let many: Vec<Json> = (0..70)
        .map(|minute| {
            let start = format!("2024-05-01T{:02}:{:02}:00Z", 11 + minute / 60, minute % 60);
            active(&json!({"alertname": format!("A{minute:02}"), "service": "checkout"}), &start, "active", &[])
        })
        .collect();
    let stub = Stub::start(answering(json!(many))).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)]), "alerts", &of_checkout()).await;
    assert_eq!(answer.evidence[0].truncated.as_deref(), Some("50 of 70 are kept, those nearest to the onset"));
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("these are events") };
    assert_eq!((events.len(), events[0].title.as_str()), (50, "alert A20"));
    assert!(events.windows(2).all(|pair| pair[0].time <= pair[1].time));
}

#[tokio::test]
async fn silences_that_cover_the_alert() {
    let silence = |matchers: Json, ends_at: &str| {
        json!({"id": "i", "matchers": matchers, "startsAt": "2024-05-01T12:00:00Z", "endsAt": ends_at, "createdBy": "sam",
               "comment": "deploying 1.2", "status": {"state": "active"}})
    };
    let service = json!({"name": "service", "value": "check.*", "isRegex": true, "isEqual": true});
    let stub = Stub::start(answering(json!([
        silence(json!([service, {"name": "env", "value": "prod", "isRegex": false}]), "2024-05-01T13:00:00Z"),
        silence(
            json!([service, {"name": "env", "value": "prod", "isRegex": false, "isEqual": false}]),
            "2024-05-01T13:00:00Z"
        ),
        silence(json!([{"name": "service", "value": "check", "isRegex": true}]), "2024-05-01T13:00:00Z"),
        silence(json!([{"name": "service", "value": "(", "isRegex": true}]), "2024-05-01T13:00:00Z"),
        silence(json!([{"name": "service", "value": "(", "isRegex": true, "isEqual": false}]), "2024-05-01T13:00:00Z"),
        silence(json!([]), "2024-05-01T13:00:00Z"),
        silence(json!([service]), "2024-05-01T10:00:00Z"),
    ])))
    .await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)]), "silences", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["1 silence covers the alert in the window"]);
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("these are events") };
    assert_eq!(
        (events[0].title.as_str(), events[0].text.as_str(), events[0].kind),
        (
            r#"silence of service=~"check.*", env="prod" by sam until 2024-05-01 13:00Z (active)"#,
            "deploying 1.2",
            EventKind::Silence
        )
    );
}

#[test]
fn a_missing_label_is_empty_to_a_matcher() {
    let of = |matcher: Json| {
        let answer =
            json!([{"matchers": [matcher], "startsAt": "2024-05-01T12:00:00Z", "endsAt": "2024-05-01T12:00:00Z"}]);
        silences(&answer).unwrap().0.remove(0)
    };
    let labels = labels(&[("a", "b")]);
    assert!(of(json!({"name": "team", "value": "", "isRegex": false})).covers(&labels));
    assert!(of(json!({"name": "team", "value": "x", "isRegex": false, "isEqual": false})).covers(&labels));
    assert!(!of(json!({"name": "team", "value": ".+", "isRegex": true})).covers(&labels));
}

#[tokio::test]
async fn a_failure_is_a_gap_and_not_an_empty_answer() {
    let stub = Stub::start(|_| Said::Status(403)).await;
    let answer = ask(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)]), "alerts", &of_checkout()).await;
    assert!(answer.evidence.is_empty());
    assert_eq!((answer.gaps[0].kind, answer.gaps[0].operation.as_deref()), (GapKind::Denied, Some("alerts")));
}

#[test]
fn an_alert_without_labels_asks_nothing() {
    for query in PROVIDER.queries {
        assert!(matches!((query.relevance)(&alert(&[])), Relevance::Skip(_)));
        assert!(matches!((query.relevance)(&alert(&[("a", "b")])), Relevance::Ask(inputs) if inputs.len() == 1));
    }
}
