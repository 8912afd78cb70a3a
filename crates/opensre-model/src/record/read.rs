//! Reading records leniently: whatever can be read is, and the rest is reported without its value.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::shape::{NotAStore, Version, is_version_1_shape, kind_of, migrate_record, scalar_text};
use super::{RawInstance, Record};
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::instance::InstanceName;
use crate::policy::RawPolicy;

/// Reads all records of a store document, in order. Never fails: a document that is no store is empty, with a
/// diagnostic that says so.
///
/// ```
/// use opensre_model::diagnostic::Source;
/// use opensre_model::record::read_document;
/// let source = Source::Store { path: "integrations.json".to_owned() };
/// let document = serde_json::json!({"version": 2, "integrations": [
///     {"id": "loki-1", "service": "loki", "status": "active", "instances": [{"name": "Prod "}]},
///     "not a record",
/// ]});
/// let (records, diagnostics) = read_document(&document, &source);
/// assert_eq!(records[0].instances[0].name, "prod");
/// assert_eq!(diagnostics.last().unwrap().reason, "integrations[1] is a text, not a record");
/// ```
pub fn read_document(document: &Json, source: &Source) -> (Vec<Record>, Vec<Diagnostic>) {
    match split(document) {
        Ok((root, entries)) => read_entries(Version::read(root.get("version")), entries, source),
        Err(error) => {
            let reason = format!("{error}; it is read as empty");
            (Vec::new(), vec![Diagnostic::new(Severity::Error, source.clone(), reason).with_hint(NotAStore::HINT)])
        }
    }
}

/// A store document's top level and its entries.
pub(super) fn split(document: &Json) -> Result<(&Map<String, Json>, &[Json]), NotAStore> {
    let Some(root) = document.as_object() else { return Err(NotAStore::TopLevel(kind_of(document))) };
    match root.get("integrations") {
        Some(Json::Array(entries)) => Ok((root, entries)),
        Some(other) => Err(NotAStore::Integrations(kind_of(other))),
        None => Err(NotAStore::NoIntegrations),
    }
}

/// Reads the entries of a store document.
pub(super) fn read_entries(version: Version, entries: &[Json], source: &Source) -> (Vec<Record>, Vec<Diagnostic>) {
    let mut records = Vec::with_capacity(entries.len());
    let mut diagnostics = Vec::new();
    match version {
        Version::One | Version::Two => {}
        Version::Newer => diagnostics.push(
            Diagnostic::new(Severity::Warning, source.clone(), "the store's version is newer than 2")
                .with_field("version")
                .with_hint("it is read as far as understood and never written; update opensre to change it"),
        ),
        Version::Unknown => diagnostics.push(
            Diagnostic::new(Severity::Warning, source.clone(), "the store's version is not understood")
                .with_field("version")
                .with_hint("it is read as far as understood and never written; set `version` to 2 if it is one"),
        ),
    }
    for (position, entry) in entries.iter().enumerate() {
        let (record, reports) = Record::from_json(entry, source, position);
        records.extend(record);
        diagnostics.extend(reports);
    }
    (records, diagnostics)
}

impl Record {
    /// Reads one record, in version 1 or version 2 shape; `position` is its index among its siblings, for messages.
    ///
    /// `None` when it cannot be a record: no object, or no service name. Everything else that is odd (wrong types,
    /// no status, duplicate instance names) is read as far as it goes and reported. A diagnostic never holds a value
    /// of the record but its service and instance names.
    pub fn from_json(value: &Json, source: &Source, position: usize) -> (Option<Self>, Vec<Diagnostic>) {
        let refusal = |reason: String, hint: &str| {
            (None, vec![Diagnostic::new(Severity::Error, source.clone(), reason).with_hint(hint)])
        };
        let place = format!("integrations[{position}]");
        let Some(written) = value.as_object() else {
            return refusal(
                format!("{place} is {}, not a record", kind_of(value)),
                "a record is an object with id, service, status and instances",
            );
        };
        let service = match written.get("service") {
            Some(Json::String(service)) if !service.trim().is_empty() => service.clone(),
            Some(Json::String(_)) | None => {
                return refusal(format!("{place} names no service"), "give it a `service`, or remove it");
            }
            Some(other) => {
                return refusal(
                    format!("the service of {place} is {}, not a text", kind_of(other)),
                    "give it a `service`, or remove it",
                );
            }
        };

        let mut reader = Reader { source, service: service.trim().to_lowercase(), diagnostics: Vec::new() };
        let version_1 = is_version_1_shape(written);
        let id = reader.id(written.get("id"), &place);
        let status = reader.status(written.get("status"), version_1, &place);
        if version_1 {
            reader.report_version_1(written, &place);
        }
        let raw = migrate_record(written);
        let instances = match raw.get("instances") {
            Some(Json::Array(entries)) => reader.instances(entries, &place),
            _ => Vec::new(),
        };
        let record = Self { id, service, status, instances, source: source.clone(), raw };
        (Some(record), reader.diagnostics)
    }
}

/// Reads one record's parts and collects what was odd about them.
struct Reader<'a> {
    source: &'a Source,
    service: String,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn warn(&mut self, instance: Option<&str>, field: &str, reason: String, hint: Option<&str>) {
        let mut diagnostic = Diagnostic::new(Severity::Warning, self.source.clone(), reason)
            .with_service(self.service.as_str())
            .with_field(field);
        diagnostic.instance = instance.map(str::to_owned);
        diagnostic.hint = hint.map(str::to_owned);
        self.diagnostics.push(diagnostic);
    }

    fn id(&mut self, written: Option<&Json>, place: &str) -> String {
        match written {
            None | Some(Json::Null) => String::new(),
            Some(value) => scalar_text(value).unwrap_or_else(|| {
                let reason = format!("the id of {place} is {}, not a text; it is read as empty", kind_of(value));
                self.warn(None, "id", reason, None);
                String::new()
            }),
        }
    }

    fn status(&mut self, written: Option<&Json>, version_1: bool, place: &str) -> String {
        let hint = Some("only a record whose `status` is exactly `active` is used");
        match written {
            None if version_1 => "active".to_owned(),
            None => {
                self.warn(None, "status", format!("{place} has no status and is not used"), hint);
                "inactive".to_owned()
            }
            Some(Json::String(status)) => {
                if status != "active" && status.trim().eq_ignore_ascii_case("active") {
                    self.warn(
                        None,
                        "status",
                        format!("the status of {place} is not spelt `active`, so it is not used"),
                        hint,
                    );
                }
                status.clone()
            }
            Some(other) => {
                let reason = format!("the status of {place} is {}, not a text, so it is not used", kind_of(other));
                self.warn(None, "status", reason, hint);
                "inactive".to_owned()
            }
        }
    }

    /// Reports what a version 1 shape has in the place of what is read.
    fn report_version_1(&mut self, written: &Map<String, Json>, place: &str) {
        if let Some(odd) = written.get("instances").filter(|value| !value.is_null()) {
            let reason = format!("the instances of {place} are {}, not a list; they are not used", kind_of(odd));
            self.warn(None, "instances", reason, None);
        }
        if let Some(odd) = written.get("credentials").filter(|value| !value.is_object()) {
            let reason = format!("the credentials of {place} are {}, not an object; they are not used", kind_of(odd));
            self.warn(Some(InstanceName::DEFAULT), "credentials", reason, None);
        }
    }

    fn instances(&mut self, entries: &[Json], place: &str) -> Vec<RawInstance> {
        if entries.is_empty() {
            self.warn(None, "instances", format!("{place} has no instances"), None);
        }
        let mut names = HashSet::new();
        let mut instances = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            let Some(entry) = entry.as_object() else {
                let reason = format!("instances[{position}] of {place} is {}, not an instance", kind_of(entry));
                let diagnostic = Diagnostic::new(Severity::Error, self.source.clone(), reason)
                    .with_service(self.service.as_str())
                    .with_hint("an instance is an object with name, tags and credentials");
                self.diagnostics.push(diagnostic);
                continue;
            };
            let instance = self.instance(entry, position);
            if !names.insert(instance.name.clone()) {
                let reason = format!("{place} has more than one instance of this name; lookups take the first");
                self.warn(Some(&instance.name), "name", reason, Some("give each instance its own name"));
            }
            instances.push(instance);
        }
        instances
    }

    fn instance(&mut self, entry: &Map<String, Json>, position: usize) -> RawInstance {
        let name = match entry.get("name") {
            None | Some(Json::Null) => InstanceName::new(""),
            Some(Json::String(name)) => InstanceName::new(name),
            Some(other) => {
                let text = scalar_text(other);
                let read_as = if text.is_some() { "it is read as text" } else { "it is read as `default`" };
                let name = InstanceName::new(&text.unwrap_or_default());
                let reason = format!("the name of instances[{position}] is {}; {read_as}", kind_of(other));
                self.warn(Some(name.as_str()), "name", reason, Some("write the name as a text"));
                name
            }
        };
        let name = name.as_str();
        let tags = self.object(entry, "tags", name);
        let credentials = self.object(entry, "credentials", name);
        if !entry.contains_key("credentials") {
            let hint = Some("the fields of an instance in the store stand inside its `credentials`");
            self.warn(Some(name), "credentials", "the instance has no credentials".to_owned(), hint);
        }
        // Whether pins and policies can be read is decided with the instance: what cannot must not pass for none.
        let expect = entry.get("expect").filter(|expect| !expect.is_null()).cloned();
        let policy = RawPolicy::of(entry);
        RawInstance { name: name.to_owned(), tags, expect, policy, credentials }
    }

    /// An object of an instance; anything else is empty and reported. Null tags are simply none.
    fn object(&mut self, entry: &Map<String, Json>, key: &str, name: &str) -> Map<String, Json> {
        match entry.get(key) {
            Some(Json::Object(map)) => map.clone(),
            None => Map::new(),
            Some(Json::Null) if key == "tags" => Map::new(),
            Some(other) => {
                let reason = format!("the {key} are {}, not an object; they are read as empty", kind_of(other));
                self.warn(Some(name), key, reason, None);
                Map::new()
            }
        }
    }
}
