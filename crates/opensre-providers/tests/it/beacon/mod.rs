//! Beacon: incidents that people have declared. Facts from the vendor's page "Beacon HTTP API".

pub mod declaration;
mod incidents;
mod probe;
pub mod wire;

use opensre_providers::driver::{HttpFields, Provider};

/// Beacon.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe::probe),
    identity: &["user"],
    queries: &[incidents::QUERY],
    deliver: None,
    alert_labels: None,
};

/// Where it is, and how one logs in.
const HTTP: HttpFields = HttpFields::at("base_url").bearer("token");
