//! Records and messages for tests.

use opensre_model::diagnostic::{Diagnostic, Source};
use opensre_model::provider::EnvironmentMap;
use opensre_model::record::Record;
use serde_json::{Value as Json, json};

/// The store as a source.
pub(crate) fn store_source() -> Source {
    Source::Store { path: "store.json".to_owned() }
}

/// A record of the store; panics when it cannot be read.
pub(crate) fn stored(record: &Json) -> Record {
    Record::from_json(record, &store_source(), 0).0.expect("a readable record")
}

/// An active record of the store with these instances.
pub(crate) fn active(id: &str, service: &str, instances: &Json) -> Record {
    stored(&json!({"id": id, "service": service, "status": "active", "instances": instances}))
}

/// The same from a variable.
pub(crate) fn from_variable(variable: &str, service: &str, instances: &Json) -> Record {
    let source = Source::Environment { variable: variable.to_owned() };
    let record =
        json!({"id": format!("env-{service}"), "service": service, "status": "active", "instances": instances});
    Record::from_json(&record, &source, 0).0.expect("a readable record")
}

/// An environment of these variables.
pub(crate) fn variables(pairs: &[(&str, &str)]) -> EnvironmentMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Diagnostics as a person reads them, with severity and hint.
pub(crate) fn messages(diagnostics: &[Diagnostic]) -> String {
    let lines = diagnostics.iter().map(|diagnostic| {
        let severity = format!("{:?}", diagnostic.severity).to_lowercase();
        let hint = diagnostic.hint.as_ref().map(|hint| format!(" [{hint}]")).unwrap_or_default();
        format!("{severity}: {diagnostic}{hint}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
