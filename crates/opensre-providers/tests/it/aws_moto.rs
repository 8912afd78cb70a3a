//! AWS against a real peer: moto's server with two accounts, which checks signatures, policies and trust policies.
//!
//! moto has no CloudTrail lookup, no Performance Insights, and a Logs Insights that ignores the query; those are the
//! simulator's (`aws_calls`).

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use opensre_http::{Signer, Unsigned};
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Evidence, EvidenceData, GapKind, Meaning};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use opensre_model::routing::{RoutingMode, route};
use opensre_model::secret::Secret;
use opensre_model::window::Window;
use opensre_providers::aws::PROVIDER;
use opensre_providers::aws::sigv4::{Credentials, SigV4};
use opensre_providers::catalogue;
use opensre_providers::driver::{Access, Answer, ProbeStatus, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{access, input, probe};

/// How long the server may take to start: Python on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const QUIET: &str = "111111111111";
const BUSY: &str = "222222222222";

/// A running moto, stopped when dropped.
struct Moto {
    child: Child,
    address: SocketAddr,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the Python environment that `cargo xtask setup` makes in the target folder.
fn program(name: &str) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = target.parent().expect("the target folder").join("venv/bin").join(name);
    assert!(path.exists(), "{} is not there\nhint: run `cargo xtask setup`", path.display());
    path
}

impl Moto {
    fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.expect("a free loopback port");
        let child = Command::new(program("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "moto does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        moto
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn script(&self, arguments: &[&str]) -> Json {
        script(&self.url(), arguments)
    }
}

/// Runs the script that uses the official SDK.
fn script(url: &str, arguments: &[&str]) -> Json {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/aws_moto/setup.py");
    let output = Command::new(program("python"))
        .args([script, url])
        .args(arguments)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("the script starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Two accounts, whose incident began an hour ago.
struct Stage {
    moto: Moto,
    accounts: Json,
    window: Window,
}

impl Stage {
    fn new() -> Self {
        let moto = Moto::start();
        let now = access(&PROVIDER, &[]).http.now();
        let minute = Timestamp::from_second(now.as_second().div_euclid(60) * 60 - 3600).expect("a time");
        let before = |minutes| minute - SignedDuration::from_mins(minutes);
        let window = Window { baseline_start: before(75), start: before(15), onset: minute, end: before(-30) };
        let accounts = moto.script(&["fill", &minute.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()]);
        Self { moto, accounts, window }
    }

    fn text(&self, account: &str, key: &str) -> &str {
        self.accounts[account][key].as_str().expect("a text")
    }

    /// The store's instance of an account.
    fn instance(&self, name: &str, account: &str) -> Json {
        json!({"name": name, "tags": {}, "credentials": {
            "role_arn": self.text(account, "role"), "external_id": format!("external-{account}"), "region": "eu-west-1",
            "access_key_id": self.text(account, "key"), "secret_access_key": self.text(account, "secret"),
            "endpoint_url": self.moto.url(),
        }})
    }

    fn resolved(instances: &[Json]) -> Resolved {
        let record = json!({"id": "aws-1", "service": "aws", "status": "active", "instances": instances});
        let source = Source::Store { path: "integrations.json".to_owned() };
        let record = Record::from_json(&record, &source, 0).0.expect("a record");
        resolve(&catalogue(), &[record], &[], Precedence::Store)
    }

    /// By which service each account's key was last used.
    fn used(&self) -> Json {
        let keys = [QUIET, BUSY].map(|account| format!("{account}={}", self.text(account, "key")));
        self.moto.script(&["used", &keys[0], &keys[1]])
    }
}

/// Access to an instance of a resolution.
fn reaching(resolved: &Resolved, name: &str) -> Access {
    let instance = resolved.instances().find(|instance| instance.name.as_str() == name).expect("an instance").clone();
    Access { instance, deadline: Instant::now() + Duration::from_mins(1), ..access(&PROVIDER, &[]) }
}

fn of<'a>(answers: &'a [(&str, Answer)], query: &str) -> &'a Answer {
    &answers.iter().find(|(name, _)| *name == query).unwrap_or_else(|| panic!("{query} was not asked")).1
}

fn values(evidence: &Evidence) -> Vec<f64> {
    let EvidenceData::Metrics { series, .. } = &evidence.data else { panic!("these are {}", evidence.data.kind()) };
    series.iter().flat_map(|one| one.points.iter().map(|(_, value)| *value)).collect()
}

#[tokio::test]
async fn an_alarm_reaches_the_account_that_raised_it_and_no_other() {
    let stage = Stage::new();
    let resolved = Stage::resolved(&[stage.instance("quiet", QUIET), stage.instance("busy", BUSY)]);
    let alarm = json!({
        "AlarmName": "orders-db CPU", "NewStateValue": "ALARM", "AWSAccountId": BUSY,
        "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{BUSY}:alarm:orders-db CPU"),
        "StateChangeTime": stage.window.onset.to_string(),
        "Trigger": {"MetricName": "CPUUtilization", "Namespace": "AWS/RDS", "Statistic": "AVERAGE", "Period": 60,
            "Threshold": 90.0, "ComparisonOperator": "GreaterThanThreshold",
            "Dimensions": [{"name": "DBInstanceIdentifier", "value": "orders-db"}]},
    });
    let alert = Alert::parse(alarm.to_string().as_bytes());
    let routes = route(&catalogue(), &resolved, &alert, &[], RoutingMode::default());
    let chosen: Vec<&str> = routes[0].chosen.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(chosen, ["busy"], "{}", routes[0].reason);

    let access = reaching(&resolved, "busy");
    let mut answers = Vec::new();
    for query in PROVIDER.queries {
        if let Relevance::Ask(inputs) = (query.relevance)(&alert) {
            for input in inputs {
                answers.push((query.name, (query.run)(&access, &input, stage.window).await));
            }
        }
    }
    for evidence in answers.iter().flat_map(|(_, answer)| &answer.evidence) {
        assert_eq!((evidence.origin.service.as_str(), evidence.origin.instance.as_str()), ("aws", "busy"));
        assert_eq!(evidence.origin.datasource.as_deref(), Some("eu-west-1"));
    }
    let metrics = of(&answers, "metrics");
    let EvidenceData::Metrics { meaning, threshold, .. } = &metrics.evidence[0].data else { panic!("metrics") };
    assert_eq!((*meaning, threshold.map(|limit| limit.value)), (Meaning::AlertCondition, Some(90.0)));
    for evidence in &metrics.evidence {
        let values = values(evidence);
        assert_eq!((values.first(), values.last()), (Some(&20.0), Some(&97.0)), "{evidence:?}");
    }
    assert!(metrics.evidence.iter().any(|one| one.summary == "AWS/RDS CPUUtilization: 1 series"), "{metrics:?}");
    let alarms = of(&answers, "alarms");
    assert!(alarms.evidence.iter().any(|one| one.summary == "alarm orders-db CPU is ALARM now"), "{alarms:?}");
    let logs = of(&answers, "logs");
    let EvidenceData::Logs { lines } = &logs.evidence[0].data else { panic!("logs") };
    assert!(lines.iter().any(|line| line.message == "FATAL: remaining connection slots are reserved"), "{logs:?}");
    let rds = of(&answers, "rds");
    assert_eq!(rds.evidence[0].summary, "orders-db is available", "{rds:?}");
    let told = format!("{answers:?} {:?}", access.http.calls());
    for secret in [stage.text(BUSY, "secret"), &format!("external-{BUSY}"), "canary"] {
        assert!(!told.contains(secret), "a secret is told");
    }
    assert_eq!(stage.used(), json!({QUIET: "N/A", BUSY: "sts"}));
}

#[tokio::test]
async fn signatures_trust_and_permissions_are_judged_by_the_peer() {
    let stage = Stage::new();
    let (quiet, busy) = (stage.instance("quiet", QUIET), stage.instance("busy", BUSY));
    let mut forged = stage.instance("forged", BUSY);
    forged["credentials"]["secret_access_key"] = json!("not/the+secret");
    let mut stranger = stage.instance("stranger", BUSY);
    stranger["credentials"]["external_id"] = json!("another");
    let resolved = Stage::resolved(&[quiet, busy, forged, stranger]);

    for (name, account) in [("quiet", QUIET), ("busy", BUSY)] {
        let found = probe(&PROVIDER, &reaching(&resolved, name)).await;
        assert_eq!(found.status, ProbeStatus::Passed, "{found:?}");
        assert_eq!(found.identity["account_id"], account);
        let arn = format!("arn:aws:sts::{account}:assumed-role/reader/TracerIntegrationVerify");
        assert_eq!(found.identity["arn"], arn);
    }
    let found = probe(&PROVIDER, &reaching(&resolved, "forged")).await;
    assert!(found.detail.contains("did not accept the signature (SignatureDoesNotMatch)"), "{found:?}");
    let found = probe(&PROVIDER, &reaching(&resolved, "stranger")).await;
    assert!(found.detail.contains("(AccessDenied)"), "{found:?}");
    assert!(found.hint.is_some_and(|hint| hint.contains("trust policy")));

    // JSON and EC2's own form of Query, each signed for its service; what a policy forbids is a gap.
    let access = reaching(&resolved, "busy");
    let ask = async |name: &str, labels: Json| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).expect("a query");
        (query.run)(&access, &input("labels", labels), stage.window).await
    };
    let ecs = ask("ecs", json!({"service": "checkout", "cluster": "shop"})).await;
    let reasons: Vec<&str> = ecs.gaps.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(reasons, ["eu-west-1: no ECS service is called checkout"]);
    let ec2 = ask("ec2", json!({"instance": "i-0123456789abcdef0"})).await;
    assert_eq!(ec2.gaps.first().map(|gap| gap.kind), Some(GapKind::Denied), "{ec2:?}");
    assert!(ec2.gaps[0].reason.contains("ec2:DescribeInstances"), "{ec2:?}");

    // moto takes a GET without parameters for one with its headers as body, and so refuses the SDK's signature as well.
    stage.moto.script(&["open"]);
    let eks = ask("eks", json!({"cluster": "shop"})).await;
    assert_eq!(eks.gaps, [], "{eks:?}");
    assert_eq!(eks.evidence[0].summary, "EKS cluster shop with 0 node groups; 0 not healthy", "{eks:?}");
}

#[test]
fn signatures_are_those_of_the_official_sdk() {
    let signer = SigV4 {
        credentials: Credentials {
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("secret+/key"),
            session_token: Some(Secret::new("token==")),
        },
        region: "eu-west-1".to_owned(),
        service: "eks",
    };
    for (method, url, body) in [
        ("GET", "https://eks.eu-west-1.amazonaws.com/", ""),
        (
            "GET",
            "https://eks.eu-west-1.amazonaws.com/clusters/shop/node-groups?maxResults=10&nextToken=a%2Fb%3D%3D",
            "",
        ),
        ("GET", "https://eks.eu-west-1.amazonaws.com/clusters/a%20b%2Fc%25/x:y/\u{fc}", ""),
        ("POST", "http://127.0.0.1:4566/", "{\"a\": \"\u{fc}\"}"),
    ] {
        let url = url::Url::parse(url).expect("a URL");
        let headers = [("content-type", "application/x-amz-json-1.1")];
        let request = Unsigned {
            method,
            url: &url,
            headers: if body.is_empty() { &[] } else { &headers },
            body: body.as_bytes(),
            time: "2024-05-01T12:15:00Z".parse().expect("a time"),
        };
        let signed = signer.sign(&request);
        let authorization = signed.iter().find(|(name, _)| *name == "authorization").expect("a signature").1.expose();
        let own = authorization.rsplit("Signature=").next();
        assert_eq!(script(url.as_str(), &["sign", method, body]).as_str(), own, "{method} {url}");
    }
    let signer = SigV4 { service: "sts", ..signer };
    let url = "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
    let time = "2024-05-01T12:15:00Z".parse().expect("a time");
    let parsed = url::Url::parse(url).expect("a URL");
    let own = signer.presigned(&parsed, &[("x-k8s-aws-id", "shop")], Duration::from_mins(1), time);
    let signature = own.expose().rsplit("X-Amz-Signature=").next();
    assert_eq!(script(url, &["presign", "shop"]).as_str(), signature, "{}", own.expose());
}
