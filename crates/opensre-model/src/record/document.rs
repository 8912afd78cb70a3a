//! A store document in memory: the raw JSON, unknown keys included, and what can be asked of it.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use super::read::{read_entries, split};
use super::shape::{NotAStore, Version, is_version_1_shape, migrate_record};
use super::{RawInstance, Record};
use crate::diagnostic::{Diagnostic, Source};
use crate::instance::Word;
use crate::provider::Catalogue;
use crate::selector::{Candidate, rule};

/// A store document: an object with an `integrations` list, every other key kept as it is.
///
/// Whatever this program does not understand (keys, entries that are no records, instances that are no objects)
/// passes through every change untouched and in place. Services are compared by their canonical keys, names and
/// tags trimmed and lower-cased. Holds secrets.
///
/// ```
/// use opensre_model::{provider::Catalogue, record::{Document, RawInstance}};
/// let catalogue = Catalogue::new(vec![]);
/// let mut document = Document::empty();
/// let instance = RawInstance { name: "prod".to_owned(), ..RawInstance::default() };
/// let outcome = document.upsert_instance(&catalogue, "Loki", &instance, None, 0xc0ffee);
/// assert_eq!(outcome.record_id, "loki-00c0ffee");
/// assert!(document.instance(&catalogue, "loki", Some(" PROD"), &[]).is_some());
/// ```
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The top level; a null holds the place of `integrations`.
    pub(super) root: Map<String, Json>,
    /// The elements of `integrations`.
    pub(super) entries: Vec<Json>,
}

/// What a listing says about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSummary {
    /// The service as written.
    pub service: String,
    /// The status as written; only exactly `active` is used.
    pub status: String,
    /// The record's id.
    pub id: String,
    /// The names of its instances, in order.
    pub instances: Vec<String>,
}

/// An instance of the store together with the id of its record.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredInstance {
    /// The instance as written.
    pub instance: RawInstance,
    /// The id of its record.
    pub integration_id: String,
}

impl Document {
    /// A version 2 document without records: what a missing store is.
    pub fn empty() -> Self {
        let mut root = Map::new();
        root.insert("version".to_owned(), json!(2));
        root.insert("integrations".to_owned(), Json::Null);
        Self { root, entries: Vec::new() }
    }

    /// Takes a JSON document for a store, if it has the shape of one.
    pub fn from_json(document: Json) -> Result<Self, NotAStore> {
        split(&document)?;
        let Json::Object(mut root) = document else { return Err(NotAStore::NoIntegrations) };
        // Taking the list out leaves null in its place, so that `into_json` puts it back where it stood.
        match root.get_mut("integrations").map(Json::take) {
            Some(Json::Array(entries)) => Ok(Self { root, entries }),
            _ => Err(NotAStore::NoIntegrations),
        }
    }

    /// The document as JSON, for writing. Holds secrets.
    pub fn into_json(self) -> Json {
        let mut root = self.root;
        root.insert("integrations".to_owned(), Json::Array(self.entries));
        Json::Object(root)
    }

    /// The document's version.
    pub fn version(&self) -> Version {
        Version::read(self.root.get("version"))
    }

    /// What stands at the document's top level beside `version` and `integrations`, such as `groups`.
    pub fn top_level(&self, key: &str) -> Option<&Json> {
        self.root.get(key).filter(|value| key != "integrations" && !value.is_null())
    }

    /// Makes a version 1 document one of version 2: every record in version 2 shape, everything else as it was.
    /// Entries that are no records stay as they are.
    pub fn migrate(&mut self) {
        for entry in &mut self.entries {
            if service_of(entry).is_some()
                && let Json::Object(record) = entry
                && is_version_1_shape(record)
            {
                *record = migrate_record(record);
            }
        }
        if let Some(version) = self.root.get_mut("version") {
            *version = json!(2);
        } else {
            self.root.shift_insert(0, "version".to_owned(), json!(2));
        }
    }

    /// All records, in order, and what was odd about them.
    pub fn records(&self, source: &Source) -> (Vec<Record>, Vec<Diagnostic>) {
        read_entries(self.version(), &self.entries, source)
    }

    /// What a listing shows: every record, inactive ones included, in order.
    pub fn list(&self) -> Vec<RecordSummary> {
        self.read()
            .map(|record| RecordSummary {
                instances: record.instances.into_iter().map(|instance| instance.name).collect(),
                service: record.service,
                status: record.status,
                id: record.id,
            })
            .collect()
    }

    /// The first active record of a service, in version 2 shape, with a top-level `credentials` that are those of
    /// its first instance (what users of version 1 read). Holds secrets.
    pub fn record(&self, catalogue: &Catalogue, service: &str) -> Option<Map<String, Json>> {
        let record = self.active(catalogue, service).next()?;
        let credentials = record.instances.into_iter().next().unwrap_or_default().credentials;
        let mut copy = record.raw;
        copy.insert("credentials".to_owned(), Json::Object(credentials));
        Some(copy)
    }

    /// The instances of all active records of a service, in order.
    pub fn instances(&self, catalogue: &Catalogue, service: &str) -> Vec<StoredInstance> {
        self.active(catalogue, service)
            .flat_map(|record| {
                let id = record.id;
                record
                    .instances
                    .into_iter()
                    .map(move |instance| StoredInstance { instance, integration_id: id.clone() })
            })
            .collect()
    }

    /// The first instance of a service that has the name and all the tags; without criterion, the first. A blank
    /// name, and a tag with a blank name or value, match nothing.
    pub fn instance(
        &self,
        catalogue: &Catalogue,
        service: &str,
        name: Option<&str>,
        tags: &[(&str, &str)],
    ) -> Option<StoredInstance> {
        let name = name.map(Word::new);
        let (None | Some(Some(_)), Some(tags)) = (&name, rule::words(tags.iter().copied())) else { return None };
        self.instances(catalogue, service).into_iter().find(|stored| {
            name.iter().flatten().all(|name| stored.is_named(name))
                && tags.iter().all(|(tag, value)| stored.carries(tag, value))
        })
    }

    fn read(&self) -> impl Iterator<Item = Record> {
        self.entries.iter().filter_map(read_entry)
    }

    fn active(&self, catalogue: &Catalogue, service: &str) -> impl Iterator<Item = Record> {
        let key = catalogue.canonical(service);
        self.read().filter(move |record| record.is_active() && catalogue.canonical(&record.service) == key)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("records", &self.list()).finish_non_exhaustive()
    }
}

/// Reads an entry where nobody asks what was odd about it.
pub(super) fn read_entry(entry: &Json) -> Option<Record> {
    Record::from_json(entry, &Source::Store { path: String::new() }, 0).0
}

/// The service that an entry names, as written; `None` when it is no record.
pub(super) fn service_of(entry: &Json) -> Option<&str> {
    entry.get("service").and_then(Json::as_str).filter(|service| !service.trim().is_empty())
}
