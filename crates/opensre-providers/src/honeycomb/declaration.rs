//! What is declared about Honeycomb.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Honeycomb.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "honeycomb",
    name: "Honeycomb",
    aliases: &[],
    family: "honeycomb",
    kind: ProviderKind::Observability,
    instances_variable: Some("HONEYCOMB_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key").env(&["HONEYCOMB_API_KEY"]).ask(
            "API key",
            "Environment settings > API Keys; permissions `Run Queries` and `Manage Queries and Columns`",
        ),
        FieldSpec::text_or("dataset", "__all__")
            .env(&["HONEYCOMB_DATASET"])
            .ask("Dataset", "its slug; `__all__` asks all datasets of the environment"),
        FieldSpec::url_or("base_url", "https://api.honeycomb.io")
            .env(&["HONEYCOMB_API_URL"])
            .ask("API URL", "https://api.eu1.honeycomb.io for the EU"),
        fields::verify_ssl(&["HONEYCOMB_VERIFY_SSL"]),
        fields::ca_bundle(&["HONEYCOMB_CA_BUNDLE"]),
    ],
    configured: Rule::Set("api_key"),
    environment: Rule::Set("api_key"),
    hooks: Hooks::NONE,
    documentation: "Events and traces by query. Needs an API key that may run queries.",
};
