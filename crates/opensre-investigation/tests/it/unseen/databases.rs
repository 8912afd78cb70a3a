//! Incidents of PostgreSQL, seen from inside.

use opensre_model::evidence::{EvidenceData, Meaning};
use opensre_model::report::Category::{self, CodeDefect, Infrastructure, ResourceExhaustion};
use opensre_providers::postgresql::activity::{Overview, SessionRow};
use opensre_providers::postgresql::locks::{Involved, tree};
use opensre_providers::postgresql::replication::Replication;
use serde_json::json;

use super::peers::{alert, state};
use super::{Incident, wanted};
use crate::world::{World, labels};

const RESOURCE: &[Category] = &[ResourceExhaustion];

pub(super) const INCIDENTS: &[Incident] = &[
    ("lock chain behind a service", lock_chain, wanted(&[CodeDefect], &["session 4711", "orders"])),
    ("lock chain of the database itself", own_lock_chain, wanted(&[CodeDefect], &["session 4711"])),
    ("connections of the server used up", connections, wanted(RESOURCE, &["connection"])),
    ("idle in transaction", idle, wanted(&[CodeDefect], &["session 911", "idle in transaction"])),
    ("standby far behind", lag, wanted(&[Infrastructure, ResourceExhaustion], &["standby", "behind"])),
    ("slot keeps files", slot, wanted(RESOURCE, &["disk", "analytics_slot"])),
    ("another service's lock", unrelated_lock, wanted(&[Category::DependencyFailure], &["fraud"])),
];

fn session(pid: i64, app: &str, state: &str, seconds: f64, query: &str) -> serde_json::Value {
    json!({"pid": pid, "user": "app", "database": "shop", "application_name": app, "address": "10.2.3.4",
        "backend_type": "client backend", "state": state, "waits_for": null, "transaction_seconds": seconds,
        "state_seconds": seconds, "query": query})
}

fn involved(pid: i64, app: &str, state: &str, blockers: &[i64], seconds: f64, query: &str) -> Involved {
    let mut one = session(pid, app, state, seconds, query);
    one["blockers"] = json!(blockers);
    one["lock"] = if blockers.is_empty() { json!(null) } else { json!("ShareLock on public.orders") };
    one["wait_seconds"] = if blockers.is_empty() { json!(null) } else { json!(seconds) };
    serde_json::from_value(one).expect("a row")
}

fn chain(world: &mut World, app: &str) {
    let rows = [
        involved(
            4711,
            "nightly-import",
            "idle in transaction",
            &[],
            1900.0,
            "UPDATE orders SET total = 3 WHERE id = 7",
        ),
        involved(4801, app, "active", &[4711], 1700.0, "UPDATE orders SET paid = true WHERE id = 7"),
        involved(4802, app, "active", &[4801], 1650.0, "SELECT * FROM orders WHERE id = 7 FOR UPDATE"),
    ];
    let (states, _) = tree(&rows, world.seen());
    world.states_of("postgresql", "locks", states);
}

fn overview(world: &mut World, clients: u32) {
    let row = json!({"now": world.seen().to_string(), "sees_all": true, "max_connections": 100, "reserved": 3, "backends": clients,
        "clients": clients, "active": 20, "idle": clients - 20, "idle_in_transaction": 0,
        "waits": [{"name": "Client/ClientRead", "sessions": 60}],
        "clients_by_name": [{"name": "checkout", "sessions": clients - 10}, {"name": "billing", "sessions": 10}]});
    let overview: Overview = serde_json::from_value(row).expect("a row");
    let points = vec![(overview.now, overview.use_ratio())];
    let series = vec![opensre_model::evidence::Series { labels: labels(&[("server", "db:5432")]), points }];
    let data =
        EvidenceData::Metrics { meaning: Meaning::Pool, unit: Some("ratio".to_owned()), threshold: None, series };
    world.answer("postgresql", "activity", "SELECT clock_timestamp() AS now", data);
    world.states_of("postgresql", "activity", vec![overview.state("db:5432")]);
}

fn slow(world: &mut World) {
    let points = world.step(0.1, 12.0, -4, None);
    world.series(
        "histogram_quantile(0.99, ...)",
        Meaning::Latency,
        Some("seconds"),
        &[("service", "checkout")],
        points,
    );
}

fn lock_chain() -> World {
    let mut world = alert("CheckoutLatencyHigh", &[("service", "checkout"), ("namespace", "shop")], "");
    slow(&mut world);
    chain(&mut world, "checkout");
    overview(&mut world, 40);
    world
}

fn own_lock_chain() -> World {
    let mut world = alert(
        "PostgresLocks",
        &[("service", "postgres"), ("instance", "db:5432"), ("datname", "shop")],
        "sessions wait for locks",
    );
    chain(&mut world, "checkout");
    world
}

fn connections() -> World {
    let mut world = alert("HighErrorRate", &[("service", "checkout"), ("namespace", "shop")], "");
    let points = world.step(0.002, 0.4, 0, None);
    world.series("share of failed requests", Meaning::Errors, Some("ratio"), &[("service", "checkout")], points);
    overview(&mut world, 97);
    world
}

fn idle() -> World {
    let mut world = alert(
        "PostgresLongTransaction",
        &[("instance", "db:5432"), ("datname", "shop"), ("job", "postgres")],
        "a transaction is open for more than 30 min",
    );
    let rows = [
        session(911, "report-builder", "idle in transaction", 5400.0, "SELECT * FROM invoices WHERE id = 1"),
        session(77, "checkout", "active", 0.2, "SELECT 1"),
    ];
    let now = world.seen();
    let states =
        rows.into_iter().map(|row| serde_json::from_value::<SessionRow>(row).expect("a row").state(now)).collect();
    world.states_of("postgresql", "activity", states);
    overview(&mut world, 40);
    world
}

fn lag() -> World {
    let mut world = alert("PostgresReplicationLag", &[("instance", "db-replica:5432"), ("job", "postgres")], "");
    let row = json!({"now": world.seen().to_string(), "in_recovery": true, "sees_all": true, "behind": true, "last_replayed_ago": 760.0,
        "standbys": [], "slots": [], "receiver": "streaming", "receives": true});
    let found: Replication = serde_json::from_value(row).expect("a row");
    let states = found.states("db-replica:5432");
    world.states_of("postgresql", "replication", states);
    world
}

fn slot() -> World {
    let mut world = alert("PostgresDiskFull", &[("instance", "db:5432"), ("job", "postgres")], "");
    let row = json!({"now": world.seen().to_string(), "in_recovery": false, "sees_all": true, "behind": null, "last_replayed_ago": null,
        "standbys": [], "slots": [{"name": "analytics_slot", "kind": "logical", "active": false, "wal_status": "extended", "kept_bytes": 128.0e9}],
        "receiver": null, "receives": false});
    let found: Replication = serde_json::from_value(row).expect("a row");
    let states = found.states("db:5432");
    world.states_of("postgresql", "replication", states);
    let points = world.line(0.7, 0.999, (-60, 5));
    world.series(
        "1 - node_filesystem_avail_bytes{} / node_filesystem_size_bytes{}",
        Meaning::Disk,
        Some("ratio"),
        &[("instance", "db:9100"), ("mountpoint", "/var/lib/postgresql")],
        points,
    );
    world.log(
        "loki",
        &[("instance", "db:5432"), ("job", "postgres")],
        &[(
            4,
            28,
            Some("error"),
            "ERROR:  could not extend file \"base/16384/2619\": No space left on device, request {id}",
        )],
    );
    world
}

fn unrelated_lock() -> World {
    let mut world = alert("CheckoutErrors", &[("service", "checkout"), ("namespace", "shop")], "");
    let points = world.step(0.002, 0.4, 0, None);
    world.series("share of failed requests", Meaning::Errors, Some("ratio"), &[("service", "checkout")], points);
    world.log(
        "loki",
        &[("service", "checkout"), ("namespace", "shop")],
        &[(-1, 28, Some("error"), "order {id}: fraud check failed: connect ECONNREFUSED fraud:8080")],
    );
    // An old session of somebody else that hurts nobody here.
    let rows = [session(12, "bi-tool", "idle in transaction", 4000.0, "SELECT 1")];
    let now = world.seen();
    let states =
        rows.into_iter().map(|row| serde_json::from_value::<SessionRow>(row).expect("a row").state(now)).collect();
    world.states_of("postgresql", "activity", states);
    let up = state(&world, "server", "db:5432", Some(true), &[]);
    world.states_of("postgresql", "activity", vec![up]);
    world
}
