//! Honeycomb: events and traces, asked by query.
//!
//! One key (header X-Honeycomb-Team) belongs to one environment. A query is created, started, and then polled.

pub mod declaration;

use crate::driver::Provider;

/// Honeycomb.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
