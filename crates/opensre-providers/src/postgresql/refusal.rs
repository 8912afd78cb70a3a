//! Why a server did not let us in, or did not answer a statement: told apart by SQLSTATE (PostgreSQL documentation,
//! "PostgreSQL Error Codes"), with what to do about it.

use std::error::Error as _;
use std::io::ErrorKind;

use opensre_model::evidence::GapKind;
use tokio_postgres::error::{DbError, SqlState};

use super::server::Server;
use crate::failure::Failure;

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What kind of refusal it is.
    pub(super) cause: Cause,
    /// The same in words.
    pub(super) failure: Failure,
}

/// Kinds of refusals, as far as something follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server has no TLS.
    NoTls,
    /// The handshake failed, not for the certificate.
    Handshake,
    /// No line of `pg_hba.conf` lets this client in this way.
    HostBased,
    /// A pooler knows no start-up options.
    Options,
    /// All connections are taken.
    Full,
    /// The server is starting, stopping or recovering.
    NotReady,
    /// Anything else.
    Other,
}

impl Refusal {
    /// A refusal from which nothing follows.
    pub(super) fn other(failure: Failure) -> Self {
        Self { cause: Cause::Other, failure }
    }

    /// The server has no TLS and the mode wants it.
    pub(super) fn no_tls() -> Self {
        let failure = Failure::new(GapKind::Failed, "the server does not offer TLS, which ssl_mode asks for")
            .with_hint("turn TLS on at the server (ssl = on), or set ssl_mode to prefer where the network is trusted");
        Self { cause: Cause::NoTls, failure }
    }

    /// A TLS handshake that failed.
    pub(super) fn handshake(error: &std::io::Error, server: &Server) -> Self {
        let rejected = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(why)) = rejected {
            let host = &server.host;
            let failure = Failure::new(GapKind::Failed, format!("the certificate of {host} is not accepted: {why}"))
                .with_hint(
                    "set ca_bundle to the authority that signed it and host to a name in it; ssl_mode verify-ca \
                     leaves the host name unchecked",
                );
            return Self::other(failure);
        }
        let failure = Failure::new(GapKind::Failed, format!("the TLS handshake with {server} failed: {error}"))
            .with_hint("check that host and port are PostgreSQL's, and which TLS versions the server allows");
        Self { cause: Cause::Handshake, failure }
    }

    /// It answers, but not as PostgreSQL does.
    pub(super) fn not_postgresql(server: &Server) -> Self {
        let failure = Failure::new(GapKind::Failed, format!("{server} answers, but not as PostgreSQL does"));
        Self::other(failure.with_hint("check host and port"))
    }

    /// What the client library says about a start-up.
    pub(super) fn startup(error: &tokio_postgres::Error, server: &Server) -> Self {
        if let Some(said) = error.as_db_error() {
            return Self::said(said, server);
        }
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let failure = if source.contains("password missing") {
            Failure::new(GapKind::Denied, format!("the server asks for the password of {}", server.user))
                .with_hint("set the password")
        } else if source.contains("SCRAM") || error.to_string().contains("authentication") {
            Failure::new(GapKind::Denied, format!("the server could not prove that it knows the password: {source}"))
                .with_hint("check the password, and that the host is the right one")
        } else if is_foreign(error) {
            return Self::not_postgresql(server);
        } else {
            broken(server, &source)
        };
        Self::other(failure)
    }

    fn said(said: &DbError, server: &Server) -> Self {
        let Server { user, database, .. } = server;
        let text = said.message();
        let because = |kind, reason: String, hint: &str| Failure::new(kind, reason).with_hint(hint);
        let (cause, failure) = match said.code() {
            code if *code == SqlState::INVALID_PASSWORD => {
                let reason = format!("the password of user {user} is not accepted");
                (Cause::Other, because(GapKind::Denied, reason, "check username and password"))
            }
            code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                let by_host = text.contains("pg_hba.conf");
                let hint = if by_host {
                    "add a line for this client to pg_hba.conf; where the message says \"no encryption\", set ssl_mode \
                     to require"
                } else {
                    "check username, and how pg_hba.conf wants this user to log in"
                };
                let cause = if by_host { Cause::HostBased } else { Cause::Other };
                (cause, because(GapKind::Denied, text.to_owned(), hint))
            }
            code if *code == SqlState::INVALID_CATALOG_NAME => {
                let reason = format!("there is no database {database}");
                (Cause::Other, because(GapKind::Failed, reason, "check database; psql -l lists those of a server"))
            }
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                let hint = format!("GRANT CONNECT ON DATABASE {} TO {}", quoted(database), quoted(user));
                (Cause::Other, because(GapKind::Denied, text.to_owned(), &hint))
            }
            code if *code == SqlState::TOO_MANY_CONNECTIONS => (
                Cause::Full,
                because(
                    GapKind::Failed,
                    format!("the server has no connection left: {text}"),
                    "keep connections for monitoring: superuser_reserved_connections, or reserved_connections with \
                     pg_use_reserved_connections (PostgreSQL 16)",
                ),
            ),
            code if *code == SqlState::CANNOT_CONNECT_NOW => {
                (Cause::NotReady, because(GapKind::Failed, text.to_owned(), "look at the server's own log"))
            }
            code if *code == SqlState::PROTOCOL_VIOLATION && text.contains("startup parameter") => (
                Cause::Options,
                because(GapKind::Failed, text.to_owned(), "connect to the server itself, not through a pooler"),
            ),
            code => {
                let reason = format!("{text} (SQLSTATE {})", code.code());
                (Cause::Other, because(GapKind::Failed, reason, "the server's log tells more"))
            }
        };
        Self { cause, failure }
    }
}

/// Whether what arrived is no message of PostgreSQL's.
fn is_foreign(error: &tokio_postgres::Error) -> bool {
    let source = error.source();
    let odd = source.and_then(|source| source.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    // A last message that is not whole has no kind of its own.
    let rest = source.is_some_and(|source| source.to_string() == "bytes remaining on stream");
    matches!(odd, Some(ErrorKind::InvalidInput | ErrorKind::InvalidData))
        || rest
        || ["unexpected message", "parsing"].iter().any(|words| error.to_string().contains(words))
}

/// What the client library says about a statement.
pub(super) fn of_statement(error: &tokio_postgres::Error, server: &Server) -> Failure {
    let Some(said) = error.as_db_error() else {
        let source = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return broken(server, &source);
    };
    let text = said.message();
    match said.code() {
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Failure::new(GapKind::Denied, text).with_hint(grant(&server.user))
        }
        code if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE => {
            Failure::new(GapKind::Deadline, text).with_hint("a larger timeout_seconds gives it more time")
        }
        code => Failure::new(GapKind::Failed, format!("{text} (SQLSTATE {})", code.code())),
    }
}

/// The permission that shows what other users do.
pub(super) fn grant(user: &str) -> String {
    format!("GRANT pg_monitor TO {}", quoted(user))
}

/// The connection broke off.
pub(super) fn broken(server: &Server, why: &str) -> Failure {
    let why = if why.is_empty() { "the server closed it" } else { why };
    Failure::new(GapKind::Failed, format!("the connection to {server} broke off: {why}"))
        .with_hint("check that host and port are PostgreSQL's, and the server's log")
}

/// An identifier as SQL wants it (PostgreSQL documentation, "Identifiers and Key Words"); for hints only.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
