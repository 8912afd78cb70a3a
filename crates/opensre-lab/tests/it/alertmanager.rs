//! The Alertmanager API.

use opensre_lab::{Lab, scenario_named};
use serde_json::{Value, json};

use crate::support::{Asker, now};

async fn lab() -> Lab {
    Lab::start(scenario_named("node-disk-pressure").unwrap().load().unwrap(), now()).await.unwrap()
}

fn names(body: &Value) -> Vec<String> {
    body.as_array().unwrap().iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn shows_its_status() {
    let lab = lab().await;
    let (status, body) = Asker::new(&lab, "alertmanager/berlin").get("/api/v2/status", &[]).await;
    assert_eq!((status, &body["cluster"]["status"]), (200, &json!("disabled")));
    for key in ["versionInfo", "config", "uptime"] {
        assert!(body.get(key).is_some(), "{key}");
    }
    let (status, _) =
        Asker::new(&lab, "alertmanager/berlin").with_token(Some("amUlmLabToken")).get("/api/v2/status", &[]).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn lists_and_filters_alerts() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "alertmanager/berlin");
    let get = async |params: &[(&str, &str)]| names(&asker.get("/api/v2/alerts", params).await.1);
    assert_eq!(
        get(&[]).await,
        [
            "NodeFilesystemAlmostOutOfSpace",
            "KubeDeploymentReplicasMismatch",
            "NodeFilesystemSpaceFillingUp",
            "Watchdog"
        ]
    );
    assert_eq!(get(&[("filter", "severity=\"critical\"")]).await, ["NodeFilesystemAlmostOutOfSpace"]);
    assert_eq!(
        get(&[("filter", "node=~worker-.*"), ("filter", "node!=\"worker-3\"")]).await,
        ["NodeFilesystemAlmostOutOfSpace"]
    );
    assert_eq!(
        get(&[("silenced", "false"), ("receiver", "open.*")]).await,
        ["NodeFilesystemAlmostOutOfSpace", "KubeDeploymentReplicasMismatch"]
    );
    assert_eq!(get(&[("active", "false")]).await, ["NodeFilesystemSpaceFillingUp"]);
    let (status, body) = asker.get("/api/v2/alerts", &[("filter", "=x")]).await;
    assert_eq!((status, body), (400, json!("bad matcher format: =x")));
    let (status, _) = asker.get("/api/v2/alerts", &[("active", "perhaps")]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_alert_has_the_documented_fields() {
    let lab = lab().await;
    let (_, body) = Asker::new(&lab, "alertmanager/berlin").get("/api/v2/alerts", &[("filter", "node=worker-3")]).await;
    let alert = &body[0];
    assert_eq!(
        alert["status"],
        json!({"inhibitedBy": [], "silencedBy": ["8d1c3c1e-6c1e-4c8b-9c53-0a1b2c3d4e5f"], "state": "suppressed"})
    );
    assert_eq!(alert["receivers"], json!([{"name": "opensre"}]));
    assert_eq!(alert["startsAt"], "2026-03-10T06:44:00Z");
    assert_eq!(alert["fingerprint"].as_str().unwrap().len(), 16);
    for key in ["annotations", "endsAt", "updatedAt", "generatorURL", "labels"] {
        assert!(alert.get(key).is_some(), "{key}");
    }
}

#[tokio::test]
async fn lists_silences() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "alertmanager/berlin");
    let (_, body) = asker.get("/api/v2/silences", &[]).await;
    assert_eq!(body[0]["status"], json!({"state": "active"}));
    assert_eq!(
        body[0]["matchers"],
        json!([
            {"isEqual": true, "isRegex": false, "name": "alertname", "value": "NodeFilesystemSpaceFillingUp"},
            {"isEqual": true, "isRegex": false, "name": "node", "value": "worker-3"},
        ])
    );
    assert_eq!(asker.get("/api/v2/silences", &[("filter", "node=\"worker-7\"")]).await.1, json!([]));
    assert_eq!(asker.get("/api/v2/silence/8d1c3c1e-6c1e-4c8b-9c53-0a1b2c3d4e5f", &[]).await.0, 200);
    assert_eq!(asker.get("/api/v2/silence/none", &[]).await.0, 404);
}
