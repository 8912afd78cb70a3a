//! Grafana's webhook of unified alerting ("Configure the webhook notifier for Alerting"), which is Alertmanager's with
//! more in it; and that of the alerting before Grafana 8 (`evalMatches`, `ruleUrl`).

use super::alertmanager;
use super::group;
use super::lenient::Object;
use super::reading::Reading;

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    if payload.has("evalMatches") && payload.has_any(&["ruleUrl", "ruleName"]) {
        return true;
    }
    let marks = ["silenceURL", "dashboardURL", "panelURL", "valueString", "values"];
    payload.has("alerts")
        && (payload.has("orgId") || payload.children("alerts").iter().any(|alert| alert.has_any(&marks)))
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    if payload.has("evalMatches") {
        reading.alert.labels = reading.labels(payload, "tags");
        for matched in payload.children("evalMatches") {
            if matched.child("tags").is_some() {
                reading.labels(&matched, "tags");
            }
        }
        group::read(payload, reading);
        reading.prose_at(payload, &["message"]);
    } else {
        alertmanager::read(payload, reading);
        reading.prose_at(payload, &["message"]);
    }
    if let Some(title) = reading.first(payload, &["title", "ruleName"]) {
        reading.alert.title = title;
    }
}
