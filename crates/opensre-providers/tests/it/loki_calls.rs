//! Loki, asked over HTTP: what is sent, what is made of the answers, and what of failures.

use opensre_model::evidence::{EvidenceData, GapKind, Meaning};
use opensre_providers::driver::{Input, ProbeStatus};
use opensre_providers::loki::PROVIDER;
use serde_json::{Value as Json, json};

use crate::loki_formats::{Token, lex};
use crate::stub::{Said, Seen, Stub, access, ask, input, messages, nanoseconds, probe, reasons, summaries, window};

/// What a Loki with the streams of one service answers.
fn loki(seen: &Seen) -> Said {
    Said::Json(match seen.path.as_str() {
        "/loki/api/v1/labels" => json!({"status": "success", "data": ["app", "environment", "level", "service_name"]}),
        "/loki/api/v1/label/app/values" => json!({"status": "success", "data": ["cart", "checkout"]}),
        "/loki/api/v1/label/service_name/values" => json!({"status": "success", "data": ["unknown_service"]}),
        "/loki/api/v1/label/environment/values" => json!({"status": "success", "data": ["prod"]}),
        "/loki/api/v1/query_range" => ranged(seen),
        "/loki/api/v1/status/buildinfo" => json!({"version": "3.1.0"}),
        path if path.starts_with("/loki/api/v1/label/") => json!({"status": "success"}),
        path => panic!("{path} is not asked for"),
    })
}

fn ranged(seen: &Seen) -> Json {
    let query = seen.parameter("query");
    if query.starts_with("sum(") {
        let points = if query.contains("|~") {
            json!([[1_714_565_700, "4"]])
        } else {
            json!([[1_714_561_200, "10"], [1_714_565_700, "50"]])
        };
        return json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}});
    }
    let part = if seen.parameter("end") == nanoseconds("12:00:00") {
        "baseline"
    } else if seen.parameter("end") == nanoseconds("12:15:00") {
        "before"
    } else {
        "after"
    };
    let kind = match (query.contains("|~"), query.contains("| level=~\"(?i)warn"), query.contains("| level")) {
        (true, ..) => "words",
        (_, true, _) => "warnings",
        (_, _, true) => "levels",
        _ => "all",
    };
    let entries = match (kind, part) {
        // A line can be found by its words and by its level.
        ("words" | "levels", "before") => json!([[nanoseconds("12:14:00"), "level=error payment refused"]]),
        ("words", "after") => json!([[nanoseconds("12:15:00"), "connection refused"]]),
        ("levels", "after") => json!([[nanoseconds("12:16:00"), "no stock left"]]),
        ("words", _) => json!([[nanoseconds("11:30:00"), "level=error slow"]]),
        ("warnings", "baseline") => json!([[nanoseconds("11:10:00"), "level=warn deprecated"]]),
        ("all", "before") => json!([[nanoseconds("12:13:00"), "order placed"]]),
        ("all", "baseline") => json!([[nanoseconds("11:13:00"), "order placed"]]),
        _ => json!([]),
    };
    json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"app": "checkout"}, "values": entries}]}})
}

fn of_checkout() -> Input {
    input("labels", json!({"service": "checkout", "env": "prod", "region": "eu", "alertname": "Errors"}))
}

#[tokio::test]
async fn the_logs_of_a_service_before_and_since() {
    let stub = Stub::start(loki).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url), ("org_id", "shop"), ("bearer_token", "t0ken")]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    let dropped = "; not narrowed by region=eu, which is not there";
    assert_eq!(
        summaries(&answer),
        [
            &format!("3 lines of errors, 1 in the baseline; the first at 12:14:00Z{dropped}"),
            &format!("0 lines of warnings, 1 in the baseline{dropped}"),
            &format!("1 line of a sample of all lines, 1 in the baseline; the first at 12:13:00Z{dropped}"),
            "4 lines of errors since 12:00:00Z, 0 in the baseline",
            "50 lines since 12:00:00Z, 10 in the baseline",
        ]
    );
    assert_eq!(
        messages(&answer.evidence[0]),
        ["level=error slow", "level=error payment refused", "connection refused", "no stock left"]
    );
    let origin = &answer.evidence[0].origin;
    assert_eq!(
        (origin.service.as_str(), origin.instance.as_str(), origin.operation.as_str()),
        ("loki", "prod", "logs")
    );
    let link = url::Url::parse(origin.link.as_ref().unwrap()).unwrap();
    assert!(link.path().ends_with("/loki/api/v1/query_range"));
    assert!(!origin.link.as_ref().unwrap().contains("t0ken"));

    let EvidenceData::Metrics { meaning, series, .. } = &answer.evidence[3].data else { panic!("counts are metrics") };
    assert_eq!(*meaning, Meaning::Errors);
    let [series] = series.as_slice() else { panic!("one series") };
    // 105 minutes in steps of 45 s; steps without lines count zero.
    assert_eq!(series.points.len(), 141);
    assert_eq!(series.points.iter().filter(|(_, value)| *value != 0.0).count(), 1);

    // Every query keeps to the streams of this service, and to the window.
    let ranges = stub.asked("/loki/api/v1/query_range");
    assert_eq!(ranges.len(), 14);
    for seen in &ranges {
        assert!(seen.parameter("query").contains(r#"{app="checkout", environment="prod"}"#), "{seen:?}");
        assert!(seen.parameter("start") >= nanoseconds("11:00:00").as_str());
        assert!(seen.parameter("end") <= nanoseconds("12:45:00").as_str());
    }
    for seen in stub.seen() {
        assert_eq!(seen.headers["x-scope-orgid"], "shop");
        assert_eq!(seen.headers["authorization"], "Bearer t0ken");
    }
    assert_eq!(answer.calls, stub.seen().len() as u64);
}

#[tokio::test]
async fn label_names_are_asked_once_for_all_queries_of_an_investigation() {
    let stub = Stub::start(loki).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let input = of_checkout();
    tokio::join!(ask(&PROVIDER, &access, "logs", &input), ask(&PROVIDER, &access, "logs", &input));
    assert_eq!(stub.asked("/loki/api/v1/labels").len(), 1);
    assert_eq!(stub.asked("/loki/api/v1/label/app/values").len(), 1);
    assert_eq!(stub.asked("/loki/api/v1/labels")[0].parameter("start"), nanoseconds("11:00:00"));
}

#[tokio::test]
async fn what_no_stream_is_labelled_with_is_a_gap_and_sends_no_query() {
    let stub = Stub::start(loki).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "logs", &input("labels", json!({"service": "billing", "env": "prod"}))).await;
    assert_eq!(answer.evidence, []);
    assert_eq!(reasons(&answer), ["no stream in the window is labelled with what the alert names (service=billing)"]);
    assert_eq!(answer.gaps[0].kind, GapKind::NotRelevant);
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("app, environment, level, service_name"));
    assert_eq!(stub.asked("/loki/api/v1/query_range"), []);
}

#[tokio::test]
async fn a_failed_incident_is_a_gap_and_never_looks_like_quiet() {
    let stub = Stub::start(|seen| {
        let lines = seen.path == "/loki/api/v1/query_range" && !seen.parameter("query").starts_with("sum(");
        if lines && seen.parameter("start") == nanoseconds("12:15:00") { Said::Status(500) } else { loki(seen) }
    })
    .await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    assert!(answer.evidence.iter().all(|evidence| evidence.data.kind() == "metrics"), "{:?}", summaries(&answer));
    assert_eq!(answer.gaps.len(), 4);
    assert!(answer.gaps.iter().all(|gap| gap.kind == GapKind::Failed && gap.operation.as_deref() == Some("logs")));
}

#[tokio::test]
async fn errors_that_one_of_two_queries_found_are_told_with_what_is_missing() {
    let stub =
        Stub::start(|seen| if seen.parameter("query").contains("| level") { Said::Status(400) } else { loki(seen) })
            .await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    assert_eq!(
        messages(&answer.evidence[0]),
        ["level=error slow", "level=error payment refused", "connection refused"]
    );
    assert_eq!(
        answer.evidence[0].truncated.as_deref(),
        Some("a part of what was asked for could not be read; the baseline, or a part of it, could not be read")
    );
}

#[tokio::test]
async fn a_failed_baseline_is_told_with_the_lines() {
    let stub = Stub::start(|seen| {
        if seen.path == "/loki/api/v1/query_range" && seen.parameter("end") == nanoseconds("12:00:00") {
            Said::Status(429)
        } else {
            loki(seen)
        }
    })
    .await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    assert_eq!(messages(&answer.evidence[0]).len(), 3);
    assert_eq!(answer.evidence[0].truncated.as_deref(), Some("the baseline, or a part of it, could not be read"));
    assert!(answer.gaps.iter().all(|gap| gap.kind == GapKind::RateLimited));
}

#[tokio::test]
async fn of_too_many_lines_those_around_the_onset_are_kept_and_the_rest_is_told() {
    let stub = Stub::start(|seen| {
        let query = seen.parameter("query");
        if seen.path != "/loki/api/v1/query_range" || !query.contains("|~") || query.starts_with("sum(") {
            return loki(seen);
        }
        // An error each second, all the time.
        let number = |name: &str| seen.parameter(name).parse::<i64>().unwrap();
        let (start, end, limit) = (number("start"), number("end"), number("limit"));
        let mut times: Vec<i64> = (start..end).step_by(1_000_000_000).collect();
        if seen.parameter("direction") == "backward" {
            times.reverse();
        }
        times.truncate(usize::try_from(limit).unwrap());
        let entries: Vec<Json> = times.iter().map(|time| json!([time.to_string(), format!("error at {time}")])).collect();
        Said::Json(json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": entries}]}}))
    })
    .await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let answer = ask(&PROVIDER, &access, "logs", &of_checkout()).await;
    assert_eq!(
        answer.evidence[0].truncated.as_deref(),
        Some(
            "too many lines: before 12:08:20Z and after 12:21:39Z some are missing; \
             of the baseline only lines after 11:53:20Z are kept"
        )
    );
}

#[tokio::test]
async fn an_alert_that_begins_now_asks_for_nothing_after_it() {
    let stub = Stub::start(loki).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let now = opensre_model::window::Window { end: window().onset, ..window() };
    let logs = PROVIDER.queries.iter().find(|query| query.name == "logs").unwrap();
    let answer = (logs.run)(&access, &of_checkout(), now).await;
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    assert_eq!(messages(&answer.evidence[0]), ["level=error slow", "level=error payment refused"]);
    assert!(stub.asked("/loki/api/v1/query_range").iter().all(|seen| seen.parameter("start") < seen.parameter("end")));
}

#[tokio::test]
async fn a_hostile_label_of_an_alert_stays_a_value_in_every_query() {
    for hostile in ["\"} or {app=~\".+\"} #", "a\\", "`|=`\n{}", "x\u{0}y", "shop/\"x"] {
        let known = hostile.to_owned();
        let stub = Stub::start(move |seen| match seen.path.as_str() {
            "/loki/api/v1/label/app/values" => Said::Json(json!({"status": "success", "data": [known]})),
            _ => loki(seen),
        })
        .await;
        let access = access(&PROVIDER, &[("base_url", &stub.url)]);
        ask(&PROVIDER, &access, "logs", &input("labels", json!({"service": hostile}))).await;
        let ranges = stub.asked("/loki/api/v1/query_range");
        assert_eq!(ranges.len(), 14, "{hostile:?}");
        for seen in ranges {
            let tokens = lex(seen.parameter("query")).expect("a query that can be lexed");
            let plain = |text: &str| Token::Plain(text.to_owned());
            let expected = [plain("{"), plain("app"), plain("="), Token::Text(hostile.to_owned()), plain("}")];
            assert!(tokens.windows(expected.len()).any(|window| window == expected), "{tokens:?}");
            assert_eq!(tokens.iter().filter(|token| **token == plain("{")).count(), 1);
        }
    }
}

#[tokio::test]
async fn a_written_query_yields_lines_or_series() {
    let stub = Stub::start(loki).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url)]);
    let lines = ask(&PROVIDER, &access, "query", &input("query", json!(r#"{app="checkout"} |~ "x""#))).await;
    assert_eq!(summaries(&lines), ["1 line"]);
    let counted = r#"sum(count_over_time({app="checkout"} [1m]))"#;
    let series = ask(&PROVIDER, &access, "query", &input("query", json!(counted))).await;
    assert_eq!(series.evidence[0].data.kind(), "metrics");
    assert_eq!(series.evidence[0].origin.window, window());
    let none = ask(&PROVIDER, &access, "query", &Input::default()).await;
    assert_eq!(reasons(&none), ["query is not set"]);
}

#[tokio::test]
async fn a_probe_passes_on_lokis_own_answer_alone() {
    let stub = Stub::start(loki).await;
    let passed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url), ("org_id", "shop")])).await;
    assert_eq!(
        (passed.status, passed.detail.as_str()),
        (ProbeStatus::Passed, "the API answers; streams carry 4 labels")
    );
    assert_eq!(
        passed.identity.into_iter().collect::<Vec<_>>(),
        [("tenant".to_owned(), "shop".to_owned()), ("version".to_owned(), "3.1.0".to_owned())]
    );

    type Case = (fn(&Seen) -> Said, &'static str);
    let cases: [Case; 5] = [
        (|_| Said::Page, "HTML"),
        (|_| Said::Status(401), "401"),
        (|_| Said::Status(403), "403"),
        (|_| Said::Json(json!({"status": "error"})), "`error`"),
        (|_| Said::Json(json!({"data": ["x"]})), "not Loki's"),
    ];
    for (answer, word) in cases {
        let stub = Stub::start(answer).await;
        let failed = probe(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)])).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{word}");
        assert!(failed.detail.contains(word), "{}", failed.detail);
    }
}
