//! What did not work, as values: loading and gathering return what worked *and* these, never all or nothing.

use std::fmt;

use serde::Serialize;

/// Where a record, instance or variable came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// The store file.
    Store {
        /// The file's path, as given.
        path: String,
    },
    /// A variable of the environment (or of the `.env` file named by `--env-file`).
    Environment {
        /// The variable's name: `GRAFANA_INSTANCES`, or the first variable of the single-instance form.
        variable: String,
    },
}

impl Source {
    /// The label of the compatible effective view: `local store` or `local env`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Store { .. } => "local store",
            Self::Environment { .. } => "local env",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { path } => write!(f, "store {path}"),
            Self::Environment { variable } => write!(f, "variable {variable}"),
        }
    }
}

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; everything works.
    Note,
    /// Something was read differently from how it was written.
    Warning,
    /// A record, instance or variable was left out.
    Error,
}

/// One thing that did not work while loading. Never holds a field's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Canonical service key, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Instance name, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Field key, where one field is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, in words, without the value.
    pub reason: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where it was found.
    pub source: Source,
}

impl Diagnostic {
    /// A diagnostic about a source as a whole; narrow it with the `with_` methods.
    pub fn new(severity: Severity, source: Source, reason: impl Into<String>) -> Self {
        Self { severity, service: None, instance: None, field: None, reason: reason.into(), hint: None, source }
    }

    /// Names the service.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Names the instance.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Names the field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = &self.service {
            f.write_str(service)?;
            if let Some(instance) = &self.instance {
                write!(f, "/{instance}")?;
            }
            if let Some(field) = &self.field {
                write!(f, " {field}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} ({})", self.reason, self.source)
    }
}
