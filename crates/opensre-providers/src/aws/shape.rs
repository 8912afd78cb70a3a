//! The shapes in which the Python product has AWS credentials: the record made from variables, and the resolved config.

use opensre_model::provider::EnvironmentMap;
use serde_json::{Map, Value as Json, json};

use super::declaration::SPEC;
use crate::environment::{extensions, variable};

/// Keys that the resolved config has inside `credentials`.
const STATIC_KEYS: [&str; 3] = ["access_key_id", "secret_access_key", "session_token"];

const DEFAULT_REGION: &str = "us-east-1";

/// The record that the variables make. A role stands beside `credentials`, which then hold the region alone; static
/// keys stand inside it. A role wins over keys.
pub(super) fn from_environment(environment: &EnvironmentMap) -> Option<Map<String, Json>> {
    let text = |name| variable(environment, name).unwrap_or_default();
    let region = variable(environment, "AWS_REGION").unwrap_or(DEFAULT_REGION);

    let mut record = Map::new();
    let mut credentials = Map::new();
    if let Some(role) = variable(environment, "AWS_ROLE_ARN") {
        record.insert("role_arn".to_owned(), json!(role));
        record.insert("external_id".to_owned(), json!(text("AWS_EXTERNAL_ID")));
    } else {
        let id = variable(environment, "AWS_ACCESS_KEY_ID")?;
        let secret = variable(environment, "AWS_SECRET_ACCESS_KEY")?;
        let values = [id, secret, text("AWS_SESSION_TOKEN")];
        credentials.extend(STATIC_KEYS.iter().zip(values).map(|(key, value)| ((*key).to_owned(), json!(value))));
    }
    credentials.insert("region".to_owned(), json!(region));
    credentials.extend(extensions(&SPEC, environment));
    record.insert("credentials".to_owned(), Json::Object(credentials));
    Some(record)
}

/// Moves the static keys of a flat config into `credentials`. Without static keys there is no such key.
pub(super) fn nest_keys(config: &mut Map<String, Json>) {
    let nested: Map<String, Json> =
        STATIC_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), config.shift_remove(*key)?))).collect();
    let has_keys = nested.get("access_key_id").and_then(Json::as_str).is_some_and(|id| !id.is_empty());
    if has_keys {
        config.insert("credentials".to_owned(), Json::Object(nested));
    }
}
