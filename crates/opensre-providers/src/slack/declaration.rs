//! What is declared about Slack.

use opensre_model::provider::{DictionaryForm, Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::secret::SecretValue;
use url::Url;

use crate::{fields, refine};

/// Slack.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "slack",
    name: "Slack",
    aliases: &[],
    family: "slack",
    kind: ProviderKind::Communication,
    instances_variable: Some("SLACK_INSTANCES"),
    fields: &[
        FieldSpec::secret("webhook_url")
            .env(&["SLACK_WEBHOOK_URL"])
            .ask("Incoming webhook URL", "api.slack.com/apps > Incoming Webhooks; the URL itself is the secret"),
        FieldSpec::secret("bot_token")
            .env(&["SLACK_BOT_TOKEN"])
            .ask("Bot token", "begins with xoxb-; scope chat:write"),
        FieldSpec::text("channel")
            .example("#ops")
            .env(&["SLACK_CHANNEL"])
            .ask("Channel", "where the bot posts: an id (C0123ABCD) or a name (#ops); a webhook has its own")
            .extension(),
        FieldSpec::url_or("base_url", "https://slack.com/api")
            .env(&["SLACK_API_URL"])
            .ask("API URL", "another only for Slack for US government (https://slack-gov.com/api) or a proxy; https")
            .extension(),
        fields::verify_ssl(&["SLACK_VERIFY_SSL"]),
        fields::ca_bundle(&["SLACK_CA_BUNDLE"]),
    ],
    configured: Rule::Any(&[Rule::Set("webhook_url"), Rule::Set("bot_token")]),
    environment: Rule::Any(&[Rule::Set("webhook_url"), Rule::Set("bot_token")]),
    hooks: Hooks { refine: Some(check_urls), dictionary: DictionaryForm::Absent, ..Hooks::NONE },
    documentation: "Where reports are delivered. Needs an incoming webhook, or a bot token with chat:write and a channel.",
};

fn check_urls(draft: &mut Draft) {
    check_api(draft);
    check_webhook(draft);
}

/// Checks that the bot token travels encrypted, unless it stays on this machine.
fn check_api(draft: &mut Draft) {
    let Some(url) = draft.config.text("base_url").and_then(|url| Url::parse(url).ok()) else { return };
    if url.scheme() != "https" && !refine::is_loopback(&url) {
        refine::reject(draft, "base_url", "must be an https URL: the bot token is sent there");
    }
}

/// Checks that a webhook is Slack's: posting an incident anywhere else would give it away. A reference is checked when
/// it is used.
fn check_webhook(draft: &mut Draft) {
    let Some(SecretValue::Plain(webhook)) = draft.config.secret("webhook_url") else { return };
    if is_webhook(webhook.expose()) {
        return;
    }
    if draft.config.has("bot_token") {
        draft.warnings.push((Some("webhook_url"), format!("{NOT_SLACK}; the bot_token is used")));
        draft.config.unset("webhook_url");
    } else {
        refine::reject(draft, "webhook_url", NOT_SLACK);
    }
}

pub(super) const NOT_SLACK: &str =
    "must be an https URL whose host is slack.com, or ends in .slack.com or .slack-gov.com";

/// Whether a URL is https and its host, parsed, is Slack's (or that of Slack for US government).
pub fn is_webhook(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let Some(host) = url.host_str() else { return false };
    let host = host.to_ascii_lowercase();
    url.scheme() == "https" && (host == "slack.com" || host.ends_with(".slack.com") || host.ends_with(".slack-gov.com"))
}
