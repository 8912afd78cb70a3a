//! Reading a rule's expression: the comparison comes off, everything else stays.

use opensre_model::evidence::Threshold;
use opensre_providers::prometheus::expression::measured;
use promql_parser::parser::parse;
use proptest::prelude::*;

#[test]
fn the_outermost_comparison_comes_off() {
    let table = [
        ("up < 1", "up", 1.0, false),
        ("  rate(x[5m]) > 0.05 ", "rate(x[5m])", 0.05, true),
        ("(a / b) > (5 * 60)", "(a / b)", 300.0, true),
        ("-1 < a", "a", -1.0, true),
        ("100 > sum by (job) (a)", "sum by (job) (a)", 100.0, false),
        ("((a > 1))", "a", 1.0, true),
        ("a > 5 and b > 1", "a and b > 1", 5.0, true),
        ("a > 5 and on (x) b", "a and on (x) b", 5.0, true),
        ("a > 5 unless b", "a unless b", 5.0, true),
        ("count(up == 0) > 2", "count(up == 0)", 2.0, true),
        (r#"a{x="\"}\\"} > 1e3"#, r#"a{x="\"}\\"}"#, 1000.0, true),
    ];
    for (expression, query, value, above) in table {
        let measured = measured(expression);
        assert_eq!(measured.query, query, "{expression}");
        assert_eq!(measured.threshold, Some(Threshold { value, above }), "{expression}");
    }
}

#[test]
fn an_inclusive_comparison_holds_at_its_number() {
    let least = measured("increase(restarts[1h]) >= 1").threshold.unwrap();
    assert!(least.above && 1.0 > least.value && 1.0 - least.value < 1e-9);
    let most = measured("free <= 0").threshold.unwrap();
    assert!(!most.above && 0.0 < most.value && most.value < 1e-9);
}

#[test]
fn what_has_no_such_comparison_stays_as_it_is() {
    for expression in [
        "up",
        "up == 0",
        "a != 1",
        "a > bool 1",
        "a > b",
        "a > 1 or b > 2",
        "absent(up)",
        "1 > bool 2",
        "a > 1/0",
        // MetricsQL, which this parser does not know.
        "a default 0 > 5",
        "",
        "}{",
    ] {
        let measured = measured(expression);
        assert_eq!((measured.query.as_str(), measured.threshold), (expression, None));
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_left_can_be_read(expression in "(up|a|rate\\(x\\[5m\\]\\)|>|<|>=|==|and|or|unless|bool|\\(|\\)|1|0\\.5|-|/| |\\{a=\"b\"\\}|\\PC){0,14}") {
        let measured = measured(&expression);
        if measured.threshold.is_some() {
            prop_assert!(parse(&measured.query).is_ok());
            prop_assert!(measured.threshold.unwrap().value.is_finite());
        } else {
            prop_assert_eq!(measured.query, expression.trim());
        }
    }
}
