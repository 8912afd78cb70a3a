//! What is declared about MySQL.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// MySQL.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "mysql",
    name: "MySQL",
    aliases: &[],
    family: "mysql",
    kind: ProviderKind::DataStore,
    instances_variable: Some("MYSQL_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("db.example.net")
            .env(&["MYSQL_HOST"])
            .ask("Host", "name or address of the server"),
        FieldSpec::text("database")
            .example("shop")
            .env(&["MYSQL_DATABASE"])
            .ask("Database", "the database to connect to"),
        fields::port("port", 3306).env(&["MYSQL_PORT"]).ask("Port", "3306 as a rule"),
        FieldSpec::text_or("username", "root")
            .env(&["MYSQL_USERNAME"])
            .ask("User name", "needs PROCESS, REPLICATION CLIENT, and SELECT on performance_schema"),
        FieldSpec::secret("password").env(&["MYSQL_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::text_or("ssl_mode", "preferred")
            .env(&["MYSQL_SSL_MODE"])
            .ask("TLS mode", "disabled: no TLS; preferred: TLS, not verified; anything else: TLS, verified"),
        fields::timeout(10.0).extension(),
        fields::max_results(50, 10_000).extension(),
        fields::verify_ssl(&["MYSQL_VERIFY_SSL"]),
        fields::ca_bundle(&["MYSQL_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    environment: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    hooks: Hooks::NONE,
    documentation: "Status, process list, replication and statement digests. Needs PROCESS and REPLICATION \
                    CLIENT; sessions are read-only.",
};
