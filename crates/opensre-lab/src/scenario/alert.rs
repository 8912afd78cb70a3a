//! The alert a scenario begins with, in the format its sender uses.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::offset::Offset;

/// The payload, described by what differs from alert to alert; the envelope is filled in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AlertSpec {
    /// Grafana unified alerting ("Configure the webhook notifier for Alerting").
    GrafanaWebhook(Webhook),
    /// Alertmanager webhook, version 4 ("Configuration", `webhook_config`).
    AlertmanagerWebhook(Webhook),
    /// Any JSON. Strings may contain `${time:-2m}` (RFC 3339, relative to the onset), `${url:grafana/staging}` and, as
    /// the whole string, `${epoch_s:-2m}` or `${epoch_ms:-2m}` (numbers).
    Payload(Value),
}

/// What a webhook of Grafana or Alertmanager carries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Contact point or receiver.
    pub receiver: String,
    /// The instance whose URLs the alert carries, as `service/name`; without it `external_url` is used as it is.
    #[serde(default)]
    pub from: Option<String>,
    /// External URL of a sender that is not one of the instances.
    #[serde(default)]
    pub external_url: Option<String>,
    /// The Prometheus that `generatorURL` of an Alertmanager webhook points at, as `service/name` or URL.
    #[serde(default)]
    pub generator: Option<String>,
    /// Labels of every alert of the group.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations of every alert of the group.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The alerts.
    pub alerts: Vec<WebhookAlert>,
    /// Further keys at the top level, such as `grafana_instance`.
    #[serde(default)]
    pub extra: BTreeMap<String, Value>,
}

/// One alert of a group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookAlert {
    /// Labels besides the common ones.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations besides the common ones.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts: Offset,
    /// When it was resolved; firing without.
    #[serde(default)]
    pub ends: Option<Offset>,
    /// The rule, by uid; for Grafana it goes into `generatorURL`.
    #[serde(default)]
    pub rule_uid: Option<String>,
    /// The expression; for Alertmanager it goes into `generatorURL`.
    #[serde(default)]
    pub expr: Option<String>,
    /// Dashboard (Grafana).
    #[serde(default)]
    pub dashboard_uid: Option<String>,
    /// Panel on it (Grafana).
    #[serde(default)]
    pub panel_id: Option<u64>,
    /// Values of the rule's queries by reference id (Grafana).
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
}
