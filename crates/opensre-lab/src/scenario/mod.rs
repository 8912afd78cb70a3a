//! The scenario format: what stands in a YAML file under `scenarios/`, read and checked.
//!
//! The format is described for authors in `scenarios/README.md`. Nothing here generates data or listens.

mod alert;
mod check;
mod data;
mod instance;
mod offset;
mod profile;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use alert::{AlertSpec, Webhook, WebhookAlert};
pub use data::{
    Backend, Exception, Failure, LabelValue, LogLine, LogStream, Metric, MetricKind, Points, Series, Span, SpanKind,
    TraceKind,
};
pub use instance::{
    AlertRule, Annotation, Basic, DataSource, HeldAlert, Host, Instance, Service, Silence, Threshold, Token,
};
pub use offset::Offset;
pub use profile::{Change, Profile};

/// An incident (or a false alarm) to be investigated, with its known cause.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Short name, also the seed of everything that is random in it.
    pub name: String,
    /// What happens, for people.
    pub description: String,
    /// What a right investigation finds.
    pub cause: Cause,
    /// How long before `now` the trouble begins.
    pub onset_ago: Offset,
    /// How much data lies before the onset.
    #[serde(default = "default_history")]
    pub history: Offset,
    /// Distance between two samples of a series.
    #[serde(default = "default_scrape_interval")]
    pub scrape_interval: Offset,
    /// Pools of data, by name.
    #[serde(default)]
    pub backends: BTreeMap<String, Backend>,
    /// The servers.
    pub instances: Vec<Instance>,
    /// The alert that starts the investigation.
    pub alert: AlertSpec,
}

fn default_history() -> Offset {
    Offset::from_seconds(6 * 3600)
}

fn default_scrape_interval() -> Offset {
    Offset::from_seconds(15)
}

/// What is really wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its kind.
    pub category: Category,
    /// In one sentence.
    pub sentence: String,
    /// The instances that should be asked, as `service/name`. No other one should see a query.
    pub instances: Vec<String>,
    /// Words that the evidence for the cause contains (a metric, an exception, a service): what an investigation should
    /// have found.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// What looks suspicious and is not the cause.
    #[serde(default)]
    pub decoys: Vec<String>,
}

/// Kinds of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A wrong or missing setting.
    ConfigurationError,
    /// A bug, usually new with a deploy.
    CodeDefect,
    /// Bad input data.
    DataQuality,
    /// Memory, connections, threads, disk quota used up by the software itself.
    ResourceExhaustion,
    /// Something the service depends on is slow or down.
    DependencyFailure,
    /// Node, disk, network, platform.
    Infrastructure,
    /// Nothing is wrong, or not any more.
    Healthy,
    /// The evidence does not carry a verdict.
    Unknown,
}

impl Category {
    /// The word used in scenario files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ConfigurationError => "configuration_error",
            Self::CodeDefect => "code_defect",
            Self::DataQuality => "data_quality",
            Self::ResourceExhaustion => "resource_exhaustion",
            Self::DependencyFailure => "dependency_failure",
            Self::Infrastructure => "infrastructure",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a scenario cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not YAML, or not of the form of a scenario. The message names line and column and shows the place.
    #[error(
        "the scenario cannot be read: {0}\nhint: the format is described in scenarios/README.md of the crate opensre-lab"
    )]
    Syntax(String),
    /// Well formed, but something in it does not fit together.
    #[error("line {line}: {at}: {problem}")]
    Invalid {
        /// Line in the file, 1-based; the nearest known one.
        line: u64,
        /// What is wrong, by its path in the document.
        at: String,
        /// What is wrong with it, with a hint.
        problem: String,
    },
}

impl Scenario {
    /// Reads and checks a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        // Only `true` and `false` are booleans: `y` and `no` are ordinary label values.
        let options = serde_saphyr::options! { strict_booleans: true };
        let scenario: Self = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| ScenarioError::Syntax(error.to_string()))?;
        check::check(&scenario, text)?;
        Ok(scenario)
    }

    /// The instance `service/name`.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.id() == id)
    }

    /// A backend with everything that `like` brings in.
    pub(crate) fn backend(&self, name: &str) -> Option<Backend> {
        let backend = self.backends.get(name)?;
        match backend.like.as_deref().and_then(|base| self.backends.get(base)) {
            Some(base) => Some(backend.over(base)),
            None => Some(backend.clone()),
        }
    }
}
