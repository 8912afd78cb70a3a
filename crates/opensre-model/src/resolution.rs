//! Resolution: which instances are in effect, from which source, and what is shadowed.
//!
//! One rule, over canonical families: for each family the strongest source with at least one usable instance supplies
//! all its instances, in record order, then instance order. What a weaker source has is listed as shadowed.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Source};
use crate::instance::Instance;

/// Which source wins where several configure the same family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// The store (the rule of the Python product).
    #[default]
    Store,
    /// The environment.
    Env,
    /// Both: a union by instance name; on the same name the store's instance wins.
    Merge,
}

/// All instances in effect.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    /// The families that have at least one usable or incomplete instance, in order of first appearance.
    pub families: Vec<Family>,
    /// What did not work while loading, classifying and merging.
    pub diagnostics: Vec<Diagnostic>,
    /// Usable instances that are not in effect since a stronger source has their family (or their name).
    pub shadowed: Vec<Shadowed>,
}

/// The instances of one family.
#[derive(Debug, Clone)]
pub struct Family {
    /// Family key: canonical key, `grafana` for both Grafana keys.
    pub key: String,
    /// The usable instances; the first is the default (a remote Grafana before a local one, see [`Family::default`]).
    pub instances: Vec<Instance>,
    /// Instances of active records that are incomplete, kept visible so that `verify` can answer `missing`;
    /// filled only when the family has no usable instance.
    pub incomplete: Vec<Incomplete>,
}

/// An instance that cannot be used since something is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Instance name.
    pub name: String,
    /// Id of its record.
    pub integration_id: String,
    /// What is missing, in words.
    pub reason: String,
    /// Where it is configured.
    pub source: Source,
}

/// An instance that a stronger source hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shadowed {
    /// Family key.
    pub service: String,
    /// Instance name.
    pub instance: String,
    /// Where it is configured.
    pub source: Source,
    /// What hides it.
    pub by: Source,
}

impl Family {
    /// The default instance: the first; for Grafana the first remote one, else the first local one.
    pub fn default(&self) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.service == self.key).or_else(|| self.instances.first())
    }
}

impl Resolved {
    /// A family by its key.
    pub fn family(&self, key: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.key == key)
    }

    /// All usable instances, family by family.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.families.iter().flat_map(|family| &family.instances)
    }
}
