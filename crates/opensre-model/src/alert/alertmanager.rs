//! Alertmanager's webhook, version 4 (Prometheus documentation, "Configuration: webhook_config"). Sent by Prometheus's
//! Alertmanager and by everything that speaks like it (Mimir, VictoriaMetrics' vmalert, Loki's ruler).

use super::group;
use super::lenient::Object;
use super::reading::Reading;

pub(super) fn recognises(payload: &Object<'_>) -> bool {
    payload.has("alerts")
        && !payload.has("alert_source")
        && payload.has_any(&["groupKey", "receiver", "groupLabels", "commonLabels", "externalURL"])
}

pub(super) fn read(payload: &Object<'_>, reading: &mut Reading) {
    group::read(payload, reading);
    for key in ["summary", "description", "message"] {
        if let Some(text) = reading.alert.annotations.get(key).cloned() {
            reading.prose(text);
        }
    }
}
