//! An alert that a real Prometheus raises and a real Alertmanager sends reaches the right instance, and only it.

use serde_json::{Value as Json, json};

use super::servers::{Exporter, GrafanaProxy, Prometheus, Server, Webhook, alertmanager, wait_for};
use crate::support::World;

const TOKEN: &str = "glsa_real_token_for_the_test";

/// Two environments, each with its own exporter and Prometheus; only staging's service fails.
struct Stage {
    world: World,
    prod: Prometheus,
    staging: Prometheus,
    alert: Json,
    alertmanager: Server,
}

fn stage() -> Stage {
    let world = World::new();
    let webhook = Webhook::start();
    let alertmanager = alertmanager(world.folder(), webhook.address);
    let (healthy, failing) = (Exporter::start(), Exporter::start());
    let prod = Prometheus::start(world.folder(), "prod", healthy.address, Some(alertmanager.address));
    let staging = Prometheus::start(world.folder(), "staging", failing.address, Some(alertmanager.address));
    // A baseline of some seconds, then the fault.
    wait_for(
        || {
            staging
                .value("count_over_time(http_requests_total%7Bstatus%3D%22200%22%7D%5B1m%5D)")
                .is_some_and(|n| n >= 12.0)
        },
        || "staging has scraped nothing".to_owned(),
    );
    failing.fail();
    let alert: Json = serde_json::from_str(&webhook.next()).expect("a webhook of JSON");
    wait_for(
        || staging.value("count_over_time(ALERTS%7Balertstate%3D%22firing%22%7D%5B1m%5D)").is_some_and(|n| n >= 5.0),
        || "the alert did not go on".to_owned(),
    );
    Stage { world, prod, staging, alert, alertmanager }
}

fn choice<'a>(report: &'a Json, service: &str) -> &'a Json {
    report["instances"]
        .as_array()
        .expect("instances")
        .iter()
        .find(|choice| choice["service"] == service)
        .unwrap_or_else(|| panic!("{service} is not among the instances: {report:#}"))
}

#[test]
fn a_real_alert_reaches_the_prometheus_that_raised_it_and_no_other() {
    let stage = stage();
    stage.world.write_store(&json!({"version": 2, "integrations": [
        {"id": "prometheus-1", "service": "prometheus", "status": "active", "instances": [
            {"name": "prod", "tags": {"env": "prod"}, "credentials": {"base_url": format!("http://{}", stage.prod.server.address)}},
            {"name": "staging", "tags": {"env": "staging"}, "credentials": {"base_url": format!("http://{}", stage.staging.server.address)}}
        ]},
        {"id": "alertmanager-1", "service": "alertmanager", "status": "active", "instances": [
            {"name": "default", "credentials": {"base_url": format!("http://{}", stage.alertmanager.address)}}
        ]}
    ]}));
    let alert = stage.world.write("alert.json", &stage.alert.to_string());
    let verified = stage.world.run(["integrations", "verify"]).exits(0);
    assert!(verified.stdout.contains("passed"), "{}", verified.stdout);
    let asked_before = stage.prod.queries().len();

    let report = stage.world.json(["investigate", "-i", alert.to_str().expect("a path"), "--format", "json"]);

    let prometheus = choice(&report, "prometheus");
    assert_eq!(prometheus["instance"], "staging", "{report:#}");
    assert!(prometheus["queries"].as_u64().is_some_and(|queries| queries > 0), "{report:#}");
    assert_eq!(stage.prod.queries().len(), asked_before, "prod was asked: {:?}", stage.prod.queries());
    assert!(stage.staging.queries().iter().any(|query| query.contains("http_requests_total")));
    let evidence = report["evidence"].as_array().expect("evidence");
    assert!(evidence.iter().any(|item| item["service"] == "prometheus" && item["instance"] == "staging"));
    assert_ne!(report["verdict"]["category"], "healthy", "{report:#}");
    assert_eq!(report["alert"]["labels"]["alertname"], "HighErrorRate");
}

#[test]
fn the_same_data_is_found_through_a_grafana_style_proxy_by_hint() {
    let mut stage = stage();
    let folder = stage.world.folder();
    let prod = GrafanaProxy::start(folder, "prod", stage.prod.server.address, TOKEN);
    let staging = GrafanaProxy::start(folder, "staging", stage.staging.server.address, TOKEN);
    let instance = |name: &str, proxy: &GrafanaProxy| {
        json!({"name": name, "tags": {"env": name},
               "credentials": {"endpoint": format!("http://{}", proxy.server.address), "api_key": TOKEN}})
    };
    stage.world.write_store(&json!({"version": 2, "integrations": [
        {"id": "grafana-1", "service": "grafana", "status": "active",
         "instances": [instance("prod", &prod), instance("staging", &staging)]}
    ]}));
    // Both the alert's own labels and its URLs could decide too; the hint is what it names.
    stage.alert["commonAnnotations"]["grafana_instance"] = json!("staging");
    let alert = stage.world.write("alert.json", &stage.alert.to_string());

    let report = stage.world.json(["investigate", "-i", alert.to_str().expect("a path"), "--format", "json"]);

    let grafana = choice(&report, "grafana");
    assert_eq!(grafana["instance"], "staging");
    assert_eq!(grafana["step"], "hint");
    assert_eq!(grafana["path"], "commonAnnotations.grafana_instance");
    assert_eq!(prod.requests(), Vec::<String>::new(), "prod was asked");
    assert!(staging.requests().iter().any(|request| request.contains("/proxy/uid/prom-uid/api/v1/")));
    assert!(stage.staging.queries().iter().any(|query| query.contains("http_requests_total")));
    assert!(!report.to_string().contains(TOKEN));
    stage.world.variable("OPENSRE_ROUTING", "hints");
    let hints_only = stage.world.json(["investigate", "-i", alert.to_str().expect("a path"), "--format", "json"]);
    assert_eq!(choice(&hints_only, "grafana")["instance"], "staging");
}
