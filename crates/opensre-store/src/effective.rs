//! What is in effect: the store's records and the environment's, resolved in the one way that every command and every
//! language binding shares.

use opensre_model::diagnostic::Severity;
use opensre_model::environment;
use opensre_model::provider::{Catalogue, EnvironmentMap};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use opensre_model::routing::RoutingTable;

use crate::store::{Loaded, Store};

/// What is in effect: the store and the environment, resolved.
#[derive(Debug)]
pub struct Effective {
    /// The instances in effect, with every diagnostic of the way there: the store's, then the environment's, then
    /// those of resolving, then those of groups and rules.
    pub resolved: Resolved,
    /// The store's records that are not active: never used, and shown all the same.
    pub inactive: Vec<Record>,
}

impl Effective {
    /// Reads the store and the variables and resolves them. Never fails for what is written in them: that is among
    /// the diagnostics. A version 1 store is migrated on the way (see [`Store::load`]).
    pub fn load(store: &Store, catalogue: &Catalogue, variables: &EnvironmentMap, precedence: Precedence) -> Self {
        Self::of(store, store.load(), catalogue, variables, precedence)
    }

    /// The same, and nothing is written: see [`Store::glance`].
    pub fn glance(store: &Store, catalogue: &Catalogue, variables: &EnvironmentMap, precedence: Precedence) -> Self {
        Self::of(store, store.glance(), catalogue, variables, precedence)
    }

    fn of(
        store: &Store,
        loaded: Loaded,
        catalogue: &Catalogue,
        variables: &EnvironmentMap,
        precedence: Precedence,
    ) -> Self {
        let Loaded { document, records: stored, diagnostics: of_store, .. } = loaded;
        let (environment, of_environment) = environment::records(catalogue, variables);
        let inactive = stored.iter().filter(|record| !record.is_active()).cloned().collect();
        let mut resolved = resolve(catalogue, stored, environment, precedence);
        resolved.diagnostics.splice(0..0, of_store.into_iter().chain(of_environment));
        let (routing, of_routing) = RoutingTable::read(catalogue, &document, &store.source());
        let of_check = routing.check(catalogue, &resolved, &store.source());
        resolved.diagnostics.extend(of_routing.into_iter().chain(of_check));
        resolved.routing = routing;
        Self { resolved, inactive }
    }

    /// What a report must say about how the instances came about.
    pub fn warnings(&self) -> Vec<String> {
        let diagnostics = self
            .resolved
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity != Severity::Note)
            .map(ToString::to_string);
        let shadowed = self.resolved.shadowed.iter().map(|shadowed| {
            format!(
                "{}/{} ({}) is not in effect: {} wins",
                shadowed.service, shadowed.instance, shadowed.source, shadowed.by
            )
        });
        diagnostics.chain(shadowed).collect()
    }
}
