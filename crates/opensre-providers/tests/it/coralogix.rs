//! Coralogix: DataPrime, JSON lines, and the queries against the simulator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opensre_lab::vendors::coralogix::{Coralogix, Entry, checkout, run};
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{EvidenceData, GapKind, Meaning};
use opensre_providers::coralogix::PROVIDER;
use opensre_providers::coralogix::dataprime::{Condition, Source, counts, entries, literal, of_trace, selections};
use opensre_providers::coralogix::wire::{self, NotRows};
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::{access, alert, ask, input, labels, messages, probe, reasons, summaries, window};

struct Running {
    coralogix: Arc<Coralogix>,
    access: Access,
    _guard: Guard,
}

async fn start(more: &[(&'static str, &str)]) -> Running {
    let coralogix = Coralogix::new("canary-key", checkout(window().onset));
    let (address, guard) = serve(coralogix.router()).await.unwrap();
    let url = format!("http://{address}");
    let mut fields = vec![("api_key", "canary-key"), ("base_url", url.as_str())];
    fields.extend(more);
    Running { coralogix, access: access(&PROVIDER, &fields), _guard: guard }
}

fn of_checkout() -> Input {
    input("labels", json!({"alertname": "Errors", "service": "checkout-api", "namespace": "shop"}))
}

fn kinds(answer: &Answer) -> Vec<&str> {
    answer.evidence.iter().map(|evidence| evidence.data.kind()).collect()
}

#[tokio::test]
async fn the_probe_asks_for_one_log_of_a_quarter_of_an_hour() {
    let running = start(&[("application_name", "shop")]).await;
    let proved = probe(&PROVIDER, &running.access).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    assert_eq!((proved.identity["application"].as_str(), proved.identity["domain"].as_str()), ("shop", "127.0.0.1"));
    let seen = &running.coralogix.stage.seen()[0];
    assert_eq!(
        (seen.path.as_str(), seen.headers["authorization"].as_str()),
        ("/api/v1/dataprime/query", "Bearer canary-key")
    );
    assert_eq!(
        (seen.body["query"].as_str(), seen.body["metadata"]["defaultSource"].as_str()),
        (Some("source logs | limit 1"), Some("logs"))
    );
    let time = |key: &str| seen.body["metadata"][key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("endDate").duration_since(time("startDate")).as_mins(), 15);
}

#[tokio::test]
async fn the_probe_tells_failures_apart() {
    let said = |status, headers, body| Misbehaviour::Status(status, headers, body);
    for (how, words) in [
        (said(401, vec![], json!({"message": "no"})), "401"),
        (said(403, vec![], json!({"message": "no"})), "403"),
        (said(404, vec![], json!({})), "404"),
        (said(500, vec![], json!({})), "500"),
        (said(429, vec![("retry-after", "60".to_owned())], json!({})), "wait 60 s"),
        (
            said(200, vec![], json!({"error": {"queryError": {"errorMessage": "out of memory"}}})),
            "Coralogix says: out of memory",
        ),
        (said(200, vec![], json!({"status": "ok"})), "not that of a DataPrime query"),
        (said(200, vec![], json!("x")), "not that of a DataPrime query"),
        (Misbehaviour::LoginPage, "login page"),
        (Misbehaviour::Cut, "broke"),
    ] {
        let running = start(&[]).await;
        running.coralogix.stage.misbehave("/", how);
        let failed = probe(&PROVIDER, &running.access).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{words}");
        assert!(failed.detail.contains(words), "{words}: {failed:?}");
        assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
        if words == "401" {
            assert!(failed.hint.unwrap().contains("DataQuerying"));
        }
    }
}

#[tokio::test]
async fn logs_are_those_of_the_service_in_its_application() {
    let running = start(&[("app_url", "https://shop.app.eu2.coralogix.com")]).await;
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    assert_eq!(
        summaries(&answer),
        [
            "30 lines of errors, none in the baseline; the first at 12:15:01Z",
            "4 lines of warnings, 6 in the baseline; the first at 12:05:00Z",
            "26 lines of a sample of all lines, 66 in the baseline; the first at 12:10:00Z",
            "29 lines of errors since 12:00:00Z, 0 in the baseline",
            "77 lines since 12:00:00Z, 66 in the baseline",
        ]
    );
    let errors = &answer.evidence[0];
    assert!(messages(errors)[0].contains("too many clients already"));
    let EvidenceData::Logs { lines } = &errors.data else { panic!() };
    assert_eq!(lines[0].level.as_deref(), Some("error"));
    let of = |key: &str| lines[0].labels[key].as_str();
    assert_eq!(
        (of("service"), of("applicationname"), of("pod"), of("host")),
        ("checkout-api", "shop", "x-1", "node-3")
    );
    assert!(of("trace_id").starts_with("0000"));
    assert_eq!(
        errors.origin.query,
        "source logs | filter ($l.subsystemname == 'checkout-api' || $l.applicationname == 'checkout-api') \
         && $l.applicationname == 'shop' && ($m.severity == ERROR || $m.severity == CRITICAL) \
         | orderby $m.timestamp asc | limit 400"
    );
    assert!(errors.origin.link.as_deref().unwrap().starts_with(
        "https://shop.app.eu2.coralogix.com/#/query-new/logs?querySyntax=dataprime&time=from%3A1714561200000%2Cto%3A"
    ));
}

#[tokio::test]
async fn an_instance_is_narrowed_to_its_application_and_a_scope_that_is_not_there_is_left_out() {
    let running = start(&[("application_name", "staging")]).await;
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    assert!(answer.evidence[0].summary.ends_with("; not narrowed by application shop, which is not there"));
    assert!(messages(&answer.evidence[0]).iter().all(|message| message.contains("staging")));
    assert!(
        running
            .coralogix
            .stage
            .seen()
            .iter()
            .all(|seen| seen.body["query"].as_str().unwrap().contains("$l.applicationname == 'staging'"))
    );
}

#[tokio::test]
async fn nothing_is_a_gap_and_the_archive_is_asked_before_it_is_said() {
    let running = start(&[]).await;
    let answer = ask(&PROVIDER, &running.access, "logs", &input("labels", json!({"service": "nowhere"}))).await;
    assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::NotRelevant));
    let tiers: Vec<Json> =
        running.coralogix.stage.seen().iter().map(|seen| seen.body["metadata"]["tier"].clone()).collect();
    assert!(tiers[0].is_null() && tiers.last().unwrap() == "TIER_ARCHIVE", "{tiers:?}");
}

#[tokio::test]
async fn spans_show_what_fails_and_the_worst_traces() {
    let running = start(&[]).await;
    let answer = ask(&PROVIDER, &running.access, "spans", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    assert_eq!(answer.evidence[0].summary, "50 or more spans with an error, 0 in the baseline");
    let EvidenceData::Spans { spans } = &answer.evidence[0].data else { panic!() };
    assert_eq!((spans[0].message.as_str(), spans[0].service.as_str()), ("too many clients already", "checkout-api"));
    assert!(spans.iter().any(|span| (span.duration_ms - 2000.0).abs() < 1e-6));
    assert_eq!(
        answer.evidence.last().unwrap().summary,
        "failed calls in these traces: checkout-api -> postgresql payments-db"
    );
    let ids = json!([format!("{:032x}", 0xabc0_0000_u32), "' || true || '"]);
    let named = ask(&PROVIDER, &running.access, "trace", &input("trace_ids", ids)).await;
    assert_eq!((kinds(&named), named.gaps.len()), (vec!["spans", "states", "logs"], 1));
    assert_eq!(messages(&named.evidence[2]), ["connection to payments-db refused: too many clients already"]);
}

#[tokio::test]
async fn a_written_query_is_bounded() {
    let running = start(&[]).await;
    let written = "source logs | filter $m.severity == ERROR # all of them";
    let answer = ask(&PROVIDER, &running.access, "query", &input("query", json!(written))).await;
    assert_eq!(kinds(&answer), ["logs"]);
    assert_eq!(answer.evidence[0].origin.query, written);
    assert_eq!(running.coralogix.stage.seen()[0].body["query"], format!("{written}\n| limit 500"));
    let bad = ask(&PROVIDER, &running.access, "query", &input("query", json!("source logs | nonsense"))).await;
    assert!(bad.gaps[0].reason.contains("Compilation errors"), "{bad:?}");
}

#[tokio::test]
async fn no_failure_looks_like_nothing_was_there() {
    for how in [
        Misbehaviour::Status(403, vec![], json!({"message": "no"})),
        Misbehaviour::Status(429, vec![("retry-after", "120".to_owned())], json!({})),
        Misbehaviour::Status(500, vec![], json!({})),
        Misbehaviour::Status(200, vec![], json!({"error": {"message": "no"}})),
        Misbehaviour::LoginPage,
        Misbehaviour::WrongTypes,
        Misbehaviour::Cut,
        Misbehaviour::Huge(8 * 1024 * 1024),
    ] {
        let running = start(&[]).await;
        running.coralogix.stage.misbehave("/", how.clone());
        for query in ["logs", "spans"] {
            let answer = ask(&PROVIDER, &running.access, query, &of_checkout()).await;
            assert!(answer.evidence.is_empty() && !answer.gaps.is_empty(), "{query} {how:?}: {answer:?}");
            assert!(!format!("{answer:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn the_deadline_ends_everything_and_only_the_chosen_instance_is_called() {
    let (mut chosen, other) = (start(&[]).await, start(&[]).await);
    chosen.coralogix.stage.misbehave("/", Misbehaviour::Slow(Duration::from_mins(1)));
    chosen.access.deadline = Instant::now() + Duration::from_millis(200);
    for query in ["logs", "spans"] {
        let answer = ask(&PROVIDER, &chosen.access, query, &of_checkout()).await;
        assert!(answer.gaps.iter().any(|gap| gap.kind == GapKind::Deadline), "{answer:?}");
    }
    assert!(other.coralogix.stage.seen().is_empty());
}

/// What the simulator finds for a subsystem that is called as a value says.
fn found(value: &str, condition: &Condition) -> Result<usize, String> {
    let onset = window().onset;
    let entry = |name: &str| Entry {
        source: "logs",
        time: onset,
        metadata: json!({}),
        labels: json!({"subsystemname": name}),
        data: json!({}),
    };
    let all = [entry(value), entry("other")];
    run(&all, &entries(Source::Logs, condition, true, 10), window().start, window().end).map(|rows| rows.len())
}

#[test]
fn values_stay_literals_whatever_is_in_them() {
    for evil in ["it's", "\\", "\\'", "' || true || '", "a # b", "a // b", "a | limit 0", "$d.x", "\"", "/* x */"] {
        let condition = Condition::any_is(&["$l.subsystemname"], evil);
        assert_eq!(found(evil, &condition), Ok(1), "{evil}");
    }
    assert_eq!(literal("a\nb\u{2028}c"), "'a b c'");
}

proptest! {
    #[test]
    fn any_value_finds_itself_alone(value in any::<String>()) {
        let clean: String = value
            .chars()
            .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
            .collect();
        prop_assume!(clean != "other");
        prop_assert_eq!(found(&clean, &Condition::any_is(&["$l.subsystemname"], &value)), Ok(1));
    }

    #[test]
    fn any_labels_make_queries_that_are_read(service in any::<String>(), namespace in any::<String>(), id in any::<String>()) {
        let labels = labels(&[("service", &service), ("namespace", &namespace)]);
        for source in [Source::Logs, Source::Spans] {
            for selection in selections(source, &labels, Some(&namespace), None) {
                for query in [entries(source, &selection.condition, true, 5), counts(source, &selection.condition, 120)] {
                    prop_assert!(run(&[], &query, window().start, window().end).is_ok(), "{}", query);
                }
            }
        }
        prop_assert!(run(&[], &entries(Source::Spans, &of_trace(&id), true, 5), window().start, window().end).is_ok());
    }

    #[test]
    fn any_answer_is_read_or_refused(text in any::<String>()) {
        let _ = wire::rows(&text);
        let _ = wire::time(&text);
    }
}

#[test]
fn every_line_must_parse() {
    let good = "{\"queryId\":{\"queryId\":\"x\"}}\n\n{\"result\":{\"results\":[{\"metadata\":[],\"labels\":[],\"userData\":\"no json\"}]}}\n";
    let rows = wire::rows(good).unwrap();
    assert_eq!(rows.rows[0].data, json!("no json"));
    assert_eq!(wire::rows(&format!("{good}{{\"result\":")), Err(NotRows::NoJson(4)));
    assert_eq!(wire::rows(""), Err(NotRows::Foreign));
    assert_eq!(wire::rows("{\"result\": {}}"), Err(NotRows::Foreign));
    let warned =
        wire::rows("{\"queryId\":{}}\n{\"warning\":{\"compileWarning\":{\"warningMessage\":\"no such  key\"}}}")
            .unwrap();
    assert_eq!(warned.said, ["no such key"]);
}

#[test]
fn times_are_read_in_their_usual_forms() {
    let noon = "2024-05-01T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    for written in [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00.000000",
        "1714564800",
        "1714564800000",
        "1714564800000000",
        "1714564800000000000",
    ] {
        assert_eq!(wire::time(written), Some(noon), "{written}");
    }
    assert_eq!(wire::time("noon"), None);
}

#[tokio::test]
async fn counts_are_metrics() {
    let running = start(&[]).await;
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    let EvidenceData::Metrics { meaning, series, .. } = &answer.evidence[3].data else { panic!() };
    assert_eq!((*meaning, series[0].points.iter().filter(|(_, count)| *count > 0.0).count()), (Meaning::Errors, 15));
}

#[test]
fn relevance_follows_from_what_the_alert_names() {
    let asks = |name: &str, alert: &opensre_model::alert::Alert| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
        matches!((query.relevance)(alert), Relevance::Ask(_))
    };
    let nothing = alert(&[("severity", "page"), ("namespace", "shop")]);
    for pairs in [&[("service", "a")][..], &[("applicationname", "a")], &[("subsystem", "a")]] {
        assert!(asks("logs", &alert(pairs)) && asks("spans", &alert(pairs)) && !asks("trace", &alert(pairs)));
    }
    assert!(["logs", "spans", "trace", "query"].iter().all(|name| !asks(name, &nothing)));
}
