//! The queries `databases` and `tables`: what the server counted (PostgreSQL documentation, "The Cumulative Statistics
//! System", `pg_stat_database`, `pg_stat_user_tables`; "Routine Vacuuming").
//!
//! The server counts since its statistics were reset, often years ago: such a count says nothing about the window. It is
//! told as what it is; only what is bad at any time (transaction ids about to run out, checksum failures) counts as
//! not healthy.

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;
use serde::Deserialize;

use super::asked::{Asked, counted, cut, lasting, size, state};
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const DATABASES: &str = "databases";
pub(super) const TABLES: &str = "tables";

/// Age in transactions from which on vacuum leaves everything else aside (`vacuum_failsafe_age`'s default); the server
/// stops taking writes at two thousand million.
const FAILSAFE_AGE: i64 = 1_600_000_000;

const DATABASES_SQL: &str = "
SELECT clock_timestamp() AS now, d.datname AS name, s.numbackends AS backends, d.datconnlimit AS connection_limit,
       s.xact_commit AS commits, s.xact_rollback AS rollbacks, s.blks_read AS blocks_read, s.blks_hit AS blocks_hit,
       s.deadlocks, s.temp_files, s.temp_bytes, s.conflicts,
       (to_jsonb(s) ->> 'checksum_failures')::bigint AS checksum_failures, s.stats_reset,
       age(d.datfrozenxid)::bigint AS transaction_age, mxid_age(d.datminmxid)::bigint AS multixact_age
  FROM pg_database AS d JOIN pg_stat_database AS s ON s.datid = d.oid
 WHERE d.datallowconn
 ORDER BY d.datname = current_database() DESC, s.numbackends DESC, d.datname
 LIMIT $1";

const TABLES_SQL: &str = "
SELECT clock_timestamp() AS now, s.schemaname AS schema, s.relname AS name, s.n_live_tup AS live, s.n_dead_tup AS dead,
       s.seq_scan AS sequential_scans, s.seq_tup_read AS rows_by_sequential_scan, coalesce(s.idx_scan, 0) AS index_scans,
       s.n_mod_since_analyze AS changed_since_analyze,
       extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS vacuumed_ago,
       extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS analyzed_ago,
       age(c.relfrozenxid)::bigint AS transaction_age, c.relpages::bigint * current_setting('block_size')::bigint AS bytes
  FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
 ORDER BY s.n_dead_tup DESC, s.seq_tup_read DESC, s.schemaname, s.relname
 LIMIT $1";

/// One database, as counted since `stats_reset`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Database {
    /// The server's clock.
    pub now: Timestamp,
    /// Name.
    pub name: String,
    /// Processes that are connected to it.
    pub backends: u32,
    /// Most connections to it; -1 is no limit.
    pub connection_limit: i64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions rolled back.
    pub rollbacks: u64,
    /// Blocks read from disk, or from the operating system's cache.
    pub blocks_read: u64,
    /// Blocks found in shared buffers.
    pub blocks_hit: u64,
    /// Deadlocks broken.
    pub deadlocks: u64,
    /// Temporary files written, as `work_mem` did not do.
    pub temp_files: u64,
    /// Their bytes.
    pub temp_bytes: u64,
    /// Queries cancelled on a standby, since replay needed what they read.
    pub conflicts: u64,
    /// Pages whose checksum was wrong; none where checksums are off.
    pub checksum_failures: Option<u64>,
    /// Since when it is counted; `None` is since the database was made.
    pub stats_reset: Option<Timestamp>,
    /// Age of its oldest transaction id.
    pub transaction_age: i64,
    /// Age of its oldest multixact id.
    pub multixact_age: i64,
}

/// One table of the connected database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Table {
    /// The server's clock.
    pub now: Timestamp,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Live rows, estimated.
    pub live: u64,
    /// Dead rows, estimated.
    pub dead: u64,
    /// Scans of the whole table.
    pub sequential_scans: u64,
    /// Rows they read.
    pub rows_by_sequential_scan: u64,
    /// Scans by index.
    pub index_scans: u64,
    /// Rows changed since the planner's statistics were made.
    pub changed_since_analyze: u64,
    /// Seconds since it was vacuumed, if ever.
    pub vacuumed_ago: Option<f64>,
    /// Seconds since it was analyzed, if ever.
    pub analyzed_ago: Option<f64>,
    /// Age of its oldest transaction id.
    pub transaction_age: i64,
    /// Size, by the planner's estimate.
    pub bytes: u64,
}

pub(super) async fn databases(access: &Access, window: Window) -> Answer {
    let mut asked = match Asked::of(access, DATABASES, window).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let ended = async {
        let most = asked.most();
        let found = asked.list::<Database>(DATABASES_SQL).await?;
        let states: Vec<ResourceState> = found.rows.iter().map(Database::state).collect();
        let summary = match found.rows.first() {
            Some(first) => format!("{}; {}", counted(states.len(), "database"), first.in_words()),
            None => "no database".to_owned(),
        };
        asked.found(DATABASES_SQL, summary, cut("databases", most, found.cut), EvidenceData::States { states });
        Ok::<_, Failure>(())
    }
    .await;
    asked.done(ended)
}

pub(super) async fn tables(access: &Access, window: Window) -> Answer {
    let mut asked = match Asked::of(access, TABLES, window).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let ended = async {
        let most = asked.most();
        let found = asked.list::<Table>(TABLES_SQL).await?;
        let states: Vec<ResourceState> = found.rows.iter().map(Table::state).collect();
        let bloated = found.rows.iter().filter(|table| table.is_behind()).count();
        let summary = match (states.len(), bloated) {
            (0, _) => "the database has no tables that this user can see".to_owned(),
            (all, 0) => format!("{}; vacuum keeps up with all", counted(all, "table")),
            (all, some) => format!("{}; vacuum is behind on {some}", counted(all, "table")),
        };
        let cut = cut("tables with the most dead rows", most, found.cut);
        asked.found(TABLES_SQL, summary, cut, EvidenceData::States { states });
        Ok::<_, Failure>(())
    }
    .await;
    asked.done(ended)
}

impl Database {
    /// Share of blocks that were found in shared buffers.
    pub fn cache_hits(&self) -> Option<f64> {
        let all = self.blocks_hit + self.blocks_read;
        (all > 0).then(|| self.blocks_hit as f64 / all as f64)
    }

    fn in_words(&self) -> String {
        let hits = self.cache_hits().map(|share| format!(", {:.1} % of blocks from cache", share * 100.0));
        let Self { name, backends, commits, rollbacks, .. } = self;
        format!("{name}: {backends} connected, {commits} commits, {rollbacks} rollbacks{}", hits.unwrap_or_default())
    }

    /// The database as evidence.
    pub fn state(&self) -> ResourceState {
        let oldest = self.transaction_age.max(self.multixact_age);
        let wraparound = (oldest >= FAILSAFE_AGE)
            .then(|| format!("transaction ids run out in {} transactions", (2_000_000_000_i64 - oldest).max(0)));
        let corrupt = self
            .checksum_failures
            .filter(|count| *count > 0)
            .map(|count| format!("storage fails: {} of pages", counted(count as usize, "checksum failure")));
        let healthy = wraparound.is_none() && corrupt.is_none();
        let since = match self.stats_reset {
            Some(reset) => reset.strftime("since %Y-%m-%d %H:%MZ").to_string(),
            None => "since the database was made".to_owned(),
        };
        let limit = (self.connection_limit >= 0).then(|| self.connection_limit.to_string());
        let temporary = format!("{}, {}", counted(self.temp_files as usize, "file"), size(self.temp_bytes as f64));
        state(
            "database",
            &self.name,
            self.now,
            Some(healthy),
            [
                ("wraparound", wraparound),
                ("corruption", corrupt),
                ("connected", Some(self.backends.to_string())),
                ("connection limit", limit),
                ("counted", Some(since)),
                ("commits", Some(self.commits.to_string())),
                ("rollbacks", Some(self.rollbacks.to_string())),
                // A count since long ago is no sign of trouble and must not read like one where there is another.
                ("deadlocks", healthy.then(|| self.deadlocks.to_string())),
                ("temporary files", Some(temporary)),
                ("recovery conflicts", Some(self.conflicts.to_string())),
                ("blocks from cache", self.cache_hits().map(|share| format!("{:.1} %", share * 100.0))),
                ("transaction age", Some(self.transaction_age.to_string())),
            ],
        )
    }
}

impl Table {
    /// Whether it has more than twice the dead rows at which autovacuum begins by default (50 and a fifth of the live
    /// ones), and enough to matter.
    pub fn is_behind(&self) -> bool {
        self.dead > 10_000 && self.dead as f64 > 2.0 * (50.0 + 0.2 * self.live as f64)
    }

    /// The table as evidence. That vacuum is behind slows things down; it does not make a table fail.
    pub fn state(&self) -> ResourceState {
        let ago = |seconds: Option<f64>| Some(seconds.map_or("never".to_owned(), |s| format!("{} ago", lasting(s))));
        let healthy = if self.transaction_age >= FAILSAFE_AGE {
            Some(false)
        } else if self.is_behind() {
            None
        } else {
            Some(true)
        };
        state(
            "table",
            format!("{}.{}", self.schema, self.name),
            self.now,
            healthy,
            [
                ("rows", Some(format!("{} live, {} dead", self.live, self.dead))),
                ("vacuum", Some(if self.is_behind() { "is behind" } else { "keeps up" }.to_owned())),
                ("vacuumed", ago(self.vacuumed_ago)),
                ("analyzed", ago(self.analyzed_ago)),
                ("changed since analyze", Some(self.changed_since_analyze.to_string())),
                ("sequential scans", Some(format!("{}, {} rows", self.sequential_scans, self.rows_by_sequential_scan))),
                ("index scans", Some(self.index_scans.to_string())),
                ("size", Some(size(self.bytes as f64))),
                ("transaction age", Some(self.transaction_age.to_string())),
            ],
        )
    }
}
