//! What is declared about Vercel.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Vercel.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "vercel",
    name: "Vercel",
    aliases: &[],
    family: "vercel",
    kind: ProviderKind::Delivery,
    instances_variable: Some("VERCEL_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_token")
            .env(&["VERCEL_API_TOKEN"])
            .ask("API token", "Account Settings > Tokens; scope it to the team"),
        FieldSpec::text("team_id")
            .env(&["VERCEL_TEAM_ID"])
            .ask("Team id", "Team Settings > General; empty for a personal account"),
        fields::verify_ssl(&["VERCEL_VERIFY_SSL"]),
        fields::ca_bundle(&["VERCEL_CA_BUNDLE"]),
    ],
    configured: Rule::Set("api_token"),
    environment: Rule::Set("api_token"),
    hooks: Hooks::NONE,
    documentation: "Deployments, their events and their logs. Needs an API token of the team.",
};
