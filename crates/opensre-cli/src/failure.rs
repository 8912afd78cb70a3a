//! Why a command did not do what it was asked for, as a person reads it.

use std::fmt;

use opensre_model::record::EditError;
use opensre_store::StoreError;

use crate::exit::Exit;

/// A failed command: how it exits, what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the process exits.
    pub exit: Exit,
    /// What happened and where: lower case, no full stop, never a secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Bad input.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// Tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if matches!(error, StoreError::NoHome) { Exit::BadInput } else { Exit::Failure };
        Self { exit, message: error.to_string(), hint: error.hint() }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::failed(error.to_string())
    }
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
