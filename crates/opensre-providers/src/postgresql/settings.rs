//! The query `settings`: what the server is allowed to use (PostgreSQL documentation, "Server Configuration").

use jiff::Timestamp;
use opensre_model::evidence::EvidenceData;
use opensre_model::window::Window;
use serde::Deserialize;

use super::asked::{Asked, BOUNDS, counted, cut, state};
use super::session::Parameter;
use crate::access::Access;
use crate::driver::Answer;
use crate::failure::Failure;

pub(super) const NAME: &str = "settings";

/// The settings that limit something, or that decide how long something goes on.
const LIMITS: &[&str] = &[
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "shared_buffers",
    "work_mem",
    "maintenance_work_mem",
    "temp_file_limit",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "deadlock_timeout",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_worker_processes",
    "max_parallel_workers",
    "autovacuum",
    "autovacuum_max_workers",
    "autovacuum_freeze_max_age",
    "max_wal_size",
    "max_wal_senders",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "wal_keep_size",
    "max_standby_streaming_delay",
    "hot_standby_feedback",
    "synchronous_standby_names",
];

/// `reset_val` is what other sessions get; `setting` would be what this one asked for itself.
const SQL: &str = "
SELECT clock_timestamp() AS now, name, reset_val AS value, unit, source, pending_restart
  FROM pg_settings WHERE name = ANY($1) ORDER BY name";

/// One setting.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Setting {
    /// The server's clock.
    pub now: Timestamp,
    /// Name.
    pub name: String,
    /// Value, in its unit.
    pub value: Option<String>,
    /// Unit (`8kB`, `ms`).
    pub unit: Option<String>,
    /// Where it was set.
    pub source: Option<String>,
    /// Whether another value waits for a restart.
    pub pending_restart: bool,
}

pub(super) async fn run(access: &Access, window: Window) -> Answer {
    let mut asked = match Asked::of(access, NAME, window).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let ended = async {
        let parameters: [Parameter<'_>; 1] = [(&LIMITS, tokio_postgres::types::Type::TEXT_ARRAY)];
        let found = asked.session.rows::<Setting>(SQL, &parameters, BOUNDS.rows).await?;
        let waiting = found.rows.iter().filter(|setting| setting.pending_restart).count();
        let waiting = if waiting > 0 { format!("; {waiting} wait for a restart") } else { String::new() };
        let summary = format!("{}{waiting}", counted(found.rows.len(), "setting"));
        let states = found.rows.iter().map(Setting::state).collect();
        asked.found(SQL, summary, cut("settings", BOUNDS.rows, found.cut), EvidenceData::States { states });
        Ok::<_, Failure>(())
    }
    .await;
    asked.done(ended)
}

impl Setting {
    /// The setting as evidence.
    pub fn state(&self) -> opensre_model::evidence::ResourceState {
        state(
            "setting",
            &self.name,
            self.now,
            None,
            [
                ("value", self.value.clone()),
                ("unit", self.unit.clone()),
                ("source", self.source.clone()),
                ("restart", self.pending_restart.then(|| "another value waits for one".to_owned())),
            ],
        )
    }
}
