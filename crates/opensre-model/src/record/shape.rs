//! The two shapes of a record, and the way from the old one to the new one.

use serde_json::{Map, Value as Json, json};

use crate::instance::InstanceName;

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
    /// The version of a document.
    ///
    /// ```
    /// use opensre_model::record::Version;
    /// use serde_json::json;
    /// assert_eq!(Version::of(&json!({"version": "2", "integrations": []})), Version::Two);
    /// assert_eq!(Version::of(&json!({"integrations": []})), Version::One);
    /// ```
    pub fn of(document: &Json) -> Self {
        let number = match document.get("version") {
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

/// Whether a record has the version 1 shape: no `instances` list, one set of credentials. Such a record is migrated
/// wherever it is read or changed, whatever the version of its file.
pub fn is_version_1_shape(record: &Map<String, Json>) -> bool {
    !matches!(record.get("instances"), Some(Json::Array(_)))
}

/// A record in version 2 shape: a record with an `instances` list as it is, a version 1 shape with one instance
/// `default` that has the old `credentials` and every other top-level key (also a `name` or `tags`) as credentials;
/// a key inside `credentials` wins.
///
/// Nothing is lost: an `instances` or `credentials` value of a type that cannot be read moves to
/// `unreadable_instances` or `unreadable_credentials`.
pub fn migrate_record(record: &Map<String, Json>) -> Map<String, Json> {
    if !is_version_1_shape(record) {
        return record.clone();
    }
    let mut migrated = Map::new();
    migrated.insert("id".to_owned(), record.get("id").cloned().unwrap_or_else(|| json!("")));
    if let Some(service) = record.get("service") {
        migrated.insert("service".to_owned(), service.clone());
    }
    migrated.insert("status".to_owned(), record.get("status").cloned().unwrap_or_else(|| json!("active")));

    let mut credentials = match record.get("credentials") {
        Some(Json::Object(credentials)) => credentials.clone(),
        _ => Map::new(),
    };
    for (key, value) in record {
        if !["id", "service", "status", "instances", "credentials"].contains(&key.as_str()) {
            credentials.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let instance = json!({"name": InstanceName::DEFAULT, "tags": {}, "credentials": credentials});
    migrated.insert("instances".to_owned(), Json::Array(vec![instance]));

    for (key, new_key) in [("instances", "unreadable_instances"), ("credentials", "unreadable_credentials")] {
        if let Some(odd @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_))) =
            record.get(key)
            && !(key == "credentials" && odd.is_object())
        {
            migrated.insert(new_key.to_owned(), odd.clone());
        }
    }
    migrated
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
