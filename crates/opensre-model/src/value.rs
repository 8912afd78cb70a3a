//! The typed values of an instance's fields.

use std::collections::BTreeMap;

use crate::secret::SecretValue;

/// One field's value, of the type that its declaration names.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text or URL, trimmed.
    Text(String),
    /// A secret, or where to find it.
    Secret(SecretValue),
    /// A whole number, within the declared bounds.
    Integer(i64),
    /// A finite number, within the declared bounds.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
    /// A map with secret values (HTTP headers).
    Secrets(BTreeMap<String, SecretValue>),
}

/// An instance's fields, typed. Keys are the declared field keys; an unset field without a default is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    fields: BTreeMap<&'static str, Value>,
}

impl Config {
    /// A config without fields.
    pub const EMPTY: Self = Self { fields: BTreeMap::new() };

    /// Sets a field.
    pub fn set(&mut self, key: &'static str, value: Value) {
        self.fields.insert(key, value);
    }

    /// Removes a field.
    pub fn unset(&mut self, key: &str) {
        self.fields.remove(key);
    }

    /// A field's value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    /// A text field that is set and not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A secret field that is set and not empty.
    pub fn secret(&self, key: &str) -> Option<&SecretValue> {
        match self.get(key) {
            Some(Value::Secret(SecretValue::Plain(secret))) if secret.is_empty() => None,
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// A whole number.
    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A boolean.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(Value::Boolean(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A list; empty when unset.
    pub fn list(&self, key: &str) -> &[String] {
        match self.get(key) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A map of secrets (HTTP headers), if set.
    pub fn secrets(&self, key: &str) -> Option<&BTreeMap<String, SecretValue>> {
        match self.get(key) {
            Some(Value::Secrets(map)) if !map.is_empty() => Some(map),
            _ => None,
        }
    }

    /// Whether a field holds something: a non-empty text, secret, list or map, or any number or boolean.
    pub fn has(&self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Text(text)) => !text.is_empty(),
            Some(Value::Secret(_)) => self.secret(key).is_some(),
            Some(Value::List(items)) => !items.is_empty(),
            Some(Value::Secrets(map)) => !map.is_empty(),
            Some(Value::Integer(_) | Value::Number(_) | Value::Boolean(_)) => true,
        }
    }

    /// All fields that are set, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().map(|(key, value)| (*key, value))
    }
}
