//! Datadog: searches, sites, monitors' own queries and wire formats. Pure.

use opensre_lab::vendors::datadog::{Pattern, Search};
use opensre_model::evidence::{Meaning, Threshold};
use opensre_providers::datadog::metrics::{query, read};
use opensre_providers::datadog::monitor::{Condition, Rolling, name_in};
use opensre_providers::datadog::search::{selections, tag, term};
use opensre_providers::datadog::site::Site;
use opensre_providers::datadog::wire;
use proptest::prelude::*;
use serde_json::json;

use crate::stub::labels;

/// What the simulator's parser reads out of a search that must be one term.
fn read_back(search: &str) -> Option<(String, String)> {
    match Search::parse(search).unwrap_or_else(|why| panic!("{search}: {why}")) {
        Search::Is(Some(key), Pattern { text, .. }) => Some((key, text)),
        _ => None,
    }
}

#[test]
fn values_stay_one_term_whatever_is_in_them() {
    for evil in [
        "a b",
        "a\" OR service:\"b",
        "a\\",
        "a) OR (*",
        "*",
        "?x",
        "-x",
        "AND",
        "OR",
        "x:y",
        "[1 TO 2]",
        ">5",
        "@http",
        "",
        "a // b # c /* d */",
    ] {
        assert_eq!(read_back(&term("service", evil)), Some(("service".to_owned(), evil.to_owned())), "{evil}");
    }
    assert_eq!(term("service", "checkout-api"), "service:checkout-api");
    assert_eq!(term("service", "a\nb"), "service:\"a b\"");
    assert_eq!(tag("service", "A b,{c}\"d"), "service:a_b__c__d");
}

proptest! {
    #[test]
    fn any_value_is_read_back(text in any::<String>()) {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        prop_assert_eq!(read_back(&term("service", &text)), Some(("service".to_owned(), clean)));
    }

    #[test]
    fn any_tag_is_one_scope(text in any::<String>()) {
        let tag = tag("service", &text);
        prop_assert!(tag.chars().all(|c| c.is_alphanumeric() || "_-:./".contains(c)), "{}", tag);
        prop_assert!(tag.chars().count() <= 200);
    }

    #[test]
    fn any_labels_make_searches_that_are_never_empty(service in any::<String>(), env in any::<String>()) {
        for selection in selections(&labels(&[("service", &service), ("env", &env)])) {
            prop_assert!(!selection.search.trim().is_empty() && !selection.tags.is_empty());
            prop_assert!(Search::parse(&selection.search).is_ok(), "{}", selection.search);
        }
    }

    #[test]
    fn any_query_of_a_monitor_is_read(text in any::<String>()) {
        let _ = Condition::parse(&text);
        let _ = Condition::parse(&format!("logs({text}"));
        let _ = name_in(&text);
    }
}

#[test]
fn an_alert_is_searched_for_by_its_smallest_thing_first_narrowed_then_not() {
    let found = |pairs: &[(&str, &str)]| {
        selections(&labels(pairs)).into_iter().map(|selection| selection.search).collect::<Vec<_>>()
    };
    assert_eq!(
        found(&[("service", "checkout"), ("env", "prod"), ("namespace", "shop"), ("pod", "x-1")]),
        ["service:checkout env:prod kube_namespace:shop", "service:checkout"]
    );
    assert_eq!(found(&[("app", "a"), ("job", "b")]), ["service:a", "service:b"]);
    assert_eq!(found(&[("deployment", "web")]), ["(service:web OR kube_deployment:web)"]);
    assert_eq!(found(&[("instance", "10.0.0.7:9100")]), ["host:10.0.0.7"]);
    assert_eq!(found(&[("namespace", "shop")]), ["kube_namespace:shop"]);
    assert_eq!(found(&[("env", "prod"), ("cluster", "c"), ("alertname", "x"), ("service", " ")]), [""; 0]);
    assert_eq!(selections(&labels(&[("service", "a"), ("env", "prod")]))[1].left_out, ["env=prod"]);
}

#[test]
fn sites_are_read_as_people_write_them() {
    let site = |written: &str| Site::parse(written).map(|site| (site.api(), site.app())).ok();
    let at = |api: &str, app: &str| Some((api.to_owned(), app.to_owned()));
    assert_eq!(site("datadoghq.com"), at("https://api.datadoghq.com", "https://app.datadoghq.com"));
    assert_eq!(site("https://app.datadoghq.eu/monitors"), at("https://api.datadoghq.eu", "https://app.datadoghq.eu"));
    for own in ["us3.datadoghq.com", "us5.datadoghq.com", "ap1.datadoghq.com"] {
        assert_eq!(site(own), at(&format!("https://api.{own}"), &format!("https://{own}")));
    }
    assert_eq!(site("ddog-gov.com"), at("https://api.ddog-gov.com", "https://app.ddog-gov.com"));
    for no in ["", "eu", "a b.com", "x@y.com", "datadoghq.com:1/../", ".."] {
        let failure = Site::parse(no).expect_err(no);
        assert!(failure.hint.is_some_and(|hint| hint.contains("us3.datadoghq.com")), "{no}");
    }
}

#[test]
fn a_monitors_query_is_taken_apart() {
    let above = |value| Some(Threshold { value, above: true });
    let metric = |query: &str, threshold, over: &str| Condition::Metric {
        query: query.to_owned(),
        threshold,
        over: over.to_owned(),
        rolling: Rolling::parse(over).filter(|_| threshold.is_some()),
    };
    for (written, read) in [
        (
            "avg(last_5m):avg:system.cpu.user{env:prod} by {host} > 90",
            metric("avg:system.cpu.user{env:prod} by {host}", above(90.0), "avg(last_5m)"),
        ),
        (
            "sum(last_1h):sum:a.b{*}.as_count() / sum:c.d{*}.as_count() * 100 >= 2.5",
            metric("sum:a.b{*}.as_count() / sum:c.d{*}.as_count() * 100", above(2.5), "sum(last_1h)"),
        ),
        (
            "min(last_10m):sum:free{*} < -1e3",
            metric("sum:free{*}", Some(Threshold { value: -1000.0, above: false }), "min(last_10m)"),
        ),
        (
            "pct_change(avg(last_5m),last_15m):avg:x{*} > 50",
            metric("avg:x{*}", None, "pct_change(avg(last_5m),last_15m)"),
        ),
        (
            "avg(last_4h):anomalies(avg:x{*}, 'basic', 2) >= 1",
            metric("anomalies(avg:x{*}, 'basic', 2)", None, "avg(last_4h)"),
        ),
        (
            r#"logs("service:\"a b\" status:error").index("main").rollup("count").by("service,@http.url").last("5m") > 10"#,
            Condition::Logs {
                search: r#"service:"a b" status:error"#.to_owned(),
                facets: vec!["service".to_owned(), "@http.url".to_owned()],
                over: "5m".to_owned(),
                threshold: above(10.0),
            },
        ),
    ] {
        assert_eq!(Condition::parse(written), read, "{written}");
    }
    for other in [
        r#"logs("x").index("*").rollup("avg", "@duration").last("5m") > 10"#,
        r#"logs("x").index("*").rollup("count").last("5m; drop") > 10"#,
        r#""http.can_connect".over("*").last(3).count_by_status()"#,
        "4711 && 4712",
        "",
    ] {
        assert!(matches!(Condition::parse(other), Condition::Other(_)), "{other}");
    }
    assert_eq!(name_in("[Triggered on {host:a}] [P2] Checkout [eu] errors"), "Checkout [eu] errors");
}

#[test]
fn values_are_compared_as_the_monitor_looks_back() {
    let at = |minute: i64| jiff::Timestamp::from_second(1_714_561_200 + minute * 60).unwrap();
    let points: Vec<_> =
        [1.0, 2.0, 3.0, 10.0, 4.0].into_iter().zip(0..).map(|(value, minute)| (at(minute), value)).collect();
    let rolled =
        |over: &str| Rolling::parse(over).unwrap().of(&points).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(rolled("sum(last_3m)"), [6.0, 15.0, 17.0]);
    assert_eq!(rolled("max(last_2m)"), [2.0, 3.0, 10.0, 10.0]);
    assert_eq!(rolled("min(last_5m)"), [1.0]);
    assert_eq!(rolled("avg(last_4m)"), [4.0, 4.75]);
    assert_eq!(rolled("avg(last_1h)"), [0.0; 0]);
    assert_eq!(Rolling::parse("percentile(last_5m)"), None);
    assert_eq!(Rolling::parse("avg(last_5y)"), None);
}

#[test]
fn metrics_are_read_by_their_names() {
    let meaning = |name: &str| read(name).map(|reading| reading.meaning);
    for (name, expected) in [
        ("trace.http.request.errors", Some(Meaning::Errors)),
        ("trace.http.request.hits", Some(Meaning::Traffic)),
        ("trace.http.request", Some(Meaning::Latency)),
        ("trace.http.request.apdex", None),
        ("container.cpu.usage", Some(Meaning::Cpu)),
        ("container.cpu.limit", None),
        ("kubernetes.containers.restarts", Some(Meaning::Restarts)),
        ("postgresql.connections", Some(Meaning::Pool)),
        ("system.disk.in_use", Some(Meaning::Disk)),
        ("checkout.carts.open", None),
    ] {
        assert_eq!(meaning(name), expected, "{name}");
    }
    let tags = ["service:a".to_owned(), "env:b".to_owned()];
    let errors = read("trace.http.request.errors").unwrap();
    assert_eq!(
        query("trace.http.request.errors", errors, &tags).unwrap(),
        "sum:trace.http.request.errors{service:a,env:b}.as_rate()"
    );
    assert_eq!(query("x{*} or y", errors, &tags), None);
}

#[test]
fn series_are_read_with_their_unit() {
    let answer = json!({"status": "ok", "series": [{
        "metric": "x", "tag_set": ["host:b", "bare"], "unit": [{"name": "millisecond"}, null],
        "pointlist": [[1_714_561_260_000.0, 2000.0], [1_714_561_200_000.0, 1000.0], [1.0, null], ["odd"], [1e300, 1.0]]}]});
    let (series, unit) = wire::series(&answer).unwrap();
    assert_eq!(unit.as_deref(), Some("seconds"));
    assert_eq!(series[0].labels, labels(&[("host", "b"), ("bare", "")]));
    assert_eq!(series[0].points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 2.0]);
    let failed = wire::series(&json!({"status": "error", "error": "unparsable"})).unwrap_err();
    assert!(failed.reason.contains("unparsable"));
    for odd in [json!([]), json!({"status": "ok"}), json!({"status": "ok", "series": {}}), json!("x")] {
        assert!(wire::series(&odd).is_err(), "{odd}");
    }
}

#[test]
fn a_page_without_data_is_no_empty_page() {
    assert!(wire::page(&json!({"data": {}})).is_err());
    assert!(wire::page(&json!({"ok": true})).is_err());
    let page = wire::page(&json!({"data": [], "meta": {"status": "timeout", "warnings": [{"detail": "index x"}],
                                                       "page": {"after": "c"}}}))
    .unwrap();
    assert_eq!((page.after.as_deref(), page.said.len()), (Some("c"), 2));
}
