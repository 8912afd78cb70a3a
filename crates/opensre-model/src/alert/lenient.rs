//! JSON whose types cannot be trusted: objects that know their path, and readings of values that never fail.

use serde_json::{Map, Value as Json};

use super::Labels;

/// A JSON object of the payload, with its path (`event.data`; empty for the payload itself).
#[derive(Clone)]
pub(super) struct Object<'a> {
    map: &'a Map<String, Json>,
    path: String,
}

impl<'a> Object<'a> {
    pub(super) fn new(map: &'a Map<String, Json>, path: impl Into<String>) -> Self {
        Self { map, path: path.into() }
    }

    /// The path of one of its keys.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The object's own path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A value that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Json)> {
        self.map.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// An object inside; `None` for anything else.
    pub(super) fn child(&self, key: &str) -> Option<Self> {
        let map = self.get(key)?.as_object()?;
        Some(Self { map, path: self.at(key) })
    }

    /// The object at the end of a chain of keys.
    pub(super) fn descend(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |object, key| object.child(key))
    }

    /// The objects of a list inside; other items are passed over.
    pub(super) fn children(&self, key: &str) -> Vec<Self> {
        let items = self.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                Some(Self { map: item.as_object()?, path: format!("{}[{index}]", self.at(key)) })
            })
            .collect()
    }

    /// A scalar as text, trimmed; `None` when it is blank or no scalar.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        scalar(self.get(key)?)
    }

    /// The first of several keys that holds a text.
    pub(super) fn first(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }
}

/// A scalar as text, trimmed; `None` when it is blank or no scalar.
pub(super) fn scalar(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(_) | Json::Bool(_) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// What a value is, in words.
pub(super) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Labels, and what was odd about them, as (key, what).
pub(super) fn labels(value: &Json) -> (Labels, Vec<(String, String)>) {
    let mut found = Labels::new();
    let mut odd = Vec::new();
    match value {
        Json::Null => {}
        Json::Object(map) => {
            for (key, value) in map {
                if let Some(text) = label_value(key, value, &mut odd) {
                    found.insert(key.clone(), text);
                }
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                match named_value(item) {
                    Some((key, value)) => {
                        found.insert(key, value);
                    }
                    None => odd.push((format!("[{index}]"), format!("{} where a label was expected", kind(item)))),
                }
            }
        }
        Json::String(text) => {
            if let Ok(object @ Json::Object(_)) = serde_json::from_str::<Json>(text) {
                odd.push((String::new(), "a text that holds an object, where an object was expected".to_owned()));
                let (inner, more) = labels(&object);
                found = inner;
                odd.extend(more);
            } else {
                if !text.trim().is_empty() {
                    odd.push((String::new(), "a text where an object was expected".to_owned()));
                }
                found = pairs(text).0;
            }
        }
        Json::Bool(_) | Json::Number(_) => {
            odd.push((String::new(), format!("{} where an object was expected", kind(value))));
        }
    }
    (found, odd)
}

fn label_value(key: &str, value: &Json, odd: &mut Vec<(String, String)>) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null => {
            odd.push((format!(".{key}"), "null where a text was expected".to_owned()));
            None
        }
        Json::Array(items) => {
            odd.push((format!(".{key}"), "a list where a text was expected".to_owned()));
            let texts: Vec<String> =
                items.iter().map(|item| scalar(item).unwrap_or_else(|| item.to_string())).collect();
            Some(texts.join(","))
        }
        Json::Object(_) => {
            odd.push((format!(".{key}"), "an object where a text was expected".to_owned()));
            Some(value.to_string())
        }
    }
}

/// One label of a list: `"key:value"`, `["key", "value"]`, `{"name": "key", "value": "value"}`.
fn named_value(item: &Json) -> Option<(String, String)> {
    match item {
        Json::String(text) => pair(text),
        Json::Array(pair) => match pair.as_slice() {
            [key, value] => Some((scalar(key)?, scalar(value).unwrap_or_default())),
            _ => None,
        },
        Json::Object(map) => {
            let object = Object::new(map, "");
            let value = object.first(&["value", "Value"]).unwrap_or_default();
            Some((object.first(&["name", "key", "Name", "Key"])?, value))
        }
        _ => None,
    }
}

/// `key:value` or `key=value`, whichever sign comes first; both sides trimmed, the key not blank.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once([':', '='])?;
    let (key, value) = (key.trim(), value.trim());
    (!key.is_empty() && !key.contains(char::is_whitespace)).then(|| (key.to_owned(), value.to_owned()))
}

/// The pairs of a comma list (`service:checkout,env:prod,urgent`), and its items that are no pairs.
pub(super) fn pairs(text: &str) -> (Labels, Vec<String>) {
    let mut found = Labels::new();
    let mut bare = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match pair(item) {
            Some((key, value)) => {
                // Datadog repeats a key for several values; the first is kept, as its own tools show it.
                found.entry(key).or_insert(value);
            }
            None => bare.push(item.to_owned()),
        }
    }
    (found, bare)
}

/// A text cut to a number of characters, marked where it was cut, without control characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut characters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}
