//! From a server's address to a logged-in connection, by the attempts of its TLS mode.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use opensre_model::evidence::GapKind;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::refusal::{Cause, Refusal, broken};
use super::server::Server;
use super::ssl_mode::{Attempt, Check};
use super::tls;
use crate::failure::Failure;

/// Most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

/// What holds as long as a session lives: reads only. Given at the start, it is bound to the session, also where a
/// pooler hands the server's connection on. Time limits are each transaction's: given here, they would be taken for the
/// server's own when its settings are read.
const OPTIONS: &str = "-c default_transaction_read_only=on -c search_path=pg_catalog";

/// A logged-in connection.
pub(super) struct Connected {
    pub(super) client: Client,
    /// Moves the bytes; ends with the connection.
    pub(super) driver: JoinHandle<()>,
    /// How it is protected.
    pub(super) protection: Attempt,
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}
type Stream = Box<dyn Wire>;

/// Connects and logs in.
pub(super) async fn connect(server: &Server, deadline: Instant) -> Result<Connected, Refusal> {
    let mut before: Option<Refusal> = None;
    for attempt in &server.attempts {
        if let Some(refusal) = &before
            && !leads_on(refusal.cause, *attempt)
        {
            break;
        }
        match one(server, *attempt, deadline).await {
            Ok(connected) => return Ok(connected),
            // Where both ways fail, the first one's reason is what a person has to deal with, unless only TLS was
            // missing.
            Err(refusal) => match &before {
                Some(first) if !matches!(first.cause, Cause::NoTls | Cause::Handshake) => break,
                _ => before = Some(refusal),
            },
        }
    }
    Err(before.unwrap_or_else(|| Refusal::other(Failure::new(GapKind::Failed, "nothing was tried"))))
}

/// Whether a refusal is a reason to try the other way. A certificate that is not accepted never is: going on in the
/// clear would hand the password to whoever showed it. A wrong password is wrong either way.
fn leads_on(cause: Cause, next: Attempt) -> bool {
    match next {
        Attempt::Plain => matches!(cause, Cause::NoTls | Cause::Handshake | Cause::HostBased),
        Attempt::Tls(_) => cause == Cause::HostBased,
    }
}

async fn one(server: &Server, attempt: Attempt, deadline: Instant) -> Result<Connected, Refusal> {
    match started(server, attempt, deadline, Some(OPTIONS)).await {
        // PgBouncer refuses options that it does not know; every statement is in a read-only transaction all the same.
        Err(Refusal { cause: Cause::Options, .. }) => started(server, attempt, deadline, None).await,
        other => other,
    }
}

async fn started(
    server: &Server,
    attempt: Attempt,
    deadline: Instant,
    options: Option<&str>,
) -> Result<Connected, Refusal> {
    let until = deadline.min(Instant::now() + server.timeout);
    let work = async {
        let stream = open(server).await.map_err(Refusal::other)?;
        let stream = match attempt {
            Attempt::Plain => stream,
            Attempt::Tls(check) => secured(server, check, stream).await?,
        };
        // TLS is ours, so that what fails in it can be told apart.
        let mut config = Config::new();
        config.user(&server.user).dbname(&server.database).application_name("opensre");
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        if let Some(password) = &server.password {
            config.password(password.expose());
        }
        if let Some(options) = options {
            config.options(options);
        }
        let (client, connection) =
            config.connect_raw(stream, NoTls).await.map_err(|error| Refusal::startup(&error, server))?;
        let driver = tokio::spawn(async move {
            // What breaks here is told to whoever waits for a statement.
            let _ = connection.await;
        });
        Ok(Connected { client, driver, protection: attempt })
    };
    match tokio::time::timeout_at(until.into(), work).await {
        Ok(connected) => connected,
        Err(_) => Err(Refusal::other(
            Failure::new(GapKind::Deadline, format!("{server} did not let us in within the time"))
                .with_hint("check host and port, firewalls on the way, and timeout_seconds"),
        )),
    }
}

async fn open(server: &Server) -> Result<Stream, Failure> {
    if server.host.starts_with('/') {
        return socket(server).await;
    }
    let addresses: Vec<_> = tokio::net::lookup_host((server.host.as_str(), server.port))
        .await
        .map_err(|_| {
            Failure::new(GapKind::Failed, format!("the name {} does not resolve", server.host))
                .with_hint("check host, and DNS on this machine")
        })?
        .take(MOST_ADDRESSES)
        .collect();
    let share = server.timeout / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Only slower without.
                let _ = stream.set_nodelay(true);
                return Ok(Box::new(stream));
            }
            Ok(Err(error)) => last = Some(unreachable(server, &error)),
            Err(_) => last = Some(silent(server, share)),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(GapKind::Failed, format!("the name {} has no address", server.host))))
}

fn silent(server: &Server, waited: Duration) -> Failure {
    Failure::new(GapKind::Deadline, format!("{server} did not answer within {:.1} s", waited.as_secs_f64()))
        .with_hint("check host and port, and firewalls on the way")
}

fn unreachable(server: &Server, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::new(GapKind::Failed, format!("{server} refuses connections"))
            .with_hint("check host and port, that the server runs, and its listen_addresses"),
        _ => Failure::new(GapKind::Failed, format!("{server} cannot be reached: {error}"))
            .with_hint("check host and port, and the network"),
    }
}

#[cfg(unix)]
async fn socket(server: &Server) -> Result<Stream, Failure> {
    let path = format!("{}/.s.PGSQL.{}", server.host.trim_end_matches('/'), server.port);
    match tokio::net::UnixStream::connect(&path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(Failure::new(GapKind::Failed, format!("the socket {path} cannot be opened: {error}"))
            .with_hint("a host that begins with / is the folder of the server's Unix socket")),
    }
}

#[cfg(not(unix))]
async fn socket(server: &Server) -> Result<Stream, Failure> {
    Err(Failure::new(GapKind::Failed, format!("{} is a Unix socket, which this system has not", server.host)))
}

/// Asks for TLS and shakes hands (PostgreSQL documentation, "Message Flow", "SSL Session Encryption").
async fn secured(server: &Server, check: Check, mut stream: Stream) -> Result<Stream, Refusal> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    let lost = |error: std::io::Error| Refusal::other(broken(server, &error.to_string()));
    stream.write_all(&SSL_REQUEST).await.map_err(lost)?;
    // One byte and no more: what follows in the clear must not pass for what came through TLS.
    let mut answer = [0];
    stream.read_exact(&mut answer).await.map_err(lost)?;
    match answer[0] {
        b'S' => {}
        b'N' => return Err(Refusal::no_tls()),
        _ => return Err(Refusal::not_postgresql(server)),
    }
    let bundle = server.ca_bundle.clone();
    let config = tokio::task::spawn_blocking(move || tls::config(check, bundle.as_deref()))
        .await
        .unwrap_or_else(|_| Err(Failure::new(GapKind::Failed, "TLS could not be set up")))
        .map_err(Refusal::other)?;
    let name = ServerName::try_from(server.host.clone()).map_err(|_| {
        Refusal::other(Failure::new(GapKind::Failed, format!("host {} is neither a name nor an address", server.host)))
    })?;
    let shaken = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    Ok(Box::new(shaken.map_err(|error| Refusal::handshake(&error, server))?))
}
