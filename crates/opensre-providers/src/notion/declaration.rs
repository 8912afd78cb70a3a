//! What is declared about Notion.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Notion.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "notion",
    name: "Notion",
    aliases: &[],
    family: "notion",
    kind: ProviderKind::Communication,
    instances_variable: Some("NOTION_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key").env(&["NOTION_API_KEY"]).ask(
            "Integration secret",
            "notion.so/profile/integrations; capability Read content; connect it to the database",
        ),
        FieldSpec::text("database_id")
            .example("0123456789abcdef0123456789abcdef")
            .env(&["NOTION_DATABASE_ID"])
            .ask("Database id", "the 32 characters in the address of the database"),
        fields::verify_ssl(&["NOTION_VERIFY_SSL"]),
        fields::ca_bundle(&["NOTION_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("api_key"), Rule::Set("database_id")]),
    environment: Rule::Set("api_key"),
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Runbooks and post-mortems kept in a database. Needs an integration that may read it.",
};
