//! Alertmanager: alerts and silences.

pub mod declaration;

use crate::driver::Provider;

/// Alertmanager.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };
