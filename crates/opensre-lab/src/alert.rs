//! Fills in the alert that a scenario begins with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::data::clock::{Clock, timestamp};
use crate::data::labels::Labels;
use crate::scenario::{AlertSpec, Offset, Webhook, WebhookAlert};

/// What Go writes for a time that is not set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The payload with its times; `url` gives the base URL of an instance by `service/name`.
pub(crate) fn payload(spec: &AlertSpec, clock: &Clock, url: &dyn Fn(&str) -> Option<String>) -> Value {
    match spec {
        AlertSpec::GrafanaWebhook(webhook) => Filler { webhook, clock, url }.grafana(),
        AlertSpec::AlertmanagerWebhook(webhook) => Filler { webhook, clock, url }.alertmanager(),
        AlertSpec::Payload(value) => filled(value, clock, url),
    }
}

struct Filler<'a> {
    webhook: &'a Webhook,
    clock: &'a Clock,
    url: &'a dyn Fn(&str) -> Option<String>,
}

impl Filler<'_> {
    fn time(&self, offset: Offset) -> String {
        timestamp(self.clock.at(offset)).to_string()
    }

    fn external_url(&self) -> String {
        let from = self.webhook.from.as_deref().and_then(self.url);
        from.or_else(|| self.webhook.external_url.clone()).unwrap_or_else(|| "http://localhost:3000".into())
    }

    fn merged(own: &BTreeMap<String, String>, common: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = common.clone();
        all.extend(own.clone());
        all
    }

    fn status(&self) -> &'static str {
        let firing = self.webhook.alerts.iter().any(|alert| alert.ends.is_none());
        if firing { "firing" } else { "resolved" }
    }

    /// What all alerts have in common, as the senders compute it.
    fn common(&self, of: impl Fn(&WebhookAlert) -> BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut alerts = self.webhook.alerts.iter().map(of);
        let mut common = alerts.next().unwrap_or_default();
        for alert in alerts {
            common.retain(|name, value| alert.get(name) == Some(value));
        }
        common
    }

    fn labels(&self, alert: &WebhookAlert) -> BTreeMap<String, String> {
        Self::merged(&alert.labels, &self.webhook.labels)
    }

    fn annotations(&self, alert: &WebhookAlert) -> BTreeMap<String, String> {
        Self::merged(&alert.annotations, &self.webhook.annotations)
    }

    fn envelope(&self, alerts: Vec<Value>, external_url: &str) -> Map<String, Value> {
        let common_labels = self.common(|alert| self.labels(alert));
        let common_annotations = self.common(|alert| self.annotations(alert));
        let mut group = BTreeMap::new();
        if let Some(name) = common_labels.get("alertname") {
            group.insert("alertname", name.clone());
        }
        let key: Vec<String> = group.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let mut body = Map::new();
        body.insert("receiver".into(), self.webhook.receiver.clone().into());
        body.insert("status".into(), self.status().into());
        body.insert("alerts".into(), alerts.into());
        body.insert("groupLabels".into(), json!(group));
        body.insert("commonLabels".into(), json!(common_labels));
        body.insert("commonAnnotations".into(), json!(common_annotations));
        body.insert("externalURL".into(), external_url.into());
        body.insert("groupKey".into(), format!("{{}}:{{{}}}", key.join(", ")).into());
        body.insert("truncatedAlerts".into(), 0.into());
        body
    }

    fn grafana(&self) -> Value {
        let external = format!("{}/", self.external_url().trim_end_matches('/'));
        let alerts: Vec<Value> = self.webhook.alerts.iter().map(|alert| self.grafana_alert(alert, &external)).collect();
        let count = alerts.len();
        let mut body = self.envelope(alerts, &external);
        let name = self.webhook.labels.get("alertname").map_or("alerts", String::as_str);
        let state = if self.status() == "firing" { "FIRING" } else { "RESOLVED" };
        body.insert("version".into(), "1".into());
        body.insert("orgId".into(), 1.into());
        body.insert("title".into(), format!("[{state}:{count}] {name} ").into());
        body.insert("state".into(), if state == "FIRING" { "alerting" } else { "ok" }.into());
        body.insert("message".into(), self.message(state).into());
        body.extend(self.webhook.extra.clone());
        Value::Object(body)
    }

    fn message(&self, state: &str) -> String {
        let list = |map: BTreeMap<String, String>| -> String {
            map.iter().map(|(name, value)| [" - ", name, " = ", value, "\n"].concat()).collect()
        };
        let mut text = format!("**{}**\n", if state == "FIRING" { "Firing" } else { "Resolved" });
        for alert in &self.webhook.alerts {
            text.push_str("\nLabels:\n");
            text.push_str(&list(self.labels(alert)));
            text.push_str("Annotations:\n");
            text.push_str(&list(self.annotations(alert)));
        }
        text
    }

    fn grafana_alert(&self, alert: &WebhookAlert, external: &str) -> Value {
        let labels = self.labels(alert);
        let generator = alert.rule_uid.as_ref().map_or_else(
            || format!("{external}alerting/list"),
            |uid| format!("{external}alerting/grafana/{uid}/view?orgId=1"),
        );
        let dashboard = alert.dashboard_uid.as_ref().map(|uid| format!("{external}d/{uid}?orgId=1"));
        let panel = dashboard.as_ref().zip(alert.panel_id).map(|(dashboard, id)| format!("{dashboard}&viewPanel={id}"));
        let matchers: Vec<String> =
            labels.iter().map(|(name, value)| format!("&matcher={}", encoded(&format!("{name}={value}")))).collect();
        let described: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let values: Vec<String> = alert
            .values
            .iter()
            .map(|(reference, value)| {
                format!("[ var='{reference}' labels={{{}}} value={value} ]", described.join(", "))
            })
            .collect();
        json!({
            "status": if alert.ends.is_none() { "firing" } else { "resolved" },
            "labels": labels,
            "annotations": self.annotations(alert),
            "startsAt": self.time(alert.starts),
            "endsAt": alert.ends.map_or_else(|| NO_TIME.to_owned(), |ends| self.time(ends)),
            "generatorURL": generator,
            "fingerprint": format!("{:016x}", Labels::from(&labels).fingerprint()),
            "silenceURL": format!("{external}alerting/silence/new?alertmanager=grafana{}", matchers.concat()),
            "dashboardURL": dashboard.unwrap_or_default(),
            "panelURL": panel.unwrap_or_default(),
            "values": if alert.values.is_empty() { Value::Null } else { json!(alert.values) },
            "valueString": values.join(", "),
        })
    }

    fn alertmanager(&self) -> Value {
        let external = self.external_url();
        let generator = self.webhook.generator.as_deref();
        let prometheus = generator.map(|name| (self.url)(name).unwrap_or_else(|| name.to_owned())).unwrap_or_default();
        let alerts: Vec<Value> = self
            .webhook
            .alerts
            .iter()
            .map(|alert| {
                let labels = self.labels(alert);
                let expr = alert.expr.as_deref().unwrap_or_default();
                json!({
                    "status": if alert.ends.is_none() { "firing" } else { "resolved" },
                    "labels": labels,
                    "annotations": self.annotations(alert),
                    "startsAt": self.time(alert.starts),
                    "endsAt": alert.ends.map_or_else(|| NO_TIME.to_owned(), |ends| self.time(ends)),
                    "generatorURL": format!("{prometheus}/graph?g0.expr={}&g0.tab=1", encoded(expr)),
                    "fingerprint": format!("{:016x}", Labels::from(&labels).fingerprint()),
                })
            })
            .collect();
        let mut body = self.envelope(alerts, &external);
        body.insert("version".into(), "4".into());
        body.extend(self.webhook.extra.clone());
        Value::Object(body)
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Replaces the placeholders of a free payload.
fn filled(value: &Value, clock: &Clock, url: &dyn Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => filled_text(text, clock, url),
        Value::Array(items) => items.iter().map(|item| filled(item, clock, url)).collect(),
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), filled(item, clock, url))).collect(),
        other => other.clone(),
    }
}

fn filled_text(text: &str, clock: &Clock, url: &dyn Fn(&str) -> Option<String>) -> Value {
    let whole = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    if let Some((kind, argument)) = whole.and_then(|inner| inner.split_once(':'))
        && let Ok(offset) = Offset::parse(argument)
    {
        match kind {
            "epoch_s" => return (clock.at(offset) / 1000).into(),
            "epoch_ms" => return clock.at(offset).into(),
            _ => {}
        }
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        result.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else { break };
        let found = inner[..end].split_once(':').and_then(|(kind, argument)| match kind {
            "time" => Some(timestamp(clock.at(Offset::parse(argument).ok()?)).to_string()),
            "url" => url(argument),
            _ => None,
        });
        match found {
            Some(text) => result.push_str(&text),
            // Not one of ours: other systems use the same brackets.
            None => result.push_str(&rest[start..start + end + 3]),
        }
        rest = &inner[end + 1..];
    }
    result.push_str(rest);
    result.into()
}
