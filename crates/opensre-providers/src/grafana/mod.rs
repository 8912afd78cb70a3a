//! Grafana: data sources behind one door, alert rules, annotations.
//!
//! A Grafana on this very machine is a provider of its own ([`LOCAL`], key `grafana_local`) that shares the family:
//! both are listed, named and selected as `grafana`.

pub mod declaration;

use crate::driver::Provider;

/// Grafana.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[] };

/// Grafana on this machine, reached without credentials.
pub const LOCAL: Provider = Provider { spec: &declaration::LOCAL_SPEC, ..PROVIDER };
