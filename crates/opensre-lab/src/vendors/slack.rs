//! Slack: `auth.test`, `chat.postMessage` and incoming webhooks, with the limits and refusals that they have.
//!
//! Written from Slack's pages "auth.test method", "chat.postMessage method", "Sending messages using incoming
//! webhooks", "Improving error conditions for Incoming Webhooks" and "Blocks" (their limits). A Web API method answers
//! 200 whatever happens, and says in `ok` whether it did it; a webhook answers with a status and a word.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// Most blocks of one message.
const MOST_BLOCKS: usize = 50;
/// Most characters of a section's text.
const SECTION: usize = 3000;
/// Most characters of a header.
const HEADER: usize = 150;
/// Most elements of a context block.
const ELEMENTS: usize = 10;
/// Most characters of the fallback text.
const TEXT: usize = 40_000;

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The channel that it went to.
    pub channel: String,
    /// The message as it was sent.
    pub message: Value,
}

/// A workspace.
#[derive(Debug)]
pub struct Workspace {
    /// Its name, as `auth.test` tells it.
    pub team: String,
    /// Its id.
    pub team_id: String,
    /// The bot's token.
    pub token: String,
    /// Whether the token may post.
    pub may_post: bool,
    /// Channels that the bot is in, by id and by name with `#`.
    pub channels: Vec<String>,
    /// Archived channels.
    pub archived: Vec<String>,
    /// Paths of webhooks (`T0/B0/key`), each with its channel.
    pub webhooks: Vec<(String, String)>,
    posted: Mutex<Vec<Posted>>,
}

impl Workspace {
    /// A workspace with a bot that is in `#ops`, and one webhook to it.
    pub fn new(team: &str, token: &str) -> Self {
        Self {
            team: team.to_owned(),
            team_id: "T0SHOP".to_owned(),
            token: token.to_owned(),
            may_post: true,
            channels: vec!["#ops".to_owned(), "C0OPS".to_owned()],
            archived: vec!["#old".to_owned()],
            webhooks: vec![("T0SHOP/B0HOOK/k3yk3yk3yk3yk3yk3yk3yk3y".to_owned(), "#ops".to_owned())],
            posted: Mutex::default(),
        }
    }

    /// Every message that was accepted, in order.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn post(&self, channel: &str, message: Value) {
        let posted = Posted { channel: channel.to_owned(), message };
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).push(posted);
    }
}

/// The API of a workspace: the Web API below `/api`, webhooks below `/services`.
pub fn router(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route("/api/auth.test", post(auth_test))
        .route("/api/chat.postMessage", post(post_message))
        .route("/services/{*webhook}", post(webhook))
        .with_state(workspace)
}

fn said(answer: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], answer.to_string()).into_response()
}

fn refused(error: &str) -> Response {
    said(&json!({"ok": false, "error": error}))
}

/// The refusal of a call without the bot's token.
fn unauthenticated(workspace: &Workspace, headers: &HeaderMap) -> Option<Response> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match given {
        None => Some(refused("not_authed")),
        Some(given) if given == format!("Bearer {}", workspace.token) => None,
        Some(_) => Some(refused("invalid_auth")),
    }
}

async fn auth_test(State(workspace): State<Arc<Workspace>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthenticated(&workspace, &headers) {
        return refusal;
    }
    said(&json!({
        "ok": true, "url": "https://shop.slack.com/", "team": workspace.team, "user": "opensre",
        "team_id": workspace.team_id, "user_id": "U0BOT", "bot_id": "B0BOT", "is_enterprise_install": false,
    }))
}

async fn post_message(State(workspace): State<Arc<Workspace>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = unauthenticated(&workspace, &headers) {
        return refusal;
    }
    if !workspace.may_post {
        return said(&json!({
            "ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "channels:read",
        }));
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return refused("invalid_json") };
    let channel = message["channel"].as_str().unwrap_or_default().to_owned();
    if workspace.archived.contains(&channel) {
        return refused("is_archived");
    }
    if !workspace.channels.contains(&channel) {
        return refused("channel_not_found");
    }
    if let Err((error, details)) = check(&message) {
        return said(&json!({"ok": false, "error": error, "response_metadata": {"messages": [details]}}));
    }
    workspace.post(&channel, message.clone());
    said(&json!({"ok": true, "channel": "C0OPS", "ts": "1732442400.000100", "message": message}))
}

async fn webhook(State(workspace): State<Arc<Workspace>>, Path(path): Path<String>, body: Bytes) -> Response {
    let Some((_, channel)) = workspace.webhooks.iter().find(|(known, _)| *known == path) else {
        let team = path.split('/').next().is_some_and(|team| team == workspace.team_id);
        let word = if team { "no_service" } else { "no_team" };
        return (StatusCode::NOT_FOUND, word).into_response();
    };
    if workspace.archived.contains(channel) {
        return (StatusCode::GONE, "channel_is_archived").into_response();
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    if let Err((error, _)) = check(&message) {
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    workspace.post(channel, message);
    "ok".into_response()
}

/// Whether a message keeps to the limits; the error's word and its details.
fn check(message: &Value) -> Result<(), (&'static str, String)> {
    let text = message["text"].as_str().unwrap_or_default();
    let blocks = message["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if text.is_empty() && blocks.is_empty() {
        return Err(("no_text", "neither text nor blocks".to_owned()));
    }
    if text.chars().count() > TEXT {
        return Err(("msg_too_long", "the text".to_owned()));
    }
    if blocks.len() > MOST_BLOCKS {
        return Err(("invalid_blocks", format!("no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]")));
    }
    for (position, block) in blocks.iter().enumerate() {
        let at = |what: &str| ("invalid_blocks", format!("[ERROR] {what} [json-pointer:/blocks/{position}]"));
        let bounded = |text: &Value, kind: &str, most: usize| {
            let characters = text["text"].as_str().map_or(0, |text| text.chars().count());
            text["type"] == kind && (1..=most).contains(&characters)
        };
        let good = match block["type"].as_str() {
            Some("header") => bounded(&block["text"], "plain_text", HEADER),
            Some("section") => bounded(&block["text"], "mrkdwn", SECTION),
            Some("divider") => true,
            Some("context") => block["elements"].as_array().is_some_and(|elements| {
                (1..=ELEMENTS).contains(&elements.len())
                    && elements.iter().all(|element| bounded(element, "mrkdwn", SECTION))
            }),
            _ => false,
        };
        if !good {
            return Err(at("failed to match all allowed schemas"));
        }
    }
    Ok(())
}
