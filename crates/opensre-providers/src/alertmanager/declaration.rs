//! What is declared about Alertmanager.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Alertmanager.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "alertmanager",
    name: "Alertmanager",
    aliases: &[],
    family: "alertmanager",
    kind: ProviderKind::Alerting,
    instances_variable: Some("ALERTMANAGER_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://alertmanager.example.net")
            .env(&["ALERTMANAGER_URL"])
            .ask("Alertmanager URL", "without `/api/v2`; may have a path prefix"),
        fields::bearer_token(&["ALERTMANAGER_BEARER_TOKEN"]),
        fields::basic_username(&["ALERTMANAGER_USERNAME"]),
        fields::basic_password(&["ALERTMANAGER_PASSWORD"]),
        fields::verify_ssl(&["ALERTMANAGER_VERIFY_SSL"]),
        fields::ca_bundle(&["ALERTMANAGER_CA_BUNDLE"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::prefer_bearer_token), ..Hooks::NONE },
    documentation: "Which alerts fire, are silenced or inhibited. Reads only; needs access to /api/v2.",
};
