//! The two shapes of a record, and the way from the old one to the new one.

use serde_json::{Map, Value as Json, json};

use crate::instance::InstanceName;
use crate::policy::RawPolicy;

/// What a store file says about its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1, null or absent: to be migrated.
    One,
    /// 2, also written `2.0` or `"2"`.
    Two,
    /// A later version: read as far as understood, never written.
    Newer,
    /// No version that ever was (`"two"`, `0`, `[]`): treated as carefully as a newer one.
    Unknown,
}

impl Version {
    /// Reads the `version` of a document.
    ///
    /// ```
    /// use opensre_model::record::Version;
    /// use serde_json::json;
    /// assert_eq!(Version::read(Some(&json!("2"))), Version::Two);
    /// assert_eq!(Version::read(None), Version::One);
    /// ```
    pub fn read(version: Option<&Json>) -> Self {
        let number = match version {
            None | Some(Json::Null) => return Self::One,
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(Json::Bool(_) | Json::Array(_) | Json::Object(_)) => None,
        };
        match number {
            Some(1.0) => Self::One,
            Some(2.0) => Self::Two,
            Some(number) if number > 2.0 => Self::Newer,
            _ => Self::Unknown,
        }
    }

    /// Whether this program may write a document of this version.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::One | Self::Two)
    }
}

/// Why a JSON document is no store. It is read as empty and never written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAStore {
    /// The top level is something else than an object.
    #[error("the store is {0}, not an object")]
    TopLevel(&'static str),
    /// There is no `integrations` key.
    #[error("the store has no `integrations`")]
    NoIntegrations,
    /// `integrations` is something else than a list.
    #[error("the store's `integrations` is {0}, not a list")]
    Integrations(&'static str),
}

impl NotAStore {
    /// What to do about it.
    pub const HINT: &'static str =
        "a store is an object with an `integrations` list; repair the file, or move it away to start anew";
}

/// Whether a record has the version 1 shape: no `instances` list, one set of credentials. Such a record is migrated
/// wherever it is read or changed, whatever the version of its file.
pub fn is_version_1_shape(record: &Map<String, Json>) -> bool {
    !matches!(record.get("instances"), Some(Json::Array(_)))
}

/// A record in version 2 shape: a record with an `instances` list as it is, a version 1 shape with one instance
/// `default` that has the old `credentials` and every other top-level key (also a `name` or `tags`) as credentials;
/// a key inside `credentials` wins. An object `expect` is the instance's pin, and policies are the instance's too.
///
/// Nothing is lost: an `instances` or `credentials` value of a type that cannot be read moves to
/// `unreadable_instances` or `unreadable_credentials`.
pub fn migrate_record(record: &Map<String, Json>) -> Map<String, Json> {
    if !is_version_1_shape(record) {
        return record.clone();
    }
    let mut migrated = Map::new();
    let id = record.get("id").filter(|id| !id.is_null());
    migrated.insert("id".to_owned(), id.cloned().unwrap_or_else(|| json!("")));
    if let Some(service) = record.get("service") {
        migrated.insert("service".to_owned(), service.clone());
    }
    migrated.insert("status".to_owned(), record.get("status").cloned().unwrap_or_else(|| json!("active")));

    let mut credentials = match record.get("credentials") {
        Some(Json::Object(credentials)) => credentials.clone(),
        _ => Map::new(),
    };
    for (key, value) in record {
        if !["id", "service", "status", "instances", "credentials"].contains(&key.as_str()) && !is_beside(key, value) {
            credentials.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let mut instance = json!({"name": InstanceName::DEFAULT, "tags": {}, "credentials": credentials});
    for (key, value) in record.iter().filter(|(key, value)| is_beside(key, value)) {
        instance[key] = value.clone();
    }
    migrated.insert("instances".to_owned(), Json::Array(vec![instance]));

    let unread = |key: &str| record.get(key).filter(|value| !value.is_null());
    if let Some(odd) = unread("instances") {
        migrated.insert("unreadable_instances".to_owned(), odd.clone());
    }
    if let Some(odd) = unread("credentials").filter(|value| !value.is_object()) {
        migrated.insert("unreadable_credentials".to_owned(), odd.clone());
    }
    migrated
}

/// Whether a key of a version 1 shape is an instance's pin or policy and no credential.
fn is_beside(key: &str, value: &Json) -> bool {
    (key == "expect" && value.is_object()) || RawPolicy::KEYS.contains(&key)
}

/// What a JSON value is, in words, for messages that must not hold the value.
pub(crate) fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// A scalar as text; `None` for null, lists and objects.
pub(crate) fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
