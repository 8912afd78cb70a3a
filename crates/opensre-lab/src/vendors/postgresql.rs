//! A PostgreSQL server as far as the protocol goes (PostgreSQL documentation, "Frontend/Backend Protocol", "Message
//! Formats", "PostgreSQL Error Codes"): start-up, password, simple and extended queries, errors. It runs no SQL: a
//! statement is answered with the canned rows of the first view that it reads, each row as `row_to_json` gives it.
//!
//! The scene: a migration holds a lock for 42 minutes and three sessions of `checkout` wait for it, while connections
//! run short.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longest message that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Who may log in.
#[derive(Debug, Clone)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// The only database.
    pub database: String,
}

/// How the server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// None, and the user is a member of `pg_monitor`: it may read what only such a one may.
    Monitor,
    /// All connections are taken.
    Full,
    /// It is starting.
    Starting,
    /// No line of `pg_hba.conf` is for this client.
    NoEntry,
    /// It answers to nothing for this long.
    Slow(Duration),
    /// It hangs up at the first statement.
    CutsOff,
    /// It hangs up before it says anything.
    HangsUp,
    /// It is a web server.
    NotPostgres,
    /// It lets the user read nothing.
    Denies,
    /// It ends every statement at its time limit.
    Cancels,
    /// Rows without the columns that were asked for.
    WrongColumns,
    /// So many rows as one, whatever the statement's limit.
    Huge(usize),
}

/// What the server was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A start-up message: its parameters, names and values in turn.
    Startup(Vec<String>),
    /// A password, and whether it was the right one. The text is not kept.
    Password(bool),
    /// A statement.
    Statement(String),
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Postgres {
    /// Starts a server on a free loopback port.
    pub async fn start(account: Account, fault: Fault) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Server { account: Arc::new(account), fault, seen: seen.clone() };
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let server = server.clone();
                tokio::spawn(async move {
                    // A client that goes away is no event.
                    let _ = server.serve(stream).await;
                });
            }
        });
        Ok(Self { address, connections, seen, task })
    }

    /// Connections so far, also those over which nothing was said.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Everything that it was asked, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Clone)]
struct Server {
    account: Arc<Account>,
    fault: Fault,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn saw(&self, seen: Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        if let Fault::Slow(time) = self.fault {
            tokio::time::sleep(time).await;
        }
        match self.fault {
            Fault::HangsUp => return Ok(()),
            Fault::NotPostgres => {
                // What it was sent is read first, or the answer would be lost with the connection.
                let _ = body(&mut stream).await?;
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
                return stream.shutdown().await;
            }
            _ => {}
        }
        let parameters = loop {
            let body = body(&mut stream).await?;
            match body.first_chunk::<4>().map(|code| u32::from_be_bytes(*code)) {
                // SSLRequest and GSSENCRequest: neither is there.
                Some(80_877_103 | 80_877_104) => stream.write_all(b"N").await?,
                Some(196_608) => {
                    let text = String::from_utf8_lossy(&body[4..]).into_owned();
                    break text.split('\0').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
                }
                _ => return Ok(()),
            }
        };
        self.saw(Seen::Startup(parameters.clone()));
        let of = |name: &str| parameters.chunks(2).find(|pair| pair[0] == name).and_then(|pair| pair.get(1));
        let (user, database) = (of("user").cloned().unwrap_or_default(), of("database").cloned().unwrap_or_default());
        let refusal = match self.fault {
            Fault::Full => Some(("53300", "sorry, too many clients already".to_owned())),
            Fault::Starting => Some(("57P03", "the database system is starting up".to_owned())),
            Fault::NoEntry => {
                let host = "no pg_hba.conf entry for host \"127.0.0.1\"";
                Some(("28000", format!("{host}, user \"{user}\", database \"{database}\", no encryption")))
            }
            _ => None,
        };
        if let Some((code, text)) = refusal {
            return stream.write_all(&error("FATAL", code, &text)).await;
        }
        // AuthenticationCleartextPassword.
        stream.write_all(&message(b'R', &3_u32.to_be_bytes())).await?;
        let (kind, given) = typed(&mut stream).await?;
        let right = kind == b'p'
            && user == self.account.user
            && given.strip_suffix(&[0]) == Some(self.account.password.as_bytes());
        self.saw(Seen::Password(right));
        if !right {
            let text = format!("password authentication failed for user \"{user}\"");
            return stream.write_all(&error("FATAL", "28P01", &text)).await;
        }
        if database != self.account.database {
            let text = format!("database \"{database}\" does not exist");
            return stream.write_all(&error("FATAL", "3D000", &text)).await;
        }
        let mut welcome = message(b'R', &0_u32.to_be_bytes());
        welcome.extend(message(b'S', b"server_version\x0016.4\0"));
        welcome.extend(message(b'S', b"client_encoding\0UTF8\0"));
        welcome.extend(message(b'Z', b"I"));
        stream.write_all(&welcome).await?;
        self.statements(&mut stream).await
    }

    async fn statements(&self, stream: &mut TcpStream) -> io::Result<()> {
        let (mut sql, mut failed) = (String::new(), false);
        loop {
            let (kind, body) = typed(stream).await?;
            let answer = match kind {
                b'X' => return Ok(()),
                b'S' => {
                    failed = false;
                    message(b'Z', b"T")
                }
                // After an error everything up to the next Sync is passed over.
                _ if failed => continue,
                b'Q' => {
                    self.saw(Seen::Statement(text(&body, 0)));
                    [message(b'C', b"BEGIN\0"), message(b'Z', b"T")].concat()
                }
                b'P' => {
                    let name = body.iter().position(|byte| *byte == 0).unwrap_or(0);
                    sql = text(&body, name + 1);
                    self.saw(Seen::Statement(sql.clone()));
                    if self.fault == Fault::CutsOff {
                        return Ok(());
                    }
                    match self.refuses(&sql) {
                        Some((code, why)) => {
                            failed = true;
                            error("ERROR", code, why)
                        }
                        None => message(b'1', b""),
                    }
                }
                b'B' => message(b'2', b""),
                b'D' if body.first() == Some(&b'S') => [parameters(&sql), description()].concat(),
                b'D' => description(),
                b'E' => self.rows(&sql),
                b'C' => message(b'3', b""),
                _ => Vec::new(),
            };
            stream.write_all(&answer).await?;
        }
    }

    fn refuses(&self, sql: &str) -> Option<(&'static str, &'static str)> {
        match self.fault {
            Fault::Denies => Some(("42501", "permission denied for view pg_stat_activity")),
            Fault::Cancels => Some(("57014", "canceling statement due to statement timeout")),
            Fault::Monitor => None,
            _ if sql.contains("pg_control_system") => {
                Some(("42501", "permission denied for function pg_control_system"))
            }
            _ => None,
        }
    }

    fn rows(&self, sql: &str) -> Vec<u8> {
        let mut rows = match self.fault {
            Fault::WrongColumns => vec![json!({"unexpected": [1, 2]})],
            _ => canned(sql),
        };
        if let (Fault::Huge(count), Some(first)) = (self.fault, rows.first().cloned()) {
            rows = vec![first; count];
        }
        let mut answer: Vec<u8> = rows
            .iter()
            .flat_map(|row| {
                let text = row.to_string();
                message(b'D', &[&1_u16.to_be_bytes()[..], &length(text.len()), text.as_bytes()].concat())
            })
            .collect();
        answer.extend(message(b'C', format!("SELECT {}\0", rows.len()).as_bytes()));
        answer
    }
}

/// The rows of the first view that a statement reads.
fn canned(sql: &str) -> Vec<Json> {
    const NOW: &str = "2024-05-01T12:45:00+00:00";
    let session = |pid: u32, application: &str, state: &str, seconds: f64| {
        json!({
            "pid": pid, "user": application, "database": "shop", "application_name": application,
            "address": "10.0.0.9", "backend_type": "client backend", "state": state,
            "waits_for": (state == "active").then_some("Lock/transactionid"), "transaction_seconds": seconds,
            "state_seconds": seconds, "query": "UPDATE orders SET state = 'paid' WHERE id = 7"
        })
    };
    let involved = |pid: u32, application: &str, blockers: &[u32], seconds: f64| {
        let waits = !blockers.is_empty();
        let mut row = session(pid, application, if waits { "active" } else { "idle in transaction" }, seconds);
        row["blockers"] = json!(blockers);
        row["lock"] = json!(waits.then_some("ShareLock on a transactionid"));
        row["wait_seconds"] = json!(waits.then_some(seconds));
        row
    };
    let views: [(&str, Vec<Json>); 12] = [
        (
            "pg_blocking_pids",
            vec![
                involved(10, "migration", &[], 2530.0),
                involved(11, "checkout", &[10], 2500.0),
                involved(12, "checkout", &[10, 11], 600.0),
                involved(13, "checkout", &[12], 60.0),
            ],
        ),
        (
            "pg_stat_replication",
            vec![json!({
                "now": NOW, "in_recovery": false, "sees_all": true, "behind": null, "last_replayed_ago": null,
                "receiver": null, "receives": false,
                "standbys": [{"name": "replica", "address": "10.0.0.2", "state": "streaming", "sync_state": "async",
                              "lag_bytes": 1024.0, "lag_seconds": 0.2}],
                "slots": [{"name": "replica", "kind": "physical", "active": true, "wal_status": "reserved", "kept_bytes": 1024.0}]
            })],
        ),
        (
            "pg_extension",
            vec![json!({"relation": "public.pg_stat_statements", "version": "1.10", "sees_all": true, "now": NOW})],
        ),
        (
            "pg_stat_statements",
            vec![json!({
                "id": "-42", "user": "checkout", "database": "shop", "query": "UPDATE orders SET state = $1 WHERE id = $2",
                "calls": 400, "total_ms": 90000.0, "mean_ms": 225.0, "rows": 400
            })],
        ),
        (
            "pg_stat_user_tables",
            vec![json!({
                "now": NOW, "schema": "public", "name": "orders", "live": 100_000, "dead": 90_000, "sequential_scans": 3,
                "rows_by_sequential_scan": 30, "index_scans": 9, "changed_since_analyze": 4, "vacuumed_ago": 90000.0,
                "analyzed_ago": null, "transaction_age": 1000, "bytes": 81920
            })],
        ),
        (
            "mxid_age",
            vec![json!({
                "now": NOW, "name": "shop", "backends": 94, "connection_limit": -1, "commits": 1000, "rollbacks": 2,
                "blocks_read": 5, "blocks_hit": 95, "deadlocks": 1, "temp_files": 0, "temp_bytes": 0, "conflicts": 0,
                "checksum_failures": 0, "stats_reset": null, "transaction_age": 1000, "multixact_age": 1
            })],
        ),
        (
            "pg_settings",
            vec![json!({
                "now": NOW, "name": "max_connections", "value": "100", "unit": null, "source": "configuration file",
                "pending_restart": false
            })],
        ),
        (
            "max_connections",
            vec![json!({
                "now": NOW, "sees_all": true, "max_connections": 100, "reserved": 3, "backends": 94, "clients": 94,
                "active": 4, "idle": 80, "idle_in_transaction": 10,
                "waits": [{"name": "Lock/transactionid", "sessions": 3}],
                "clients_by_name": [{"name": "checkout", "sessions": 90}, {"name": "migration", "sessions": 1}]
            })],
        ),
        ("pg_stat_activity", vec![session(10, "migration", "idle in transaction", 2530.0)]),
        (
            "version()",
            vec![json!({
                "version": "PostgreSQL 16.4 on x86_64-pc-linux-gnu, compiled by gcc", "server_version": "16.4",
                "user": "opensre", "database": "shop", "in_recovery": false, "sees_all": true, "cluster_name": "orders",
                "read_only": "on"
            })],
        ),
        ("pg_control_system", vec![json!({"system_identifier": "7312345678901234567"})]),
        ("clock_timestamp", vec![json!({"now": NOW, "sees_all": true})]),
    ];
    views.into_iter().find(|(view, _)| sql.contains(view)).map(|(_, rows)| rows).unwrap_or_default()
}

/// A message without a type: its body.
async fn body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await? as usize;
    let length = length.checked_sub(4).filter(|length| *length <= LONGEST);
    let mut body = vec![0; length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn typed(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    Ok((kind, body(stream).await?))
}

/// The text from some place up to the next zero byte.
fn text(body: &[u8], from: usize) -> String {
    let rest = body.get(from..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    String::from_utf8_lossy(&rest[..end]).into_owned()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &length(body.len() + 4), body].concat()
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

fn error(severity: &str, code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0").as_bytes())
}

/// RowDescription of one column of type text.
fn description() -> Vec<u8> {
    const TEXT: u32 = 25;
    let mut body = 1_u16.to_be_bytes().to_vec();
    body.extend(b"row_to_json\0");
    body.extend(0_u32.to_be_bytes());
    body.extend(0_u16.to_be_bytes());
    body.extend(TEXT.to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i32).to_be_bytes());
    body.extend(0_u16.to_be_bytes());
    message(b'T', &body)
}

/// ParameterDescription: of type int8, as many as the statement has.
fn parameters(sql: &str) -> Vec<u8> {
    const INT8: u32 = 20;
    let count = u16::from(sql.contains("$1"));
    let mut body = count.to_be_bytes().to_vec();
    body.extend(std::iter::repeat_n(INT8.to_be_bytes(), usize::from(count)).flatten());
    message(b't', &body)
}
