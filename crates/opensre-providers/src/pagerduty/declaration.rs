//! What is declared about PagerDuty.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// PagerDuty.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "pagerduty",
    name: "PagerDuty",
    aliases: &[],
    family: "pagerduty",
    kind: ProviderKind::Alerting,
    instances_variable: Some("PAGERDUTY_INSTANCES"),
    fields: &[
        FieldSpec::secret("token")
            .env(&["PAGERDUTY_TOKEN"])
            .ask("API token", "Integrations > API Access Keys; read-only"),
        FieldSpec::url_or("api_host", "https://api.pagerduty.com")
            .env(&["PAGERDUTY_API_HOST"])
            .ask("API URL", "https://api.eu.pagerduty.com for the EU"),
        fields::verify_ssl(&["PAGERDUTY_VERIFY_SSL"]),
        fields::ca_bundle(&["PAGERDUTY_CA_BUNDLE"]),
    ],
    configured: Rule::Set("token"),
    environment: Rule::Set("token"),
    hooks: Hooks::NONE,
    documentation: "Incidents, their alerts and log, change events and who is on call. Needs a read-only API key.",
};
