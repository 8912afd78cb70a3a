//! What is declared about Snowflake.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Snowflake.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "snowflake",
    name: "Snowflake",
    aliases: &[],
    family: "snowflake",
    kind: ProviderKind::Observability,
    instances_variable: Some("SNOWFLAKE_INSTANCES"),
    fields: &[
        FieldSpec::text("account_identifier")
            .example("acme-prod")
            .env(&["SNOWFLAKE_ACCOUNT_IDENTIFIER", "SNOWFLAKE_ACCOUNT"])
            .ask("Account identifier", "`organization-account`, as in the address before .snowflakecomputing.com")
            .read_as(&["account"]),
        FieldSpec::secret("token")
            .env(&["SNOWFLAKE_TOKEN"])
            .ask("Token", "an OAuth, key-pair or programmatic access token; a password alone is not enough"),
        FieldSpec::text("user")
            .env(&["SNOWFLAKE_USER"])
            .ask("User", "for your own reference; calls authenticate with the token"),
        FieldSpec::secret("password")
            .env(&["SNOWFLAKE_PASSWORD"])
            .ask("Password", "kept for old set-ups; calls authenticate with the token"),
        FieldSpec::text("warehouse")
            .env(&["SNOWFLAKE_WAREHOUSE"])
            .ask("Warehouse", "runs the queries; the default one of the user when empty"),
        FieldSpec::text("role")
            .env(&["SNOWFLAKE_ROLE"])
            .ask("Role", "one that may read ACCOUNT_USAGE; the default one of the user when empty"),
        FieldSpec::text("database").env(&["SNOWFLAKE_DATABASE"]).ask("Database", "the default for unqualified names"),
        FieldSpec::text("schema").env(&["SNOWFLAKE_SCHEMA"]).ask("Schema", "the default for unqualified names"),
        fields::max_results(50, 200).env(&["SNOWFLAKE_MAX_RESULTS"]),
        fields::verify_ssl(&["SNOWFLAKE_VERIFY_SSL"]),
        fields::ca_bundle(&["SNOWFLAKE_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("account_identifier"), Rule::Set("token")]),
    environment: Rule::All(&[Rule::Set("account_identifier"), Rule::Set("token")]),
    hooks: Hooks::NONE,
    documentation: "Query history and tables by SQL. Needs a token whose role may read SNOWFLAKE.ACCOUNT_USAGE.",
};
