//! From an alert to a report: plan, gather, signals, hypotheses, report.
//!
//! The only async step is [`gather`]; what comes before and after it are pure functions. Nothing here knows a provider
//! by name, reads a wall clock, or prints: everything comes in as an [`Inquiry`], and a [`Report`] goes out.
//!
//! [`gather`]: crate::gather
//! [`Report`]: opensre_model::report::Report

pub mod ask;
pub mod gather;
pub mod hypotheses;
mod identity;
pub mod inquiry;
pub mod mechanism;
pub mod patterns;
pub mod plan;
pub mod redact;
pub mod report;
pub mod signals;
pub mod subject;
mod verdict;

pub use ask::{Answered, ask};
pub use gather::{Observer, Progress};
pub use hypotheses::{Diagnosis, diagnose};
pub use inquiry::{Inquiry, InvestigationError, investigate, investigate_along};
