//! The variables of the single-instance form, as they were before there were several instances.

use serde_json::{Map, Value as Json, json};

use super::{record_head, report, set, source};
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::fields;
use crate::provider::{EnvironmentMap, FieldSpec, ProviderSpec};
use crate::record::Record;
use crate::rule;
use crate::secret::{Secret, SecretValue};
use crate::value::{Config, Value};
use crate::wording::joined;

/// The record that a provider's single-instance variables make, if they do.
pub(super) fn read(
    spec: &ProviderSpec,
    environment: &EnvironmentMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Record> {
    let mut raw = record_head(spec);
    if let Some(from_environment) = spec.hooks.from_environment {
        let mut written = from_environment(environment)?;
        for (key, value) in raw {
            written.insert(key, value);
        }
        raw = written;
    } else {
        let found = Found::of(spec, environment);
        if !rule::holds(&spec.environment, spec, &found.config) {
            diagnostics.extend(found.half_set(spec));
            return None;
        }
        raw.insert("credentials".to_owned(), Json::Object(found.credentials(spec, diagnostics)));
    }
    let (record, reports) = Record::from_json(&Json::Object(raw), &source(first_variable(spec, environment)), 0);
    diagnostics.extend(reports);
    record
}

/// Says that single-instance variables do not count since the instances variable does.
pub(super) fn hidden(spec: &ProviderSpec, environment: &EnvironmentMap, by: &Source) -> Option<Diagnostic> {
    let Source::Environment { variable: by } = by else { return None };
    read(spec, environment, &mut Vec::new())?;
    let variable = first_variable(spec, environment);
    let reason = format!("{variable} and the other single-instance variables are not read, since {by} is set");
    Some(report(spec, Severity::Note, variable, reason))
}

/// The variable to name as the source: the first that is set among those that the provider's rule asks for, else among
/// all.
fn first_variable<'a>(spec: &'a ProviderSpec, environment: &EnvironmentMap) -> &'a str {
    let asked = rule::fields(&spec.environment);
    let asked = asked.iter().filter_map(|key| spec.field(key)).flat_map(|field| field.env);
    let undeclared = spec.hooks.variables.iter().map(|(variable, _)| variable);
    let all = spec.fields.iter().flat_map(|field| field.env).chain(undeclared);
    let mut candidates = asked.chain(all.clone());
    let set = candidates.find(|variable| set(environment, variable).is_some());
    set.or_else(|| all.clone().next()).copied().unwrap_or(spec.key)
}

/// What is set for one field.
struct Variable<'a> {
    field: &'static FieldSpec,
    name: &'static str,
    text: &'a str,
}

/// What variables really set; defaults are not among it.
struct Found<'a> {
    variables: Vec<Variable<'a>>,
    /// The same, typed, to judge the rule by.
    config: Config,
}

impl<'a> Found<'a> {
    fn of(spec: &ProviderSpec, environment: &'a EnvironmentMap) -> Self {
        let mut found = Self { variables: Vec::new(), config: Config::default() };
        for field in spec.fields {
            let Some((name, text)) = field.env.iter().find_map(|&name| Some((name, set(environment, name)?))) else {
                continue;
            };
            found.variables.push(Variable { field, name, text });
            let value = match fields::read(field, &json!(text)) {
                Ok(reading) => reading.value,
                // Set, though to something that classification will refuse with a reason.
                Err(_) if field.secret => Some(Value::Secret(SecretValue::Plain(Secret::new(text)))),
                Err(_) => Some(Value::Text(text.to_owned())),
            };
            if let Some(value) = value {
                found.config.set(field.key, value);
            }
        }
        found
    }

    /// The credentials with all defaults filled in. A number or boolean that cannot be made out is reported here, where
    /// its variable is known; what cannot be read at all is left as written, for classification to refuse.
    fn credentials(&self, spec: &ProviderSpec, diagnostics: &mut Vec<Diagnostic>) -> Map<String, Json> {
        let mut credentials = Map::new();
        for field in spec.fields {
            let value = match self.variables.iter().find(|variable| variable.field.key == field.key) {
                // The Python product knows nothing of an extension; its record has it only where a variable sets it.
                None if field.extension => None,
                None => fields::default(field).as_ref().map(fields::revealed),
                Some(Variable { name, text, .. }) => match fields::read(field, &json!(text)) {
                    Err(_) => Some(json!(text)),
                    Ok(reading) => {
                        if let Some(warning) = reading.warning {
                            let report = report(spec, Severity::Warning, name, format!("{name} {warning}"));
                            diagnostics.push(report.with_field(field.key));
                        }
                        reading.value.as_ref().map(fields::revealed)
                    }
                },
            };
            if let Some(value) = value {
                credentials.insert(field.key.to_owned(), value);
            }
        }
        credentials
    }

    /// Says that variables are set which would matter if others were set too.
    fn half_set(&self, spec: &ProviderSpec) -> Option<Diagnostic> {
        let asked = rule::fields(&spec.environment);
        let set: Vec<&Variable<'_>> =
            self.variables.iter().filter(|variable| asked.contains(&variable.field.key)).collect();
        let first = set.first()?;
        let missing = rule::missing(&spec.environment, spec, &self.config)?;
        let names: Vec<String> = set.iter().map(|variable| variable.name.to_owned()).collect();
        let is = if names.len() == 1 { "is" } else { "are" };
        let reason = format!("{} {is} set, but {} also needs {}", joined(&names, "and"), spec.name, missing.words);
        let note = report(spec, Severity::Note, first.name, reason);
        let wanted: Vec<String> = missing
            .fields
            .iter()
            .filter_map(|key| spec.field(key)?.env.first())
            .map(|variable| (*variable).to_owned())
            .collect();
        Some(if wanted.is_empty() { note } else { note.with_hint(format!("set {}", joined(&wanted, "or"))) })
    }
}
