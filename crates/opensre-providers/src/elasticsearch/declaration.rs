//! What is declared about Elasticsearch.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Elasticsearch.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "elasticsearch",
    name: "Elasticsearch",
    aliases: &["elastic"],
    family: "elasticsearch",
    kind: ProviderKind::Observability,
    instances_variable: Some("ELASTICSEARCH_INSTANCES"),
    fields: &[
        FieldSpec::url("url")
            .example("https://elasticsearch.example.net:9200")
            .env(&["ELASTICSEARCH_URL"])
            .ask("Elasticsearch URL", "with the port, 9200 as a rule")
            .read_as(&["endpoint"]),
        FieldSpec::secret("api_key").env(&["ELASTICSEARCH_API_KEY"]).ask(
            "API key",
            "the encoded form; Stack Management > API keys; privileges `monitor`, and `read` on the indexes",
        ),
        fields::basic_username(&["ELASTICSEARCH_USERNAME"]),
        fields::basic_password(&["ELASTICSEARCH_PASSWORD"]),
        FieldSpec::text_or("index_pattern", "*")
            .env(&["ELASTICSEARCH_INDEX_PATTERN"])
            .ask("Index pattern", "which indexes are searched: logs-*"),
        fields::max_results(100, 500).env(&["ELASTICSEARCH_MAX_RESULTS"]),
        fields::verify_ssl(&["ELASTICSEARCH_VERIFY_SSL"]),
        fields::ca_bundle(&["ELASTICSEARCH_CA_BUNDLE"]),
    ],
    configured: Rule::Set("url"),
    environment: Rule::Set("url"),
    hooks: Hooks { refine: Some(refine::prefer_api_key), dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Logs by search, and the state of the cluster. Needs the privileges monitor, and read on the \
                    indexes.",
};
