//! The probe: logs in, and asks who we are there.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Deserialize;

use super::refusal;
use super::session::Session;
use crate::access::Access;
use crate::driver::Probe;
use crate::failure::Failure;

const IDENTITY: &str = "
SELECT version() AS version, current_setting('server_version') AS server_version, current_user::text AS user,
       current_database()::text AS database, pg_is_in_recovery() AS in_recovery,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
       nullif(current_setting('cluster_name'), '') AS cluster_name,
       current_setting('transaction_read_only') AS read_only";

/// Not everybody may ask for it, and not every service that speaks PostgreSQL has it.
const SYSTEM: &str = "SELECT system_identifier::text AS system_identifier FROM pg_control_system()";

#[derive(Deserialize)]
struct Identity {
    version: String,
    server_version: String,
    user: String,
    database: String,
    in_recovery: bool,
    sees_all: bool,
    cluster_name: Option<String>,
    read_only: String,
}

#[derive(Deserialize)]
struct System {
    system_identifier: String,
}

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

async fn prove(access: &Access) -> Result<Probe, Failure> {
    let mut session = Session::open(access, Duration::from_secs(20)).await?;
    let identity: Identity = session.row(IDENTITY).await?;
    let system: Option<System> = session.row(SYSTEM).await.ok();
    let role = if identity.in_recovery { "standby" } else { "primary" };
    let product = identity.version.split(" on ").next().unwrap_or_default();
    let limited = if identity.sees_all {
        String::new()
    } else {
        format!("; it sees other users' sessions in part only ({})", refusal::grant(&identity.user))
    };
    let detail = format!(
        "{product}, a {role}: logged in to {} as {}, {}, read-only{limited}",
        identity.database,
        identity.user,
        session.protection().in_words()
    );
    if identity.read_only != "on" {
        return Err(Failure::nonsense("the session can write although it was begun to read only"));
    }
    Ok(Probe::passed(detail)
        .with("version", Some(identity.server_version))
        .with("user", Some(identity.user))
        .with("database", Some(identity.database))
        .with("role", Some(role))
        .with("cluster", identity.cluster_name)
        .with("system_identifier", system.map(|system| system.system_identifier)))
}
