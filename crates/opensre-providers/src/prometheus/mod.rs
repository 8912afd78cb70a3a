//! Prometheus, and what speaks its HTTP API (Mimir, Thanos, Cortex, VictoriaMetrics).
//!
//! The same code asks a server directly and through a Grafana data-source proxy: every [`ApiQuery`] takes a
//! [`Backend`](crate::backend::Backend) and knows nothing of how it is reached. Pure parts: [`promql`] builds queries,
//! [`expression`] reads a rule's, [`selection`] goes from labels to selectors, [`families`] knows which metrics tell
//! something, [`wire`] reads answers.

pub mod declaration;
pub mod expression;
pub mod families;
pub mod promql;
pub mod selection;
pub mod wire;

mod alert_rule;
mod api;
mod firing;
mod known;
mod links;
mod outcome;
mod queries;
mod range;
mod related;
pub(crate) mod summary;
mod targets;

pub(crate) use alert_rule::{Wanted, alert_rule};
pub(crate) use api::step_seconds;
pub(crate) use links::vmui;
pub(crate) use queries::{ALERT_RULE, ALERTS, ApiQuery, BOUNDS, RANGE, RELATED, active_labels, prove};

use futures::FutureExt;

use crate::driver::Provider;

/// Prometheus.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(queries::probe),
    identity: &["version", "tenant"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: Some(|access| active_labels(access).boxed()),
};

/// What was cut from an answer, or is odd about it, for [`truncated`](opensre_model::evidence::Evidence::truncated).
fn notes(cut: Option<String>, odd: usize, said: &[String]) -> Option<String> {
    let odd = (odd > 0).then(|| format!("{odd} values that are no finite number are left out"));
    let said = said.iter().map(|note| format!("the server says: {note}"));
    let all: Vec<String> = cut.into_iter().chain(odd).chain(said).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
