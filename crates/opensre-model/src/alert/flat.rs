//! The flat form `{title, state, alert_source, commonLabels, commonAnnotations, startsAt, ...}`, and every object that is
//! no vendor's: what can be understood of it is.

use super::group;
use super::lenient::Object;
use super::reading::Reading;
use super::text;

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    group::read(payload, reading);
    if payload.has("tags") {
        let tags = reading.labels(payload, "tags");
        for (key, value) in tags {
            reading.alert.labels.entry(key).or_insert(value);
        }
    }
    if let Some(title) = reading.first(payload, &["title", "alert_name", "alertname", "name", "subject", "summary"]) {
        if reading.alert.state == super::AlertState::Unknown {
            text::title(&title, reading);
        }
        reading.alert.title = title;
    }
    reading.alert.severity = reading.first(payload, &["severity", "priority", "level"]);
    for keys in [&["message", "body", "text"][..], &["description"], &["summary"], &["error", "error_message"]] {
        reading.prose_at(payload, keys);
    }
    for key in ["summary", "description", "message"] {
        if let Some(text) = reading.alert.annotations.get(key).cloned() {
            reading.prose(text);
        }
    }
    // Standard labels that stand at the top level (`service`, `namespace`, `cluster`) are labels too.
    let standing: super::Labels = payload
        .entries()
        .filter(|(key, _)| super::standard_name(key).is_some())
        .filter_map(|(key, value)| Some((key.to_owned(), super::lenient::scalar(value)?)))
        .collect();
    for (key, value) in standing {
        let at = payload.at(&key);
        super::links::from_label(&key, &value, &at, reading);
        reading.alert.labels.entry(key).or_insert(value);
    }
    if let Some(uid) = reading.first(payload, &["rule_uid", "ruleUid", "ruleUID"]) {
        reading.alert.references.rule_uid.get_or_insert(uid);
    }
    for key in ["trace_id", "traceId"] {
        if let Some(id) = payload.text(key) {
            super::links::trace_id(&id, reading);
        }
    }
}
