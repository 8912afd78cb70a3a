//! Signed requests: what is signed, when, and what is told of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use jiff::Timestamp;
use opensre_http::{Endpoint, FailureKind, Http, HttpOptions, Request, Signer, Unsigned};
use opensre_model::secret::Secret;

use crate::support::quick;

/// Signs with everything that it is given, in clear.
struct Plain(&'static str);

impl Signer for Plain {
    fn sign(&self, request: &Unsigned<'_>) -> Vec<(&'static str, Secret)> {
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = String::from_utf8_lossy(request.body);
        let path = request.url.path();
        let text = format!("{} {path} {} {body} {}", request.method, headers.join(" "), request.time.as_second());
        vec![("x-signature", Secret::new(text)), ("x-key", Secret::new(self.0))]
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![Secret::new(self.0)]
    }
}

static TICKS: AtomicI64 = AtomicI64::new(0);

/// A clock that goes on by a second each time it is read.
fn ticking() -> Timestamp {
    Timestamp::from_second(TICKS.fetch_add(1, Ordering::Relaxed)).expect("a time")
}

/// Answers 503 to the first request, else what it was signed with; says the key when it refuses.
async fn start() -> String {
    let asked = Arc::new(AtomicI64::new(0));
    let app = Router::new().fallback(move |headers: HeaderMap, _: Bytes| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            let text =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            if first {
                return (StatusCode::SERVICE_UNAVAILABLE, String::new()).into_response();
            }
            if text("x-refuse") == "yes" {
                return (StatusCode::FORBIDDEN, format!("<E><Code>No</Code><Key>{}</Key></E>", text("x-key")))
                    .into_response();
            }
            text("x-signature").into_response()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn every_attempt_is_signed_anew_with_all_that_is_sent() {
    let url = start().await;
    let http = Http::new(HttpOptions { clock: ticking, ..quick() });
    let endpoint = Endpoint::new("aws/prod", &url).expect("a URL").signed_by(Arc::new(Plain("canary-key")));
    let client = http.client(endpoint, Instant::now() + Duration::from_secs(20)).expect("a client");
    let request = Request::post_body("a/b", "application/x-amz-json-1.1", "{}").header("x-amz-target", "T.A").is_read();

    let reply = client.send(request.clone()).await.expect("an answer");
    assert_eq!(reply.attempts, 2);
    assert_eq!(reply.text(), "POST /a/b x-amz-target=T.A content-type=application/x-amz-json-1.1 {} 1");

    // What is asked for again with another body is another question.
    let fresh = Duration::from_mins(1);
    let shared =
        |body: &'static str| client.send_shared(Request::post_body("a/b", "text/plain", body).is_read(), fresh);
    let (one, same, other) = (shared("1").await, shared("1").await, shared("2").await);
    let text = |reply: Result<opensre_http::Reply, _>| reply.expect("an answer").text();
    let (one, same, other) = (text(one), text(same), text(other));
    assert_eq!(one, same);
    assert!(other.starts_with("POST /a/b content-type=text/plain 2 "), "{other}");

    let failure = client.send(request.header("x-refuse", "yes")).await.expect_err("a refusal");
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert_eq!(failure.answer, "<E><Code>No</Code><Key>[redacted]</Key></E>");
    assert!(!format!("{failure:?} {:?} {client:?}", http.calls()).contains("canary-key"));
}
