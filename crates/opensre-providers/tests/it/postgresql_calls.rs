//! PostgreSQL against the lab's simulator: what is sent, what is made of the answers, and what of failures.

use std::time::{Duration, Instant};

use opensre_lab::vendors::postgresql::{Account, Fault, Postgres, Seen};
use opensre_model::evidence::{EvidenceData, GapKind};
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use opensre_providers::postgresql::PROVIDER;
use proptest::prelude::*;

use crate::real::instance;
use crate::stub;

const CANARY: &str = "c4nary-pg-Secret";

async fn server(fault: Fault) -> Postgres {
    let account = Account { user: "opensre".to_owned(), password: CANARY.to_owned(), database: "shop".to_owned() };
    Postgres::start(account, fault).await.unwrap()
}

fn at(server: &Postgres, more: &[(&'static str, &str)]) -> Access {
    let port = server.address.port().to_string();
    let fields =
        [("host", "127.0.0.1"), ("port", &port), ("database", "shop"), ("username", "opensre"), ("password", CANARY)];
    instance(&PROVIDER, "orders", &[&fields[..], more].concat())
}

async fn query(access: &Access, name: &str) -> Answer {
    let answer = stub::ask(&PROVIDER, access, name, &Input::default()).await;
    assert!(!format!("{answer:?}").contains(CANARY));
    answer
}

fn statements(server: &Postgres) -> Vec<String> {
    server
        .seen()
        .into_iter()
        .filter_map(|seen| if let Seen::Statement(sql) = seen { Some(sql) } else { None })
        .collect()
}

#[tokio::test]
async fn each_query_and_only_of_the_chosen_one() {
    let (chosen, other) = (server(Fault::None).await, server(Fault::None).await);
    let access = at(&chosen, &[]);
    let mut told = Vec::new();
    for one in PROVIDER.queries {
        let answer = query(&access, one.name).await;
        assert!(answer.gaps.is_empty() && answer.calls > 0, "{}: {answer:?}", one.name);
        for evidence in &answer.evidence {
            assert_eq!(evidence.origin.datasource.as_deref(), Some("shop (postgresql)"));
            assert_eq!((evidence.origin.operation.as_str(), evidence.origin.window), (one.name, stub::window()));
            told.push(format!("{}: {}", one.name, evidence.summary));
        }
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    activity: 97 % of the connections for ordinary users are in use
    activity: 94 of 100 connections in use, 3 reserved: 4 active, 80 idle, 10 idle in transaction
    activity: 1 transaction open, the oldest for 42 min; 1 session too long idle in one
    locks: 3 sessions wait for locks, the longest for 41 min; session 10 blocks 3 sessions
    databases: 1 database; shop: 94 connected, 1000 commits, 2 rollbacks, 95.0 % of blocks from cache
    tables: 1 table; vacuum is behind on 1
    replication: a primary with 1 standby connection and 1 slot
    statements: 1 statement with the most time in all since the counters were reset; the first took 90.0 s in 400 calls, 225.0 ms each
    statements: 1 statement with the most time per call since the counters were reset; the first took 90.0 s in 400 calls, 225.0 ms each
    settings: 1 setting
    "#);
    assert_eq!(other.seen(), []);

    // Each transaction can only read, and is limited; each statement asks for rows as one column of text.
    let sent = statements(&chosen);
    let (begins, asks): (Vec<&String>, Vec<&String>) = sent.iter().partition(|sql| sql.contains("BEGIN"));
    assert_eq!(begins.len(), asks.len());
    for begin in begins {
        assert!(begin.contains("BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = "), "{begin}");
    }
    assert!(asks.iter().all(|sql| sql.starts_with("SELECT row_to_json(x)::text FROM (")));
    let Some(Seen::Startup(parameters)) = chosen.seen().first().cloned() else { panic!("a start-up message") };
    let pairs: Vec<(&str, &str)> = parameters.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    assert!(pairs.contains(&("application_name", "opensre")), "{pairs:?}");
    assert!(pairs.iter().any(|(name, value)| *name == "options" && value.contains("default_transaction_read_only=on")));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let told = async |fault: Fault, more: &[(&'static str, &str)]| {
        let server = server(fault).await;
        let answer = query(&at(&server, more), "locks").await;
        let [gap] = answer.gaps.as_slice() else { panic!("{answer:?}") };
        let said = format!("{:?}: {} [{}]", gap.kind, gap.reason, gap.hint.as_deref().unwrap_or("-"));
        said.replace(&server.address.port().to_string(), "PORT")
    };
    let mut all = vec![told(Fault::None, &[("password", "wr0ng")]).await];
    all.push(told(Fault::None, &[("database", "nowhere")]).await);
    all.push(told(Fault::None, &[("ssl_mode", "require")]).await);
    for fault in [
        Fault::Full,
        Fault::Starting,
        Fault::NoEntry,
        Fault::CutsOff,
        Fault::Denies,
        Fault::Cancels,
        Fault::WrongColumns,
        Fault::Slow(Duration::from_secs(9)),
    ] {
        all.push(told(fault, &[("timeout_seconds", "1")]).await);
    }
    insta::assert_snapshot!(all.join("\n"), @r#"
    Denied: the password of user opensre is not accepted [check username and password]
    Failed: there is no database nowhere [check database; psql -l lists those of a server]
    Failed: the server does not offer TLS, which ssl_mode asks for [turn TLS on at the server (ssl = on), or set ssl_mode to prefer where the network is trusted]
    Failed: the server has no connection left: sorry, too many clients already [keep connections for monitoring: superuser_reserved_connections, or reserved_connections with pg_use_reserved_connections (PostgreSQL 16)]
    Failed: the database system is starting up [look at the server's own log]
    Denied: no pg_hba.conf entry for host "127.0.0.1", user "opensre", database "shop", no encryption [add a line for this client to pg_hba.conf; where the message says "no encryption", set ssl_mode to require]
    Failed: the connection to 127.0.0.1:PORT broke off: connection closed [check that host and port are PostgreSQL's, and the server's log]
    Denied: permission denied for view pg_stat_activity [GRANT pg_monitor TO opensre]
    Deadline: canceling statement due to statement timeout [a larger timeout_seconds gives it more time]
    Failed: the server answered with an odd row: missing field `now` at line 1 column 20 [check that it is PostgreSQL 12 or later, not a service that only speaks like it]
    Deadline: 127.0.0.1:PORT did not let us in within the time [check host and port, firewalls on the way, and timeout_seconds]
    "#);
}

#[tokio::test]
async fn what_a_server_sends_too_much_is_cut() {
    let server = server(Fault::Huge(5_000)).await;
    let answer = query(&at(&server, &[("max_results", "20")]), "tables").await;
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!(states.len(), 20);
    assert_eq!(
        answer.evidence[0].truncated.as_deref(),
        Some("20 tables with the most dead rows are kept, there are more")
    );
    // Never more than the bound, whatever the instance says.
    let answer = query(&at(&server, &[("max_results", "10000")]), "tables").await;
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!(states.len(), PROVIDER.queries[3].bounds.rows);
}

#[tokio::test]
async fn one_connection_at_a_time() {
    let server = server(Fault::None).await;
    let access = at(&server, &[]);
    let all = futures::future::join_all(PROVIDER.queries.iter().map(|one| query(&access, one.name))).await;
    assert!(all.iter().all(|answer| answer.gaps.is_empty()), "{all:?}");
    // What a session asks is never between another's start-up and its end.
    let mut logged_in = 0;
    for seen in server.seen() {
        match seen {
            Seen::Startup(_) => logged_in += 1,
            Seen::Password(right) => assert!(right),
            Seen::Statement(_) => {}
        }
    }
    assert_eq!(logged_in, PROVIDER.queries.len());
    let mut access = at(&server, &[]);
    access.deadline = Instant::now();
    assert_eq!(query(&access, "locks").await.gaps[0].kind, GapKind::Deadline);
}

#[tokio::test]
async fn the_probe_tells_who_we_are() {
    let server = server(Fault::None).await;
    let probe = (PROVIDER.probe.unwrap())(&at(&server, &[])).await;
    assert_eq!(probe.status, ProbeStatus::Passed);
    insta::assert_snapshot!(
        format!("{}\n{:?}", probe.detail, probe.identity),
        @r#"
    PostgreSQL 16.4, a primary: logged in to shop as opensre, without TLS, read-only
    {"cluster": "orders", "database": "shop", "role": "primary", "user": "opensre", "version": "16.4"}
    "#
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_of_an_alert_is_in_a_statement(value in "['\"\\\\;$/*\n-]{0,6}[a-z]{1,8}['\"\\\\;$/*\n-]{0,6}") {
        let alert = stub::alert(&[("service", &value), ("database", &value), ("alertname", &value)]);
        for query in PROVIDER.queries {
            let Relevance::Ask(inputs) = (query.relevance)(&alert) else { panic!("{} is for every alert", query.name) };
            prop_assert_eq!(inputs, vec![Input::default()]);
        }
    }
}
