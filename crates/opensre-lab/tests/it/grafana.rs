//! Grafana: data sources, the proxy, annotations, rules, authentication.

use opensre_lab::SeenAuthorization;
use serde_json::json;

use crate::support::{Asker, NOW, demo, stored_token};

#[tokio::test]
async fn lists_data_sources() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let (status, body) = asker.get("/api/datasources", &[]).await;
    assert_eq!(status, 200);
    let sources = body.as_array().unwrap();
    let seen: Vec<_> = sources
        .iter()
        .map(|source| {
            (source["uid"].as_str().unwrap(), source["type"].as_str().unwrap(), source["isDefault"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("mimir-staging", "prometheus", true),
            ("loki-staging", "loki", false),
            ("loki-ash", "loki", false),
            ("tempo-staging", "tempo", false)
        ]
    );
    for key in
        ["id", "orgId", "name", "typeLogoUrl", "access", "url", "user", "database", "basicAuth", "jsonData", "readOnly"]
    {
        assert!(sources[0].get(key).is_some(), "{key}");
    }
    let (status, body) = asker.get("/api/datasources/uid/tempo-staging", &[]).await;
    assert_eq!((status, &body["name"]), (200, &json!("Tempo staging")));
    let (status, body) = asker.get("/api/datasources/uid/nothing", &[]).await;
    assert_eq!((status, &body["message"]), (404, &json!("Data source not found")));
}

#[tokio::test]
async fn passes_queries_on_to_the_data_source() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let proxy = "/api/datasources/proxy/uid";
    let (status, body) = asker.get(&format!("{proxy}/mimir-staging/api/v1/query"), &[("query", "sum(up)")]).await;
    assert_eq!((status, &body["data"]["result"][0]["value"]), (200, &json!([NOW, "4"])));
    let (status, body) = asker.get(&format!("{proxy}/loki-staging/loki/api/v1/labels"), &[]).await;
    assert_eq!(status, 200);
    assert!(body["data"].as_array().unwrap().contains(&json!("service_name")), "{body}");
    let (status, body) = asker.get(&format!("{proxy}/tempo-staging/api/echo"), &[]).await;
    assert_eq!((status, body), (200, json!("echo")));
    let (status, body) = asker.get(&format!("{proxy}/nothing/api/v1/query"), &[("query", "up")]).await;
    assert_eq!((status, &body["message"]), (404, &json!("Unable to find datasource")));
    // A data source whose server is gone.
    let (status, _) = asker.get(&format!("{proxy}/loki-ash/loki/api/v1/labels"), &[]).await;
    assert_eq!(status, 502);
}

#[tokio::test]
async fn instances_hold_different_data() {
    let lab = demo().await;
    let query = [("query", r#"sum(rate(http_requests_total{service="checkout-api",status="500"}[5m])) > 1"#)];
    let (_, staging) =
        Asker::new(&lab, "grafana/staging").get("/api/datasources/proxy/uid/mimir-staging/api/v1/query", &query).await;
    let (_, prod) =
        Asker::new(&lab, "grafana/prod").get("/api/datasources/proxy/uid/mimir-prod/api/v1/query", &query).await;
    assert_eq!(staging["data"]["result"].as_array().unwrap().len(), 1);
    assert_eq!(prod["data"]["result"], json!([]));
}

#[tokio::test]
async fn refuses_other_peoples_tokens_and_names_them() {
    let lab = demo().await;
    let prod = stored_token(&lab, "grafana/prod").unwrap();
    let invalid = json!({"extra": null, "message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""});
    let missing = json!({"extra": null, "message": "Unauthorized", "messageId": "auth.unauthorized", "statusCode": 401, "traceID": ""});
    for (token, expected) in [(Some(prod.as_str()), &invalid), (Some("glsa_nobody"), &invalid), (None, &missing)] {
        let asker = Asker::new(&lab, "grafana/staging").with_token(token);
        assert_eq!(asker.get("/api/datasources", &[]).await, (401, expected.clone()));
    }
    let (status, health) = Asker::new(&lab, "grafana/staging").with_token(None).get("/api/health", &[]).await;
    assert_eq!((status, &health["database"]), (200, &json!("ok")));
    Asker::new(&lab, "grafana/staging").get("/api/org", &[]).await;

    let seen: Vec<_> =
        lab.requests().into_iter().map(|request| (request.path, request.authorization, request.status)).collect();
    assert_eq!(
        seen,
        [
            ("/api/datasources".to_owned(), SeenAuthorization::Of("grafana/prod".into()), 401),
            ("/api/datasources".to_owned(), SeenAuthorization::Unknown, 401),
            ("/api/datasources".to_owned(), SeenAuthorization::Absent, 401),
            ("/api/health".to_owned(), SeenAuthorization::Absent, 200),
            ("/api/org".to_owned(), SeenAuthorization::Own, 200),
        ]
    );
    lab.clear_requests();
    assert_eq!(lab.requests(), []);
}

#[tokio::test]
async fn finds_annotations_by_time_and_tags() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let texts = async |params: &[(&str, &str)]| -> Vec<String> {
        let (status, body) = asker.get("/api/annotations", params).await;
        assert_eq!(status, 200);
        body.as_array()
            .unwrap()
            .iter()
            .map(|item| item["text"].as_str().unwrap().split(' ').take(3).collect::<Vec<_>>().join(" "))
            .collect()
    };
    let onset = lab.onset().as_millisecond();
    // Newest first.
    assert_eq!(texts(&[]).await, ["Deployed checkout-api 2.14.0", "Deployed search-indexer 1.9.0", "Load test of"]);
    let from = (onset - 10 * 60_000).to_string();
    let to = onset.to_string();
    assert_eq!(texts(&[("from", &from), ("to", &to)]).await, ["Deployed checkout-api 2.14.0"]);
    assert_eq!(texts(&[("tags", "deploy"), ("tags", "search-indexer")]).await, ["Deployed search-indexer 1.9.0"]);
    assert_eq!(texts(&[("tags", "nothing")]).await, Vec::<String>::new());
    // A region is found while it lasts.
    let middle = (onset - 270 * 60_000).to_string();
    assert_eq!(texts(&[("from", &middle), ("to", &middle)]).await, ["Load test of"]);
    let (_, body) = asker.get("/api/annotations", &[("limit", "1")]).await;
    assert_eq!(body[0]["time"], json!(onset - 3 * 60_000));
    assert_eq!(body[0]["tags"], json!(["deploy", "checkout-api", "staging"]));
}

#[tokio::test]
async fn shows_alert_rules_in_both_apis() {
    let lab = demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let (status, rule) = asker.get("/api/v1/provisioning/alert-rules/checkout-5xx", &[]).await;
    assert_eq!((status, &rule["condition"], &rule["for"]), (200, &json!("C"), &json!("2m")));
    assert_eq!(rule["data"][0]["datasourceUid"], "mimir-staging");
    assert_eq!(rule["data"][2]["model"]["conditions"][0]["evaluator"], json!({"params": [0.05], "type": "gt"}));
    let expr = rule["data"][0]["model"]["expr"].as_str().unwrap();
    let (_, result) = asker.get("/api/datasources/proxy/uid/mimir-staging/api/v1/query", &[("query", expr)]).await;
    let ratio: f64 = result["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!(ratio > 0.05, "the rule's own query shows the trouble: {ratio}");
    assert_eq!(asker.get("/api/v1/provisioning/alert-rules/nothing", &[]).await.0, 404);

    let (_, ruler) = asker.get("/api/ruler/grafana/api/v1/rules", &[]).await;
    let group = &ruler["SRE"][0];
    assert_eq!(group["name"], "service-health");
    assert_eq!(group["rules"][0]["grafana_alert"]["uid"], "checkout-5xx");
    assert_eq!(group["rules"].as_array().unwrap().len(), 2);
}
