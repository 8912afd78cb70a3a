//! What is declared about Discord.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use serde_json::{Map, Value as Json};

use crate::{fields, refine};

/// Discord.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "discord",
    name: "Discord",
    aliases: &[],
    family: "discord",
    kind: ProviderKind::Communication,
    instances_variable: Some("DISCORD_INSTANCES"),
    fields: &[
        FieldSpec::secret("bot_token")
            .env(&["DISCORD_BOT_TOKEN"])
            .ask("Bot token", "discord.com/developers > your application > Bot"),
        FieldSpec::text("application_id")
            .env(&["DISCORD_APPLICATION_ID"])
            .ask("Application id", "discord.com/developers > your application > General Information"),
        FieldSpec::text("public_key")
            .env(&["DISCORD_PUBLIC_KEY"])
            .ask("Public key", "beside the application id; hexadecimal"),
        FieldSpec::text("default_channel_id")
            .env(&["DISCORD_DEFAULT_CHANNEL_ID"])
            .ask("Default channel id", "where reports go unless said otherwise"),
        fields::verify_ssl(&["DISCORD_VERIFY_SSL"]),
        fields::ca_bundle(&["DISCORD_CA_BUNDLE"]),
    ],
    configured: Rule::Set("bot_token"),
    environment: Rule::Set("bot_token"),
    hooks: Hooks { refine: Some(check_public_key), flatten: Some(null_channel), ..Hooks::NONE },
    documentation: "Where reports are delivered. Needs a bot that may send messages in the channel.",
};

/// Rejects a public key that is not hexadecimal: signatures of interactions could not be verified with it.
fn check_public_key(draft: &mut Draft) {
    let is_hex = |key: &str| key.bytes().all(|digit| digit.is_ascii_hexdigit());
    if draft.config.text("public_key").is_some_and(|key| !is_hex(key)) {
        refine::reject(draft, "public_key", "must be hexadecimal");
    }
}

/// A channel that is not set is null, not an empty text.
fn null_channel(config: &mut Map<String, Json>) {
    refine::null_when_empty(config, "default_channel_id");
}
