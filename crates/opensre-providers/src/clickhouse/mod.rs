//! ClickHouse: query log with its exceptions, running queries, metrics, parts, replicas.
//!
//! Asked over the HTTP interface; user and password go in headers.

pub mod declaration;

use crate::driver::Provider;

/// ClickHouse.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
