//! No input of a client or an author makes the lab panic.

use opensre_lab::Scenario;
use opensre_lab::scenario::Offset;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{Asker, start};

const SCENARIO: &str = r"
name: any
description: for any input
cause: {category: unknown, sentence: none, instances: []}
onset_ago: 1m
history: 2m
backends:
  main:
    metrics: [{name: up, type: gauge, series: [{labels: {job: [a, b]}, value: 1}]}]
    logs: [{labels: {app: a}, lines: [{template: 'n=${int:1..9}', per_minute: 6}]}]
    traces: [{per_minute: 6, root: {service: a, name: b, seconds: 0.1}}]
instances:
  - {service: prometheus, name: main, backend: main}
  - {service: loki, name: main, backend: main}
  - {service: tempo, name: main, backend: main}
  - {service: alertmanager, name: main}
alert: {payload: {}}
";

/// Texts from the words of the query languages, more likely to get past the lexer than arbitrary ones.
fn query() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[5m]",
        "[",
        "]",
        "up",
        "rate",
        "sum",
        "by",
        "(job)",
        "app",
        "=",
        "=~",
        "\"a\"",
        "\"(\"",
        "|",
        "|=",
        "json",
        "unwrap",
        "n",
        "duration",
        ">",
        "1s",
        "1e400",
        "-",
        "&&",
        "||",
        "!",
        "status",
        "error",
        ".a",
        "span.",
        "offset",
        "@",
        "topk",
        ",",
        "count_over_time",
        "9999999999999999999h",
        "line_format",
        "`{{`",
        "select",
        "count()",
        "histogram_quantile",
        "0.5",
        ":",
        "\\",
    ]);
    prop_oneof![".{0,40}", prop::collection::vec(words, 0..14).prop_map(|words| words.join(" "))]
}

#[test]
fn any_query_gets_an_answer() {
    let runtime = Runtime::new().unwrap();
    let lab = runtime.block_on(start(SCENARIO));
    let prometheus = Asker::new(&lab, "prometheus/main");
    let loki = Asker::new(&lab, "loki/main");
    let tempo = Asker::new(&lab, "tempo/main");
    let alertmanager = Asker::new(&lab, "alertmanager/main");
    proptest!(ProptestConfig::with_cases(200), |(text in query(), number in "[-+0-9.e]{0,8}")| {
        runtime.block_on(async {
            let text = text.as_str();
            let number = number.as_str();
            let answers = [
                prometheus.get("/api/v1/query", &[("query", text)]).await,
                prometheus.get("/api/v1/query_range", &[("query", text), ("start", "1773143900"), ("end", "1773144000"), ("step", number)]).await,
                prometheus.get("/api/v1/series", &[("match[]", text), ("start", number)]).await,
                loki.get("/loki/api/v1/query_range", &[("query", text), ("step", "60")]).await,
                loki.get("/loki/api/v1/query", &[("query", text), ("time", number)]).await,
                tempo.get("/api/search", &[("q", text), ("limit", number)]).await,
                tempo.get("/api/v2/search/tag/.a/values", &[("q", text)]).await,
                alertmanager.get("/api/v2/alerts", &[("filter", text)]).await,
            ];
            for (status, body) in answers {
                // 500 would be a panic in a simulator.
                assert!([200, 400, 422].contains(&status), "{text}: {status} {body}");
            }
        });
    });
}

proptest! {
    #[test]
    fn offsets_are_read_as_they_are_written(milliseconds in -400_000_000_000_i64..400_000_000_000) {
        // Within ten years either way.
        let offset = Offset::from_milliseconds(milliseconds.clamp(-300_000_000_000, 300_000_000_000));
        prop_assert_eq!(Offset::parse(&offset.to_string()), Ok(offset));
    }

    #[test]
    fn any_text_is_an_error_and_no_panic(text in "[a-z:{}\\[\\]0-9 \n\"'&*!|>-]{0,80}") {
        prop_assert!(Scenario::parse(&text).is_err());
    }

    #[test]
    fn a_damaged_scenario_is_an_error_or_another_scenario(start in 0_usize..600, length in 1_usize..40, insert in "[a-z0-9:{}\\[\\] \n-]{0,6}") {
        let mut text = SCENARIO.to_owned();
        let start = start.min(text.len() - 1);
        let end = (start + length).min(text.len());
        text.replace_range(start..end, &insert);
        if let Err(error) = Scenario::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
