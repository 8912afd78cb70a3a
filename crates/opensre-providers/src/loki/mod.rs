//! Loki: logs by label.

pub mod declaration;

use crate::driver::Provider;

/// Loki.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };
