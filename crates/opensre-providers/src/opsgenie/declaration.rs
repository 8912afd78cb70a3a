//! What is declared about Opsgenie.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Opsgenie.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "opsgenie",
    name: "Opsgenie",
    aliases: &[],
    family: "opsgenie",
    kind: ProviderKind::Alerting,
    instances_variable: Some("OPSGENIE_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key")
            .env(&["OPSGENIE_API_KEY"])
            .ask("API key", "Settings > API key management; access right Read"),
        FieldSpec::text_or("region", "us").env(&["OPSGENIE_REGION"]).ask("Region", "us or eu"),
        fields::verify_ssl(&["OPSGENIE_VERIFY_SSL"]),
        fields::ca_bundle(&["OPSGENIE_CA_BUNDLE"]),
    ],
    configured: Rule::Set("api_key"),
    environment: Rule::Set("api_key"),
    hooks: Hooks { refine: Some(|draft| refine::one_of(draft, "region", &["us", "eu"])), ..Hooks::NONE },
    documentation: "Alerts and their logs. Needs an API key with the access right Read.",
};
