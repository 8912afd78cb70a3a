//! What is declared about Jaeger.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Jaeger.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "jaeger",
    name: "Jaeger",
    aliases: &[],
    family: "jaeger",
    kind: ProviderKind::Observability,
    instances_variable: Some("JAEGER_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://jaeger.example.net")
            .env(&["JAEGER_QUERY_URL"])
            .ask("Jaeger URL", "that of the query service, 16686 as a rule; may have a path prefix"),
        fields::bearer_token(&["JAEGER_BEARER_TOKEN"]),
        fields::basic_username(&["JAEGER_USERNAME"]),
        fields::basic_password(&["JAEGER_PASSWORD"]),
        fields::verify_ssl(&["JAEGER_VERIFY_SSL"]),
        fields::ca_bundle(&["JAEGER_CA_BUNDLE"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::prefer_bearer_token), ..Hooks::NONE },
    documentation: "Traces by service, operation and tag. Reads only; needs access to the query service.",
};
