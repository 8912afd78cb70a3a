//! Answers that arrive whole, and those that do not.

use opensre_http::FailureKind;
use serde_json::{Value, json};

use crate::support::{NONE, RawServer, answer, client};

#[tokio::test]
async fn json_is_read() {
    let server = RawServer::answering("200 OK", &[("link", "<x>; rel=next")], r#"{"a":[1]}"#).await;
    let reply = client(&server.url).get("x", NONE).await.unwrap();
    assert_eq!((reply.status, reply.attempts, reply.header("link")), (200, 1, Some("<x>; rel=next")));
    assert_eq!(reply.json::<Value>().unwrap(), json!({"a": [1]}));
}

#[tokio::test]
async fn a_login_page_with_status_200_is_no_answer() {
    for (kind, body) in [
        ("text/html; charset=utf-8", "sign in"),
        ("application/json", "\n<!DOCTYPE html><html>sign in</html>"),
        ("text/plain", "<html lang=en>"),
    ] {
        let server = RawServer::answering("200 OK", &[("content-type", kind)], body).await;
        let failure = client(&server.url).get_json::<Value>("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotJson { html: true }, "{body}");
        assert!(failure.reason.contains("login page") && failure.hint.is_some(), "{failure}");
    }
}

#[tokio::test]
async fn what_is_not_the_expected_json_is_named_without_being_quoted() {
    for (body, words) in [
        ("", "answered with an empty body instead of JSON"),
        ("[\"canary\"", "answered with JSON that breaks off (line 1, column 9)"),
        ("\"canary\"", "answered with JSON of an unexpected shape (line 1, column 8)"),
        ("canary", "answered with something that is not JSON (line 1, column 1)"),
    ] {
        let server = RawServer::answering("200 OK", &[], body).await;
        let failure = client(&server.url).get_json::<Vec<String>>("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotJson { html: false });
        assert_eq!(failure.reason, words);
    }
}

#[tokio::test]
async fn very_deep_json_is_refused_not_followed() {
    let server = RawServer::answering("200 OK", &[], &"[".repeat(200_000)).await;
    let failure = client(&server.url).get_json::<Value>("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotJson { html: false });
}

#[tokio::test]
async fn bytes_that_are_not_utf8_do_not_lose_the_answer() {
    let server = RawServer::start(vec![answer("200 OK", &[], b"{\"line\":\"caf\xe9\"}")]).await;
    let json: Value = client(&server.url).get_json("x", NONE).await.unwrap();
    assert_eq!(json, json!({"line": "caf\u{fffd}"}));
}

#[tokio::test]
async fn an_answer_shorter_than_announced_is_a_cut_connection() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let server = RawServer::start(vec![short]).await;
    let failure = client(&server.url).get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Interrupted);
    assert_eq!(failure.attempts, 3, "a cut read is asked again");
}

#[tokio::test]
async fn an_answer_longer_than_announced_is_read_to_its_announced_end() {
    let long = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}{}{}{}".to_vec();
    let server = RawServer::start(vec![long]).await;
    assert_eq!(client(&server.url).get_json::<Value>("x", NONE).await.unwrap(), json!({}));
}

#[tokio::test]
async fn a_server_that_hangs_up_or_talks_nonsense_is_a_cut_connection() {
    for garbage in ["", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let server = RawServer::start(vec![garbage.as_bytes().to_vec()]).await;
        let failure = client(&server.url).get("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Interrupted, "{garbage:?}");
    }
}
