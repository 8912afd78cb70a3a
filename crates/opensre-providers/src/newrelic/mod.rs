//! New Relic: logs, metrics, spans, incidents and deployments, asked in NRQL.
//!
//! Everything goes through one GraphQL address per region. A region other than US or EU is read as US, with a
//! warning.

pub mod declaration;

use crate::driver::Provider;

/// New Relic.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
