//! Prometheus, and what speaks its HTTP API (Mimir, Thanos, Cortex).

pub mod declaration;

use crate::driver::Provider;

/// Prometheus.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };
