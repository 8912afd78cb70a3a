//! Wire formats of Prometheus: what is read, what is left out, and that nothing breaks.

use opensre_model::evidence::Series;
use opensre_providers::prometheus::wire::{Answered, alerting_rules, envelope, label_sets, series, targets, texts};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::labels;

fn at(seconds: f64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond((seconds * 1000.0) as i64).unwrap()
}

fn read(data: &Json) -> Answered {
    series(envelope(json!({"status": "success", "data": data})).unwrap()).unwrap()
}

#[test]
fn a_matrix_is_sorted_and_without_what_is_no_number() {
    let answered = read(&json!({"resultType": "matrix", "result": [
        {"metric": {"job": "b"}, "values": [[2.5, "4"], [1, "3"], [1, "9"], [3, "NaN"], [4, "+Inf"], [5, "-Inf"], [6, "x"], [7], "y"]},
        {"metric": {"job": "a", "odd": 7}, "values": [[1_714_564_800, "1e-3"]]},
        {"metric": {"job": "c"}, "values": [[1, "NaN"]]},
        {"metric": {"job": "d"}, "histograms": [[1, {"count": "3"}]]},
        {"metric": null, "values": [[1e300, "1"], ["x", "1"], [2, 8]]},
    ]}));
    assert_eq!(
        answered.series,
        [
            Series { labels: labels(&[]), points: vec![(at(2.0), 8.0)] },
            Series { labels: labels(&[("job", "a")]), points: vec![(at(1_714_564_800.0), 0.001)] },
            Series { labels: labels(&[("job", "b")]), points: vec![(at(1.0), 3.0), (at(2.5), 4.0)] },
        ]
    );
    assert_eq!(answered.odd, 6 + 1 + 1 + 2);
}

#[test]
fn vectors_and_scalars_are_series_of_one_point() {
    let vector = read(&json!({"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, "2"]}]}));
    assert_eq!(vector.series, [Series { labels: labels(&[("a", "b")]), points: vec![(at(1.5), 2.0)] }]);
    let scalar = read(&json!({"resultType": "scalar", "result": [1, "2"]}));
    assert_eq!(scalar.series, [Series { labels: labels(&[]), points: vec![(at(1.0), 2.0)] }]);
}

#[test]
fn what_the_server_says_is_kept() {
    let opened = envelope(json!({"status": "success", "data": [], "warnings": ["a\nb", 7], "infos": ["c"]})).unwrap();
    assert_eq!(opened.notes, ["a b", "c"]);
    let failure =
        envelope(json!({"status": "error", "errorType": "execution", "error": "too many samples"})).unwrap_err();
    assert_eq!(failure.reason, "the query failed: too many samples");
}

#[test]
fn other_answers_are_nonsense_not_empty() {
    for answer in [json!(null), json!([]), json!({}), json!({"status": "ok"}), json!({"status": 7})] {
        assert!(envelope(answer).is_err());
    }
    for data in [
        json!(null),
        json!({}),
        json!({"resultType": "string", "result": []}),
        json!({"resultType": "matrix"}),
        json!([]),
    ] {
        let opened = envelope(json!({"status": "success", "data": data})).unwrap();
        assert!(series(opened.clone()).is_err());
        assert!(alerting_rules(&opened).is_err() && targets(&opened).is_err(), "{data}");
    }
}

#[test]
fn label_sets_need_a_name() {
    let opened =
        envelope(json!({"status": "success", "data": [{"__name__": "up", "job": "a"}, {"job": "b"}, 7]})).unwrap();
    assert_eq!(label_sets(&opened).unwrap(), [labels(&[("__name__", "up"), ("job", "a")])]);
    let names = envelope(json!({"status": "success", "data": ["b", "a", 7]})).unwrap();
    assert_eq!(texts(&names).unwrap().into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn rules_are_those_that_alert() {
    let opened = envelope(json!({"status": "success", "data": {"groups": [
        {"name": "g", "rules": [
            {"type": "recording", "name": "job:x", "query": "x"},
            {"type": "alerting", "name": "Errors", "query": "x > 1", "duration": 300, "state": "firing", "health": "err",
             "labels": {"severity": "page"}, "lastError": "many\nlines", "lastEvaluation": "2024-05-01T12:00:00.5+02:00",
             "alerts": [{"labels": {"service": "checkout"}, "state": "firing"}, {}]},
            {"name": "Never", "lastEvaluation": "0001-01-01T00:00:00Z"},
        ]},
        {"name": "broken"},
    ]}}))
    .unwrap();
    let rules = alerting_rules(&opened).unwrap();
    assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["Errors", "Never"]);
    let errors = &rules[0];
    assert_eq!((errors.group.as_str(), errors.query.as_str(), errors.state.as_str()), ("g", "x > 1", "firing"));
    assert_eq!((errors.hold_seconds, errors.last_error.as_str()), (300.0, "many lines"));
    assert_eq!(errors.evaluated_at.unwrap().to_string(), "2024-05-01T10:00:00.5Z");
    assert_eq!(errors.active, [labels(&[("service", "checkout")]), labels(&[])]);
    assert_eq!(rules[1].evaluated_at, None, "Go's zero time is no time");
}

#[test]
fn targets_show_no_query_of_their_url() {
    let opened = envelope(json!({"status": "success", "data": {"activeTargets": [
        {"labels": {"job": "a"}, "health": "down", "lastError": "refused", "lastScrape": "2024-05-01T12:00:00Z",
         "scrapeUrl": "http://h/metrics?token=canary"},
        {},
    ]}}))
    .unwrap();
    let targets = targets(&opened).unwrap();
    assert_eq!((targets[0].url.as_str(), targets[0].health.as_str()), ("http://h/metrics", "down"));
    assert_eq!(targets[1].scraped_at, None);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        prop_oneof!["success", "matrix", "vector", "scalar", "NaN", "1", "\\PC{0,6}"].prop_map(Json::from),
    ];
    let key =
        prop_oneof!["status", "data", "resultType", "result", "metric", "value", "values", "groups", "rules", "labels"];
    leaf.prop_recursive(5, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_breaks_the_reader(data in any_json(), result in prop::collection::vec(any_json(), 0..4)) {
        let shaped = json!({"resultType": "matrix", "result": result});
        for data in [data, shaped] {
            if let Ok(opened) = envelope(json!({"status": "success", "data": data})) {
                let _ = (texts(&opened), label_sets(&opened), alerting_rules(&opened), targets(&opened));
                if let Ok(answered) = series(opened) {
                    prop_assert!(answered.series.iter().flat_map(|one| &one.points).all(|(_, value)| value.is_finite()));
                    prop_assert!(answered.series.iter().all(|one| one.points.windows(2).all(|pair| pair[0].0 < pair[1].0)));
                }
            }
        }
    }
}
