//! Alertmanager: which alerts are active, and what silences them.

pub mod declaration;
pub mod wire;

mod queries;

pub(crate) use queries::active_labels;

use futures::FutureExt;

use crate::driver::Provider;

/// Alertmanager.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(queries::probe),
    identity: &["version", "cluster"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: Some(|access| active_labels(access).boxed()),
};
