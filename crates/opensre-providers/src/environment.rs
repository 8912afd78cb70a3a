//! Reading variables in `from_environment` hooks.

use opensre_model::provider::{EnvironmentMap, ProviderSpec};
use serde_json::{Map, Value as Json, json};

/// A variable's value, trimmed; one that is empty counts as unset.
pub(crate) fn variable<'a>(environment: &'a EnvironmentMap, name: &str) -> Option<&'a str> {
    environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The fields that the Python product does not have (and whose variables its rules therefore do not mention), as far as
/// they are set.
pub(crate) fn extensions(spec: &ProviderSpec, environment: &EnvironmentMap) -> Map<String, Json> {
    spec.fields
        .iter()
        .filter(|field| field.extension)
        .filter_map(|field| {
            let text = field.env.iter().find_map(|name| variable(environment, name))?;
            Some((field.key.to_owned(), json!(text)))
        })
        .collect()
}
