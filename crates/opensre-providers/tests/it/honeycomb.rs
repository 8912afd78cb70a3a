//! Honeycomb: columns, query specifications, results, and the queries against the simulator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opensre_lab::vendors::honeycomb::{Event, Honeycomb, checkout};
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{EvidenceData, GapKind, Meaning};
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use opensre_providers::honeycomb::PROVIDER;
use opensre_providers::honeycomb::columns::{Columns, names};
use opensre_providers::honeycomb::spec::{self, Order};
use opensre_providers::honeycomb::wire;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::{access, alert, ask, input, labels, messages, probe, reasons, window};

struct Running {
    honeycomb: Arc<Honeycomb>,
    access: Access,
    _guard: Guard,
}

async fn start(events: Vec<Event>, polls: usize, dataset: &str) -> Running {
    let honeycomb = Honeycomb::new("Prod", "canary-key", events, polls);
    let (address, guard) = serve(honeycomb.router()).await.unwrap();
    let url = format!("http://{address}");
    let fields = [("api_key", "canary-key"), ("base_url", url.as_str()), ("dataset", dataset)];
    Running { honeycomb, access: access(&PROVIDER, &fields), _guard: guard }
}

async fn running() -> Running {
    start(checkout(window().onset), 0, "__all__").await
}

fn of_checkout() -> Input {
    input("labels", json!({"alertname": "Errors", "service": "checkout-api", "env": "prod"}))
}

fn kinds(answer: &Answer) -> Vec<&str> {
    answer.evidence.iter().map(|evidence| evidence.data.kind()).collect()
}

fn columns(pairs: &[(&str, &str)]) -> Columns {
    let mut columns = Columns::default();
    let all: Vec<Json> = pairs.iter().map(|(name, kind)| json!({"key_name": name, "type": kind})).collect();
    columns.add(&json!(all)).unwrap();
    columns
}

#[tokio::test]
async fn the_probe_polls_a_count_and_says_who_we_are() {
    let running = start(checkout(window().onset), 1, "__all__").await;
    let proved = probe(&PROVIDER, &running.access).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    let identity = |key: &str| proved.identity[key].as_str();
    assert_eq!((identity("team"), identity("environment"), identity("dataset")), ("shop-inc", "prod", "__all__"));
    let created = &running.honeycomb.stage.asked("/1/queries/__all__")[0];
    assert_eq!(created.body, json!({"calculations": [{"op": "COUNT"}], "time_range": 900}));
    assert_eq!(created.headers["x-honeycomb-team"], "canary-key");
    let polled = running.honeycomb.stage.asked("/1/query_results/__all__/");
    assert_eq!(polled.len(), 2, "asked again while it was not complete");
}

#[tokio::test]
async fn the_probe_tells_failures_apart() {
    let said = |status, headers| Misbehaviour::Status(status, headers, json!({"error": "no"}));
    for (path, how, words) in [
        ("/1/auth", said(401, vec![]), "401"),
        ("/1/auth", said(404, vec![]), "404"),
        ("/1/auth", Misbehaviour::LoginPage, "login page"),
        ("/1/auth", Misbehaviour::WrongTypes, "names no team"),
        ("/1/queries", said(403, vec![]), "403"),
        ("/1/queries", said(429, vec![("ratelimit", "limit=10, remaining=0, reset=60".to_owned())]), "wait 60 s"),
        ("/1/query_results", said(500, vec![]), "500"),
        ("/1/query_results", Misbehaviour::Cut, "broke"),
    ] {
        let running = running().await;
        running.honeycomb.stage.misbehave(path, how);
        let failed = probe(&PROVIDER, &running.access).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{words}");
        assert!(failed.detail.contains(words), "{words}: {failed:?}");
        assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
        if words == "403" {
            assert!(failed.hint.unwrap().contains("Run Queries"));
        }
    }
}

#[tokio::test]
async fn a_result_that_is_never_complete_is_given_up() {
    let running = start(checkout(window().onset), 1000, "__all__").await;
    let answer =
        ask(&PROVIDER, &running.access, "query", &input("query", json!(r#"{"calculations":[{"op":"COUNT"}]}"#))).await;
    assert_eq!(answer.evidence.len(), 0);
    assert_eq!(reasons(&answer), ["the query was not complete after 10 questions"]);
    assert_eq!(running.honeycomb.stage.asked("/1/query_results/__all__/").len(), 10);
}

#[tokio::test]
async fn spans_show_what_fails_and_the_worst_traces() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "spans", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    let errors = &answer.evidence[0];
    assert_eq!(errors.summary, "50 or more spans with an error, 0 in the baseline");
    let EvidenceData::Spans { spans } = &errors.data else { panic!() };
    assert!(spans.iter().all(|span| span.error && span.start >= window().onset));
    let query: Json = serde_json::from_str(&errors.origin.query).unwrap();
    assert_eq!(query["filters"][0], json!({"column": "service.name", "op": "=", "value": "checkout-api"}));
    assert!(errors.origin.link.as_deref().unwrap().starts_with("https://ui.honeycomb.io/shop-inc/environments/prod/"));
    let trace = answer.evidence.iter().find(|evidence| evidence.summary.starts_with("trace: 2 spans, 2 with")).unwrap();
    let EvidenceData::Spans { spans } = &trace.data else { panic!() };
    let call = spans.iter().find(|span| span.parent_id.as_deref() == Some("a1")).unwrap();
    assert_eq!(
        (call.message.as_str(), call.attributes["server.address"].as_str()),
        ("too many clients already", "payments-db")
    );
    assert!(trace.origin.link.is_some());
    assert_eq!(
        answer.evidence.last().unwrap().summary,
        "failed calls in these traces: checkout-api -> postgresql payments-db"
    );
}

#[tokio::test]
async fn rates_are_counted_in_steps() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "rates", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    let read = |place: usize| match &answer.evidence[place].data {
        EvidenceData::Metrics { meaning, series, .. } => (*meaning, series[0].points.clone()),
        other => panic!("{}", other.kind()),
    };
    let ((traffic, all), (latency, slow), (errors, failed)) = (read(0), read(1), read(2));
    assert_eq!((traffic, latency, errors), (Meaning::Traffic, Meaning::Latency, Meaning::Errors));
    assert_eq!(all.len(), failed.len());
    let onset = window().onset;
    assert!(
        failed.iter().all(|(time, count)| (*count > 0.0) == (*time >= onset - jiff::SignedDuration::from_secs(119))),
        "{failed:?}"
    );
    assert!(slow.iter().any(|(_, value)| *value >= 2000.0) && slow[0].1 < 50.0);
}

#[tokio::test]
async fn logs_are_found_by_their_columns() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "logs", &input("labels", json!({"service": "checkout-api"}))).await;
    assert_eq!(reasons(&answer), [""; 0]);
    assert_eq!(answer.evidence[0].summary, "30 lines of errors, none in the baseline; the first at 12:15:01Z");
    assert!(messages(&answer.evidence[0])[0].contains("too many clients already"));
    let EvidenceData::Logs { lines } = &answer.evidence[0].data else { panic!() };
    assert_eq!((lines[0].level.as_deref(), lines[0].labels["service.name"].as_str()), (Some("error"), "checkout-api"));
    assert!(answer.evidence[0].origin.link.is_some());
    assert!(answer.evidence[2].summary.contains("of a sample"));
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let running = running().await;
    let spans = ask(&PROVIDER, &running.access, "spans", &input("labels", json!({"service": "nowhere"}))).await;
    assert_eq!(reasons(&spans), ["no span in the window is of what the alert names (nowhere)"]);
    let scoped = input("labels", json!({"service": "checkout-api", "env": "production"}));
    let spans = ask(&PROVIDER, &running.access, "spans", &scoped).await;
    assert!(spans.evidence[0].summary.contains("not narrowed by env=production"), "{}", spans.evidence[0].summary);
    // A dataset without logs, without service names.
    let bare = json!({"name": "x", "trace.trace_id": "1", "trace.span_id": "2", "duration_ms": 1.0});
    let event = Event { dataset: "bare".to_owned(), time: window().onset, fields: bare.as_object().cloned().unwrap() };
    let bare = start(vec![event], 0, "bare").await;
    for query in ["spans", "rates", "logs"] {
        let answer = ask(&PROVIDER, &bare.access, query, &of_checkout()).await;
        assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::NotRelevant), "{query}");
        assert!(answer.gaps[0].hint.as_deref().unwrap().contains("service.name"));
    }
}

#[tokio::test]
async fn traces_by_id_come_with_their_log_lines() {
    let running = running().await;
    let ids = json!([format!("{:032x}", 0xabc0_0000_u32), "x\" OR 1=1"]);
    let answer = ask(&PROVIDER, &running.access, "trace", &input("trace_ids", ids)).await;
    assert_eq!(kinds(&answer), ["spans", "states", "logs"]);
    assert_eq!(messages(&answer.evidence[2]), ["connection to payments-db refused: too many clients already"]);
    assert_eq!(answer.gaps.len(), 1);
    let gone = ask(&PROVIDER, &running.access, "trace", &input("trace_ids", json!(["f00d"]))).await;
    assert_eq!((gone.evidence.len(), gone.gaps[0].kind), (0, GapKind::NotRelevant));
}

#[tokio::test]
async fn a_written_query_hangs_on_the_window() {
    let running = running().await;
    let written =
        r#"{"calculations": [{"op": "COUNT"}], "breakdowns": ["service.name"], "time_range": 60, "granularity": 600}"#;
    let answer = ask(&PROVIDER, &running.access, "query", &input("query", json!(written))).await;
    let EvidenceData::Metrics { series, .. } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!(series.len(), 2);
    assert_eq!(series[1].labels, labels(&[("calculation", "COUNT"), ("service.name", "search")]));
    let sent = &running.honeycomb.stage.asked("/1/queries/")[0].body;
    assert_eq!((sent["start_time"].as_i64(), sent["end_time"].as_i64()), (Some(1_714_561_200), Some(1_714_567_500)));
    assert!(sent.get("time_range").is_none());
    let bad = ask(&PROVIDER, &running.access, "query", &input("query", json!("COUNT"))).await;
    assert!(bad.gaps[0].hint.is_some());
    let unknown = json!(r#"{"breakdowns": ["nothing"]}"#);
    let unknown = ask(&PROVIDER, &running.access, "query", &input("query", unknown)).await;
    assert!(unknown.gaps[0].reason.contains("unknown column name"), "{unknown:?}");
}

#[tokio::test]
async fn no_failure_looks_like_nothing_was_there() {
    for how in [
        Misbehaviour::Status(403, vec![], json!({"error": "no"})),
        Misbehaviour::Status(429, vec![("retry-after", "120".to_owned())], json!({"error": "slow"})),
        Misbehaviour::Status(500, vec![], json!({})),
        Misbehaviour::LoginPage,
        Misbehaviour::WrongTypes,
        Misbehaviour::Cut,
        Misbehaviour::Huge(8 * 1024 * 1024),
    ] {
        for path in ["/1/datasets", "/1/columns", "/1/queries", "/1/query_results"] {
            let running = running().await;
            running.honeycomb.stage.misbehave(path, how.clone());
            for query in ["spans", "rates", "logs"] {
                let answer = ask(&PROVIDER, &running.access, query, &of_checkout()).await;
                assert!(answer.evidence.is_empty() && !answer.gaps.is_empty(), "{query} {path} {how:?}: {answer:?}");
                assert!(!format!("{answer:?}").contains("canary"));
            }
        }
    }
}

#[tokio::test]
async fn the_deadline_ends_the_polling_and_only_the_chosen_instance_is_called() {
    let (mut chosen, other) = (start(checkout(window().onset), 1000, "__all__").await, running().await);
    chosen.honeycomb.stage.misbehave("/1/query_results", Misbehaviour::Slow(Duration::from_millis(100)));
    chosen.access.deadline = Instant::now() + Duration::from_millis(700);
    let answer = ask(&PROVIDER, &chosen.access, "rates", &of_checkout()).await;
    assert_eq!(answer.gaps.iter().map(|gap| gap.kind).collect::<Vec<_>>(), [GapKind::Deadline]);
    assert!(other.honeycomb.stage.seen().is_empty());
}

#[test]
fn columns_decide_what_is_asked() {
    let known = columns(&[
        ("service_name", "string"),
        ("trace.trace_id", "string"),
        ("trace.span_id", "string"),
        ("duration_ms", "float"),
        ("error", "string"),
        ("level", "string"),
    ]);
    assert_eq!(known.find(names::SERVICE), Some("service_name"));
    assert_eq!(known.failed(), Some(json!({"column": "error", "op": "exists"})));
    assert_eq!(columns(&[("error", "boolean")]).failed().unwrap()["value"], true);
    assert_eq!(columns(&[("error", "integer")]).failed().unwrap()["op"], ">=");
    let built = spec::spans(&known, &[], Order::Newest, 7).unwrap();
    assert_eq!(built["breakdowns"], json!(["trace.trace_id", "trace.span_id", "service_name", "error"]));
    assert_eq!((built["limit"].as_u64(), built["orders"][0]["op"].as_str()), (Some(7), Some("MIN")));
    assert_eq!(spec::logs(&known, &[], true, 1), None, "no column has a text");
    assert_eq!(spec::spans(&columns(&[("duration_ms", "float")]), &[], Order::Newest, 1), None);
    assert!(Columns::default().add(&json!({"error": "x"})).is_err());
}

#[test]
fn odd_results_are_counted_or_refused() {
    assert!(wire::points(&json!({"series": {}}), "COUNT").is_err());
    assert!(wire::series(&json!([])).is_err());
    let data =
        json!({"series": [{"time": "2024-05-01T12:00:00Z", "data": {"COUNT": 3, "P95(x)": null}}, {"time": 5}, "odd"]});
    assert_eq!(wire::points(&data, "COUNT").unwrap().len(), 1);
    assert_eq!(wire::series(&data).unwrap().len(), 1);
    assert_eq!(wire::series(&json!({"series": null})).unwrap(), []);
}

proptest! {
    #[test]
    fn a_value_is_a_json_value_whatever_is_in_it(service in any::<String>(), env in any::<String>()) {
        let known = columns(&[("environment", "string")]);
        let scope = known.scope(&labels(&[("env", &env)]));
        prop_assert_eq!(scope.is_empty(), env.trim().is_empty());
        let filter = opensre_providers::honeycomb::columns::equal("service.name", &service);
        let read: Json = serde_json::from_str(&filter.to_string()).unwrap();
        prop_assert_eq!(read["value"].as_str(), Some(service.as_str()));
    }
}

#[test]
fn relevance_follows_from_what_the_alert_names() {
    let asks = |name: &str, alert| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
        matches!((query.relevance)(alert), Relevance::Ask(_))
    };
    let mut named = alert(&[("app", "checkout-api")]);
    named.references.trace_ids = vec!["abc".to_owned()];
    let nothing = alert(&[("severity", "page"), ("pod", "x")]);
    for name in ["spans", "rates", "logs", "trace"] {
        assert!(asks(name, &named) && !asks(name, &nothing), "{name}");
    }
    assert!(!asks("query", &named));
}
