//! What several fuzz targets look for.

use opensre_model::diagnostic::Diagnostic;
use opensre_model::record::Record;
use serde_json::Value as Json;

/// Marks the texts of an input that must not appear in a message.
const CANARY: &str = "CANARY";

/// Fails when a diagnostic, printed in any way, holds a marked text of a record's credentials.
pub fn assert_no_secret(records: &[Record], diagnostics: &[Diagnostic]) {
    // Services and instances are named in messages: an input that has the mark there tells nothing.
    let named = |record: &Record| {
        record.service.to_uppercase().contains(CANARY)
            || record.instances.iter().any(|instance| instance.name.to_uppercase().contains(CANARY))
    };
    if records.iter().any(named) {
        return;
    }
    let mut secrets = Vec::new();
    for instance in records.iter().flat_map(|record| &record.instances) {
        for value in instance.credentials.values() {
            marked(value, &mut secrets);
        }
    }
    if secrets.is_empty() {
        return;
    }
    for diagnostic in diagnostics {
        let printed = format!("{diagnostic} {diagnostic:?} {}", serde_json::json!(diagnostic));
        for secret in &secrets {
            assert!(!printed.contains(secret), "a secret is in a message: {printed}");
        }
    }
}

/// The marked texts under a value.
fn marked<'a>(value: &'a Json, into: &mut Vec<&'a str>) {
    match value {
        Json::String(text) if text.contains(CANARY) => into.push(text),
        Json::Array(items) => items.iter().for_each(|item| marked(item, into)),
        Json::Object(map) => map.values().for_each(|item| marked(item, into)),
        _ => {}
    }
}
