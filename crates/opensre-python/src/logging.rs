//! Diagnostics on Python's `logging`, under the name of the module that they are about.

use opensre_model::diagnostic::{self, Severity};
use pyo3::prelude::*;

/// `opensre.integrations.catalog`: records, variables, resolution.
pub(crate) const CATALOG: &str = "opensre.integrations.catalog";
/// `opensre.integrations.store`: the store file.
pub(crate) const STORE: &str = "opensre.integrations.store";
/// `opensre`: routes and investigations.
pub(crate) const PROGRAM: &str = "opensre";

/// One thing that did not work, or was read differently from how it was written. Never holds a field's value.
#[pyclass(frozen, get_all, eq, module = "opensre")]
#[derive(PartialEq)]
pub(crate) struct Diagnostic {
    /// `note`, `warning` or `error`.
    severity: &'static str,
    /// Canonical service key, where one is known.
    service: Option<String>,
    /// Instance name, where one is known.
    instance: Option<String>,
    /// Field key, where one field is at fault.
    field: Option<String>,
    /// What is wrong, in words, without the value.
    reason: String,
    /// What to do about it.
    hint: Option<String>,
    /// Where it was found.
    source: String,
    /// All of it in one line.
    message: String,
}

#[pymethods]
impl Diagnostic {
    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("<opensre.Diagnostic {}: {}>", self.severity, self.message)
    }
}

impl From<&diagnostic::Diagnostic> for Diagnostic {
    fn from(diagnostic: &diagnostic::Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            service: diagnostic.service.clone(),
            instance: diagnostic.instance.clone(),
            field: diagnostic.field.clone(),
            reason: diagnostic.reason.clone(),
            hint: diagnostic.hint.clone(),
            source: diagnostic.source.to_string(),
            message: printable(&diagnostic.to_string()),
        }
    }
}

/// Logs diagnostics: notes as INFO, warnings as WARNING, errors as ERROR.
pub(crate) fn diagnostics(py: Python<'_>, module: &str, diagnostics: &[diagnostic::Diagnostic]) -> PyResult<()> {
    let mut logger = None;
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Note => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let mut message = diagnostic.to_string();
        if let Some(hint) = &diagnostic.hint {
            message.push_str("; hint: ");
            message.push_str(hint);
        }
        log(py, &mut logger, module, level, &message)?;
    }
    Ok(())
}

/// Logs warnings that are words already.
pub(crate) fn warnings<'w>(
    py: Python<'_>,
    module: &str,
    warnings: impl IntoIterator<Item = &'w String>,
) -> PyResult<()> {
    let mut logger = None;
    warnings.into_iter().try_for_each(|warning| log(py, &mut logger, module, "warning", warning))
}

fn log<'py>(
    py: Python<'py>,
    logger: &mut Option<Bound<'py, PyAny>>,
    module: &str,
    level: &str,
    message: &str,
) -> PyResult<()> {
    let logger = match logger {
        Some(logger) => logger,
        None => logger.insert(py.import("logging")?.call_method1("getLogger", (module,))?),
    };
    // The message is an argument: a `%` in it is none of a format.
    logger.call_method1(level, ("%s", printable(message)))?;
    Ok(())
}

/// Without characters that could steer a terminal or break a log's lines: names come from files and variables.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
