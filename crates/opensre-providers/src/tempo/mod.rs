//! Tempo: traces.

pub mod declaration;

use crate::driver::Provider;

/// Tempo.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };
