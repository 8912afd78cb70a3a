//! What is declared about MongoDB.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// MongoDB.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "mongodb",
    name: "MongoDB",
    aliases: &["mongo"],
    family: "mongodb",
    kind: ProviderKind::DataStore,
    instances_variable: Some("MONGODB_INSTANCES"),
    fields: &[
        FieldSpec::secret("connection_string").env(&["MONGODB_CONNECTION_STRING"]).ask(
            "Connection string",
            "mongodb:// or mongodb+srv://; it holds the password and counts as secret as a whole",
        ),
        FieldSpec::text("database")
            .env(&["MONGODB_DATABASE"])
            .ask("Database", "whose collections are looked at; empty looks at none"),
        FieldSpec::text_or("auth_source", "admin")
            .env(&["MONGODB_AUTH_SOURCE"])
            .ask("Authentication database", "where the user is defined"),
        FieldSpec::boolean("tls", true).env(&["MONGODB_TLS"]).ask("Use TLS", "only `false` turns it off"),
        fields::timeout(10.0),
        fields::max_results(50, 200),
        fields::verify_ssl(&["MONGODB_VERIFY_SSL"]),
        fields::ca_bundle(&["MONGODB_CA_BUNDLE"]),
    ],
    configured: Rule::Set("connection_string"),
    environment: Rule::Set("connection_string"),
    hooks: Hooks::NONE,
    documentation: "Server status, running operations, replication and profiler. Needs a user with clusterMonitor.",
};
