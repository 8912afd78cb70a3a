//! What is declared about Trello.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Trello.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "trello",
    name: "Trello",
    aliases: &[],
    family: "trello",
    kind: ProviderKind::Alerting,
    instances_variable: Some("TRELLO_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key")
            .env(&["TRELLO_API_KEY"])
            .ask("API key", "trello.com/power-ups/admin > your Power-Up > API key"),
        FieldSpec::secret("token").env(&["TRELLO_TOKEN"]).ask("Token", "the link beside the API key; scope read"),
        FieldSpec::text("board_id").env(&["TRELLO_BOARD_ID"]).ask("Board id", "in the address of the board"),
        FieldSpec::text("list_id").env(&["TRELLO_LIST_ID"]).ask("List id", "in the JSON export of the board"),
        FieldSpec::url_or("base_url", "https://api.trello.com/1")
            .env(&["TRELLO_BASE_URL"])
            .ask("API URL", "another one only behind a proxy"),
        fields::timeout(15.0),
        fields::verify_ssl(&["TRELLO_VERIFY_SSL"]),
        fields::ca_bundle(&["TRELLO_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("api_key"), Rule::Set("token")]),
    environment: Rule::All(&[Rule::Set("api_key"), Rule::Set("token")]),
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Cards of a board or list. Needs an API key and a token with the scope read.",
};
