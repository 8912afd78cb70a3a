//! Resolution: which instances are in effect, from which source, and what is shadowed.
//!
//! One rule, over canonical families: for each family the strongest source with at least one usable instance supplies
//! all its instances, in record order, then instance order. What a weaker source has is listed as shadowed. The work
//! grows linearly with the number of instances.

mod family;
mod references;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::classify::{self, Outcome};
use crate::diagnostic::{Diagnostic, Source};
use crate::instance::Instance;
use crate::provider::Catalogue;
use crate::record::{RawInstance, Record};
use crate::routing::RoutingTable;
use crate::wording::quoted;

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

impl Precedence {
    /// The word that stands for it in `OPENSRE_PRECEDENCE` and `--precedence`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Env => "env",
            Self::Merge => "merge",
        }
    }
}

impl fmt::Display for Precedence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no precedence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown precedence {written}\nhint: choose `store`, `env` or `merge`")]
pub struct UnknownPrecedence {
    /// The word, in backticks, fit to be shown.
    pub written: String,
}

impl FromStr for Precedence {
    type Err = UnknownPrecedence;

    /// Reads `store`, `env` or `merge`, trimmed, in any letter case.
    ///
    /// ```
    /// use opensre_model::resolution::Precedence;
    /// assert_eq!(" Merge ".parse(), Ok(Precedence::Merge));
    /// assert!("both".parse::<Precedence>().is_err());
    /// ```
    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let word = written.trim().to_lowercase();
        [Self::Store, Self::Env, Self::Merge]
            .into_iter()
            .find(|precedence| precedence.as_str() == word)
            .ok_or_else(|| UnknownPrecedence { written: quoted(written) })
    }
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
    /// The active records behind the families, the stronger source's first: what the compatible view publishes as
    /// `_all`. They hold secrets.
    pub records: Vec<Record>,
    /// For each family, for each of its usable instances: where in [`Resolved::records`] it was written.
    pub origins: Vec<Vec<Origin>>,
    /// Groups, routing rules and what to do in doubt: standing decisions about these instances. [`resolve`] knows of
    /// none; whoever loads a store puts them here.
    pub routing: RoutingTable,
}

/// Where an instance was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index in [`Resolved::records`].
    pub record: usize,
    /// Index among that record's instances.
    pub instance: usize,
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

    /// What was written for a family's instance; `position` is its place in [`Family::instances`].
    pub fn written(&self, family: &str, position: usize) -> Option<&RawInstance> {
        let family = self.families.iter().position(|candidate| candidate.key == family)?;
        let origin = self.origins.get(family)?.get(position)?;
        self.records.get(origin.record)?.instances.get(origin.instance)
    }

    /// All usable instances, family by family.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.families.iter().flat_map(|family| &family.instances)
    }
}

/// The instances in effect among the records of the store and of the environment.
///
/// Records are classified on the way; inactive ones are never used and hide nothing. A family that no source has a
/// usable instance of stays visible with what is incomplete.
///
/// Records are taken as slices or, by whoever no longer needs them, as vectors: those are kept without being copied,
/// which would be most of the work.
pub fn resolve<'a>(
    catalogue: &Catalogue,
    store: impl Into<Cow<'a, [Record]>>,
    environment: impl Into<Cow<'a, [Record]>>,
    precedence: Precedence,
) -> Resolved {
    resolve_sides(catalogue, store.into(), environment.into(), precedence)
}

fn resolve_sides(
    catalogue: &Catalogue,
    store: Cow<'_, [Record]>,
    environment: Cow<'_, [Record]>,
    precedence: Precedence,
) -> Resolved {
    let sides = match precedence {
        Precedence::Store | Precedence::Merge => [store, environment],
        Precedence::Env => [environment, store],
    };
    let mut resolved = Resolved::default();
    let gathered = gather(catalogue, &sides, &mut resolved.diagnostics);
    let settled: Vec<family::Settled> =
        gathered.into_iter().map(|gathered| family::settle(gathered, precedence)).collect();

    let places = keep_records(sides, &settled, &mut resolved.records);
    for settled in settled {
        resolved.diagnostics.extend(settled.diagnostics);
        resolved.shadowed.extend(settled.shadowed);
        if settled.family.instances.is_empty() && settled.family.incomplete.is_empty() {
            continue;
        }
        let origin = |place: &Place| {
            let record = places[place.side].get(place.record).copied().flatten()?;
            Some(Origin { record, instance: place.instance })
        };
        resolved.origins.push(settled.places.iter().filter_map(origin).collect());
        resolved.families.push(settled.family);
    }
    let dangling = references::dangling(catalogue, &resolved);
    resolved.diagnostics.extend(dangling);
    resolved
}

/// Where among the two sides' records an instance is written; side 0 is the stronger.
#[derive(Clone, Copy)]
struct Place {
    side: usize,
    record: usize,
    instance: usize,
}

/// Everything that is written about one family.
struct Gathered {
    key: String,
    /// Per side the active records, by index, and what their instances are, in order.
    records: [Vec<usize>; 2],
    outcomes: [Vec<(Place, Outcome)>; 2],
}

/// Classifies all records and groups them by family, in order of first appearance.
fn gather(catalogue: &Catalogue, sides: &[Cow<'_, [Record]>; 2], diagnostics: &mut Vec<Diagnostic>) -> Vec<Gathered> {
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (side, records) in sides.iter().enumerate() {
        for (index, record) in records.iter().enumerate() {
            let (outcomes, reports) = classify::outcomes(catalogue, record);
            diagnostics.extend(reports);
            if !record.is_active() {
                continue;
            }
            let key = catalogue.family(&record.service);
            let position = *positions.entry(key.clone()).or_insert_with(|| {
                gathered.push(Gathered { key, records: Default::default(), outcomes: Default::default() });
                gathered.len() - 1
            });
            let family = &mut gathered[position];
            family.records[side].push(index);
            let place = |instance| Place { side, record: index, instance };
            family.outcomes[side].extend(outcomes.into_iter().enumerate().map(|(at, outcome)| (place(at), outcome)));
        }
    }
    gathered
}

/// Keeps the records that stand behind the families, each side in written order; returns where each went.
fn keep_records(
    sides: [Cow<'_, [Record]>; 2],
    settled: &[family::Settled],
    kept: &mut Vec<Record>,
) -> [Vec<Option<usize>>; 2] {
    let mut places = [const { Vec::new() }; 2];
    for (side, records) in sides.into_iter().enumerate() {
        let mut wanted = vec![false; records.len()];
        for index in settled.iter().flat_map(|settled| &settled.records[side]) {
            wanted[*index] = true;
        }
        let mut next = kept.len()..;
        places[side] = wanted.iter().map(|is_wanted| if *is_wanted { next.next() } else { None }).collect();
        let is_wanted = |index: usize| wanted[index];
        match records {
            Cow::Borrowed(records) => {
                kept.extend(
                    records.iter().enumerate().filter(|(at, _)| is_wanted(*at)).map(|(_, record)| record.clone()),
                );
            }
            Cow::Owned(records) => {
                kept.extend(records.into_iter().enumerate().filter(|(at, _)| is_wanted(*at)).map(|(_, record)| record));
            }
        }
    }
    places
}
