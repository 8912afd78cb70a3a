//! The shape that Alertmanager, Grafana and the flat form share: labels and annotations of a group, and `alerts[]`.

use serde_json::Value as Json;

use super::AlertItem;
use super::lenient::{Object, kind};
use super::reading::Reading;

/// Keys of URLs, at the top level and in each alert ("Configuring Alertmanager: webhook receiver", "Configure the
/// webhook notifier for Alerting").
const URLS: [&str; 12] = [
    "externalURL",
    "generatorURL",
    "dashboardURL",
    "panelURL",
    "silenceURL",
    "ruleUrl",
    "ruleURL",
    "alertURL",
    "alert_url",
    "url",
    "link",
    "sourceURL",
];
const STARTS: [&str; 9] =
    ["startsAt", "starts_at", "startedAt", "started_at", "activeAt", "fired_at", "timestamp", "date", "time"];
const ENDS: [&str; 6] = ["endsAt", "ends_at", "endedAt", "ended_at", "resolvedAt", "resolved_at"];

/// Reads the group and its alerts.
pub(super) fn read(object: &Object<'_>, reading: &mut Reading) {
    reading.forwarded(object);
    for key in URLS {
        if object.has(key) {
            reading.url(object, key);
        }
    }
    let word = reading.first(object, &["status", "state"]);
    reading.state(word, &object.at("status"));
    reading.alert.starts_at = STARTS.iter().find_map(|key| reading.time_text(object, key));
    reading.alert.ends_at = ENDS.iter().find_map(|key| reading.time_text(object, key));
    match object.get("alerts") {
        None => {}
        Some(Json::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                let path = format!("{}[{index}]", object.at("alerts"));
                item(value, path, reading);
            }
        }
        Some(Json::Object(single)) => {
            reading.odd(&object.at("alerts"), "an object where a list was expected; read as its only alert");
            item(&Json::Object(single.clone()), object.at("alerts"), reading);
        }
        Some(other) => reading.odd(&object.at("alerts"), &format!("{} where a list was expected", kind(other))),
    }
}

fn item(value: &Json, path: String, reading: &mut Reading) {
    let Some(map) = value.as_object() else {
        reading.odd(&path, &format!("{} where an alert was expected; left out", kind(value)));
        return;
    };
    let object = Object::new(map, path.as_str());
    let annotations = reading.labels(&object, "annotations");
    let labels = reading.labels(&object, "labels");
    for key in URLS {
        if object.has(key) {
            reading.url(&object, key);
        }
    }
    let word = reading.first(&object, &["status", "state"]);
    let state = word.as_deref().and_then(super::reading::state);
    let starts_at = STARTS.iter().find_map(|key| reading.time_text(&object, key));
    let ends_at = ENDS.iter().find_map(|key| reading.time_text(&object, key));
    let fingerprint = reading.text(&object, "fingerprint");
    reading.alert.items.push(AlertItem { path, labels, annotations, state, starts_at, ends_at, fingerprint });
}
