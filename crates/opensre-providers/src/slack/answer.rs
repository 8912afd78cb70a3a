//! What Slack's answers mean, in words.

use opensre_http::{Client, FailureKind, HttpFailure};
use opensre_model::evidence::GapKind;
use serde_json::Value as Json;

use crate::failure::Failure;

/// Errors of the Web API that people meet: the word, what it means, what to do (pages "chat.postMessage method" and
/// "auth.test method", Errors).
const ERRORS: &[(&str, GapKind, &str, &str)] = &[
    ("invalid_auth", GapKind::Denied, "the bot token is not valid", "install the app again and store its new token"),
    ("not_authed", GapKind::Denied, "no bot token arrived", "check that no proxy removes the Authorization header"),
    ("account_inactive", GapKind::Denied, "the token's workspace or app is gone", "install the app again"),
    ("token_revoked", GapKind::Denied, "the bot token was revoked", "install the app again and store its new token"),
    ("token_expired", GapKind::Denied, "the bot token has expired", "store the new token, or turn token rotation off"),
    ("not_allowed_token_type", GapKind::Denied, "a token of this kind may not do this", "use a bot token (xoxb-)"),
    (
        "missing_scope",
        GapKind::Denied,
        "the bot token lacks a scope",
        "give the app the scope chat:write and install it again",
    ),
    ("access_denied", GapKind::Denied, "access is denied", "ask an administrator of the workspace"),
    ("ekm_access_denied", GapKind::Denied, "an administrator has suspended posting", "ask an administrator"),
    ("restricted_action", GapKind::Denied, "a setting of the workspace forbids posting there", "ask an administrator"),
    (
        "channel_not_found",
        GapKind::Failed,
        "there is no such channel, or the bot cannot see it",
        "use the channel's id, and invite the bot to a private channel",
    ),
    ("not_in_channel", GapKind::Failed, "the bot is not in the channel", "invite it: /invite @its-name in the channel"),
    ("is_archived", GapKind::Failed, "the channel is archived", "choose another channel"),
    ("invalid_blocks", GapKind::Failed, "Slack does not accept the message's blocks", "please report it"),
    ("msg_too_long", GapKind::Failed, "the message is too long", "please report it"),
    ("rate_limited", GapKind::RateLimited, "too many messages to this channel", "try again later"),
    ("ratelimited", GapKind::RateLimited, "too many requests", "try again later"),
    ("message_limit_exceeded", GapKind::Failed, "the workspace has too many messages", "ask an administrator"),
    ("team_access_not_granted", GapKind::Denied, "the app is not granted to this workspace", "ask an administrator"),
    ("internal_error", GapKind::Failed, "Slack failed", "see status.slack.com, and try again"),
    ("fatal_error", GapKind::Failed, "Slack failed", "see status.slack.com, and try again"),
    ("service_unavailable", GapKind::Failed, "Slack is not available", "see status.slack.com, and try again"),
];

/// Whether a method of the Web API did what it was asked for: `ok` says it, whatever the status.
/// The text of an error is shown without what the client was authenticated by: a server may echo it.
pub(super) fn accepted(client: &Client, said: &Json) -> Result<(), Failure> {
    if said.get("ok").and_then(Json::as_bool) == Some(true) {
        return Ok(());
    }
    let Some(error) = said.get("error").and_then(Json::as_str) else {
        return Err(Failure::nonsense("answered something that is no answer of Slack's Web API"));
    };
    let error = word(&client.redact(error));
    let Some((_, kind, meaning, hint)) = ERRORS.iter().find(|(known, ..)| *known == error) else {
        return Err(Failure::new(GapKind::Failed, format!("Slack refuses: {error}"))
            .with_hint("see the list of errors of this method at api.slack.com/methods"));
    };
    let needed =
        said.get("needed").and_then(Json::as_str).map(|needed| format!(", {}", word(needed))).unwrap_or_default();
    Err(Failure::new(*kind, format!("{meaning}{needed} ({error})")).with_hint(*hint))
}

/// Words of webhooks (page "Improving error conditions for Incoming Webhooks", and "Sending messages using incoming
/// webhooks", Handling errors), which the HTTP layer quotes.
const WEBHOOK_ERRORS: &[(&str, &str)] = &[
    ("no_service", "the webhook was removed or disabled: make a new one"),
    ("no_team", "the webhook's workspace is gone: make a new one"),
    ("invalid_token", "the webhook's key is wrong or was revoked: make a new one"),
    ("action_prohibited", "an administrator has restricted the webhook"),
    ("channel_not_found", "the webhook's channel is gone: make a new webhook"),
    ("channel_is_archived", "the webhook's channel is archived: make a new webhook"),
    ("posting_to_general_channel_denied", "only administrators may post to that channel"),
];

/// A webhook's refusal with a hint that fits.
pub(super) fn webhook_failure(failure: HttpFailure) -> Failure {
    let hint = WEBHOOK_ERRORS.iter().find(|(word, _)| failure.reason.contains(word)).map(|(_, hint)| *hint);
    let hint = hint.or(match failure.kind {
        FailureKind::NotFound | FailureKind::Forbidden => Some("the webhook is not valid any more: make a new one"),
        _ => None,
    });
    let failure = Failure::from(failure);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// A word of Slack's, without anything that could be more than a word.
fn word(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | ',' | '-');
    text.chars().filter(plain).take(80).collect()
}
