//! Dynatrace: problems, events, metrics and entities; logs and spans, asked in DQL.
//!
//! Two kinds of token open two kinds of API: an API token the environment API (problems, events, metrics), a platform
//! token the query API (DQL). Either is enough, and with both each opens its own.

pub mod declaration;

use crate::driver::Provider;

/// Dynatrace.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
