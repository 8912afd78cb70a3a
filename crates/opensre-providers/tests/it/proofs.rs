//! What the registry says that a probe and a delivery do, for every provider that has one: done against a simulator that
//! knows everything there is to tell. A new provider is in it by existing, and fails until it can be shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use opensre_lab::vendors::kubernetes::{Cluster, router as cluster_router};
use opensre_lab::vendors::{argocd, aws, coralogix, datadog, github, honeycomb, postgresql, serve, serve_tls, slack};
use opensre_model::message::Message;
use opensre_providers::driver::{Access, Neighbours, Probe, ProbeStatus, Provider, deliver};
use opensre_providers::{aws as amazon, providers};
use serde_json::json;

use crate::stub::{Said, Seen, Stub, access, probe, window};

type Fields<'a> = &'a [(&'static str, &'a str)];

/// Probes one instance of a provider behind each of these field sets.
async fn each(provider: &Provider, sets: &[Fields<'_>]) -> Vec<Probe> {
    let mut told = Vec::new();
    for fields in sets {
        told.push(probe(provider, &access(provider, fields)).await);
    }
    told
}

/// Everything that the query APIs of the Prometheus family, and Grafana before them, say of themselves.
fn of_the_family(seen: &Seen) -> Said {
    Said::Json(match seen.path.as_str() {
        "/api/v1/query" => {
            json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "1"]}]}})
        }
        "/api/v1/status/buildinfo" => json!({"status": "success", "data": {"version": "3.5.0"}}),
        "/loki/api/v1/labels" => json!({"status": "success", "data": ["app"]}),
        "/loki/api/v1/status/buildinfo" | "/api/status/buildinfo" => json!({"version": "3.1.0"}),
        "/api/v2/search/tags" => json!({"scopes": [{"name": "span", "tags": ["http.method"]}]}),
        "/api/v2/status" => json!({"cluster": {"status": "ready"}, "versionInfo": {"version": "0.27.0"}}),
        "/api/datasources" => json!([{"uid": "a", "name": "Mimir", "type": "prometheus", "url": "http://x"}]),
        "/api/org" => json!({"id": 1, "name": "Shop"}),
        "/api/health" => json!({"version": "12.1.0", "database": "ok"}),
        "/auth.test" => json!({"ok": true, "team": "Shop", "team_id": "T1", "user": "opensre", "enterprise_id": "E1"}),
        _ => return Said::Status(404),
    })
}

/// What a provider's probe says in all the ways in which it can be reached.
async fn told(provider: &Provider) -> Vec<Probe> {
    let onset = window().onset;
    match provider.spec.key {
        "grafana" | "grafana_local" | "prometheus" | "victoriametrics" | "loki" | "tempo" | "alertmanager" => {
            let stub = Stub::start(of_the_family).await;
            let address = if provider.spec.family == "grafana" { "endpoint" } else { "base_url" };
            let more = ["tenant", "org_id"].into_iter().filter(|key| provider.spec.field(key).is_some());
            let mut fields = vec![(address, stub.url.as_str())];
            fields.extend(more.map(|key| (key, "shop")));
            fields.extend((provider.spec.key == "grafana").then_some(("api_key", "k3y")));
            each(provider, &[&fields]).await
        }
        "slack" => {
            let stub = Stub::start(of_the_family).await;
            each(provider, &[&[("bot_token", "xoxb-1"), ("channel", "#ops"), ("base_url", &stub.url)]]).await
        }
        "argocd" => {
            let argo = argocd::ArgoCd::new("sam", "p4ss", "t0ken", argocd::checkout());
            let (address, _guard) = serve(argo.router()).await.unwrap();
            let url = format!("http://{address}");
            each(provider, &[&[("base_url", &url), ("bearer_token", "t0ken"), ("project", "default")]]).await
        }
        "aws" => {
            let account = Arc::new(aws::Account::new("111122223333", "AKIAOPS", onset));
            let (address, _guard) = serve(aws::router(account)).await.unwrap();
            let url = format!("http://{address}");
            let keys = [("access_key_id", "AKIAOPS"), ("secret_access_key", "x"), ("region", "eu-west-1")];
            each(provider, &[&[&keys[..], &[("endpoint_url", &url)]].concat()]).await
        }
        "coralogix" => {
            let coralogix = coralogix::Coralogix::new("k3y", coralogix::checkout(onset));
            let (address, _guard) = serve(coralogix.router()).await.unwrap();
            let url = format!("http://{address}");
            let names = [("application_name", "shop"), ("subsystem_name", "api")];
            each(provider, &[&[&names[..], &[("api_key", "k3y"), ("base_url", &url)]].concat()]).await
        }
        "datadog" => {
            let datadog = datadog::Datadog::new("Shop", "k3y", "app", datadog::checkout(onset));
            let (address, _guard) = serve(datadog.router()).await.unwrap();
            let url = format!("http://{address}");
            each(provider, &[&[("api_key", "k3y"), ("app_key", "app"), ("site", "datadoghq.eu"), ("base_url", &url)]])
                .await
        }
        "github" => {
            let github = Arc::new(github::GitHub::new("t0ken", Some("sam"), github::checkout()));
            // Enterprise Server has the API below a prefix, and says its version.
            let (address, _guard) = serve(github.router("/api/v3")).await.unwrap();
            let url = format!("http://{address}/api/v3");
            let by_mcp: Fields<'_> = &[("url", "https://api.githubcopilot.com/mcp/")];
            each(provider, &[&[("api_url", &url), ("auth_token", "t0ken")], by_mcp]).await
        }
        "honeycomb" => {
            let honeycomb = honeycomb::Honeycomb::new("Prod", "k3y", honeycomb::checkout(onset), 0);
            let (address, _guard) = serve(honeycomb.router()).await.unwrap();
            let url = format!("http://{address}");
            each(provider, &[&[("api_key", "k3y"), ("base_url", &url), ("dataset", "__all__")]]).await
        }
        "kubernetes" => of_a_cluster(provider).await,
        "postgresql" => {
            let account = postgresql::Account {
                user: "opensre".to_owned(),
                password: "p4ss".to_owned(),
                database: "shop".to_owned(),
            };
            let server = postgresql::Postgres::start(account, postgresql::Fault::Monitor).await.unwrap();
            let port = server.address.port().to_string();
            let fields =
                [("host", "127.0.0.1"), ("port", port.as_str()), ("database", "shop"), ("username", "opensre")];
            let fields = [&fields[..], &[("password", "p4ss")]].concat();
            vec![probe(provider, &crate::real::instance(provider, "prod", &fields)).await]
        }
        other => panic!("{other} has a probe, and nothing here shows what it tells: add its simulator"),
    }
}

/// By a kubeconfig, and through AWS.
async fn of_a_cluster(provider: &Provider) -> Vec<Probe> {
    let cluster = Cluster::new("t0ken", "jane", "uid", window().end);
    let (address, _guard) = serve(cluster_router(&cluster)).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("config");
    let text = format!(
        "current-context: prod\nclusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: t0ken}}}}]\n"
    );
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    let mut told = each(provider, &[&[("kubeconfig", path.to_str().unwrap())]]).await;

    let of_eks = Cluster::new("unused", "unused", "uid", window().end);
    of_eks.authenticate(|_| Some("arn:aws:iam::111122223333:user/ops".to_owned()));
    let pem = include_str!("kubernetes_tls/server.pem");
    let (address, _other) = serve_tls(cluster_router(&of_eks), pem).await.unwrap();
    let account = Arc::new(aws::Account::new("111122223333", "AKIAOPS", window().onset));
    account.put_cluster(aws::Cluster {
        name: "shop".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: format!("https://{address}"),
        authority: include_str!("kubernetes_tls/ca.pem").to_owned(),
    });
    let (address, _third) = serve(aws::router(account)).await.unwrap();
    let url = format!("http://{address}");
    let keys = [("access_key_id", "AKIAOPS"), ("secret_access_key", "x"), ("region", "eu-west-1")];
    let of_aws = access(&amazon::PROVIDER, &[&keys[..], &[("endpoint_url", &url)]].concat());
    let own = access(provider, &[("eks_cluster", "shop")]);
    let own = Access { neighbours: Neighbours::from_iter([of_aws.instance]), ..own };
    told.push(probe(provider, &own).await);
    told
}

#[tokio::test]
async fn every_probe_passes_and_tells_just_what_is_declared_of_it() {
    for provider in providers().iter().filter(|provider| provider.probe.is_some()) {
        let told = told(provider).await;
        assert!(told.iter().any(|probe| probe.status == ProbeStatus::Passed), "{}: {told:#?}", provider.spec.key);
        let names: BTreeSet<&str> = told.iter().flat_map(|probe| probe.identity.keys()).map(String::as_str).collect();
        let declared: BTreeSet<&str> = provider.identity.iter().copied().collect();
        assert_eq!(names, declared, "{}", provider.spec.key);
        assert_eq!(declared.len(), provider.identity.len(), "{}: named twice", provider.spec.key);
    }
    for provider in providers().iter().filter(|provider| provider.probe.is_none()) {
        assert_eq!(provider.identity, [""; 0], "{}: without a probe nobody tells", provider.spec.key);
    }
}

#[tokio::test]
async fn every_provider_that_delivers_does() {
    for provider in providers().iter().filter(|provider| provider.deliver.is_some()) {
        let access = match provider.spec.key {
            "slack" => {
                let workspace = Arc::new(slack::Workspace::new("Shop", "xoxb-1"));
                let (address, guard) = serve(slack::router(workspace)).await.unwrap();
                let base = format!("http://{address}/api");
                let fields = [("bot_token", "xoxb-1"), ("channel", "#ops"), ("base_url", base.as_str())];
                (access(provider, &fields), guard)
            }
            other => panic!("{other} delivers, and nothing here shows it: add its simulator"),
        };
        let (access, _guard) = access;
        let message = Message { text: "the verdict".to_owned(), blocks: Vec::new() };
        let receipt = deliver(provider, &access, &message).await;
        assert!(receipt.as_ref().is_ok_and(|receipt| !receipt.detail.is_empty()), "{receipt:?}");
    }
}
