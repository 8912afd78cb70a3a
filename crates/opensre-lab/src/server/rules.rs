//! Alert rules, evaluated: as Prometheus lists them and as Grafana's ruler and provisioning APIs do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::data::DataPool;
use crate::data::clock::timestamp;
use crate::data::labels::{Labels, NAME};
use crate::promql;
use crate::scenario::{AlertRule, Threshold};

/// Distance between two evaluations of a rule.
const INTERVAL: i64 = 60_000;

struct Active {
    labels: Labels,
    value: f64,
    since: i64,
    firing: bool,
}

/// What is pending or firing now: looks back until the expression was last quiet.
fn active(pool: &DataPool, rule: &AlertRule) -> Result<Vec<Active>, String> {
    let query = expression(rule);
    let expr = promql::parse(&query).map_err(|error| format!("{error:?}"))?;
    let now = pool.clock.now;
    let hold = rule.hold.milliseconds();
    // Far enough back to tell pending from firing and to show a plausible beginning.
    let start = pool.clock.start.max(now - hold.max(2 * 3_600_000));
    let rows = promql::range(pool.metrics(), &expr, start, now, INTERVAL).map_err(|error| format!("{error:?}"))?;
    let mut found = Vec::new();
    for row in rows {
        let Some(last) = row.samples.last() else { continue };
        if now - last.time >= INTERVAL {
            continue;
        }
        let mut since = last.time;
        for sample in row.samples.iter().rev().skip(1) {
            if since - sample.time > INTERVAL {
                break;
            }
            since = sample.time;
        }
        let mut labels = row.labels.without(&[NAME]).with("alertname", &rule.title);
        for (name, value) in &rule.labels {
            labels.set(name, value);
        }
        found.push(Active { labels, value: last.value, since, firing: now - since >= hold });
    }
    Ok(found)
}

fn expression(rule: &AlertRule) -> String {
    format!("({}) {}", rule.expr.value, rule.threshold.promql())
}

fn alert_json(rule: &AlertRule, alert: &Active) -> Value {
    json!({
        "labels": alert.labels.to_json(),
        "annotations": rule.annotations,
        "state": if alert.firing { "firing" } else { "pending" },
        "activeAt": timestamp(alert.since).to_string(),
        "value": go_exponent(alert.value),
    })
}

/// A number in Go's `%e` notation, whose exponent has two digits at least: `5e-02`.
fn go_exponent(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => promql::number(value),
    }
}

/// `data` of `/api/v1/rules`.
pub(crate) fn prometheus_rules(pool: &DataPool, rules: &[AlertRule]) -> Value {
    let mut groups: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
    for rule in rules {
        let (alerts, health, error) = match active(pool, rule) {
            Ok(alerts) => (alerts, "ok", String::new()),
            Err(error) => (Vec::new(), "err", error),
        };
        let state = if alerts.iter().any(|alert| alert.firing) {
            "firing"
        } else if alerts.is_empty() {
            "inactive"
        } else {
            "pending"
        };
        let alerts: Vec<Value> = alerts.iter().map(|alert| alert_json(rule, alert)).collect();
        let mut item = json!({
            "state": state,
            "name": rule.title,
            "query": format!("{} {}", rule.expr.value, rule.threshold.promql()),
            "duration": rule.hold.milliseconds() / 1000,
            "keepFiringFor": 0,
            "labels": rule.labels,
            "annotations": rule.annotations,
            "alerts": alerts,
            "health": health,
            "evaluationTime": 0.000_3,
            "lastEvaluation": timestamp(pool.clock.now).to_string(),
            "type": "alerting",
        });
        if !error.is_empty() {
            item["lastError"] = error.into();
        }
        groups.entry((&rule.folder, &rule.group)).or_default().push(item);
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|((file, name), rules)| {
            json!({
                "name": name,
                "file": format!("/etc/prometheus/rules/{file}.yml"),
                "rules": rules,
                "interval": INTERVAL / 1000,
                "limit": 0,
                "evaluationTime": 0.000_6,
                "lastEvaluation": timestamp(pool.clock.now).to_string(),
            })
        })
        .collect();
    json!({"groups": groups})
}

/// `data` of `/api/v1/alerts`.
pub(crate) fn prometheus_alerts(pool: &DataPool, rules: &[AlertRule]) -> Value {
    let alerts: Vec<Value> = rules
        .iter()
        .flat_map(|rule| active(pool, rule).unwrap_or_default().into_iter().map(move |alert| alert_json(rule, &alert)))
        .collect();
    json!({"alerts": alerts})
}

/// A rule's queries as Grafana stores them: the expression, its last value, the threshold.
fn grafana_data(rule: &AlertRule) -> Value {
    let (comparison, limit) = match rule.threshold {
        Threshold::Gt(limit) => ("gt", limit),
        Threshold::Lt(limit) => ("lt", limit),
    };
    let window = json!({"from": 600, "to": 0});
    let none = json!({"from": 0, "to": 0});
    json!([
        {
            "refId": "A", "queryType": "", "relativeTimeRange": window, "datasourceUid": rule.datasource_uid,
            "model": {
                "editorMode": "code", "expr": rule.expr.value, "instant": true, "range": false, "intervalMs": 1000,
                "legendFormat": "__auto", "maxDataPoints": 43200, "refId": "A"
            }
        },
        {
            "refId": "B", "queryType": "", "relativeTimeRange": none, "datasourceUid": "__expr__",
            "model": {
                "datasource": {"type": "__expr__", "uid": "__expr__"}, "expression": "A", "intervalMs": 1000,
                "maxDataPoints": 43200, "reducer": "last", "refId": "B", "type": "reduce"
            }
        },
        {
            "refId": "C", "queryType": "", "relativeTimeRange": none, "datasourceUid": "__expr__",
            "model": {
                "conditions": [{
                    "evaluator": {"params": [limit], "type": comparison}, "operator": {"type": "and"},
                    "query": {"params": ["C"]}, "reducer": {"params": [], "type": "last"}, "type": "query"
                }],
                "datasource": {"type": "__expr__", "uid": "__expr__"}, "expression": "B", "intervalMs": 1000,
                "maxDataPoints": 43200, "refId": "C", "type": "threshold"
            }
        }
    ])
}

/// `GET /api/v1/provisioning/alert-rules/{uid}`.
pub(crate) fn grafana_provisioned(rule: &AlertRule, id: usize, updated: i64) -> Value {
    json!({
        "id": id, "uid": rule.uid, "orgID": 1, "folderUID": folder_uid(&rule.folder), "ruleGroup": rule.group,
        "title": rule.title, "condition": "C", "data": grafana_data(rule), "updated": timestamp(updated).to_string(),
        "noDataState": "NoData", "execErrState": "Error", "for": rule.hold.to_string(),
        "annotations": rule.annotations, "labels": rule.labels, "isPaused": false,
        "notification_settings": null, "record": null,
    })
}

/// `GET /api/ruler/grafana/api/v1/rules`: folders, groups, rules.
pub(crate) fn grafana_ruler(rules: &[AlertRule], updated: i64) -> Value {
    let mut folders: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let item = json!({
            "expr": "",
            "for": rule.hold.to_string(),
            "labels": rule.labels,
            "annotations": rule.annotations,
            "grafana_alert": {
                "id": index + 1, "orgId": 1, "title": rule.title, "condition": "C", "data": grafana_data(rule),
                "updated": timestamp(updated).to_string(), "intervalSeconds": INTERVAL / 1000, "version": 1,
                "uid": rule.uid, "namespace_uid": folder_uid(&rule.folder), "namespace_id": 1,
                "rule_group": rule.group, "no_data_state": "NoData", "exec_err_state": "Error", "is_paused": false
            }
        });
        folders.entry(&rule.folder).or_default().entry(&rule.group).or_default().push(item);
    }
    let folders = folders.into_iter().map(|(folder, groups)| {
        let groups: Vec<Value> =
            groups.into_iter().map(|(name, rules)| json!({"name": name, "interval": "1m", "rules": rules})).collect();
        (folder.to_owned(), Value::Array(groups))
    });
    Value::Object(folders.collect())
}

fn folder_uid(folder: &str) -> String {
    format!("f{:013x}", crate::random::seed(&[folder]) >> 12)
}
