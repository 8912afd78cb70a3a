//! Opsgenie's webhook ("Opsgenie Edge Connector alert action data", "Webhook integration"). Times are milliseconds
//! (`createdAt`) and nanoseconds (`updatedAt`) since 1970.

use serde_json::Value as Json;

use super::lenient::{self, Object};
use super::reading::Reading;
use super::subject::add_standard;
use super::{AlertState, details};

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    payload.child("alert").is_some_and(|alert| {
        alert.has_any(&["alertId", "tinyId"])
            || (alert.has("message") && payload.has_any(&["integrationId", "integrationName"]))
    })
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    let Some(alert) = payload.child("alert") else { return };
    reading.hints(&alert);
    reading.forwarded(payload);
    reading.alert.title = reading.text(&alert, "message").unwrap_or_default();
    reading.alert.severity = reading.text(&alert, "priority");
    let action = reading.text(payload, "action").unwrap_or_default();
    reading.alert.state = match action.to_lowercase().as_str() {
        "close" | "delete" => AlertState::Resolved,
        // Every other action (acknowledge, add a note, assign, ...) is one on an open alert.
        _ => AlertState::Firing,
    };
    reading.alert.starts_at = reading.time(&alert, "createdAt");
    if reading.alert.state == AlertState::Resolved {
        reading.alert.ends_at = reading.time(&alert, "updatedAt");
    }
    details::read(&alert, "details", reading);
    tags(&alert, reading);
    if let Some(entity) = reading.text(&alert, "entity") {
        reading.alert.labels.entry("entity".to_owned()).or_insert(entity);
    }
    reading.prose_at(&alert, &["description"]);
    reading.prose_at(&alert, &["note"]);
    add_standard(&mut reading.alert.labels);
}

/// Tags are bare words, or `key:value` where a sender writes them so.
fn tags(alert: &Object<'_>, reading: &mut Reading) {
    let text = match alert.get("tags") {
        Some(Json::Array(items)) => items.iter().filter_map(lenient::scalar).collect::<Vec<_>>().join(","),
        Some(Json::String(text)) => text.clone(),
        _ => return,
    };
    let (labels, bare) = lenient::pairs(&text);
    reading.absorb(&alert.at("tags"), &labels);
    for (key, value) in labels {
        reading.alert.labels.entry(key).or_insert(value);
    }
    if !bare.is_empty() {
        reading.alert.annotations.entry("tags".to_owned()).or_insert_with(|| bare.join(", "));
    }
}
