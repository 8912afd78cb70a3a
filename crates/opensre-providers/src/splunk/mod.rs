//! Splunk: logs, asked in SPL.
//!
//! A bearer token authenticates at the management port. Private certificates are common there: a `ca_bundle` wins
//! over `verify_ssl`.

pub mod declaration;

use crate::driver::Provider;

/// Splunk.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
