//! What a person is told when a server refuses.

use opensre_http::{Auth, Endpoint, FailureKind};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;

use crate::support::{NONE, RawServer, client, client_of};

async fn refused(status: &str, body: &str) -> opensre_http::HttpFailure {
    let server = RawServer::answering(status, &[("content-type", "application/json")], body).await;
    client(&server.url).get("api/x", NONE).await.unwrap_err()
}

#[tokio::test]
async fn statuses_are_told_apart_with_words_a_hint_and_a_gap() {
    let table = [
        (
            "401 Unauthorized",
            FailureKind::Unauthorized,
            GapKind::Denied,
            "refused the credentials (401): Invalid API key",
        ),
        (
            "403 Forbidden",
            FailureKind::Forbidden,
            GapKind::Denied,
            "does not allow this with these credentials (403): Invalid API key",
        ),
        ("404 Not Found", FailureKind::NotFound, GapKind::Failed, "does not know /api/x (404): Invalid API key"),
        (
            "400 Bad Request",
            FailureKind::BadRequest(400),
            GapKind::Failed,
            "refused the request (400): Invalid API key",
        ),
        (
            "422 Unprocessable",
            FailureKind::BadRequest(422),
            GapKind::Failed,
            "refused the request (422): Invalid API key",
        ),
        ("500 Oops", FailureKind::Server(500), GapKind::Failed, "failed with status 500: Invalid API key"),
    ];
    for (status, kind, gap, words) in table {
        let failure = refused(status, r#"{"message":"Invalid API key"}"#).await;
        assert_eq!(failure.kind, kind, "{status}");
        assert_eq!(failure.gap(), gap, "{status}");
        assert_eq!(failure.reason, words);
        assert!(failure.to_string().starts_with("127.0.0.1:"), "{failure}");
        assert_eq!(failure.attempts, 1, "{status} is not asked again");
        // Of a request that was refused, the server's reason is all there is to say.
        assert_eq!(failure.hint.is_none(), matches!(kind, FailureKind::BadRequest(_)), "{status}");
    }
}

#[tokio::test]
async fn the_reason_is_found_in_the_usual_shapes_and_kept_short() {
    for body in [
        r#"{"status":"error","errorType":"bad_data","error":"boom"}"#,
        r#"{"error":{"code":7,"message":"boom"}}"#,
        r#"{"errors":["boom"]}"#,
        r#"{"errors":[{"detail":"boom"}]}"#,
        "boom",
        "\n  boom\r\n",
    ] {
        assert_eq!(refused("400 Bad Request", body).await.reason, "refused the request (400): boom", "{body}");
    }
    let page = refused("400 Bad Request", "<html><body>sign in</body></html>").await;
    assert_eq!(page.reason, "refused the request (400)");
    let long = refused("400 Bad Request", &"x".repeat(100_000)).await;
    assert!(long.reason.chars().count() < 300, "{}", long.reason.len());
}

#[tokio::test]
async fn a_server_that_repeats_the_credentials_does_not_reveal_them() {
    let echo = r#"{"message":"token hunter2-token and c2FtOmh1bnRlcjItcGFzcw== and hunter2-pass and hunter2-head"}"#;
    let server = RawServer::answering("400 Bad Request", &[], echo).await;
    let endpoint = || Endpoint::new("test/one", &server.url).unwrap().header("x-key", Secret::new("hunter2-head"));
    let bearer = client_of(endpoint().auth(Auth::Bearer(Secret::new("hunter2-token"))));
    let failure = bearer.get("x", NONE).await.unwrap_err();
    assert_eq!(
        failure.reason,
        "refused the request (400): token [redacted] and c2FtOmh1bnRlcjItcGFzcw== and hunter2-pass and [redacted]"
    );
    let auth = Auth::Basic { user: "sam".into(), password: Secret::new("hunter2-pass") };
    let failure = client_of(endpoint().auth(auth)).get("x", NONE).await.unwrap_err();
    assert_eq!(
        failure.reason,
        "refused the request (400): token hunter2-token and [redacted] and [redacted] and [redacted]"
    );
    let shown = format!("{failure:?} {bearer:?} {:?}", endpoint());
    assert!(!shown.contains("hunter2-pass") && !shown.contains("hunter2-head"), "{shown}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_apart_from_one_that_refuses() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = client(&format!("http://{free}")).get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert_eq!(failure.reason, "refused the connection");
    assert_eq!(failure.attempts, 3);
    assert!(failure.hint.is_some());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_failure() {
    let failure = client("http://no-such-host.invalid").get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Dns);
    assert_eq!(failure.to_string(), "no-such-host.invalid: the name no-such-host.invalid cannot be resolved");
}

#[test]
fn an_endpoint_that_cannot_be_asked_is_refused_without_repeating_it() {
    for bad in ["", "grafana", "ftp://host/x", "file:///etc/passwd", "http://", "http://user:hunter2@:80/"] {
        let failure = Endpoint::new("test/one", bad).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Configuration, "{bad}");
        assert!(!failure.to_string().contains("hunter2"), "{failure}");
    }
    let endpoint = Endpoint::new("test/one", "http://h").unwrap().auth(Auth::Bearer(Secret::new("two\nlines-hunter2")));
    let failure = opensre_http::Http::default().client(endpoint, crate::support::in_a_minute()).unwrap_err();
    assert_eq!(failure.reason, "the token holds a character that no header can carry");
}

#[tokio::test]
async fn a_path_that_is_the_credential_is_in_no_message() {
    for status in ["404 Not Found", "403 Forbidden", "500 Oops", "302 Found"] {
        let location = "/services/T0/B0/s3cr3ts3cr3t/login";
        let said = "no /services/T0/B0/s3cr3ts3cr3t here, nor s3cr3ts3cr3t";
        let server = RawServer::answering(status, &[("location", location)], said).await;
        let url = format!("{}/services/T0/B0/s3cr3ts3cr3t?x=1", server.url);
        let endpoint = opensre_http::Endpoint::new("chat/ops", &url).unwrap().secret_path();
        let http = opensre_http::Http::new(crate::support::quick());
        let client = http.client(endpoint.clone(), crate::support::in_a_minute()).unwrap();
        let nothing: [&str; 0] = [];
        let failure = client.post_json(&nothing, &serde_json::json!({"text": "x"})).await.unwrap_err();
        assert!(server.requests()[0].starts_with("POST /services/T0/B0/s3cr3ts3cr3t HTTP/1.1\r\n"));
        for text in [failure.to_string(), format!("{failure:?}{endpoint:?}{client:?}{:?}", http.calls())] {
            assert!(!text.contains("s3cr3t"), "{status}: {text}");
        }
    }
}
