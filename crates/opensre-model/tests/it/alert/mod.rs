//! Alert payloads: every format, what is read from them, and everything that can be wrong with one.

mod contents;
mod formats;
mod oddities;

use std::fmt::Write as _;

use opensre_model::alert::Alert;
use serde_json::{Value as Json, json};

fn parse(payload: &Json) -> Alert {
    Alert::parse(payload.to_string().as_bytes())
}

/// An alert as lines, for snapshots.
fn shown(alert: &Alert) -> String {
    let mut lines = format!("{:?} {:?}: {}\n", alert.format, alert.state, alert.title);
    let time = |time: Option<jiff::Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
    let _ = writeln!(lines, "{} .. {}", time(alert.starts_at), time(alert.ends_at));
    if let Some(severity) = &alert.severity {
        let _ = writeln!(lines, "severity {severity}");
    }
    let joined = |labels: &opensre_model::alert::Labels| {
        labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    let _ = writeln!(lines, "labels {}", joined(&alert.labels));
    let _ = writeln!(lines, "annotations {}", joined(&alert.annotations));
    for item in &alert.items {
        let times = format!("{} .. {}", time(item.starts_at), time(item.ends_at));
        let _ = writeln!(lines, "- {:?} {times} {} | {}", item.state, joined(&item.labels), joined(&item.annotations));
    }
    for hint in &alert.hints {
        let _ = writeln!(lines, "hint {} = {} ({})", hint.value.service, hint.value.wanted, hint.path);
    }
    for url in &alert.urls {
        let _ = writeln!(lines, "url {} ({})", url.value, url.path);
    }
    for identifier in &alert.identifiers {
        let _ = writeln!(lines, "id {:?} ({})", identifier.value, identifier.path);
    }
    let _ = writeln!(lines, "{:?}", alert.references);
    let _ = writeln!(lines, "text {:?}", alert.text);
    for oddity in &alert.oddities {
        let _ = writeln!(lines, "odd {oddity}");
    }
    lines
}

fn alertmanager() -> Json {
    json!({
        "version": "4",
        "groupKey": "{}:{alertname=\"HighErrorRate\"}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "opensre",
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
        "commonAnnotations": {"summary": "Checkout answers with 5xx"},
        "externalURL": "http://alertmanager.prod:9093",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "pod": "checkout-1"},
                "annotations": {"summary": "Checkout answers with 5xx"},
                "startsAt": "2026-03-10T11:00:00.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.prod:9090/graph?g0.expr=rate%28http_errors_total%5B5m%5D%29+%3E+0.1&g0.tab=1",
                "fingerprint": "c6eadffa33fcdf37"
            },
            {
                "status": "resolved",
                "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "pod": "checkout-2"},
                "annotations": {"summary": "Checkout answers with 5xx"},
                "startsAt": "2026-03-10T10:50:00.000Z",
                "endsAt": "2026-03-10T11:10:00.000Z",
                "generatorURL": "http://prometheus.prod:9090/graph?g0.expr=rate%28http_errors_total%5B5m%5D%29+%3E+0.1&g0.tab=1",
                "fingerprint": "bc97ff14869b13e3"
            }
        ]
    })
}
