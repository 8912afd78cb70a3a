//! The query `statements`: which statements take the time (PostgreSQL documentation, "pg_stat_statements").
//!
//! The extension itself leaves values out of the texts; what it does not normalise (utility statements) is masked here.

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Series};
use opensre_model::window::Window;
use serde::Deserialize;

use super::asked::{Asked, MOST_TEXT, counted, cut};
use super::mask::mask;
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const NAME: &str = "statements";

/// Where the extension is; its columns have other names since PostgreSQL 13 (version 1.8).
const EXTENSION: &str = "
SELECT format('%I.pg_stat_statements', n.nspname) AS relation, e.extversion AS version,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all, clock_timestamp() AS now
  FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
 WHERE e.extname = 'pg_stat_statements'";

#[derive(Deserialize)]
struct Extension {
    relation: String,
    version: String,
    sees_all: bool,
    now: Timestamp,
}

/// One statement, as counted since the extension was reset.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Statement {
    /// Its id; none for those of others that may not be seen.
    pub id: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Database.
    pub database: Option<String>,
    /// Its text.
    pub query: Option<String>,
    /// How often it ran.
    pub calls: u64,
    /// How long it ran in all, in milliseconds.
    pub total_ms: f64,
    /// How long it ran on average, in milliseconds.
    pub mean_ms: f64,
    /// Rows in all.
    pub rows: u64,
}

/// By what statements are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Time in all.
    Total,
    /// Time per call.
    Mean,
}

pub(super) async fn run(access: &Access, window: Window) -> Answer {
    let mut asked = match Asked::of(access, NAME, window).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let ended = gather(&mut asked).await;
    asked.done(ended)
}

async fn gather(asked: &mut Asked<'_>) -> Result<(), Failure> {
    let absent = || {
        Failure::new(GapKind::NotRelevant, "pg_stat_statements is not there in this database")
            .with_hint("add it to shared_preload_libraries, restart, and CREATE EXTENSION pg_stat_statements")
    };
    let found = asked.session.rows::<Extension>(EXTENSION, &[], 1).await?;
    let extension = found.rows.into_iter().next().ok_or_else(absent)?;
    let most = asked.most();
    for order in [Order::Total, Order::Mean] {
        let sql = sql(&extension.relation, &extension.version, order);
        let found = asked.list::<Statement>(&sql).await?;
        let data = order.evidence(&found.rows, extension.now);
        asked.found(&sql, order.in_words(&found.rows), cut("statements", most, found.cut), data);
    }
    asked.sees(extension.sees_all, "statements of other users show no text");
    Ok(())
}

/// The statement that asks. `relation` was quoted by the server.
pub fn sql(relation: &str, version: &str, order: Order) -> String {
    let time = if is_at_least_1_8(version) { "exec_time" } else { "time" };
    let sorted = match order {
        Order::Total => format!("total_{time}"),
        Order::Mean => format!("mean_{time}"),
    };
    format!(
        "
SELECT s.queryid::text AS id, r.rolname AS user, d.datname AS database, left(s.query, 2000) AS query, s.calls,
       s.total_{time} AS total_ms, s.mean_{time} AS mean_ms, s.rows
  FROM {relation} AS s
  LEFT JOIN pg_roles AS r ON r.oid = s.userid
  LEFT JOIN pg_database AS d ON d.oid = s.dbid
 WHERE s.calls > 0
 ORDER BY s.{sorted} DESC
 LIMIT least($1, 20)"
    )
}

fn is_at_least_1_8(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, 8)
}

impl Order {
    fn in_words(self, statements: &[Statement]) -> String {
        let by = match self {
            Self::Total => "time in all",
            Self::Mean => "time per call",
        };
        let first = statements.first().map(|first| {
            let Statement { calls, total_ms, mean_ms, .. } = first;
            format!("; the first took {:.1} s in {calls} calls, {mean_ms:.1} ms each", total_ms / 1000.0)
        });
        let count = counted(statements.len(), "statement");
        format!("{count} with the most {by} since the counters were reset{}", first.unwrap_or_default())
    }

    /// One number per statement: what the server counted up to now, not what happened in the window.
    pub fn evidence(self, statements: &[Statement], now: Timestamp) -> EvidenceData {
        let (meaning, unit) = match self {
            Self::Total => (Meaning::Other, "seconds"),
            Self::Mean => (Meaning::Latency, "milliseconds"),
        };
        let mut series: Vec<Series> = statements
            .iter()
            .map(|statement| {
                let value = match self {
                    Self::Total => statement.total_ms / 1000.0,
                    Self::Mean => statement.mean_ms,
                };
                Series { labels: statement.labels(), points: vec![(now, value)] }
            })
            .filter(|series| series.points.iter().all(|(_, value)| value.is_finite()))
            .collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        EvidenceData::Metrics { meaning, unit: Some(unit.to_owned()), threshold: None, series }
    }
}

impl Statement {
    fn labels(&self) -> opensre_model::alert::Labels {
        [
            ("id", self.id.clone()),
            ("user", self.user.clone()),
            ("database", self.database.clone()),
            ("statement", self.query.as_deref().map(|query| mask(query, MOST_TEXT))),
            ("calls", Some(self.calls.to_string())),
            ("rows", Some(self.rows.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}
