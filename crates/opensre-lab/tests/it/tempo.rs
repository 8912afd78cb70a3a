//! The Tempo API and TraceQL.

use opensre_lab::Lab;
use serde_json::{Value, json};

use crate::support::{Asker, NOW, start};

/// Six traces a minute; from the onset on every one fails in its child and takes two seconds more.
const SCENARIO: &str = r#"
name: traces
description: shop and bank
cause: {category: unknown, sentence: none, instances: []}
onset_ago: 10m
history: 20m
backends:
  main:
    labels: {deployment.environment: test}
    traces:
      - per_minute: 6
        root:
          service: shop
          name: POST /buy
          kind: server
          seconds: 0.01
          attributes: {http.route: /buy, http.response.status_code: 200, cached: false}
          resource: {service.version: "1.2"}
          failure: {message: bank failed, attributes: {http.response.status_code: 502}}
          children:
            - service: bank
              name: charge
              kind: client
              seconds: {level: 0.1, changes: [{at: 0s, to: 2.1}]}
              attributes: {server.address: bank.example}
              failure:
                ratio: {level: 0, changes: [{at: 0s, to: 1}]}
                message: timeout
                exception: {type: TimeoutError, message: no answer, stacktrace: at charge}
            - {service: shop, name: store, seconds: 0.005}
instances:
  - {service: tempo, name: main, backend: main}
alert: {payload: {}}
"#;

async fn lab() -> Lab {
    start(SCENARIO).await
}

async fn search(lab: &Lab, query: &str, more: &[(&str, &str)]) -> Vec<Value> {
    let mut params = vec![("q", query)];
    params.extend(more);
    let (status, body) = Asker::new(lab, "tempo/main").get("/api/search", &params).await;
    assert_eq!(status, 200, "{query}: {body}");
    body["traces"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_search_result_has_the_documented_shape() {
    let lab = lab().await;
    let found = search(&lab, "{ status = error && kind = client }", &[("limit", "2")]).await;
    assert_eq!(found.len(), 2);
    let trace = &found[0];
    assert_eq!((&trace["rootServiceName"], &trace["rootTraceName"]), (&json!("shop"), &json!("POST /buy")));
    // Own halves and two children: 10 + 2100 + 5 ms.
    assert_eq!(trace["durationMs"], 2115);
    let start: i64 = trace["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
    assert!(start > (NOW - 60) * 1_000_000_000, "newest first");
    let set = &trace["spanSets"][0];
    assert_eq!(set["matched"], 1);
    let span = &set["spans"][0];
    assert_eq!(span["durationNanos"], "2100000000");
    assert_eq!(span["spanID"].as_str().unwrap().len(), 16);
    assert_eq!(
        span["attributes"],
        json!([{"key": "kind", "value": {"stringValue": "client"}}, {"key": "status", "value": {"stringValue": "error"}}])
    );
    // spss limits the spans, not the count.
    let all = search(&lab, "{}", &[("limit", "1"), ("spss", "2")]).await;
    assert_eq!((all[0]["spanSet"]["spans"].as_array().unwrap().len(), &all[0]["spanSet"]["matched"]), (2, &json!(3)));
}

#[tokio::test]
async fn traceql_selects() {
    let lab = lab().await;
    // Twenty minutes before the onset and ten after, at six a minute.
    let failing = search(&lab, "{ status = error }", &[("limit", "500")]).await.len();
    let fine = search(&lab, "{ name = \"charge\" && status != error }", &[("limit", "500")]).await.len();
    assert!((55..=60).contains(&failing) && (118..=120).contains(&fine), "{failing} {fine}");
    let all = failing + fine;
    let expected = [
        ("{ resource.service.name = \"bank\" }", all),
        ("{ .service.name = \"bank\" && duration > 1s }", failing),
        ("{ duration > 2.05s && duration < 2200ms }", failing),
        ("{ traceDuration > 1s }", failing),
        ("{ span.http.response.status_code = 502 }", failing),
        ("{ span.http.response.status_code >= 200 && span.http.response.status_code < 300 }", fine),
        ("{ span.http.route =~ \"/b.*\" }", all),
        ("{ span.http.route !~ \"/b.*\" }", 0),
        ("{ resource.deployment.environment = \"test\" && rootServiceName = \"shop\" }", all),
        ("{ span.cached = false }", all),
        ("{ span.cached }", 0),
        ("{ span.server.address != nil && statusMessage = \"timeout\" }", failing),
        ("{ name = \"store\" || name = \"nothing\" }", all),
        ("{ (name = \"store\" || name = \"charge\") && status = error }", failing),
        ("{ name = \"store\" } && { status = error }", failing),
        ("{ name = \"nothing\" } || { kind = server && status = error }", failing),
        ("{ } | count() > 2", all),
        ("{ kind = internal } | count() > 1", 0),
        ("{ !(status = error) && name = \"charge\" }", fine),
    ];
    for (query, count) in expected {
        assert_eq!(search(&lab, query, &[("limit", "500")]).await.len(), count, "{query}");
    }
    let found = search(&lab, "{ status = error } | select(span.server.address)", &[("limit", "1")]).await;
    let spans = found[0]["spanSet"]["spans"].as_array().unwrap();
    let selected = spans
        .iter()
        .flat_map(|span| span["attributes"].as_array().unwrap())
        .any(|attribute| attribute["key"] == "server.address");
    assert!(selected);
}

#[tokio::test]
async fn windows_and_tags_limit_a_search() {
    let lab = lab().await;
    let (start, end) = ((NOW - 900).to_string(), (NOW - 720).to_string());
    let window = [("limit", "500"), ("start", start.as_str()), ("end", end.as_str())];
    let found = search(&lab, "{}", &window).await.len();
    assert!((17..=19).contains(&found), "three minutes: {found}");
    assert_eq!(search(&lab, "{ status = error }", &window).await, Vec::<Value>::new());
    let asker = Asker::new(&lab, "tempo/main");
    let (_, body) =
        asker.get("/api/search", &[("tags", "service.name=bank"), ("minDuration", "1s"), ("limit", "3")]).await;
    let traces = body["traces"].as_array().unwrap();
    assert_eq!(traces.len(), 3);
    assert!(traces[0].get("spanSets").is_none(), "a search by tags shows no spans");
    assert_eq!(
        asker.get("/api/search", &[("q", "{}")]).await.1["traces"].as_array().unwrap().len(),
        20,
        "the default limit"
    );
}

#[tokio::test]
async fn a_trace_comes_as_otlp_in_both_versions() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "tempo/main");
    let id = search(&lab, "{ status = error }", &[("limit", "1")]).await[0]["traceID"].as_str().unwrap().to_owned();
    let (status, one) = asker.get(&format!("/api/traces/{id}"), &[]).await;
    let (_, two) = asker.get(&format!("/api/v2/traces/{id}"), &[]).await;
    assert_eq!(status, 200);
    assert_eq!(one["batches"], two["trace"]["resourceSpans"]);
    let batches = one["batches"].as_array().unwrap();
    let service = |batch: &Value| {
        let attributes = batch["resource"]["attributes"].as_array().unwrap();
        let name = attributes.iter().find(|attribute| attribute["key"] == "service.name").unwrap();
        name["value"]["stringValue"].as_str().unwrap().to_owned()
    };
    assert_eq!(batches.iter().map(service).collect::<Vec<_>>(), ["shop", "bank", "shop"], "one for each resource");
    let root = &batches[0]["scopeSpans"][0]["spans"][0];
    let charge = &batches[1]["scopeSpans"][0]["spans"][0];
    assert_eq!((&root["kind"], &charge["kind"]), (&json!("SPAN_KIND_SERVER"), &json!("SPAN_KIND_CLIENT")));
    assert_eq!(charge["parentSpanId"], root["spanId"]);
    assert_eq!(root["traceId"].as_str().unwrap().len(), 24, "sixteen bytes in base64");
    assert_eq!(root["status"], json!({"code": "STATUS_CODE_ERROR", "message": "bank failed"}));
    assert!(
        root["attributes"]
            .as_array()
            .unwrap()
            .contains(&json!({"key": "http.response.status_code", "value": {"intValue": "502"}}))
    );
    assert!(root["attributes"].as_array().unwrap().contains(&json!({"key": "cached", "value": {"boolValue": false}})));
    assert!(root.get("events").is_none(), "the exception was thrown in the child");
    assert_eq!(charge["events"][0]["name"], "exception");
    assert_eq!(
        charge["events"][0]["attributes"][2],
        json!({"key": "exception.type", "value": {"stringValue": "TimeoutError"}})
    );

    assert_eq!(asker.get("/api/traces/0123456789abcdef", &[]).await, (404, json!("")));
    assert_eq!(asker.get("/api/v2/traces/0123456789abcdef", &[]).await.1["trace"], json!({}));
    assert_eq!(asker.get("/api/traces/not-hex", &[]).await.0, 400);
}

#[tokio::test]
async fn tags_and_their_values() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "tempo/main");
    let get = async |path: &str, params: &[(&str, &str)]| asker.get(path, params).await.1;
    assert_eq!(
        get("/api/search/tags", &[("scope", "span")]).await["tagNames"],
        json!(["cached", "http.response.status_code", "http.route", "server.address"])
    );
    let scopes = get("/api/v2/search/tags", &[]).await["scopes"].clone();
    assert_eq!(
        scopes[0],
        json!({"name": "resource", "tags": ["deployment.environment", "service.name", "service.version"]})
    );
    assert_eq!((&scopes[1]["name"], &scopes[2]["name"]), (&json!("span"), &json!("intrinsic")));
    assert_eq!(get("/api/search/tag/service.name/values", &[]).await["tagValues"], json!(["bank", "shop"]));
    assert_eq!(
        get("/api/v2/search/tag/resource.service.name/values", &[("q", "{ span.server.address != nil }")]).await["tagValues"],
        json!([{"type": "string", "value": "bank"}])
    );
    assert_eq!(get("/api/v2/search/tag/status/values", &[]).await["tagValues"][0]["type"], "keyword");
    assert_eq!(
        get("/api/v2/search/tag/span.http.response.status_code/values", &[]).await["tagValues"],
        json!([{"type": "int", "value": "200"}, {"type": "int", "value": "502"}])
    );
    assert_eq!(asker.get("/api/v2/search/tag/service.name/values", &[]).await.0, 400, "version 2 wants a scope");
}

#[tokio::test]
async fn refuses_what_tempo_refuses() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "tempo/main");
    for query in [
        "{",
        "{ status = \"error\" }",
        "{ duration > \"1s\" }",
        "{ service.name = \"x\" }",
        "{ .a = }",
        "{ } extra",
        "{ .a =~ \"(\" }",
        "{ .a = \"open }",
        "status = error",
        "{ } | rate()",
    ] {
        let (status, body) = asker.get("/api/search", &[("q", query)]).await;
        assert_eq!(status, 400, "{query}: {body}");
        assert!(body.as_str().unwrap().starts_with("invalid TraceQL query: parse error at line 1, col "), "{body}");
    }
    for params in [
        [("start", "10"), ("end", "5")],
        [("start", "x"), ("end", "5")],
        [("limit", "0"), ("q", "{}")],
        [("limit", "-1"), ("q", "{}")],
    ] {
        assert_eq!(asker.get("/api/search", &params).await.0, 400, "{params:?}");
    }
    assert_eq!(asker.get("/api/search", &[("start", "5")]).await.0, 400);
    assert_eq!(asker.get("/api/echo", &[]).await, (200, json!("echo")));
}
