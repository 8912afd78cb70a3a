//! A read-only session with one server: at most one per instance at a time, each statement in a transaction of its
//! own that can only read, under time limits that the server keeps too.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use opensre_model::evidence::GapKind;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::{ToSql, Type};

use super::connect::{self, Connected};
use super::refusal::{self, Refusal};
use super::server::Server;
use super::ssl_mode::Attempt;
use crate::access::Access;
use crate::failure::Failure;

/// Most bytes of one statement's rows.
pub(super) const MOST_BYTES: usize = 1024 * 1024;

/// How much longer than the server we wait for the end of a statement.
const GRACE: Duration = Duration::from_millis(500);

/// A statement's parameter: its value and its type. Values never become part of the statement.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A read-only session.
pub struct Session {
    connected: Connected,
    server: Server,
    deadline: Instant,
    in_transaction: bool,
    statements: u64,
    _turn: OwnedSemaphorePermit,
}

/// Rows of a statement, and whether there were more than were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    /// The rows, in the statement's order.
    pub rows: Vec<T>,
    /// Whether some were left at the server.
    pub cut: bool,
}

impl Session {
    /// Connects and logs in; the session ends `time` from now at the latest.
    pub async fn open(access: &Access, time: Duration) -> Result<Self, Failure> {
        Self::try_open(access, time).await.map_err(|refusal| refusal.failure)
    }

    pub(super) async fn try_open(access: &Access, time: Duration) -> Result<Self, Refusal> {
        let deadline = access.deadline.min(Instant::now() + time);
        let server = Server::of(access).await.map_err(Refusal::other)?;
        let turn = turn(&server, deadline).await.map_err(Refusal::other)?;
        let connected = connect::connect(&server, deadline).await?;
        Ok(Self { connected, server, deadline, in_transaction: false, statements: 0, _turn: turn })
    }

    /// The rows of a statement, of which each is read from a JSON object of its columns; at most `most`.
    pub async fn rows<T: DeserializeOwned>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        most: usize,
    ) -> Result<Rows<T>, Failure> {
        self.statements += 1;
        // The server keeps the limit itself; we wait a little longer for it to say so.
        let deadline = self.deadline.min(Instant::now() + self.server.timeout + GRACE);
        match tokio::time::timeout_at(deadline.into(), self.read(sql, parameters, most)).await {
            Ok(rows) => rows,
            Err(_) => Err(Failure::new(GapKind::Deadline, "the server did not answer in time")),
        }
    }

    /// The first row of a statement that always has one.
    pub async fn row<T: DeserializeOwned>(&mut self, sql: &str) -> Result<T, Failure> {
        let none = || Failure::new(GapKind::Failed, "the server answered without a row");
        self.rows(sql, &[], 1).await?.rows.into_iter().next().ok_or_else(none)
    }

    async fn read<T: DeserializeOwned>(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        most: usize,
    ) -> Result<Rows<T>, Failure> {
        let server = self.server.clone();
        let failed = |error: tokio_postgres::Error| refusal::of_statement(&error, &server);
        self.begin().await.map_err(failed)?;
        // Unnamed statements: named ones get lost behind poolers.
        let wrapped = format!("SELECT row_to_json(x)::text FROM (\n{sql}\n) AS x");
        let parameters = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
        let stream = self.connected.client.query_typed_raw(&wrapped, parameters).await.map_err(failed)?;
        let mut stream = pin!(stream);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            let text: &str = row.try_get(0).map_err(failed)?;
            bytes += text.len();
            if rows.len() == most || bytes > MOST_BYTES {
                return Ok(Rows { rows, cut: true });
            }
            let odd = |error| {
                Failure::new(GapKind::Failed, format!("the server answered with an odd row: {error}"))
                    .with_hint("check that it is PostgreSQL 12 or later, not a service that only speaks like it")
            };
            rows.push(serde_json::from_str(text).map_err(odd)?);
        }
        Ok(Rows { rows, cut: false })
    }

    /// Begins a transaction that can only read. The limits are said again here, since a pooler may have kept the
    /// session's options from the server; `SET LOCAL` ends with the transaction and never reaches another client.
    async fn begin(&mut self) -> Result<(), tokio_postgres::Error> {
        let left = self.deadline.saturating_duration_since(Instant::now()).min(self.server.timeout);
        let milliseconds = left.as_millis().clamp(1, 600_000);
        let end = if self.in_transaction { "ROLLBACK; " } else { "" };
        let begin = format!(
            "{end}BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {milliseconds}; \
             SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}; \
             SET LOCAL search_path = pg_catalog",
            milliseconds.min(2_000),
            milliseconds.max(10_000)
        );
        self.in_transaction = true;
        self.connected.client.batch_execute(&begin).await
    }

    /// How the connection is protected.
    pub(super) fn protection(&self) -> Attempt {
        self.connected.protection
    }

    /// The server that it is with.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// How many statements were sent.
    pub(super) fn statements(&self) -> u64 {
        self.statements
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closes the connection: the server ends the transaction, and stops a statement at its time limit.
        self.connected.driver.abort();
    }
}

/// Waits until no other session of this program is with the same server as the same user: a server that is short of
/// connections loses one to us, not seven.
async fn turn(server: &Server, deadline: Instant) -> Result<OwnedSemaphorePermit, Failure> {
    type Key = (String, u16, String, String);
    static TURNS: LazyLock<Mutex<HashMap<Key, Weak<Semaphore>>>> = LazyLock::new(Mutex::default);
    let key = (server.host.clone(), server.port, server.database.clone(), server.user.clone());
    let turns = {
        let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
            turn
        } else {
            let turn = Arc::new(Semaphore::new(1));
            turns.insert(key, Arc::downgrade(&turn));
            turn
        }
    };
    let late = |_| Failure::new(GapKind::Deadline, "earlier questions to this server took all the time");
    match tokio::time::timeout_at(deadline.into(), turns.acquire_owned()).await.map_err(late)? {
        Ok(turn) => Ok(turn),
        // It is never closed.
        Err(_) => Err(Failure::new(GapKind::Failed, "the queue for this server is closed")),
    }
}
