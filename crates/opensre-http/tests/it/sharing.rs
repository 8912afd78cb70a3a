//! Answers that several callers share.

use std::time::{Duration, Instant};

use futures::future::join_all;
use opensre_http::{Auth, Endpoint, FailureKind, Http};
use opensre_model::secret::Secret;

use crate::support::{RawServer, answer, client, in_a_minute, quick};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn callers_at_the_same_time_and_soon_after_share_one_call() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let client = client(&server.url);
    let asked = join_all((0..10).map(|_| client.get_shared("labels", &[("a", "b")], LONG))).await;
    assert!(asked.iter().all(|reply| reply.as_ref().is_ok_and(|reply| reply.text() == "{}")));
    client.get_shared("labels", &[("a", "b")], LONG).await.unwrap();
    assert_eq!((server.requests().len(), client.calls()), (1, 1));

    client.get_shared("labels", &[("a", "c")], LONG).await.unwrap();
    client.get_shared("labels", &[("a", "b")], Duration::ZERO).await.unwrap();
    assert_eq!(server.requests().len(), 3, "another question, and an answer that is too old");
}

#[tokio::test]
async fn nothing_is_shared_between_credentials() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let http = Http::new(quick());
    for token in ["one", "two", "one"] {
        let endpoint = Endpoint::new("t/o", &server.url).unwrap().auth(Auth::Bearer(Secret::new(token)));
        http.client(endpoint, in_a_minute()).unwrap().get_shared("x", &[], LONG).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].contains("Bearer one") && requests[1].contains("Bearer two"));
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let server = RawServer::start(vec![answer("403 Forbidden", &[], b""), answer("200 OK", &[], b"{}")]).await;
    let client = client(&server.url);
    assert_eq!(client.get_shared("x", &[], LONG).await.unwrap_err().kind, FailureKind::Forbidden);
    client.get_shared("x", &[], LONG).await.unwrap();
}

#[tokio::test]
async fn a_caller_with_less_time_does_not_take_it_from_the_others() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let app = axum::Router::new().fallback(move || {
        let hang = first.swap(false, std::sync::atomic::Ordering::SeqCst);
        async move {
            if hang {
                std::future::pending::<()>().await;
            }
            "{}"
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let patient = client(&url);
    let hasty = patient.clone().by(Instant::now() + Duration::from_millis(50));
    let (hasty, patient) =
        futures::future::join(hasty.get_shared("x", &[], LONG), patient.get_shared("x", &[], LONG)).await;
    assert_eq!(hasty.unwrap_err().kind, FailureKind::Deadline);
    assert_eq!(patient.unwrap().text(), "{}");
}

#[derive(Default)]
struct Sessions(std::sync::Mutex<Vec<u8>>);

#[derive(Default)]
struct Others(std::sync::Mutex<Vec<u8>>);

#[test]
fn a_provider_keeps_its_own_between_calls() {
    let http = opensre_http::Http::default();
    http.kept::<Sessions>().0.lock().unwrap().push(1);
    assert_eq!(*http.clone().kept::<Sessions>().0.lock().unwrap(), [1]);
    assert!(http.kept::<Others>().0.lock().unwrap().is_empty());
    assert!(opensre_http::Http::default().kept::<Sessions>().0.lock().unwrap().is_empty());
}
