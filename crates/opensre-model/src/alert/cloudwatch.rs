//! CloudWatch alarms: as SNS carries them ("Amazon SNS event destinations"), as EventBridge does ("Alarm events and
//! EventBridge") and as a Lambda function is called with ("Invoke a Lambda function from an alarm").

use serde_json::Value as Json;

use super::lenient::{self, Object};
use super::reading::Reading;
use super::subject::add_standard;
use super::{AlertState, Identifier, Labels, links};

/// Dimensions that name what the standard labels name, where the spelling alone does not tell.
const DIMENSIONS: [(&str, &str); 5] = [
    ("FunctionName", "service"),
    ("DBInstanceIdentifier", "instance"),
    ("DBClusterIdentifier", "cluster"),
    ("CacheClusterId", "instance"),
    ("QueueName", "service"),
];

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    let raw = payload.has("AlarmName") && payload.has_any(&["NewStateValue", "AlarmArn", "Trigger", "StateValue"]);
    let event = payload.child("detail").is_some_and(|detail| detail.has("alarmName"));
    raw || event || payload.child("alarmData").is_some_and(|alarm| alarm.has("alarmName"))
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    reading.forwarded(payload);
    match payload.child("detail").or_else(|| payload.child("alarmData")) {
        Some(alarm) if !payload.has("AlarmName") => event(payload, &alarm, reading),
        _ => raw(payload, reading),
    }
    let standard: Vec<(&str, String)> = DIMENSIONS
        .iter()
        .filter_map(|(dimension, name)| Some((*name, reading.alert.labels.get(*dimension)?.clone())))
        .collect();
    for (name, value) in standard {
        reading.alert.labels.entry(name.to_owned()).or_insert(value);
    }
    add_standard(&mut reading.alert.labels);
}

fn raw(alarm: &Object<'_>, reading: &mut Reading) {
    reading.alert.title = reading.text(alarm, "AlarmName").unwrap_or_default();
    let value = reading.first(alarm, &["NewStateValue", "StateValue"]);
    let changed = ["StateChangeTime", "StateUpdatedTimestamp"].iter().find_map(|key| reading.time(alarm, key));
    set_state(value, "NewStateValue", changed, reading);
    // Only the alarm's own ARN is read: those of its actions name topics, which may be in another account.
    identify(alarm, &["AlarmArn"], &["AWSAccountId"], &[], reading);
    let arn_region = alarm.text("AlarmArn").and_then(|arn| arn.split(':').nth(3).map(str::to_owned));
    if let Some(region) = arn_region.filter(|region| links::is_aws_region(region)) {
        reading.alert.labels.entry("region".to_owned()).or_insert(region);
    }
    reading.prose_at(alarm, &["NewStateReason", "StateReason"]);
    reading.prose_at(alarm, &["AlarmDescription"]);
    let trigger = alarm.child("Trigger").unwrap_or_else(|| alarm.clone());
    metric(&trigger, reading);
    for query in trigger.children("Metrics") {
        if let Some(inner) = query.descend(&["MetricStat", "Metric"]) {
            metric(&inner, reading);
        }
    }
    for (name, key) in [
        ("threshold", "Threshold"),
        ("comparison", "ComparisonOperator"),
        ("period", "Period"),
        ("statistic", "Statistic"),
    ] {
        if let Some(text) = trigger.text(key) {
            reading.alert.annotations.entry(name.to_owned()).or_insert(text);
        }
    }
}

/// `MetricName`, `Namespace` and `Dimensions`, where they stand.
fn metric(object: &Object<'_>, reading: &mut Reading) {
    // CloudWatch's namespace (`AWS/EC2`) is none of Kubernetes: it gets a name of its own.
    for (name, keys) in [("metric", ["MetricName", "name"]), ("metric_namespace", ["Namespace", "namespace"])] {
        if let Some(text) = object.first(&keys) {
            reading.alert.labels.entry(name.to_owned()).or_insert(text);
        }
    }
    for key in ["Dimensions", "dimensions"] {
        if matches!(object.get(key), Some(Json::Array(_) | Json::Object(_))) {
            let dimensions = reading.labels(object, key);
            add(dimensions, reading);
        }
    }
}

fn event(payload: &Object<'_>, alarm: &Object<'_>, reading: &mut Reading) {
    reading.hints(alarm);
    reading.alert.title = reading.text(alarm, "alarmName").unwrap_or_default();
    let changed = match alarm.child("state") {
        Some(state) => {
            let value = reading.text(&state, "value");
            let changed = reading.time(&state, "timestamp");
            set_state(value, &state.at("value"), changed.or_else(|| reading.time(payload, "time")), reading);
            reading.prose_at(&state, &["reason"]);
            changed
        }
        None => None,
    };
    if changed.is_none() && reading.alert.starts_at.is_none() && reading.alert.ends_at.is_none() {
        reading.alert.starts_at = reading.time(payload, "time");
    }
    identify(payload, &["alarmArn"], &["account", "accountId"], &["region"], reading);
    if let Some(Json::Array(resources)) = payload.get("resources") {
        for (index, arn) in resources.iter().filter_map(Json::as_str).enumerate() {
            links::from_arn(arn, &format!("{}[{index}]", payload.at("resources")), reading);
        }
    }
    if let Some(region) = payload.text("region") {
        reading.alert.labels.entry("region".to_owned()).or_insert(region);
    }
    let tags = reading.labels(alarm, "alarmTags");
    add(tags, reading);
    if let Some(configuration) = alarm.child("configuration") {
        reading.prose_at(&configuration, &["description"]);
        for query in configuration.children("metrics") {
            if let Some(inner) = query.descend(&["metricStat", "metric"]) {
                metric(&inner, reading);
            }
        }
    }
}

fn identify(object: &Object<'_>, arns: &[&str], accounts: &[&str], regions: &[&str], reading: &mut Reading) {
    for key in arns {
        if let Some(arn) = object.text(key) {
            links::from_arn(&arn, &object.at(key), reading);
        }
    }
    for key in accounts {
        if let Some(account) = object.text(key).filter(|account| links::is_account(account)) {
            reading.alert.labels.entry("account_id".to_owned()).or_insert_with(|| account.clone());
            reading.found_identifier(&object.at(key), Identifier::AwsAccount(account));
        }
    }
    for key in regions {
        if let Some(region) = object.text(key).filter(|region| links::is_aws_region(region)) {
            reading.found_identifier(&object.at(key), Identifier::AwsRegion(region));
        }
    }
}

/// `ALARM`, `OK` or `INSUFFICIENT_DATA`; the time is that of the change.
fn set_state(value: Option<String>, path: &str, changed: Option<jiff::Timestamp>, reading: &mut Reading) {
    match value.as_deref() {
        Some("INSUFFICIENT_DATA") | None => {}
        Some(_) => reading.state(value, path),
    }
    if reading.alert.state == AlertState::Resolved {
        reading.alert.ends_at = changed;
    } else {
        reading.alert.starts_at = changed;
    }
}

fn add(labels: Labels, reading: &mut Reading) {
    for (key, value) in labels {
        let value = lenient::shortened(&value, 500);
        reading.alert.labels.entry(key).or_insert(value);
    }
}
