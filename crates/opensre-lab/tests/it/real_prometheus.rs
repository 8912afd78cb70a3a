//! The evaluator against the real Prometheus: the demo's data is loaded into it, and both are asked the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{NOW, start};

/// Everything the evaluator has, on the kind of data it is used with.
const QUERIES: [&str; 62] = [
    "up",
    "sum by (service, status) (rate(http_requests_total[5m]))",
    r#"sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))"#,
    r#"sum by (service) (rate(http_requests_total{status=~"5.."}[2m])) / on(service) group_left sum by (service) (rate(http_requests_total[2m]))"#,
    r#"http_requests_total{pod!~".*k2x4v",service!="storefront"}"#,
    "rate(http_requests_total[1m])",
    "rate(http_requests_total[37s])",
    "irate(http_requests_total[5m])",
    "increase(http_requests_total[7m30s])",
    "increase(restarts_total[10m])",
    "rate(restarts_total[10m])",
    "resets(restarts_total[1h])",
    "changes(restarts_total[1h])",
    "delta(process_resident_memory_bytes[10m])",
    "idelta(process_resident_memory_bytes[10m])",
    "deriv(process_resident_memory_bytes[10m])",
    "predict_linear(process_resident_memory_bytes[10m], 3600)",
    "avg_over_time(process_resident_memory_bytes[10m])",
    "min_over_time(process_resident_memory_bytes[10m])",
    "max_over_time(process_resident_memory_bytes[10m])",
    "sum_over_time(up[10m])",
    "count_over_time(up[10m])",
    "last_over_time(up[10m])",
    "present_over_time(up[10m])",
    "stddev_over_time(process_resident_memory_bytes[10m])",
    "stdvar_over_time(nodejs_eventloop_lag_seconds[10m])",
    "quantile_over_time(0.9, nodejs_eventloop_lag_seconds[10m])",
    r#"absent_over_time(nothing{a="b"}[5m])"#,
    "max_over_time(sum by (service) (rate(http_requests_total[1m]))[10m:30s])",
    "rate(http_requests_total[5m] offset 10m)",
    "process_resident_memory_bytes offset 30m",
    "process_resident_memory_bytes @ 1773143000",
    "histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_seconds_bucket[5m])))",
    "histogram_quantile(0.5, rate(http_request_duration_seconds_bucket[5m]))",
    "histogram_quantile(0.999, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])",
    "topk(3, rate(http_requests_total[5m]))",
    "bottomk(2, process_resident_memory_bytes)",
    "quantile(0.9, process_resident_memory_bytes)",
    "quantile by (job) (0.3, process_resident_memory_bytes)",
    "avg without (pod) (process_resident_memory_bytes)",
    "min by (namespace) (process_resident_memory_bytes)",
    "stddev(process_resident_memory_bytes)",
    "stdvar by (job) (nodejs_eventloop_lag_seconds)",
    "group by (job) (up)",
    "count by (namespace) (kube_deployment_status_replicas_available)",
    r#"count_values("replicas", kube_deployment_status_replicas_available)"#,
    "process_resident_memory_bytes > 200 * 1024 * 1024",
    "process_resident_memory_bytes > bool 2e8",
    "1e8 < process_resident_memory_bytes",
    "process_resident_memory_bytes / ignoring(service, job, container) group_left(container) container_memory_working_set_bytes",
    r#"process_resident_memory_bytes and on(pod) rate(http_requests_total{status="500"}[5m]) > 1"#,
    "process_resident_memory_bytes unless on(pod) container_memory_working_set_bytes",
    r#"up{job="search-api"} or kube_deployment_status_replicas_available"#,
    r#"absent(up{job="nothing",instance=~".+"})"#,
    "clamp(nodejs_eventloop_lag_seconds, 0.003, 0.005)",
    "round(process_resident_memory_bytes / 1024, 0.5)",
    "abs(ceil(nodejs_eventloop_lag_seconds * -1000)) + floor(nodejs_eventloop_lag_seconds * 1000) % 3",
    "scalar(sum(up)) + time() - vector(3)",
    "sgn(nodejs_eventloop_lag_seconds - 0.004) * sqrt(nodejs_eventloop_lag_seconds) ^ 2",
    r#"label_replace(up, "host", "$1", "instance", "(.*):.*")"#,
    r#"label_join(up, "where", "-", "job", "env", "cluster") * 2 == bool 2"#,
];

struct Prometheus {
    process: Child,
    url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn get(url: &str, params: &[(&str, &str)]) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).query(params).send().await.unwrap().json().await.unwrap()
}

/// Series as sample lines of the OpenMetrics text format, one family after the other.
fn open_metrics(series: &Value) -> String {
    let mut families: BTreeMap<&str, String> = BTreeMap::new();
    for row in series.as_array().unwrap() {
        let metric = row["metric"].as_object().unwrap();
        let labels: Vec<String> = metric
            .iter()
            .filter(|(name, _)| *name != "__name__")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let name = metric["__name__"].as_str().unwrap();
        let lines = families.entry(name).or_default();
        for sample in row["values"].as_array().unwrap() {
            writeln!(lines, "{name}{{{}}} {} {}", labels.join(","), sample[1].as_str().unwrap(), sample[0]).unwrap();
        }
    }
    families.into_values().chain(["# EOF\n".to_owned()]).collect()
}

fn load(folder: &Path, text: &str) -> Prometheus {
    let input = folder.join("samples.txt");
    std::fs::write(&input, text).unwrap();
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(&input)
        .arg(folder.join("data"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg("--storage.tsdb.retention.time=100y")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Prometheus { process, url: format!("http://127.0.0.1:{port}") }
}

/// Rows by labels; numbers as numbers.
fn rows(body: &Value) -> BTreeMap<String, Vec<(f64, f64)>> {
    let number = |text: &str| match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        other => other.parse().unwrap(),
    };
    let rows = body["data"]["result"].as_array().unwrap_or_else(|| panic!("{body}"));
    rows.iter()
        .map(|row| {
            let metric: BTreeMap<String, Value> = serde_json::from_value(row["metric"].clone()).unwrap();
            let values = row["values"].as_array().unwrap().iter();
            let samples =
                values.map(|sample| (sample[0].as_f64().unwrap(), number(sample[1].as_str().unwrap()))).collect();
            (format!("{metric:?}"), samples)
        })
        .collect()
}

fn same(left: f64, right: f64) -> bool {
    let tolerance = 1e-9 * left.abs().max(right.abs()).max(1e-6);
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan()) || (left - right).abs() <= tolerance
}

#[tokio::test]
async fn both_answer_the_same() {
    // The demo, with a counter that restarts and without the series that end: backfilling knows no staleness marker.
    let demo = opensre_lab::scenario_named("staging-bad-deploy").unwrap().text;
    let lab = start(&demo.replace("            until: -3m\n", "").replace(
        "      - name: nodejs_eventloop_lag_seconds",
        "      - name: restarts_total\n        type: counter\n        series: [{labels: {job: batch}, rate: {level: 3, noise: 0.2}, resets: [-20m, 2m]}]\n      - name: nodejs_eventloop_lag_seconds",
    ))
    .await;
    let token = crate::support::stored_token(&lab, "grafana/staging").unwrap();
    let base = format!("{}/api/datasources/proxy/uid/mimir-staging", lab.url("grafana/staging").unwrap());
    let ours = async |path: &str, params: &[(&str, &str)]| -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client
            .get(format!("{base}{path}"))
            .bearer_auth(&token)
            .query(params)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let all = ours("/api/v1/query", &[("query", r#"{__name__=~".+"}[7h]"#)]).await;
    let folder = tempfile::tempdir().unwrap();
    let real = load(folder.path(), &open_metrics(&all["data"]["result"]));
    for _ in 0..100 {
        if reqwest::get(format!("{}/-/ready", real.url)).await.is_ok_and(|answer| answer.status().is_success()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (start, end) = ((NOW - 1800).to_string(), NOW.to_string());
    let mut different = Vec::new();
    let mut samples = 0;
    for query in QUERIES {
        let params = [("query", query), ("start", start.as_str()), ("end", end.as_str()), ("step", "37")];
        let theirs = rows(&get(&format!("{}/api/v1/query_range", real.url), &params).await);
        let ours = rows(&ours("/api/v1/query_range", &params).await);
        assert!(!theirs.is_empty(), "{query} finds nothing and so compares nothing");
        if theirs.keys().ne(ours.keys()) {
            different.push(format!("{query}: labels {:?} and {:?}", theirs.keys(), ours.keys()));
            continue;
        }
        for (labels, expected) in &theirs {
            let found = &ours[labels];
            samples += expected.len();
            let differs = expected.len() != found.len()
                || expected.iter().zip(found).any(|(a, b)| a.0.to_bits() != b.0.to_bits() || !same(a.1, b.1));
            if differs {
                let pair = expected.iter().zip(found).find(|(a, b)| !same(a.1, b.1));
                different.push(format!(
                    "{query} {labels}: {} and {} samples, first difference {pair:?}",
                    expected.len(),
                    found.len()
                ));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(samples > 5000, "only {samples} samples were compared");
}
