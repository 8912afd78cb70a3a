//! What is declared about ClickHouse.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// ClickHouse.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "clickhouse",
    name: "ClickHouse",
    aliases: &[],
    family: "clickhouse",
    kind: ProviderKind::DataStore,
    instances_variable: Some("CLICKHOUSE_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("clickhouse.example.net")
            .env(&["CLICKHOUSE_HOST"])
            .ask("Host", "name or address of the server"),
        fields::port("port", 8123).env(&["CLICKHOUSE_PORT"]).ask("HTTP port", "8123 as a rule, 8443 with TLS"),
        FieldSpec::text_or("database", "default")
            .env(&["CLICKHOUSE_DATABASE"])
            .ask("Database", "the default for unqualified names"),
        FieldSpec::text_or("username", "default")
            .env(&["CLICKHOUSE_USER"])
            .ask("User name", "needs SELECT on system.*"),
        FieldSpec::secret("password").env(&["CLICKHOUSE_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::boolean("secure", false)
            .env(&["CLICKHOUSE_SECURE"])
            .ask("Use TLS", "then the port is 8443 as a rule"),
        fields::timeout(10.0),
        fields::verify_ssl(&["CLICKHOUSE_VERIFY_SSL"]),
        fields::ca_bundle(&["CLICKHOUSE_CA_BUNDLE"]),
    ],
    configured: Rule::Set("host"),
    environment: Rule::Set("host"),
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Query log, running queries, metrics, parts and replicas. Needs SELECT on system.*; queries \
                    are read-only.",
};
