//! Datadog: logs, metrics, events, spans and monitors.
//!
//! Two keys authenticate every call (headers DD-API-KEY and DD-APPLICATION-KEY) against `https://api.{site}`. The
//! site is also what tells one Datadog from another in an alert: its links lead to it.

pub mod declaration;

use crate::driver::Provider;

/// Datadog.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
