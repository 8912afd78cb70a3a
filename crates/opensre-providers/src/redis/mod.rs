//! Redis and Valkey: memory, slow commands, latency events, clients, cluster state.
//!
//! Either a URL, which may hold the password and is therefore a secret as a whole, or host and port. A URL wins.

pub mod declaration;

use crate::driver::Provider;

/// Redis, Valkey.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
