//! Choosing the instances that an alert is about: one function for every provider, which explains itself.

use serde::Serialize;

use crate::instance::Instance;

/// How instances are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoutingMode {
    /// Command line, hint, the alert's own URLs and ids, agreeing tags, default.
    #[default]
    Full,
    /// Command line, hint, default: the rule of the Python product.
    Hints,
}

/// `--instance SERVICE=WANTED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitChoice {
    /// The service as written.
    pub service: String,
    /// A name, a comma list of names, or a tag selector.
    pub wanted: String,
}

/// Which step of the rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteStep {
    /// `--instance` on the command line.
    CommandLine,
    /// A `<service>_instance` hint in the alert.
    Hint,
    /// A URL or id of the alert that belongs to the instance.
    Identifier,
    /// Tags that agree with the alert's labels.
    Tags,
    /// The default (first) instance.
    Default,
    /// Nothing could be chosen.
    None,
}

/// One instance that was considered and not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Rejected {
    /// The instance's name.
    pub instance: String,
    /// Why not.
    pub why: String,
}

/// The route of one service (family): which instances are asked, and why these.
#[derive(Debug, Clone)]
pub struct Route<'a> {
    /// Family key.
    pub service: String,
    /// The chosen instances, in resolution order; empty when none may be asked.
    pub chosen: Vec<&'a Instance>,
    /// Which step decided.
    pub step: RouteStep,
    /// Why, in words.
    pub reason: String,
    /// The path in the alert that decided (`annotations.grafana_instance`), where one did.
    pub path: Option<String>,
    /// What was considered and rejected.
    pub rejected: Vec<Rejected>,
    /// What a person must know: unknown hint, tie, disagreeing alerts.
    pub warnings: Vec<String>,
}
