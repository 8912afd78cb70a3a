//! What is declared about MariaDB.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// MariaDB.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "mariadb",
    name: "MariaDB",
    aliases: &[],
    family: "mariadb",
    kind: ProviderKind::DataStore,
    instances_variable: Some("MARIADB_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("db.example.net")
            .env(&["MARIADB_HOST"])
            .ask("Host", "name or address of the server"),
        FieldSpec::text("database")
            .example("shop")
            .env(&["MARIADB_DATABASE"])
            .ask("Database", "the database to connect to"),
        fields::port("port", 3306).env(&["MARIADB_PORT"]).ask("Port", "3306 as a rule"),
        FieldSpec::text("username")
            .env(&["MARIADB_USERNAME"])
            .ask("User name", "needs PROCESS, SLAVE MONITOR, and SELECT on performance_schema"),
        FieldSpec::secret("password").env(&["MARIADB_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::boolean("ssl", true).env(&["MARIADB_SSL"]).ask("Use TLS", "with `true` the server is verified too"),
        fields::timeout(5.0).extension(),
        fields::max_results(50, 10_000).extension(),
        fields::verify_ssl(&["MARIADB_VERIFY_SSL"]),
        fields::ca_bundle(&["MARIADB_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    environment: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    hooks: Hooks::NONE,
    documentation: "Status, process list, replication and InnoDB state. Needs PROCESS and SLAVE MONITOR; \
                    sessions are read-only.",
};
