//! The alert and the store document of a running lab.

use opensre_lab::{Lab, scenario_named};
use serde_json::{Value, json};

use crate::support::{demo, now, start};

async fn lab(name: &str) -> Lab {
    Lab::start(scenario_named(name).unwrap().load().unwrap(), now()).await.unwrap()
}

#[tokio::test]
async fn a_grafana_webhook_is_complete() {
    let lab = demo().await;
    let alert = lab.alert();
    let url = lab.url("grafana/staging").unwrap();
    // The onset is 11:48; the alert began five minutes later.
    assert_eq!(lab.onset().to_string(), "2026-03-10T11:48:00Z");
    let keys: Vec<&String> = alert.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "receiver",
            "status",
            "alerts",
            "groupLabels",
            "commonLabels",
            "commonAnnotations",
            "externalURL",
            "groupKey",
            "truncatedAlerts",
            "version",
            "orgId",
            "title",
            "state",
            "message"
        ]
    );
    assert_eq!(
        (&alert["status"], &alert["state"], &alert["version"]),
        (&json!("firing"), &json!("alerting"), &json!("1"))
    );
    assert_eq!(alert["externalURL"], format!("{url}/"));
    assert_eq!(alert["commonAnnotations"]["grafana_instance"], "staging");
    assert_eq!(alert["title"], "[FIRING:1] Checkout error ratio high ");
    let one = &alert["alerts"][0];
    assert_eq!((&one["startsAt"], &one["endsAt"]), (&json!("2026-03-10T11:53:00Z"), &json!("0001-01-01T00:00:00Z")));
    assert_eq!(one["generatorURL"], format!("{url}/alerting/grafana/checkout-5xx/view?orgId=1"));
    assert_eq!(one["panelURL"], format!("{url}/d/shop-checkout?orgId=1&viewPanel=4"));
    assert!(one["silenceURL"].as_str().unwrap().contains("&matcher=alertname%3DCheckout+error+ratio+high"));
    assert_eq!(one["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(one["values"], json!({"A": 0.121, "B": 0.121, "C": 1.0}));
}

#[tokio::test]
async fn an_alertmanager_webhook_is_version_4() {
    let lab = lab("node-disk-pressure").await;
    let alert = lab.alert();
    assert_eq!((&alert["version"], &alert["status"]), (&json!("4"), &json!("firing")));
    assert_eq!(alert["externalURL"], lab.url("alertmanager/berlin").unwrap());
    assert_eq!(alert["groupKey"], "{}:{alertname=\"NodeFilesystemAlmostOutOfSpace\"}");
    let generator = alert["alerts"][0]["generatorURL"].as_str().unwrap();
    assert!(
        generator.starts_with(&format!("{}/graph?g0.expr=node_filesystem", lab.url("prometheus/berlin").unwrap())),
        "{generator}"
    );
}

#[tokio::test]
async fn a_resolved_notification_has_an_end() {
    let alert = lab("resolved-flap").await.alert();
    assert_eq!((&alert["status"], &alert["state"]), (&json!("resolved"), &json!("ok")));
    assert_eq!(alert["alerts"][0]["endsAt"], "2026-03-10T11:27:00Z");
}

#[tokio::test]
async fn a_free_payload_gets_its_times_and_urls() {
    let lab = start(
        r#"{name: free, description: d, cause: {category: unknown, sentence: s, instances: []}, onset_ago: 10m, instances: [{service: alertmanager, name: one}],
            alert: {payload: {at: "${time:-2m}", ms: "${epoch_ms:1m}", s: ["${epoch_s:0}"], link: "see ${url:alertmanager/one}/x ${other:y}", n: 4}}}"#,
    )
    .await;
    let url = lab.url("alertmanager/one").unwrap();
    assert_eq!(
        lab.alert(),
        json!({"at": "2026-03-10T11:48:00Z", "ms": 1_773_143_460_000_i64, "s": [1_773_143_400], "link": format!("see {url}/x ${{other:y}}"), "n": 4})
    );
}

#[tokio::test]
async fn the_store_holds_every_instance_as_users_write_them() {
    let lab = demo().await;
    let (prod, staging) = (lab.url("grafana/prod").unwrap(), lab.url("grafana/staging").unwrap());
    assert!(staging.starts_with("http://127.0.0.2:"), "not a local Grafana: {staging}");
    assert_eq!(
        lab.store_document(),
        json!({
            "version": 2,
            "integrations": [{
                "id": "grafana-lab",
                "service": "grafana",
                "status": "active",
                "instances": [
                    {"name": "prod", "tags": {"env": "prod", "region": "eu-central-1"}, "credentials": {"endpoint": prod, "api_key": "glsa_prodLab0000000000000000000000_1a2b3c4d"}},
                    {"name": "staging", "tags": {"env": "staging", "region": "eu-central-1"}, "credentials": {"endpoint": staging, "api_key": "glsa_stagingLab000000000000000000_5e6f7a8b"}},
                ],
            }],
        })
    );
}

#[tokio::test]
async fn services_have_their_own_field_names() {
    let lab = lab("node-disk-pressure").await;
    let document = lab.store_document();
    let services: Vec<&str> =
        document["integrations"].as_array().unwrap().iter().map(|record| record["service"].as_str().unwrap()).collect();
    assert_eq!(services, ["alertmanager", "prometheus", "loki"]);
    let credentials = |record: usize| -> Vec<&String> {
        let credentials: &Value = &document["integrations"][record]["instances"][1]["credentials"];
        credentials.as_object().unwrap().keys().collect()
    };
    assert_eq!(credentials(0), ["base_url", "bearer_token"]);
    assert_eq!(credentials(1), ["base_url", "username", "password"]);
    assert_eq!(credentials(2), ["base_url"]);
}

#[tokio::test]
async fn a_local_grafana_listens_where_local_ones_do() {
    let lab = lab("missing-env-config").await;
    assert!(lab.url("grafana/dev").unwrap().starts_with("http://127.0.0.1:"));
    let document = lab.store_document();
    assert_eq!(document["integrations"][0]["instances"][1]["credentials"]["api_key"], "");
}
