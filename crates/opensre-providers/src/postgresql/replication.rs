//! The query `replication`: standbys and slots of a primary, receiver and delay of a standby (PostgreSQL
//! documentation, "Log-Shipping Standby Servers", `pg_stat_replication`, `pg_replication_slots`,
//! `pg_stat_wal_receiver`).

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;
use serde::Deserialize;

use super::asked::{Asked, counted, lasting, size, state};
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const NAME: &str = "replication";

/// How late a standby may be, in seconds.
const LATE: f64 = 30.0;

/// How much an inactive slot may keep from being removed, in bytes.
const MUCH: f64 = 1024.0 * 1024.0 * 1024.0;

const SQL: &str = "
SELECT clock_timestamp() AS now, pg_is_in_recovery() AS in_recovery,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn() END AS behind,
       CASE WHEN pg_is_in_recovery()
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END AS last_replayed_ago,
       (SELECT coalesce(json_agg(r), '[]') FROM (
          SELECT application_name AS name, client_addr::text AS address, state, sync_state,
                 pg_wal_lsn_diff(p.position, replay_lsn)::float8 AS lag_bytes,
                 extract(epoch FROM replay_lag)::float8 AS lag_seconds
            FROM pg_stat_replication ORDER BY 5 DESC NULLS LAST, 1 LIMIT 50) AS r) AS standbys,
       (SELECT coalesce(json_agg(s), '[]') FROM (
          SELECT slot_name AS name, slot_type AS kind, active, to_jsonb(l) ->> 'wal_status' AS wal_status,
                 pg_wal_lsn_diff(p.position, restart_lsn)::float8 AS kept_bytes
            FROM pg_replication_slots AS l ORDER BY 5 DESC NULLS LAST, 1 LIMIT 50) AS s) AS slots,
       (SELECT status FROM pg_stat_wal_receiver LIMIT 1) AS receiver,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS receives
  FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                    ELSE pg_current_wal_lsn() END AS position) AS p";

/// What the server says about its replication.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Replication {
    /// The server's clock.
    pub now: Timestamp,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// Whether standbys can be seen into.
    pub sees_all: bool,
    /// Of a standby: whether it received what it has not replayed.
    pub behind: Option<bool>,
    /// Of a standby: seconds since the last transaction that it replayed.
    pub last_replayed_ago: Option<f64>,
    /// The standbys that are connected to it.
    pub standbys: Vec<Standby>,
    /// Its slots.
    pub slots: Vec<Slot>,
    /// Of a standby: the state of its receiver.
    pub receiver: Option<String>,
    /// Of a standby: whether it has a receiver.
    pub receives: bool,
}

/// A standby (or another consumer), as its primary sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Standby {
    /// What it calls itself.
    pub name: String,
    /// Its address.
    pub address: Option<String>,
    /// `streaming`, `catchup`, ...
    pub state: Option<String>,
    /// `async`, `sync`, ...
    pub sync_state: Option<String>,
    /// How far it is behind, in bytes.
    pub lag_bytes: Option<f64>,
    /// How far it is behind, in seconds; none while nothing is written.
    pub lag_seconds: Option<f64>,
}

/// A replication slot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// Whether somebody reads it.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`; none before PostgreSQL 13.
    pub wal_status: Option<String>,
    /// How much it keeps from being removed, in bytes.
    pub kept_bytes: Option<f64>,
}

pub(super) async fn run(access: &Access, window: Window) -> Answer {
    let mut asked = match Asked::of(access, NAME, window).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let ended = async {
        let found: Replication = asked.session.row(SQL).await?;
        let states = found.states(&asked.session.server().to_string());
        asked.found(SQL, found.in_words(), None, EvidenceData::States { states });
        asked.sees(found.sees_all, "how far standbys are behind is not shown to this user");
        Ok::<_, Failure>(())
    }
    .await;
    asked.done(ended)
}

impl Replication {
    /// How late a standby is: nothing if it replayed all that it received from a primary that it is connected to.
    pub fn delay(&self) -> Option<f64> {
        match (self.in_recovery, self.behind, self.receives) {
            (false, ..) => None,
            (true, Some(false), true) => Some(0.0),
            _ => self.last_replayed_ago,
        }
    }

    fn in_words(&self) -> String {
        if self.in_recovery {
            let delay = match self.delay() {
                Some(delay) if delay > 0.0 => format!("{} behind", lasting(delay)),
                Some(_) => "not behind".to_owned(),
                None => "without a transaction replayed so far".to_owned(),
            };
            let receiver = if self.receives { "receives from its primary" } else { "has no connection to its primary" };
            return format!("a standby that {receiver}, {delay}");
        }
        format!(
            "a primary with {} and {}",
            counted(self.standbys.len(), "standby connection"),
            counted(self.slots.len(), "slot")
        )
    }

    /// The server itself if it is a standby, its standbys, its slots.
    pub fn states(&self, server: &str) -> Vec<ResourceState> {
        let mut states = Vec::new();
        if self.in_recovery {
            states.push(self.own_state(server));
        }
        states.extend(self.standbys.iter().map(|standby| standby.state(self.now)));
        states.extend(self.slots.iter().map(|slot| slot.state(self.now)));
        states
    }

    fn own_state(&self, server: &str) -> ResourceState {
        let late = self.delay().filter(|delay| *delay >= LATE);
        let trouble = match (self.receives, late) {
            (false, _) => Some("the standby does not receive from its primary".to_owned()),
            (true, Some(delay)) => Some(format!("the standby is {} behind", lasting(delay))),
            (true, None) => None,
        };
        state(
            "standby",
            server,
            self.now,
            Some(trouble.is_none()),
            [
                ("trouble", trouble),
                ("receiver", self.receiver.clone()),
                ("delay", self.delay().map(lasting)),
                ("last transaction replayed", self.last_replayed_ago.map(|ago| format!("{} ago", lasting(ago)))),
            ],
        )
    }
}

impl Standby {
    /// The standby as evidence.
    pub fn state(&self, now: Timestamp) -> ResourceState {
        let late =
            self.lag_seconds.filter(|lag| *lag >= LATE).map(|lag| format!("the standby is {} behind", lasting(lag)));
        let healthy = self.state.as_ref().map(|state| late.is_none() && state == "streaming");
        state(
            "replication",
            &self.name,
            now,
            healthy,
            [
                ("trouble", late),
                ("address", self.address.clone()),
                ("state", self.state.clone()),
                ("mode", self.sync_state.clone()),
                ("lag", self.lag_bytes.map(size)),
                ("lag in time", self.lag_seconds.map(lasting)),
            ],
        )
    }
}

impl Slot {
    /// The slot as evidence: one that nobody reads keeps files until the disk is full.
    pub fn state(&self, now: Timestamp) -> ResourceState {
        let kept = self.kept_bytes.unwrap_or(0.0);
        let trouble = match self.wal_status.as_deref() {
            Some("lost") => Some("the slot is lost: its reader has to be set up anew".to_owned()),
            Some("unreserved") => Some("the slot is about to be lost".to_owned()),
            _ if !self.active && kept >= MUCH => {
                Some(format!("nobody reads the slot, which keeps {} of WAL", size(kept)))
            }
            _ => None,
        };
        state(
            "replication slot",
            &self.name,
            now,
            Some(trouble.is_none()),
            [
                ("trouble", trouble),
                ("kind", Some(self.kind.clone())),
                ("read", Some(if self.active { "yes" } else { "no" }.to_owned())),
                ("wal status", self.wal_status.clone()),
                ("keeps", self.kept_bytes.map(size)),
            ],
        )
    }
}
