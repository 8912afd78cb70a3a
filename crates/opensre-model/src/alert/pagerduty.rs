//! PagerDuty's webhooks, version 3 ("Webhooks overview"), and the events that systems send to it (Events API v2, "Send
//! an alert event").

use super::lenient::Object;
use super::reading::{Reading, state};
use super::subject::add_standard;
use super::{AlertState, Labels, details};

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    let webhook = payload.child("event").is_some_and(|event| event.has("event_type") && event.child("data").is_some());
    let event = payload.child("payload").is_some_and(|inner| inner.has("summary"));
    webhook || (event && payload.has_any(&["event_action", "routing_key", "dedup_key"]))
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    reading.forwarded(payload);
    match payload.descend(&["event", "data"]) {
        Some(data) => webhook(payload, &data, reading),
        None => event(payload, reading),
    }
    add_standard(&mut reading.alert.labels);
}

fn webhook(payload: &Object<'_>, data: &Object<'_>, reading: &mut Reading) {
    let Some(event) = payload.child("event") else { return };
    reading.hints(data);
    reading.alert.title = reading.first(data, &["title", "summary", "description"]).unwrap_or_default();
    // `incident.triggered`; what the incident says of itself comes first.
    let kind = reading.text(&event, "event_type").unwrap_or_default();
    let own = reading.text(data, "status").and_then(|word| state(&word));
    let told = kind.rsplit('.').next().and_then(state);
    reading.alert.state = own.or(told).unwrap_or(AlertState::Unknown);
    let occurred = reading.time(&event, "occurred_at");
    let created = reading.time(data, "created_at");
    reading.alert.starts_at = created.or(occurred);
    if reading.alert.state == AlertState::Resolved {
        let ended = reading.time(data, "resolved_at").or_else(|| reading.time(data, "last_status_change_at"));
        reading.alert.ends_at = ended.or(occurred);
        if created.is_none() {
            reading.alert.starts_at = None;
        }
    }
    let priority = data.child("priority").and_then(|priority| priority.first(&["summary", "name"]));
    reading.alert.severity = priority.or_else(|| reading.first(data, &["severity", "urgency"]));
    reading.url(data, "html_url");

    for path in [
        &["body"][..],
        &["body", "cef_details"],
        &["first_trigger_log_entry", "channel"],
        &["first_trigger_log_entry", "channel", "cef_details"],
    ] {
        if let Some(parent) = data.descend(path) {
            details::read(&parent, "details", reading);
        }
    }
    for key in ["custom_details", "details"] {
        details::read(data, key, reading);
    }
    for alert in data.children("alerts") {
        if let Some(body) = alert.child("body") {
            details::read(&body, "details", reading);
        }
    }
    let fields: Labels = data
        .children("custom_fields")
        .iter()
        .filter_map(|field| Some((field.text("name")?, field.text("value")?)))
        .collect();
    reading.absorb(&data.at("custom_fields"), &fields);
    for (key, value) in fields {
        reading.alert.labels.entry(key).or_insert(value);
    }
    if let Some(service) = data.child("service").and_then(|service| service.first(&["summary", "name"])) {
        reading.alert.labels.entry("service".to_owned()).or_insert(service);
    }
    reading.prose_at(data, &["description"]);
}

fn event(payload: &Object<'_>, reading: &mut Reading) {
    let Some(inner) = payload.child("payload") else { return };
    reading.hints(&inner);
    reading.alert.title = reading.text(&inner, "summary").unwrap_or_default();
    let action = reading.text(payload, "event_action");
    reading.state(action, "event_action");
    let time = reading.time(&inner, "timestamp");
    if reading.alert.state == AlertState::Resolved {
        reading.alert.ends_at = time;
    } else {
        reading.alert.starts_at = time;
    }
    reading.alert.severity = reading.text(&inner, "severity");
    details::read(&inner, "custom_details", reading);
    for key in ["source", "component", "group", "class"] {
        if let Some(text) = reading.text(&inner, key) {
            reading.alert.labels.entry(key.to_owned()).or_insert(text);
        }
    }
    if payload.has("client_url") {
        reading.url(payload, "client_url");
    }
    for link in payload.children("links") {
        reading.url(&link, "href");
    }
}
