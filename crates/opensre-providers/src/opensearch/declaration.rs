//! What is declared about OpenSearch.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// OpenSearch.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "opensearch",
    name: "OpenSearch",
    aliases: &["open search"],
    family: "opensearch",
    kind: ProviderKind::Observability,
    instances_variable: Some("OPENSEARCH_INSTANCES"),
    fields: &[
        FieldSpec::url("url")
            .example("https://opensearch.example.net:9200")
            .env(&["OPENSEARCH_URL"])
            .ask("OpenSearch URL", "with the port, 9200 as a rule")
            .read_as(&["endpoint"]),
        FieldSpec::secret("api_key")
            .env(&["OPENSEARCH_API_KEY"])
            .ask("API key", "sent as `Authorization: ApiKey`; leave empty for Basic or no authentication"),
        fields::basic_username(&["OPENSEARCH_USERNAME"]).extension(),
        fields::basic_password(&["OPENSEARCH_PASSWORD"]).extension(),
        FieldSpec::text_or("index_pattern", "*")
            .env(&["OPENSEARCH_INDEX_PATTERN"])
            .ask("Index pattern", "which indexes are searched: logs-*"),
        fields::max_results(100, 500).env(&["OPENSEARCH_MAX_RESULTS"]),
        fields::verify_ssl(&["OPENSEARCH_VERIFY_SSL"]),
        fields::ca_bundle(&["OPENSEARCH_CA_BUNDLE"]),
    ],
    configured: Rule::Set("url"),
    environment: Rule::Set("url"),
    hooks: Hooks { refine: Some(refine::prefer_api_key), ..Hooks::NONE },
    documentation: "Logs by search, and the state of the cluster. Needs read access to the indexes and \
                    cluster_monitor.",
};
