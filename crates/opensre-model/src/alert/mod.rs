//! An alert, normalised: what every format is read into and what everything after it looks at.
//!
//! Reading is total: whatever the payload holds, an [`Alert`] comes out, and what was odd is listed in
//! [`Alert::oddities`]. One module per format; [`Alert::parse`] recognises the format by the payload's shape.
//!
//! How a payload is read: [`parse`](Alert::parse) takes it out of its envelope (SNS) and asks the formats of
//! `formats` in order whether it is theirs. A format's `read` fills a `Reading`, which takes every label, annotation and
//! URL *with its path*, and so finds hints, identifiers and references in the same way for every format. A format is
//! added by adding its module and one line there.

mod alertmanager;
mod cloudwatch;
mod datadog;
mod details;
mod envelope;
mod flat;
mod formats;
mod grafana;
mod group;
mod lenient;
mod links;
mod opsgenie;
mod pagerduty;
mod reading;
mod sentry;
mod subject;
mod text;
mod time;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub(crate) use links::DATADOG_SITES;
pub use subject::{STANDARD_LABELS, Subject, standard_name};

/// Labels or annotations: names to texts.
pub type Labels = BTreeMap<String, String>;

/// Which payload an alert was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertFormat {
    /// Alertmanager webhook, version 4.
    Alertmanager,
    /// Grafana unified alerting webhook.
    Grafana,
    /// Datadog monitor webhook.
    Datadog,
    /// PagerDuty webhook, version 3.
    Pagerduty,
    /// Opsgenie webhook.
    Opsgenie,
    /// CloudWatch alarm, raw or inside SNS.
    Cloudwatch,
    /// Sentry webhook.
    Sentry,
    /// The flat form `{title, state, alert_source, commonLabels, ...}`.
    Flat,
    /// Plain text.
    Text,
}

/// Whether the alert still fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
    /// The payload does not say.
    Unknown,
}

/// A normalised alert, or group of alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Which payload it was read from.
    pub format: AlertFormat,
    /// What it is called.
    pub title: String,
    /// Whether it still fires.
    pub state: AlertState,
    /// Its severity, as written.
    pub severity: Option<String>,
    /// The earliest start in it.
    pub starts_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub ends_at: Option<Timestamp>,
    /// Labels that hold for the whole group.
    pub labels: Labels,
    /// Where the labels of the group stand in the payload (`env` → `commonLabels.env`); a label that was derived has
    /// the path of what it was derived from, or none.
    pub label_paths: Labels,
    /// Annotations that hold for the whole group.
    pub annotations: Labels,
    /// The single alerts of the group; one for formats without groups.
    pub items: Vec<AlertItem>,
    /// The instances that the alert names (`<service>_instance`), in the order of precedence.
    pub hints: Vec<Located<Hint>>,
    /// The URLs of the system that raised it: generator, dashboard, panel, external.
    pub urls: Vec<Located<String>>,
    /// Ids that can point at an instance.
    pub identifiers: Vec<Located<Identifier>>,
    /// What in the raising system the alert comes from.
    pub references: References,
    /// Free text of the alert (message, body). Never chooses an instance.
    pub text: String,
    /// What in the payload was of the wrong type or could not be read, in words.
    pub oddities: Vec<String>,
}

/// One alert of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertItem {
    /// Its path in the payload (`alerts[0]`); empty for formats without groups.
    pub path: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Whether it still fires; `None` when the payload does not say.
    pub state: Option<AlertState>,
    /// When it began.
    pub starts_at: Option<Timestamp>,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
    /// The raising system's fingerprint of it.
    pub fingerprint: Option<String>,
}

/// Something, with the path in the payload at which it stood (`alerts[0].labels.grafana_instance`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located<T> {
    /// Path in the payload.
    pub path: String,
    /// What stood there.
    pub value: T,
}

/// A `<service>_instance` key of the payload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// The service as written before `_instance` (canonical key or alias), lower-cased.
    pub service: String,
    /// What it names: a name, a comma list of names, or a tag selector; trimmed, never blank.
    pub wanted: String,
}

/// An id that can point at an instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identifier {
    /// An AWS account id (12 digits).
    AwsAccount(String),
    /// An AWS region.
    AwsRegion(String),
    /// A Datadog site.
    DatadogSite(String),
    /// A cluster name.
    Cluster(String),
}

/// What in the raising system an alert comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Grafana alert rule uid.
    pub rule_uid: Option<String>,
    /// Grafana dashboard uid.
    pub dashboard_uid: Option<String>,
    /// Grafana panel id.
    pub panel_id: Option<String>,
    /// Datadog monitor id.
    pub monitor_id: Option<String>,
    /// The rule's expression (`g0.expr` of a Prometheus generator URL).
    pub expression: Option<String>,
    /// Trace ids that the payload names.
    pub trace_ids: Vec<String>,
}

impl Alert {
    /// Reads a payload, whatever it is. What is no JSON object is read as plain text.
    ///
    /// ```
    /// use opensre_model::alert::{Alert, AlertFormat, AlertState};
    ///
    /// let alert = Alert::parse(br#"{"title": "Checkout is slow", "state": "alerting", "alert_source": "grafana",
    ///     "annotations": {"grafana_instance": "staging"}, "startsAt": 1767225600}"#);
    /// assert_eq!(alert.format, AlertFormat::Flat);
    /// assert_eq!(alert.state, AlertState::Firing);
    /// assert_eq!(alert.hints[0].path, "annotations.grafana_instance");
    /// assert_eq!(alert.starts_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
    ///
    /// assert_eq!(Alert::parse(b"checkout is down").format, AlertFormat::Text);
    /// ```
    pub fn parse(bytes: &[u8]) -> Self {
        formats::parse(bytes)
    }

    /// An alert that somebody told in words. Nothing in it chooses an instance.
    pub fn from_text(text: &str) -> Self {
        let mut reading = reading::Reading::new(AlertFormat::Text);
        text::read(text, &mut reading);
        reading.finish()
    }

    /// The alert in one line: its summary or description, else the first line of its text, else its title.
    pub fn summary_text(&self) -> String {
        let annotated = ["summary", "description", "message"].iter().find_map(|key| {
            let own = || self.items.iter().find_map(|item| item.annotations.get(*key));
            self.annotations.get(*key).or_else(own)
        });
        annotated
            .map(String::as_str)
            .or(Some(self.text.as_str()))
            .and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()))
            .map_or_else(|| self.title.clone(), |line| lenient::shortened(line, 300))
    }

    /// What the alert is about: the standard labels, with all values that the alerts of the group give them.
    pub fn subject(&self) -> Subject {
        Subject::of(self)
    }
}

impl AlertFormat {
    /// The format's name, as a person writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "Alertmanager",
            Self::Grafana => "Grafana",
            Self::Datadog => "Datadog",
            Self::Pagerduty => "PagerDuty",
            Self::Opsgenie => "Opsgenie",
            Self::Cloudwatch => "CloudWatch",
            Self::Sentry => "Sentry",
            Self::Flat => "JSON",
            Self::Text => "text",
        }
    }
}
