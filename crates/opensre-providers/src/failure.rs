//! Why an instance gave no answer: one type from which gaps and probes are made.

use std::fmt;

use opensre_http::HttpFailure;
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::instance::Instance;

/// Why there is no answer, in words fit to be shown. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// The kind of gap it leaves.
    pub kind: GapKind,
    /// What happened, in one line.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: GapKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), hint: None }
    }

    /// The server answered, but not what its documentation says.
    pub fn nonsense(reason: impl Into<String>) -> Self {
        Self::new(GapKind::Failed, reason).with_hint("check that the URL is this product's API, with its path prefix")
    }

    /// A field that has to be set is not.
    pub fn missing(field: &str) -> Self {
        Self::new(GapKind::Failed, format!("{field} is not set"))
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what was being asked for.
    #[must_use]
    pub fn about(mut self, what: &str) -> Self {
        self.reason = format!("{what}: {}", self.reason);
        self
    }

    /// The gap that it leaves at one instance's query.
    pub fn into_gap(self, instance: &Instance, operation: &str) -> Gap {
        Gap {
            service: instance.family.clone(),
            instance: Some(instance.name.as_str().to_owned()),
            operation: Some(operation.to_owned()),
            kind: self.kind,
            reason: self.reason,
            hint: self.hint,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<HttpFailure> for Failure {
    fn from(failure: HttpFailure) -> Self {
        Self { kind: failure.gap(), reason: failure.to_string(), hint: failure.hint }
    }
}
