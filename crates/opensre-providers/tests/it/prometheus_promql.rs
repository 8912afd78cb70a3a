//! Building PromQL: whatever a name or value holds, another parser reads back exactly it.

use opensre_model::alert::Labels;
use opensre_providers::prometheus::promql::{
    Compare, Matcher, Selector, is_classic_label, label_name, literal_regex, seconds,
};
use opensre_providers::prometheus::selection::{candidates, names_something, scope};
use promql_parser::label::MatchOp;
use promql_parser::parser::{Expr, VectorSelector, parse};
use proptest::prelude::*;

use crate::stub::labels;

/// Texts that try to break out of a literal.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "([\"'`\\\\\n\r\t{}|=~$,]|\u{0}|\u{7f}|\u{feff}|\u{fffd}|é|[a-z]){0,16}",
        Just("\"} or vector(1) or x{a=\"".to_owned()),
    ]
}

fn read(selector: &Selector) -> VectorSelector {
    match parse(&selector.to_string()) {
        Ok(Expr::VectorSelector(read)) => read,
        other => panic!("{selector} is read as {other:?}"),
    }
}

proptest! {
    #[test]
    fn a_value_stays_one_value(value in nasty(), other in nasty()) {
        let selector = Selector::matching([Matcher::equal("a", value.clone()), Matcher::new("b", Compare::NotEqual, other.clone())]);
        let read = read(&selector.of("up"));
        prop_assert_eq!(read.name.as_deref(), Some("up"));
        prop_assert_eq!(read.matchers.matchers.len(), 2);
        prop_assert_eq!(&read.matchers.matchers[0].value, &value);
        prop_assert_eq!(&read.matchers.matchers[1].value, &other);
        prop_assert_eq!(&read.matchers.matchers[0].op, &MatchOp::Equal);
    }

    #[test]
    fn a_name_stays_one_name(label in nasty(), metric in nasty()) {
        prop_assume!(!label.is_empty() && !metric.is_empty());
        let read = read(&Selector::matching([Matcher::equal(label.clone(), "v")]).of(&metric));
        let named = |name: &str| read.matchers.matchers.iter().find(|matcher| matcher.name == name).map(|matcher| matcher.value.clone());
        let known = read.name.clone().or_else(|| named("__name__"));
        prop_assert_eq!(known, Some(metric));
        prop_assert_eq!(named(&label), Some("v".to_owned()));
    }

    #[test]
    fn a_text_as_an_expression_matches_itself_alone(text in nasty(), other in nasty()) {
        let read = read(&Selector::matching([Matcher::new("a", Compare::Like, literal_regex(&text))]).of("up"));
        let matcher = &read.matchers.matchers[0];
        // The parser's own regex engine takes `.` for everything but line breaks, as does RE2 here: escaped, it is a dot.
        prop_assert!(matcher.is_match(&text), "{} {:?}", matcher, text);
        prop_assert_eq!(matcher.is_match(&other), text == other);
    }

    #[test]
    fn a_narrowing_matcher_takes_the_value_or_nothing(value in nasty(), other in nasty()) {
        let read = read(&Selector::matching([Matcher::equal_or_absent("a", &value)]).of("up"));
        let matcher = &read.matchers.matchers[0];
        prop_assert!(matcher.is_match(&value) && matcher.is_match(""));
        prop_assert_eq!(matcher.is_match(&other), other == value || other.is_empty());
    }

    #[test]
    fn selectors_find_what_candidates_find(
        service in prop_oneof!["[a-z.|+]{1,6}", nasty()],
        pod in "[a-z0-9|.-]{1,18}",
        found in prop_oneof!["[a-z.|+]{1,6}(-[a-z0-9]{5,8}){0,2}", "ns/[a-z]{1,4}", "[a-z]{1,4}:[0-9]{1,5}"],
        label in prop_oneof!["service", "job", "pod", "app", "instance", "host"],
        namespace in prop_oneof!["shop", "cart", ""],
    ) {
        let alert = labels(&[("service", &service), ("pod", &pod), ("host", &service), ("namespace", "shop")]);
        let series = labels(&[(&label, &found), ("namespace", &namespace)]);
        for candidate in candidates(&alert) {
            let read = read(&candidate.selector);
            let by_server = read.matchers.matchers.iter().all(|matcher| {
                matcher.is_match(series.get(&matcher.name).map_or("", String::as_str))
            });
            prop_assert_eq!(candidate.finds(&series), by_server, "{} {:?}", candidate.selector, series);
        }
    }

    #[test]
    fn no_selector_is_empty(pairs in prop::collection::btree_map("(service|job|pod|namespace|env|region|node|x y|severity)", nasty(), 0..6)) {
        let alert: Labels = pairs;
        for candidate in candidates(&alert) {
            let read = read(&candidate.selector);
            let first = &read.matchers.matchers[0];
            prop_assert!(!first.is_match(""), "{} selects what lacks the label", candidate.selector);
        }
        prop_assert_eq!(names_something(&alert), !candidates(&alert).is_empty());
    }
}

#[test]
fn names_are_quoted_only_where_they_must_be() {
    assert_eq!(label_name("service_name"), "service_name");
    assert_eq!(label_name("service.name"), "\"service.name\"");
    assert_eq!(label_name("0day"), "\"0day\"");
    assert!(!is_classic_label(""));
    let selector = Selector::matching([Matcher::equal("k8s.pod", "a\"b")]);
    assert_eq!(selector.to_string(), r#"{"k8s.pod"="a\"b"}"#);
    assert_eq!(selector.of("http.requests").to_string(), r#"{"http.requests","k8s.pod"="a\"b"}"#);
    assert_eq!(Selector::default().of("up").to_string(), "up");
    assert_eq!(Selector::default().of("offset").to_string(), r#"{"offset"}"#);
    assert_eq!(
        (seconds(15), seconds(120), seconds(7200), seconds(90)),
        ("15s".into(), "2m".into(), "2h".into(), "90s".into())
    );
}

fn spelled(pairs: &[(&str, &str)]) -> Vec<String> {
    candidates(&labels(pairs)).iter().map(|candidate| candidate.selector.to_string()).collect()
}

#[test]
fn a_service_is_sought_under_its_own_label_then_under_others() {
    let found = spelled(&[("service", "checkout"), ("env", "prod"), ("alertname", "X"), ("severity", "page")]);
    assert_eq!(found[0], r#"{service="checkout",env=~"prod|"}"#);
    assert_eq!(found[1], r#"{service_name="checkout",env=~"prod|"}"#);
    assert!(found.contains(&r#"{job=~".+/checkout",env=~"prod|"}"#.to_owned()), "{found:?}");
    assert!(
        found.contains(
            &r#"{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",env=~"prod|"}"#.to_owned()
        )
    );
    assert!(found.iter().all(|selector| !selector.contains("severity") && !selector.contains("alertname")));
}

#[test]
fn the_smallest_thing_comes_first_and_a_collector_is_none() {
    let found = spelled(&[
        ("pod", "checkout-1"),
        ("job", "kube-state-metrics"),
        ("instance", "10.0.0.9:8080"),
        ("service", "prometheus-kube-state-metrics"),
        ("namespace", "shop"),
    ]);
    assert_eq!(found[0], r#"{pod="checkout-1",namespace=~"shop|"}"#);
    assert!(
        found.iter().all(|selector| !selector.contains("10.0.0.9") && !selector.contains("kube-state")),
        "{found:?}"
    );

    let host = spelled(&[("instance", "db-1:9100"), ("job", "node")]);
    assert_eq!(host, [r#"{instance="db-1:9100"}"#]);
    let node = spelled(&[("node", "n1")]);
    assert_eq!(node[..2], [r#"{node="n1"}"#, r#"{instance=~"n1(:[0-9]+)?"}"#]);
}

#[test]
fn what_only_narrows_names_nothing_but_a_namespace() {
    assert!(spelled(&[("env", "prod"), ("region", "eu"), ("cluster", "c1")]).is_empty());
    assert_eq!(spelled(&[("env", "prod"), ("namespace", "shop")]), [r#"{namespace="shop",env=~"prod|"}"#]);
    assert!(spelled(&[("service", "  ")]).is_empty());
    assert!(spelled(&[("service", &"x".repeat(300))]).is_empty());
    assert_eq!(scope(&labels(&[("env", " prod "), ("service", "x")])), [("env".to_owned(), "prod".to_owned())]);
}
