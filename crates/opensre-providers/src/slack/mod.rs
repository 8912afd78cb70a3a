//! Slack: where reports are delivered.
//!
//! An incoming webhook or a bot token. The webhook is checked to be Slack's own host, exactly or by dot-separated
//! suffix. The Python product handles Slack apart from all others, so its resolved dictionary has no `slack` key.
//!
//! With a bot token and a channel the bot posts; else the webhook does, where there is one. What delivers is what is
//! probed. Written from Slack's pages "auth.test method", "chat.postMessage method", "Rate limits" and "Sending
//! messages using incoming webhooks".

mod answer;
pub mod declaration;

use futures::FutureExt;
use opensre_http::{Client, Request};
use opensre_model::evidence::GapKind;
use opensre_model::message::Message;
use serde_json::{Value as Json, json};

use crate::access::{Access, HttpFields};
use crate::driver::{Probe, Provider, Receipt};
use crate::failure::Failure;

/// Slack.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(|access| async move { Probe::from(probe(access).await) }.boxed()),
    identity: &["team", "team_id", "user", "enterprise_id"],
    queries: &[],
    deliver: Some(|access, message| deliver(access, message).boxed()),
    alert_labels: None,
};

const BOT: HttpFields = HttpFields::at("base_url").bearer("bot_token");

/// Most bytes of an answer that are read; it repeats the message.
const BYTES: usize = 1024 * 1024;

/// By what an instance delivers.
enum Way {
    /// A bot, to this channel; `None` when none is set.
    Bot(Option<String>),
    Webhook,
}

impl Way {
    fn of(access: &Access) -> Self {
        let config = access.instance.config();
        let channel = config.text("channel").map(str::trim).filter(|channel| !channel.is_empty());
        if config.has("bot_token") && (channel.is_some() || !config.has("webhook_url")) {
            Self::Bot(channel.map(str::to_owned))
        } else {
            Self::Webhook
        }
    }
}

/// A bot proves its token. A webhook cannot be proved without posting: that is `configured`, once its URL is known to
/// be Slack's.
async fn probe(access: &Access) -> Result<Probe, Failure> {
    let Way::Bot(channel) = Way::of(access) else {
        webhook(access).await?;
        return Ok(Probe::configured("the webhook is Slack's; only a message can prove it (verify --send-test)"));
    };
    let client = access.client(&BOT).await?.at_most(BYTES);
    let none: [(&str, &str); 0] = [];
    let said: Json = client.send(Request::post_form("auth.test", &none)).await?.json()?;
    answer::accepted(&client, &said)?;
    let text = |name: &str| said.get(name).and_then(Json::as_str).map(str::to_owned);
    let detail = match channel {
        Some(channel) => format!("the token is accepted; posts to {channel}"),
        None => "the token is accepted; no channel is set, so nothing can be delivered".to_owned(),
    };
    Ok(Probe::passed(detail)
        .with("team", text("team"))
        .with("team_id", text("team_id"))
        .with("user", text("user"))
        .with("enterprise_id", text("enterprise_id")))
}

/// Posts a message, once.
async fn deliver(access: &Access, message: &Message) -> Result<Receipt, Failure> {
    match Way::of(access) {
        Way::Bot(Some(channel)) => {
            let client = access.client(&BOT).await?.at_most(BYTES);
            let body = json!({
                "channel": channel, "text": message.text, "blocks": message.blocks,
                "unfurl_links": false, "unfurl_media": false,
            });
            let said: Json = client.send(Request::post_json("chat.postMessage", &body)).await?.json()?;
            answer::accepted(&client, &said)?;
            Ok(Receipt { detail: format!("posted to {channel}") })
        }
        Way::Bot(None) => Err(Failure::missing("channel")
            .with_hint("set the channel that the bot posts to: its id (C0123ABCD), or its name (#ops)")),
        Way::Webhook => {
            let client = webhook(access).await?.at_most(BYTES);
            let body = json!({
                "text": message.text, "blocks": message.blocks, "unfurl_links": false, "unfurl_media": false,
            });
            let nothing: [&str; 0] = [];
            let reply = client.send(Request::post_json(&nothing, &body)).await.map_err(answer::webhook_failure)?;
            if reply.text().trim() == "ok" {
                return Ok(Receipt { detail: "posted by the webhook".to_owned() });
            }
            Err(Failure::nonsense("the webhook answered, but not `ok`"))
        }
    }
}

/// A client bound to the webhook. A reference is checked here, where what it stands for is known.
async fn webhook(access: &Access) -> Result<Client, Failure> {
    let url = access.secret("webhook_url").await?.ok_or_else(|| Failure::missing("webhook_url"))?;
    if !declaration::is_webhook(url.expose()) {
        return Err(Failure::new(GapKind::Denied, format!("webhook_url {}", declaration::NOT_SLACK)));
    }
    access.client_of_secret_url(url).await
}
