//! From an instance's fields to a client: credentials, headers, TLS, and what happens when a secret is not there.

use std::sync::Arc;

use opensre_model::diagnostic::Source;
use opensre_model::evidence::GapKind;
use opensre_model::secret::{Secret, SecretFailure, SecretReference, SecretSource, SecretValue};
use opensre_model::value::Value;
use opensre_providers::driver::{Access, HttpFields, ProbeStatus};
use opensre_providers::prometheus::PROVIDER;
use serde_json::json;

use crate::stub::{Said, Seen, Stub, access, probe};

fn prometheus(_: &Seen) -> Said {
    Said::Json(
        json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}),
    )
}

fn with(mut access: Access, key: &'static str, value: Value) -> Access {
    let opensre_model::instance::Settings::Typed(config) = &mut access.instance.settings else { panic!("typed") };
    config.set(key, value);
    access
}

#[tokio::test]
async fn the_token_is_used_before_user_and_password() {
    let stub = Stub::start(prometheus).await;
    let both = [("base_url", stub.url.as_str()), ("bearer_token", "t0ken"), ("username", "sam"), ("password", "pass")];
    probe(&PROVIDER, &access(&PROVIDER, &both)).await;
    probe(&PROVIDER, &access(&PROVIDER, &[both[0], both[2], both[3]])).await;
    probe(&PROVIDER, &access(&PROVIDER, &[both[0], both[2]])).await;
    probe(&PROVIDER, &access(&PROVIDER, &[both[0], ("tenant", "blue")])).await;
    let sent: Vec<Option<String>> =
        stub.asked("/api/v1/query").iter().map(|seen| seen.headers.get("authorization").cloned()).collect();
    let basic = |pair: &str| Some(format!("Basic {pair}"));
    assert_eq!(sent, [Some("Bearer t0ken".to_owned()), basic("c2FtOnBhc3M="), basic("c2FtOg=="), None]);
    assert_eq!(stub.asked("/api/v1/query")[3].headers["x-scope-orgid"], "blue");
}

#[tokio::test]
async fn a_map_of_headers_is_sent_and_resolved() {
    let stub = Stub::start(prometheus).await;
    let headers = [("X-Proxy".to_owned(), SecretValue::Plain(Secret::new("canary")))].into_iter().collect();
    let access = with(access(&PROVIDER, &[("base_url", &stub.url)]), "headers", Value::Secrets(headers));
    assert_eq!(probe(&PROVIDER, &access).await.status, ProbeStatus::Passed);
    assert_eq!(stub.seen()[0].headers["x-proxy"], "canary");
}

struct Nowhere;

impl SecretSource for Nowhere {
    fn resolve(&self, _: &SecretValue, source: &Source) -> Result<Secret, SecretFailure> {
        assert!(matches!(source, Source::Store { .. }));
        Err(SecretFailure { reason: "variable KEY is not set".to_owned(), hint: Some("export KEY".to_owned()) })
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_denied_and_nothing_is_sent() {
    let stub = Stub::start(prometheus).await;
    let key = Value::Secret(SecretValue::Reference(SecretReference::Env("KEY".to_owned())));
    let mut access = with(access(&PROVIDER, &[("base_url", &stub.url)]), "bearer_token", key);
    access.secrets = Arc::new(Nowhere);
    let failed = probe(&PROVIDER, &access).await;
    assert_eq!(failed.status, ProbeStatus::Failed);
    assert_eq!(failed.detail, "bearer_token cannot be resolved: variable KEY is not set");
    assert_eq!(failed.hint.as_deref(), Some("export KEY"));
    let failure = access.client(&HttpFields::at("base_url").bearer("bearer_token")).await.unwrap_err();
    assert_eq!(failure.kind, GapKind::Denied);
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn a_certificate_bundle_that_is_not_there_is_named() {
    let access = access(&PROVIDER, &[("base_url", "https://127.0.0.1:1"), ("ca_bundle", "/nowhere/ca.pem")]);
    let failed = probe(&PROVIDER, &access).await;
    assert!(failed.detail.contains("/nowhere/ca.pem") && failed.hint.is_some(), "{failed:?}");
}

#[tokio::test]
async fn the_probe_fails_on_anything_but_the_named_content() {
    for (answer, words) in [
        (json!({"status": "success", "data": {"resultType": "vector", "result": []}}), "something else than 1"),
        (json!({"status": "success"}), "a result of an unknown kind"),
        (json!({"status": "error", "error": "no"}), "the query failed: no"),
        (json!([]), "without `status: success`"),
    ] {
        let stub = Stub::start(move |_| Said::Json(answer.clone())).await;
        let failed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)])).await;
        assert_eq!(failed.status, ProbeStatus::Failed);
        assert!(failed.detail.contains(words), "{failed:?}");
    }
    let page = Stub::start(|_| Said::Page).await;
    let failed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &page.url)])).await;
    assert!(failed.detail.contains("login page"), "{failed:?}");
}

#[tokio::test]
async fn the_probe_tells_tenant_and_version() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/mimir/api/v1/status/buildinfo" => Said::Json(json!({"status": "success", "data": {"version": "2.12.0"}})),
        _ => prometheus(seen),
    })
    .await;
    let fields = [("base_url", format!("{}/mimir", stub.url)), ("tenant", "blue".to_owned())];
    let fields: Vec<(&'static str, &str)> = fields.iter().map(|(key, text)| (*key, text.as_str())).collect();
    let proved = probe(&PROVIDER, &access(&PROVIDER, &fields)).await;
    assert_eq!((proved.identity["version"].as_str(), proved.identity["tenant"].as_str()), ("2.12.0", "blue"));
}
