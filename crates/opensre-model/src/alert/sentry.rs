//! Sentry's webhooks: issue alerts (`event_alert`), metric alerts and issues ("Issue Alerts", "Metric Alerts", "Issues" of
//! the integration platform), and the older plug-in's `{project_slug, event, ...}`.

use super::lenient::{Object, scalar};
use super::reading::{Reading, state};
use super::subject::add_standard;
use super::{AlertState, links};

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    let data = payload.child("data");
    let inside = |key: &str| data.as_ref().is_some_and(|data| data.child(key).is_some());
    let app = payload.has("action") && (inside("event") || inside("issue") || inside("metric_alert"));
    let plugin = payload.child("event").is_some_and(|event| event.has_any(&["event_id", "culprit", "exception"]));
    app || (plugin && payload.has_any(&["project_slug", "project_name", "project"]))
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    reading.forwarded(payload);
    let Some(data) = payload.child("data") else {
        plugin(payload, reading);
        finish(reading);
        return;
    };
    reading.hints(&data);
    let action = reading.text(payload, "action").unwrap_or_default();
    if let Some(metric) = data.child("metric_alert") {
        metric_alert(&data, &metric, reading);
        reading.alert.severity = Some(action.clone()).filter(|word| matches!(word.as_str(), "critical" | "warning"));
    } else if let Some(found) = data.child("event") {
        event(&found, reading);
        if let Some(rule) = reading.text(&data, "triggered_rule") {
            reading.alert.annotations.entry("triggered_rule".to_owned()).or_insert(rule);
        }
    } else if let Some(found) = data.child("issue") {
        issue(&found, reading);
    }
    reading.alert.state = match action.as_str() {
        // Somebody put it aside: it is not known to be over.
        "ignored" | "archived" => AlertState::Unknown,
        "created" | "assigned" => AlertState::Firing,
        word => state(word).unwrap_or(AlertState::Unknown),
    };
    finish(reading);
}

fn finish(reading: &mut Reading) {
    add_standard(&mut reading.alert.labels);
    // A Sentry project is what other systems call a service.
    if let Some(project) = reading.alert.labels.get("project").cloned() {
        reading.alert.labels.entry("service".to_owned()).or_insert(project);
    }
}

fn event(event: &Object<'_>, reading: &mut Reading) {
    reading.hints(event);
    reading.alert.title = reading.first(event, &["title", "message"]).unwrap_or_default();
    reading.alert.severity = reading.text(event, "level");
    reading.alert.starts_at = ["datetime", "timestamp", "received"].iter().find_map(|key| reading.time(event, key));
    let tags = reading.labels(event, "tags");
    for (key, value) in tags {
        reading.alert.labels.entry(key).or_insert(value);
    }
    label(event, &["environment", "release", "transaction", "server_name", "platform"], reading);
    for key in ["web_url", "url", "issue_url"] {
        if event.has(key) {
            reading.url(event, key);
        }
    }
    if let Some(project) = event.text("url").and_then(|url| project_of(&url)) {
        reading.alert.labels.entry("project".to_owned()).or_insert(project);
    }
    annotate(event, reading);
    if let Some(id) = event.descend(&["contexts", "trace"]).and_then(|trace| trace.text("trace_id")) {
        links::trace_id(&id, reading);
    }
    exceptions(event, reading);
}

/// `https://sentry.io/api/0/projects/<organisation>/<project>/events/<id>/`
fn project_of(url: &str) -> Option<String> {
    let mut segments = url.split('/').skip_while(|segment| *segment != "projects");
    segments.nth(2).filter(|project| !project.is_empty()).map(str::to_owned)
}

fn exceptions(event: &Object<'_>, reading: &mut Reading) {
    let Some(exception) = event.child("exception") else { return };
    for value in exception.children("values").into_iter().take(5) {
        let parts = [value.text("type"), value.text("value")];
        reading.prose(parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
    }
}

fn issue(issue: &Object<'_>, reading: &mut Reading) {
    reading.hints(issue);
    reading.alert.title = reading.text(issue, "title").unwrap_or_default();
    reading.alert.severity = reading.text(issue, "level");
    reading.alert.starts_at = reading.time(issue, "firstSeen");
    if issue.text("status").is_some_and(|status| status == "resolved") {
        reading.alert.ends_at = reading.time(issue, "lastSeen");
    }
    if let Some(project) = issue.child("project").and_then(|project| project.first(&["slug", "name"])) {
        reading.alert.labels.entry("project".to_owned()).or_insert(project);
    }
    label(issue, &["platform"], reading);
    for key in ["web_url", "permalink", "url"] {
        if issue.has(key) {
            reading.url(issue, key);
        }
    }
    annotate(issue, reading);
}

fn metric_alert(data: &Object<'_>, metric: &Object<'_>, reading: &mut Reading) {
    reading.alert.title =
        reading.text(data, "description_title").or_else(|| reading.text(metric, "title")).unwrap_or_default();
    reading.prose_at(data, &["description_text"]);
    reading.alert.starts_at = ["date_started", "date_detected"].iter().find_map(|key| reading.time(metric, key));
    reading.alert.ends_at = reading.time(metric, "date_closed");
    if data.has("web_url") {
        reading.url(data, "web_url");
    }
    if let Some(project) =
        metric.get("projects").and_then(|projects| projects.as_array()).and_then(|projects| projects.first())
        && let Some(project) = scalar(project)
    {
        reading.alert.labels.entry("project".to_owned()).or_insert(project);
    }
    if let Some(rule) = metric.child("alert_rule") {
        label(&rule, &["environment"], reading);
        for (name, key) in [("alert_query", "query"), ("alert_metric", "aggregate")] {
            if let Some(text) = reading.text(&rule, key) {
                reading.alert.annotations.entry(name.to_owned()).or_insert(text);
            }
        }
    }
}

fn plugin(payload: &Object<'_>, reading: &mut Reading) {
    if let Some(found) = payload.child("event") {
        event(&found, reading);
    }
    if reading.alert.title.is_empty() {
        reading.alert.title = reading.text(payload, "message").unwrap_or_default();
    }
    if let Some(project) = reading.first(payload, &["project_slug", "project_name", "project"]) {
        reading.alert.labels.entry("project".to_owned()).or_insert(project);
    }
    if payload.has("url") {
        reading.url(payload, "url");
    }
    reading.alert.severity = reading.text(payload, "level").or(reading.alert.severity.take());
    reading.alert.state = AlertState::Firing;
    annotate(payload, reading);
}

fn label(object: &Object<'_>, keys: &[&str], reading: &mut Reading) {
    for key in keys {
        if let Some(text) = object.text(key) {
            reading.alert.labels.entry((*key).to_owned()).or_insert(text);
        }
    }
}

fn annotate(object: &Object<'_>, reading: &mut Reading) {
    if let Some(culprit) = object.text("culprit") {
        reading.alert.annotations.entry("culprit".to_owned()).or_insert(culprit);
    }
    if let Some(metadata) = object.child("metadata") {
        let parts = [metadata.text("type"), metadata.text("value")];
        reading.prose(parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
    }
    reading.prose_at(object, &["message"]);
}
