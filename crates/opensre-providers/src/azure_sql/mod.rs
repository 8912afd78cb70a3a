//! Azure SQL: requests, resource use, query and wait statistics.
//!
//! The certificate of the server is always verified, so there is no `verify_ssl`. `driver` is kept for old set-ups.

pub mod declaration;

use crate::driver::Provider;

/// Azure SQL.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
