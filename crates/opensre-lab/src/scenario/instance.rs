//! The servers of a scenario: who they are, what they hold and how they misbehave.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::offset::Offset;
use crate::fault::Fault;

/// One server, listening on its own port.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// What it is.
    pub service: Service,
    /// Its name among the instances of the service.
    pub name: Spanned<String>,
    /// Tags as a user would write them in the store.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The bearer token it demands; without it (and `basic`) it answers everyone.
    #[serde(default)]
    pub token: Option<Token>,
    /// Basic authentication instead of a token (not for Grafana).
    #[serde(default)]
    pub basic: Option<Basic>,
    /// Where it listens.
    #[serde(default)]
    pub host: Host,
    /// Path under which it is served, for example `/grafana`.
    #[serde(default)]
    pub path_prefix: String,
    /// Name of the backend a plain Prometheus, Loki or Tempo answers from.
    #[serde(default)]
    pub backend: Option<String>,
    /// A Grafana's data sources.
    #[serde(default)]
    pub datasources: Vec<DataSource>,
    /// A Grafana's annotations (deploys and the like).
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// Alert rules of a Grafana or a Prometheus.
    #[serde(default)]
    pub alert_rules: Vec<AlertRule>,
    /// An Alertmanager's alerts.
    #[serde(default)]
    pub alerts: Vec<HeldAlert>,
    /// An Alertmanager's silences.
    #[serde(default)]
    pub silences: Vec<Silence>,
    /// How it misbehaves from the start.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

impl Instance {
    /// `service/name`, the way the command line addresses an instance.
    pub fn id(&self) -> String {
        format!("{}/{}", self.service.key(), self.name.value)
    }
}

/// The kinds of servers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Grafana with data sources.
    Grafana,
    /// Prometheus HTTP API.
    Prometheus,
    /// Loki HTTP API.
    Loki,
    /// Tempo HTTP API.
    Tempo,
    /// Alertmanager API v2.
    Alertmanager,
}

impl Service {
    /// The key of the service in a store file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Grafana => "grafana",
            Self::Prometheus => "prometheus",
            Self::Loki => "loki",
            Self::Tempo => "tempo",
            Self::Alertmanager => "alertmanager",
        }
    }
}

/// Basic authentication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Token,
}

/// A credential of a simulated server. `Debug` hides it: people copy scenarios from real incidents.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Token(String);

impl Token {
    /// The credential itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

/// The loopback address an instance listens on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// 127.0.0.2: loopback, but not one of the hosts that make a Grafana a local, anonymous one.
    #[default]
    Remote,
    /// 127.0.0.1.
    Local,
}

/// A data source of a Grafana.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// Plug-in id: prometheus, loki, tempo, or any other for a data source that the simulator only lists.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name shown to people.
    pub name: String,
    /// Unique id.
    pub uid: String,
    /// The organisation's default data source.
    #[serde(default, rename = "isDefault")]
    pub is_default: bool,
    /// The backend whose data it shows. A data source without one answers 502, as one whose server is gone.
    #[serde(default)]
    pub backend: Option<Spanned<String>>,
}

/// A Grafana annotation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// When.
    pub at: Offset,
    /// For a region: until when.
    #[serde(default)]
    pub until: Option<Offset>,
    /// The text.
    pub text: String,
    /// Tags such as `deploy`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The dashboard it belongs to; none for an annotation of the whole organisation.
    #[serde(default)]
    pub dashboard_uid: Option<String>,
    /// The panel it belongs to.
    #[serde(default)]
    pub panel_id: Option<u64>,
}

/// An alert rule of Grafana or Prometheus: an expression and a threshold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Unique id (Grafana).
    pub uid: String,
    /// The name of the alert.
    pub title: String,
    /// Folder (Grafana) or file (Prometheus).
    #[serde(default = "default_folder")]
    pub folder: String,
    /// Rule group.
    #[serde(default = "default_group")]
    pub group: String,
    /// The data source the expression is for (Grafana).
    #[serde(default)]
    pub datasource_uid: String,
    /// The expression, without the comparison.
    pub expr: Spanned<String>,
    /// When it fires.
    pub threshold: Threshold,
    /// How long the threshold must be passed.
    #[serde(default, rename = "for")]
    pub hold: Offset,
    /// Labels the alert gets.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations the alert gets.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

fn default_folder() -> String {
    "SRE".into()
}

fn default_group() -> String {
    "service-health".into()
}

/// A comparison with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Threshold {
    /// Fires above.
    Gt(f64),
    /// Fires below.
    Lt(f64),
}

impl Threshold {
    /// The PromQL comparison.
    pub(crate) fn promql(self) -> String {
        match self {
            Self::Gt(limit) => format!("> {limit}"),
            Self::Lt(limit) => format!("< {limit}"),
        }
    }
}

/// An alert that an Alertmanager holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldAlert {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    pub starts: Offset,
    /// Until when, if it is over or has an end.
    #[serde(default)]
    pub ends: Option<Offset>,
    /// Receivers it goes to.
    #[serde(default)]
    pub receivers: Vec<String>,
    /// Where it came from.
    #[serde(default)]
    pub generator_url: String,
    /// Fingerprints of alerts that inhibit it.
    #[serde(default)]
    pub inhibited_by: Vec<String>,
}

/// An Alertmanager silence.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Its id, a UUID.
    pub id: String,
    /// Matchers such as `alertname="HighLatency"`, `team=~"a|b"`.
    pub matchers: Vec<String>,
    /// From.
    pub starts: Offset,
    /// Until.
    pub ends: Offset,
    /// By whom.
    pub created_by: String,
    /// Why.
    pub comment: String,
}
