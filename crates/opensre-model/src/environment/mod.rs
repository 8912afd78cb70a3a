//! Records from variables: `<SERVICE>_INSTANCES`, and the variables of the single-instance form.
//!
//! The environment comes in as a value. Each provider loads on its own: whatever is wrong with one variable stops no
//! other, and a message names the variable and the place in it, never its value or a parser's words about it.

mod instances;
mod single;
mod strays;

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::provider::{Catalogue, EnvironmentMap, ProviderSpec};
use crate::record::Record;

/// The records that variables make, at most one per provider, in the order of the catalogue.
///
/// A provider's instances variable with at least one usable entry hides its single-instance variables. A record's id
/// is `env-<service>` with `-` for `_`; whether its instances can be used is not decided here.
///
/// ```
/// use opensre_model::environment::records;
/// use opensre_model::provider::{Catalogue, EnvironmentMap};
/// let (records, diagnostics) = records(&Catalogue::new(Vec::new()), &EnvironmentMap::new());
/// assert!(records.is_empty() && diagnostics.is_empty());
/// ```
pub fn records(catalogue: &Catalogue, environment: &EnvironmentMap) -> (Vec<Record>, Vec<Diagnostic>) {
    let mut records = Vec::new();
    let mut diagnostics = Vec::new();
    for spec in catalogue.iter() {
        let from_list = spec.instances_variable.and_then(|variable| {
            let text = set(environment, variable)?;
            instances::read(spec, variable, text, &mut diagnostics)
        });
        if let Some(record) = from_list {
            diagnostics.extend(single::hidden(spec, environment, &record.source));
            records.push(record);
        } else {
            records.extend(single::read(spec, environment, &mut diagnostics));
        }
    }
    diagnostics.extend(strays::report(catalogue, environment));
    (records, diagnostics)
}

/// A variable's value, trimmed; empty counts as unset.
fn set<'a>(environment: &'a EnvironmentMap, variable: &str) -> Option<&'a str> {
    environment.get(variable).map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn source(variable: &str) -> Source {
    Source::Environment { variable: variable.to_owned() }
}

fn report(spec: &ProviderSpec, severity: Severity, variable: &str, reason: String) -> Diagnostic {
    Diagnostic::new(severity, source(variable), reason).with_service(spec.key)
}

/// The id of a provider's record from variables.
fn record_id(spec: &ProviderSpec) -> String {
    format!("env-{}", spec.key.replace('_', "-"))
}

/// The top-level keys that every record has.
fn record_head(spec: &ProviderSpec) -> Map<String, Json> {
    let mut head = Map::new();
    head.insert("id".to_owned(), json!(record_id(spec)));
    head.insert("service".to_owned(), json!(spec.key));
    head.insert("status".to_owned(), json!("active"));
    head
}
