//! MySQL: status, process list, replication, statement digests.
//!
//! `ssl_mode` is `disabled` (no TLS), `preferred` (TLS, not verified) or anything else (TLS, verified). Sessions are
//! read-only, with a statement time limit and a row limit.

pub mod declaration;

use crate::driver::Provider;

/// MySQL.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
