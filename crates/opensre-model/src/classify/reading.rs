//! Reading all fields of an instance, and what is written beside them.

use serde_json::{Map, Value as Json};

use super::{Classifier, Rejection};
use crate::diagnostic::{Severity, Source};
use crate::fields;
use crate::provider::FieldSpec;
use crate::secret::{SecretReference, SecretValue};
use crate::value::{Config, Value};
use crate::wording::{misspelt, plain, related};

impl Classifier<'_> {
    /// Reads every declared field; the first that cannot be read rejects the instance.
    pub(super) fn read_fields(&mut self, credentials: &Map<String, Json>) -> Result<Config, Rejection> {
        let mut config = Config::default();
        for field in self.spec.fields {
            let value = match fields::written(field, credentials) {
                None => fields::default(field),
                Some((key, written)) => {
                    let reading = fields::read(field, written).map_err(|unreadable| Rejection {
                        field: Some(key),
                        reason: unreadable.reason,
                        hint: self.variables_hint(&[field.key]).map(|hint| format!("{hint} to something else")),
                    })?;
                    if let Some(warning) = reading.warning {
                        self.warn(Some(key), warning, None);
                    }
                    reading.value
                }
            };
            if let Some(value) = value {
                self.refuse_commands(field, &value)?;
                config.set(field.key, value);
            }
        }
        Ok(config)
    }

    /// Whoever can set a variable must not thereby be able to run a command: `${exec:...}` is for the store file.
    fn refuse_commands(&self, field: &FieldSpec, value: &Value) -> Result<(), Rejection> {
        let is_command = |secret: &SecretValue| matches!(secret, SecretValue::Reference(SecretReference::Exec(_)));
        let has_command = match value {
            Value::Secret(secret) => is_command(secret),
            Value::Secrets(secrets) => secrets.values().any(is_command),
            Value::Text(_) | Value::Integer(_) | Value::Number(_) | Value::Boolean(_) | Value::List(_) => false,
        };
        if has_command && matches!(self.record.source, Source::Environment { .. }) {
            return Err(Rejection {
                field: Some(field.key),
                reason: "`${exec:...}` is honoured in the store file only, not in a variable".to_owned(),
                hint: Some("use `${env:NAME}` or `${file:/path}`, or keep the instance in the store".to_owned()),
            });
        }
        Ok(())
    }

    /// Reports keys that no field reads: probably misspelt when a known one is near, else only worth a note.
    pub(super) fn report_unknown_keys(&mut self, credentials: &Map<String, Json>) {
        let known = || {
            let fields = self.spec.fields.iter();
            fields.flat_map(|field| std::iter::once(field.key).chain(field.read_as.iter().copied()))
        };
        let unknown: Vec<&String> = credentials.keys().filter(|key| !known().any(|known| known == *key)).collect();
        for key in unknown {
            let near = misspelt(key, known()).or_else(|| related(key, known()));
            // A version 1 record may have had them at top level, so they are no error.
            let beside = matches!(key.as_str(), "name" | "tags");
            let near = near.filter(|_| !beside);
            let severity = if near.is_some() { Severity::Warning } else { Severity::Note };
            let reason = format!("is not a field of {}; it is not read", self.spec.name);
            let mut report = self.report(severity, Some(&plain(key)), reason);
            report.hint = near.map(|near| format!("did you mean `{near}`?"));
            if beside {
                report.hint = Some("an instance's name and tags stand beside its `credentials`".to_owned());
            }
            self.diagnostics.push(report);
        }
    }
}
