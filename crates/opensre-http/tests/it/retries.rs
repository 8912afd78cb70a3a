//! What is asked again, how often, and when not.

use std::time::Duration;

use opensre_http::{Endpoint, FailureKind, Http, HttpOptions, Request};

use crate::support::{NONE, RawServer, answer, client, in_a_minute, quick};

fn ok() -> Vec<u8> {
    answer("200 OK", &[], b"{}")
}

#[tokio::test]
async fn gateway_failures_and_rate_limits_are_asked_again() {
    for status in ["429 Slow", "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"] {
        let server = RawServer::start(vec![answer(status, &[], b""), answer(status, &[], b""), ok()]).await;
        let reply = client(&server.url).get("x", NONE).await.unwrap();
        assert_eq!((reply.attempts, server.requests().len()), (3, 3), "{status}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_counted() {
    let server = RawServer::answering("503 Unavailable", &[], "overloaded").await;
    let client = client(&server.url);
    let failure = client.get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Server(503));
    assert!(failure.to_string().ends_with("failed with status 503: overloaded (tried 3 times)"), "{failure}");
    assert_eq!((server.requests().len(), client.calls()), (3, 3));
}

#[tokio::test]
async fn what_may_not_happen_twice_is_sent_once() {
    for (request, times) in [
        (Request::post_json("x", &1), 1),
        (Request::post_json("x", &1).is_read(), 3),
        (Request::post_form("x", &[("query", "up")]), 3),
    ] {
        let server = RawServer::answering("503 Unavailable", &[], "").await;
        client(&server.url).send(request).await.unwrap_err();
        assert_eq!(server.requests().len(), times);
    }
    let limited = RawServer::start(vec![answer("429 Slow", &[("retry-after", "0")], b""), ok()]).await;
    client(&limited.url).post_json("x", &1).await.unwrap();
    assert_eq!(limited.requests().len(), 2, "after a 429 nothing has happened yet");
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    // Our own first wait would be a millisecond: that there is no second request means that the server's wish was heard.
    for headers in [
        &[("retry-after", "3600")][..],
        &[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 09:49:37 GMT")],
        &[("x-ratelimit-limit", "300"), ("x-ratelimit-reset", "3600")],
        &[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("x-ratelimit-reset", "784115377")],
        &[("ratelimit", "limit=100, remaining=0, reset=3600")],
        &[("ratelimit", "\"default\";r=0;t=3600")],
    ] {
        let server = RawServer::answering("429 Slow", headers, "").await;
        let failure = client(&server.url).get("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::RateLimited { retry_after: Some(Duration::from_hours(1)) });
        assert_eq!(failure.gap(), opensre_model::evidence::GapKind::RateLimited);
        assert_eq!(failure.reason, "asks to slow down (429); it asks to wait 3600 s");
        assert_eq!(server.requests().len(), 1);
    }
    let server = RawServer::answering("503 Maintenance", &[("retry-after", "3600")], "").await;
    assert_eq!(client(&server.url).get("x", NONE).await.unwrap_err().attempts, 1, "a 503 can ask to wait too");
}

#[tokio::test]
async fn a_spent_limit_can_be_told_by_403_too() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (headers, wait) in [
        (vec![("retry-after", "3600")], 3600),
        (vec![date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784115377")], 3600),
    ] {
        let server = RawServer::answering("403 Forbidden", &headers, "").await;
        let failure = client(&server.url).get("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::RateLimited { retry_after: Some(Duration::from_secs(wait)) });
        assert_eq!(failure.reason, "asks to slow down (403); it asks to wait 3600 s");
        assert_eq!(server.requests().len(), 1);
    }
    for headers in [vec![("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "784115377")], vec![]] {
        let server = RawServer::answering("403 Forbidden", &headers, "").await;
        assert_eq!(client(&server.url).get("x", NONE).await.unwrap_err().kind, FailureKind::Forbidden);
    }
}

#[tokio::test]
async fn a_short_wait_that_the_server_asks_for_is_waited() {
    for headers in [
        &[("retry-after", "0")][..],
        &[("retry-after", "soon")],
        &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")],
        &[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:49:30 GMT")],
    ] {
        let server = RawServer::start(vec![answer("429 Slow", headers, b""), ok()]).await;
        assert_eq!(client(&server.url).get("x", NONE).await.unwrap().attempts, 2, "{headers:?}");
    }
}

#[tokio::test]
async fn a_server_that_comes_up_late_is_reached() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let http = Http::new(HttpOptions { attempts: 200, first_wait: Duration::from_millis(20), ..quick() });
    let client = http.client(Endpoint::new("t/o", &format!("http://{free}")).unwrap(), in_a_minute()).unwrap();
    let asking = tokio::spawn(async move { client.get("x", NONE).await });
    while http.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let listener = tokio::net::TcpListener::bind(free).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(|| async { "{}" })).await });
    let reply = asking.await.unwrap().unwrap();
    assert!(reply.attempts > 1);
}
