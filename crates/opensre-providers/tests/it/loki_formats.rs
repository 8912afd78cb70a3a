//! Loki: queries built from hostile values, answers read, streams selected, levels told.

use std::collections::BTreeMap;

use opensre_model::alert::Labels;
use opensre_providers::loki::level;
use opensre_providers::loki::logql::{Selector, count};
use opensre_providers::loki::selection::{candidates, first_guess, names_something, select, sought};
use opensre_providers::loki::wire::{Answered, LONGEST_LINE, NotLoki, answered, names};
use opensre_providers::quoting::go_string;
use proptest::prelude::*;
use serde_json::json;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A token of a query language whose strings are Go's, as its lexer sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A string, unquoted.
    Text(String),
    /// Anything else that is not white space, character by character but for words.
    Plain(String),
}

/// Lexes as the query language does: strings in double quotes with Go's escapes, or raw in backquotes; `#` begins a
/// comment outside of strings. `None` for what no lexer takes.
pub(crate) fn lex(query: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = query.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                let mut text = String::new();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\n' | '\0' => return None,
                        '\\' => text.push(match rest.next()? {
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            '"' => '"',
                            '\\' => '\\',
                            'u' => {
                                let digits: String = rest.by_ref().take(4).collect();
                                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                            }
                            _ => return None,
                        }),
                        other => text.push(other),
                    }
                }
                tokens.push(Token::Text(text));
            }
            '`' | '#' | '\0' => return None,
            white if white.is_whitespace() => {}
            word if word.is_alphanumeric() || word == '_' || word == '.' => {
                let mut text = word.to_string();
                while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '.')) {
                    text.push(next);
                }
                tokens.push(Token::Plain(text));
            }
            other => tokens.push(Token::Plain(other.to_string())),
        }
    }
    Some(tokens)
}

/// Values as an attacker would write them into an alert.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("`".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\0".to_owned()),
        Just("#".to_owned()),
        Just("\"} or {app=~\".+\"} |= \"".to_owned()),
        Just("\" } || { true".to_owned()),
        Just("\u{2028}\u{feff}".to_owned()),
        Just("${__interval}".to_owned()),
        Just("日本".to_owned()),
        any::<char>().prop_map(String::from),
        "[a-z]{1,5}",
    ];
    proptest::collection::vec(parts, 1..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_literal_is_read_back_as_exactly_the_text(text in hostile()) {
        prop_assert_eq!(lex(&go_string(&text)), Some(vec![Token::Text(text)]));
    }

    #[test]
    fn a_value_never_leaves_its_matcher(app in hostile(), namespace in hostile(), pattern in hostile()) {
        let selector = Selector::new([("app".to_owned(), app.clone()), ("namespace".to_owned(), namespace.clone())]).unwrap();
        let plain = |text: &str| Token::Plain(text.to_owned());
        let mut expected = vec![
            plain("{"), plain("app"), plain("="), Token::Text(app),
            plain(","), plain("namespace"), plain("="), Token::Text(namespace), plain("}"),
        ];
        prop_assert_eq!(lex(&selector.to_string()), Some(expected.clone()));
        expected.extend([plain("|"), plain("~"), Token::Text(pattern.clone())]);
        prop_assert_eq!(lex(&selector.lines_matching(&pattern)), Some(expected));
    }

    #[test]
    fn reading_an_answer_never_panics(text in ".{0,200}", number in any::<i64>()) {
        for answer in [
            json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"a": text}, "values": [[text, text], [number, text], [number.to_string(), text, {"b": number}], number, null]}, text]}}),
            json!({"status": text, "data": text}),
            json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": text, "values": [[number, text], [text, number]]}]}}),
        ] {
            let _ = answered(&answer);
            let _ = names(&answer);
        }
        let _ = level::detect(&Labels::new(), &text);
    }
}

#[test]
fn a_selector_is_never_empty_and_matches_no_stream_without_its_labels() {
    assert_eq!(Selector::new([]), None);
    assert_eq!(Selector::new([("app".to_owned(), String::new())]), None);
    assert_eq!(Selector::new([("app=\"x\"} or {a".to_owned(), "b".to_owned())]), None);
    assert_eq!(Selector::new([("9app".to_owned(), "b".to_owned())]), None);
    let selector =
        Selector::new([("app".to_owned(), "checkout".to_owned()), ("env".to_owned(), String::new())]).unwrap();
    assert_eq!(selector.to_string(), r#"{app="checkout"}"#);
    assert_eq!(
        selector.labels_matching(&["level", "bad name", "detected_level"], "(?i)error"),
        r#"{app="checkout"} | level=~"(?i)error" or detected_level=~"(?i)error""#,
    );
    assert_eq!(count(&selector.to_string(), 60), r#"sum(count_over_time({app="checkout"} [60s]))"#);
}

#[test]
fn streams_are_read_oldest_first_with_level_and_metadata() {
    let answer = json!({"status": "success", "data": {"resultType": "streams", "stats": {}, "result": [
        {"stream": {"app": "checkout", "level": "error"}, "values": [
            ["1700000060000000001", "payment refused", {"structuredMetadata": {"trace_id": "abc"}, "parsed": {"code": "502"}}],
            ["1700000000000000000", "starting\n"],
        ]},
        {"stream": {"app": "checkout"}, "values": [["1700000030000000000", "{\"level\":\"warn\",\"msg\":\"slow\"}", {"pod": "checkout-1"}]]},
        {"stream": {"app": "odd"}, "values": [["not a time", "x"], ["1700000030000000000"], 7]},
        {"stream": {"app": "odder"}},
    ]}});
    let Ok(Answered::Lines(lines)) = answered(&answer) else { panic!("these are streams") };
    let read: Vec<_> = lines
        .entries
        .iter()
        .map(|line| (line.time.to_string(), line.level.as_deref(), line.message.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            ("2023-11-14T22:13:20Z".to_owned(), Some("error"), "starting"),
            ("2023-11-14T22:13:50Z".to_owned(), Some("warn"), "{\"level\":\"warn\",\"msg\":\"slow\"}"),
            ("2023-11-14T22:14:20.000000001Z".to_owned(), Some("error"), "payment refused"),
        ]
    );
    assert_eq!(
        lines.entries[2].labels,
        labels(&[("app", "checkout"), ("level", "error"), ("trace_id", "abc"), ("code", "502")])
    );
    assert_eq!(lines.entries[1].labels, labels(&[("app", "checkout"), ("pod", "checkout-1")]));
    assert_eq!((lines.odd, lines.cut), (4, 0));
}

#[test]
fn a_long_line_is_cut_at_a_characters_border_and_counted() {
    let long = "ü".repeat(LONGEST_LINE);
    let answer = json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", long]]}]}});
    let Ok(Answered::Lines(lines)) = answered(&answer) else { panic!("these are streams") };
    assert_eq!(lines.cut, 1);
    assert!(lines.entries[0].message.len() <= LONGEST_LINE);
    assert!(lines.entries[0].message.chars().all(|character| character == 'ü'));
}

#[test]
fn a_matrix_is_read_as_finite_points_sorted_by_labels() {
    let answer = json!({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"level": "warn"}, "values": [[1_700_000_060, "2"], [1_700_000_000, "1"], [1_700_000_120, "NaN"]]},
        {"metric": {"level": "error"}, "values": [[1_700_000_000.5, "3"]]},
        {"metric": {"level": "info"}, "values": []},
    ]}});
    let Ok(Answered::Series(series)) = answered(&answer) else { panic!("this is a matrix") };
    let read: Vec<_> = series
        .iter()
        .map(|series| {
            (
                series.labels["level"].as_str(),
                series.points.iter().map(|(time, value)| (time.as_millisecond(), *value)).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [("error", vec![(1_700_000_000_500, 3.0)]), ("warn", vec![(1_700_000_000_000, 1.0), (1_700_000_060_000, 2.0)])]
    );
}

#[test]
fn what_is_no_answer_of_lokis_is_told_apart() {
    assert_eq!(
        names(&json!({"status": "success", "data": ["b", "a", 1, "a"]})),
        Ok(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(names(&json!({"status": "success"})), Ok(Vec::new()));
    assert!(matches!(names(&json!({"status": "error", "error": "x"})), Err(NotLoki::Status(_))));
    assert!(matches!(names(&json!([])), Err(NotLoki::Shape(_))));
    assert!(matches!(
        answered(&json!({"status": "success", "data": {"resultType": "scalar"}})),
        Err(NotLoki::Shape(_))
    ));
    // A Go server writes an empty list as null.
    assert!(matches!(
        answered(&json!({"status": "success", "data": {"resultType": "streams", "result": null}})),
        Ok(Answered::Lines(lines)) if lines.entries.is_empty()
    ));
}

/// The values of a Loki whose streams are labelled like this.
fn known(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    pairs
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
        .collect()
}

fn selected(alert: &[(&str, &str)], loki: &[(&str, &[&str])]) -> (Option<String>, Vec<String>) {
    let selection = select(&sought(&labels(alert)), &known(loki));
    (selection.selector.map(|selector| selector.to_string()), selection.dropped)
}

#[test]
fn an_alerts_labels_are_translated_to_those_that_the_streams_have() {
    let alert = [("service", "checkout"), ("namespace", "shop"), ("pod", "checkout-1"), ("severity", "critical")];
    // The pod does not narrow a service: what it depends on fails in its other pods too.
    assert_eq!(
        selected(&alert, &[("app", &["cart", "checkout"]), ("namespace", &["shop"]), ("pod", &["checkout-1"])]),
        (Some(r#"{app="checkout", namespace="shop"}"#.to_owned()), vec![])
    );
    assert_eq!(
        selected(&alert, &[("job", &["shop/checkout"]), ("namespace", &["other"])]),
        (Some(r#"{job="shop/checkout"}"#.to_owned()), vec!["namespace=shop".to_owned()])
    );
    // Without the service, the pod; without either, the namespace.
    assert_eq!(
        selected(&alert, &[("pod", &["checkout-1"]), ("namespace", &["shop"])]),
        (Some(r#"{pod="checkout-1", namespace="shop"}"#.to_owned()), vec!["service=checkout".to_owned()])
    );
    assert_eq!(selected(&alert, &[("namespace", &["shop"])]).0, Some(r#"{namespace="shop"}"#.to_owned()));
    assert_eq!(selected(&alert, &[("app", &["cart"])]).0, None);
}

#[test]
fn values_agree_but_for_case_namespace_and_port() {
    assert_eq!(
        selected(&[("service", "Checkout")], &[("service_name", &["checkout"])]).0.as_deref(),
        Some(r#"{service_name="checkout"}"#)
    );
    assert_eq!(
        selected(&[("job", "shop/checkout")], &[("app", &["checkout"])]).0.as_deref(),
        Some(r#"{app="checkout"}"#)
    );
    // Another namespace's service of the same name is another service.
    assert_eq!(selected(&[("job", "shop/checkout")], &[("job", &["bank/checkout"])]).0, None);
    assert_eq!(
        selected(&[("instance", "10.0.0.7:9100")], &[("host", &["10.0.0.6", "10.0.0.7"])]).0.as_deref(),
        Some(r#"{host="10.0.0.7"}"#)
    );
    assert_eq!(selected(&[("service", "check")], &[("app", &["checkout"])]).0, None);
}

#[test]
fn a_scope_alone_selects_nothing() {
    assert_eq!(selected(&[("cluster", "eu"), ("env", "prod")], &[("cluster", &["eu"]), ("env", &["prod"])]).0, None);
    assert!(!names_something(&sought(&labels(&[("cluster", "eu"), ("severity", "page")]))));
    assert!(names_something(&sought(&labels(&[("namespace", "shop")]))));
    assert!(!names_something(&sought(&labels(&[("service", "  ")]))));
}

#[test]
fn labels_are_asked_for_in_the_first_round_only_where_they_are_usual() {
    let of_service =
        sought(&labels(&[("service", "checkout"), ("pod", "checkout-1"), ("namespace", "shop"), ("env", "prod")]));
    assert_eq!(first_guess(&of_service), ["service_name", "app", "job", "namespace", "env"]);
    let known: Vec<String> = ["app", "container", "environment", "filename", "pod"].map(str::to_owned).to_vec();
    assert_eq!(candidates(&of_service, &known, &["app"]), ["container", "pod", "environment"]);
    assert_eq!(first_guess(&sought(&labels(&[("pod", "checkout-1")]))), ["pod"]);
}

#[test]
fn levels_are_told_from_labels_json_pairs_and_words() {
    let none = Labels::new();
    for (message, level) in [
        (r#"{"time":"x","level":"ERROR","msg":"boom"}"#, Some("error")),
        (r#"{"level":50,"msg":"pino"}"#, Some("error")),
        (r#"{"log":{"level":"warning"},"message":"ecs"}"#, Some("warn")),
        (r#"{"msg":"no level, but the word error"}"#, None),
        ("ts=2024-01-01T00:00:00Z level=warn caller=main.go:1 msg=\"slow\"", Some("warn")),
        ("2024-01-01 00:00:00,123 ERROR [main] c.e.Checkout - boom", Some("error")),
        ("2024/01/01 00:00:00 [error] 7#7: *1 connect() failed", Some("error")),
        ("[2024-01-01] WARNING: disk", Some("warn")),
        ("E0102 15:04:05.000000       1 reflector.go:1] failed", Some("error")),
        ("I0102 15:04:05.000000       1 main.go:1] ok", Some("info")),
        ("Traceback (most recent call last):", Some("error")),
        ("panic: runtime error: index out of range", Some("critical")),
        ("INFORMATION about nothing", None),
        ("GET /errors 200", None),
        ("user said ERRORS are fine", None),
    ] {
        assert_eq!(level::detect(&none, message), level, "{message}");
    }
    assert_eq!(level::detect(&labels(&[("detected_level", "error"), ("level", "info")]), "x"), Some("info"));
    assert_eq!(level::detect(&labels(&[("detected_level", "unknown")]), "level=error"), Some("error"));
    assert_eq!(level::normalise("verbose"), Some("trace"));
    assert_eq!(level::normalise("17"), None);
}

#[test]
fn what_is_worth_reading_first_is_what_went_wrong() {
    let words = regex::Regex::new(level::ERROR_WORDS).unwrap();
    for line in [
        "dial tcp: connection refused",
        "NullPointerException",
        "request timed out",
        "OOMKilled",
        "FATAL: no",
        "upstream unavailable",
    ] {
        assert!(words.is_match(line), "{line}");
    }
    for line in ["order placed", "GET /cart 200 12ms", "forewarned", "unfailing"] {
        assert!(!words.is_match(line), "{line}");
    }
    let levels = regex::Regex::new(&format!("^(?:{})$", level::ERROR_LEVELS)).unwrap();
    assert!(levels.is_match("FATAL") && levels.is_match("err"));
    assert!(!levels.is_match("warn") && !levels.is_match("errors"));
    let warnings = regex::Regex::new(level::WARNING_WORDS).unwrap();
    assert!(warnings.is_match("[WARN] slow") && warnings.is_match("a warning") && !warnings.is_match("forewarned"));
}
