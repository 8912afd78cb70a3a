//! What is declared about PostgreSQL.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// PostgreSQL.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "postgresql",
    name: "PostgreSQL",
    aliases: &["postgres"],
    family: "postgresql",
    kind: ProviderKind::DataStore,
    instances_variable: Some("POSTGRESQL_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("db.example.net")
            .env(&["POSTGRESQL_HOST"])
            .ask("Host", "name or address of the server; a path is the folder of its Unix socket"),
        FieldSpec::text("database")
            .example("shop")
            .env(&["POSTGRESQL_DATABASE"])
            .ask("Database", "the database to connect to"),
        fields::port("port", 5432).env(&["POSTGRESQL_PORT"]).ask("Port", "5432 as a rule"),
        FieldSpec::text_or("username", "postgres")
            .env(&["POSTGRESQL_USERNAME"])
            .ask("User name", "a member of pg_monitor is enough"),
        FieldSpec::secret("password").env(&["POSTGRESQL_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::text_or("ssl_mode", "prefer").env(&["POSTGRESQL_SSL_MODE"]).ask(
            "TLS mode",
            "disable, allow, prefer, require, verify-ca or verify-full; only the last two, or a CA bundle, verify the \
             server",
        ),
        fields::timeout(10.0),
        fields::max_results(50, 10_000),
        fields::verify_ssl(&["POSTGRESQL_VERIFY_SSL"]),
        fields::ca_bundle(&["POSTGRESQL_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    environment: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    hooks: Hooks::NONE,
    documentation: "Activity, locks, replication and statistics. Needs a user that may log in and is in pg_monitor \
                    (`CREATE ROLE opensre LOGIN PASSWORD '...'; GRANT pg_monitor TO opensre`); statement statistics \
                    need the extension pg_stat_statements. Sessions are read-only, one at a time.",
};
