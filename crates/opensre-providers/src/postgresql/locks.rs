//! The query `locks`: who blocks whom (PostgreSQL documentation, "System Information Functions", `pg_blocking_pids`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;
use serde::Deserialize;

use super::activity::SessionRow;
use super::asked::{Asked, BOUNDS, counted, cut, lasting, state};
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const NAME: &str = "locks";

/// How long a session may wait for a lock, in seconds, before that is a sign of trouble.
const TOO_LONG: f64 = 5.0;

/// Most blocked sessions that are named with one that blocks them.
const MOST_NAMED: usize = 5;

const CLOCK: &str = "
SELECT clock_timestamp() AS now, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all";

const LOCKS: &str = "
WITH waiting AS MATERIALIZED (
  SELECT w.pid, pg_blocking_pids(w.pid) AS blockers
    FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted ORDER BY pid LIMIT $1) AS w),
involved AS (
  SELECT pid FROM waiting UNION SELECT unnest(blockers) FROM waiting)
SELECT i.pid, coalesce(w.blockers, '{}') AS blockers, l.lock, l.wait_seconds,
       a.usename AS user, a.datname AS database, a.application_name, a.client_addr::text AS address, a.backend_type,
       a.state, a.wait_event_type || '/' || a.wait_event AS waits_for,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       left(a.query, 2000) AS query
  FROM involved AS i
  LEFT JOIN waiting AS w ON w.pid = i.pid
  LEFT JOIN pg_stat_activity AS a ON a.pid = i.pid
  LEFT JOIN LATERAL (
    SELECT p.mode || ' on ' || coalesce(p.relation::regclass::text, 'a ' || p.locktype) AS lock,
           extract(epoch FROM clock_timestamp()
             - coalesce((to_jsonb(p) ->> 'waitstart')::timestamptz, a.state_change))::float8 AS wait_seconds
      FROM pg_locks AS p WHERE p.pid = i.pid AND NOT p.granted LIMIT 1) AS l ON true
 ORDER BY i.pid";

#[derive(Deserialize)]
struct Clock {
    now: Timestamp,
    sees_all: bool,
}

/// A session that waits for a lock, or that another waits for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Involved {
    /// The session.
    #[serde(flatten)]
    pub session: SessionRow,
    /// Process ids of those that it waits for; 0 is a prepared transaction.
    pub blockers: Vec<i64>,
    /// The lock that it waits for (`AccessExclusiveLock on public.orders`).
    pub lock: Option<String>,
    /// How long it waits.
    pub wait_seconds: Option<f64>,
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
    let clock: Clock = asked.session.row(CLOCK).await?;
    // A long queue has one head: all of it is read, and what is kept is bounded afterwards.
    let limit = i64::try_from(BOUNDS.rows).unwrap_or(i64::MAX);
    let parameters: [super::session::Parameter<'_>; 1] = [(&limit, tokio_postgres::types::Type::INT8)];
    let involved = asked.session.rows::<Involved>(LOCKS, &parameters, 2 * BOUNDS.rows).await?;
    let most = asked.most();
    let (mut states, summary) = tree(&involved.rows, clock.now);
    let more = states.len() > most || involved.cut;
    states.truncate(most);
    asked.found(LOCKS, summary, cut("sessions", most, more), EvidenceData::States { states });
    asked.sees(clock.sees_all, "who blocks whom is known, what sessions of other users do is not");
    Ok(())
}

/// Those that block others, the worst first, then those that wait, the longest first; and all of it in one line.
pub fn tree(involved: &[Involved], now: Timestamp) -> (Vec<ResourceState>, String) {
    let by_pid: BTreeMap<i64, &Involved> = involved.iter().map(|one| (one.session.pid, one)).collect();
    let mut blocked_by: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for one in involved {
        for blocker in &one.blockers {
            blocked_by.entry(*blocker).or_default().insert(one.session.pid);
        }
    }
    let mut waiting: Vec<&Involved> = involved.iter().filter(|one| !one.blockers.is_empty()).collect();
    waiting.sort_by(|a, b| waited(b).total_cmp(&waited(a)).then(a.session.pid.cmp(&b.session.pid)));
    if waiting.is_empty() {
        return (Vec::new(), "no session waits for a lock".to_owned());
    }
    let mut heads: Vec<Head<'_>> = heads(&by_pid, &blocked_by);
    heads.sort_by(|a, b| b.behind.len().cmp(&a.behind.len()).then(a.pid.cmp(&b.pid)));
    let longest = waiting.first().map_or(0.0, |one| waited(one));
    let first = heads.first().map(|head| format!("; {} {}", head.name(), head.blocks())).unwrap_or_default();
    let summary = format!(
        "{} for locks, the longest for {}{first}",
        if waiting.len() == 1 { "1 session waits".to_owned() } else { format!("{} sessions wait", waiting.len()) },
        lasting(longest)
    );
    let mut states: Vec<ResourceState> = heads.iter().map(|head| head.state(now)).collect();
    states.extend(waiting.iter().map(|one| one.state(now)));
    (states, summary)
}

/// A session that blocks others and waits for none (or is the first of a ring).
struct Head<'a> {
    pid: i64,
    session: Option<&'a SessionRow>,
    directly: usize,
    behind: Vec<&'a Involved>,
}

fn heads<'a>(by_pid: &BTreeMap<i64, &'a Involved>, blocked_by: &BTreeMap<i64, BTreeSet<i64>>) -> Vec<Head<'a>> {
    let waits = |pid: &i64| by_pid.get(pid).is_some_and(|one| !one.blockers.is_empty());
    let mut covered: BTreeSet<i64> = BTreeSet::new();
    let mut heads = Vec::new();
    // Those that wait for none come first; what is left then stands in a ring, which the server will break soon.
    let (free, ring): (Vec<i64>, Vec<i64>) = blocked_by.keys().partition(|pid| !waits(pid));
    for pid in free.into_iter().chain(ring) {
        if covered.contains(&pid) {
            continue;
        }
        let mut behind: BTreeSet<i64> = BTreeSet::new();
        let mut next = vec![pid];
        while let Some(at) = next.pop() {
            for blocked in blocked_by.get(&at).into_iter().flatten() {
                if *blocked != pid && behind.insert(*blocked) {
                    next.push(*blocked);
                }
            }
        }
        covered.insert(pid);
        covered.extend(&behind);
        heads.push(Head {
            pid,
            session: by_pid.get(&pid).map(|one| &one.session),
            directly: blocked_by.get(&pid).map_or(0, BTreeSet::len),
            behind: behind.iter().filter_map(|pid| by_pid.get(pid).copied()).collect(),
        });
    }
    heads
}

impl Head<'_> {
    fn name(&self) -> String {
        if self.pid == 0 { "a prepared transaction".to_owned() } else { format!("session {}", self.pid) }
    }

    fn blocks(&self) -> String {
        format!("blocks {}", counted(self.behind.len(), "session"))
    }

    fn state(&self, now: Timestamp) -> ResourceState {
        let longest = self.behind.iter().map(|one| waited(one)).fold(0.0, f64::max);
        let mut behind: Vec<&&Involved> = self.behind.iter().collect();
        behind.sort_by(|a, b| waited(b).total_cmp(&waited(a)).then(a.session.pid.cmp(&b.session.pid)));
        let locks: BTreeSet<&str> = behind.iter().filter_map(|one| one.lock.as_deref()).collect();
        let locks: Vec<&str> = locks.into_iter().take(MOST_NAMED).collect();
        let named: Vec<String> = behind.iter().take(MOST_NAMED).map(|one| one.in_short()).collect();
        let doing = self.session.and_then(SessionRow::doing);
        let blocks = match doing {
            Some(doing) => format!("{doing}, {}", self.blocks()),
            None => self.blocks(),
        };
        let trouble = format!(
            "{} could not obtain locks for up to {}: {}",
            counted(self.behind.len(), "session"),
            lasting(longest),
            locks.join(", ")
        );
        let own = self.session.map(SessionRow::attributes).into_iter().flatten();
        let more = [
            ("blocks", Some(blocks)),
            ("directly", Some(counted(self.directly, "session"))),
            ("trouble", (longest >= TOO_LONG).then_some(trouble)),
            ("blocked", Some(named.join(", "))),
        ];
        state("blocking session", self.name(), now, Some(longest < TOO_LONG), own.chain(more))
    }
}

impl Involved {
    fn in_short(&self) -> String {
        let client = self.session.application_name.as_deref().filter(|name| !name.is_empty());
        let client = client.map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{client} for {}", self.session.pid, lasting(waited(self)))
    }

    fn state(&self, now: Timestamp) -> ResourceState {
        let waited = waited(self);
        let blockers: Vec<String> = self.blockers.iter().map(ToString::to_string).collect();
        let lock = self.lock.clone().unwrap_or_else(|| "a lock".to_owned());
        let trouble = format!("could not obtain lock for {}: {lock}", lasting(waited));
        // What the client calls itself is, as a rule, the service's name: it tells whom this hurts.
        let application = self.session.application_name.clone().filter(|name| names_a_service(name));
        let more = [
            ("application", application),
            ("trouble", (waited >= TOO_LONG).then_some(trouble)),
            ("lock", Some(lock)),
            ("blocked by", Some(blockers.join(", "))),
        ];
        let name = format!("session {}", self.session.pid);
        state("waiting session", name, now, Some(waited < TOO_LONG), self.session.attributes().into_iter().chain(more))
    }
}

fn waited(one: &Involved) -> f64 {
    one.wait_seconds.unwrap_or(0.0).max(0.0)
}

/// Whether an application name is more than that of a driver or a console.
fn names_a_service(name: &str) -> bool {
    const TOOLS: &[&str] =
        &["psql", "pgadmin", "jdbc", "npgsql", "dbeaver", "pgbench", "pg_dump", "datagrip", "psycopg", "opensre"];
    let lower = name.to_lowercase();
    !name.is_empty() && !TOOLS.iter().any(|tool| lower.contains(tool))
}
