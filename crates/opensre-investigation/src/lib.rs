//! From an alert to a report: plan, gather, signals, hypotheses, report.
//!
//! The only async step is [`gather`]; what comes before and after it are pure functions. Nothing here knows a provider
//! by name, reads a wall clock, or prints: everything comes in as an [`Inquiry`], and a [`Report`] goes out.
//!
//! [`gather`]: crate::gather
//! [`Report`]: opensre_model::report::Report

pub mod hypotheses;
pub mod mechanism;
pub mod patterns;
pub mod redact;
pub mod signals;
pub mod subject;

pub use hypotheses::{Diagnosis, diagnose};
