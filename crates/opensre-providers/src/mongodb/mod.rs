//! MongoDB: server status, running operations, replication, profiler.
//!
//! The connection string holds the password, so it is a secret as a whole.

pub mod declaration;

use crate::driver::Provider;

/// MongoDB.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
