//! What several fuzz targets look for.

use opensre_model::diagnostic::Diagnostic;
use opensre_model::record::Record;
use serde_json::Value as Json;

/// Marks the texts of an input that must not appear in a message.
const CANARY: &str = "CANARY";

/// Fails when a diagnostic, printed in any way, holds a marked text of a record's credentials.
pub fn assert_no_secret(records: &[Record], diagnostics: &[Diagnostic]) {
    let mut names = Vec::new();
    let mut secrets = Vec::new();
    for record in records {
        names.push(record.service.as_str());
        for instance in &record.instances {
            names.push(&instance.name);
            for (key, value) in &instance.credentials {
                names.push(key);
                marked(value, &mut names, &mut secrets);
            }
        }
    }
    // Messages name services, instances and fields: an input that has the mark there tells nothing.
    if names.iter().any(|name| name.to_uppercase().contains(CANARY)) {
        return;
    }
    for diagnostic in diagnostics {
        let printed = format!("{diagnostic} {diagnostic:?} {}", serde_json::json!(diagnostic));
        for secret in &secrets {
            assert!(!printed.contains(secret), "a secret is in a message: {printed}");
        }
    }
}

/// The keys and the marked texts under a value. A text that begins like a reference names a place, and may be shown.
fn marked<'a>(value: &'a Json, keys: &mut Vec<&'a str>, texts: &mut Vec<&'a str>) {
    match value {
        Json::String(text) if text.contains(CANARY) && !text.trim_start().starts_with("${") => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| marked(item, keys, texts)),
        Json::Object(map) => {
            for (key, item) in map {
                keys.push(key);
                marked(item, keys, texts);
            }
        }
        _ => {}
    }
}
