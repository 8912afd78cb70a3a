//! Who an instance must be: the pin `expect`, and the one rule that compares it with what a back end says.
//!
//! Credentials can be valid and yet lead somewhere else: a copied key, a kubeconfig whose context moved. A pin names
//! what must be so (`{"account_id": "123456789012"}`); what does not fit, or cannot be told, is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::record::{kind_of, scalar_text};
use crate::wording::quoted;

/// The pin of an instance: names of an identity (`account_id`, `org`, `cluster_uid`) and the values that they must
/// have. Empty for an instance that is not pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Expect(BTreeMap<String, String>);

/// How a pin was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpectReading {
    pub(crate) expect: Expect,
    /// Names whose values are no texts, but were read as such.
    pub(crate) as_text: Vec<String>,
}

impl Expect {
    /// A pin of names and values.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Reads a written pin. A pin that cannot be read is an error, never no pin: it would let pass what it should
    /// stop.
    pub(crate) fn read(written: Option<&Json>) -> Result<ExpectReading, String> {
        let map = match written {
            None | Some(Json::Null) => &Map::new(),
            Some(Json::Object(map)) => map,
            Some(other) => return Err(format!("is {}, not an object of texts", kind_of(other))),
        };
        let mut reading = ExpectReading { expect: Self::default(), as_text: Vec::new() };
        for (name, value) in map {
            let text = match value {
                Json::String(text) => text.trim().to_owned(),
                other => {
                    let text = scalar_text(other)
                        .ok_or_else(|| format!("has {} as {}, not a text", kind_of(other), quoted(name)))?;
                    reading.as_text.push(name.clone());
                    text
                }
            };
            if text.is_empty() || name.trim().is_empty() {
                return Err(format!("has a blank name or value ({})", quoted(name)));
            }
            reading.expect.0.insert(name.trim().to_owned(), text);
        }
        Ok(reading)
    }

    /// Whether the instance is not pinned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Compares the pin with who the back end says we are there. Values are compared as they are written; names without
    /// letter case, and under the several words that there are for the same thing.
    ///
    /// ```
    /// use opensre_model::identity::Expect;
    /// let pin = Expect::from_pairs([("account_id", "123456789012")]);
    /// let there = [("account_id".to_owned(), "210987654321".to_owned())].into();
    /// let words = "the account_id is 210987654321, but 123456789012 is expected";
    /// assert_eq!(pin.compare(&there).unwrap_err().to_string(), words);
    /// ```
    pub fn compare(&self, identity: &BTreeMap<String, String>) -> Result<(), Mismatch> {
        let mut differences = Vec::new();
        for (name, expected) in &self.0 {
            let found = identity.iter().find(|(known, _)| is_same(known, name)).map(|(_, value)| value);
            match found {
                Some(found) if found.trim() == expected => {}
                Some(found) => differences.push(format!("the {name} is {}, but {expected} is expected", found.trim())),
                None => {
                    let told: Vec<&str> = identity.keys().map(String::as_str).collect();
                    let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
                    differences.push(format!(
                        "the {name} {expected} is expected, which the back end does not tell (it tells {told})"
                    ));
                }
            }
        }
        if differences.is_empty() { Ok(()) } else { Err(Mismatch { differences }) }
    }
}

/// Names of an identity that mean the same.
const SAME: &[&[&str]] = &[&["org", "organisation", "organization"], &["account", "account_id"]];

fn is_same(one: &str, other: &str) -> bool {
    let named = |names: &&&[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    one.eq_ignore_ascii_case(other) || SAME.iter().any(|names| named(&names, one) && named(&names, other))
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

/// How an identity differs from a pin, in words that name both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .differences.join("; "))]
pub struct Mismatch {
    differences: Vec<String>,
}
