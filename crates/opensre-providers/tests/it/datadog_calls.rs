//! Datadog: probe and queries, against the simulator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opensre_lab::vendors::datadog::{Data, Datadog, checkout};
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{EventKind, EvidenceData, GapKind, Meaning};
use opensre_providers::datadog::PROVIDER;
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use serde_json::{Value as Json, json};

use crate::stub::{access, alert, ask, input, messages, probe, reasons, summaries, window};

struct Running {
    datadog: Arc<Datadog>,
    access: Access,
    _guard: Guard,
}

async fn start(org: &str, data: Data) -> Running {
    let datadog = Datadog::new(org, "canary-api", "canary-app", data);
    let (address, guard) = serve(datadog.router()).await.unwrap();
    let url = format!("http://{address}");
    let fields = [
        ("api_key", "canary-api"),
        ("app_key", "canary-app"),
        ("site", "app.datadoghq.eu"),
        ("base_url", url.as_str()),
    ];
    Running { datadog, access: access(&PROVIDER, &fields), _guard: guard }
}

async fn running() -> Running {
    start("Shop", checkout(window().onset)).await
}

fn of_checkout() -> Input {
    input("labels", json!({"alertname": "Errors", "service": "checkout-api", "env": "prod"}))
}

fn with(mut input: Input, key: &str, value: impl Into<Json>) -> Input {
    input.0.insert(key.to_owned(), value.into());
    input
}

fn kinds(answer: &Answer) -> Vec<&str> {
    answer.evidence.iter().map(|evidence| evidence.data.kind()).collect()
}

#[tokio::test]
async fn the_probe_proves_both_keys_and_says_who_we_are() {
    let running = running().await;
    let proved = probe(&PROVIDER, &running.access).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    let identity = |key: &str| proved.identity[key].as_str();
    assert_eq!((identity("org"), identity("org_id"), identity("site")), ("Shop", "shop-id", "datadoghq.eu"));
    let asked = running.datadog.stage.asked("/api/v1/monitor");
    assert_eq!((asked[0].query["page"].as_str(), asked[0].query["page_size"].as_str()), ("0", "50"));
    assert_eq!(asked[0].headers["dd-application-key"], "canary-app");
}

#[tokio::test]
async fn the_probe_tells_which_key_is_refused() {
    let running = running().await;
    for (api_key, app_key, words) in [
        ("wrong", "canary-app", "the API key is not one of datadoghq.eu"),
        ("canary-api", "wrong", "application key is refused"),
    ] {
        let url = running.access.instance.config().text("base_url").unwrap();
        let fields = [("api_key", api_key), ("app_key", app_key), ("site", "datadoghq.eu"), ("base_url", url)];
        let failed = probe(&PROVIDER, &access(&PROVIDER, &fields)).await;
        assert_eq!(failed.status, ProbeStatus::Failed);
        assert!(failed.hint.as_deref().is_some_and(|hint| hint.contains(words)), "{failed:?}");
    }
}

#[tokio::test]
async fn the_probe_tells_failures_apart() {
    let said = |status, headers| Misbehaviour::Status(status, headers, json!({"errors": ["no"]}));
    for (how, words) in [
        (said(404, vec![]), "404"),
        (said(500, vec![]), "500"),
        (said(429, vec![("retry-after", "60".to_owned())]), "slow down"),
        (Misbehaviour::LoginPage, "login page"),
        (Misbehaviour::WrongTypes, "no list"),
        (Misbehaviour::Huge(33 * 1024 * 1024), "more than 32.0 MiB"),
        (Misbehaviour::Cut, "broke"),
    ] {
        let running = running().await;
        running.datadog.stage.misbehave("/", how);
        let failed = probe(&PROVIDER, &running.access).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{words}");
        assert!(failed.detail.contains(words), "{words}: {failed:?}");
        assert!(!format!("{failed:?}").contains("canary"), "{failed:?}");
    }
}

#[tokio::test]
async fn a_site_that_is_none_is_said_and_nothing_is_sent() {
    let running = running().await;
    let url = running.access.instance.config().text("base_url").unwrap();
    let fields = [("api_key", "a"), ("app_key", "b"), ("site", "no site"), ("base_url", url)];
    let failed = probe(&PROVIDER, &access(&PROVIDER, &fields)).await;
    assert!(failed.hint.is_some_and(|hint| hint.contains("datadoghq.com")));
    assert!(running.datadog.stage.seen().is_empty());
}

#[tokio::test]
async fn the_alerting_monitors_own_query_is_asked_with_its_threshold() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "monitor", &input("monitor_id", json!("4711"))).await;
    assert_eq!(kinds(&answer), ["states", "metrics"], "{:?}", answer.gaps);
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!() };
    assert_eq!((states[0].healthy, states[0].attributes["state"].as_str()), (Some(false), "Alert"));
    let EvidenceData::Metrics { meaning, threshold, series, .. } = &answer.evidence[1].data else { panic!() };
    assert_eq!((*meaning, threshold.unwrap().value), (Meaning::AlertCondition, 25.0));
    let over =
        |from, to| series[0].points.iter().filter(|(time, value)| (from..to).contains(time) && *value > 25.0).count();
    let window = window();
    assert_eq!(over(window.baseline_start, window.onset), 0);
    assert!(over(window.onset, window.end) >= 25);
    let peak = series[0].points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    assert!(peak > 200.0, "summed over five minutes, as the monitor does: {peak}");
    let origin = &answer.evidence[1].origin;
    assert_eq!(origin.query, "sum:trace.http.request.errors{env:prod,service:checkout-api}.as_count()");
    assert_eq!(
        origin.link.as_deref(),
        Some("https://app.datadoghq.eu/monitors/4711?from_ts=1714561200000&to_ts=1714567500000")
    );
}

#[tokio::test]
async fn a_log_monitors_search_is_counted() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "monitor", &input("monitor_id", json!("4712"))).await;
    let EvidenceData::Metrics { threshold, series, .. } = &answer.evidence[1].data else { panic!("{answer:?}") };
    assert!(threshold.is_some_and(|threshold| threshold.above && (threshold.value - 10.0).abs() < 1e-9));
    assert!(series[0].points.iter().any(|(_, value)| *value > 10.0));
    assert_eq!(answer.evidence[1].origin.query, "service:checkout-api status:error");
}

#[tokio::test]
async fn a_monitor_is_found_by_name_and_one_that_cannot_be_asked_is_a_gap() {
    let running = running().await;
    let named = ask(&PROVIDER, &running.access, "monitor", &input("name", json!("checkout ERRORS"))).await;
    assert_eq!(kinds(&named), ["states", "metrics"]);
    let check = ask(&PROVIDER, &running.access, "monitor", &input("monitor_id", json!("4713"))).await;
    assert_eq!((kinds(&check), check.gaps[0].kind), (vec!["states"], GapKind::NotSupported));
    let gone = ask(&PROVIDER, &running.access, "monitor", &input("monitor_id", json!("1"))).await;
    assert_eq!((gone.evidence.len(), gone.gaps[0].kind), (0, GapKind::NotRelevant));
    assert!(gone.gaps[0].hint.as_deref().unwrap().contains("another Datadog organisation"));
    let evil = ask(&PROVIDER, &running.access, "monitor", &input("monitor_id", json!("../org"))).await;
    assert_eq!((evil.evidence.len(), evil.gaps.len()), (0, 1));
    assert!(running.datadog.stage.asked("/api/v1/org").is_empty());
}

#[tokio::test]
async fn the_payloads_query_stands_in_for_a_monitor_that_may_not_be_read() {
    let running = running().await;
    running
        .datadog
        .stage
        .misbehave("/api/v1/monitor", Misbehaviour::Status(403, vec![], json!({"errors": ["Forbidden"]})));
    let query = "sum(last_5m):sum:trace.http.request.errors{service:checkout-api}.as_count() > 25";
    let asked = with(input("monitor_id", json!("4711")), "query", query);
    let answer = ask(&PROVIDER, &running.access, "monitor", &asked).await;
    assert_eq!((kinds(&answer), answer.gaps[0].kind), (vec!["metrics"], GapKind::Denied));
    assert!(answer.gaps[0].hint.as_deref().unwrap().contains("monitors_read"));
}

#[tokio::test]
async fn other_monitors_are_those_of_the_service() {
    let running = running().await;
    let asked = with(of_checkout(), "monitor_id", "4711");
    let answer = ask(&PROVIDER, &running.access, "monitors", &asked).await;
    let EvidenceData::States { states } = &answer.evidence[0].data else { panic!("{answer:?}") };
    let names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names, ["Checkout error logs", "Checkout is up"]);
    assert_eq!(answer.evidence[0].summary, "1 of 2 monitors alert: \"Checkout error logs\" (Alert)");
}

#[tokio::test]
async fn logs_are_asked_around_the_onset_and_counted() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    assert_eq!(
        summaries(&answer),
        [
            "180 lines of errors, none in the baseline; the first at 12:15:00Z",
            "4 lines of warnings, 6 in the baseline; the first at 12:05:00Z",
            "91 lines of a sample of all lines, 126 in the baseline; the first at 12:10:00Z",
            "174 lines of errors since 12:00:00Z, 0 in the baseline",
            "266 lines since 12:00:00Z, 126 in the baseline",
        ]
    );
    let errors = &answer.evidence[0];
    assert!(messages(errors)[0].contains("payments-db:5432 refused"));
    let EvidenceData::Logs { lines } = &errors.data else { panic!() };
    assert_eq!((lines[0].level.as_deref(), lines[0].labels["env"].as_str()), (Some("error"), "prod"));
    assert!(lines[0].labels.contains_key("trace_id"));
    assert!(
        errors
            .origin
            .link
            .as_deref()
            .unwrap()
            .starts_with("https://app.datadoghq.eu/logs?query=service%3Acheckout-api+env%3Aprod+status%3A")
    );
}

#[tokio::test]
async fn pages_are_followed_up_to_a_bound_and_what_is_missing_is_said() {
    let onset = window().onset;
    let mut data = checkout(onset);
    let line = data.logs.iter().find(|log| log["attributes"]["status"] == "error").unwrap().clone();
    for number in 0..2000_i64 {
        let mut line = line.clone();
        let time = onset + jiff::SignedDuration::from_millis(number * 100 + 50);
        line["attributes"]["timestamp"] = time.to_string().into();
        data.logs.push(line);
    }
    let running = start("Shop", data).await;
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    let errors = &answer.evidence[0];
    assert_eq!(messages(errors).len(), 400);
    assert!(errors.truncated.as_deref().unwrap().contains("some after 12:15:"), "{:?}", errors.truncated);
    let seen = running.datadog.stage.asked("/api/v2/logs/events/search");
    assert!(seen.iter().any(|request| request.body["page"]["cursor"] == "after-250"));
    assert!(seen.iter().all(|request| request.body["page"]["limit"].as_u64().unwrap() <= 250));
}

#[tokio::test]
async fn an_environment_that_is_not_there_does_not_hide_the_service() {
    let running = running().await;
    let asked = input("labels", json!({"service": "checkout-api", "env": "production"}));
    let answer = ask(&PROVIDER, &running.access, "logs", &asked).await;
    assert!(answer.evidence[0].summary.ends_with("; not narrowed by env=production, which is not there"));
    let nothing = ask(&PROVIDER, &running.access, "logs", &input("labels", json!({"service": "nowhere"}))).await;
    assert_eq!((nothing.evidence.len(), nothing.gaps[0].kind), (0, GapKind::NotRelevant));
    assert_eq!(nothing.gaps[0].hint.as_deref(), Some("searched for service:nowhere"));
}

#[tokio::test]
async fn spans_show_what_fails_and_the_worst_traces() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "spans", &of_checkout()).await;
    assert_eq!(reasons(&answer), [""; 0]);
    assert_eq!(answer.evidence[0].summary, "30 spans with an error, 0 in the baseline");
    let EvidenceData::Spans { spans } = &answer.evidence[0].data else { panic!() };
    assert_eq!((spans[0].message.as_str(), spans[0].duration_ms), ("too many clients already", 2000.0));
    assert_eq!(spans[0].attributes["span.kind"], "server");
    let states = answer.evidence.last().unwrap();
    assert_eq!(states.summary, "failed calls in these traces: checkout-api -> payments-db");
    assert!(states.origin.link.as_deref().unwrap().starts_with("https://app.datadoghq.eu/apm/trace/"));
    let ids = json!([format!("{:032x}", 0xabc0_0000_u32), "no id", "1;2"]);
    let named = ask(&PROVIDER, &running.access, "trace", &input("trace_ids", ids)).await;
    assert_eq!(named.evidence[0].summary.split(';').next(), Some("trace: 2 spans, 2 with an error"));
    assert_eq!(named.gaps.len(), 1);
}

#[tokio::test]
async fn events_are_deployments_and_alerts_of_others() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "events", &with(of_checkout(), "monitor_id", "4711")).await;
    let EvidenceData::Events { events } = &answer.evidence[0].data else { panic!("{answer:?}") };
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].title.as_str()), (EventKind::Deploy, "Deployed checkout-api 2.14.0"));
    assert_eq!(events[0].labels["service"], "checkout-api");
    let all = ask(&PROVIDER, &running.access, "events", &of_checkout()).await;
    assert_eq!(summaries(&all), ["deployments: 1, alerts of other monitors: 1", "deployments: 1"]);
    let EvidenceData::Events { events } = &all.evidence[1].data else { panic!("{all:?}") };
    assert_eq!(events[0].title, "Deployed search 1.0.1");
}

#[tokio::test]
async fn metrics_are_found_by_tag_and_read_by_name() {
    let running = running().await;
    let answer = ask(&PROVIDER, &running.access, "metrics", &of_checkout()).await;
    let found: Vec<(Meaning, &str)> = answer
        .evidence
        .iter()
        .map(|evidence| match &evidence.data {
            EvidenceData::Metrics { meaning, .. } => (*meaning, evidence.origin.query.as_str()),
            other => panic!("{}", other.kind()),
        })
        .collect();
    assert_eq!(
        found,
        [
            (Meaning::Errors, "sum:trace.http.request.errors{service:checkout-api,env:prod}.as_rate()"),
            (Meaning::Latency, "p95:trace.http.request{service:checkout-api,env:prod}"),
            (Meaning::Traffic, "sum:trace.http.request.hits{service:checkout-api,env:prod}.as_rate()"),
            (Meaning::Memory, "max:container.memory.usage{service:checkout-api,env:prod}"),
        ]
    );
    let query = input("query", json!("avg:checkout.carts.open{*}"));
    let written = ask(&PROVIDER, &running.access, "metric-query", &query).await;
    assert_eq!(kinds(&written), ["metrics"]);
    let bad = ask(&PROVIDER, &running.access, "metric-query", &input("query", json!("nonsense"))).await;
    assert!(bad.gaps[0].reason.contains("Error parsing query"), "{bad:?}");
}

#[tokio::test]
async fn one_refused_kind_is_a_gap_and_the_rest_is_told() {
    let running = running().await;
    let forbidden = || Misbehaviour::Status(403, vec![], json!({"errors": ["Forbidden"]}));
    running.datadog.stage.misbehave("/api/v2/logs/analytics", forbidden());
    let answer = ask(&PROVIDER, &running.access, "logs", &of_checkout()).await;
    assert_eq!(kinds(&answer), ["logs", "logs", "logs"]);
    assert!(answer.gaps.iter().all(|gap| gap.kind == GapKind::Denied));
    assert!(answer.gaps[0].hint.as_deref().unwrap().contains("logs_read_data"));
    running.datadog.stage.misbehave("/api/v2", forbidden());
    for query in ["logs", "spans", "events"] {
        let answer = ask(&PROVIDER, &running.access, query, &of_checkout()).await;
        assert_eq!(answer.evidence.len(), 0, "{query}");
        assert!(!answer.gaps.is_empty() && answer.gaps.iter().all(|gap| gap.kind == GapKind::Denied), "{query}");
    }
}

#[tokio::test]
async fn no_failure_looks_like_nothing_was_there() {
    let queries = ["logs", "spans", "events", "metrics", "monitors"];
    for how in [
        Misbehaviour::Status(429, vec![("retry-after", "120".to_owned())], json!({"errors": ["slow"]})),
        Misbehaviour::Status(500, vec![], json!({})),
        Misbehaviour::LoginPage,
        Misbehaviour::WrongTypes,
        Misbehaviour::Cut,
        Misbehaviour::Huge(8 * 1024 * 1024),
    ] {
        let running = running().await;
        running.datadog.stage.misbehave("/", how.clone());
        for query in queries {
            let answer = ask(&PROVIDER, &running.access, query, &of_checkout()).await;
            assert!(answer.evidence.is_empty() && !answer.gaps.is_empty(), "{query} {how:?}: {answer:?}");
            assert!(!format!("{answer:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_it_lasts() {
    let running = running().await;
    let headers = vec![("x-ratelimit-limit", "300".to_owned()), ("x-ratelimit-reset", "60".to_owned())];
    running.datadog.stage.misbehave("/api/v2/spans", Misbehaviour::Status(429, headers, json!({"errors": ["slow"]})));
    let answer = ask(&PROVIDER, &running.access, "spans", &of_checkout()).await;
    assert_eq!(answer.gaps[0].kind, GapKind::RateLimited);
    assert!(answer.gaps[0].reason.contains("asks to wait 60 s"), "{answer:?}");
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    let mut running = running().await;
    running.datadog.stage.misbehave("/", Misbehaviour::Slow(Duration::from_mins(1)));
    running.access.deadline = Instant::now() + Duration::from_millis(200);
    for query in ["logs", "spans", "monitors"] {
        let answer = ask(&PROVIDER, &running.access, query, &of_checkout()).await;
        assert!(answer.gaps.iter().any(|gap| gap.kind == GapKind::Deadline), "{query} {answer:?}");
    }
}

#[tokio::test]
async fn only_the_chosen_instance_is_called() {
    let (chosen, other) = (running().await, running().await);
    for query in PROVIDER.queries {
        let asked = with(with(of_checkout(), "query", "service:checkout-api"), "monitor_id", "4711");
        ask(&PROVIDER, &chosen.access, query.name, &with(asked, "trace_ids", json!(["abc"]))).await;
    }
    assert!(!chosen.datadog.stage.seen().is_empty());
    assert!(other.datadog.stage.seen().is_empty());
}

#[test]
fn relevance_follows_from_what_the_alert_names() {
    let relevance = |name: &str, alert| {
        let query = PROVIDER.queries.iter().find(|query| query.name == name).unwrap();
        match (query.relevance)(alert) {
            Relevance::Ask(inputs) => inputs.into_iter().map(|input| Json::Object(input.0)).collect(),
            Relevance::Skip(_) => Vec::new(),
        }
    };
    let mut of_datadog = alert(&[("service", "checkout-api"), ("env", "prod")]);
    of_datadog.title = "[Triggered] Checkout errors".to_owned();
    of_datadog.references.monitor_id = Some("4711".to_owned());
    of_datadog.references.trace_ids = vec!["abc".to_owned()];
    assert_eq!(relevance("monitor", &of_datadog), [json!({"monitor_id": "4711", "name": "Checkout errors"})]);
    assert_eq!(relevance("trace", &of_datadog), [json!({"trace_ids": ["abc"]})]);
    assert_eq!(relevance("monitors", &of_datadog)[0]["monitor_id"], "4711");
    assert_eq!(relevance("logs", &of_datadog)[0]["labels"]["service"], "checkout-api");
    let mut of_nothing = alert(&[("severity", "page")]);
    of_nothing.title = String::new();
    for query in PROVIDER.queries {
        assert_eq!(relevance(query.name, &of_nothing), [json!(null); 0], "{}", query.name);
    }
}
