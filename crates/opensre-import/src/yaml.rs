//! YAML as JSON values, within bounds.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use serde_saphyr::Spanned;

use crate::Malformed;

/// Reads one YAML document. The parser bounds anchors, nesting and size; its own words about an error may repeat what
/// is written there, so only the position is told.
pub(crate) fn parse(text: &str) -> Result<Json, Malformed> {
    // Only `true` and `false` are booleans: `no` is a name as good as any other.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let malformed = Malformed::new("it is not valid YAML");
        match error.location() {
            Some(location) => malformed.at(
                usize::try_from(location.line()).unwrap_or_default(),
                usize::try_from(location.column()).unwrap_or_default(),
            ),
            None => malformed,
        }
    })
}

/// A scalar as text; `None` for null, lists, objects and blank texts.
pub(crate) fn text(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Json::Number(_) | Json::Bool(_) => value.map(ToString::to_string),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A boolean, also one that is written as text.
pub(crate) fn flag(value: Option<&Json>) -> Option<bool> {
    opensre_model::fields::boolean(value?)
}

/// Where the entries of a kubeconfig's `contexts` begin: lines from 1, by index. Empty where that cannot be told;
/// messages then do without.
pub(crate) fn lines_of_list(text: &str) -> Vec<usize> {
    #[derive(Deserialize)]
    struct Root {
        contexts: Vec<Spanned<IgnoredAny>>,
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options::<Root>(text, options) {
        Ok(root) => root.contexts.iter().map(line).collect(),
        Err(_) => Vec::new(),
    }
}

/// Where the values of the maps `contexts` and `toolsets` begin: lines from 1, by name.
pub(crate) fn lines_of_map(text: &str) -> HashMap<String, usize> {
    type Lines = BTreeMap<String, Spanned<IgnoredAny>>;
    #[derive(Deserialize)]
    struct Root {
        #[serde(default)]
        contexts: Lines,
        #[serde(default)]
        toolsets: Lines,
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options::<Root>(text, options) {
        Ok(root) => {
            root.contexts.iter().chain(&root.toolsets).map(|(name, entry)| (name.clone(), line(entry))).collect()
        }
        Err(_) => HashMap::new(),
    }
}

fn line(entry: &Spanned<IgnoredAny>) -> usize {
    usize::try_from(entry.referenced.line()).unwrap_or_default()
}
