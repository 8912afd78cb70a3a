//! Time, size and concurrency.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use opensre_http::{Endpoint, FailureKind, Http, HttpOptions};
use opensre_model::evidence::GapKind;
use tokio::net::TcpListener;

use crate::support::{NONE, RawServer, answer, client, in_a_minute, quick};

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn never() -> String {
    serve(Router::new().fallback(|| async { std::future::pending::<()>().await })).await
}

#[tokio::test]
async fn a_server_that_does_not_answer_times_out() {
    let http = Http::new(HttpOptions { call_timeout: Duration::from_millis(30), ..quick() });
    let client = http.client(Endpoint::new("t/o", &never().await).unwrap(), in_a_minute()).unwrap();
    let failure = client.get("x", NONE).await.unwrap_err();
    assert_eq!((failure.kind, failure.gap()), (FailureKind::Timeout, GapKind::Failed));
    assert_eq!(failure.reason, "did not answer within 0.03 s");
}

#[tokio::test]
async fn the_deadline_ends_a_call_and_is_named() {
    let deadline = Instant::now() + Duration::from_millis(30);
    let client = client(&never().await).by(deadline);
    let failure = client.get("x", NONE).await.unwrap_err();
    assert_eq!((failure.kind, failure.gap()), (FailureKind::Deadline, GapKind::Deadline));
    assert_eq!(client.by(in_a_minute()).deadline(), deadline, "a deadline is never put off");
}

#[tokio::test]
async fn a_body_that_drips_for_ever_ends_with_the_time() {
    let server = serve(Router::new().fallback(|| async {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Some((Ok::<_, std::convert::Infallible>("x"), ()))
        });
        axum::body::Body::from_stream(drops)
    }))
    .await;
    let http = Http::new(HttpOptions { call_timeout: Duration::from_millis(60), ..quick() });
    let client = http.client(Endpoint::new("t/o", &server).unwrap(), in_a_minute()).unwrap();
    assert_eq!(client.get("x", NONE).await.unwrap_err().kind, FailureKind::Timeout);
}

#[tokio::test]
async fn a_call_that_never_gets_its_turn_ends_with_the_deadline() {
    let http = Http::new(HttpOptions { per_host: 1, ..quick() });
    let arrived = Arc::new(tokio::sync::Notify::new());
    let tell = arrived.clone();
    let url = serve(Router::new().fallback(move || {
        tell.notify_one();
        std::future::pending::<()>()
    }))
    .await;
    let busy = http.client(Endpoint::new("t/o", &url).unwrap(), in_a_minute()).unwrap();
    let first = tokio::spawn(async move { busy.get("x", NONE).await });
    arrived.notified().await;

    let soon = Instant::now() + Duration::from_millis(20);
    let waiting = http.client(Endpoint::new("t/two", &url).unwrap(), soon).unwrap();
    let failure = waiting.get("x", NONE).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (FailureKind::Deadline, 0));
    assert_eq!(waiting.calls(), 0, "it was never sent");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let other = http.client(Endpoint::new("t/o", &format!("http://{free}")).unwrap(), in_a_minute()).unwrap();
    assert_eq!(other.get("x", NONE).await.unwrap_err().kind, FailureKind::Connect, "another host has its own turn");
    first.abort();
}

#[tokio::test]
async fn no_more_calls_at_a_time_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, peak) = (now.clone(), most.clone());
    let server = serve(Router::new().fallback(move || {
        let (now, most) = (counted.clone(), peak.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            "{}"
        }
    }))
    .await;
    let http = Http::new(HttpOptions { per_host: 3, ..quick() });
    let ask = |token: usize| {
        let endpoint =
            Endpoint::new("t/o", &server).unwrap().header("x", opensre_model::secret::Secret::new(token.to_string()));
        let client = http.client(endpoint, in_a_minute()).unwrap();
        async move { client.get("x", NONE).await.unwrap() }
    };
    futures::future::join_all((0..20).map(ask)).await;
    assert_eq!(most.load(Ordering::SeqCst), 3, "all instances of a host share its limit");
}

#[tokio::test]
async fn a_large_answer_is_given_up_at_the_limit() {
    let announced = RawServer::answering("200 OK", &[], &"x".repeat(20_000)).await;
    let http = Http::new(quick());
    let client = http.client(Endpoint::new("t/o", &announced.url).unwrap(), in_a_minute()).unwrap().at_most(10_000);
    let failure = client.get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert_eq!(failure.attempts, 1);
    assert_eq!(http.calls()[0].bytes, 0, "an announced size is believed when it is too large");

    let endless = serve(Router::new().fallback(|| async {
        let chunk = "x".repeat(1000);
        axum::body::Body::from_stream(futures::stream::repeat(Ok::<_, std::convert::Infallible>(chunk)))
    }))
    .await;
    let client = http.client(Endpoint::new("t/o", &endless).unwrap(), in_a_minute()).unwrap().at_most(10_000);
    assert_eq!(client.get("x", NONE).await.unwrap_err().kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn a_gzip_bomb_is_given_up_at_the_limit() {
    // 10 MiB of zeros: `head -c 10485760 /dev/zero | gzip -9n`.
    let bomb = include_bytes!("zeros.gz");
    assert!(bomb.len() < 20_000);
    let server = RawServer::start(vec![answer("200 OK", &[("content-encoding", "gzip")], bomb)]).await;
    let http = Http::new(quick());
    let client = http.client(Endpoint::new("t/o", &server.url).unwrap(), in_a_minute()).unwrap().at_most(1_000_000);
    let failure = client.get("x", NONE).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert!(failure.reason.contains("more than 1.0 MiB"), "{failure}");
    assert!(http.calls()[0].bytes < 1_200_000, "{}", http.calls()[0].bytes);
}
