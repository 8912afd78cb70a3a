//! Whose credentials they are, and how they are come by.

use axum::Router;
use opensre_lab::vendors::aws::{Account, Call};
use opensre_lab::vendors::serve;
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_providers::aws::PROVIDER;
use opensre_providers::driver::ProbeStatus;
use serde_json::Value as Json;

use crate::stub::{ask, probe, reasons, window};

use super::{ACCOUNT, EXTERNAL_ID, KEY, ROLE, SECRET, World, around, of_the_database};

#[tokio::test]
async fn keys_are_proved_and_say_whose_they_are() {
    let world = World::new().await;
    let found = probe(&PROVIDER, &world.with_keys()).await;
    assert_eq!(found.status, ProbeStatus::Passed, "{found:?}");
    assert_eq!(found.detail, "account 111122223333 knows us as arn:aws:iam::111122223333:user/ops");
    assert_eq!(found.identity["account_id"], ACCOUNT);
    assert_eq!(found.identity["arn"], "arn:aws:iam::111122223333:user/ops");
    let [Call { service, region, key, .. }] = world.account.calls().try_into().unwrap();
    assert_eq!((service.as_str(), region.as_str(), key.as_str()), ("sts", "eu-west-1", KEY));
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id_and_used_for_everything() {
    let world = World::new().await;
    let fields =
        [("role_arn", ROLE), ("external_id", EXTERNAL_ID), ("access_key_id", KEY), ("secret_access_key", SECRET)];
    let access = world.access(&fields);
    let found = probe(&PROVIDER, &access).await;
    assert_eq!(found.identity["arn"], "arn:aws:sts::111122223333:assumed-role/reader/TracerIntegrationVerify");
    let input = of_the_database();
    let (one, other) = tokio::join!(ask(&PROVIDER, &access, "rds", &input), ask(&PROVIDER, &access, "alarms", &input));
    assert_eq!((reasons(&one).len(), reasons(&other).len()), (0, 0));
    assert_eq!(world.account.asked("AssumeRole").len(), 1, "one session for all queries");
    assert_eq!(world.account.asked("AssumeRole")[0].parameters["ExternalId"], EXTERNAL_ID);
    for call in world.account.calls().iter().filter(|call| call.action != "AssumeRole") {
        assert_eq!(call.key, "ASIAREADER", "{call:?}");
    }
    for seen in world.stage.seen() {
        let signed = seen.headers["authorization"].contains("ASIAREADER");
        let token = seen.headers.get("x-amz-security-token").map(String::as_str);
        assert_eq!(token, signed.then_some("role-session-token=="));
    }
}

#[tokio::test]
async fn a_trust_policy_that_wants_another_external_id_is_said_to() {
    let world = World::new().await;
    let fields = [("role_arn", ROLE), ("external_id", "other"), ("access_key_id", KEY), ("secret_access_key", SECRET)];
    let found = probe(&PROVIDER, &world.access(&fields)).await;
    assert_eq!(found.status, ProbeStatus::Failed);
    assert!(found.detail.starts_with(&format!("role {ROLE}: ")), "{}", found.detail);
    assert!(found.detail.contains("(AccessDenied)"), "{}", found.detail);
    assert!(found.hint.unwrap().contains("trust policy"));
}

/// Fields, variables, and the actions that lead to the role or why nothing does.
type Case<'a> = (&'a [(&'static str, &'a str)], &'a [(&'a str, &'a str)], Result<&'a str, &'a str>);

#[tokio::test]
async fn a_role_is_assumed_by_whatever_identity_there_is() {
    let keys = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let config = "[profile prod]\nrole_arn=arn:aws:iam::111122223333:role/middle\nsource_profile=base\n\
                  [profile loop]\nrole_arn=arn:x\nsource_profile=loop2\n[profile loop2]\nrole_arn=arn:x\nsource_profile=loop\n\
                  [profile helper]\ncredential_process=get keys\n[profile sso]\nsso_session=corp\nsso_account_id=111122223333\nsso_role_name=ops\n\
                  [sso-session corp]\nsso_region=eu-west-1\n[profile late]\nsso_start_url=https://late.example.net\n\
                  sso_region=eu-west-1\nsso_account_id=1\nsso_role_name=ops\n[profile never]\nsso_start_url=https://never.example.net\n\
                  sso_region=eu-west-1\nsso_account_id=1\nsso_role_name=ops\n";
    let credentials = "[base]\naws_access_key_id=AKIAOPS\naws_secret_access_key=canary\n";
    let files = [
        ("~/.aws/config", config),
        ("~/.aws/credentials", credentials),
        ("/token", "oidc"),
        // The caches are called after the SHA-1 of the session's name, or of the start URL.
        (
            "~/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
            r#"{"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"}"#,
        ),
        (
            "~/.aws/sso/cache/b5bc7253b38fa7ff95e154c652b6e4ff03f91547.json",
            r#"{"accessToken": "sso-token", "expiresAt": "2020-01-01T00:00:00Z"}"#,
        ),
        ("get keys", r#"{"Version": 1, "AccessKeyId": "AKIAOPS", "SecretAccessKey": "x"}"#),
    ];
    let cases: &[Case] = &[
        (&[], &keys, Ok("AssumeRole")),
        (&[], &[("AWS_PROFILE", "base")], Ok("AssumeRole")),
        (&[], &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", ROLE)], Ok("AssumeRoleWithWebIdentity")),
        (&[("web_identity_token_file", "/token")], &[], Ok("AssumeRoleWithWebIdentity")),
        (&[("profile", "prod")], &[], Ok("AssumeRole AssumeRole")),
        (&[("profile", "helper")], &[], Ok("AssumeRole")),
        // Keys that are not known: this machine's identity is tried, as the Python product does.
        (&[("access_key_id", "OLD"), ("secret_access_key", "x")], &keys, Ok("AssumeRole AssumeRole")),
        (&[], &[], Err("this machine has no AWS identity")),
        (&[("profile", "loop")], &[], Err("goes in a circle")),
        (&[("profile", "sso")], &[], Ok("GetRoleCredentials AssumeRole")),
        (&[("profile", "late")], &[], Err("is signed in no longer")),
        (&[("profile", "never")], &[], Err("is not signed in")),
        (&[("profile", "nobody")], &[], Err("is not in the shared configuration")),
    ];
    for (fields, variables, expected) in cases {
        let account = Account::new(ACCOUNT, KEY, window().onset)
            .with_role(ROLE, None)
            .with_role("arn:aws:iam::111122223333:role/middle", None);
        let world = World::serve(account).await;
        let mut all = vec![("role_arn", ROLE)];
        all.extend(*fields);
        let variables: Vec<(&str, &str)> =
            variables.iter().copied().chain([("AWS_EC2_METADATA_DISABLED", "true")]).collect();
        let found = probe(&PROVIDER, &around(world.access(&all), &variables, &files)).await;
        match expected {
            Ok(actions) => {
                assert_eq!(found.status, ProbeStatus::Passed, "{fields:?} {variables:?}: {found:?}");
                assert!(found.identity["arn"].ends_with("assumed-role/reader/TracerIntegrationVerify"));
                assert_eq!(world.actions().join(" "), format!("{actions} GetCallerIdentity"), "{fields:?}");
            }
            Err(reason) => {
                assert!(found.detail.contains(reason), "{fields:?}: {found:?}");
                assert!(found.hint.is_some() || *reason == "goes in a circle", "{found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_machine_and_a_container_lend_their_role() {
    let lent = r#"{"Code": "Success", "AccessKeyId": "AKIAOPS", "SecretAccessKey": "x", "Token": "t"}"#;
    let app = Router::new()
        .route("/latest/api/token", axum::routing::put(|| async { "v2-token" }))
        .route(
            "/latest/meta-data/iam/security-credentials/{*role}",
            axum::routing::get(move |headers: axum::http::HeaderMap| async move {
                assert_eq!(headers["x-aws-ec2-metadata-token"], "v2-token");
                lent
            }),
        )
        .route("/latest/meta-data/iam/security-credentials/", axum::routing::get(|| async { "node-role" }))
        .route(
            "/v2/credentials",
            axum::routing::get(move |headers: axum::http::HeaderMap| async move {
                assert_eq!(headers["authorization"], "pod-token");
                lent
            }),
        );
    let (address, _guard) = serve(app).await.unwrap();
    let (metadata, container) = (format!("http://{address}"), format!("http://{address}/v2/credentials"));
    for variables in [
        vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str())],
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/pod"),
        ],
    ] {
        let world = World::serve(Account::new(ACCOUNT, KEY, window().onset).with_role(ROLE, None)).await;
        let access = around(world.access(&[("role_arn", ROLE)]), &variables, &[("/pod", "pod-token")]);
        let found = probe(&PROVIDER, &access).await;
        assert_eq!(found.status, ProbeStatus::Passed, "{variables:?}: {found:?}");
    }
    // A token never goes to a stranger in clear.
    let world = World::serve(Account::new(ACCOUNT, KEY, window().onset).with_role(ROLE, None)).await;
    let elsewhere = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/credentials")];
    let found = probe(&PROVIDER, &around(world.access(&[("role_arn", ROLE)]), &elsewhere, &[])).await;
    assert_eq!(found.detail, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used");
}

#[tokio::test]
async fn each_failure_of_the_probe_has_words_of_its_own() {
    let world = World::new().await;
    let access = world.access(&[("access_key_id", "UNKNOWN"), ("secret_access_key", SECRET)]);
    let found = probe(&PROVIDER, &access).await;
    assert!(found.detail.contains("does not know the access key (InvalidClientTokenId)"), "{}", found.detail);

    let fields = [("access_key_id", KEY), ("secret_access_key", SECRET), ("account_id", "999999999999")];
    let found = probe(&PROVIDER, &world.access(&fields)).await;
    assert_eq!(found.status, ProbeStatus::Failed);
    assert!(found.detail.contains("of account 111122223333, not of 999999999999"), "{}", found.detail);

    for (how, words) in [
        (Misbehaviour::LoginPage, "answered GetCallerIdentity with something else"),
        (Misbehaviour::Status(503, vec![], Json::Null), "failed with status 503"),
        (Misbehaviour::Status(429, vec![("retry-after", "60".to_owned())], Json::Null), "asks to slow down (429)"),
        (Misbehaviour::Cut, "the connection broke"),
        (Misbehaviour::WrongTypes, "answered GetCallerIdentity with something else"),
    ] {
        let world = World::new().await;
        world.stage.misbehave("/", how.clone());
        let found = probe(&PROVIDER, &world.with_keys()).await;
        assert_eq!(found.status, ProbeStatus::Failed);
        assert!(found.detail.contains(words), "{how:?}: {}", found.detail);
        assert!(!found.detail.contains(SECRET));
    }
    for (code, words) in [
        ("SignatureDoesNotMatch", "did not accept the signature"),
        ("ExpiredToken", "refused credentials that have expired"),
        ("AccessDenied", "does not allow sts:GetCallerIdentity"),
    ] {
        let world = World::new().await;
        world.account.refuse("GetCallerIdentity", 403, code, None);
        let found = probe(&PROVIDER, &world.with_keys()).await;
        assert!(found.detail.contains(words), "{}", found.detail);
        assert!(found.hint.is_some());
    }
}
