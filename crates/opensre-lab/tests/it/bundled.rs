//! The bundled scenarios: they load, they are deterministic, and their data shows what they promise.

use std::collections::BTreeSet;

use opensre_lab::scenario::{Category, Instance, Service};
use opensre_lab::{Lab, Scenario, scenario_named, scenarios};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{Asker, NOW, now, start};

fn all() -> Vec<Scenario> {
    scenarios()
        .iter()
        .map(|bundled| bundled.load().unwrap_or_else(|error| panic!("{}: {error}", bundled.name)))
        .collect()
}

#[test]
fn all_load_under_their_names_with_various_causes() {
    let all = all();
    let names: Vec<_> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, scenarios().iter().map(|bundled| bundled.name).collect::<Vec<_>>());
    let categories: BTreeSet<_> = all.iter().map(|scenario| scenario.cause.category.word()).collect();
    assert_eq!(categories.len(), 8, "every category has a scenario: {categories:?}");
    assert!(all.iter().filter(|scenario| scenario.cause.category == Category::Healthy).count() >= 2);
    assert!(scenario_named("nothing").is_none());
}

/// Everything a client can read from an instance, as one text without ports.
async fn everything(lab: &Lab, instance: &Instance) -> String {
    let id = instance.id();
    let start = ((NOW - 3600) * 1_000_000_000).to_string();
    let selector = "{level=~\".+\"}";
    let mut questions: Vec<(String, Vec<(&str, &str)>)> = Vec::new();
    let mut ask = |prefix: &str, kind: &str| match kind {
        "prometheus" => questions.push((format!("{prefix}/api/v1/query"), vec![("query", "{__name__=~\".+\"}[10m]")])),
        "loki" => {
            let params =
                vec![("query", selector), ("limit", "5000"), ("start", start.as_str()), ("direction", "forward")];
            questions.push((format!("{prefix}/loki/api/v1/query_range"), params));
        }
        "tempo" => questions.push((format!("{prefix}/api/search"), vec![("q", "{}"), ("limit", "1000")])),
        _ => {}
    };
    for source in &instance.datasources {
        ask(&format!("/api/datasources/proxy/uid/{}", source.uid), &source.kind);
    }
    match instance.service {
        Service::Prometheus => ask("", "prometheus"),
        Service::Loki => ask("", "loki"),
        Service::Tempo => ask("", "tempo"),
        Service::Alertmanager => questions.push(("/api/v2/alerts".into(), vec![])),
        Service::Grafana => questions.push(("/api/annotations".into(), vec![])),
    }
    let client = Client::builder().no_proxy().build().unwrap();
    let mut text = String::new();
    for (path, params) in questions {
        let mut request = client.get(format!("{}{path}", lab.url(&id).unwrap())).query(&params);
        if let Some(basic) = &instance.basic {
            request = request.basic_auth(&basic.username, Some(basic.password.expose()));
        }
        if let Some(token) = &instance.token {
            request = request.bearer_auth(token.expose());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(status == 200 || status == 502, "{id} {path}: {status}");
        text.push_str(&response.text().await.unwrap());
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn the_same_scenario_and_time_give_the_same_bytes() {
    for scenario in all() {
        let (first, second) =
            (Lab::start(scenario.clone(), now()).await.unwrap(), Lab::start(scenario.clone(), now()).await.unwrap());
        for instance in scenario.instances.iter().filter(|instance| scenario.cause.instances.contains(&instance.id())) {
            let text = everything(&first, instance).await;
            assert_eq!(text, everything(&second, instance).await, "{} {}", scenario.name, instance.id());
            assert!(text.len() > 500, "{} {} is empty: {text}", scenario.name, instance.id());
        }
        // Ports are the system's choice.
        let strip = |lab: &Lab| {
            let mut text = lab.alert().to_string();
            for instance in &scenario.instances {
                text = text.replace(&lab.address(&instance.id()).unwrap().to_string(), &instance.id());
            }
            text
        };
        assert_eq!(strip(&first), strip(&second), "{}", scenario.name);
    }
}

#[tokio::test]
async fn the_right_instances_hold_the_evidence() {
    for scenario in all() {
        let lab = Lab::start(scenario.clone(), now()).await.unwrap();
        let mut text = String::new();
        for instance in scenario.instances.iter().filter(|instance| scenario.cause.instances.contains(&instance.id())) {
            text.push_str(&everything(&lab, instance).await);
        }
        for word in &scenario.cause.evidence {
            assert!(text.contains(word.as_str()), "{}: nothing says {word:?}", scenario.name);
        }
    }
}

#[tokio::test]
async fn instances_that_are_not_concerned_look_calm() {
    // Lines of the incident that the calm copy of the same system must not have.
    let incidents = [
        ("staging-bad-deploy", "applyDiscount"),
        ("memory-leak-oom", "oom-kill"),
        ("db-pool-exhausted", "Connection is not available"),
        ("missing-env-config", "KeyError"),
        ("node-disk-pressure", "Evicted"),
    ];
    for (name, word) in incidents {
        let scenario = scenario_named(name).unwrap().load().unwrap();
        let lab = Lab::start(scenario.clone(), now()).await.unwrap();
        for instance in scenario.instances.iter().filter(|instance| !scenario.cause.instances.contains(&instance.id()))
        {
            assert!(!everything(&lab, instance).await.contains(word), "{name} {} says {word}", instance.id());
        }
    }
}

#[tokio::test]
async fn metrics_step_at_the_onset() {
    let lab = crate::support::demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let onset = lab.onset().as_second();
    let rate = async |time: i64| -> f64 {
        let query = r#"sum(rate(http_requests_total{service="checkout-api",status="500"}[2m]))"#;
        let time = time.to_string();
        let params = [("query", query), ("time", time.as_str())];
        let (_, body) = asker.get("/api/datasources/proxy/uid/mimir-staging/api/v1/query", &params).await;
        body["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap()
    };
    // Two pods at 0.01 before, at 2.4 each afterwards.
    assert!(rate(onset - 60).await < 0.2);
    let after = rate(onset + 5 * 60).await;
    assert!((4.0..5.6).contains(&after), "{after}");
}

#[tokio::test]
async fn the_resolved_and_the_tight_alert_are_about_nothing() {
    let flap = Lab::start(scenario_named("resolved-flap").unwrap().load().unwrap(), now()).await.unwrap();
    assert_eq!(flap.alert()["status"], "resolved");
    let query = [("query", r#"sum(rate(http_requests_total{service="login-api",status="503"}[5m]))"#)];
    let (_, body) = Asker::new(&flap, "grafana/main").get("/api/datasources/proxy/uid/prom/api/v1/query", &query).await;
    let rate: f64 = body["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!(rate < 0.1, "over by now: {rate}");

    // Yesterday at the same hour the value was as high.
    let tight = Lab::start(scenario_named("false-alarm-threshold").unwrap().load().unwrap(), now()).await.unwrap();
    let asker = Asker::new(&tight, "prometheus/media");
    let query = r#"avg(rate(process_cpu_seconds_total{service="thumbnailer"}[5m])) / avg(rate(process_cpu_seconds_total{service="thumbnailer"}[5m] offset 1d))"#;
    let (_, body) = asker.get("/api/v1/query", &[("query", query)]).await;
    let ratio: f64 = body["data"]["result"][0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!((0.93..1.07).contains(&ratio), "{ratio}");
    let (_, rules) = asker.get("/api/v1/rules", &[]).await;
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["state"], "firing");
}

#[tokio::test]
async fn ended_series_are_stale_at_once() {
    let lab = crate::support::demo().await;
    let asker = Asker::new(&lab, "grafana/staging");
    let (_, body) = asker
        .get(
            "/api/datasources/proxy/uid/mimir-staging/api/v1/query",
            &[("query", "count by (version) (app_build_info)")],
        )
        .await;
    assert_eq!(body["data"]["result"], json!([{"metric": {"version": "2.14.0"}, "value": [NOW, "1"]}]));
    // Two and a half minutes before the onset the old one is gone already, without five minutes of look-back.
    let time = (lab.onset().as_second() - 150).to_string();
    let params = [("query", "app_build_info"), ("time", time.as_str())];
    let (_, body) = asker.get("/api/datasources/proxy/uid/mimir-staging/api/v1/query", &params).await;
    assert_eq!(body["data"]["result"].as_array().unwrap().len(), 1);
    assert_eq!(body["data"]["result"][0]["metric"]["version"], "2.14.0");
}

#[tokio::test]
async fn works_with_the_present_too() {
    let scenario = scenario_named("no-evidence").unwrap().load().unwrap();
    let present = jiff::Timestamp::now();
    let lab = Lab::start(scenario, present).await.unwrap();
    assert_eq!(lab.now().as_millisecond(), present.as_millisecond());
    assert_eq!((lab.now().as_millisecond() - lab.onset().as_millisecond()) / 60_000, 15);
    let (_, body) = Asker::new(&lab, "grafana/default")
        .get("/api/datasources/proxy/uid/prom/api/v1/query", &[("query", "count(up)")])
        .await;
    assert_eq!(body["data"]["result"][0]["value"][1], "2");
}

const BROKEN: &str = "name: broken\ndescription: d\ncause: {category: unknown, sentence: s, instances: []}\nonset_ago: 5m\ninstances:\n  - {service: loki, name: one, backend: nowhere}\nalert: {payload: {}}\n";

#[test]
fn errors_say_where_and_what() {
    let message = |text: &str| Scenario::parse(text).unwrap_err().to_string();
    assert_eq!(message(BROKEN), "line 6: loki/one: backend `nowhere` does not exist; there is none");
    let cases = [
        ("onset_ago: 5m", "onset_ago: soon", "not a time"),
        ("category: unknown", "category: mystery", "mystery"),
        ("service: loki", "service: kafka", "kafka"),
        ("backend: nowhere", "back: nowhere", "back"),
        (
            "instances: []",
            "instances: [loki/two]",
            "`loki/two` is not an instance of this scenario; there are loki/one",
        ),
        ("name: broken", "name: Broken One", "lower-case letters"),
    ];
    for (from, to, expected) in cases {
        let message = message(&BROKEN.replace(from, to));
        assert!(message.contains(expected) && message.contains("line"), "{to}: {message}");
    }
}

#[test]
fn checks_find_what_does_not_fit() {
    let text = |metrics: &str, extra: &str| {
        format!(
            "name: broken\ndescription: d\ncause: {{category: unknown, sentence: s, instances: []}}\nonset_ago: 5m\nbackends:\n  main:\n    metrics:\n{metrics}\ninstances:\n  - {{service: prometheus, name: one, backend: main{extra}}}\nalert: {{payload: {{}}}}\n"
        )
    };
    let gauge = "      - {name: up, type: gauge, series: [{value: 1}]}";
    assert!(Scenario::parse(&text(gauge, "")).is_ok());
    let cases = [
        (
            text("      - {name: up, type: gauge, series: [{rate: 1}]}", ""),
            "line 8: backends.main.metrics.up: a gauge's series needs `value`",
        ),
        (
            text("      - {name: up, type: counter, series: [{rate: 1, value: 1}]}", ""),
            "either `rate` (per second) or `value`",
        ),
        (text("      - {name: up, type: histogram, series: [{rate: 1}]}", ""), "needs `rate` and `median`"),
        (
            text("      - {name: up, type: gauge, series: [{value: {level: 1, changes: [{at: 1m}]}}]}", ""),
            "either `to` or `times`",
        ),
        (
            text(
                "      - {name: up, type: gauge, series: [{value: {level: 1, changes: [{at: 1m, to: 2}, {at: 0s, to: 1}]}}]}",
                "",
            ),
            "stands after",
        ),
        (text(gauge, ", path_prefix: prom"), "must begin with `/`"),
        (text(gauge, ", token: a, basic: {username: a, password: b}"), "exclude each other"),
        (text(gauge, ", faults: [{kind: {status: {code: 200}}}]"), "is not an error"),
        (text(gauge, ", datasources: [{type: loki, name: a, uid: a}]"), "only a grafana"),
        (
            text(gauge, ", alert_rules: [{uid: a, title: a, expr: 'sum(', threshold: {gt: 1}}]"),
            "line 10: prometheus/one: alert rule a",
        ),
    ];
    for (text, expected) in cases {
        let message = Scenario::parse(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn debug_text_of_a_scenario_hides_credentials() {
    for scenario in all() {
        let text = format!("{scenario:?}");
        for instance in &scenario.instances {
            if let Some(token) = &instance.token {
                assert!(!text.contains(token.expose()), "{}", instance.id());
            }
            if let Some(basic) = &instance.basic {
                assert!(!text.contains(basic.password.expose()), "{}", instance.id());
            }
        }
    }
}

#[tokio::test]
async fn a_scale_applies_to_rates_and_not_to_gauges() {
    let lab = start(
        "name: scaled\ndescription: d\ncause: {category: unknown, sentence: s, instances: []}\nonset_ago: 5m\nhistory: 20m\nbackends:\n  one:\n    metrics:\n      - {name: level, type: gauge, series: [{value: 3}]}\n      - {name: rows_total, type: counter, series: [{rate: {level: 10, changes: [{at: 0s, to: 50}]}}]}\n  many: {like: one, scale: 4, labels: {site: b}}\ninstances:\n  - {service: prometheus, name: many, backend: many}\nalert: {payload: {}}\n",
    )
    .await;
    let asker = Asker::new(&lab, "prometheus/many");
    let value = async |query: &str| -> Value {
        asker.get("/api/v1/query", &[("query", query)]).await.1["data"]["result"][0]["value"][1].clone()
    };
    assert_eq!(value("level{site=\"b\"}").await, "3");
    assert_eq!(value("round(rate(rows_total[2m]))").await, "40");
}
