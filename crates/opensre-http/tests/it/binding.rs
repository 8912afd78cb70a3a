//! Credentials reach their endpoint's host and no other.

use std::time::Duration;

use opensre_http::{Auth, Endpoint, FailureKind, Http, HttpOptions, Proxies};
use opensre_model::secret::Secret;
use proptest::prelude::*;

use crate::support::{NONE, RawServer, client, client_of, in_a_minute, quick};

fn with_token(url: &str) -> Endpoint {
    Endpoint::new("test/one", url).unwrap().auth(Auth::Bearer(Secret::new("hunter2")))
}

#[tokio::test]
async fn credentials_and_headers_travel_to_the_endpoint() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let client = client_of(with_token(&format!("{}/prefix/", server.url)).header("X-Scope-OrgID", Secret::new("blue")));
    client.get("/api/v1/query", &[("query", "up{a=\"b c\"}&x=1#")]).await.unwrap();
    client.post_form("form", &[("a b", "1&2")]).await.unwrap();
    client.post_json("json", &serde_json::json!({"a": 1})).await.unwrap();
    let [get, form, json] = server.requests().try_into().unwrap();
    assert!(get.starts_with("GET /prefix/api/v1/query?query=up%7Ba%3D%22b+c%22%7D%26x%3D1%23 HTTP/1.1\r\n"), "{get}");
    assert!(get.contains("authorization: Bearer hunter2\r\n") && get.contains("x-scope-orgid: blue\r\n"), "{get}");
    assert!(get.contains(concat!("user-agent: opensre/", env!("CARGO_PKG_VERSION"), "\r\n")), "{get}");
    assert!(form.contains("application/x-www-form-urlencoded") && form.ends_with("\r\n\r\na+b=1%262"), "{form}");
    assert!(json.contains("content-type: application/json") && json.ends_with("\r\n\r\n{\"a\":1}"), "{json}");
    assert_eq!(client.calls(), 3);
}

#[tokio::test]
async fn a_user_in_the_url_becomes_basic_and_leaves_the_url() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let url = server.url.replace("http://", "http://sam:p%40ss+w@") + "/x?orgId=1#top";
    let endpoint = Endpoint::new("test/one", &url).unwrap();
    assert_eq!(endpoint.base().as_str(), format!("{}/x", server.url));
    client_of(endpoint).get("y", NONE).await.unwrap();
    // base64 of `sam:p@ss+w`
    assert!(server.requests()[0].contains("authorization: Basic c2FtOnBAc3Mrdw==\r\n"), "{:?}", server.requests());
}

#[tokio::test]
async fn a_token_stored_with_its_scheme_is_sent_once() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let endpoint = Endpoint::new("t/o", &server.url).unwrap().auth(Auth::Bearer(Secret::new(" bearer hunter2 ")));
    client_of(endpoint).get("y", NONE).await.unwrap();
    assert!(server.requests()[0].contains("authorization: Bearer hunter2\r\n"));
}

#[tokio::test]
async fn a_redirect_to_another_host_is_named_and_never_followed() {
    let second = RawServer::answering("200 OK", &[], "{}").await;
    let elsewhere = format!("{}/login?token=canary", second.url.replace("127.0.0.1", "localhost"));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let first = RawServer::answering(status, &[("location", &elsewhere)], "").await;
        let failure = client_of(with_token(&first.url)).get("x", NONE).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Redirect);
        let port = second.url.rsplit(':').next().unwrap();
        assert_eq!(failure.reason, format!("sends us to another host, localhost:{port}; not followed"));
        assert!(failure.hint.is_some());
    }
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_named_and_not_followed() {
    for (location, words) in [
        ("/login?canary=1", "sends us to /login on the same host; not followed"),
        ("https://127.0.0.1:1/", "sends us to https://127.0.0.1:1; not followed"),
    ] {
        let server = RawServer::answering("302 Found", &[("location", location)], "").await;
        let failure = client_of(with_token(&server.url)).get("x", NONE).await.unwrap_err();
        assert_eq!(failure.reason, words);
        assert_eq!(server.requests().len(), 1);
    }
    let nowhere = RawServer::answering("302 Found", &[], "").await;
    let failure = client(&nowhere.url).get("x", NONE).await.unwrap_err();
    assert_eq!(failure.reason, "answered with a redirect to nowhere");
}

#[tokio::test]
async fn a_sub_client_keeps_host_credentials_and_count() {
    let server = RawServer::answering("200 OK", &[], "{}").await;
    let client = client_of(with_token(&server.url));
    let proxied = client.under(&["api", "datasources", "proxy", "uid", "a/b?c"]).unwrap();
    proxied.get("loki/api/v1/labels", NONE).await.unwrap();
    proxied.get(&["label", "a/../b", "values"], NONE).await.unwrap();
    let requests = server.requests();
    assert!(
        requests[0].starts_with("GET /api/datasources/proxy/uid/a%2Fb%3Fc/loki/api/v1/labels HTTP"),
        "{}",
        requests[0]
    );
    assert!(requests[1].contains("/label/a%2F..%2Fb/values HTTP"), "{}", requests[1]);
    assert!(requests.iter().all(|request| request.contains("Bearer hunter2")));
    assert_eq!(client.calls(), 2);
}

proptest! {
    #[test]
    fn no_path_leaves_the_base(path in "(\\.|/|\\\\|%2e|%2f|@|:|\\?|#|[a-z]|\n|é|http:){0,24}") {
        let client = client("http://127.0.0.1:1/one/two");
        match client.under(path.as_str()) {
            Ok(below) => {
                let url = below.base();
                prop_assert_eq!(url.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(url.port(), Some(1));
                prop_assert!(url.path().starts_with("/one/two/"), "{}", url);
                prop_assert_eq!((url.query(), url.fragment(), url.username()), (None, None, ""));
                let again = url::Url::parse(url.as_str()).unwrap();
                prop_assert_eq!(again.path(), url.path(), "another reader of the URL sees the same path");
            }
            Err(failure) => prop_assert!(path.split('/').any(|part| part == "." || part == ".."), "{} {}", path, failure),
        }
    }
}

#[tokio::test]
async fn a_loopback_host_is_never_asked_through_a_proxy() {
    let proxy = RawServer::answering("200 OK", &[], r#"{"from":"proxy"}"#).await;
    let server = RawServer::answering("200 OK", &[], r#"{"from":"server"}"#).await;
    let proxies = Proxies::Through(proxy.url.parse().unwrap());
    let http = Http::new(HttpOptions { proxies, ..quick() });
    for url in [server.url.clone(), server.url.replace("127.0.0.1", "localhost")] {
        let client = http.client(with_token(&url), in_a_minute()).unwrap();
        let json: serde_json::Value = client.get_json("x", NONE).await.unwrap();
        assert_eq!(json["from"], "server");
    }
    assert_eq!(proxy.connections(), 0);
    let secret = Proxies::Through("http://sam:hunter2@proxy:3128".parse().unwrap());
    assert_eq!(format!("{secret:?}"), "Through(proxy:3128)");
    let client = http.client(Endpoint::new("t/o", "http://grafana.invalid").unwrap(), in_a_minute()).unwrap();
    let json: serde_json::Value = client.get_json("x", NONE).await.unwrap();
    assert_eq!(json["from"], "proxy", "other hosts are asked through it");
}

#[tokio::test]
async fn two_instances_of_one_host_share_no_connection() {
    let server = axum::Router::new().fallback(|| async { "{}" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ports = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let seen = ports.clone();
    let server = server.layer(axum::middleware::from_fn(
        move |peer: axum::extract::ConnectInfo<std::net::SocketAddr>,
              request: axum::extract::Request,
              next: axum::middleware::Next| {
            seen.lock().unwrap().insert(peer.0.port());
            next.run(request)
        },
    ));
    tokio::spawn(async move {
        axum::serve(listener, server.into_make_service_with_connect_info::<std::net::SocketAddr>()).await
    });
    let http = Http::new(quick());
    for token in ["one", "two", "one", "two"] {
        let endpoint = Endpoint::new("t/o", &url).unwrap().auth(Auth::Bearer(Secret::new(token)));
        http.client(endpoint, in_a_minute()).unwrap().get("x", NONE).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ports.lock().unwrap().len(), 2, "one connection for each credential, used twice");
}

#[tokio::test]
async fn the_log_names_what_was_asked_without_credentials() {
    let server = RawServer::answering("200 OK", &[], "{\"a\":1}").await;
    let http = Http::new(quick());
    let endpoint = with_token(&server.url.replace("http://", "http://sam:hunter2@"));
    let client = http.client(endpoint, in_a_minute()).unwrap();
    client.get("x", &[("query", "up"), ("api_key", "canary"), ("q", "has hunter2 in it")]).await.unwrap();
    client.get("y", NONE).await.unwrap();
    let calls = http.calls();
    assert_eq!(calls[0].url, format!("{}/x?query=up&api_key=%5Bredacted%5D&q=has+[redacted]+in+it", server.url));
    assert_eq!(
        (calls[1].label.as_str(), calls[1].method, calls[1].status, calls[1].bytes),
        ("test/one", "GET", Some(200), 7)
    );
    let tally = http.tallies()["test/one"];
    assert_eq!((tally.calls, tally.failures, tally.bytes), (2, 0, 14));
    assert!(!format!("{calls:?}").contains("hunter2"));
}
