//! Values beside values: what a store has, what a source has, and what of both may be shown.

use opensre_model::fields;
use opensre_model::provider::ProviderSpec;
use opensre_model::record::RawInstance;
use opensre_model::redaction;
use opensre_model::secret::REDACTED;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::proposal::Proposal;

/// A field or tag, with what may be shown of its values: secrets are `set`, or the spelling of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its key.
    pub name: String,
    /// What the store has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What the source has.
    pub new: String,
    /// What an inferred tag was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Whether a stored instance is of the same system: the same values in all fields that say so.
pub(crate) fn is_same_system(spec: Option<&ProviderSpec>, proposal: &Proposal, stored: &RawInstance) -> bool {
    let own = |key: &&str| proposal.plain_text(key).map(|text| Json::String(text.to_owned()));
    proposal.identity.iter().any(|key| own(key).is_some())
        && proposal.identity.iter().all(|key| has_same(spec, key, &stored.credentials, &own(key).unwrap_or(Json::Null)))
}

/// Whether stored credentials have this value, as it is read: `8080` and `"8080"`, a URL with and without its last
/// slash, a default that is written or not.
pub(crate) fn has_same(spec: Option<&ProviderSpec>, key: &str, stored: &Map<String, Json>, new: &Json) -> bool {
    let Some(field) = spec.and_then(|spec| spec.field(key)) else { return stored.get(key) == Some(new) };
    let read = |value: &Json| fields::read(field, value).ok().map(|reading| reading.value);
    let old = fields::written(field, stored).map_or(&Json::Null, |(_, value)| value);
    match (read(old), read(new)) {
        (Some(old), Some(new)) => old == new,
        _ => old == new,
    }
}

pub(crate) fn is_blank(spec: Option<&ProviderSpec>, key: &str, stored: &Map<String, Json>) -> bool {
    match spec.and_then(|spec| spec.field(key)) {
        Some(field) => fields::written(field, stored).is_none(),
        None => stored.get(key).is_none_or(Json::is_null),
    }
}

/// Removes a field, whatever key it is stored under.
pub(crate) fn remove(spec: Option<&ProviderSpec>, key: &str, credentials: &mut Map<String, Json>) {
    let also = spec.and_then(|spec| spec.field(key)).map_or(&[][..], |field| field.read_as);
    credentials.retain(|known, _| known != key && !also.contains(&known.as_str()));
}

/// Fields as they may be shown, beside what the store has.
pub(crate) fn differences(
    spec: Option<&ProviderSpec>,
    old: Option<&Map<String, Json>>,
    new: &Map<String, Json>,
) -> Vec<Difference> {
    let old = old.map(|old| redaction::show(spec, old)).unwrap_or_default();
    redaction::show(spec, new)
        .into_iter()
        .map(|(name, value)| {
            let stored = match spec.and_then(|spec| spec.field(&name)) {
                Some(field) => fields::written(field, &old).map(|(_, value)| value),
                None => old.get(&name),
            };
            Difference { old: stored.map(shown), new: shown(&value), name, from: None }
        })
        .collect()
}

/// A value that has gone through redaction, in one line.
pub(crate) fn shown(value: &Json) -> String {
    match value {
        Json::String(text) if text == REDACTED => "set".to_owned(),
        Json::Object(map) => {
            let parts: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
            parts.join(", ")
        }
        Json::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => scalar(other),
    }
}

/// An undeclared value as it may be shown.
pub(crate) fn plain(key: &str, value: &Json) -> String {
    let map = Map::from_iter([(key.to_owned(), value.clone())]);
    redaction::show(None, &map).values().map(shown).collect()
}

pub(crate) fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
