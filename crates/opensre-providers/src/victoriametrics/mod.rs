//! VictoriaMetrics and VictoriaLogs: Prometheus' HTTP API and LogsQL.

pub mod declaration;

use crate::driver::Provider;

/// VictoriaMetrics.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };
