//! Certificates: accepted, refused, and why.

use std::path::PathBuf;
use std::sync::Arc;

use opensre_http::{Endpoint, FailureKind, Http, HttpFailure, Tls};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::{NONE, RawServer, answer, client, in_a_minute, quick, read_request};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "tls", name].iter().collect()
}

/// An https server with one of the stored certificates; its port.
async fn serve(certificate: &str) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(file(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if read_request(&mut stream).await.is_some() {
                    let _ = stream.write_all(&answer("200 OK", &[], b"{}")).await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    port
}

async fn ask(certificate: &str, tls: Tls) -> Result<(), HttpFailure> {
    let url = format!("https://localhost:{}", serve(certificate).await);
    let endpoint = Endpoint::new("t/o", &url).unwrap().tls(tls);
    Http::new(quick()).client(endpoint, in_a_minute())?.get("x", NONE).await.map(|_| ())
}

fn bundle(verify: bool) -> Tls {
    Tls { verify, ca_bundle: Some(file("ca.pem")) }
}

#[tokio::test]
async fn a_certificate_of_the_bundle_is_accepted() {
    ask("server.pem", bundle(true)).await.unwrap();
}

#[tokio::test]
async fn certificates_are_refused_with_the_reason() {
    for (certificate, tls, words) in [
        ("server.pem", Tls::default(), "the server's certificate is signed by an authority that is not trusted here"),
        ("other.pem", bundle(true), "the server's certificate is for another name"),
        ("expired.pem", bundle(true), "the server's certificate has expired"),
        ("expired.pem", bundle(false), "the server's certificate has expired"),
    ] {
        let failure = ask(certificate, tls).await.unwrap_err();
        assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Tls, words), "{certificate}");
        assert_eq!(failure.attempts, 1, "asking again changes no certificate");
        assert!(failure.hint.is_some());
    }
}

#[tokio::test]
async fn the_check_is_off_only_where_it_is_turned_off() {
    ask("other.pem", Tls { verify: false, ca_bundle: None }).await.unwrap();
    ask("expired.pem", Tls { verify: false, ca_bundle: None }).await.unwrap();
}

#[tokio::test]
async fn a_bundle_that_cannot_be_read_is_named() {
    for (path, words) in [
        (file("nowhere.pem"), "No such file"),
        (file("README.md"), "holds no certificate"),
        (file("server.key"), "holds no certificate"),
    ] {
        let failure = ask("server.pem", Tls { verify: true, ca_bundle: Some(path) }).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Configuration);
        assert!(failure.reason.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_wrong_scheme_is_recognised() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    let failure = client(&url).get("x", NONE).await.unwrap_err();
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Tls, "does not speak TLS on this port"));

    let go = RawServer::answering("400 Bad Request", &[], "Client sent an HTTP request to an HTTPS server.\n").await;
    let failure = client(&go.url).get("x", NONE).await.unwrap_err();
    assert_eq!(failure.hint.as_deref(), Some("the server speaks TLS: write the URL with https://"));
}
