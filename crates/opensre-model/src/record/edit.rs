//! Changes of a store document. Pure: a document in, the same document changed, everything else in it untouched.

use serde_json::{Map, Value as Json, json};

use super::document::{read_entry, service_of};
use super::shape::{is_version_1_shape, migrate_record, scalar_text};
use super::{Document, RawInstance, Record};
use crate::instance::InstanceName;
use crate::policy::RawPolicy;
use crate::provider::Catalogue;

/// What an upsert did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// The record that now has the instance.
    pub record_id: String,
    /// The instance's name, normalised.
    pub name: String,
    /// Whether an instance of that name was replaced; otherwise it was appended.
    pub replaced: bool,
    /// Whether the record had to be made.
    pub record_created: bool,
    /// Whether the record is active. An instance in an inactive record is never used: say so.
    pub active: bool,
}

/// Why a change of a document makes no sense. The document is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The new name belongs to another instance of the service.
    #[error("{service} already has an instance named {name}")]
    NameTaken {
        /// Canonical service key.
        service: String,
        /// The name, normalised.
        name: String,
    },
    /// A name was blank.
    #[error("an instance's name must not be blank")]
    BlankName,
    /// There is a group of that name.
    #[error("there is a group {name} already")]
    GroupExists {
        /// The name, normalised.
        name: String,
    },
    /// There is no rule at that place.
    #[error("there is no place {place} among {count} routing rules; places are counted from 1")]
    NoRule {
        /// The place, counted from 1.
        place: usize,
        /// How many rules there are.
        count: usize,
    },
    /// What stands in the place of groups or rules is something else, and is not written over.
    #[error("the store's `{key}` is {kind}; repair it by hand")]
    NotReadable {
        /// The key.
        key: &'static str,
        /// What stands there.
        kind: &'static str,
    },
}

impl Document {
    /// Puts an instance into the store; the whole instance is replaced when there is one of that name (its unknown
    /// keys stay), otherwise it is appended. Its siblings and all other records stay as they are.
    ///
    /// The record is the first of the service, or the first with `record_id` when one is given. Of several records
    /// one that already has the name goes first, then an active one. Without such a record one is made, active,
    /// with `record_id` or an id drawn from `random`.
    pub fn upsert_instance(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        instance: &RawInstance,
        record_id: Option<&str>,
        random: u32,
    ) -> Upserted {
        let mut entry = Map::new();
        entry.insert("name".to_owned(), Json::String(InstanceName::new(&instance.name).to_string()));
        entry.insert("tags".to_owned(), Json::Object(instance.tags.clone()));
        entry.insert("credentials".to_owned(), Json::Object(instance.credentials.clone()));
        if let Some(expect) = &instance.expect {
            entry.insert("expect".to_owned(), expect.clone());
        }
        for (key, value) in instance.policy.iter() {
            entry.insert(key.to_owned(), value.clone());
        }
        let [explicit, from] = RawPolicy::KEYS;
        self.put(catalogue, service, entry, &["expect", explicit, from], record_id, random).1
    }

    /// Puts a record's instances into the store, one by one, as [`Document::upsert_instance`] does. A version 1 shape
    /// is one instance `default` and touches nothing else; of a version 2 shape the other keys (its status, unknown
    /// ones) are set on the record too. Entries of `instances` that are no objects are passed over.
    pub fn upsert_record(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        record: &Map<String, Json>,
        random: u32,
    ) -> Vec<Upserted> {
        let id = record.get("id").and_then(scalar_text).filter(|id| !id.is_empty());
        let migrated = migrate_record(record);
        let Some(Json::Array(instances)) = migrated.get("instances") else { return Vec::new() };
        let mut outcomes = Vec::new();
        let mut first = None;
        for instance in instances.iter().filter_map(Json::as_object) {
            let mut instance = instance.clone();
            let name = name_of(&instance);
            instance.insert("name".to_owned(), Json::String(name));
            let (index, outcome) = self.put(catalogue, service, instance, &[], id.as_deref(), random);
            first.get_or_insert(index);
            outcomes.push(outcome);
        }
        if !is_version_1_shape(record)
            && let Some(Json::Object(target)) = first.and_then(|index| self.entries.get_mut(index))
        {
            for (key, value) in record {
                if !["id", "service", "instances"].contains(&key.as_str()) {
                    target.insert(key.clone(), value.clone());
                }
            }
            let active = target.get("status").and_then(Json::as_str) == Some("active");
            let record_id = target.get("id").and_then(scalar_text).unwrap_or_default();
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.record_id == record_id) {
                outcome.active = active;
            }
        }
        outcomes
    }

    /// Replaces every record of a service by this one, which stands where the first of them stood. Siblings are
    /// lost: only for a person who has confirmed just that. Returns the id: the record's own, else that of the first
    /// replaced, else a new one.
    pub fn replace_record(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        record: &Map<String, Json>,
        random: u32,
    ) -> String {
        let key = catalogue.canonical(service);
        let own = record.get("id").and_then(scalar_text).filter(|id| !id.is_empty());
        let old = self.entries.iter().filter(|entry| is_of(catalogue, entry, &key)).find_map(read_entry);
        let id = own
            .or_else(|| old.as_ref().map(|record| record.id.clone()).filter(|id| !id.is_empty()))
            .unwrap_or_else(|| self.unused_id(&key, random));
        let mut replacement = migrate_record(record);
        replacement.insert("id".to_owned(), Json::String(id.clone()));
        replacement
            .insert("service".to_owned(), Json::String(old.map_or_else(|| key.clone(), |record| record.service)));
        replacement.entry("status").or_insert_with(|| json!("active"));

        let position = self.entries.iter().position(|entry| is_of(catalogue, entry, &key));
        self.entries.retain(|entry| !is_of(catalogue, entry, &key));
        let position = position.unwrap_or(self.entries.len());
        self.entries.insert(position, Json::Object(replacement));
        id
    }

    /// Removes the instances of that name from every record of the service; a record that this empties goes with
    /// them. Returns whether there was one. A blank name removes nothing.
    pub fn remove_instance(&mut self, catalogue: &Catalogue, service: &str, name: &str) -> bool {
        let mut removed = false;
        self.change_records(catalogue, service, |record| {
            let Some(instances) = instances_mut(record) else { return Keep::AsItWas };
            let before = instances.len();
            instances.retain(|entry| !is_named(entry, name));
            if instances.len() == before {
                return Keep::AsItWas;
            }
            removed = true;
            if instances.is_empty() { Keep::Not } else { Keep::Changed }
        });
        removed
    }

    /// Removes all records of a service, active or not. Returns how many there were.
    pub fn remove_record(&mut self, catalogue: &Catalogue, service: &str) -> usize {
        let key = catalogue.canonical(service);
        let before = self.entries.len();
        self.entries.retain(|entry| !is_of(catalogue, entry, &key));
        before - self.entries.len()
    }

    /// Renames the instances of a name. Returns whether there was one.
    pub fn rename_instance(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, EditError> {
        if to.trim().is_empty() {
            return Err(EditError::BlankName);
        }
        let to = InstanceName::new(to);
        let key = catalogue.canonical(service);
        let taken = self
            .entries
            .iter()
            .filter(|entry| is_of(catalogue, entry, &key))
            .filter_map(read_entry)
            .any(|record| record.instances.iter().any(|instance| instance.name == to.as_str()));
        if taken && !to.answers_to(from) {
            return Err(EditError::NameTaken { service: key, name: to.to_string() });
        }
        let mut renamed = false;
        self.change_records(catalogue, service, |record| {
            let mut keep = Keep::AsItWas;
            for entry in instances_mut(record).into_iter().flatten() {
                if is_named(entry, from)
                    && let Json::Object(instance) = entry
                {
                    instance.insert("name".to_owned(), Json::String(to.to_string()));
                    keep = Keep::Changed;
                    renamed = true;
                }
            }
            keep
        });
        Ok(renamed)
    }

    /// Makes an instance the default one: the first of its record, and its record the first of the service. Looks at
    /// active records only, since an inactive one is never the default. Returns whether there was one.
    pub fn make_default(&mut self, catalogue: &Catalogue, service: &str, name: &str) -> bool {
        let key = catalogue.canonical(service);
        let own: Vec<usize> =
            (0..self.entries.len()).filter(|index| is_of(catalogue, &self.entries[*index], &key)).collect();
        for index in &own {
            let Some(record) = read_entry(&self.entries[*index]).filter(Record::is_active) else { continue };
            let mut raw = record.raw;
            let Some(instances) = instances_mut(&mut raw) else { continue };
            let Some(position) = instances.iter().position(|entry| is_named(entry, name)) else { continue };
            if position > 0 {
                let instance = instances.remove(position);
                instances.insert(0, instance);
                self.entries[*index] = Json::Object(raw);
            }
            // The record takes the first of the service's places; those before it move up by one, others stay.
            let mut target = *index;
            for place in own.iter().rev().filter(|place| **place < *index) {
                self.entries.swap(*place, target);
                target = *place;
            }
            return true;
        }
        false
    }

    /// Sets the status of the records of a service, or of the one with `record_id`. Returns how many there were.
    pub fn set_status(&mut self, catalogue: &Catalogue, service: &str, record_id: Option<&str>, status: &str) -> usize {
        let mut count = 0;
        self.change_records(catalogue, service, |record| {
            let id = record.get("id").and_then(scalar_text).unwrap_or_default();
            if record_id.is_some_and(|wanted| wanted != id) {
                return Keep::AsItWas;
            }
            count += 1;
            record.insert("status".to_owned(), Json::String(status.to_owned()));
            Keep::Changed
        });
        count
    }

    /// Puts a raw instance, whose name is normalised, into its record; returns the record's index too. Of an instance
    /// that it replaces, the `replaced_keys` do not stay.
    fn put(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        instance: Map<String, Json>,
        replaced_keys: &[&str],
        record_id: Option<&str>,
        random: u32,
    ) -> (usize, Upserted) {
        let key = catalogue.canonical(service);
        let name = name_of(&instance);
        let record_id = record_id.filter(|id| !id.trim().is_empty());
        let candidates: Vec<(usize, Record)> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_of(catalogue, entry, &key))
            .filter_map(|(index, entry)| Some((index, read_entry(entry)?)))
            .filter(|(_, record)| record_id.is_none_or(|id| id == record.id))
            .collect();
        let has_name = |record: &Record| record.instances.iter().any(|instance| instance.name == name);
        // `min_by_key` keeps the first of equals, so the order of the file decides between records alike.
        let target = candidates.into_iter().min_by_key(|(_, record)| (!has_name(record), !record.is_active()));

        let Some((index, record)) = target else {
            let record_id = record_id.map_or_else(|| self.unused_id(&key, random), str::to_owned);
            self.entries.push(json!({
                "id": record_id, "service": key, "status": "active", "instances": [instance],
            }));
            let outcome = Upserted { record_id, name, replaced: false, record_created: true, active: true };
            return (self.entries.len() - 1, outcome);
        };
        let (record_id, active, mut raw) = (record.id.clone(), record.is_active(), record.raw);
        let mut replaced = false;
        if let Some(instances) = instances_mut(&mut raw) {
            if let Some(Json::Object(old)) = instances.iter_mut().find(|entry| is_named(entry, &name)) {
                old.retain(|key, _| !replaced_keys.contains(&key.as_str()));
                old.extend(instance);
                replaced = true;
            } else {
                instances.push(Json::Object(instance));
            }
        }
        self.entries[index] = Json::Object(raw);
        (index, Upserted { record_id, name, replaced, record_created: false, active })
    }

    /// `<service>-<8 lower-case hex>`, counted up until no record has it.
    fn unused_id(&self, service: &str, random: u32) -> String {
        let taken: std::collections::HashSet<&str> =
            self.entries.iter().filter_map(|entry| entry.get("id").and_then(Json::as_str)).collect();
        (0..=u32::MAX)
            .map(|step| format!("{service}-{:08x}", random.wrapping_add(step)))
            .find(|id| !taken.contains(id.as_str()))
            .unwrap_or_else(|| service.to_owned())
    }

    /// Walks over the records of a service, each in version 2 shape. A version 1 shape is rewritten only when it is
    /// changed.
    fn change_records(
        &mut self,
        catalogue: &Catalogue,
        service: &str,
        mut change: impl FnMut(&mut Map<String, Json>) -> Keep,
    ) {
        let key = catalogue.canonical(service);
        self.entries.retain_mut(|entry| {
            let Json::Object(record) = &*entry else { return true };
            if !is_of(catalogue, entry, &key) {
                return true;
            }
            let mut raw = migrate_record(record);
            match change(&mut raw) {
                Keep::AsItWas => true,
                Keep::Changed => {
                    *entry = Json::Object(raw);
                    true
                }
                Keep::Not => false,
            }
        });
    }
}

/// What becomes of a record after a change.
enum Keep {
    AsItWas,
    Changed,
    Not,
}

fn is_of(catalogue: &Catalogue, entry: &Json, key: &str) -> bool {
    service_of(entry).is_some_and(|service| catalogue.canonical(service) == key)
}

fn instances_mut(record: &mut Map<String, Json>) -> Option<&mut Vec<Json>> {
    record.get_mut("instances").and_then(Json::as_array_mut)
}

/// An instance's name as it is read: normalised, `default` when it has none.
fn name_of(instance: &Map<String, Json>) -> String {
    let written = instance.get("name").and_then(scalar_text).unwrap_or_default();
    InstanceName::new(&written).to_string()
}

/// Whether an element of `instances` is an instance that answers to a name; a blank name is nobody's.
fn is_named(entry: &Json, name: &str) -> bool {
    !name.trim().is_empty()
        && entry.as_object().is_some_and(|instance| InstanceName::new(&name_of(instance)).answers_to(name))
}
