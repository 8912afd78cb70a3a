//! A cluster of EKS that a store reaches through an instance of AWS: verified, queried and investigated.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use opensre_lab::vendors::kubernetes::scene::bad_rollout;
use opensre_lab::vendors::kubernetes::{Cluster, router};
use opensre_lab::vendors::{Guard, aws, serve, serve_tls};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::support::World;

const CA: &str = include_str!("../../../opensre-providers/tests/it/kubernetes_tls/ca.pem");
const SERVER: &str = include_str!("../../../opensre-providers/tests/it/kubernetes_tls/server.pem");
const SECRET: &str = "canary+secret/key";

/// Two accounts, each with a cluster `shop`, in one store.
struct Eks {
    world: World,
    accounts: Vec<Arc<aws::Account>>,
    clusters: Vec<Cluster>,
    onset: Timestamp,
    _guards: Vec<Guard>,
    _runtime: Runtime,
}

#[expect(clippy::disallowed_methods, reason = "tokens hold the time by which the program made them")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Eks {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let onset = now() - SignedDuration::from_mins(15);
        let (mut accounts, mut clusters, mut guards) = (Vec::new(), Vec::new(), Vec::new());
        let (mut of_aws, mut of_kubernetes) = (Vec::new(), Vec::new());
        for (name, id) in [("prod", "111122223333"), ("spare", "444455556666")] {
            let account = Arc::new(aws::Account::new(id, "AKIAOPS", onset));
            let (address, guard) = runtime.block_on(serve(aws::router(account.clone()))).expect("an account");
            let sts = format!("http://{address}");
            let cluster = Cluster::new("unused", "unused", id, now());
            bad_rollout(&cluster, onset);
            let (issuer, issued_at) = (account.clone(), sts.clone());
            cluster.authenticate(move |token| issuer.whose_token(token, "eu-west-1", &issued_at, now()));
            let (address, other) = runtime.block_on(serve_tls(router(&cluster), SERVER)).expect("a cluster");
            account.put_cluster(aws::Cluster {
                name: "shop".to_owned(),
                region: "eu-west-1".to_owned(),
                endpoint: format!("https://{address}"),
                authority: CA.to_owned(),
            });
            of_aws.push(json!({"name": name, "tags": {}, "credentials": {"access_key_id": "AKIAOPS",
                "secret_access_key": SECRET, "region": "eu-west-1", "endpoint_url": sts}}));
            of_kubernetes.push(json!({"name": format!("{name}-shop"), "tags": {}, "credentials": {
                "eks_cluster": format!("arn:aws:eks:eu-west-1:{id}:cluster/shop"), "aws_instance": name}}));
            accounts.push(account);
            clusters.push(cluster);
            guards.extend([guard, other]);
        }
        let world = World::new();
        let record = |service: &str, instances: Vec<Json>| json!({"id": service, "service": service, "status": "active", "instances": instances});
        world.write_store(&json!({"version": 2, "integrations": [
            record("aws", of_aws), record("kubernetes", of_kubernetes)]}));
        Self { world, accounts, clusters, onset, _guards: guards, _runtime: runtime }
    }
}

#[test]
fn every_cluster_is_verified_through_its_own_account() {
    let eks = Eks::start();
    let rows = eks.world.json(["integrations", "verify", "kubernetes", "--json"]);
    let rows = rows.as_array().expect("rows");
    for (row, id) in rows.iter().zip(["111122223333", "444455556666"]) {
        assert_eq!(
            (row["status"].as_str(), row["identity"]["cluster_uid"].as_str()),
            (Some("passed"), Some(id)),
            "{row:#}"
        );
        let user = row["identity"]["user"].as_str().expect("a user");
        assert_eq!(user, format!("arn:aws:iam::{id}:user/ops"));
    }
    assert_eq!(rows.len(), 2);
    assert!(eks.accounts.iter().all(|account| account.asked("DescribeCluster").len() == 1));
}

#[test]
fn a_query_asks_the_named_cluster_and_its_account_only() {
    let eks = Eks::start();
    let arguments = ["query", "kubernetes/spare-shop", "pods", "--input", "namespace=shop", "--json"];
    let answer = eks.world.json(arguments);
    assert_eq!(answer["gaps"], json!([]), "{answer:#}");
    assert_eq!(answer["evidence"][0]["origin"]["instance"], "spare-shop");
    assert_eq!((eks.accounts[0].calls(), eks.clusters[0].seen()), (vec![], vec![]));
    assert!(!answer.to_string().contains(SECRET));
}

#[test]
fn an_investigation_of_an_alert_with_the_arn_of_a_cluster_asks_that_cluster() {
    let eks = Eks::start();
    let alert = json!({"title": "checkout is crash looping", "state": "alerting", "startsAt": eks.onset.to_string(),
        "commonLabels": {"cluster_arn": "arn:aws:eks:eu-west-1:111122223333:cluster/shop", "namespace": "shop",
            "deployment": "checkout"}});
    let path = eks.world.write("alert.json", &alert.to_string());
    let ran = eks.world.run(["investigate", "-i", &path.display().to_string(), "--json"]).exits(0);
    let report: Json = serde_json::from_str(&ran.stdout).expect("a report");
    let asked: Vec<&str> = report["evidence"]
        .as_array()
        .expect("evidence")
        .iter()
        .filter(|piece| piece["service"] == "kubernetes")
        .filter_map(|piece| piece["instance"].as_str())
        .collect();
    assert!(asked.len() > 3 && asked.iter().all(|name| *name == "prod-shop"), "{asked:?}\n{:#}", report["gaps"]);
    assert_eq!((eks.accounts[1].calls(), eks.clusters[1].seen()), (vec![], vec![]));
    assert!(!ran.stdout.contains(SECRET) && !ran.stdout.contains("k8s-aws-v1"));
}
