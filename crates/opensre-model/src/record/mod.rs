//! Records as they are written: the lenient layer over the store's JSON and the variables.
//!
//! A record is read whatever its shape; version 1 shapes are migrated on the fly; what was odd is a diagnostic.
//! What a record *means* (types, defaults, whether it can be used) is decided later and never here.

mod document;
mod edit;
mod read;
mod routing;
mod shape;

pub use document::{Document, RecordSummary, StoredInstance};
pub use edit::{EditError, Upserted};
pub use read::read_document;
pub use shape::{NotAStore, Version, is_version_1_shape, migrate_record};

use serde_json::{Map, Value as Json};

use crate::diagnostic::Source;
use crate::policy::RawPolicy;

pub(crate) use shape::{kind_of, scalar_text};

/// One record of the store, or of an environment variable.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// Its id; empty when the store has none.
    pub id: String,
    /// The service as written.
    pub service: String,
    /// Its status as written; only exactly `active` is used. Absent, it is `active` in the version 1 shape and
    /// `inactive` in the version 2 shape; one that is no text is `inactive`.
    pub status: String,
    /// Its instances, in order. Version 1 shapes have one, `default`.
    pub instances: Vec<RawInstance>,
    /// Where it came from.
    pub source: Source,
    /// The record as JSON in version 2 shape, unknown keys included. Holds secrets.
    pub raw: Map<String, Json>,
}

/// One instance as written.
#[derive(Clone, PartialEq, Default)]
pub struct RawInstance {
    /// Its name, trimmed and lower-cased; `default` when absent, null or blank.
    pub name: String,
    /// Its tags as written.
    pub tags: Map<String, Json>,
    /// Its pin (`expect`) as written, if it has one.
    pub expect: Option<Json>,
    /// Its policies as written.
    pub policy: RawPolicy,
    /// Its fields as written. Holds secrets.
    pub credentials: Map<String, Json>,
}

impl RawInstance {
    /// The keys of an instance beside its policies ([`RawPolicy::KEYS`]).
    pub const KEYS: [&'static str; 4] = ["name", "tags", "expect", "credentials"];
}

impl Record {
    /// Whether the record is used at all.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("service", &self.service)
            .field("status", &self.status)
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RawInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawInstance").field("name", &self.name).finish_non_exhaustive()
    }
}
