//! Argo CD: sessions, probe and queries, against the simulator.

use std::sync::Arc;
use std::time::Duration;

use opensre_http::{Http, HttpOptions};
use opensre_lab::vendors::argocd::{ArgoCd, BAD, Data, checkout};
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{EventKind, EvidenceData, GapKind};
use opensre_providers::argocd::PROVIDER;
use opensre_providers::driver::{Access, Input, ProbeStatus, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{access, alert, ask, input, probe, reasons, summaries};

struct Running {
    argo: Arc<ArgoCd>,
    url: String,
    _guard: Guard,
}

async fn running(data: Data) -> Running {
    let argo = ArgoCd::new("sam", "p4ss-canary", "t0ken-canary", data);
    let (address, guard) = serve(argo.router()).await.unwrap();
    Running { argo, url: format!("http://{address}"), _guard: guard }
}

impl Running {
    fn by_token(&self) -> Access {
        access(&PROVIDER, &[("base_url", &self.url), ("bearer_token", "t0ken-canary")])
    }

    fn by_password(&self, password: &str) -> Access {
        access(&PROVIDER, &[("base_url", &self.url), ("username", "sam"), ("password", password)])
    }

    fn log_ins(&self) -> usize {
        self.argo.stage.seen().iter().filter(|seen| seen.path == "/api/v1/session").count()
    }
}

fn of_checkout() -> Input {
    input("labels", json!({"service": "checkout", "namespace": "shop"}))
}

#[tokio::test]
async fn the_probe_tells_who_we_are() {
    let running = running(checkout()).await;
    let proved = probe(&PROVIDER, &running.by_token()).await;
    assert_eq!((proved.status, proved.detail.as_str()), (ProbeStatus::Passed, "3 applications can be seen"));
    assert_eq!((proved.identity["user"].as_str(), proved.identity["version"].as_str()), ("sam", "v2.13.1+af54ef8"));
    assert_eq!(running.log_ins(), 0);

    let of_project = access(
        &PROVIDER,
        &[
            ("base_url", &running.url),
            ("bearer_token", "t0ken-canary"),
            ("project", "none"),
            ("app_namespace", "argocd"),
        ],
    );
    let proved = probe(&PROVIDER, &of_project).await;
    assert_eq!(proved.detail, "no applications can be seen with these credentials", "`items` is null then");
    let asked = running.argo.stage.asked("/api/v1/applications");
    let asked = asked.last().unwrap();
    assert_eq!((asked.query["projects"].as_str(), asked.query["appNamespace"].as_str()), ("none", "argocd"));
}

#[tokio::test]
async fn a_probe_without_user_or_version_still_proves() {
    let running = running(checkout()).await;
    running.argo.stage.misbehave("/api/v1/session/userinfo", Misbehaviour::Status(404, vec![], json!({})));
    running.argo.stage.misbehave("/api/version", Misbehaviour::LoginPage);
    let proved = probe(&PROVIDER, &running.by_token()).await;
    assert_eq!((proved.status, proved.identity.len()), (ProbeStatus::Passed, 0));
}

#[tokio::test]
async fn each_failure_of_the_probe_is_told_apart() {
    let cases: Vec<(Misbehaviour, &str)> = vec![
        (Misbehaviour::Status(401, vec![], json!({"message": "no"})), "refused the credentials (401)"),
        (Misbehaviour::Status(403, vec![], json!({"message": "permission denied"})), "does not allow this"),
        (Misbehaviour::Status(404, vec![], json!({})), "does not know /api/v1/applications (404)"),
        (Misbehaviour::Status(429, vec![("retry-after", "9999".to_owned())], json!({})), "asks to slow down (429)"),
        (Misbehaviour::Status(500, vec![], json!({"message": "boom"})), "failed with status 500: boom"),
        (Misbehaviour::LoginPage, "HTML page"),
        (Misbehaviour::WrongTypes, "without a list of applications"),
        (Misbehaviour::Huge(20 * 1024 * 1024), "more than 16.0 MiB"),
        (Misbehaviour::Cut, "broke"),
    ];
    for (how, words) in cases {
        let running = running(checkout()).await;
        running.argo.stage.misbehave("/api/v1/applications", how);
        let failed = probe(&PROVIDER, &running.by_token()).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{words}");
        assert!(failed.detail.contains(words), "{failed:?}");
        assert!(!failed.detail.contains("canary"), "{failed:?}");
    }
    let running = running(checkout()).await;
    running.argo.stage.misbehave("/api/v1/applications", Misbehaviour::Slow(Duration::from_secs(30)));
    let mut access = running.by_token();
    access.deadline = std::time::Instant::now() + Duration::from_millis(100);
    assert!(probe(&PROVIDER, &access).await.detail.contains("when the time was over"));
}

#[tokio::test]
async fn a_session_is_made_once_and_again_when_it_has_expired() {
    let running = running(checkout()).await;
    let access = running.by_password("p4ss-canary");
    assert_eq!(probe(&PROVIDER, &access).await.status, ProbeStatus::Passed);
    for query in ["applications", "history", "diff"] {
        let answer = ask(&PROVIDER, &access, query, &of_checkout()).await;
        assert_eq!((reasons(&answer), answer.evidence.is_empty()), (vec![], false));
    }
    assert_eq!(running.log_ins(), 1, "one session for all");

    running.argo.expire_tokens();
    let answer = ask(&PROVIDER, &access, "applications", &of_checkout()).await;
    assert_eq!((reasons(&answer), running.log_ins()), (vec![], 2));
    let tokens: Vec<String> = running
        .argo
        .stage
        .asked("/api/v1/applications")
        .iter()
        .rev()
        .take(1)
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert_eq!(tokens, ["Bearer session-sam-2"]);
}

#[tokio::test]
async fn a_session_that_is_refused_again_is_not_asked_for_a_third_time() {
    let running = running(checkout()).await;
    running.argo.stage.misbehave("/api/v1/applications", Misbehaviour::Status(401, vec![], json!({"message": "no"})));
    let answer = ask(&PROVIDER, &running.by_password("p4ss-canary"), "applications", &of_checkout()).await;
    assert_eq!((answer.gaps[0].kind, running.log_ins()), (GapKind::Denied, 2));
    assert_eq!(answer.calls, running.argo.stage.seen().len() as u64, "log-ins count as calls");
}

#[tokio::test]
async fn a_refused_log_in_is_not_tried_again_at_once() {
    let running = running(checkout()).await;
    let access = running.by_password("wrong-canary");
    let failed = probe(&PROVIDER, &access).await;
    assert!(failed.detail.contains("log-in") && failed.detail.contains("Invalid username or password"), "{failed:?}");
    assert!(failed.hint.unwrap().contains("username and password"));
    let answer = ask(&PROVIDER, &access, "history", &of_checkout()).await;
    assert_eq!((answer.gaps[0].kind, running.log_ins()), (GapKind::Denied, 1), "accounts get locked out otherwise");
    assert!(!format!("{answer:?}").contains("canary"));
    // Another password is another account: it is asked with.
    let mut right = running.by_password("p4ss-canary");
    right.http = access.http.clone();
    assert_eq!(probe(&PROVIDER, &right).await.status, ProbeStatus::Passed);
}

#[tokio::test]
async fn only_the_chosen_instance_is_asked_and_sessions_are_not_shared() {
    let (one, other) = (running(checkout()).await, running(checkout()).await);
    let http = Http::new(HttpOptions { attempts: 1, ..HttpOptions::default() });
    let mut to_one = one.by_password("p4ss-canary");
    to_one.http = http.clone();
    ask(&PROVIDER, &to_one, "applications", &of_checkout()).await;
    assert!(other.argo.stage.seen().is_empty());
    let mut to_other = other.by_password("p4ss-canary");
    to_other.http = http;
    ask(&PROVIDER, &to_other, "applications", &of_checkout()).await;
    assert_eq!((one.log_ins(), other.log_ins()), (1, 1));
}

#[tokio::test]
async fn the_alerts_application_and_what_of_it_is_not_well() {
    let running = running(checkout()).await;
    let answer = ask(&PROVIDER, &running.by_token(), "applications", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["1 application of the alert's service; 1 not healthy"]);
    let evidence = &answer.evidence[0];
    assert_eq!(evidence.origin.query, "GET /api/v1/applications/checkout?project=shop&appNamespace=argocd");
    assert_eq!(evidence.origin.link.as_deref(), Some(format!("{}/applications/argocd/checkout", running.url).as_str()));
    let EvidenceData::States { states } = &evidence.data else { panic!("these are states") };
    let told: Vec<(&str, &str, Option<bool>)> =
        states.iter().map(|state| (state.kind.as_str(), state.name.as_str(), state.healthy)).collect();
    assert_eq!(
        told,
        [
            ("application", "checkout", Some(false)),
            ("deployment", "checkout-api", Some(false)),
            ("pod", "checkout-api-6f9c-x2x4z", Some(false)),
        ]
    );
    assert_eq!(
        (states[0].attributes["sync"].as_str(), states[0].attributes["service"].as_str()),
        ("OutOfSync", "checkout")
    );
    assert_eq!(
        states[0].attributes["operation"],
        "Succeeded at 2024-05-01T12:10:00Z: successfully synced (all tasks run)"
    );
    assert!(states[2].attributes["message"].contains("CrashLoopBackOff"));
}

#[tokio::test]
async fn a_list_that_is_too_large_is_asked_for_without_resources() {
    let running = running(checkout()).await;
    running.argo.stage.misbehave_times("/api/v1/applications", 1, Misbehaviour::Huge(20 * 1024 * 1024));
    let answer = ask(&PROVIDER, &running.by_token(), "applications", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["1 application of the alert's service; 1 not healthy"]);
    let truncated = answer.evidence[0].truncated.as_deref().unwrap();
    assert_eq!(truncated, "the list is too large with resources: applications were chosen by name and namespace alone");
    let asked = running.argo.stage.seen();
    assert!(asked[0].query["fields"].contains("status.resources") && !asked[1].query["fields"].contains("resources"));
}

#[tokio::test]
async fn an_alert_that_names_nothing_is_told_of_what_is_not_well() {
    let running = running(checkout()).await;
    let answer = ask(&PROVIDER, &running.by_token(), "applications", &Input::default()).await;
    assert_eq!(
        summaries(&answer),
        ["2 applications that are not well or were synced lately; 1 not healthy"],
        "cart is well and was not synced"
    );
}

#[tokio::test]
async fn deployments_with_author_and_message() {
    let running = running(checkout()).await;
    let answer = ask(&PROVIDER, &running.by_token(), "history", &of_checkout()).await;
    assert_eq!(
        summaries(&answer),
        ["1 deployment of checkout from a day before the onset on; before that at 1111111 on 2024-04-28 09:00Z"]
    );
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("these are events") };
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((event.kind, event.title.as_str()), (EventKind::Deploy, "checkout deployed at 2222222"));
    assert_eq!(event.time.to_string(), "2024-05-01T12:10:00Z");
    insta::assert_snapshot!(event.text, @r"
    checkout 2.0.0
    author: Sam <sam@example.net>
    by: sam
    repository: https://github.com/shop/deploy.git
    path: checkout
    target: main
    before: 1111111
    ");
    assert_eq!((event.labels["service"].as_str(), event.labels["revision"].as_str()), ("checkout", BAD));
}

#[tokio::test]
async fn a_failed_sync_is_told_and_a_comparison_error_is_argo_cds_own() {
    let running = running(checkout()).await;
    let of_billing = input("labels", json!({"app": "billing"}));
    let answer = ask(&PROVIDER, &running.by_token(), "history", &of_billing).await;
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("these are events") };
    let told: Vec<(EventKind, &str, &str)> =
        events.iter().map(|event| (event.kind, event.title.as_str(), event.labels["service"].as_str())).collect();
    assert_eq!(
        told,
        [
            (EventKind::Change, "sync of billing to 2222222 was begun and failed", "billing"),
            (EventKind::Other, "SyncError of billing", "billing"),
            (EventKind::Other, "sync of billing to 2222222 failed", "billing"),
            (EventKind::Other, "ComparisonError of billing", "argocd"),
        ]
    );
    assert!(events[2].text.contains("Deployment billing: exceeded quota: compute"));
}

#[tokio::test]
async fn a_rollback_is_called_so_and_a_missing_revision_is_a_gap() {
    let mut data = checkout();
    let history = data.applications[2].pointer_mut("/status/history").unwrap().as_array_mut().unwrap();
    let mut back = history[0].clone();
    back["deployedAt"] = json!("2024-05-01T12:35:00Z");
    back["deployStartedAt"] = json!("2024-05-01T12:30:00Z");
    history.push(back);
    let running = running(data).await;
    let answer = ask(&PROVIDER, &running.by_token(), "history", &of_checkout()).await;
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("these are events") };
    assert_eq!(
        (events[1].title.as_str(), events[1].time.to_string()),
        ("rollback of checkout to 1111111", "2024-05-01T12:30:00Z".to_owned())
    );
    assert!(answer.gaps[0].reason.starts_with("application checkout: author and message of a revision: "));
}

#[tokio::test]
async fn differences_without_any_secret() {
    let running = running(checkout()).await;
    let answer = ask(&PROVIDER, &running.by_token(), "diff", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["checkout: 3 resources differ from what is wanted"]);
    assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("these are states") };
    let told: Vec<String> =
        states.iter().map(|state| format!("{} {}: {}", state.kind, state.name, state.attributes["differs"])).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    configmap new: wanted, not in the cluster
    deployment checkout-api: metadata.annotations.note: differs; spec.replicas: 2 in the cluster, 4 wanted; spec.template.spec.containers[app].env[DB_PASSWORD].value: differs; spec.template.spec.containers[app].resources.limits.memory: 256Mi in the cluster, 512Mi wanted
    secret checkout-db: differs; a Secret's values are not shown
    ");
    let in_sync = ask(&PROVIDER, &running.by_token(), "diff", &input("labels", json!({"service": "cart"}))).await;
    assert_eq!(summaries(&in_sync), ["1 application of the alert's service: all in sync"]);
    assert!(running.argo.stage.asked("/api/v1/applications/cart").is_empty());
}

#[tokio::test]
async fn what_one_application_refuses_is_a_gap() {
    let running = running(checkout()).await;
    let forbidden = Misbehaviour::Status(403, vec![], json!({"message": "permission denied"}));
    running.argo.stage.misbehave("/api/v1/applications/checkout/resource-tree", forbidden.clone());
    let answer = ask(&PROVIDER, &running.by_token(), "applications", &of_checkout()).await;
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("these are states") };
    assert_eq!(states.len(), 2, "the application's own list of resources is used");
    assert_eq!(answer.gaps[0].kind, GapKind::Denied);
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("applications, get"));
    running.argo.stage.misbehave("/api/v1/applications/checkout/managed-resources", Misbehaviour::WrongTypes);
    let answer = ask(&PROVIDER, &running.by_token(), "diff", &of_checkout()).await;
    assert_eq!((answer.evidence.len(), answer.gaps.len()), (0, 1));
}

#[test]
fn every_alert_makes_every_query_relevant() {
    for query in PROVIDER.queries {
        let Relevance::Ask(inputs) = (query.relevance)(&alert(&[])) else { panic!("{} skips", query.name) };
        assert_eq!(inputs, [Input::default()]);
        let Relevance::Ask(inputs) = (query.relevance)(&alert(&[("app", "checkout")])) else { panic!("it skips") };
        assert_eq!(inputs[0].0["labels"], json!({"app": "checkout"}) as Json);
    }
}
