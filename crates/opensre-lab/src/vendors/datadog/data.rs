//! What an organisation holds, and a canned incident.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What an organisation holds, in the form in which the API answers it.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Logs.
    pub logs: Vec<Value>,
    /// Spans.
    pub spans: Vec<Value>,
    /// Events.
    pub events: Vec<Value>,
    /// Monitors.
    pub monitors: Vec<Value>,
    /// Metrics.
    pub metrics: Vec<Metric>,
}

/// One series of a metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Name of the unit (`byte`), if it has one.
    pub unit: Option<&'static str>,
    /// Seconds since 1970 and values.
    pub points: Vec<(i64, f64)>,
}

impl Metric {
    /// The series as "Query timeseries points" answers it.
    pub(super) fn series(&self, from: i64, to: i64, query: &str) -> Value {
        let points: Vec<Value> = self
            .points
            .iter()
            .filter(|(time, _)| (from..=to).contains(time))
            .map(|(time, value)| json!([(time * 1000) as f64, value]))
            .collect();
        let unit =
            self.unit.map(|name| json!([{"family": "x", "name": name, "plural": name, "scale_factor": 1.0}, null]));
        json!({
            "metric": self.name, "display_name": self.name, "expression": query, "scope": self.tags.join(","),
            "tag_set": self.tags, "unit": unit, "interval": 60, "length": points.len(), "pointlist": points,
            "start": from * 1000, "end": to * 1000, "aggr": "avg", "query_index": 0, "attributes": {},
        })
    }
}

/// A deployment of `checkout-api` (env `prod`) four minutes before the onset, after which its connections to
/// `payments-db` are refused; monitor 4711 watches its errors. `search` is there too and has nothing to do with it.
pub fn checkout(onset: Timestamp) -> Data {
    let at = |seconds: i64| onset + SignedDuration::from_secs(seconds);
    let mut data = Data::default();
    for (number, seconds) in (-6000..1800).step_by(30).enumerate() {
        for service in ["checkout-api", "search"] {
            data.logs.push(log(at(seconds), service, "info", &format!("GET /cart/{number} answered 200"), None));
        }
        if seconds % 600 == 0 {
            data.logs.push(log(at(seconds), "checkout-api", "warn", "cache of prices is cold", None));
        }
    }
    for seconds in (0..1800).step_by(10) {
        let trace = format!("{:032x}", 0xabc0_0000 + seconds);
        let message = "connection to payments-db:5432 refused: too many clients already";
        data.logs.push(log(at(seconds), "checkout-api", "error", message, Some(&trace)));
    }
    for seconds in (-6000..1800).step_by(60) {
        let trace = format!("{:032x}", if seconds < 0 { 0xdef0_0000 - seconds } else { 0xabc0_0000 + seconds });
        let failed = seconds >= 0;
        let duration = if failed { 2_000_000_000_i64 } else { 40_000_000 + (seconds % 7) * 1_000_000 };
        data.spans.push(span(at(seconds), &trace, ["a1", "0"], "checkout-api", "POST /checkout", duration, failed));
        data.spans.push(span(
            at(seconds),
            &trace,
            ["b2", "a1"],
            "payments-db",
            "postgres.connect",
            duration / 2,
            failed,
        ));
    }
    data.events = vec![
        event(at(-240), "Deployed checkout-api 2.14.0", "by the pipeline", &["service:checkout-api", "env:prod"]),
        event(at(-3000), "Deployed search 1.0.1", "by the pipeline", &["service:search", "env:prod"]),
    ];
    data.events.push(json!({"id": "alert", "type": "event", "attributes": {
        "timestamp": at(120).to_string(), "message": "%%%\nerrors\n%%%", "tags": ["service:checkout-api", "env:prod", "monitor"],
        "attributes": {"title": "[Triggered] Checkout errors", "service": "checkout-api", "monitor": {"id": 4711},
                       "evt": {"type": "monitor_alert"}, "timestamp": at(120).as_millisecond()}}}));
    data.monitors = vec![
        monitor(
            4711,
            "Checkout errors",
            "query alert",
            "Alert",
            at(120),
            "sum(last_5m):sum:trace.http.request.errors{env:prod,service:checkout-api}.as_count() > 25",
        ),
        monitor(
            4712,
            "Checkout error logs",
            "log alert",
            "Alert",
            at(60),
            "logs(\"service:checkout-api status:error\").index(\"*\").rollup(\"count\").last(\"5m\") > 10",
        ),
        monitor(
            4713,
            "Checkout is up",
            "service check",
            "OK",
            at(-90_000),
            "\"http.can_connect\".over(\"service:checkout-api\").last(3).count_by_status()",
        ),
        monitor(4714, "Search latency", "query alert", "OK", at(-90_000), "avg(last_5m):avg:search.latency{*} > 2"),
    ];
    let series = |name: &str, unit, before: f64, since: f64| Metric {
        name: name.to_owned(),
        tags: vec!["env:prod".to_owned(), "service:checkout-api".to_owned()],
        unit,
        points: (-6000..1800)
            .step_by(60)
            .map(|seconds| {
                let wave = 1.0 + ((seconds / 60) % 5) as f64 / 100.0;
                (at(seconds).as_second(), wave * if seconds < 0 { before } else { since })
            })
            .collect(),
    };
    data.metrics = vec![
        series("trace.http.request.errors", None, 0.2, 40.0),
        series("trace.http.request.hits", None, 100.0, 98.0),
        series("trace.http.request", Some("second"), 0.04, 2.0),
        series("container.memory.usage", Some("byte"), 2e8, 2e8),
        series("checkout.carts.open", None, 12.0, 12.0),
    ];
    data
}

fn log(time: Timestamp, service: &str, status: &str, message: &str, trace: Option<&str>) -> Value {
    let mut attributes = json!({"logger": {"name": "app"}, "duration": 12});
    if let Some(trace) = trace {
        attributes["trace_id"] = Value::from(trace);
    }
    json!({"id": format!("{service}-{time}-{status}"), "type": "log", "attributes": {
        "timestamp": time.to_string(), "service": service, "status": status, "host": "ip-10-0-3-17", "message": message,
        "tags": ["env:prod", format!("service:{service}"), "version:2.14.0", "pod_name:x-1"], "attributes": attributes}})
}

fn span(
    time: Timestamp,
    trace: &str,
    [id, parent]: [&str; 2],
    service: &str,
    name: &str,
    nanoseconds: i64,
    failed: bool,
) -> Value {
    let mut custom =
        json!({"duration": nanoseconds, "span": {"kind": if parent == "0" { "server" } else { "client" }}});
    if failed {
        custom["error"] =
            json!({"type": "ConnectionRefused", "message": "too many clients already", "stack": "at main"});
    }
    let end = time + SignedDuration::from_nanos(nanoseconds);
    json!({"id": format!("{trace}-{id}"), "type": "spans", "attributes": {
        "trace_id": trace, "span_id": id, "parent_id": parent, "service": service, "env": "prod", "resource_name": name,
        "start_timestamp": time.to_string(), "end_timestamp": end.to_string(), "status": if failed { "error" } else { "ok" },
        "type": "web", "host": "ip-10-0-3-17", "single_span": false, "tags": ["env:prod"], "attributes": {}, "custom": custom}})
}

fn event(time: Timestamp, title: &str, text: &str, tags: &[&str]) -> Value {
    json!({"id": title, "type": "event", "attributes": {
        "timestamp": time.to_string(), "message": text, "tags": tags,
        "attributes": {"title": title, "source_type_name": "github", "evt": {"source_id": 36}, "timestamp": time.as_millisecond()}}})
}

fn monitor(id: u64, name: &str, kind: &str, state: &str, changed: Timestamp, query: &str) -> Value {
    let critical = query.rsplit(" > ").next().and_then(|text| text.parse::<f64>().ok());
    json!({
        "id": id, "name": name, "type": kind, "query": query, "message": "Page @pagerduty", "priority": 2,
        "tags": [format!("service:{}", if name.starts_with("Search") { "search" } else { "checkout-api" }), "team:shop"],
        "overall_state": state, "overall_state_modified": changed.to_string(), "created": "2024-01-01T00:00:00Z",
        "modified": "2024-01-01T00:00:00Z", "deleted": null, "multi": false,
        "options": {"thresholds": {"critical": critical}, "notify_no_data": false},
        "creator": {"name": "Sam", "email": "sam@example.net"},
        "state": {"groups": {"*": {"name": "*", "status": state, "last_triggered_ts": changed.as_second()}}},
    })
}
