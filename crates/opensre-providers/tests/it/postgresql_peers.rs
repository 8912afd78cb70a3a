//! PostgreSQL against peers that misbehave in one way each, byte by byte (PostgreSQL documentation, "Message Formats").

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opensre_model::evidence::{EvidenceData, GapKind};
use opensre_providers::driver::{Access, Input, Probe, ProbeStatus};
use opensre_providers::postgresql::PROVIDER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::real::{ask, instance};

/// What a peer does with each message that begins a connection.
#[derive(Clone, Copy)]
enum Peer {
    /// Never answers.
    Silent,
    /// Hangs up.
    Closes,
    /// Answers as a web server does.
    Web,
    /// Has no TLS, and speaks of something else than a password in the clear.
    WithoutTls,
    /// Says that it has TLS, and has not.
    FalseTls,
    /// Says this error.
    Says(&'static str, &'static str),
    /// Knows no start-up options, as PgBouncer.
    Pooler,
    /// Lets everybody in, and answers to no statement.
    Deaf,
}

/// Start-up messages that a peer saw.
type Seen = Arc<Mutex<Vec<String>>>;

async fn start(peer: Peer) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let memory = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, peer, memory.clone()));
        }
    });
    (port, seen)
}

async fn serve(mut stream: TcpStream, peer: Peer, seen: Seen) -> Option<()> {
    while let Some(message) = message(&mut stream).await {
        let is_ssl_request = message == [0x04, 0xd2, 0x16, 0x2f];
        if !is_ssl_request {
            seen.lock().unwrap().push(String::from_utf8_lossy(&message[4..]).replace('\0', " "));
        }
        let answer = match peer {
            Peer::Silent => std::future::pending().await,
            Peer::Closes => return None,
            Peer::Web => b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>".to_vec(),
            Peer::FalseTls => [b"S".as_slice(), &[7; 64]].concat(),
            _ if is_ssl_request => b"N".to_vec(),
            Peer::Says(code, text) => error(code, text),
            Peer::Pooler if String::from_utf8_lossy(&message).contains("options") => {
                error("08P01", "unsupported startup parameter: options")
            }
            Peer::WithoutTls | Peer::Deaf | Peer::Pooler => let_in(),
        };
        stream.write_all(&answer).await.ok()?;
        if matches!(peer, Peer::Says(..) | Peer::Web) && !is_ssl_request {
            return None;
        }
        if matches!(peer, Peer::Deaf | Peer::Pooler) && answer[0] == b'R' {
            std::future::pending::<()>().await;
        }
    }
    None
}

async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = stream.read_u32().await.ok()?;
    let mut rest = vec![0; length.checked_sub(4)? as usize];
    stream.read_exact(&mut rest).await.ok()?;
    Some(rest)
}

/// AuthenticationOk and ReadyForQuery.
fn let_in() -> Vec<u8> {
    [[b'R', 0, 0, 0, 8, 0, 0, 0, 0].as_slice(), &[b'Z', 0, 0, 0, 5, b'I']].concat()
}

/// ErrorResponse.
fn error(code: &str, text: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [b"E".as_slice(), &length, fields.as_bytes()].concat()
}

fn at(port: u16, more: &[(&'static str, &str)]) -> Access {
    let port = port.to_string();
    let fields = [("host", "127.0.0.1"), ("port", &port), ("database", "shop"), ("username", "opensre")];
    let fields: Vec<(&'static str, &str)> = fields.iter().map(|(k, v)| (*k, *v)).chain(more.iter().copied()).collect();
    instance(&PROVIDER, "orders", &[&fields[..], &[("password", "c4nary"), ("timeout_seconds", "1")]].concat())
}

async fn probe(peer: Peer, mode: &str) -> (Probe, Seen) {
    let (port, seen) = start(peer).await;
    let probe = (PROVIDER.probe.unwrap())(&at(port, &[("ssl_mode", mode)])).await;
    assert_eq!(probe.status, ProbeStatus::Failed, "{probe:?}");
    assert!(probe.hint.is_some() && !format!("{probe:?}").contains("c4nary"), "{probe:?}");
    (Probe { detail: probe.detail.replace(&port.to_string(), "PORT"), ..probe }, seen)
}

#[tokio::test]
async fn each_failure_has_its_own_words() {
    let told = async |peer, mode| probe(peer, mode).await.0.detail;
    assert_eq!(told(Peer::Silent, "prefer").await, "127.0.0.1:PORT did not let us in within the time");
    assert!(told(Peer::Closes, "disable").await.starts_with("the connection to 127.0.0.1:PORT broke off"));
    assert!(told(Peer::Closes, "require").await.starts_with("the connection to 127.0.0.1:PORT broke off"));
    assert_eq!(told(Peer::Web, "prefer").await, "127.0.0.1:PORT answers, but not as PostgreSQL does");
    assert_eq!(told(Peer::Web, "disable").await, "127.0.0.1:PORT answers, but not as PostgreSQL does");
    assert_eq!(told(Peer::WithoutTls, "verify-full").await, "the server does not offer TLS, which ssl_mode asks for");
    assert!(told(Peer::FalseTls, "require").await.starts_with("the TLS handshake with 127.0.0.1:PORT failed"));
    let odd = told(Peer::Says("XX000", "something else"), "disable").await;
    assert_eq!(odd, "something else (SQLSTATE XX000)");
}

#[tokio::test]
async fn the_password_is_not_sent_in_the_clear_where_tls_is_asked_for() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let (_, seen) = probe(Peer::WithoutTls, mode).await;
        assert_eq!(*seen.lock().unwrap(), Vec::<String>::new(), "{mode}: not even who we are is said");
    }
}

#[tokio::test]
async fn a_pooler_without_options_is_asked_without() {
    let (port, seen) = start(Peer::Pooler).await;
    let probe = (PROVIDER.probe.unwrap())(&at(port, &[])).await;
    assert_eq!(probe.status, ProbeStatus::Failed, "it answers to no statement: {probe:?}");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].contains("default_transaction_read_only=on") && seen[0].contains("application_name opensre"));
    assert!(!seen[1].contains("options") && seen[1].contains("database shop"), "{seen:?}");
}

#[tokio::test]
async fn a_server_that_is_starting_is_evidence() {
    let (port, _) = start(Peer::Says("57P03", "the database system is starting up")).await;
    let answer = ask(&PROVIDER, &at(port, &[]), "locks", &Input::default()).await;
    assert_eq!(answer.gaps[0].reason, "the database system is starting up");
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!((states[0].kind.as_str(), states[0].healthy), ("server", Some(false)));
    // A password that is not accepted says nothing about the server.
    let (port, _) = start(Peer::Says("28P01", "password authentication failed for user \"opensre\"")).await;
    let answer = ask(&PROVIDER, &at(port, &[]), "locks", &Input::default()).await;
    assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::Denied));
}

#[tokio::test]
async fn everything_ends_at_the_deadline_of_the_investigation() {
    for peer in [Peer::Silent, Peer::Deaf] {
        let (port, _) = start(peer).await;
        let mut access = at(port, &[("ssl_mode", "disable")]);
        access.deadline = Instant::now() + Duration::from_millis(300);
        for query in PROVIDER.queries {
            let answer = ask(&PROVIDER, &access, query.name, &Input::default()).await;
            assert_eq!(
                (answer.evidence.len(), answer.gaps[0].kind),
                (0, GapKind::Deadline),
                "{}: {answer:?}",
                query.name
            );
        }
    }
}
