//! AWS, asked over HTTP against the lab's account: whose credentials are used, what is sent, what is made of answers and
//! refusals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use base64::Engine;
use opensre_lab::vendors::aws::{Account, Call, router};
use opensre_lab::vendors::stage::{Misbehaviour, Stage};
use opensre_lab::vendors::{Guard, serve};
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, GapKind, Meaning, ResourceState};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use opensre_model::routing::{RoutingMode, route};
use opensre_model::secret::{Secret, SecretFailure, SecretReference, SecretSource, SecretValue};
use opensre_providers::aws::PROVIDER;
use opensre_providers::aws::cluster::reach;
use opensre_providers::catalogue;
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{access, ask, input, messages, probe, reasons, summaries, window};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAOPS";
const SECRET: &str = "canary+secret/key";
const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const EXTERNAL_ID: &str = "canary-external-id";

/// An account that is served, and its instance's access.
struct World {
    account: Arc<Account>,
    stage: Arc<Stage>,
    url: String,
    _guard: Guard,
}

impl World {
    async fn new() -> Self {
        let account = Account::new(ACCOUNT, KEY, window().onset).with_role(ROLE, Some(EXTERNAL_ID));
        Self::serve(account).await
    }

    async fn serve(account: Account) -> Self {
        let (account, stage) = (Arc::new(account), Arc::new(Stage::default()));
        let app: Router = stage.around(router(account.clone()));
        let (address, guard) = serve(app).await.unwrap();
        Self { account, stage, url: format!("http://{address}"), _guard: guard }
    }

    /// Access with these fields beside the endpoint and one region.
    fn access(&self, fields: &[(&'static str, &str)]) -> Access {
        let mut all = vec![("endpoint_url", self.url.as_str()), ("region", "eu-west-1")];
        all.retain(|(key, _)| !fields.iter().any(|(other, _)| other == key));
        all.extend(fields);
        around(access(&PROVIDER, &all), &[("AWS_EC2_METADATA_DISABLED", "true")], &[])
    }

    fn with_keys(&self) -> Access {
        self.access(&[("access_key_id", KEY), ("secret_access_key", SECRET)])
    }

    fn actions(&self) -> Vec<String> {
        self.account.calls().into_iter().map(|call| call.action).collect()
    }
}

/// Variables and files that a test brings.
struct Surroundings {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

impl SecretSource for Surroundings {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        let found = match value {
            SecretValue::Plain(secret) => return Ok(secret.clone()),
            SecretValue::Reference(SecretReference::Env(name)) => self.variables.get(name),
            SecretValue::Reference(SecretReference::File(path)) => self.files.get(path),
            SecretValue::Reference(SecretReference::Exec(words)) => self.files.get(&words.join(" ")),
        };
        found.map(|text| Secret::new(text.as_str())).ok_or(SecretFailure { reason: "not there".to_owned(), hint: None })
    }
}

fn around(mut access: Access, variables: &[(&str, &str)], files: &[(&str, &str)]) -> Access {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    access.secrets = Arc::new(Surroundings { variables: owned(variables), files: owned(files) });
    access
}

fn labelled(labels: Json) -> Input {
    input("labels", labels)
}

fn of_the_database() -> Input {
    labelled(json!({"DBInstanceIdentifier": "orders-db"}))
}

fn events(evidence: &Evidence) -> &[Event] {
    let EvidenceData::Events { events } = &evidence.data else { panic!("these are {}", evidence.data.kind()) };
    events
}

fn states(evidence: &Evidence) -> &[ResourceState] {
    let EvidenceData::States { states } = &evidence.data else { panic!("these are {}", evidence.data.kind()) };
    states
}

fn titles(evidence: &Evidence) -> Vec<(EventKind, &str)> {
    events(evidence).iter().map(|event| (event.kind, event.title.as_str())).collect()
}

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

#[tokio::test]
async fn the_alarms_own_metric_and_the_standard_ones() {
    let world = World::new().await;
    let mut input = of_the_database();
    input.0.insert("alarm".to_owned(), json!("orders-db CPU & load"));
    let answer = ask(&PROVIDER, &world.with_keys(), "metrics", &input).await;
    assert_eq!(
        summaries(&answer),
        ["105 values of alarm orders-db CPU & load; the alarm's limit is 90", "AWS/RDS CPUUtilization: 1 series"]
    );
    assert_eq!(reasons(&answer), ["eu-west-1: no values in the window of FreeStorageSpace"]);
    let EvidenceData::Metrics { meaning, threshold, series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    assert_eq!(*meaning, Meaning::AlertCondition);
    assert_eq!(threshold.map(|limit| (limit.value, limit.above)), Some((90.0, true)));
    assert_eq!(series[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!(
        answer.evidence[0].origin.query,
        "GetMetricData AWS/RDS CPUUtilization (DBInstanceIdentifier=orders-db) Average of 60 s"
    );
    assert_eq!(answer.evidence[0].origin.datasource.as_deref(), Some("eu-west-1"));
    let EvidenceData::Metrics { meaning, unit, .. } = &answer.evidence[1].data else { panic!("metrics") };
    assert_eq!((*meaning, unit.as_deref()), (Meaning::Cpu, Some("percent")));
    let asked = world.account.asked("GetMetricData");
    for call in &asked {
        assert_eq!(call.parameters["StartTime"], "2024-05-01T11:00:00Z");
        assert_eq!(call.parameters["EndTime"], "2024-05-01T12:45:00Z");
    }
    // What CloudWatch has, and is worth asking for: not BinLogDiskUsage.
    assert!(!format!("{asked:?}").contains("BinLogDiskUsage"));
    assert_eq!(answer.calls, world.account.calls().len() as u64);
}

#[tokio::test]
async fn alarms_that_were_raised_and_the_state_of_the_own() {
    let world = World::new().await;
    let mut input = of_the_database();
    input.0.insert("alarm".to_owned(), json!("orders-db CPU & load"));
    let answer = ask(&PROVIDER, &world.with_keys(), "alarms", &input).await;
    assert_eq!(summaries(&answer), ["1 alarm raised in the window", "alarm orders-db CPU & load is ALARM now"]);
    assert_eq!(titles(&answer.evidence[0]), [(EventKind::Alert, "alarm orders-db connections")]);
    assert_eq!(events(&answer.evidence[0])[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!(states(&answer.evidence[1])[0].healthy, Some(false));
}

#[tokio::test]
async fn changes_are_deployments_changes_and_refused_attempts() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "changes", &of_the_database()).await;
    assert_eq!(summaries(&answer), ["3 changes in the window, by CloudTrail"]);
    assert_eq!(
        titles(&answer.evidence[0]),
        [
            (EventKind::Change, "ModifyDBInstance on orders-db"),
            (EventKind::Deploy, "UpdateService on checkout"),
            (EventKind::Other, "DeleteDBInstance on orders-db"),
        ]
    );
    let events = events(&answer.evidence[0]);
    assert_eq!(events[0].labels["DBInstanceIdentifier"], "orders-db");
    assert_eq!((events[1].labels["service"].as_str(), events[1].text.as_str()), ("checkout", "by deployer"));
    assert_eq!(events[2].text, "by deployer; refused: AccessDenied");
    assert!(!format!("{answer:?}").contains("canary-password"));
}

#[tokio::test]
async fn logs_of_a_database_before_and_since() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &of_the_database()).await;
    assert_eq!(
        summaries(&answer),
        ["2 lines of warnings and errors in /aws/rds/instance/orders-db/postgresql, 1 in the baseline"]
    );
    assert_eq!(
        messages(&answer.evidence[0]),
        [
            "ERROR: deadlock detected",
            "FATAL: remaining connection slots are reserved for superusers",
            "ERROR: canceling statement due to statement timeout"
        ]
    );
    let EvidenceData::Logs { lines } = &answer.evidence[0].data else { panic!("logs") };
    assert_eq!(lines[1].level.as_deref(), Some("critical"));
    assert_eq!(lines[1].labels["DBInstanceIdentifier"], "orders-db");
    // A service's log group is found by its name.
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &labelled(json!({"service": "checkout"}))).await;
    assert!(answer.evidence[0].origin.query.starts_with("FilterLogEvents /ecs/checkout "));
    let answer = ask(&PROVIDER, &world.with_keys(), "logs", &labelled(json!({"service": "billing"}))).await;
    assert_eq!(reasons(&answer), ["eu-west-1: no log group is called after what the alert names (billing)"]);
}

#[tokio::test]
async fn insights_are_polled_until_they_are_there() {
    let world = World::new().await;
    let answer = ask(&PROVIDER, &world.with_keys(), "log-counts", &of_the_database()).await;
    assert_eq!(summaries(&answer), ["42 lines of errors in /aws/rds/instance/orders-db/postgresql, 0 in the baseline"]);
    let EvidenceData::Metrics { meaning, series, .. } = &answer.evidence[0].data else { panic!("metrics") };
    assert_eq!((*meaning, series[0].points.len()), (Meaning::Errors, 105));
    assert_eq!(world.account.asked("GetQueryResults").len(), 2);
    let started = &world.account.asked("StartQuery")[0].parameters;
    assert_eq!(started["startTime"], window().baseline_start.as_second());

    let mut input = input("query", json!("fields @message | limit 5"));
    input.0.insert("log_groups".to_owned(), json!(["/ecs/checkout"]));
    let answer = ask(&PROVIDER, &world.with_keys(), "insights", &input).await;
    assert_eq!(summaries(&answer), ["1 row from /ecs/checkout"]);
    assert_eq!(world.account.asked("StartQuery")[1].parameters["queryString"], "fields @message | limit 5");
}

#[tokio::test]
async fn states_of_resources() {
    let world = World::new().await;
    let access = world.with_keys();
    let database = ask(&PROVIDER, &access, "rds", &of_the_database()).await;
    assert_eq!(summaries(&database), ["orders-db is storage-full", "1 event of orders-db in the window"]);
    let state = &states(&database.evidence[0])[0];
    assert_eq!((state.healthy, state.attributes["pending"].as_str()), (Some(false), "DBInstanceClass=db.t3.large"));

    let load = ask(&PROVIDER, &access, "database-load", &of_the_database()).await;
    assert_eq!(summaries(&load), ["load of orders-db by wait event: 1 part", "load of orders-db by statement: 1 part"]);
    let EvidenceData::Metrics { series, .. } = &load.evidence[0].data else { panic!("metrics") };
    assert_eq!((series[0].labels["db.wait_event"].as_str(), series[0].points.len()), ("DataFileRead", 2));

    let machine = ask(&PROVIDER, &access, "ec2", &labelled(json!({"instance": "i-0123456789abcdef0"}))).await;
    let state = &states(&machine.evidence[0])[0];
    assert_eq!((state.healthy, state.attributes["system_check"].as_str()), (Some(false), "impaired"));
    assert_eq!(
        titles(&machine.evidence[1]),
        [(EventKind::Change, "scheduled instance-retirement of i-0123456789abcdef0")]
    );

    let service = ask(&PROVIDER, &access, "ecs", &labelled(json!({"service": "checkout"}))).await;
    assert_eq!(
        summaries(&service),
        [
            "ECS service checkout runs 1 of 3 tasks",
            "2 events of ECS service checkout in the window",
            "1 stopped task of ECS service checkout"
        ]
    );
    assert_eq!(
        titles(&service.evidence[1]),
        [
            (EventKind::Deploy, "deployment of checkout: checkout:42"),
            (EventKind::Other, "(service checkout) was unable to place a task")
        ]
    );
    assert!(events(&service.evidence[2])[0].text.contains("exit code 137, OutOfMemoryError"));

    let cluster = ask(&PROVIDER, &access, "eks", &labelled(json!({"cluster": "shop"}))).await;
    assert_eq!(summaries(&cluster), ["EKS cluster shop with 1 node group; 1 not healthy"]);
    assert_eq!(states(&cluster.evidence[0])[1].attributes["issues"], "AsgInstanceLaunchFailures: no capacity");

    let targets =
        ask(&PROVIDER, &access, "target-health", &labelled(json!({"LoadBalancer": "app/front/50dc6c495c0c9188"})))
            .await;
    assert_eq!(summaries(&targets), ["1 of 2 targets of web are not healthy"]);

    let function = ask(&PROVIDER, &access, "lambda", &labelled(json!({"FunctionName": "charge"}))).await;
    assert_eq!(states(&function.evidence[0])[0].attributes["environment_names"], "STRIPE_KEY, STAGE");
    assert_eq!(titles(&function.evidence[1]), [(EventKind::Deploy, "code or configuration of charge changed")]);
    let all = format!("{function:?} {database:?} {service:?}");
    assert!(!all.contains("canary") && !all.contains("sk_live"), "a value of the environment is shown");
}

#[tokio::test]
async fn a_cluster_is_reached_with_a_token_of_its_own() {
    let world = World::new().await;
    let cluster = reach(&world.with_keys(), "shop").await.unwrap();
    assert_eq!(cluster.endpoint, "https://ABC.gr7.eu-west-1.eks.amazonaws.com");
    assert_eq!(cluster.certificate_authority, "-----BEGIN");
    let token = cluster.token.expose().strip_prefix("k8s-aws-v1.").unwrap();
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
    let url = String::from_utf8(url).unwrap();
    assert!(url.starts_with(&format!("{}/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-", world.url)), "{url}");
    assert!(url.contains("X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature="), "{url}");
    let failure = reach(&world.with_keys(), "other").await.unwrap_err();
    assert_eq!(failure.reason, "there is no EKS cluster other in eu-west-1");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let world = World::new().await;
    let access = world.with_keys();
    for (query, labels, reason) in [
        ("rds", json!({"DBInstanceIdentifier": "other"}), "eu-west-1: there is no RDS instance other"),
        ("ec2", json!({"instance": "i-00000000"}), "eu-west-1: there is no EC2 instance i-00000000"),
        ("eks", json!({"cluster": "other"}), "eu-west-1: there is no EKS cluster other"),
        ("lambda", json!({"service": "other"}), "eu-west-1: there is no Lambda function other"),
        ("ecs", json!({"service": "other"}), "eu-west-1: no ECS service is called other"),
    ] {
        let answer = ask(&PROVIDER, &access, query, &labelled(labels)).await;
        assert_eq!(answer.evidence, [], "{query}");
        assert_eq!(reasons(&answer), [reason]);
        assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
    }
}

#[tokio::test]
async fn a_refusal_of_one_action_is_a_gap_and_names_the_permission() {
    let cases = [
        ("rds", "DescribeEvents", "rds:DescribeEvents", json!({"DBInstanceIdentifier": "orders-db"}), 1),
        ("logs", "FilterLogEvents", "logs:FilterLogEvents", json!({"DBInstanceIdentifier": "orders-db"}), 0),
        ("eks", "ListNodegroups", "eks:ListNodegroups", json!({"cluster": "shop"}), 1),
        ("lambda", "GetFunctionConfiguration", "lambda:GetFunctionConfiguration", json!({"service": "charge"}), 0),
        ("changes", "LookupEvents", "cloudtrail:LookupEvents", json!({}), 0),
        ("metrics", "ListMetrics", "cloudwatch:ListMetrics", json!({"service": "checkout"}), 0),
        ("ec2", "DescribeInstanceStatus", "ec2:DescribeInstanceStatus", json!({"instance": "i-0123456789abcdef0"}), 1),
    ];
    for (query, action, permission, labels, pieces) in cases {
        let world = World::new().await;
        let code = if query == "ec2" { "UnauthorizedOperation" } else { "AccessDeniedException" };
        world.account.refuse(action, 403, code, None);
        let answer = ask(&PROVIDER, &world.with_keys(), query, &labelled(labels)).await;
        assert_eq!(answer.evidence.len(), pieces, "{query}: {answer:?}");
        assert_eq!(answer.gaps.len(), 1, "{query}: {:?}", answer.gaps);
        assert_eq!(answer.gaps[0].kind, GapKind::Denied);
        assert!(answer.gaps[0].reason.contains(permission), "{}", answer.gaps[0].reason);
        assert!(answer.gaps[0].hint.as_ref().unwrap().contains(permission));
    }
}

#[tokio::test]
async fn throttling_is_waited_out_a_few_times() {
    let world = World::new().await;
    world.account.refuse("DescribeDBInstances", 400, "Throttling", Some(2));
    let answer = ask(&PROVIDER, &world.with_keys(), "rds", &of_the_database()).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(world.account.asked("DescribeDBInstances").len(), 3);
}

#[tokio::test]
async fn whatever_the_server_does_there_is_an_answer_with_gaps() {
    for how in [
        Misbehaviour::LoginPage,
        Misbehaviour::WrongTypes,
        Misbehaviour::Cut,
        Misbehaviour::Huge(9 * 1024 * 1024),
        Misbehaviour::Status(500, vec![], Json::Null),
    ] {
        let world = World::new().await;
        world.stage.misbehave("/", how.clone());
        let labels = json!({"DBInstanceIdentifier": "orders-db", "service": "checkout", "cluster": "shop",
            "instance": "i-0123456789abcdef0", "FunctionName": "charge", "TargetGroup": "targetgroup/web/73e2"});
        for query in PROVIDER.queries.iter().filter(|query| query.name != "insights") {
            let answer = ask(&PROVIDER, &world.with_keys(), query.name, &labelled(labels.clone())).await;
            // Answers of other types are read as far as they can be.
            let quiet = matches!(how, Misbehaviour::WrongTypes);
            assert!(
                quiet || answer.gaps.iter().any(|gap| gap.kind == GapKind::Failed),
                "{how:?} {}: {answer:?}",
                query.name
            );
            assert!(!format!("{answer:?}").contains(SECRET));
        }
    }
}

#[tokio::test]
async fn the_deadline_holds() {
    let world = World::new().await;
    world.stage.misbehave("/", Misbehaviour::Slow(Duration::from_mins(1)));
    let mut access = world.with_keys();
    access.deadline = std::time::Instant::now() + Duration::from_millis(100);
    let answer = ask(&PROVIDER, &access, "changes", &of_the_database()).await;
    assert_eq!(answer.gaps[0].kind, GapKind::Deadline, "{answer:?}");
}

#[tokio::test]
async fn every_region_is_asked_or_the_one_that_the_alert_names() {
    let world = World::new().await;
    let fields = [("access_key_id", KEY), ("secret_access_key", SECRET), ("region", "eu-west-1, us-east-1,nonsense/x")];
    let access = world.access(&fields);
    let answer = ask(&PROVIDER, &access, "rds", &of_the_database()).await;
    let regions = |answer: &Answer| -> Vec<String> {
        answer.evidence.iter().filter_map(|one| one.origin.datasource.clone()).collect()
    };
    assert_eq!(regions(&answer), ["eu-west-1", "eu-west-1", "us-east-1", "us-east-1"]);
    let mut input = of_the_database();
    input.0.insert("region".to_owned(), json!("ap-south-1"));
    assert_eq!(regions(&ask(&PROVIDER, &access, "rds", &input).await), ["ap-south-1", "ap-south-1"]);
}

#[tokio::test]
async fn only_the_chosen_instance_is_called_and_no_secret_is_told() {
    let (one, other) = (World::new().await, World::new().await);
    let fields =
        [("role_arn", ROLE), ("external_id", EXTERNAL_ID), ("access_key_id", KEY), ("secret_access_key", SECRET)];
    let access = one.access(&fields);
    let mut told = Vec::new();
    for query in PROVIDER.queries {
        let labels = json!({"DBInstanceIdentifier": "orders-db", "service": "checkout", "FunctionName": "charge"});
        told.push(format!("{:?}", ask(&PROVIDER, &access, query.name, &labelled(labels)).await));
    }
    assert!(!one.account.calls().is_empty());
    assert_eq!(other.account.calls(), []);
    told.push(format!("{:?} {:?}", access.http.calls(), access.instance));
    let told = told.join(" ");
    for secret in [SECRET, EXTERNAL_ID, "role+secret/key", "role-session-token", "sk_live", "canary"] {
        assert!(!told.contains(secret), "{secret} is told");
    }
    // Nothing but reads is ever sent.
    let reads = ["Describe", "List", "Get", "Lookup", "Filter", "AssumeRole", "StartQuery", "StopQuery"];
    for action in one.actions() {
        assert!(reads.iter().any(|read| action.starts_with(read)), "{action}");
        assert!(!action.contains("Secret") && !action.contains("Parameter"), "{action}");
    }
}

#[test]
fn account_and_any_of_the_regions_choose_the_instance() {
    let instance = |name: &str, account: &str, region: &str| json!({"name": name, "credentials": {"role_arn": format!("arn:aws:iam::{account}:role/reader"), "region": region}});
    let record = json!({"id": "aws-1", "service": "eks", "status": "active", "instances": [
        instance("one", "111111111111", "eu-west-1, us-east-1"),
        instance("two", "222222222222", "eu-west-1,ap-south-1"),
        instance("three", "111111111111", "ca-central-1"),
    ]});
    let source = Source::Store { path: "integrations.json".to_owned() };
    let record = Record::from_json(&record, &source, 0).0.expect("a record");
    let resolved = resolve(&catalogue(), &[record], &[], Precedence::Store);
    let chosen = |labels: Json| -> Vec<String> {
        let alert = json!({"title": "x", "alert_source": "prometheus", "state": "alerting", "commonLabels": labels});
        let alert = Alert::parse(alert.to_string().as_bytes());
        let routes = route(&catalogue(), &resolved, &alert, &[], RoutingMode::default());
        routes[0].chosen.iter().map(|instance| instance.name.as_str().to_owned()).collect()
    };
    assert_eq!(chosen(json!({"region": "ap-south-1"})), ["two"]);
    assert_eq!(chosen(json!({"region": "us-east-1"})), ["one"]);
    assert_eq!(chosen(json!({"account_id": "222222222222"})), ["two"]);
    assert_eq!(chosen(json!({"db": "arn:aws:rds:ca-central-1:111111111111:db:orders"})), ["three"]);
}

/// What an alert says reaches AWS as one value, or not at all.
#[tokio::test]
async fn alert_text_never_becomes_a_query() {
    let world = World::new().await;
    let access = world.with_keys();
    let hostile = [
        "a&Action=DeleteAlarms",
        "a\" | delete *",
        "'; drop table x; --",
        "line\nbreak\r\n",
        "back\\slash/../..",
        "%26Action%3DDeleteAlarms",
        "/* comment */ | fields @message",
        "\u{fc}\u{1f525}\u{0}",
    ];
    for text in hostile {
        let mut input =
            labelled(json!({"DBInstanceIdentifier": text, "service": text, "FunctionName": text, "cluster": text,
            "log_group": text, "instance": text, "TargetGroup": text, "region": text, "QueueName": text}));
        input.0.insert("alarm".to_owned(), json!(text));
        input.0.insert("region".to_owned(), json!(text));
        for query in PROVIDER.queries {
            let _ = ask(&PROVIDER, &access, query.name, &input).await;
        }
    }
    let named: Vec<Json> = world
        .account
        .asked("DescribeAlarms")
        .iter()
        .map(|call| call.parameters["AlarmNames.member.1"].clone())
        .collect();
    for text in hostile {
        // Read as input is, without white space around it.
        assert!(named.contains(&json!(text.trim())), "{text:?} is not among {named:?}");
    }
    for call in world.account.calls() {
        assert_eq!(call.region, "eu-west-1");
        let bound = ["AlarmNames.member.1", "Dimensions.member.1.Value", "MetricDataQueries.member.1"];
        for (name, value) in call.parameters.as_object().into_iter().flatten() {
            let spoken = hostile.iter().any(|text| value.to_string().contains(&json!(text.trim()).to_string()));
            assert!(!spoken || bound.contains(&name.as_str()), "{name} of {call:?}");
        }
    }
    assert_eq!(world.account.asked("DeleteAlarms"), []);
}

#[test]
fn an_alarm_makes_its_resources_queries_relevant() {
    let alarm = json!({
        "AlarmName": "orders-db CPU", "NewStateValue": "ALARM", "AWSAccountId": ACCOUNT, "Region": "EU (Ireland)",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-db CPU",
        "StateChangeTime": "2024-05-01T12:15:00.000+0000",
        "Trigger": {"MetricName": "CPUUtilization", "Namespace": "AWS/RDS", "Statistic": "AVERAGE", "Threshold": 90.0,
            "Dimensions": [{"name": "DBInstanceIdentifier", "value": "orders-db"}]},
    });
    let alert = Alert::parse(alarm.to_string().as_bytes());
    let asked: Vec<&str> = PROVIDER
        .queries
        .iter()
        .filter(|query| matches!((query.relevance)(&alert), Relevance::Ask(_)))
        .map(|query| query.name)
        .collect();
    assert_eq!(asked, ["metrics", "alarms", "changes", "logs", "log-counts", "rds", "database-load"]);
    let Relevance::Ask(inputs) = (PROVIDER.queries[0].relevance)(&alert) else { panic!("relevant") };
    assert_eq!(inputs[0].text("alarm"), Some("orders-db CPU"));
    assert_eq!(inputs[0].text("region"), Some("eu-west-1"));
    assert_eq!(inputs[0].labels("labels")["DBInstanceIdentifier"], "orders-db");

    let alert = Alert::parse(b"something is slow");
    let asked: Vec<&str> = PROVIDER
        .queries
        .iter()
        .filter(|query| matches!((query.relevance)(&alert), Relevance::Ask(_)))
        .map(|query| query.name)
        .collect();
    assert_eq!(asked, ["alarms", "changes"], "what needs no name is asked all the same");
}
