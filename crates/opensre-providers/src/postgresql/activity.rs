//! The query `activity`: connections against their limit, what sessions wait for, the longest transactions
//! (PostgreSQL documentation, "The Cumulative Statistics System", `pg_stat_activity`).

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, Meaning, ResourceState, Series};
use opensre_model::window::Window;
use serde::Deserialize;

use super::asked::{Asked, MOST_TEXT, counted, cut, lasting, state};
use super::mask::mask;
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const NAME: &str = "activity";

/// Share of the connections from which on they are as good as gone.
const NEARLY_FULL: f64 = 0.92;

/// How long a transaction may do nothing, in seconds: longer than any program needs to think.
const IDLE_TOO_LONG: f64 = 300.0;

const OVERVIEW: &str = "
SELECT clock_timestamp() AS now,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       (SELECT sum(numbackends) FROM pg_stat_database)::int AS backends,
       count(*) FILTER (WHERE backend_type = 'client backend') AS clients,
       count(*) FILTER (WHERE backend_type = 'client backend' AND state = 'active') AS active,
       count(*) FILTER (WHERE backend_type = 'client backend' AND state = 'idle') AS idle,
       count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
       (SELECT coalesce(json_agg(w), '[]') FROM (
          SELECT wait_event_type || '/' || wait_event AS name, count(*) AS sessions
            FROM pg_stat_activity
           WHERE state = 'active' AND wait_event IS NOT NULL AND pid <> pg_backend_pid()
           GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8) AS w) AS waits,
       (SELECT coalesce(json_agg(c), '[]') FROM (
          SELECT coalesce(nullif(application_name, ''), usename, 'unknown') AS name, count(*) AS sessions
            FROM pg_stat_activity
           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
           GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8) AS c) AS clients_by_name
  FROM pg_stat_activity";

const SESSIONS: &str = "
SELECT pid, usename AS user, datname AS database, application_name, client_addr::text AS address, backend_type, state,
       wait_event_type || '/' || wait_event AS waits_for,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds,
       left(query, 2000) AS query
  FROM pg_stat_activity
 WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'walsender'
 ORDER BY xact_start
 LIMIT $1";

/// What `OVERVIEW` answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Overview {
    /// The server's clock.
    pub now: Timestamp,
    /// Whether other users' sessions can be seen into.
    pub sees_all: bool,
    /// Most connections.
    pub max_connections: u32,
    /// Those of them that are kept for superusers and monitoring.
    pub reserved: u32,
    /// Processes that are connected to a database, as anybody may know.
    pub backends: Option<u32>,
    /// Sessions of clients; only complete where everything can be seen.
    pub clients: u32,
    /// Of these: running a statement.
    pub active: u32,
    /// Of these: waiting for a statement outside of a transaction.
    pub idle: u32,
    /// Waiting for a statement inside of a transaction.
    pub idle_in_transaction: u32,
    /// What active sessions wait for.
    pub waits: Vec<Counted>,
    /// Who the clients are.
    pub clients_by_name: Vec<Counted>,
}

/// How many sessions there are of a name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Counted {
    /// A wait event or application.
    pub name: String,
    /// The number of sessions.
    pub sessions: u32,
}

/// One session, as in `pg_stat_activity`; what may not be seen is null.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SessionRow {
    /// Process id; 0 is a prepared transaction.
    pub pid: i64,
    /// User.
    pub user: Option<String>,
    /// Database.
    pub database: Option<String>,
    /// What the client calls itself.
    pub application_name: Option<String>,
    /// Address of the client; none for a Unix socket.
    pub address: Option<String>,
    /// `client backend`, `autovacuum worker`, ...
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, ...
    pub state: Option<String>,
    /// Wait event, type in front (`Lock/transactionid`).
    pub waits_for: Option<String>,
    /// Age of its transaction.
    pub transaction_seconds: Option<f64>,
    /// How long it is in its state.
    pub state_seconds: Option<f64>,
    /// Its last statement.
    pub query: Option<String>,
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
    let overview: Overview = asked.session.row(OVERVIEW).await?;
    let server = asked.session.server().to_string();
    let points = vec![(overview.now, overview.use_ratio())];
    let labels = [("server".to_owned(), server.clone())].into();
    let data = EvidenceData::Metrics {
        meaning: Meaning::Pool,
        unit: Some("ratio".to_owned()),
        threshold: None,
        series: vec![Series { labels, points }],
    };
    let share = format!("{:.0} % of the connections for ordinary users are in use", overview.use_ratio() * 100.0);
    asked.found(OVERVIEW, share, None, data);
    asked.found(OVERVIEW, overview.in_words(), None, EvidenceData::States { states: vec![overview.state(&server)] });
    asked.sees(overview.sees_all, "sessions of other users show neither state nor statement");

    let most = asked.most();
    let sessions = asked.list::<SessionRow>(SESSIONS).await?;
    let states: Vec<ResourceState> = sessions.rows.iter().map(|row| row.state(overview.now)).collect();
    let idle = states.iter().filter(|state| state.healthy == Some(false)).count();
    let oldest = sessions.rows.first().and_then(|row| row.transaction_seconds);
    let summary = match oldest {
        None => "no transaction is open".to_owned(),
        Some(oldest) => {
            let idle =
                if idle > 0 { format!("; {} too long idle in one", counted(idle, "session")) } else { String::new() };
            format!("{} open, the oldest for {}{idle}", counted(states.len(), "transaction"), lasting(oldest))
        }
    };
    asked.found(SESSIONS, summary, cut("oldest transactions", most, sessions.cut), EvidenceData::States { states });
    Ok(())
}

impl Overview {
    /// Connections in use.
    fn connections(&self) -> u32 {
        if self.sees_all { self.clients } else { self.backends.unwrap_or(self.clients) }
    }

    /// Connections that ordinary users can have.
    fn for_all(&self) -> u32 {
        self.max_connections.saturating_sub(self.reserved).max(1)
    }

    /// Share of the connections of ordinary users that is in use.
    pub fn use_ratio(&self) -> f64 {
        f64::from(self.connections()) / f64::from(self.for_all())
    }

    fn in_words(&self) -> String {
        let (used, most) = (self.connections(), self.max_connections);
        let states = if self.sees_all {
            let Self { active, idle, idle_in_transaction, .. } = self;
            format!(": {active} active, {idle} idle, {idle_in_transaction} idle in transaction")
        } else {
            String::new()
        };
        format!("{used} of {most} connections in use, {} reserved{states}", self.reserved)
    }

    /// The state of the server's connections.
    pub fn state(&self, server: &str) -> ResourceState {
        let left = self.for_all().saturating_sub(self.connections());
        let shortage = match self.use_ratio() {
            full if full >= 1.0 => Some("remaining connection slots are reserved".to_owned()),
            high if high >= NEARLY_FULL => {
                Some(format!("max_connections nearly reached: {} left", counted(left as usize, "slot")))
            }
            _ => None,
        };
        let listed = |counts: &[Counted]| {
            let counts: Vec<String> = counts.iter().map(|one| format!("{} {}", one.name, one.sessions)).collect();
            Some(counts.join(", "))
        };
        state(
            "connections",
            server,
            self.now,
            Some(shortage.is_none()),
            [
                ("shortage", shortage),
                ("in use", Some(self.in_words())),
                ("waits", listed(&self.waits)),
                ("clients", listed(&self.clients_by_name)),
            ],
        )
    }
}

impl SessionRow {
    /// What it is doing and since when: `idle in transaction for 42 min`.
    pub fn doing(&self) -> Option<String> {
        let state = self.state.as_deref()?;
        Some(match self.state_seconds {
            Some(seconds) => format!("{state} for {}", lasting(seconds)),
            None => state.to_owned(),
        })
    }

    fn is_idle_in_transaction(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
    }

    /// The session as evidence.
    pub fn state(&self, now: Timestamp) -> ResourceState {
        let idle = self.is_idle_in_transaction() && self.state_seconds.is_some_and(|seconds| seconds >= IDLE_TOO_LONG);
        let mut state = state("session", format!("session {}", self.pid), now, Some(!idle), self.attributes());
        let transaction = self.transaction_seconds.map(|seconds| format!("open for {}", lasting(seconds)));
        state.attributes.extend(transaction.map(|text| ("transaction".to_owned(), text)));
        state
    }

    /// Who it is and what it does.
    pub(super) fn attributes(&self) -> [(&'static str, Option<String>); 8] {
        let other = self.backend_type.clone().filter(|kind| kind != "client backend");
        [
            ("user", self.user.clone()),
            ("database", self.database.clone()),
            ("client", self.application_name.clone()),
            ("address", self.address.clone()),
            ("process", other),
            ("state", self.doing()),
            ("waits for", self.waits_for.clone()),
            ("statement", self.query.as_deref().map(|query| mask(query, MOST_TEXT))),
        ]
    }
}
