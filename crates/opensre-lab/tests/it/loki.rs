//! The Loki API and LogQL.

use opensre_lab::Lab;
use serde_json::{Value, json};

use crate::support::{Asker, NOW, start};

/// One line a minute on stream `a` (a JSON line with a number), two on `b`, none on `c` before the onset.
const SCENARIO: &str = r#"
name: logs
description: counted lines
cause: {category: unknown, sentence: none, instances: []}
onset_ago: 10m
history: 50m
backends:
  main:
    logs:
      - labels: {app: a, level: info}
        lines:
          - {template: '{"msg":"done","nested":{"code":${int:200..200}},"took":"${int:30..30}ms","list":[1]}', per_minute: 6}
      - labels: {app: b, level: warn}
        lines:
          - {template: 'level=warn msg="slow \"query\"" took=1.5s bytes=2KB app=inner', per_minute: 12}
      - labels: {app: c, level: error}
        lines:
          - {template: 'panic: index out of range [5] with length 5', per_minute: {level: 0, changes: [{at: 0s, to: 6}]}}
instances:
  - {service: loki, name: main, backend: main}
alert: {payload: {}}
"#;

async fn lab() -> Lab {
    start(SCENARIO).await
}

const SECOND: i64 = 1_000_000_000;

fn window(minutes: i64) -> [(&'static str, String); 2] {
    [("start", ((NOW - minutes * 60) * SECOND).to_string()), ("end", (NOW * SECOND).to_string())]
}

/// A range query over the last minutes.
async fn query(lab: &Lab, text: &str, minutes: i64, more: &[(&str, &str)]) -> (u16, Value) {
    let window = window(minutes);
    let mut params = vec![("query", text)];
    params.extend(window.iter().map(|(key, value)| (*key, value.as_str())));
    params.extend(more);
    Asker::new(lab, "loki/main").get("/loki/api/v1/query_range", &params).await
}

async fn count(lab: &Lab, text: &str) -> usize {
    let (status, body) = query(lab, text, 10, &[("limit", "5000")]).await;
    assert_eq!(status, 200, "{text}: {body}");
    assert_eq!(body["data"]["resultType"], "streams");
    let streams = body["data"]["result"].as_array().unwrap();
    streams.iter().map(|stream| stream["values"].as_array().unwrap().len()).sum()
}

#[tokio::test]
async fn streams_come_with_labels_and_nanoseconds_newest_first() {
    let lab = lab().await;
    let (status, body) = query(&lab, r#"{app="a"}"#, 5, &[("limit", "3")]).await;
    assert_eq!((status, &body["status"]), (200, &json!("success")));
    let stream = &body["data"]["result"][0];
    assert_eq!(stream["stream"], json!({"app": "a", "level": "info"}));
    let times: Vec<i64> =
        stream["values"].as_array().unwrap().iter().map(|value| value[0].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted_by(|a, b| a >= b));
    assert!(times[0] <= NOW * SECOND && times[2] > (NOW - 60) * SECOND, "the newest ones");
    assert!(body["data"]["stats"]["summary"]["totalLinesProcessed"].as_i64().unwrap() > 3);

    let (_, body) = query(&lab, r#"{app="a"}"#, 5, &[("limit", "3"), ("direction", "forward")]).await;
    let values = body["data"]["result"][0]["values"].as_array().unwrap().clone();
    let times: Vec<i64> = values.iter().map(|value| value[0].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted() && times[2] < (NOW - 240) * SECOND, "the oldest ones");
}

#[tokio::test]
async fn rates_follow_the_profile() {
    let lab = lab().await;
    // Ten minutes at six, twelve and (since the onset) six lines a minute: exact, because whole numbers fall in a slice.
    assert_eq!(count(&lab, r#"{app="a"}"#).await, 60);
    assert_eq!(count(&lab, r#"{app="b"}"#).await, 120);
    assert_eq!(count(&lab, r#"{app="c"}"#).await, 60);
    let (_, body) = query(&lab, r#"{app="c"}"#, 60, &[("limit", "5000")]).await;
    assert_eq!(body["data"]["result"][0]["values"].as_array().unwrap().len(), 60, "none before the onset");
}

#[tokio::test]
async fn matchers_filters_and_parsers() {
    let lab = lab().await;
    let expected = [
        (r#"{app=~"a|b"}"#, 180),
        (r#"{app=~".+", app!="b"}"#, 120),
        (r#"{app=~".+", app!~"a|b"}"#, 60),
        (r#"{app=~"."} |= "panic""#, 60),
        (r#"{app=~"."} |= "panic" or "slow""#, 180),
        (r#"{app=~"."} != "panic""#, 180),
        (r#"{app=~"."} |~ "index out of range .\\d+""#, 60),
        ("{app=~\".\"} |~ `range .\\d+.`", 60),
        (r#"{app=~"."} !~ "panic|slow""#, 60),
        (r#"{app=~"."} | level="error""#, 60),
        (r#"{app=~"."} | level=~"error|warn" | app!="b""#, 60),
        (r#"{app="a"} | json | nested_code = 200"#, 60),
        (r#"{app="a"} | json | nested_code > 200"#, 0),
        (r#"{app="a"} | json | took >= 30ms and took < 0.031"#, 60),
        (r#"{app="a"} | json code="nested.code" | code="200""#, 60),
        (r#"{app="b"} | logfmt | took > 1s, bytes >= 2KB"#, 120),
        (r#"{app="b"} | logfmt | msg="slow \"query\"""#, 120),
        // A parsed label that collides with one of the stream keeps both.
        (r#"{app="b"} | logfmt | app_extracted="inner""#, 120),
        (r#"{app="b"} | json | __error__="JSONParserErr""#, 120),
        (r#"{app="c"} | regexp "length (?P<length>\\d+)" | length=5"#, 60),
        (r#"{app="c"} | (level="error" or level="warn") and app="c""#, 60),
    ];
    for (text, lines) in expected {
        assert_eq!(count(&lab, text).await, lines, "{text}");
    }
    let (_, body) =
        query(&lab, r#"{app="a"} | json | line_format "{{.msg}} {{.took}}" | keep app, took"#, 5, &[("limit", "1")])
            .await;
    assert_eq!(body["data"]["result"][0]["stream"], json!({"app": "a", "took": "30ms"}));
    assert_eq!(body["data"]["result"][0]["values"][0][1], "done 30ms");
}

#[tokio::test]
async fn metric_queries_are_prometheus_like() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "loki/main");
    let value = async |text: &str| -> Value {
        let (status, body) = asker.get("/loki/api/v1/query", &[("query", text)]).await;
        assert_eq!(status, 200, "{text}: {body}");
        assert_eq!(body["data"]["resultType"], "vector");
        body["data"]["result"].clone()
    };
    assert_eq!(value(r#"sum(count_over_time({app="b"}[5m]))"#).await, json!([{"metric": {}, "value": [NOW, "60"]}]));
    assert_eq!(
        value(r#"sum by (level) (rate({app=~"a|b"}[5m]))"#).await,
        json!([{"metric": {"level": "info"}, "value": [NOW, "0.1"]}, {"metric": {"level": "warn"}, "value": [NOW, "0.2"]}])
    );
    assert_eq!(
        value(r#"topk(1, sum by (app) (count_over_time({app=~"."}[5m])))"#).await[0]["metric"],
        json!({"app": "b"})
    );
    assert_eq!(
        value(r#"sum(count_over_time({app=~"."} |= "panic" [5m])) / sum(count_over_time({app=~"."}[5m]))"#).await[0]["value"]
            [1],
        "0.25"
    );
    assert_eq!(value(r#"count_over_time({app="b"}[5m]) > 100"#).await, json!([]));
    assert_eq!(
        value(r#"avg_over_time({app="b"} | logfmt | unwrap took [5m]) by (app)"#).await,
        json!([{"metric": {"app": "b"}, "value": [NOW, "1.5"]}])
    );
    assert_eq!(value(r#"absent_over_time({app="z"}[5m])"#).await[0]["value"][1], "1");
    assert_eq!(value(r#"sum(bytes_over_time({app="c"}[1m]))"#).await[0]["value"][1], (6 * 43).to_string());

    // `c` begins at the onset: a range of steps shows it.
    let (_, body) = query(&lab, r#"sum by (app) (count_over_time({app="c"}[5m]))"#, 20, &[("step", "300")]).await;
    assert_eq!(body["data"]["resultType"], "matrix");
    assert_eq!(body["data"]["result"], json!([{"metric": {"app": "c"}, "values": [[NOW - 300, "30"], [NOW, "30"]]}]));
}

#[tokio::test]
async fn labels_values_series_and_stats() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "loki/main");
    let get = async |path: &str, params: &[(&str, &str)]| asker.get(path, params).await.1;
    assert_eq!(get("/loki/api/v1/labels", &[]).await, json!({"status": "success", "data": ["app", "level"]}));
    assert_eq!(get("/loki/api/v1/label/app/values", &[]).await["data"], json!(["a", "b", "c"]));
    assert_eq!(get("/loki/api/v1/label/app/values", &[("query", "{level=\"warn\"}")]).await["data"], json!(["b"]));
    // Nothing in a window of long ago: the field is left out.
    assert_eq!(get("/loki/api/v1/labels", &[("start", "1000"), ("end", "2000")]).await, json!({"status": "success"}));
    let before = ((NOW - 900) * SECOND).to_string();
    let onset = ((NOW - 700) * SECOND).to_string();
    let window = [("match[]", r#"{app=~".+"}"#), ("start", before.as_str()), ("end", onset.as_str())];
    assert_eq!(
        get("/loki/api/v1/series", &window).await["data"],
        json!([{"app": "a", "level": "info"}, {"app": "b", "level": "warn"}])
    );
    let stats = get("/loki/api/v1/index/stats", &[("query", r#"{app="c"}"#)]).await;
    assert_eq!(stats, json!({"streams": 1, "chunks": 1, "entries": 60, "bytes": 60 * 43}));
}

#[tokio::test]
async fn times_may_be_seconds_nanoseconds_or_rfc3339() {
    let lab = lab().await;
    let asker = Asker::new(&lab, "loki/main");
    for (start, end) in [
        ("1773143940", "1773144000"),
        ("1773143940.0", "1773144000.0"),
        ("1773143940000000000", "1773144000000000000"),
        ("2026-03-10T11:59:00Z", "2026-03-10T12:00:00Z"),
    ] {
        let params = [("query", r#"{app="a"}"#), ("start", start), ("end", end)];
        let (_, body) = asker.get("/loki/api/v1/query_range", &params).await;
        assert_eq!(body["data"]["result"][0]["values"].as_array().unwrap().len(), 6, "{start}");
    }
    let (_, body) = asker.get("/loki/api/v1/query_range", &[("query", r#"{app="a"}"#), ("since", "2m")]).await;
    assert_eq!(body["data"]["result"][0]["values"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn errors_are_plain_text() {
    let lab = lab().await;
    let cases = [
        (r#"{app="a""#, "parse error at line 1, col 9: syntax error: unexpected $end"),
        (
            "{}",
            "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value",
        ),
        (r#"{app=~".*"}"#, "parse error : queries require at least one regexp"),
        (r#"{app!="a"}"#, "parse error : queries require at least one regexp"),
        (r#"{app="a"} | nonsense"#, "parse error at line 1, col 21: syntax error: unexpected $end"),
        (r#"{app="a"} |= "unclosed"#, "parse error at line 1, col 14: literal not terminated"),
        (r#"rate({app="a"})"#, "parse error at line 1, col 15: syntax error: unexpected )"),
        (r#"sum_over_time({app="a"}[5m])"#, "parse error : invalid aggregation sum_over_time without unwrap"),
        (r#"{app=~"("}"#, "parse error at line 1"),
        ("up", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
    ];
    for (text, expected) in cases {
        let (status, body) = query(&lab, text, 5, &[]).await;
        assert_eq!(status, 400, "{text}");
        assert!(body.as_str().unwrap().starts_with(expected), "{text}: {body}");
    }
    let (status, body) = query(&lab, r#"{app="a"}"#, 5, &[("limit", "10000")]).await;
    assert_eq!(
        (status, body),
        (400, json!("max entries limit per query exceeded, limit > max_entries_limit_per_query (10000 > 5000)"))
    );
    let (status, _) = query(&lab, r#"{app="a"}"#, 60 * 24 * 40, &[]).await;
    assert_eq!(status, 400, "more than thirty days");
    let (status, body) = Asker::new(&lab, "loki/main").get("/loki/api/v1/query", &[("query", r#"{app="a"}"#)]).await;
    assert_eq!(status, 400);
    assert!(body.as_str().unwrap().contains("not supported as an instant query"));
}
