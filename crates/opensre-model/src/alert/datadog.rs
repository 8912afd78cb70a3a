//! Datadog's monitor webhook ("Webhooks" integration). Its payload is a template that every team writes itself with
//! `$EVENT_TITLE`, `$ALERT_TRANSITION`, `$TAGS` and so on; the default and the common spellings of its keys are read,
//! at the top level and inside an `alert` object.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::lenient::{self, Object};
use super::reading::Reading;
use super::subject::add_standard;
use super::{AlertState, Labels, links, text};

const TRANSITION: [&str; 3] = ["alert_transition", "alertTransition", "transition"];
const TIMES: [&str; 5] = ["date", "last_updated", "lastUpdated", "timestamp", "alert_time"];

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    let inside = payload.child("alert");
    let any = |keys: &[&str]| payload.has_any(keys) || inside.as_ref().is_some_and(|alert| alert.has_any(keys));
    let named = ["alert_transition", "alertTransition", "alert_query", "alert_scope", "alertScope", "alert_metric"];
    any(&named)
        || any(&["aggreg_key", "alert_cycle_key"])
        || (any(&["transition"]) && any(&["alert_id", "alertId", "scope", "query", "link"]))
        || (payload.has_any(&["event_type", "last_updated"]) && payload.has("org"))
        || payload.text("alert_source").is_some_and(|source| source.eq_ignore_ascii_case("datadog"))
            && !payload.has_any(&["commonLabels", "alerts"])
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    let places: Vec<Object<'_>> = std::iter::once(payload.clone()).chain(payload.child("alert")).collect();
    let pick = |keys: &[&str], reading: &mut Reading| {
        places
            .iter()
            .find_map(|place| keys.iter().find_map(|key| reading.text(place, key).filter(|text| !is_unfilled(text))))
    };

    reading.forwarded(payload);
    let mut labels = std::mem::take(&mut reading.alert.labels);
    for place in &places {
        for key in ["tags", "event_tags", "alert_scope", "alertScope", "scope"] {
            for (key, value) in tags(place, key, reading) {
                labels.entry(key).or_insert(value);
            }
        }
    }
    if let Some(host) = pick(&["hostname", "host"], reading) {
        labels.entry("host".to_owned()).or_insert(host);
    }
    add_standard(&mut labels);
    reading.alert.labels = labels;

    for (name, keys) in [
        ("alert_query", &["alert_query", "alertQuery", "query"][..]),
        ("alert_metric", &["alert_metric", "alertMetric", "metric"]),
        ("alert_status", &["alert_status", "alertStatus"]),
    ] {
        if let Some(text) = pick(keys, reading) {
            reading.alert.annotations.entry(name.to_owned()).or_insert(text);
        }
    }

    for place in &places {
        for key in ["link", "url", "alert_url", "monitor_url", "event_url", "snapshot"] {
            if place.text(key).is_some_and(|text| !is_unfilled(&text)) {
                reading.url(place, key);
            }
        }
    }
    let numeric = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(id) = pick(&["alert_id", "alertId", "monitor_id", "monitorId"], reading).filter(numeric) {
        reading.alert.references.monitor_id = Some(id);
    }
    if let Some(id) = pick(&["trace_id", "traceId"], reading) {
        links::trace_id(&id, reading);
    }

    let title = pick(&["title", "event_title", "alert_title", "alert_name", "monitor_name", "name"], reading);
    reading.alert.title = title.unwrap_or_default();
    reading.alert.severity = pick(&["alert_priority", "alertPriority", "priority", "severity"], reading);
    let body = pick(&["body", "text", "message", "text_only_msg", "event_msg"], reading);
    reading.prose(body.unwrap_or_default().trim_matches(|c: char| c == '%' || c.is_whitespace()));

    let transition = pick(&TRANSITION, reading);
    let known = transition.is_some();
    reading.state(transition, "alert_transition");
    if !known {
        let words =
            [text::leading_state(&reading.alert.title), alert_type(pick(&["alert_type", "alertType"], reading))];
        reading.alert.state = words.into_iter().flatten().next().unwrap_or(AlertState::Unknown);
    }
    let time = places.iter().find_map(|place| TIMES.iter().find_map(|key| filled_time(place, key, reading)));
    if reading.alert.state == AlertState::Resolved {
        // The time of the event, and the event is the recovery; when it began is not told.
        reading.alert.ends_at = time;
    } else {
        reading.alert.starts_at = time;
    }
}

/// `$ALERT_TYPE`: `error`, `warning`, `success` or `info`.
fn alert_type(word: Option<String>) -> Option<AlertState> {
    match word?.to_lowercase().as_str() {
        "error" | "warning" => Some(AlertState::Firing),
        "success" => Some(AlertState::Resolved),
        _ => None,
    }
}

fn filled_time(place: &Object<'_>, key: &str, reading: &mut Reading) -> Option<Timestamp> {
    if place.text(key).is_some_and(|text| is_unfilled(&text)) {
        return None;
    }
    reading.time(place, key)
}

/// Tags as a comma text (`service:checkout,env:prod`) or as a list.
fn tags(place: &Object<'_>, key: &str, reading: &mut Reading) -> Labels {
    match place.get(key) {
        Some(Json::String(text)) if !is_unfilled(text) => {
            let (labels, bare) = lenient::pairs(text);
            reading.absorb(&place.at(key), &labels);
            if !bare.is_empty() && key != "scope" {
                reading.alert.annotations.entry(key.to_owned()).or_insert_with(|| bare.join(", "));
            }
            labels
        }
        Some(Json::Array(items)) => {
            let texts: Vec<String> = items.iter().filter_map(lenient::scalar).collect();
            let (labels, _) = lenient::pairs(&texts.join(","));
            reading.absorb(&place.at(key), &labels);
            labels
        }
        Some(Json::Object(_)) => reading.labels(place, key),
        _ => Labels::new(),
    }
}

/// A variable that Datadog did not fill in stays as it was written: `$HOSTNAME`.
fn is_unfilled(text: &str) -> bool {
    text.trim().strip_prefix('$').is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}
