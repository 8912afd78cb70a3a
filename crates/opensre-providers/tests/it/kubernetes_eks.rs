//! Kubernetes through an instance of AWS: which cluster is asked, whose credentials go where, and what is said when the way
//! there is broken. Account and cluster are the lab's; the cluster has a certificate of its own authority.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use opensre_http::{Http, HttpOptions};
use opensre_lab::vendors::kubernetes::scene::bad_rollout;
use opensre_lab::vendors::kubernetes::{Cluster, router};
use opensre_lab::vendors::{Guard, aws, serve, serve_tls};
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::GapKind;
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use opensre_model::routing::{RoutingMode, route};
use opensre_providers::driver::{Access, Neighbours, Probe, ProbeStatus};
use opensre_providers::kubernetes::PROVIDER;
use opensre_providers::{aws as amazon, catalogue};
use serde_json::{Value as Json, json};

use crate::stub::{access, ask, input, probe, window};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAOPS";
const SECRET: &str = "canary+secret/key";
const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/shop";
const CA: &str = include_str!("kubernetes_tls/ca.pem");
const SERVER: &str = include_str!("kubernetes_tls/server.pem");

/// An account with a cluster `shop`, and both served.
struct World {
    account: Arc<aws::Account>,
    cluster: Cluster,
    sts: String,
    server: String,
    _guards: [Guard; 2],
}

/// The time by the clock of the tests that need none of their own.
fn now() -> Timestamp {
    "2024-05-01T12:45:00Z".parse().unwrap()
}

impl World {
    async fn new() -> Self {
        Self::at(now).await
    }

    async fn at(clock: fn() -> Timestamp) -> Self {
        let account = Arc::new(aws::Account::new(ACCOUNT, KEY, window().onset));
        let (address, first) = serve(aws::router(account.clone())).await.unwrap();
        let sts = format!("http://{address}");
        let cluster = Cluster::new("unused", "unused", "uid-shop", now());
        bad_rollout(&cluster, window().onset);
        let (issuer, issued_at) = (account.clone(), sts.clone());
        cluster.authenticate(move |token| issuer.whose_token(token, "eu-west-1", &issued_at, clock()));
        let (address, second) = serve_tls(router(&cluster), SERVER).await.unwrap();
        let server = format!("https://{address}");
        let world = Self { account, cluster, sts, server, _guards: [first, second] };
        world.tell("shop", "eu-west-1", &world.server, CA);
        world
    }

    /// Has the account tell of a cluster.
    fn tell(&self, name: &str, region: &str, endpoint: &str, authority: &str) {
        let [name, region, endpoint, authority] = [name, region, endpoint, authority].map(str::to_owned);
        self.account.put_cluster(aws::Cluster { name, region, endpoint, authority });
    }

    /// An instance of AWS with this name and these regions.
    fn aws(&self, name: &str, regions: &str) -> Instance {
        let fields = [
            ("endpoint_url", self.sts.as_str()),
            ("region", regions),
            ("access_key_id", KEY),
            ("secret_access_key", SECRET),
        ];
        Instance { name: InstanceName::new(name), ..access(&amazon::PROVIDER, &fields).instance }
    }

    fn own(&self) -> Instance {
        self.aws("main", "eu-west-1")
    }
}

/// Access to an instance of Kubernetes with these fields, among these others.
fn through(others: impl IntoIterator<Item = Instance>, fields: &[(&'static str, &str)]) -> Access {
    let http = Http::new(HttpOptions { attempts: 1, clock: now, ..HttpOptions::default() });
    Access { neighbours: Neighbours::from_iter(others), http, ..access(&PROVIDER, fields) }
}

const NAMED: &[(&str, &str)] = &[("eks_cluster", "shop"), ("aws_instance", "main")];

async fn failed(access: &Access) -> (String, String) {
    let Probe { status, detail, hint, .. } = probe(&PROVIDER, access).await;
    assert_eq!(status, ProbeStatus::Failed, "{detail}");
    (detail, hint.unwrap_or_default())
}

#[tokio::test]
async fn a_cluster_is_proved_and_knows_us_by_our_arn() {
    let world = World::new().await;
    for fields in [NAMED, &[("eks_cluster", "shop")], &[("eks_cluster", ARN), ("aws_instance", " MAIN ")]] {
        let proved = probe(&PROVIDER, &through([world.own()], fields)).await;
        assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
        assert_eq!(proved.detail, "arn:aws:iam::111122223333:user/ops may list pods in all namespaces");
        assert_eq!(proved.identity["cluster"], "shop");
        assert_eq!(proved.identity["cluster_uid"], "uid-shop");
        assert!(!proved.identity.contains_key("context"));
    }
}

#[tokio::test]
async fn every_query_is_answered_and_aws_is_asked_once() {
    let world = World::new().await;
    let access = through([world.own()], NAMED);
    let mut evidence = 0;
    for query in PROVIDER.queries {
        let answer = ask(&PROVIDER, &access, query.name, &input("labels", json!({"namespace": "shop"}))).await;
        let failed = |gap: &&opensre_model::evidence::Gap| gap.kind != GapKind::NotRelevant;
        assert_eq!(answer.gaps.iter().find(failed), None, "{}", query.name);
        evidence += answer.evidence.len();
    }
    assert!(evidence > PROVIDER.queries.len() / 2, "{evidence}");
    assert_eq!(world.account.asked("DescribeCluster").len(), 1);
}

#[tokio::test]
async fn what_is_of_the_account_stays_there_and_the_token_goes_to_the_cluster_only() {
    let world = World::new().await;
    let other = World::new().await;
    let access = through([world.own(), other.aws("other", "eu-west-1")], NAMED);
    probe(&PROVIDER, &access).await;
    ask(&PROVIDER, &access, "pods", &input("namespace", json!("shop"))).await;
    assert_eq!((other.account.calls(), other.cluster.seen()), (vec![], vec![]));
    let seen = world.cluster.seen();
    assert!(seen.iter().all(|seen| seen.authorization.starts_with("Bearer k8s-aws-v1.")), "{seen:?}");
    assert!(!format!("{seen:?}").contains(SECRET));
    for call in world.account.calls() {
        assert!(!call.parameters.to_string().contains("k8s-aws-v1"), "{call:?}");
    }
    for call in access.http.calls() {
        let base = if call.label == "aws/main" { &world.sts } else { &world.server };
        assert!(call.url.starts_with(base.as_str()), "{call:?}");
    }
    assert!(!format!("{:?}", access.http.calls()).contains(SECRET));
}

#[tokio::test]
async fn an_instance_that_cannot_be_meant_is_told_with_those_that_can() {
    let world = World::new().await;
    let (main, spare) = (world.own(), world.aws("spare", "eu-west-1"));
    let named = |name| [("eks_cluster", "shop"), ("aws_instance", name)];
    let cases = [
        (vec![], named("main"), "none is usable", "integrations add aws"),
        (vec![main.clone(), spare.clone()], named("mian"), "aws_instance names aws/mian", "did you mean `main`?"),
        (vec![main.clone(), spare.clone()], named("zzz"), "which is not configured", "there are: main, spare"),
        (vec![main.clone(), main.clone()], named("main"), "several instances are called so", "a name of its own"),
        (
            vec![main.clone(), spare.clone()],
            named(""),
            "and there are several",
            "set aws_instance to one of: main, spare",
        ),
    ];
    for (others, fields, words, hint) in cases {
        let access = through(others, &fields);
        let (detail, told) = failed(&access).await;
        assert!(detail.contains(words) && told.contains(hint), "{words}: {detail}; {told}");
        let answer = ask(&PROVIDER, &access, "pods", &input("namespace", json!("shop"))).await;
        // A cluster that cannot be reached never reads as one that there is nothing in.
        assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::Failed));
    }
    assert_eq!(world.account.calls(), []);
}

/// The way goes one step: another instance of Kubernetes is no way to a cluster, by whatever name.
#[tokio::test]
async fn a_way_never_leads_through_another_cluster() {
    let world = World::new().await;
    let twin = Instance { name: InstanceName::new("main"), ..access(&PROVIDER, NAMED).instance };
    let (detail, _) = failed(&through([twin], NAMED)).await;
    assert!(detail.contains("none is usable"), "{detail}");
    assert_eq!(world.account.calls(), []);
}

#[tokio::test]
async fn what_the_account_says_no_to_is_told_as_its_answer() {
    let world = World::new().await;
    let main = || [world.own()];
    let (detail, hint) = failed(&through(main(), &[("eks_cluster", "shup")])).await;
    assert_eq!(detail, "aws/main: there is no EKS cluster shup in eu-west-1");
    assert!(hint.contains("region and account"), "{hint}");
    let elsewhere = "arn:aws:eks:eu-west-1:999999999999:cluster/shop";
    let (detail, _) = failed(&through(main(), &[("eks_cluster", elsewhere)])).await;
    assert_eq!(detail, format!("aws/main: there is no EKS cluster {elsewhere} in this account"));

    world.tell("shop", "us-east-1", &world.server, CA);
    let both = [world.aws("main", "eu-west-1,us-east-1")];
    let (detail, hint) = failed(&through(both.clone(), NAMED)).await;
    assert_eq!(detail, "aws/main: there is an EKS cluster shop in eu-west-1 and us-east-1");
    assert!(hint.contains("ARN"), "{hint}");
    let proved = probe(&PROVIDER, &through(both, &[("eks_cluster", ARN)])).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");

    world.account.refuse("DescribeCluster", 403, "AccessDeniedException", None);
    let (detail, hint) = failed(&through(main(), NAMED)).await;
    assert!(detail.starts_with("aws/main: "), "{detail}");
    assert!(format!("{detail}{hint}").contains("eks:DescribeCluster"), "{detail}; {hint}");
}

#[tokio::test]
async fn a_pinned_account_is_proved_before_the_cluster_is_asked() {
    let world = World::new().await;
    let pinned = |account: &str| {
        let expect = Expect::from_pairs([("account_id", account)]);
        [Instance { expect, ..world.own() }]
    };
    let proved = probe(&PROVIDER, &through(pinned(ACCOUNT), NAMED)).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    let before = world.cluster.seen().len();
    let (detail, _) = failed(&through(pinned("999999999999"), NAMED)).await;
    assert!(detail.starts_with("aws/main is pinned and not confirmed: "), "{detail}");
    assert_eq!(world.cluster.seen().len(), before);
    assert_eq!(world.account.asked("DescribeCluster").len(), 1);
}

#[tokio::test]
async fn only_the_clusters_own_authority_is_trusted() {
    let world = World::new().await;
    // Another authority, and what is none.
    for (name, endpoint, authority, words) in [
        ("other-ca", world.server.as_str(), include_str!("kubernetes_tls/client.pem"), "certificate"),
        ("no-ca", &world.server, "", "its certificate authority is empty"),
        ("no-pem", &world.server, "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----", "not PEM"),
        ("clear", &world.server.replace("https", "http"), CA, "its endpoint is not https"),
        ("no-url", "https://[", CA, "its endpoint is no URL"),
    ] {
        world.tell(name, "eu-west-1", endpoint, authority);
        let (detail, hint) = failed(&through([world.own()], &[("eks_cluster", name)])).await;
        assert!(detail.contains(words), "{name}: {detail}");
        assert!(!hint.is_empty(), "{name}");
    }
    assert_eq!(world.cluster.seen(), []);
}

#[tokio::test]
async fn a_cluster_that_does_not_know_us_hints_at_its_access_entries() {
    let world = World::new().await;
    world.cluster.authenticate(|_| None);
    let (detail, hint) = failed(&through([world.own()], NAMED)).await;
    assert!(detail.contains("401") && hint.contains("access entry"), "{detail}; {hint}");
    let unreachable = "https://127.0.0.1:1";
    world.tell("private", "eu-west-1", unreachable, CA);
    let (_, hint) = failed(&through([world.own()], &[("eks_cluster", "private")])).await;
    assert!(hint.contains("may be private"), "{hint}");
}

#[tokio::test]
async fn a_token_is_made_anew_before_it_expires() {
    static SECONDS: AtomicI64 = AtomicI64::new(1_714_567_500);
    fn clock() -> Timestamp {
        Timestamp::from_second(SECONDS.load(Ordering::SeqCst)).unwrap()
    }
    let world = World::at(clock).await;
    let http = Http::new(HttpOptions { attempts: 1, clock, ..HttpOptions::default() });
    let access = Access { http, ..through([world.own()], NAMED) };
    let tokens = || {
        let mut tokens: Vec<String> = world.cluster.seen().into_iter().map(|seen| seen.authorization).collect();
        tokens.dedup();
        tokens.len()
    };
    for (minutes, wanted) in [(0, 1), (13, 1), (1, 2), (20, 3)] {
        SECONDS.fetch_add(minutes * 60, Ordering::SeqCst);
        let proved = probe(&PROVIDER, &access).await;
        assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
        assert_eq!(tokens(), wanted, "after {minutes} more minutes");
    }
}

/// Reads an entry of a store beside one of AWS called `main`; its instances and what is said of them.
fn loaded(credentials: &Json) -> (usize, Vec<String>) {
    let record = json!({"id": "k", "service": "kubernetes", "status": "active", "instances": [
        {"name": "shop", "tags": {}, "credentials": credentials}]});
    let aws = json!({"id": "a", "service": "aws", "status": "active", "instances": [
        {"name": "main", "tags": {}, "credentials": {"access_key_id": KEY, "secret_access_key": SECRET}}]});
    let source = Source::Store { path: "store".to_owned() };
    let records = [record, aws].map(|record| Record::from_json(&record, &source, 0).0.expect("a record"));
    let resolved = resolve(&catalogue(), records.to_vec(), vec![], Precedence::Store);
    let count = resolved.instances().filter(|instance| instance.service == PROVIDER.spec.key).count();
    (count, resolved.diagnostics.iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_written_is_checked_when_it_is_loaded() {
    assert_eq!(loaded(&json!({"eks_cluster": "shop"})), (1, vec![]));
    assert_eq!(loaded(&json!({"eks_cluster": ARN, "aws_instance": "main", "in_cluster": false})), (1, vec![]));
    for (credentials, usable, words) in [
        (json!({"eks_cluster": "shop", "context": "prod"}), 1, "is not used: eks_cluster is set"),
        (json!({"context": "prod", "aws_instance": "main"}), 1, "is not used without eks_cluster"),
        (json!({"eks_cluster": "arn:aws:rds:eu-west-1:1:db:shop"}), 0, "neither the name nor the ARN"),
        (json!({"eks_cluster": "shop", "aws_instance": "mian"}), 1, "names `mian`, which is no usable instance of aws"),
        (json!({"eks_cluster": "a/../b"}), 0, "neither the name nor the ARN"),
        (json!({"eks_cluster": "arn:aws:eks:evil.example/:1:cluster/shop"}), 0, "neither the name nor the ARN"),
    ] {
        let (count, told) = loaded(&credentials);
        assert_eq!(count, usable, "{credentials}");
        assert!(told.iter().any(|line| line.contains(words)), "{credentials}: {told:?}");
    }
}

/// The instances of Kubernetes that an alert with these labels chooses: one by a plain context, one by name through AWS, and
/// two of the same name in two accounts.
fn chosen(labels: &Json) -> Vec<String> {
    let instance = |name: &str, credentials: Json| json!({"name": name, "tags": {}, "credentials": credentials});
    let record = json!({"id": "k", "service": "kubernetes", "status": "active", "instances": [
        instance("default", json!({"context": "prod"})),
        instance("named", json!({"eks_cluster": "billing", "aws_instance": "main"})),
        instance("one", json!({"eks_cluster": ARN, "aws_instance": "main"})),
        instance("two", json!({"context": "arn:aws:eks:eu-west-1:444455556666:cluster/shop"})),
        instance("three", json!({"context": "arn:aws:eks:us-east-1:444455556666:cluster/shop"})),
    ]});
    let source = Source::Store { path: "store".to_owned() };
    let record = Record::from_json(&record, &source, 0).0.expect("a record");
    let resolved = resolve(&catalogue(), vec![record], vec![], Precedence::Store);
    let alert = json!({"title": "checkout fails", "state": "alerting", "commonLabels": labels});
    let alert = Alert::parse(alert.to_string().as_bytes());
    let routes = route(&catalogue(), &resolved, &alert, &[], RoutingMode::default());
    let route = routes.iter().find(|route| route.service == "kubernetes").expect("a route");
    route.chosen.iter().map(|instance| instance.name.to_string()).collect()
}

#[test]
fn an_alert_that_names_a_cluster_picks_its_instance() {
    let other = "arn:aws:eks:eu-west-1:444455556666:cluster/shop";
    for (labels, wanted) in [
        (json!({"cluster": "billing"}), vec!["named"]),
        (json!({"cluster_arn": "arn:aws:eks:eu-west-1:111122223333:cluster/billing"}), vec!["named"]),
        (json!({"cluster": "shop", "account_id": "111122223333"}), vec!["one"]),
        (json!({"resource": ARN}), vec!["one"]),
        (json!({"resource": other}), vec!["two"]),
        (json!({"cluster": "shop", "account_id": "444455556666", "region": "us-east-1"}), vec!["three"]),
        // An ARN says where its cluster is, and nothing against a cluster that has none.
        (json!({"cluster": "prod", "account_id": "444455556666", "region": "us-east-1"}), vec!["default"]),
        (json!({"service": "checkout"}), vec!["default"]),
    ] {
        assert_eq!(chosen(&labels), wanted, "{labels}");
    }
}
