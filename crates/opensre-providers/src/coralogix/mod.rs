//! Coralogix: logs, asked in DataPrime.
//!
//! One call answers everything; its answer is a sequence of JSON lines. The misspelling `carologix` is an alias,
//! since old stores have it.

pub mod declaration;

use crate::driver::Provider;

/// Coralogix.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
