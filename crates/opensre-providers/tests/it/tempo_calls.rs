//! Tempo, asked over HTTP: what is sent, what is made of the answers, and what of failures.

use opensre_model::evidence::{EvidenceData, GapKind};
use opensre_providers::driver::{Input, ProbeStatus};
use opensre_providers::tempo::PROVIDER;
use serde_json::{Value as Json, json};

use crate::loki_formats::{Token, lex};
use crate::stub::{Said, Seen, Stub, access, ask, input, nanoseconds, probe, reasons, summaries};

const ERRONEOUS: &str = "000000000000000000000000000000e1";
const SLOW: &str = "000000000000000000000000000000a1";
const ORDINARY: &str = "000000000000000000000000000000b1";

fn summary(id: &str, at: &str, duration_ms: u64, status: &str) -> Json {
    json!({"traceID": id, "rootServiceName": "frontend", "rootTraceName": "GET /cart", "startTimeUnixNano": nanoseconds(at), "durationMs": duration_ms,
        "spanSets": [{"matched": 1, "spans": [{"spanID": "00000000000000c1", "startTimeUnixNano": nanoseconds(at), "durationNanos": (duration_ms * 1_000_000).to_string(),
            "attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}, {"key": "status", "value": {"stringValue": status}}]}]}]})
}

/// What a Tempo answers in which `checkout` fails since 12:14.
fn tempo(seen: &Seen) -> Said {
    let baseline = seen.parameter("end") == "1714564800";
    let trace = |id: &str, at: &str, code: u64| {
        Said::Json(
            json!({"trace": {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
            "scopeSpans": [{"spans": [
                {"traceId": id, "spanId": "00000000000000c1", "name": "POST /pay", "kind": 2, "startTimeUnixNano": nanoseconds(at),
                 "endTimeUnixNano": (nanoseconds(at).parse::<i128>().unwrap() + 300_000_000).to_string(), "status": {"code": code}},
                {"traceId": id, "spanId": "00000000000000c2", "parentSpanId": "00000000000000c1", "name": "SELECT", "kind": 3, "startTimeUnixNano": nanoseconds(at),
                 "endTimeUnixNano": (nanoseconds(at).parse::<i128>().unwrap() + 200_000_000).to_string(), "status": {"code": code, "message": "too many connections"},
                 "attributes": [{"key": "db.system", "value": {"stringValue": "postgresql"}}]},
            ]}]}]}}),
        )
    };
    match seen.path.as_str() {
        "/api/v2/search/tags" => Said::Json(json!({"scopes": [{"name": "resource", "tags": ["service.name"]}]})),
        "/api/status/buildinfo" => Said::Json(json!({"version": "2.6.0"})),
        "/api/v2/search/tag/resource.service.name/values" => Said::Json(
            json!({"tagValues": [{"type": "string", "value": "checkout"}, {"type": "string", "value": "frontend"}]}),
        ),
        "/api/search" => {
            let query = seen.parameter("q");
            let traces = if !query.contains("\"checkout\"") {
                json!([])
            } else if query.contains("status = error") {
                if baseline { json!([]) } else { json!([summary(ERRONEOUS, "12:14:00", 300, "error")]) }
            } else if query.contains("duration") {
                if baseline { json!([]) } else { json!([summary(SLOW, "12:20:00", 4000, "unset")]) }
            } else if baseline {
                json!([summary(ORDINARY, "11:30:00", 30, "unset")])
            } else {
                json!([summary(ERRONEOUS, "12:14:00", 300, "error")])
            };
            Said::Json(json!({"traces": traces, "metrics": {}}))
        }
        path if path == format!("/api/v2/traces/{ERRONEOUS}") => trace(ERRONEOUS, "12:14:00", 2),
        path if path == format!("/api/v2/traces/{SLOW}") => trace(SLOW, "12:20:00", 0),
        path if path == format!("/api/v2/traces/{ORDINARY}") => trace(ORDINARY, "11:30:00", 0),
        path if path.starts_with("/api/v2/traces/") || path.starts_with("/api/traces/") => Said::Status(404),
        path => panic!("{path} is not asked for"),
    }
}

fn of(service: &str) -> Input {
    input("labels", json!({"service": service}))
}

#[tokio::test]
async fn the_traces_of_a_service_before_and_since() {
    let stub = Stub::start(tempo).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url), ("org_id", "shop")]);
    let answer = ask(&PROVIDER, &access, "search", &of("checkout")).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(
        summaries(&answer),
        [
            "1 trace with an error of checkout, 0 in the baseline",
            "1 trace with a span of checkout of 1000 ms or more, 0 in the baseline",
            "1 trace of checkout, 1 in the baseline; median 300 ms, 30 ms in the baseline",
            "trace: 2 spans, 2 with an error; checkout SELECT itself takes 200 ms of it",
            "trace: 2 spans, 0 with an error; checkout SELECT itself takes 200 ms of it",
            "trace of the baseline: 2 spans, 0 with an error; checkout SELECT itself takes 200 ms of it",
            "failed calls in these traces: checkout -> postgresql",
        ]
    );
    let EvidenceData::Spans { spans } = &answer.evidence[0].data else { panic!("these are spans") };
    assert_eq!((spans[0].service.as_str(), spans[0].error), ("checkout", true));
    let EvidenceData::States { states } = &answer.evidence[6].data else { panic!("these are states") };
    assert_eq!(
        (states[0].attributes["calls"].as_str(), states[0].attributes["error"].as_str()),
        ("2", "too many connections")
    );
    assert_eq!(answer.evidence[3].origin.query, ERRONEOUS);
    assert!(answer.evidence[3].origin.link.as_ref().unwrap().ends_with(&format!("/api/traces/{ERRONEOUS}")));

    let searches = stub.asked("/api/search");
    assert_eq!(searches.len(), 6);
    for seen in &searches {
        let (start, end): (i64, i64) =
            (seen.parameter("start").parse().unwrap(), seen.parameter("end").parse().unwrap());
        assert!((1_714_561_200..=1_714_567_500).contains(&start) && start < end && end <= 1_714_567_500, "{seen:?}");
    }
    assert!(stub.seen().iter().all(|seen| seen.headers["x-scope-orgid"] == "shop"));
    assert_eq!(answer.calls, stub.seen().len() as u64);
}

#[tokio::test]
async fn a_service_is_found_under_the_name_that_its_spans_have() {
    let stub = Stub::start(tempo).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer =
        ask(&PROVIDER, &access, "search", &input("labels", json!({"service": "Checkout", "job": "shop/checkout"})))
            .await;
    assert_eq!(summaries(&answer)[0], "1 trace with an error of checkout, 0 in the baseline");

    let answer = ask(&PROVIDER, &access, "search", &of("billing")).await;
    assert_eq!(answer.evidence, []);
    assert_eq!(reasons(&answer), ["no service in the window is called what the alert names (billing)"]);
    assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
}

#[tokio::test]
async fn an_old_tempo_is_asked_by_its_first_version() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        path if path.starts_with("/api/v2/") => Said::Status(404),
        "/api/search/tags" => Said::Json(json!({"tagNames": ["service.name", "x"]})),
        "/api/search/tag/service.name/values" => Said::Json(json!({"tagValues": ["checkout"]})),
        path if path.starts_with("/api/traces/") => {
            let id = path.trim_start_matches("/api/traces/");
            let Said::Json(newer) = tempo(&Seen { path: format!("/api/v2/traces/{id}"), ..seen.clone() }) else {
                return Said::Status(404);
            };
            Said::Json(json!({"batches": newer["trace"]["resourceSpans"]}))
        }
        "/api/status/buildinfo" => Said::Status(404),
        _ => tempo(seen),
    })
    .await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    assert_eq!(probe(&PROVIDER, &access).await.detail, "the API answers; it knows 2 tags");
    let answer = ask(&PROVIDER, &access, "search", &of("checkout")).await;
    assert_eq!((answer.evidence.len(), answer.gaps.len()), (7, 0));
}

#[tokio::test]
async fn traces_that_the_alert_names_are_read_and_the_missing_told() {
    let stub = Stub::start(tempo).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let ids = json!([ERRONEOUS, "e1", "00000000000000000000000000000fff", "../../admin"]);
    let answer = ask(&PROVIDER, &access, "trace", &input("trace_ids", ids)).await;
    assert_eq!(summaries(&answer).len(), 2, "the same trace counts once");
    assert_eq!(
        reasons(&answer),
        [
            "the alert names a trace by something that is no trace id",
            "there is no trace 00000000000000000000000000000fff"
        ]
    );
    assert!(stub.seen().iter().all(|seen| !seen.path.contains("admin")));
}

#[tokio::test]
async fn a_failed_search_is_a_gap_and_never_looks_like_quiet() {
    let stub = Stub::start(|seen| if seen.path == "/api/search" { Said::Status(500) } else { tempo(seen) }).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "search", &of("checkout")).await;
    assert_eq!(answer.evidence, []);
    assert_eq!(answer.gaps.len(), 6);
    assert!(answer.gaps.iter().all(|gap| gap.kind == GapKind::Failed));
}

#[tokio::test]
async fn a_probe_passes_on_tempos_own_answer_alone() {
    let stub = Stub::start(tempo).await;
    let passed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)])).await;
    assert_eq!((passed.status, passed.detail.as_str()), (ProbeStatus::Passed, "the API answers; it knows 1 tags"));
    assert_eq!(passed.identity["version"], "2.6.0");
    type Case = (fn(&Seen) -> Said, &'static str);
    let cases: [Case; 3] = [
        (|_| Said::Page, "HTML"),
        (|_| Said::Status(401), "401"),
        (|_| Said::Json(json!({"status": "ok"})), "not Tempo's"),
    ];
    for (answer, word) in cases {
        let stub = Stub::start(answer).await;
        let failed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)])).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{word}");
        assert!(failed.detail.contains(word), "{}", failed.detail);
    }
}

#[tokio::test]
async fn a_hostile_label_of_an_alert_stays_a_value_in_every_query() {
    for hostile in ["\" } || { true", "a\\", "`x`\n#", "\u{0}"] {
        let stub = Stub::start(tempo).await;
        let access = access(&PROVIDER, &[("base_url", &stub.url)]);
        // A name that is not there: what is sent is sent on the strength of the alert alone.
        ask(&PROVIDER, &access, "search", &of(hostile)).await;
        let searches = stub.asked("/api/search");
        assert_eq!(searches.len(), 6, "{hostile:?}");
        for seen in searches {
            let tokens = lex(seen.parameter("q")).expect("a query that can be lexed");
            assert_eq!(tokens[3], Token::Text(hostile.trim().to_owned()));
            assert_eq!(tokens.iter().filter(|token| matches!(token, Token::Text(_))).count(), 1);
        }
    }
}
