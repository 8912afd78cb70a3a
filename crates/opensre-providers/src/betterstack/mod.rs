//! Better Stack: logs, asked in ClickHouse SQL over HTTP.
//!
//! User name and password belong to the query endpoint, not to a person. Source names become table names in queries
//! and are therefore checked when they are read.

pub mod declaration;

use crate::driver::Provider;

/// Better Stack.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
