//! What is declared about Amazon RDS.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Amazon RDS.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "rds",
    name: "Amazon RDS",
    aliases: &[],
    family: "rds",
    kind: ProviderKind::DataStore,
    instances_variable: Some("RDS_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("shop.abc.eu-central-1.rds.amazonaws.com")
            .ask("Host", "the endpoint of the database instance"),
        fields::port("port", 5432).ask("Port", "5432 for PostgreSQL, 3306 for MySQL and MariaDB"),
        FieldSpec::text("database").ask("Database", "the database to connect to"),
        FieldSpec::text("username").ask("User name", "of the database, not of AWS"),
        FieldSpec::secret("password").ask("Password", "of that user"),
        fields::verify_ssl(&[]),
        fields::ca_bundle(&[]),
    ],
    configured: Rule::Set("host"),
    environment: Rule::Never,
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Kept for stores that have it; its metrics come from aws, its tables from postgresql, mysql \
                    or mariadb.",
};
