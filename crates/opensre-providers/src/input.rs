//! Inputs of queries: how they are declared, their JSON Schema, and whether an input fits.
//!
//! Planner, command line and other callers give inputs to the same queries; one declaration says for all of them what
//! fits, as a schema for machines and as words for people.

use std::collections::BTreeMap;

use opensre_model::selector::nearest;
use serde_json::{Map, Value as Json, json};

use crate::driver::Query;
use crate::subject::{LABELS, LEFT_OUT};

/// Declaration of one input of a query.
#[derive(Debug, Clone, Copy)]
pub struct InputSpec {
    /// Key.
    pub key: &'static str,
    /// JSON Schema type: `string`, `integer`, `number`, `boolean`, `array` (of strings) or `object` (of strings).
    pub kind: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// One line of help.
    pub help: &'static str,
}

/// Input of a query: keys to JSON values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input(pub Map<String, Json>);

impl Input {
    /// A text of the input, if given and not blank.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.as_str()).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The texts of a list (or of a single text).
    pub fn list(&self, key: &str) -> Vec<String> {
        match self.0.get(key) {
            Some(Json::Array(items)) => items.iter().filter_map(|item| item.as_str()).map(str::to_owned).collect(),
            Some(Json::String(text)) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    /// A map of texts (labels), if given.
    pub fn labels(&self, key: &str) -> BTreeMap<String, String> {
        match self.0.get(key) {
            Some(Json::Object(map)) => map
                .iter()
                .filter_map(|(name, value)| value.as_str().map(|value| (name.clone(), value.to_owned())))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

/// Why an input does not fit a query. The words repeat no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The query has no such input.
    #[error("{query} has no input `{key}`")]
    Unknown {
        /// The query.
        query: &'static str,
        /// The key as given.
        key: String,
    },
    /// A required input is not given.
    #[error("{query} needs the input `{key}` ({help})")]
    Missing {
        /// The query.
        query: &'static str,
        /// The key.
        key: &'static str,
        /// What it is.
        help: &'static str,
    },
    /// An input is of another type.
    #[error("the input `{key}` of {query} must be {expected}")]
    WrongType {
        /// The query.
        query: &'static str,
        /// The key.
        key: &'static str,
        /// The type in words.
        expected: &'static str,
    },
}

/// What the planner tells a query about labels that it asks nothing for.
pub(crate) const LEFT_OUT_SPEC: InputSpec = InputSpec {
    key: LEFT_OUT,
    kind: "integer",
    required: false,
    help: "how many further parts of the alert nothing is asked for",
};

impl Query {
    /// Every input: the declared ones and, beside an alert's labels, the planner's note about parts left out.
    fn inputs(&self) -> impl Iterator<Item = &'static InputSpec> {
        let of_an_alert = self.input.iter().any(|spec| spec.key == LABELS);
        self.input.iter().chain(of_an_alert.then_some(&LEFT_OUT_SPEC))
    }

    /// The declaration of an input, or an error that names the query.
    pub fn input_spec(&self, key: &str) -> Result<&'static InputSpec, InputError> {
        self.inputs()
            .find(|spec| spec.key == key)
            .ok_or_else(|| InputError::Unknown { query: self.name, key: key.to_owned() })
    }

    /// The declared input that a written key probably meant.
    pub fn nearest_input(&self, written: &str) -> Option<&'static str> {
        nearest(written, self.input.iter().map(|spec| spec.key))
    }

    /// The JSON Schema (2020-12) of the query's input.
    ///
    /// ```
    /// # use opensre_providers::driver::Query;
    /// let loki = opensre_providers::loki::PROVIDER;
    /// let query: &Query = loki.queries.iter().find(|query| query.name == "query").expect("a query");
    /// assert_eq!(query.schema()["required"], serde_json::json!(["query"]));
    /// ```
    pub fn schema(&self) -> Json {
        let properties: Map<String, Json> = self.inputs().map(|spec| (spec.key.to_owned(), spec.schema())).collect();
        let required: Vec<&str> = self.input.iter().filter(|spec| spec.required).map(|spec| spec.key).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.summary,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    /// Whether an input fits: every required key is there, every key is known and has its type. Says the same as
    /// [`Query::schema`].
    pub fn check(&self, input: &Input) -> Result<(), InputError> {
        for (key, value) in &input.0 {
            let spec = self.input_spec(key)?;
            if !spec.fits(value) {
                return Err(InputError::WrongType { query: self.name, key: spec.key, expected: spec.in_words() });
            }
        }
        match self.input.iter().find(|spec| spec.required && !input.0.contains_key(spec.key)) {
            Some(spec) => Err(InputError::Missing { query: self.name, key: spec.key, help: spec.help }),
            None => Ok(()),
        }
    }
}

impl InputSpec {
    fn schema(&self) -> Json {
        let mut schema = json!({"type": self.kind, "description": self.help});
        match self.kind {
            "array" => schema["items"] = json!({"type": "string"}),
            "object" => schema["additionalProperties"] = json!({"type": "string"}),
            _ => {}
        }
        schema
    }

    fn fits(&self, value: &Json) -> bool {
        match (self.kind, value) {
            ("string", Json::String(_)) | ("boolean", Json::Bool(_)) | ("number", Json::Number(_)) => true,
            ("integer", Json::Number(number)) => number.is_i64() || number.is_u64(),
            ("array", Json::Array(items)) => items.iter().all(Json::is_string),
            ("object", Json::Object(map)) => map.values().all(Json::is_string),
            _ => false,
        }
    }

    /// The type in words: `a list of texts`.
    pub fn in_words(&self) -> &'static str {
        match self.kind {
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list of texts",
            "object" => "an object of texts",
            _ => "a text",
        }
    }
}
