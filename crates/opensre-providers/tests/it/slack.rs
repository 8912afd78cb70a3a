//! Slack, bot and webhook, against a simulator of its API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opensre_http::{Http, HttpOptions, Proxies};
use opensre_lab::vendors::slack::{Workspace, router};
use opensre_lab::vendors::stage::{Misbehaviour, Stage};
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::GapKind;
use opensre_model::identity::Expect;
use opensre_model::message::Message;
use opensre_model::value::Value;
use opensre_providers::driver::{Access, Failure, ProbeStatus, Receipt, deliver};
use opensre_providers::slack::PROVIDER;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::stub::{access, probe};

const TOKEN: &str = "xoxb-canary-do-not-print";
const HOOK: &str = "https://hooks.slack.com/services/T0SHOP/B0HOOK/k3yk3yk3yk3yk3yk3yk3yk3y";

struct Slack {
    workspace: Arc<Workspace>,
    stage: Arc<Stage>,
    url: String,
    _guard: Guard,
}

impl Slack {
    async fn start(workspace: Workspace) -> Self {
        let (workspace, stage) = (Arc::new(workspace), Arc::new(Stage::default()));
        let (address, guard) = serve(stage.around(router(Arc::clone(&workspace)))).await.unwrap();
        Self { workspace, stage, url: format!("http://{address}"), _guard: guard }
    }

    async fn usual() -> Self {
        Self::start(Workspace::new("Shop", TOKEN)).await
    }

    fn bot(&self, token: &str, channel: &str) -> Access {
        let base = format!("{}/api", self.url);
        access(&PROVIDER, &[("bot_token", token), ("channel", channel), ("base_url", &base)])
    }

    /// Access by a webhook whose host is really Slack's: through a proxy that leads to the simulator, over TLS.
    async fn webhook(&self, url: &str) -> Access {
        let mut access = access(&PROVIDER, &[("webhook_url", url), ("base_url", "https://slack.com/api")]);
        if let opensre_model::instance::Settings::Typed(config) = &mut access.instance.settings {
            config.set("verify_ssl", Value::Boolean(false));
        }
        let proxy = proxy(self.url.trim_start_matches("http://").to_owned()).await;
        access.http = Http::new(HttpOptions {
            attempts: 1,
            proxies: Proxies::Through(proxy.parse().unwrap()),
            ..HttpOptions::default()
        });
        access
    }
}

/// A proxy that, whatever host is asked for, ends the encryption and leads to the simulator.
async fn proxy(simulator: String) -> String {
    let file = |name: &str| -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "..", "opensre-http", "tests", "it", "tls", name].iter().collect()
    };
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap(),
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (acceptor, simulator) = (acceptor.clone(), simulator.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                assert!(head.starts_with(b"CONNECT hooks.slack.com:443 "), "{}", String::from_utf8_lossy(&head));
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let Ok(mut inside) = acceptor.accept(stream).await else { return };
                let mut outside = TcpStream::connect(simulator).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    url
}

fn message() -> Message {
    let blocks = vec![json!({"type": "section", "text": {"type": "mrkdwn", "text": "*code defect*"}})];
    Message { text: "code defect".to_owned(), blocks }
}

async fn send(access: &Access) -> Result<Receipt, Failure> {
    deliver(&PROVIDER, access, &message()).await
}

#[tokio::test]
async fn a_bot_proves_its_token_and_says_who_it_is() {
    let slack = Slack::usual().await;
    let found = probe(&PROVIDER, &slack.bot(TOKEN, "#ops")).await;
    assert_eq!(found.status, ProbeStatus::Passed, "{found:?}");
    assert_eq!((found.identity["team"].as_str(), found.identity["user"].as_str()), ("Shop", "opensre"));
    assert_eq!(found.identity["team_id"], "T0SHOP");
    assert!(slack.workspace.posted().is_empty(), "a probe posts nothing");

    let refused = probe(&PROVIDER, &slack.bot("xoxb-other", "#ops")).await;
    assert_eq!(refused.status, ProbeStatus::Failed);
    assert_eq!(refused.detail, "the bot token is not valid (invalid_auth)");
    assert!(refused.hint.is_some());
}

#[tokio::test]
async fn a_message_goes_to_the_channel_once() {
    let slack = Slack::usual().await;
    assert_eq!(send(&slack.bot(TOKEN, "#ops")).await.unwrap().detail, "posted to #ops");
    let posted = slack.workspace.posted();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].message["text"], "code defect");
    assert_eq!(posted[0].message["blocks"][0]["text"]["text"], "*code defect*");
    assert_eq!(posted[0].message["unfurl_links"], false);
}

#[tokio::test]
async fn refusals_are_told_in_words() {
    let mut workspace = Workspace::new("Shop", TOKEN);
    workspace.may_post = false;
    let scopeless = Slack::start(workspace).await;
    let slack = Slack::usual().await;
    for (access, kind, reason) in [
        (slack.bot("xoxb-other", "#ops"), GapKind::Denied, "the bot token is not valid (invalid_auth)"),
        (slack.bot(TOKEN, "#old"), GapKind::Failed, "the channel is archived (is_archived)"),
        (
            slack.bot(TOKEN, "#nowhere"),
            GapKind::Failed,
            "there is no such channel, or the bot cannot see it (channel_not_found)",
        ),
        (slack.bot(TOKEN, ""), GapKind::Failed, "channel is not set"),
        (scopeless.bot(TOKEN, "#ops"), GapKind::Denied, "the bot token lacks a scope, chat:write (missing_scope)"),
    ] {
        let failure = send(&access).await.unwrap_err();
        assert_eq!((failure.kind, failure.reason.as_str()), (kind, reason));
        assert!(failure.hint.is_some(), "{reason}");
    }
    assert!(slack.workspace.posted().is_empty());
}

#[tokio::test]
async fn odd_answers_are_failures_and_name_no_secret() {
    for (how, words) in [
        (Misbehaviour::Status(500, vec![], json!({"error": TOKEN})), "500"),
        (Misbehaviour::Status(200, vec![], json!(["ok"])), "no answer of Slack's Web API"),
        (Misbehaviour::Status(200, vec![], json!({"ok": "true"})), "no answer of Slack's Web API"),
        (
            Misbehaviour::Status(200, vec![], json!({"ok": false, "error": "brand_new <b>"})),
            "Slack refuses: brand_newb",
        ),
        (
            Misbehaviour::Status(302, vec![("location", "https://evil.example/x".to_owned())], Json::Null),
            "not followed",
        ),
        (Misbehaviour::LoginPage, "HTML page"),
        (Misbehaviour::WrongTypes, "no answer of Slack's Web API"),
        (Misbehaviour::Huge(4 << 20), "more than"),
        (Misbehaviour::Cut, "broke"),
    ] {
        let slack = Slack::usual().await;
        slack.stage.misbehave("/api", how.clone());
        for failure in [
            send(&slack.bot(TOKEN, "#ops")).await.unwrap_err().to_string(),
            probe(&PROVIDER, &slack.bot(TOKEN, "#ops")).await.detail,
        ] {
            assert!(failure.contains(words), "{how:?}: {failure}");
            assert!(!failure.contains("canary"), "{failure}");
        }
        // One for the message, one for the probe: what may have happened is not done again.
        assert_eq!(slack.stage.asked("/api/chat.postMessage").len(), 1, "{how:?}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_or_told() {
    let wait = |seconds: &str| {
        Misbehaviour::Status(
            429,
            vec![("retry-after", seconds.to_owned())],
            json!({"ok": false, "error": "ratelimited"}),
        )
    };
    let slack = Slack::usual().await;
    let mut access = slack.bot(TOKEN, "#ops");
    access.http = Http::new(HttpOptions { first_wait: Duration::from_millis(1), ..HttpOptions::default() });
    slack.stage.misbehave_times("/api/chat.postMessage", 1, wait("0"));
    send(&access).await.unwrap();
    assert_eq!(slack.workspace.posted().len(), 1, "refused requests reach nobody twice");

    slack.stage.misbehave("/api/chat.postMessage", wait("3600"));
    let failure = send(&access).await.unwrap_err();
    assert_eq!(failure.kind, GapKind::RateLimited);
    assert!(failure.reason.contains("3600 s"), "{failure}");
}

#[tokio::test]
async fn a_server_that_hangs_ends_at_the_deadline() {
    let slack = Slack::usual().await;
    slack.stage.misbehave("/api", Misbehaviour::Slow(Duration::from_mins(1)));
    let mut access = slack.bot(TOKEN, "#ops");
    access.deadline = Instant::now() + Duration::from_millis(200);
    assert_eq!(send(&access).await.unwrap_err().kind, GapKind::Deadline);
}

#[tokio::test]
async fn a_pinned_bot_posts_in_its_own_team_only() {
    let slack = Slack::usual().await;
    let mut access = slack.bot(TOKEN, "#ops");
    access.instance.expect = Expect::from_pairs([("team", "Other")]);
    let failure = send(&access).await.unwrap_err();
    assert_eq!(failure.kind, GapKind::Denied);
    assert!(failure.reason.contains("the team is Shop, but Other is expected"), "{failure}");
    assert!(slack.workspace.posted().is_empty());
    access.instance.expect = Expect::from_pairs([("team_id", "T0SHOP")]);
    send(&access).await.unwrap();
}

#[tokio::test]
async fn two_workspaces_stay_apart() {
    let (one, two) = (Slack::usual().await, Slack::start(Workspace::new("Other", "xoxb-two")).await);
    send(&two.bot("xoxb-two", "#ops")).await.unwrap();
    assert_eq!((one.stage.seen().len(), two.workspace.posted().len()), (0, 1));
}

#[tokio::test]
async fn a_webhook_cannot_be_proved_and_can_be_used() {
    let slack = Slack::usual().await;
    let access = slack.webhook(HOOK).await;
    assert_eq!(probe(&PROVIDER, &access).await.status, ProbeStatus::Configured);
    assert!(slack.stage.seen().is_empty(), "a probe posts nothing");
    assert_eq!(send(&access).await.unwrap().detail, "posted by the webhook");
    let posted = slack.workspace.posted();
    assert_eq!((posted.len(), posted[0].channel.as_str()), (1, "#ops"));
    assert_eq!(posted[0].message["blocks"][0]["text"]["text"], "*code defect*");
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_told_without_its_path() {
    let slack = Slack::usual().await;
    for (url, words) in [
        ("https://hooks.slack.com/services/T0SHOP/B0GONE/s3cr3ts3cr3t", "no_service"),
        ("https://hooks.slack.com/services/T0GONE/B0GONE/s3cr3ts3cr3t", "no_team"),
    ] {
        let access = slack.webhook(url).await;
        let failure = send(&access).await.unwrap_err();
        assert!(failure.reason.contains(words), "{failure}");
        assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("make a new one")), "{failure:?}");
        let shown = format!("{failure:?} {:?} {:?}", access.http.calls(), access.instance);
        assert!(!shown.contains("s3cr3t") && !shown.contains("B0GONE"), "{shown}");
    }
}

#[tokio::test]
async fn a_webhook_elsewhere_is_never_called() {
    let slack = Slack::usual().await;
    for url in [
        format!("{}/services/T0SHOP/B0HOOK/k3yk3yk3yk3yk3yk3yk3yk3y", slack.url),
        "https://hooks.slack.com.evil.example/services/T0/B0/k3yk3yk3y".to_owned(),
        "https://evil.example/hooks.slack.com/k3yk3yk3y".to_owned(),
        "http://hooks.slack.com/services/T0/B0/k3yk3yk3y".to_owned(),
    ] {
        // As a reference would: it is known only when it is used.
        let failure = send(&slack.webhook(&url).await).await.unwrap_err();
        assert_eq!(failure.kind, GapKind::Denied, "{failure}");
        assert!(!failure.reason.contains("k3yk3y"), "{failure}");
    }
    assert!(slack.stage.seen().is_empty());
}

#[tokio::test]
async fn beside_a_webhook_the_bot_needs_a_channel_to_be_used() {
    let slack = Slack::usual().await;
    let base = format!("{}/api", slack.url);
    let both = [("bot_token", TOKEN), ("webhook_url", HOOK), ("base_url", base.as_str())];
    assert_eq!(probe(&PROVIDER, &access(&PROVIDER, &both)).await.status, ProbeStatus::Configured);
    let with_channel = [both.as_slice(), &[("channel", "#ops")]].concat();
    send(&access(&PROVIDER, &with_channel)).await.unwrap();
    assert_eq!(slack.stage.asked("/api/chat.postMessage").len(), 1);
}
