//! PostgreSQL against real servers: a primary and a standby that replicates from it.

use std::time::Duration;

use opensre_model::evidence::{Evidence, EvidenceData, GapKind, Meaning, ResourceState};
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus};
use opensre_providers::postgresql::PROVIDER;
use opensre_providers::postgresql::session::Session;
use serde_json::Value as Json;

use crate::postgresql_servers::{PASSWORD, Pooler, Postgres, client, folder};
use crate::real::{ask, instance, wait_for};

fn at(name: &str, server: &Postgres, more: &[(&'static str, &str)]) -> Access {
    let port = server.port.to_string();
    let mut fields: Vec<(&'static str, &str)> = vec![
        ("host", "127.0.0.1"),
        ("port", &port),
        ("database", "shop"),
        ("username", "opensre"),
        ("password", PASSWORD),
    ];
    fields.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    fields.extend(more);
    instance(&PROVIDER, name, &fields)
}

async fn query(access: &Access, name: &str) -> Answer {
    ask(&PROVIDER, access, name, &Input::default()).await
}

async fn probe(access: &Access) -> (ProbeStatus, String, String) {
    let probe = (PROVIDER.probe.unwrap())(access).await;
    assert!(!format!("{probe:?}").contains(PASSWORD));
    (probe.status, probe.detail, probe.hint.unwrap_or_default())
}

fn states(evidence: &Evidence) -> &[ResourceState] {
    match &evidence.data {
        EvidenceData::States { states } => states,
        other => panic!("these are {}", other.kind()),
    }
}

fn of_kind<'a>(answer: &'a Answer, kind: &str) -> Vec<&'a ResourceState> {
    let all = answer.evidence.iter().filter_map(|one| match &one.data {
        EvidenceData::States { states } => Some(states),
        _ => None,
    });
    all.flatten().filter(|state| state.kind == kind).collect()
}

fn attribute<'a>(state: &'a ResourceState, name: &str) -> &'a str {
    state.attributes.get(name).map_or("", String::as_str)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_and_its_standby() {
    let folder = folder();
    let primary = Postgres::primary(folder.path()).await;
    let standby = Postgres::standby(folder.path(), &primary).await;
    let (orders, copy) = (at("orders", &primary, &[]), at("orders-copy", &standby, &[]));

    identities(&orders, &copy).await;
    replication(&primary, &orders, &copy).await;
    counters(&primary, &orders).await;
    nothing_is_written(&orders).await;
    blockers(&primary, &orders).await;
    what_may_not_be_seen(&primary).await;
    full(&primary, &orders).await;

    // Everything so far asked the standby twice: its probe and its replication.
    let before = standby.seen();
    for one in PROVIDER.queries {
        let answer = query(&orders, one.name).await;
        assert!(answer.gaps.is_empty(), "{}: {:?}", one.name, answer.gaps);
        for evidence in &answer.evidence {
            assert_eq!((evidence.origin.service.as_str(), evidence.origin.instance.as_str()), ("postgresql", "orders"));
            assert_eq!(evidence.origin.operation, one.name);
            assert!(evidence.origin.query.starts_with("SELECT") || evidence.origin.query.starts_with("WITH"));
            assert!(!serde_json::to_string(evidence).unwrap().contains(PASSWORD));
        }
    }
    assert_eq!(standby.seen(), before, "only the chosen one is asked");
    assert!(!before.is_empty() && !primary.seen().is_empty(), "the logs tell who asked");
}

async fn identities(orders: &Access, copy: &Access) {
    let first = (PROVIDER.probe.unwrap())(orders).await;
    assert_eq!(first.status, ProbeStatus::Passed, "{first:?}");
    let of =
        |probe: &opensre_providers::driver::Probe, name: &str| probe.identity.get(name).cloned().unwrap_or_default();
    assert_eq!(
        ["user", "database", "role", "cluster"].map(|name| of(&first, name)),
        ["opensre", "shop", "primary", "primary"]
    );
    assert!(of(&first, "version").chars().next().unwrap().is_ascii_digit());
    assert!(of(&first, "system_identifier").parse::<u64>().is_ok());
    // The server has TLS, so that `prefer` uses it.
    assert!(first.detail.contains("over TLS, the server's certificate is not verified, read-only"), "{}", first.detail);

    let second = (PROVIDER.probe.unwrap())(copy).await;
    assert_eq!(["role", "cluster"].map(|name| of(&second, name)), ["standby", "standby"]);
    assert_eq!(of(&second, "system_identifier"), of(&first, "system_identifier"), "a standby is a copy");
}

async fn replication(primary: &Postgres, orders: &Access, copy: &Access) {
    let answer = wait_for(
        || async {
            let answer = query(orders, "replication").await;
            let streams = of_kind(&answer, "replication").iter().any(|state| attribute(state, "state") == "streaming");
            streams.then_some(answer)
        },
        || primary.log(),
    )
    .await;
    assert_eq!(answer.evidence[0].summary, "a primary with 1 standby connection and 1 slot");
    assert!(of_kind(&answer, "replication").iter().all(|state| state.healthy == Some(true)));
    let slots = of_kind(&answer, "replication slot");
    assert_eq!((slots[0].name.as_str(), attribute(slots[0], "read"), slots[0].healthy), ("standby", "yes", Some(true)));

    let answer = query(copy, "replication").await;
    assert!(answer.gaps.is_empty(), "{:?}", answer.gaps);
    assert!(answer.evidence[0].summary.starts_with("a standby that receives from its primary"), "{answer:?}");
    let own = of_kind(&answer, "standby");
    assert_eq!((attribute(own[0], "receiver"), own[0].healthy), ("streaming", Some(true)));
}

async fn counters(primary: &Postgres, orders: &Access) {
    let shop = primary.admin("shop").await;
    shop.batch_execute("SELECT count(*) FROM orders WHERE state = 'very private' AND id < 4711; ANALYZE orders")
        .await
        .unwrap();

    let answer = query(orders, "databases").await;
    let databases = of_kind(&answer, "database");
    assert_eq!(databases[0].name, "shop", "the connected one comes first");
    assert_eq!(databases[0].healthy, Some(true));
    assert!(attribute(databases[0], "commits").parse::<u64>().is_ok());

    // The server writes its counters with some delay.
    let answer = wait_for(
        || async {
            let answer = query(orders, "tables").await;
            of_kind(&answer, "table")
                .iter()
                .any(|state| attribute(state, "rows") == "100 live, 0 dead")
                .then_some(answer)
        },
        || primary.log(),
    )
    .await;
    assert_eq!(answer.evidence[0].summary, "1 table; vacuum keeps up with all");
    assert_eq!(of_kind(&answer, "table")[0].name, "public.orders");

    let answer = query(orders, "statements").await;
    assert!(answer.gaps.is_empty(), "{:?}", answer.gaps);
    assert_eq!(answer.evidence.len(), 2);
    let EvidenceData::Metrics { meaning, unit, series, .. } = &answer.evidence[1].data else { panic!("{answer:?}") };
    assert_eq!((*meaning, unit.as_deref()), (Meaning::Latency, Some("milliseconds")));
    assert!(!series.is_empty() && series.len() <= 20);
    assert!(!serde_json::to_string(&answer.evidence).unwrap().contains("very private"));

    let answer = query(orders, "settings").await;
    let settings = of_kind(&answer, "setting");
    let value = |name: &str| settings.iter().find(|one| one.name == name).map(|one| attribute(one, "value"));
    assert_eq!(value("max_connections"), Some("20"));
    assert_eq!(value("lock_timeout"), Some("0"), "not what our own session asked for");
}

/// Through our session nothing is written, whatever the user may do elsewhere.
async fn nothing_is_written(orders: &Access) {
    let mut session = Session::open(orders, Duration::from_secs(20)).await.unwrap();
    let writes = "WITH gone AS (SELECT id FROM public.orders FOR UPDATE) SELECT * FROM gone";
    let refused = session.rows::<Json>(writes, &[], 10).await.unwrap_err();
    assert!(refused.reason.contains("cannot execute SELECT FOR UPDATE in a read-only transaction"), "{refused:?}");
    let refused = session.rows::<Json>("SELECT nextval('public.numbers')", &[], 10).await.unwrap_err();
    assert!(refused.reason.contains("cannot execute nextval() in a read-only transaction"), "{refused:?}");
    // Not even by leaving the transaction: the session itself was begun so.
    let settings = "SELECT current_setting('default_transaction_read_only') AS read_only, \
                    current_setting('application_name') AS name, current_setting('lock_timeout') AS lock_timeout";
    let settings: Json = session.row(settings).await.unwrap();
    assert_eq!(settings, serde_json::json!({"read_only": "on", "name": "opensre", "lock_timeout": "2s"}));
    // A statement that takes too long ends at the server.
    drop(session);
    let mut session = Session::open(orders, Duration::from_secs(1)).await.unwrap();
    let late = session.rows::<Json>("SELECT pg_sleep(50)::text", &[], 1).await.unwrap_err();
    assert_eq!(late.kind, GapKind::Deadline, "{late:?}");
    // A second session waits for the first.
    let waiting = Session::open(orders, Duration::from_millis(200)).await.map(|_| ()).unwrap_err();
    assert_eq!((waiting.kind, waiting.reason.contains("earlier questions")), (GapKind::Deadline, true), "{waiting:?}");
}

async fn blockers(primary: &Postgres, orders: &Access) {
    let calm = query(orders, "locks").await;
    assert_eq!(calm.evidence[0].summary, "no session waits for a lock");

    let migration = primary.client("postgres", "shop", "migration").await.unwrap();
    migration.batch_execute("BEGIN; UPDATE orders SET state = 'secret value' WHERE id = 7").await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let client = primary.client("checkout", "shop", "checkout").await.unwrap();
        waiting.push(tokio::spawn(async move {
            client.batch_execute("UPDATE orders SET state = 'paid' WHERE id = 7").await
        }));
    }
    let answer = wait_for(
        || async {
            let answer = query(orders, "locks").await;
            let grave = of_kind(&answer, "waiting session").iter().filter(|state| state.healthy == Some(false)).count();
            (grave == 3).then_some(answer)
        },
        || primary.log(),
    )
    .await;
    assert!(answer.evidence[0].summary.starts_with("3 sessions wait for locks"), "{}", answer.evidence[0].summary);
    let heads = of_kind(&answer, "blocking session");
    assert_eq!(heads.len(), 1);
    let head = heads[0];
    assert_eq!((attribute(head, "client"), head.healthy), ("migration", Some(false)));
    let blocks = attribute(head, "blocks");
    assert!(blocks.starts_with("idle in transaction for ") && blocks.ends_with(", blocks 3 sessions"), "{blocks}");
    assert!(attribute(head, "trouble").starts_with("3 sessions could not obtain locks for up to "), "{head:?}");
    assert_eq!(attribute(head, "statement"), "BEGIN; UPDATE orders SET state = ? WHERE id = ?");
    let one = of_kind(&answer, "waiting session")[0];
    assert_eq!(attribute(one, "application"), "checkout");
    assert!(!format!("{answer:?}").contains("secret value"));

    let answer = query(orders, "activity").await;
    let connections = of_kind(&answer, "connections");
    assert!(attribute(connections[0], "waits").contains("Lock/"), "{connections:?}");
    assert!(attribute(connections[0], "clients").contains("checkout 3"), "{connections:?}");
    let sessions = of_kind(&answer, "session");
    assert!(sessions.iter().any(|one| attribute(one, "state").starts_with("idle in transaction")), "{sessions:?}");

    migration.batch_execute("ROLLBACK").await.unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
}

async fn what_may_not_be_seen(primary: &Postgres) {
    let _other = primary.admin("shop").await;
    let limited = at("limited", primary, &[("username", "limited")]);
    let (status, detail, _) = probe(&limited).await;
    assert_eq!(status, ProbeStatus::Passed);
    assert!(detail.contains("(GRANT pg_monitor TO limited)"), "{detail}");
    for name in ["activity", "locks", "replication", "statements"] {
        let answer = query(&limited, name).await;
        assert!(!answer.evidence.is_empty(), "{name}: {answer:?}");
        assert_eq!(answer.gaps.len(), 1, "{name}: {answer:?}");
        assert_eq!(answer.gaps[0].kind, GapKind::Denied);
        assert_eq!(answer.gaps[0].hint.as_deref(), Some("GRANT pg_monitor TO limited"), "{name}");
    }
    // Without the extension there is nothing to ask.
    let answer = query(&at("other", primary, &[("database", "postgres")]), "statements").await;
    assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
    assert!(answer.gaps[0].hint.as_deref().unwrap().contains("CREATE EXTENSION pg_stat_statements"));
}

/// A server without a connection left tells so to us, too: that is evidence.
async fn full(primary: &Postgres, orders: &Access) {
    let mut clients = Vec::new();
    while let Ok(client) = primary.client("checkout", "shop", "checkout").await {
        clients.push(client);
        assert!(clients.len() < 30);
    }
    let answer = query(orders, "activity").await;
    assert!(answer.gaps[0].reason.contains("no connection left"), "{answer:?}");
    let [evidence] = answer.evidence.as_slice() else { panic!("{answer:?}") };
    assert_eq!(states(evidence)[0].healthy, Some(false));
    assert!(attribute(&states(evidence)[0], "refusal").contains("remaining connection slots are reserved"));
    // A superuser still gets in, and sees why.
    let answer = query(&at("admin", primary, &[("username", "postgres"), ("password", "")]), "activity").await;
    let connections = of_kind(&answer, "connections");
    assert_eq!(attribute(connections[0], "shortage"), "remaining connection slots are reserved", "{connections:?}");
    let EvidenceData::Metrics { meaning, unit, series, .. } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!((*meaning, unit.as_deref()), (Meaning::Pool, Some("ratio")));
    assert!(series[0].points[0].1 >= 1.0);
    drop(clients);
    wait_for(|| async { primary.client("checkout", "shop", "after").await.ok() }, || primary.log()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_and_how() {
    let folder = folder();
    let server = Postgres::primary(folder.path()).await;
    let passed = async |more: &[(&'static str, &str)]| {
        let (status, detail, _) = probe(&at("orders", &server, more)).await;
        assert_eq!(status, ProbeStatus::Passed, "{more:?}: {detail}");
        detail
    };
    let failed = async |more: &[(&'static str, &str)]| {
        let (status, detail, hint) = probe(&at("orders", &server, more)).await;
        assert_eq!(status, ProbeStatus::Failed, "{more:?}: {detail}");
        format!("{detail} / {hint}")
    };

    // Credentials and names.
    let said = failed(&[("password", "wr0ng-c4nary")]).await;
    assert_eq!(said, "the password of user opensre is not accepted / check username and password");
    assert_eq!(failed(&[("password", "")]).await, "the server asks for the password of opensre / set the password");
    assert!(failed(&[("database", "nowhere")]).await.starts_with("there is no database nowhere / "));
    let said = failed(&[("username", "stranger")]).await;
    assert!(said.starts_with("no pg_hba.conf entry for host") && said.contains("add a line"), "{said}");
    let said = failed(&[("host", "db.invalid")]).await;
    assert!(said.starts_with("the name db.invalid does not resolve / "), "{said}");
    let closed = crate::real::free_port().to_string();
    let said = failed(&[("port", &closed)]).await;
    assert!(said.contains("refuses connections / ") && said.contains("listen_addresses"), "{said}");
    let said = failed(&[("ssl_mode", "verify-fulll")]).await;
    assert!(said.contains("not a TLS mode") && said.contains("verify-full"), "{said}");

    // What libpq makes of each mode, with users that may log in one way only.
    assert!(passed(&[("ssl_mode", "disable")]).await.contains("without TLS"));
    assert!(passed(&[("ssl_mode", "allow")]).await.contains("without TLS"));
    assert!(passed(&[("ssl_mode", "allow"), ("username", "only_tls")]).await.contains("over TLS"));
    assert!(passed(&[("ssl_mode", "prefer")]).await.contains("over TLS"));
    assert!(passed(&[("ssl_mode", "prefer"), ("username", "only_plain")]).await.contains("without TLS"));
    let said = failed(&[("ssl_mode", "disable"), ("username", "only_tls")]).await;
    assert!(said.contains("no encryption") && said.contains("ssl_mode to require"), "{said}");
    let said = failed(&[("ssl_mode", "require"), ("username", "only_plain")]).await;
    assert!(said.contains("no pg_hba.conf entry"), "{said}");
    assert!(passed(&[("ssl_mode", "require")]).await.contains("not verified"));

    // The authority is private: not among the system's.
    let authority = server.authority();
    let said = failed(&[("ssl_mode", "verify-ca")]).await;
    assert!(said.starts_with("the certificate of 127.0.0.1 is not accepted") && said.contains("ca_bundle"), "{said}");
    assert!(passed(&[("ssl_mode", "verify-ca"), ("ca_bundle", &authority)]).await.contains("host name is not"));
    let said = failed(&[("ssl_mode", "verify-full"), ("ca_bundle", &authority)]).await;
    assert!(said.contains("is not accepted") && said.contains("host to a name in it"), "{said}");
    let full: &[(&'static str, &str)] =
        &[("ssl_mode", "verify-full"), ("ca_bundle", &authority), ("host", "localhost")];
    assert!(passed(full).await.contains("the server's certificate is verified"));
    // With an authority, `require` verifies as `verify-ca` does; and no mode goes on in the clear after a certificate
    // that is not accepted.
    let another = folder.path().join("another.pem");
    self_signed(&another);
    let another = another.display().to_string();
    for mode in ["require", "prefer", "verify-ca", "verify-full"] {
        let said = failed(&[("ssl_mode", mode), ("ca_bundle", &another)]).await;
        assert!(said.contains("is not accepted"), "{mode}: {said}");
    }
    let said = failed(&[("ssl_mode", "require"), ("ca_bundle", "/nowhere.pem")]).await;
    assert!(said.contains("ca_bundle /nowhere.pem"), "{said}");
    // Off is off, and visible.
    assert!(passed(&[("ssl_mode", "verify-full"), ("verify_ssl", "false")]).await.contains("is not verified"));

    assert!(passed(&[("host", &server.socket())]).await.contains("without TLS"));
    assert!(!server.log().contains("wr0ng-c4nary"));
}

/// Through a pooler that knows no start-up options everything is answered, and nothing of our session is left behind on
/// the connection that others get next.
#[tokio::test(flavor = "multi_thread")]
async fn through_a_pooler() {
    let folder = folder();
    let server = Postgres::primary(folder.path()).await;
    let pooler = Pooler::start(folder.path(), &server).await;
    let access = at("orders", &server, &[("port", &pooler.port.to_string())]);
    let (status, detail, _) = probe(&access).await;
    assert_eq!(status, ProbeStatus::Passed, "{detail}");
    for one in PROVIDER.queries {
        let answer = query(&access, one.name).await;
        assert!(answer.gaps.is_empty() && !answer.evidence.is_empty(), "{}: {answer:?}", one.name);
    }
    let mut session = Session::open(&access, Duration::from_secs(20)).await.unwrap();
    let refused = session.rows::<Json>("SELECT nextval('public.numbers')", &[], 10).await.unwrap_err();
    assert!(refused.reason.contains("read-only transaction"), "{refused:?}");
    drop(session);

    let next = client(pooler.port, "opensre", "shop", "next").await.unwrap();
    next.batch_execute("UPDATE public.orders SET state = 'paid' WHERE id = 1").await.unwrap();
    let left = next.simple_query("SHOW search_path").await.unwrap();
    let left = left.iter().find_map(|one| match one {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    assert_eq!(left.as_deref(), Some("\"$user\", public"));
}

fn self_signed(path: &std::path::Path) {
    let key = path.with_extension("key");
    let output = std::process::Command::new("openssl")
        .args(["req", "-x509", "-subj", "/CN=another", "-days", "2", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success());
}
