//! What is declared about Azure SQL.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Azure SQL.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "azure_sql",
    name: "Azure SQL",
    aliases: &[],
    family: "azure_sql",
    kind: ProviderKind::DataStore,
    instances_variable: Some("AZURE_SQL_INSTANCES"),
    fields: &[
        FieldSpec::text("server")
            .example("acme.database.windows.net")
            .env(&["AZURE_SQL_SERVER"])
            .ask("Server", "{name}.database.windows.net"),
        FieldSpec::text("database")
            .example("shop")
            .env(&["AZURE_SQL_DATABASE"])
            .ask("Database", "the database to connect to"),
        fields::port("port", 1433).env(&["AZURE_SQL_PORT"]).ask("Port", "1433 as a rule"),
        FieldSpec::text("username")
            .env(&["AZURE_SQL_USERNAME"])
            .ask("User name", "a user with VIEW DATABASE STATE is enough"),
        FieldSpec::secret("password").env(&["AZURE_SQL_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::text_or("driver", "ODBC Driver 18 for SQL Server")
            .env(&["AZURE_SQL_DRIVER"])
            .ask("ODBC driver", "kept for old set-ups; no ODBC driver is needed"),
        FieldSpec::boolean("encrypt", true).env(&["AZURE_SQL_ENCRYPT"]).ask("Use TLS", "the server is always verified"),
        fields::timeout(15.0),
        fields::max_results(50, 10_000),
        fields::ca_bundle(&["AZURE_SQL_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("server"), Rule::Set("database")]),
    environment: Rule::All(&[Rule::Set("server"), Rule::Set("database")]),
    hooks: Hooks::NONE,
    documentation: "Requests, resource use, query and wait statistics. Needs VIEW DATABASE STATE; sessions are \
                    read-only.",
};
