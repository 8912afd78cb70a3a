//! PostgreSQL: activity, locks, replication, statistics, settings.
//!
//! `ssl_mode` has the words and meanings of libpq. Sessions are read-only, with time limits for statements and locks,
//! and an instance has at most one of them at a time. Statements are constants; what varies is a parameter. Nothing of
//! an alert goes into them: a database is asked as a whole, whatever the alert says.
//!
//! Client: `tokio-postgres`, with TLS, name resolution and time limits of our own. (`sqlx` 0.9 reads `PGPASSWORD`,
//! `PGOPTIONS` and the like, which would send one instance's secret to another's server; takes `allow` for `disable`;
//! and adds a CA bundle to the public authorities instead of replacing them.)
//!
//! Wire formats: rows arrive as JSON objects made by the server (`row_to_json`), so that reading them is a pure function
//! of a text, and what a version lacks is null rather than an error.

pub mod activity;
pub mod declaration;
pub mod locks;
pub mod mask;
pub mod replication;
pub mod session;
pub mod settings;
pub mod ssl_mode;
pub mod statements;
pub mod statistics;

mod asked;
mod connect;
mod probe;
mod refusal;
mod server;
mod tls;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::alert::Alert;
use opensre_model::window::Window;

use crate::access::Access;
use crate::driver::{Answer, Input, Provider, Query, Relevance};

pub use asked::{lasting, size};

/// PostgreSQL.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe::probe),
    identity: &["user", "database", "role", "cluster", "system_identifier", "version"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

type Run = for<'a> fn(&'a Access, &'a Input, Window) -> BoxFuture<'a, Answer>;

const QUERIES: &[Query] = &[
    query(
        activity::NAME,
        "connections against their limit, what sessions wait for, and the longest transactions",
        |access, _, window| activity::run(access, window).boxed(),
    ),
    query(locks::NAME, "which sessions block which others, since when, and what they do", |access, _, window| {
        locks::run(access, window).boxed()
    }),
    query(
        statistics::DATABASES,
        "per database: connections, commits, rollbacks, deadlocks, temporary files, cache hits, age of transaction ids",
        |access, _, window| statistics::databases(access, window).boxed(),
    ),
    query(
        statistics::TABLES,
        "the tables with the most dead rows: vacuum, analyze, scans, age of transaction ids",
        |access, _, window| statistics::tables(access, window).boxed(),
    ),
    query(
        replication::NAME,
        "standbys and slots of a primary and how far they are behind; receiver and delay of a standby",
        |access, _, window| replication::run(access, window).boxed(),
    ),
    query(
        statements::NAME,
        "the statements that took most time in all and per call, where pg_stat_statements is there",
        |access, _, window| statements::run(access, window).boxed(),
    ),
    query(settings::NAME, "the settings that limit connections, memory, time and replication", |access, _, window| {
        settings::run(access, window).boxed()
    }),
];

const fn query(name: &'static str, summary: &'static str, run: Run) -> Query {
    Query { name, summary, input: &[], bounds: asked::BOUNDS, relevance, run }
}

/// Every alert: a database that an alert leads to is worth a look whatever the alert says, and nothing of the alert
/// would narrow it.
fn relevance(_: &Alert) -> Relevance {
    Relevance::Ask(vec![Input::default()])
}
