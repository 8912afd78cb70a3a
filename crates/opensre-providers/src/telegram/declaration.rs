//! What is declared about Telegram.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use serde_json::{Map, Value as Json};

use crate::{fields, refine};

/// Telegram.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "telegram",
    name: "Telegram",
    aliases: &[],
    family: "telegram",
    kind: ProviderKind::Communication,
    instances_variable: Some("TELEGRAM_INSTANCES"),
    fields: &[
        FieldSpec::secret("bot_token")
            .env(&["TELEGRAM_BOT_TOKEN"])
            .ask("Bot token", "from @BotFather; it becomes part of every URL, which is then secret too"),
        FieldSpec::text("default_chat_id")
            .env(&["TELEGRAM_DEFAULT_CHAT_ID"])
            .ask("Default chat id", "where reports go unless said otherwise; a number, negative for a group"),
        fields::verify_ssl(&["TELEGRAM_VERIFY_SSL"]),
        fields::ca_bundle(&["TELEGRAM_CA_BUNDLE"]),
    ],
    configured: Rule::Set("bot_token"),
    environment: Rule::Set("bot_token"),
    hooks: Hooks { flatten: Some(null_chat), ..Hooks::NONE },
    documentation: "Where reports are delivered. Needs a bot that is a member of the chat.",
};

/// A chat that is not set is null, not an empty text.
fn null_chat(config: &mut Map<String, Json>) {
    refine::null_when_empty(config, "default_chat_id");
}
