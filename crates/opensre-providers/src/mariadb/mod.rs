//! MariaDB: status, process list, replication, InnoDB state.
//!
//! `ssl` means verified TLS. Sessions are read-only, with a statement time limit and a row limit.

pub mod declaration;

use crate::driver::Provider;

/// MariaDB.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
