//! One investigation that asks ten providers of three instances each; every answer takes 200 ms.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opensre_lab::front::{Failing, Front};
use opensre_lab::vendors::{Guard, argocd, coralogix, datadog, github, honeycomb, serve};
use opensre_lab::{Lab, Scenario};
use serde_json::{Map, Value as Json, json};

const LATENCY: Duration = Duration::from_millis(200);
const INSTANCES: [&str; 3] = ["p0", "p1", "p2"];

/// The servers, and what points the program at them.
pub(crate) struct TenByThree {
    pub(crate) store: Json,
    pub(crate) alert: Json,
    _fronts: Vec<Front>,
    _lab: Lab,
    _guards: Vec<Guard>,
}

impl TenByThree {
    pub(crate) async fn start() -> Self {
        let at = |text: &str| text.parse::<Timestamp>().expect("constant");
        let (onset, now) = (at("2024-05-01T12:15:00Z"), at("2024-05-01T12:45:00Z"));
        let scene = include_str!("../../tests/it/compliance/scene.yaml");
        let lab = Lab::start(Scenario::parse(scene).expect("a scenario"), now).await.expect("loopback ports");
        let of_lab = |key: &str| lab.address(&format!("{key}/prod")).expect("an instance of the scene");
        let token = |key: &str| format!("canary-{key}-bearer_token-prod");
        let mut servers: Vec<(&str, SocketAddr, &str, Json)> =
            vec![("grafana", of_lab("grafana"), "endpoint", json!({"api_key": "canary-grafana-api_key-prod"}))];
        for key in ["prometheus", "loki", "tempo", "alertmanager"] {
            servers.push((key, of_lab(key), "base_url", json!({"bearer_token": token(key)})));
        }
        let routers = [
            ("datadog", datadog::Datadog::new("Shop", "k", "k", datadog::checkout(onset)).router(), "base_url"),
            ("honeycomb", honeycomb::Honeycomb::new("Prod", "k", honeycomb::checkout(onset), 0).router(), "base_url"),
            ("coralogix", coralogix::Coralogix::new("k", coralogix::checkout(onset)).router(), "base_url"),
            ("argocd", argocd::ArgoCd::new("sam", "p", "k", argocd::checkout()).router(), "base_url"),
            ("github", Arc::new(github::GitHub::new("k", Some("sam"), github::checkout())).router(""), "api_url"),
        ];
        let mut guards = Vec::new();
        for (key, router, url) in routers {
            let (address, guard) = serve(router).await.expect("a loopback port");
            guards.push(guard);
            let secrets = match key {
                "datadog" => json!({"api_key": "k", "app_key": "k"}),
                "argocd" => json!({"bearer_token": "k"}),
                "github" => json!({"auth_token": "k", "repositories": ["shop/checkout"]}),
                _ => json!({"api_key": "k"}),
            };
            servers.push((key, address, url, secrets));
        }
        let (mut fronts, mut records) = (Vec::new(), Vec::new());
        let mut alert = Map::new();
        for (key, server, url, secrets) in servers {
            let mut instances = Vec::new();
            for name in INSTANCES {
                // On 127.0.0.1 a Grafana is a local one.
                let front = Front::at(Ipv4Addr::new(127, 0, 0, 2), server).await.expect("a loopback port");
                front.fail(Failing::Slow(LATENCY));
                let mut credentials = secrets.clone();
                credentials[url] = json!(format!("http://{}", front.address));
                instances.push(json!({"name": name, "credentials": credentials}));
                fronts.push(front);
            }
            records.push(json!({"id": key, "service": key, "status": "active", "instances": instances}));
            alert.insert(format!("{key}_instance"), json!(INSTANCES.join(",")));
        }
        alert.insert("title".to_owned(), json!("Checkout fails"));
        alert.insert("startsAt".to_owned(), json!(onset.to_string()));
        alert.insert("commonLabels".to_owned(), json!({"alertname": "Checkout fails", "service": "checkout"}));
        let store = json!({"version": 2, "integrations": records});
        Self { store, alert: Json::Object(alert), _fronts: fronts, _lab: lab, _guards: guards }
    }
}

/// Writes the store and the alert.
pub(crate) fn write(world: &TenByThree, store: &Path, alert: &Path) {
    super::write(store, &world.store);
    super::write(alert, &world.alert);
}

/// A store for each provider, with its first instance alone.
pub(crate) fn each_alone(world: &TenByThree, folder: &Path) -> Vec<(String, PathBuf)> {
    let records = world.store["integrations"].as_array().into_iter().flatten();
    records
        .map(|record| {
            let service = record["service"].as_str().unwrap_or_default().to_owned();
            let mut record = record.clone();
            record["instances"] = json!([record["instances"][0]]);
            let path = folder.join(format!("{service}-alone.json"));
            super::write(&path, &json!({"version": 2, "integrations": [record]}));
            (service, path)
        })
        .collect()
}
