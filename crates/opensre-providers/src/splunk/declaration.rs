//! What is declared about Splunk.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Splunk.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "splunk",
    name: "Splunk",
    aliases: &[],
    family: "splunk",
    kind: ProviderKind::Observability,
    instances_variable: Some("SPLUNK_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://splunk.example.net:8089")
            .env(&["SPLUNK_URL"])
            .ask("Splunk URL", "that of the management port, 8089 as a rule, not of the web interface"),
        FieldSpec::secret("token")
            .env(&["SPLUNK_TOKEN"])
            .ask("Token", "Settings > Tokens; its user needs the capability `search` and the indexes to search"),
        FieldSpec::text_or("index", "main").env(&["SPLUNK_INDEX"]).ask("Index", "the index that is searched"),
        FieldSpec { extension: false, ..fields::verify_ssl(&["SPLUNK_VERIFY_SSL"]) },
        FieldSpec { extension: false, ..fields::ca_bundle(&["SPLUNK_CA_BUNDLE"]) },
    ],
    configured: Rule::All(&[Rule::Set("base_url"), Rule::Set("token")]),
    environment: Rule::All(&[Rule::Set("base_url"), Rule::Set("token")]),
    hooks: Hooks::NONE,
    documentation: "Logs by SPL search. Needs a token whose user may search the index.",
};
