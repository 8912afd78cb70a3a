//! PostgreSQL: what is made of rows, without a server.

use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_providers::postgresql::activity::{Overview, SessionRow};
use opensre_providers::postgresql::locks::{Involved, tree};
use opensre_providers::postgresql::mask::{mask, shorten};
use opensre_providers::postgresql::replication::Replication;
use opensre_providers::postgresql::ssl_mode::{Attempt, Check, SslMode};
use opensre_providers::postgresql::statements::{Order, Statement, sql};
use opensre_providers::postgresql::statistics::{Database, Table};
use opensre_providers::postgresql::{lasting, size};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

/// A row with some of its columns replaced.
fn row<T: DeserializeOwned>(mut row: Json, changes: &Json) -> T {
    row.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(row).unwrap()
}

/// What `row_to_json` makes of a time.
const NOW: &str = "2026-11-24T13:00:00.123456+00:00";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn attribute<'a>(state: &'a ResourceState, name: &str) -> Option<&'a str> {
    state.attributes.get(name).map(String::as_str)
}

#[test]
fn modes_are_those_of_libpq() {
    use Attempt::{Plain, Tls};
    let attempts = |mode: &str, ca_bundle, verify| SslMode::parse(Some(mode)).unwrap().attempts(ca_bundle, verify);
    assert_eq!(attempts("disable", true, true), [Plain]);
    assert_eq!(attempts("allow", false, true), [Plain, Tls(Check::Nothing)]);
    assert_eq!(attempts("prefer", false, true), [Tls(Check::Nothing), Plain]);
    assert_eq!(attempts("prefer", true, true), [Tls(Check::Authority), Plain]);
    assert_eq!(attempts("require", false, true), [Tls(Check::Nothing)]);
    assert_eq!(attempts("require", true, true), [Tls(Check::Authority)]);
    assert_eq!(attempts("verify-ca", false, true), [Tls(Check::Authority)]);
    assert_eq!(attempts(" Verify_Full ", false, true), [Tls(Check::AuthorityAndHost)]);
    // Turned off on purpose; a bundle wins.
    assert_eq!(attempts("verify-full", false, false), [Tls(Check::Nothing)]);
    assert_eq!(attempts("verify-full", true, false), [Tls(Check::AuthorityAndHost)]);
    assert_eq!(SslMode::parse(None).unwrap(), SslMode::Prefer);
    assert_eq!(SslMode::parse(Some(" ")).unwrap(), SslMode::Prefer);
    for misspelt in ["off", "false", "verify", "verifyfull", "disabled"] {
        assert!(SslMode::parse(Some(misspelt)).is_err(), "{misspelt} must not be guessed");
    }
}

#[test]
fn statements_without_their_values() {
    let masked = |sql: &str| mask(sql, 200);
    assert_eq!(
        masked("SELECT * FROM t1 WHERE a = 'it''s' AND b=4.5e3 -- note\n AND c = $1"),
        "SELECT * FROM t1 WHERE a = ? AND b=? AND c = $1"
    );
    assert_eq!(masked(r"SELECT E'a\'b', E'\\', 'x'"), "SELECT E?, E?, ?");
    assert_eq!(masked("DO $body$ secret $$ more $body$ LANGUAGE x"), "DO ? LANGUAGE x");
    assert_eq!(masked("SELECT $$secret"), "SELECT ?");
    assert_eq!(masked("/* who /* nested */ knows */ SELECT \"My 1 Table\".x"), "SELECT \"My 1 Table\".x");
    assert_eq!(masked("UPDATE t SET a = 'cut in the midd"), "UPDATE t SET a = ?");
    // Whether the backslash ends the string here depends on a setting.
    assert_eq!(masked(r"SELECT '\' , 'secret'"), "SELECT ?");
    assert_eq!(masked(r"SELECT '\\', 'secret'"), "SELECT ?, ?");
    assert_eq!(mask("SELECT abcdefghij", 10), "SELECT ab…");
    assert_eq!(shorten("äöü", 3), "äöü");
    assert_eq!(shorten("äöü", 2), "ä…");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_value_survives(before in "[a-z =,(]{0,12}", value in "[\\\\'\"$/*\\-; \n\ra-zäß0-9]{0,30}", most in 1_usize..80) {
        // As a client writes it into a plain string, with the setting either way.
        let conforming = value.replace('\'', "''");
        let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
        for written in [format!("'{conforming}'"), format!("E'{escaped}'"), format!("'{escaped}'")] {
            let sql = format!("SELECT {before} '#canary#' || {written} || 'PRIVATE'");
            let masked = mask(&sql, 400);
            prop_assert!(!masked.contains("PRIVATE") && !masked.contains("canary"), "{sql} -> {masked}");
            prop_assert!(mask(&sql, most).chars().count() <= most);
            prop_assert!(!masked.contains(['\n', '\r']));
        }
    }

    #[test]
    fn nothing_breaks_it(sql in any::<String>(), most in 0_usize..50) {
        prop_assert!(mask(&sql, most).chars().count() <= most.max(1));
    }
}

#[test]
fn durations_and_sizes_in_words() {
    let words: Vec<String> =
        [-1.0, 0.04, 9.96, 61.0, 119.6, 2530.0, 7500.0, 900_000.0].into_iter().map(lasting).collect();
    assert_eq!(words, ["0.0 s", "0.0 s", "10.0 s", "61 s", "2 min", "42 min", "2 h 5 min", "10 days"]);
    let words: Vec<String> = [0.0, 1023.0, 1536.0, 5e9, 3e13].into_iter().map(size).collect();
    assert_eq!(words, ["0 bytes", "1023 bytes", "1.5 KiB", "4.7 GiB", "27.3 TiB"]);
}

fn overview(changes: &Json) -> Overview {
    let row_of_most = json!({
        "now": NOW, "sees_all": true, "max_connections": 100, "reserved": 3, "backends": 50, "clients": 40, "active": 5,
        "idle": 30, "idle_in_transaction": 5, "waits": [{"name": "Lock/transactionid", "sessions": 4}],
        "clients_by_name": [{"name": "checkout", "sessions": 38}]
    });
    row(row_of_most, changes)
}

#[test]
fn connections_run_out_before_all_are_taken() {
    let state = |changes| overview(&changes).state("db:5432");
    let calm = state(json!({}));
    assert_eq!((calm.healthy, attribute(&calm, "shortage")), (Some(true), None));
    assert_eq!(
        attribute(&calm, "in use"),
        Some("40 of 100 connections in use, 3 reserved: 5 active, 30 idle, 5 idle in transaction")
    );
    let scarce = state(json!({"clients": 92}));
    assert_eq!(
        (scarce.healthy, attribute(&scarce, "shortage")),
        (Some(false), Some("max_connections nearly reached: 5 slots left"))
    );
    let full = state(json!({"clients": 97}));
    assert_eq!(attribute(&full, "shortage"), Some("remaining connection slots are reserved"));
    // Where not everything can be seen, the number of processes is what anybody may know.
    let blind = overview(&json!({"sees_all": false, "clients": 1, "backends": 97}));
    assert!((blind.use_ratio() - 1.0).abs() < f64::EPSILON);
}

fn session(changes: &Json) -> Json {
    let mut row = json!({
        "pid": 1, "user": "app", "database": "shop", "application_name": "checkout", "address": "10.0.0.9",
        "backend_type": "client backend", "state": "active", "waits_for": null, "transaction_seconds": 3000.0,
        "state_seconds": 2530.0, "query": "UPDATE orders SET note = 'private' WHERE id = 7"
    });
    row.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    row
}

#[test]
fn a_transaction_that_does_nothing_is_not_healthy() {
    let state = |changes| serde_json::from_value::<SessionRow>(session(&changes)).unwrap().state(now());
    let busy = state(json!({}));
    assert_eq!(
        (busy.healthy, attribute(&busy, "state"), attribute(&busy, "process")),
        (Some(true), Some("active for 42 min"), None)
    );
    assert_eq!(attribute(&busy, "statement"), Some("UPDATE orders SET note = ? WHERE id = ?"));
    let idle = state(json!({"state": "idle in transaction (aborted)"}));
    assert_eq!((idle.healthy, attribute(&idle, "transaction")), (Some(false), Some("open for 50 min")));
    assert_eq!(state(json!({"state": "idle in transaction", "state_seconds": 3.0})).healthy, Some(true));
    // What may not be seen is null, also of other kinds of processes.
    let hidden = json!({"user": null, "state": null, "state_seconds": null, "query": null, "backend_type": null, "transaction_seconds": null});
    assert_eq!(attribute(&state(hidden), "state"), None);
}

fn waits(pid: i64, blockers: &[i64], seconds: f64) -> Involved {
    let more =
        json!({"pid": pid, "blockers": blockers, "lock": "ShareLock on a transactionid", "wait_seconds": seconds});
    serde_json::from_value(session(&more)).unwrap()
}

fn holds(pid: i64) -> Involved {
    let more = json!({"pid": pid, "blockers": [], "lock": null, "wait_seconds": null, "state": "idle in transaction"});
    serde_json::from_value(session(&more)).unwrap()
}

#[test]
fn the_head_of_a_queue_is_who_waits_for_nobody() {
    // 10 holds; 11 and 12 wait for it, 13 waits for 12; 20 is another's business.
    let involved = [
        holds(10),
        waits(11, &[10], 700.0),
        waits(12, &[10, 11], 600.0),
        waits(13, &[12], 20.0),
        holds(20),
        waits(21, &[20], 0.1),
    ];
    let (states, summary) = tree(&involved, now());
    assert_eq!(summary, "4 sessions wait for locks, the longest for 11 min; session 10 blocks 3 sessions");
    let names: Vec<(&str, &str, Option<bool>)> =
        states.iter().map(|state| (state.kind.as_str(), state.name.as_str(), state.healthy)).collect();
    assert_eq!(
        names,
        [
            ("blocking session", "session 10", Some(false)),
            ("blocking session", "session 20", Some(true)),
            ("waiting session", "session 11", Some(false)),
            ("waiting session", "session 12", Some(false)),
            ("waiting session", "session 13", Some(false)),
            ("waiting session", "session 21", Some(true)),
        ]
    );
    assert_eq!(attribute(&states[0], "blocks"), Some("idle in transaction for 42 min, blocks 3 sessions"));
    assert_eq!(attribute(&states[0], "directly"), Some("2 sessions"));
    assert_eq!(
        attribute(&states[0], "trouble"),
        Some("3 sessions could not obtain locks for up to 11 min: ShareLock on a transactionid")
    );
    assert_eq!(attribute(&states[1], "trouble"), None, "a tenth of a second is no trouble");
    assert_eq!(attribute(&states[2], "application"), Some("checkout"));
}

#[test]
fn rings_and_prepared_transactions_have_a_head_too() {
    let (states, summary) = tree(&[waits(1, &[2], 9.0), waits(2, &[1], 9.0), waits(3, &[2], 8.0)], now());
    assert_eq!(summary, "3 sessions wait for locks, the longest for 9.0 s; session 1 blocks 2 sessions");
    assert_eq!(states.len(), 4);
    let (states, summary) = tree(&[waits(5, &[0], 60.0)], now());
    assert_eq!(summary, "1 session waits for locks, the longest for 60 s; a prepared transaction blocks 1 session");
    assert_eq!(states[0].name, "a prepared transaction");
    assert_eq!(tree(&[], now()), (Vec::new(), "no session waits for a lock".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_queue_ends_and_has_a_head(edges in proptest::collection::vec((1_i64..12, 0_i64..12), 0..40)) {
        let mut involved: Vec<Involved> = (0..12).map(|pid| {
            let blockers: Vec<i64> = edges.iter().filter(|(one, other)| *one == pid && one != other).map(|(_, other)| *other).collect();
            if blockers.is_empty() { holds(pid) } else { waits(pid, &blockers, 1.0) }
        }).collect();
        involved.rotate_left(edges.len() % 12);
        let waiting = involved.iter().filter(|one| !one.blockers.is_empty()).count();
        let (states, _) = tree(&involved, now());
        prop_assert_eq!(states.iter().filter(|state| state.kind == "waiting session").count(), waiting);
        let heads = states.iter().filter(|state| state.kind == "blocking session").count();
        prop_assert_eq!(heads > 0, waiting > 0);
    }
}

#[test]
fn counts_since_long_ago_are_no_signs() {
    let database = |changes| {
        let usual = json!({
            "now": NOW, "name": "shop", "backends": 4, "connection_limit": -1, "commits": 10, "rollbacks": 2, "blocks_read": 5,
            "blocks_hit": 95, "deadlocks": 700, "temp_files": 2, "temp_bytes": 1536, "conflicts": 0, "checksum_failures": null,
            "stats_reset": "2025-01-02T03:04:05+00:00", "transaction_age": 1_000, "multixact_age": 1
        });
        row::<Database>(usual, &changes).state()
    };
    let usual = database(json!({}));
    assert_eq!(
        (usual.healthy, attribute(&usual, "deadlocks"), attribute(&usual, "counted")),
        (Some(true), Some("700"), Some("since 2025-01-02 03:04Z"))
    );
    assert_eq!(
        (attribute(&usual, "blocks from cache"), attribute(&usual, "temporary files")),
        (Some("95.0 %"), Some("2 files, 1.5 KiB"))
    );
    let old = database(json!({"transaction_age": 1_900_000_000}));
    assert_eq!(
        (old.healthy, attribute(&old, "wraparound")),
        (Some(false), Some("transaction ids run out in 100000000 transactions"))
    );
    let corrupt = database(json!({"checksum_failures": 2, "stats_reset": null}));
    assert_eq!(
        (corrupt.healthy, attribute(&corrupt, "corruption")),
        (Some(false), Some("storage fails: 2 checksum failures of pages"))
    );

    let table = |changes| {
        let usual = json!({
            "now": NOW, "schema": "public", "name": "orders", "live": 100_000, "dead": 500, "sequential_scans": 3,
            "rows_by_sequential_scan": 30, "index_scans": 9, "changed_since_analyze": 4, "vacuumed_ago": null,
            "analyzed_ago": 90.0, "transaction_age": 10, "bytes": 8192
        });
        row::<Table>(usual, &changes).state()
    };
    let usual = table(json!({}));
    assert_eq!(
        (usual.healthy, attribute(&usual, "vacuumed"), attribute(&usual, "analyzed")),
        (Some(true), Some("never"), Some("90 s ago"))
    );
    let behind = table(json!({"dead": 90_000}));
    assert_eq!((behind.healthy, attribute(&behind, "vacuum")), (None, Some("is behind")));
}

fn replicates(changes: &Json) -> Replication {
    let primary = json!({
        "now": NOW, "in_recovery": false, "sees_all": true, "behind": null, "last_replayed_ago": null, "standbys": [],
        "slots": [], "receiver": null, "receives": false
    });
    row(primary, changes)
}

#[test]
fn replication_that_is_late_or_lost() {
    let standby = |behind, ago, receives| {
        let standby = json!({"in_recovery": true, "behind": behind, "last_replayed_ago": ago, "receives": receives});
        replicates(&standby).states("db:5432").remove(0)
    };
    // A quiet primary sends nothing: an old last transaction is not a delay.
    assert_eq!(standby(false, 9000.0, true).healthy, Some(true));
    assert_eq!(attribute(&standby(true, 95.0, true), "trouble"), Some("the standby is 95 s behind"));
    assert_eq!(
        attribute(&standby(false, 9000.0, false), "trouble"),
        Some("the standby does not receive from its primary")
    );

    let standbys = json!([
        {"name": "a", "address": "10.0.0.2", "state": "streaming", "sync_state": "async", "lag_bytes": 0.0, "lag_seconds": null},
        {"name": "b", "address": "10.0.0.3", "state": "streaming", "sync_state": "sync", "lag_bytes": 5e9, "lag_seconds": 400.0},
        {"name": "c", "address": null, "state": null, "sync_state": null, "lag_bytes": null, "lag_seconds": null}
    ]);
    let slots = json!([
        {"name": "lost", "kind": "logical", "active": false, "wal_status": "lost", "kept_bytes": null},
        {"name": "idle", "kind": "physical", "active": false, "wal_status": "extended", "kept_bytes": 5e9},
        {"name": "new", "kind": "physical", "active": false, "wal_status": null, "kept_bytes": 0.0}
    ]);
    let states = replicates(&json!({"standbys": standbys, "slots": slots})).states("db:5432");
    let told: Vec<(&str, Option<bool>, Option<&str>)> =
        states.iter().map(|state| (state.name.as_str(), state.healthy, attribute(state, "trouble"))).collect();
    assert_eq!(
        told,
        [
            ("a", Some(true), None),
            ("b", Some(false), Some("the standby is 6 min behind")),
            ("c", None, None),
            ("lost", Some(false), Some("the slot is lost: its reader has to be set up anew")),
            ("idle", Some(false), Some("nobody reads the slot, which keeps 4.7 GiB of WAL")),
            ("new", Some(true), None),
        ]
    );
}

#[test]
fn statements_by_the_columns_of_the_version() {
    assert!(sql("public.pg_stat_statements", "1.10", Order::Mean).contains("ORDER BY s.mean_exec_time DESC"));
    assert!(sql("\"Odd\".pg_stat_statements", "1.7", Order::Total).contains("ORDER BY s.total_time DESC"));
    let statement: Statement = serde_json::from_value(json!({
        "id": "-42", "user": "app", "database": null, "query": "SET x = 'private'", "calls": 4, "total_ms": 2000.0,
        "mean_ms": 500.0, "rows": 8
    }))
    .unwrap();
    let EvidenceData::Metrics { series, unit, .. } = Order::Total.evidence(&[statement], now()) else { panic!() };
    assert_eq!((unit.as_deref(), series[0].points.as_slice()), (Some("seconds"), [(now(), 2.0)].as_slice()));
    assert_eq!(series[0].labels["statement"], "SET x = ?");
}
