//! What a user sees of Beacon.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

/// The declaration of Beacon.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "beacon",
    name: "Beacon",
    aliases: &[],
    family: "beacon",
    kind: ProviderKind::Alerting,
    instances_variable: Some("BEACON_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://beacon.example.com")
            .env(&["BEACON_URL"])
            .ask("Beacon URL", "the address in your browser's bar"),
        FieldSpec::secret("token").env(&["BEACON_TOKEN"]).ask("Token", "Settings > Tokens; read access is enough"),
    ],
    configured: Rule::All(&[Rule::Set("base_url"), Rule::Set("token")]),
    environment: Rule::All(&[Rule::Set("base_url"), Rule::Set("token")]),
    hooks: Hooks::NONE,
    documentation: "Incidents of a Beacon. Needs a token with read access.",
};
