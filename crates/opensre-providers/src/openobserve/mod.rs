//! OpenObserve: logs, asked in SQL.
//!
//! A token, or user name and password; where both are set the token is used. Times go in microseconds.

pub mod declaration;

use crate::driver::Provider;

/// OpenObserve.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
