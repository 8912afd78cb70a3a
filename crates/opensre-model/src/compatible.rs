//! The views that the users of the Python product read: the `resolved` dictionary and the effective view.
//!
//! After resolution this is the only place that makes JSON out of instances again.

use serde_json::{Map, Value as Json, json};

use crate::fields;
use crate::instance::{Instance, Settings};
use crate::provider::{Catalogue, DictionaryForm, FieldSpec, ProviderSpec};
use crate::redaction;
use crate::resolution::{Family, Incomplete, Resolved};
use crate::value::Config;

/// The key of an instance's record id in every config.
const INTEGRATION_ID: &str = "integration_id";

/// The `resolved` dictionary. Per service key the config of its first instance; per family
/// `_all_<family>_instances`, a list of `{name, tags, config, integration_id}`, when it has several instances or the
/// first is not called `default`; and `_all`, the active records as written.
///
/// Unless `reveal` is set, secrets are redacted and references stand as their spelling. Revealed, it holds every
/// secret in clear: keep it in memory.
pub fn dictionary(catalogue: &Catalogue, resolved: &Resolved, reveal: bool) -> Map<String, Json> {
    let view = View { catalogue, resolved, reveal };
    let mut dictionary = Map::new();
    for family in &resolved.families {
        if view.form(&family.key) == DictionaryForm::Absent {
            continue;
        }
        for (key, position) in firsts(family) {
            dictionary.insert(key.to_owned(), Json::Object(view.dictionary_config(family, position)));
        }
        if is_published(family) {
            let list = list(family, |position| view.dictionary_config(family, position));
            dictionary.insert(format!("_all_{}_instances", family.key), list);
        }
    }
    dictionary.insert("_all".to_owned(), view.records());
    dictionary
}

/// The effective view: per service key `{source, config[, instances]}`, where `source` is `local store` or `local env`
/// and says where the config really comes from.
///
/// `instances` is there under the rule of [`dictionary`], once per family: at the key of the family or, when all its
/// instances have another key, at theirs. A service that has only incomplete instances has a config with empty
/// fields and the record's id.
pub fn effective(catalogue: &Catalogue, resolved: &Resolved, reveal: bool) -> Map<String, Json> {
    let view = View { catalogue, resolved, reveal };
    let mut effective = Map::new();
    for family in &resolved.families {
        let firsts = firsts(family);
        let main = firsts.iter().find(|(key, _)| *key == family.key).or(firsts.first()).map(|(key, _)| *key);
        for (key, position) in &firsts {
            let instance = &family.instances[*position];
            let mut entry = Map::new();
            entry.insert("source".to_owned(), json!(instance.source.label()));
            entry.insert("config".to_owned(), Json::Object(view.config(instance)));
            if main == Some(*key) && is_published(family) {
                let list = list(family, |position| view.config(&family.instances[position]));
                entry.insert("instances".to_owned(), list);
            }
            effective.insert((*key).to_owned(), Json::Object(entry));
        }
        if let ([], Some(incomplete)) = (&firsts[..], family.incomplete.first()) {
            effective.insert(family.key.clone(), view.incomplete(family, incomplete));
        }
    }
    effective
}

/// An instance's flat config: every declared field, unset ones empty, and `integration_id`. Fields that the Python
/// product lacks are there only when they are set to something other than their default. A service that the catalogue
/// does not know has `{credentials, integration_id}`.
pub fn flat_config(catalogue: &Catalogue, instance: &Instance, reveal: bool) -> Map<String, Json> {
    match &instance.settings {
        Settings::Typed(config) => match catalogue.find(&instance.service) {
            Some(spec) => flat(spec, config, &instance.integration_id, reveal),
            None => Map::from_iter([(INTEGRATION_ID.to_owned(), json!(instance.integration_id))]),
        },
        Settings::Opaque(credentials) => wrapped(None, credentials.expose(), &instance.integration_id, reveal),
    }
}

/// Whether a family's list is published.
fn is_published(family: &Family) -> bool {
    match &family.instances[..] {
        [] => false,
        [only] => !only.name.is_default(),
        _ => true,
    }
}

/// The keys that a family's instances have, each with the position of the first, in order of first appearance.
fn firsts(family: &Family) -> Vec<(&str, usize)> {
    let mut firsts: Vec<(&str, usize)> = Vec::new();
    for (position, instance) in family.instances.iter().enumerate() {
        if !firsts.iter().any(|(key, _)| *key == instance.service) {
            firsts.push((&instance.service, position));
        }
    }
    firsts
}

fn flat(spec: &ProviderSpec, config: &Config, integration_id: &str, reveal: bool) -> Map<String, Json> {
    let show = if reveal { fields::revealed } else { fields::shown };
    let is_kept = |field: &FieldSpec| !field.extension || config.get(field.key) != fields::default(field).as_ref();
    let mut flat: Map<String, Json> = spec
        .fields
        .iter()
        .filter(|field| is_kept(field))
        .map(|field| (field.key.to_owned(), config.get(field.key).map_or_else(|| fields::empty(field), show)))
        .collect();
    // What an instance brought along when it moved from another key of the family.
    for (key, value) in config.iter().filter(|(key, _)| spec.field(key).is_none()) {
        flat.insert(key.to_owned(), show(value));
    }
    if let Some(flatten) = spec.hooks.flatten {
        flatten(&mut flat);
    }
    flat.insert(INTEGRATION_ID.to_owned(), json!(integration_id));
    flat
}

fn wrapped(
    spec: Option<&ProviderSpec>,
    credentials: &Map<String, Json>,
    integration_id: &str,
    reveal: bool,
) -> Map<String, Json> {
    let credentials = if reveal { credentials.clone() } else { redaction::show(spec, credentials) };
    let mut wrapped = Map::new();
    wrapped.insert("credentials".to_owned(), Json::Object(credentials));
    wrapped.insert(INTEGRATION_ID.to_owned(), json!(integration_id));
    wrapped
}

/// A family's list, with each instance's config by its position.
fn list(family: &Family, config: impl Fn(usize) -> Map<String, Json>) -> Json {
    let entry = |(position, instance): (usize, &Instance)| {
        json!({
            "name": instance.name,
            "tags": instance.tags,
            "config": config(position),
            INTEGRATION_ID: instance.integration_id,
        })
    };
    family.instances.iter().enumerate().map(entry).collect()
}

struct View<'a> {
    catalogue: &'a Catalogue,
    resolved: &'a Resolved,
    reveal: bool,
}

impl View<'_> {
    fn form(&self, key: &str) -> DictionaryForm {
        self.catalogue.find(key).map(|spec| spec.hooks.dictionary).unwrap_or_default()
    }

    fn config(&self, instance: &Instance) -> Map<String, Json> {
        flat_config(self.catalogue, instance, self.reveal)
    }

    fn dictionary_config(&self, family: &Family, position: usize) -> Map<String, Json> {
        let instance = &family.instances[position];
        match (self.form(&family.key), self.resolved.written(&family.key, position)) {
            (DictionaryForm::Wrapped, Some(written)) => {
                let spec = self.catalogue.find(&instance.service);
                wrapped(spec, &written.credentials, &instance.integration_id, self.reveal)
            }
            _ => self.config(instance),
        }
    }

    fn incomplete(&self, family: &Family, incomplete: &Incomplete) -> Json {
        let config = match self.catalogue.find(&family.key) {
            Some(spec) => flat(spec, &fields::defaults(spec), &incomplete.integration_id, self.reveal),
            None => Map::from_iter([(INTEGRATION_ID.to_owned(), json!(incomplete.integration_id))]),
        };
        json!({"source": incomplete.source.label(), "config": config})
    }

    fn records(&self) -> Json {
        let record = |record: &crate::record::Record| {
            Json::Object(if self.reveal {
                record.raw.clone()
            } else {
                redaction::show_record(self.catalogue.find(&record.service), &record.raw)
            })
        };
        self.resolved.records.iter().map(record).collect()
    }
}
