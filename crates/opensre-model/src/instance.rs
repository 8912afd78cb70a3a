//! An instance: one named, tagged, typed set of credentials of a provider.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::diagnostic::Source;
use crate::identity::Expect;
use crate::policy::Policy;
use crate::value::Config;

/// An instance's name: trimmed and lower-cased; blank is `default`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InstanceName(String);

impl InstanceName {
    /// The name of an instance that was given none.
    pub const DEFAULT: &'static str = "default";

    /// Normalises a written name.
    pub fn new(written: &str) -> Self {
        let name = written.trim().to_lowercase();
        Self(if name.is_empty() { Self::DEFAULT.to_owned() } else { name })
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name `default`.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// Whether a written name, trimmed and lower-cased, is this one. A blank one never is.
    pub fn answers_to(&self, written: &str) -> bool {
        let written = written.trim();
        !written.is_empty() && written.to_lowercase() == self.0
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An instance's tags: names with scalar values, in written order. Compared trimmed, lower-cased and as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tags(serde_json::Map<String, Json>);

impl Tags {
    /// Tags from a JSON object; values that are no scalars are left out and their names returned.
    pub fn from_json(map: &serde_json::Map<String, Json>) -> (Self, Vec<String>) {
        let mut tags = serde_json::Map::new();
        let mut rejected = Vec::new();
        for (key, value) in map {
            match value {
                Json::String(_) | Json::Number(_) | Json::Bool(_) => {
                    tags.insert(key.clone(), value.clone());
                }
                Json::Null | Json::Array(_) | Json::Object(_) => rejected.push(key.clone()),
            }
        }
        (Self(tags), rejected)
    }

    /// Tags from name and value pairs.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), Json::String(value.into()))).collect())
    }

    /// The normalised value of a tag, whatever the letter case of its name.
    pub fn get(&self, key: &str) -> Option<String> {
        let key = normalise(key);
        self.normalised().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Whether a tag is there with a value.
    pub fn carry(&self, tag: &Word, value: &Word) -> bool {
        self.0.iter().find(|(key, _)| tag.is(key)).is_some_and(|(_, own)| value.is(&scalar_text(own)))
    }

    /// Names and values, trimmed and lower-cased, in written order.
    pub fn normalised(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(key, value)| (normalise(key), normalise(&scalar_text(value))))
    }

    /// Names and values as written (values as text).
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(key, value)| (key.as_str(), scalar_text(value)))
    }

    /// The tags as the store spells them.
    pub fn as_json(&self) -> &serde_json::Map<String, Json> {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (key, value)) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

/// The one normalisation of names, tag keys and tag values: trimmed, lower-cased.
pub fn normalise(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A name, a tag's name or a tag's value as it is compared: trimmed, lower-cased, never blank.
///
/// ```
/// use opensre_model::instance::Word;
///
/// let word = Word::new(" Prod ").unwrap();
/// assert!(word.is("PROD") && !word.is("production") && !word.is(""));
/// assert!(Word::new("  ").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    /// Normalises a written word; a blank one is none.
    pub fn new(written: &str) -> Option<Self> {
        let word = normalise(written);
        (!word.is_empty()).then_some(Self(word))
    }

    /// Whether a written word, trimmed and lower-cased, is this one.
    pub fn is(&self, written: &str) -> bool {
        let written = written.trim();
        // Same outcome without an allocation for nearly everything that is ever compared.
        if written.is_ascii() { written.eq_ignore_ascii_case(&self.0) } else { written.to_lowercase() == self.0 }
    }

    /// The normalised word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A JSON scalar as text: strings bare, numbers and booleans as JSON spells them.
fn scalar_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Credentials of a service that the catalogue does not know, kept as stored. Never printed.
#[derive(Clone, Default, PartialEq)]
pub struct OpaqueCredentials(serde_json::Map<String, Json>);

impl OpaqueCredentials {
    /// Wraps credentials as stored.
    pub fn new(map: serde_json::Map<String, Json>) -> Self {
        Self(map)
    }

    /// The credentials, secrets included: for the compatible view and for writing.
    pub fn expose(&self) -> &serde_json::Map<String, Json> {
        &self.0
    }
}

impl fmt::Debug for OpaqueCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpaqueCredentials({} keys)", self.0.len())
    }
}

/// What an instance is configured with.
#[derive(Debug, Clone, PartialEq)]
pub enum Settings {
    /// A provider of the catalogue: typed fields.
    Typed(Config),
    /// A service that the catalogue does not know.
    Opaque(OpaqueCredentials),
}

/// One usable instance of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Canonical service key (`grafana_local` for a local Grafana).
    pub service: String,
    /// Key of the family under which instances are grouped and addressed (`grafana` for both Grafana keys).
    pub family: String,
    /// Its name.
    pub name: InstanceName,
    /// Its tags.
    pub tags: Tags,
    /// Who it must be: a back end that says otherwise is not asked.
    pub expect: Expect,
    /// What may choose it.
    pub policy: Policy,
    /// What it is configured with.
    pub settings: Settings,
    /// The id of the record it came from.
    pub integration_id: String,
    /// Where it came from.
    pub source: Source,
}

impl Instance {
    /// `family/name`, the address used everywhere.
    pub fn address(&self) -> String {
        format!("{}/{}", self.family, self.name)
    }

    /// The typed fields; empty for a service that the catalogue does not know.
    pub fn config(&self) -> &Config {
        static EMPTY: Config = Config::EMPTY;
        match &self.settings {
            Settings::Typed(config) => config,
            Settings::Opaque(_) => &EMPTY,
        }
    }
}
