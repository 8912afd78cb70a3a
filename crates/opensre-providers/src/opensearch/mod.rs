//! OpenSearch: logs by search, and the state of the cluster.
//!
//! Authentication is optional: an API key, or user name and password; where both are set the key is used. Old stores
//! spell `url` as `endpoint`.

pub mod declaration;

use crate::driver::Provider;

/// OpenSearch.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
