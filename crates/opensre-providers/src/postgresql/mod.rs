//! PostgreSQL: activity, locks, replication, statement statistics.
//!
//! `ssl_mode` has the words and meanings of libpq. Sessions are read-only, with a statement time limit and a row
//! limit.

pub mod declaration;

use crate::driver::Provider;

/// PostgreSQL.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
