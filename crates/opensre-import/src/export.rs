//! The way out: the instances in effect as a store, or as `_INSTANCES` variables.
//!
//! Unless secrets are revealed, each that stands in clear becomes a reference to a variable, and the list of these
//! variables is returned for the person to set. References stay what they are.

use opensre_model::provider::Catalogue;
use opensre_model::record::{RawInstance, Record};
use opensre_model::resolution::Resolved;
use serde_json::{Map, Value as Json, json};

use crate::settle::{self, Settled};
use crate::sources::opensre;

pub use crate::settle::ToSet;

/// What is exported: written as it stands, apart from its secrets.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The instances, in effective order.
    instances: Vec<Instance>,
    /// Variables to set where the export is used.
    pub to_set: Vec<ToSet>,
    /// Things to know.
    pub notes: Vec<String>,
}

#[derive(Clone)]
struct Instance {
    family: String,
    service: String,
    record_id: String,
    entry: Map<String, Json>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("service", &self.service).finish_non_exhaustive()
    }
}

/// An `_INSTANCES` variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value: a JSON array in one line.
    pub value: String,
}

/// Takes the instances in effect for which `wanted(family, name)` holds. `reveal` takes their secrets along in clear.
pub fn instances(
    catalogue: &Catalogue,
    resolved: &Resolved,
    reveal: bool,
    wanted: impl Fn(&str, &str) -> bool,
) -> Exported {
    let mut exported = Exported::default();
    for (family, origins) in resolved.families.iter().zip(&resolved.origins) {
        for (instance, origin) in family.instances.iter().zip(origins) {
            if !wanted(&family.key, instance.name.as_str()) {
                continue;
            }
            let Some(record) = resolved.records.get(origin.record) else { continue };
            let Some(raw) = record.instances.get(origin.instance) else { continue };
            exported.add(catalogue, &family.key, record, raw, origin.instance, reveal);
        }
    }
    exported
}

impl Exported {
    fn add(
        &mut self,
        catalogue: &Catalogue,
        family: &str,
        record: &Record,
        raw: &RawInstance,
        position: usize,
        reveal: bool,
    ) {
        let entries = record.raw.get("instances").and_then(Json::as_array);
        let written = entries.into_iter().flatten().filter_map(Json::as_object).nth(position);
        let proposal = opensre::proposal(catalogue, record, raw, written);
        let spec = catalogue.find(&record.service);
        let Settled { instance, extra, to_set, notes, .. } = settle::settle(spec, family, &proposal, reveal, reveal);
        for note in notes {
            self.notes.push(format!("{family}/{}: {note}", raw.name));
        }
        self.to_set.extend(to_set);
        let mut entry = Map::new();
        entry.insert("name".to_owned(), json!(instance.name));
        entry.insert("tags".to_owned(), Json::Object(instance.tags));
        if let Some(expect) = instance.expect {
            entry.insert("expect".to_owned(), expect);
        }
        entry.extend(extra);
        entry.insert("credentials".to_owned(), Json::Object(instance.credentials));
        let service = catalogue.canonical(&record.service);
        self.instances.push(Instance { family: family.to_owned(), service, record_id: record.id.clone(), entry });
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// As a version 2 store, with one record for each that there was. `settings` are groups and routing rules.
    pub fn store(&self, settings: &Map<String, Json>) -> Json {
        let mut records: Vec<(&Instance, Vec<Json>)> = Vec::new();
        for instance in &self.instances {
            let entry = Json::Object(instance.entry.clone());
            let same = |(first, _): &&mut (&Instance, Vec<Json>)| {
                (&first.service, &first.record_id) == (&instance.service, &instance.record_id)
            };
            match records.iter_mut().find(same) {
                Some((_, entries)) => entries.push(entry),
                None => records.push((instance, vec![entry])),
            }
        }
        let records: Vec<Json> = records
            .into_iter()
            .map(|(first, entries)| {
                json!({"id": first.record_id, "service": first.service, "status": "active", "instances": entries})
            })
            .collect();
        let mut root = Map::new();
        root.insert("version".to_owned(), json!(2));
        root.insert("integrations".to_owned(), Json::Array(records));
        root.extend(settings.iter().map(|(key, value)| (key.clone(), value.clone())));
        Json::Object(root)
    }

    /// As variables, one for each family that has one; the families that have none are returned too.
    pub fn variables(&self, catalogue: &Catalogue) -> (Vec<Variable>, Vec<String>) {
        let mut variables: Vec<(&str, &str, Vec<Json>)> = Vec::new();
        let mut without: Vec<String> = Vec::new();
        for instance in &self.instances {
            let spec = catalogue.find(&instance.family);
            let Some(name) = spec.and_then(|spec| spec.instances_variable) else {
                if !without.contains(&instance.family) {
                    without.push(instance.family.clone());
                }
                continue;
            };
            let entry = Json::Object(instance.entry.clone());
            match variables.iter_mut().find(|(family, ..)| *family == instance.family) {
                Some((.., entries)) => entries.push(entry),
                None => variables.push((&instance.family, name, vec![entry])),
            }
        }
        let variables = variables
            .into_iter()
            .map(|(_, name, entries)| Variable { name: name.to_owned(), value: Json::Array(entries).to_string() })
            .collect();
        (variables, without)
    }

    /// Addresses of instances with a `${exec:..}` reference, which is honoured in a store only.
    pub fn with_commands(&self) -> Vec<String> {
        let has = |value: &Json| value.as_str().is_some_and(|text| text.trim_start().starts_with("${exec:"));
        self.instances
            .iter()
            .filter(|instance| {
                let fields = instance.entry.get("credentials").and_then(Json::as_object);
                fields
                    .into_iter()
                    .flatten()
                    .any(|(_, value)| has(value) || value.as_object().is_some_and(|map| map.values().any(has)))
            })
            .filter_map(|instance| Some(format!("{}/{}", instance.family, instance.entry.get("name")?.as_str()?)))
            .collect()
    }
}

impl Variable {
    /// For a POSIX shell: `export NAME='...'`.
    pub fn shell(&self) -> String {
        format!("export {}='{}'", self.name, self.value.replace('\'', r"'\''"))
    }

    /// For a `.env` file: `NAME="..."`, where a backslash stands before a quote, a backslash and a dollar.
    pub fn dotenv(&self) -> String {
        let mut value = String::with_capacity(self.value.len());
        for character in self.value.chars() {
            if matches!(character, '"' | '\\' | '$' | '`') {
                value.push('\\');
            }
            value.push(character);
        }
        format!("{}=\"{value}\"", self.name)
    }
}
