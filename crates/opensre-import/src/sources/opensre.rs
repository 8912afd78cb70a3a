//! Another store: a version 1 or 2 file of the Python product, or one of ours, merged into this one.
//!
//! Secrets are copied as they are: both files hold them in clear, for their owner only. References stay references.

use opensre_model::diagnostic::{Severity, Source};
use opensre_model::provider::Catalogue;
use opensre_model::record::{Document, NotAStore, RawInstance, Record};
use opensre_model::redaction;
use opensre_model::secret::{Secret, SecretReference};
use serde_json::{Map, Value as Json};

use super::File;
use crate::proposal::{Field, Found, Given, Proposal, Skipped, Tag};
use crate::{Malformed, jsonc, settings};

/// Reads a store.
pub fn read(file: File<'_>, catalogue: &Catalogue) -> Result<Found, Malformed> {
    // Comments and trailing commas are no part of a store, and harmless in one that is only read.
    let root = jsonc::parse(file.text)?;
    let kept: Map<String, Json> = root
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| settings::KEYS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let document =
        Document::from_json(root).map_err(|error| Malformed::new(error.to_string()).hint(NotAStore::HINT))?;
    let (records, diagnostics) = document.records(&Source::Store { path: file.path.to_owned() });
    let mut found = Found { settings: kept, copies_secrets: true, ..Found::default() };
    for diagnostic in diagnostics.into_iter().filter(|diagnostic| diagnostic.severity != Severity::Note) {
        let instance = diagnostic.instance.map(|name| format!("/{name}")).unwrap_or_default();
        let what = diagnostic.service.map_or_else(|| file.path.to_owned(), |service| format!("{service}{instance}"));
        found.skipped.push(Skipped { what, reason: diagnostic.reason, hint: diagnostic.hint });
    }
    for record in &records {
        if !record.is_active() {
            let names: Vec<&str> = record.instances.iter().map(|instance| instance.name.as_str()).collect();
            let what = format!("{} ({})", record.service, names.join(", "));
            let reason = format!("its record's status is `{}`, so it is not used there either", record.status);
            found.skip(what, reason, Some("set its status to `active` first"));
            continue;
        }
        let entries = record.raw.get("instances").and_then(Json::as_array);
        let mut objects = entries.into_iter().flatten().filter_map(Json::as_object);
        for instance in &record.instances {
            found.proposals.push(proposal(catalogue, record, instance, objects.next()));
        }
    }
    Ok(found)
}

/// A stored instance as a proposal: its secrets in clear or references, everything else as it is.
pub(crate) fn proposal(
    catalogue: &Catalogue,
    record: &Record,
    instance: &RawInstance,
    entry: Option<&Map<String, Json>>,
) -> Proposal {
    let spec = catalogue.find(&record.service);
    let origin = if record.id.is_empty() { record.source.to_string() } else { format!("record {}", record.id) };
    let mut proposal = Proposal::new(&catalogue.canonical(&record.service), &instance.name, origin);
    // The name is one already: it is kept as it is, whatever it holds.
    proposal.name.clone_from(&instance.name);
    proposal.full_name.clone_from(&instance.name);
    proposal.expect.clone_from(&instance.expect);
    for (key, value) in &instance.tags {
        proposal.tags.push(Tag { key: key.clone(), value: value.clone(), inferred_from: None });
    }
    for (key, value) in entry.into_iter().flatten() {
        if !RawInstance::KEYS.contains(&key.as_str()) {
            proposal.extra.insert(key.clone(), value.clone());
        }
    }
    // An instance of a variable has no entry, and policies all the same.
    proposal.extra.extend(instance.policy.iter().map(|(key, value)| (key.to_owned(), value.clone())));
    for (key, value) in &instance.credentials {
        let declared = spec.and_then(|spec| {
            spec.fields.iter().find(|field| field.key == key || field.read_as.contains(&key.as_str()))
        });
        let map = [(key.clone(), value.clone())].into_iter().collect();
        let is_secret = declared.map_or_else(|| redaction::show(None, &map) != map, |field| field.secret);
        let field = match value {
            Json::String(text) if is_secret && !text.trim().is_empty() => Field::Secret(given(text)),
            Json::Object(entries) if is_secret && entries.values().all(Json::is_string) => {
                let entries =
                    entries.iter().map(|(name, value)| (name.clone(), given(value.as_str().unwrap_or_default())));
                Field::Secrets(entries.collect())
            }
            _ => Field::Plain(value.clone()),
        };
        proposal.put(key, field);
    }
    proposal
}

fn given(text: &str) -> Given {
    match SecretReference::parse(text.trim()) {
        Ok(Some(reference)) => Given::Reference(reference),
        Ok(None) | Err(_) => Given::Literal(Secret::new(text)),
    }
}
