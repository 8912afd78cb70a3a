//! What other tools know about systems, as instances of ours: imports, and the way out again.
//!
//! ```text
//! a file, variables, an answer ─► source ─► Found (proposals, notes) ─► plan against a Document ─► shown ─► applied
//! the instances in effect      ─► export ─► a store, or an _INSTANCES variable
//! ```
//!
//! Everything here is pure: texts and facts come in, and nothing is read, asked, run or written. A credential plug-in is
//! therefore never run by an import, whatever a file says. Each module of [`sources`] knows one foreign format and, as
//! the one place outside the providers' own folders, which provider's fields its words mean; [`plan`] knows none of
//! them.
//!
//! How secrets travel: a secret that the origin keeps elsewhere stays a reference to there; one that stands in the
//! origin in clear becomes a reference to a variable that the person is told to set, unless copying was asked for.

pub mod export;
pub mod plan;
pub mod proposal;
pub mod sources;
pub mod tags;

mod compare;
mod endpoint;
mod ini;
mod jsonc;
mod names;
mod settings;
mod settle;
mod spelling;
mod yaml;

pub use names::variable_for;
pub use plan::{Action, Choices, Entry, Plan, plan};
pub use proposal::{Found, Proposal, Skipped};

/// Why a text as a whole is not what it was taken for. Never holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", position(*.line, *.column))]
pub struct Malformed {
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Malformed {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), line: None, column: None, hint: None }
    }

    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

fn position(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        (Some(line), None) => format!(" (line {line})"),
        _ => String::new(),
    }
}
