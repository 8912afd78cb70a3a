//! A route as data that may be printed: no field of an instance is in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::alert::Labels;

use super::{AppliedPolicy, AppliedRule, GroupUse, Rejected, Route, RouteStep};

/// The route of one service, with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Family key.
    pub service: String,
    /// The chosen instances, in order; empty when none may be asked.
    pub chosen: Vec<ChosenInstance>,
    /// Which step decided.
    pub step: RouteStep,
    /// Why, in words.
    pub reason: String,
    /// The path in the alert that decided, where one did.
    pub path: Option<String>,
    /// The routing rules that named something.
    pub rules: Vec<AppliedRule>,
    /// The groups that were named.
    pub groups: Vec<GroupUse>,
    /// The policies of instances that were up to be chosen.
    pub policies: Vec<AppliedPolicy>,
    /// What was considered and rejected.
    pub rejected: Vec<Rejected>,
    /// What a person must know.
    pub warnings: Vec<String>,
    /// Why nothing may be asked at all, if so.
    pub refused: Option<String>,
}

/// A chosen instance.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChosenInstance {
    /// Its name.
    pub instance: String,
    /// Canonical service key, where the service is a family of several (`grafana_local`).
    pub key: String,
    /// Its tags.
    pub tags: Labels,
    /// Id of the record it came from.
    pub integration_id: String,
    /// Where it is configured, in words.
    pub source: String,
    /// Why this one.
    pub why: String,
}

impl Route<'_> {
    /// The route as data that may be printed.
    pub fn explain(&self) -> Explanation {
        let chosen = self.chosen.iter().zip(&self.reasons).map(|(instance, why)| ChosenInstance {
            instance: instance.name.to_string(),
            key: instance.service.clone(),
            tags: instance.tags.iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            integration_id: instance.integration_id.clone(),
            source: instance.source.to_string(),
            why: why.clone(),
        });
        Explanation {
            service: self.service.clone(),
            chosen: chosen.collect(),
            step: self.step,
            reason: self.reason.clone(),
            path: self.path.clone(),
            rules: self.rules.clone(),
            groups: self.groups.clone(),
            policies: self.policies.clone(),
            rejected: self.rejected.clone(),
            warnings: self.warnings.clone(),
            refused: self.refusal().map(str::to_owned),
        }
    }
}
