//! Grafana: data sources read and chosen, alert rules read and followed, annotations told apart.

use opensre_model::alert::Labels;
use opensre_model::evidence::{EventKind, Threshold};
use opensre_providers::grafana::annotations;
use opensre_providers::grafana::datasources::{DataSources, Kind, MOST_ASKED};
use opensre_providers::grafana::rule::{Rule, interpolate};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn source(uid: &str, kind: &str, default: bool) -> Json {
    json!({"id": 1, "orgId": 1, "uid": uid, "name": uid, "type": kind, "access": "proxy", "url": "http://x", "isDefault": default})
}

fn chosen(list: &[Json], kind: Kind, configured: Option<&str>, alert: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let sources = DataSources::parse(&Json::Array(list.to_vec())).unwrap();
    let choice = sources.choose(kind, configured, &labels(alert));
    (
        choice.asked.iter().map(|source| source.uid.clone()).collect(),
        choice.skipped.iter().map(|(source, reason)| format!("{}: {reason}", source.uid)).collect(),
    )
}

#[test]
fn data_sources_are_known_by_what_they_speak() {
    let list = json!([
        source("a", "prometheus", true),
        source("b", "grafana-mimir-datasource", false),
        source("c", "loki", false),
        source("d", "tempo", false),
        source("e", "grafana-amazonprometheus-datasource", false),
        source("f", "elasticsearch", false),
        {"type": "loki"}, null, 7,
    ]);
    let sources = DataSources::parse(&list).unwrap();
    let kinds: Vec<_> = sources.known.iter().map(|source| (source.uid.as_str(), source.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("a", Kind::Prometheus),
            ("b", Kind::Prometheus),
            ("c", Kind::Loki),
            ("d", Kind::Tempo),
            ("e", Kind::Prometheus)
        ]
    );
    assert_eq!(sources.other, 4);
    assert_eq!(sources.by_uid("d").unwrap().label(), "d (tempo)");
    assert!(DataSources::parse(&json!({"message": "Unauthorized"})).is_err());
}

#[test]
fn the_default_comes_first_then_the_name_that_hints_and_grafanas_own_last() {
    let list = [
        source("grafanacloud-alert-state-history", "loki", false),
        source("archive", "loki", false),
        source("team-logs", "loki", false),
        source("main", "loki", true),
        source("grafanacloud-usage-insights", "loki", false),
    ];
    let (asked, skipped) = chosen(&list, Kind::Loki, None, &[]);
    assert_eq!(asked, ["main", "team-logs", "archive"]);
    assert_eq!(
        skipped,
        [
            "grafanacloud-alert-state-history: it is about Grafana itself",
            "grafanacloud-usage-insights: it is about Grafana itself"
        ]
    );
    // With nothing else there, one of its own is still better than none.
    assert_eq!(chosen(&list[..1], Kind::Loki, None, &[]).0, ["grafanacloud-alert-state-history"]);
}

#[test]
fn a_name_that_agrees_with_the_alerts_labels_narrows_the_choice() {
    let list = [
        source("prom-prod", "prometheus", false),
        source("prom-staging", "prometheus", false),
        source("prom-product", "prometheus", false),
        source("global", "prometheus", true),
    ];
    let (asked, skipped) = chosen(&list, Kind::Prometheus, None, &[("env", "prod")]);
    assert_eq!(asked, ["prom-prod", "global"]);
    assert_eq!(skipped.len(), 2);
    assert!(skipped[0].ends_with("another one's name agrees with the alert's labels"), "{skipped:?}");
    // A label that no name has narrows nothing.
    assert_eq!(chosen(&list, Kind::Prometheus, None, &[("env", "qa")]).0, ["global", "prom-prod", "prom-staging"]);
}

#[test]
fn a_configured_uid_decides_alone() {
    let list = [source("main", "loki", true), source("other", "loki", false)];
    assert_eq!(chosen(&list, Kind::Loki, Some("other"), &[("env", "main")]).0, ["other"]);
    assert_eq!(chosen(&list, Kind::Loki, Some("gone"), &[]).0, Vec::<String>::new());
}

proptest! {
    #[test]
    fn a_choice_is_bounded_total_and_of_one_kind(
        entries in proptest::collection::vec(("[a-z-]{1,12}", prop_oneof![Just("loki"), Just("tempo"), Just("prometheus"), Just("mysql")], any::<bool>()), 0..12),
        env in "[a-z-]{0,6}",
    ) {
        let list: Vec<Json> = entries.iter().enumerate().map(|(at, (name, kind, default))| {
            json!({"uid": format!("{at}"), "name": name, "type": kind, "isDefault": default})
        }).collect();
        let sources = DataSources::parse(&Json::Array(list)).unwrap();
        for kind in [Kind::Prometheus, Kind::Loki, Kind::Tempo] {
            let choice = sources.choose(kind, None, &labels(&[("env", &env)]));
            let of_kind = sources.known.iter().filter(|source| source.kind == kind).count();
            prop_assert_eq!(choice.asked.len() + choice.skipped.len(), of_kind);
            prop_assert!(choice.asked.len() <= MOST_ASKED);
            prop_assert_eq!(choice.asked.is_empty(), of_kind == 0);
        }
    }

    #[test]
    fn reading_hostile_answers_never_panics(text in ".{0,60}", number in any::<i64>()) {
        for answer in [
            json!([{"time": number, "text": text, "tags": [text, number], "newState": text, "timeEnd": number}]),
            json!({"data": [{"refId": text, "datasourceUid": "__expr__", "model": {"type": "math", "expression": text}}], "condition": text}),
            json!({text.clone(): [{"rules": [{"grafana_alert": {"uid": text, "data": [number]}}]}]}),
        ] {
            let _ = annotations::parse(&answer);
            let _ = DataSources::parse(&answer);
            if let Some(rule) = Rule::provisioned(&answer) {
                let _ = (rule.measured(), rule.condition_words());
            }
            let _ = Rule::of_ruler(&answer, &text);
        }
        let _ = interpolate(&text, number, number);
    }
}

/// The rule of the vendor's example, reduced: a query, a reduction, a threshold.
fn provisioned() -> Json {
    json!({
        "id": 1, "uid": "rule-1", "orgID": 1, "folderUID": "f", "ruleGroup": "g", "title": "Checkout errors",
        "condition": "C", "for": "5m", "isPaused": false, "labels": {"team": "shop"}, "annotations": {},
        "updated": "2024-05-01T12:00:00Z", "noDataState": "NoData", "execErrState": "Error",
        "data": [
            {"refId": "A", "queryType": "", "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": "prom",
             "model": {"expr": "sum(rate(http_errors_total[$__rate_interval]))", "intervalMs": 1000, "maxDataPoints": 43200, "refId": "A"}},
            {"refId": "B", "relativeTimeRange": {"from": 0, "to": 0}, "datasourceUid": "__expr__",
             "model": {"type": "reduce", "reducer": "last", "expression": "A", "refId": "B"}},
            {"refId": "C", "relativeTimeRange": {"from": 0, "to": 0}, "datasourceUid": "__expr__",
             "model": {"type": "threshold", "expression": "B", "refId": "C",
                       "conditions": [{"evaluator": {"type": "gt", "params": [0.05]}, "query": {"params": ["C"]}, "type": "query"}]}},
        ],
    })
}

#[test]
fn a_threshold_is_followed_through_reductions_to_the_query() {
    let rule = Rule::provisioned(&provisioned()).unwrap();
    assert_eq!((rule.title.as_str(), rule.pending_for.as_deref(), rule.paused), ("Checkout errors", Some("5m"), false));
    assert_eq!(rule.condition_words().as_deref(), Some("B > 0.05"));
    let measured = rule.measured();
    assert_eq!(measured.len(), 1);
    assert_eq!((measured[0].reference.as_str(), measured[0].datasource.as_str()), ("A", "prom"));
    assert_eq!(measured[0].range_seconds, 600);
    assert_eq!(measured[0].threshold, Some(Threshold { value: 0.05, above: true }));
}

#[test]
fn the_rulers_answer_holds_the_same_rule() {
    let provisioned = provisioned();
    let mut alert = provisioned.clone();
    alert["is_paused"] = json!(true);
    let answer = json!({
        "Other": [{"name": "x", "rules": [{"expr": "up == 0", "alert": "no Grafana rule"}]}],
        "Shop": [{"name": "g", "interval": "1m", "rules": [
            {"for": "5m", "labels": {"team": "shop"}, "grafana_alert": {"uid": "rule-0", "data": []}},
            {"for": "5m", "labels": {"team": "shop"}, "grafana_alert": alert},
        ]}],
    });
    let rule = Rule::of_ruler(&answer, "rule-1").unwrap();
    assert_eq!(rule.measured(), Rule::provisioned(&provisioned).unwrap().measured());
    assert!(rule.paused);
    assert_eq!(Rule::of_ruler(&answer, "rule-2"), None);
}

/// A rule of one query `A`, one query `D` and these expressions; the last is the condition.
fn with_expressions(expressions: &[Json]) -> Rule {
    let mut data: Vec<Json> = ["A", "D"]
        .map(|name| json!({"refId": name, "datasourceUid": "prom", "model": {"expr": format!("query_{name}")}}))
        .to_vec();
    data.extend(
        expressions.iter().map(|model| json!({"refId": model["refId"], "datasourceUid": "-100", "model": model})),
    );
    let condition = expressions.last().map_or(json!("A"), |model| model["refId"].clone());
    Rule::provisioned(&json!({"uid": "r", "title": "r", "condition": condition, "data": data})).unwrap()
}

fn thresholds(rule: &Rule) -> Vec<(String, Option<(f64, bool)>)> {
    let mut found: Vec<_> = rule
        .measured()
        .into_iter()
        .map(|measured| (measured.reference, measured.threshold.map(|threshold| (threshold.value, threshold.above))))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_kind_of_expression_is_followed() {
    let a = |threshold| vec![("A".to_owned(), threshold)];
    let classic = with_expressions(&[json!({"refId": "B", "type": "classic_conditions", "conditions": [
        {"evaluator": {"type": "lt", "params": [3]}, "query": {"params": ["A"]}, "reducer": {"type": "last"}},
        {"evaluator": {"type": "outside_range", "params": [1, 9]}, "query": {"params": ["D"]}},
    ]})]);
    assert_eq!(thresholds(&classic), [("A".to_owned(), Some((3.0, false))), ("D".to_owned(), Some((9.0, true)))]);
    assert_eq!(classic.condition_words().as_deref(), Some("A < 3, D outside_range 1..9"));

    let math = |expression: &str| {
        thresholds(&with_expressions(&[json!({"refId": "B", "type": "math", "expression": expression})]))
    };
    assert_eq!(math("$A > 70"), a(Some((70.0, true))));
    assert_eq!(math("0.5 > ${A}"), a(Some((0.5, false))));
    assert_eq!(
        math("$A >= 1e3 && $D < -2"),
        [("A".to_owned(), Some((1000.0, true))), ("D".to_owned(), Some((-2.0, false)))]
    );
    // Where it computes, a query's own values are compared with nothing.
    assert_eq!(math("$A / $D > 0.1"), [("A".to_owned(), None), ("D".to_owned(), None)]);

    let computed = with_expressions(&[
        json!({"refId": "B", "type": "math", "expression": "$A * 100"}),
        json!({"refId": "C", "type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "gt", "params": [5]}}]}),
    ]);
    assert_eq!(thresholds(&computed), a(None));

    let resampled = with_expressions(&[
        json!({"refId": "B", "type": "resample", "expression": "$A", "window": "1m"}),
        json!({"refId": "C", "type": "reduce", "expression": "B"}),
        json!({"refId": "E", "type": "threshold", "expression": "C", "conditions": [{"evaluator": {"type": "within_range", "params": [5, 6]}}]}),
    ]);
    assert_eq!(thresholds(&resampled), a(None));
}

#[test]
fn a_ring_of_expressions_and_a_condition_that_names_nothing_end() {
    let ring = with_expressions(&[
        json!({"refId": "B", "type": "reduce", "expression": "C"}),
        json!({"refId": "C", "type": "reduce", "expression": "B"}),
    ]);
    // Nothing is read by the condition, so all queries are looked at.
    assert_eq!(thresholds(&ring), [("A".to_owned(), None), ("D".to_owned(), None)]);
    // A query can be the condition itself.
    assert_eq!(thresholds(&with_expressions(&[])), [("A".to_owned(), None)]);
}

#[test]
fn grafanas_variables_are_replaced_and_nothing_else() {
    assert_eq!(
        interpolate(
            "rate(x[$__rate_interval]) + rate(y[${__interval}]) * $__range_s / $__interval_ms > $limit",
            30,
            600
        ),
        "rate(x[60s]) + rate(y[30s]) * 600 / 30000 > $limit"
    );
    assert_eq!(interpolate("x[$__range] offset $__rangex", 30, 600), "x[600s] offset $__rangex");
    assert_eq!(interpolate("x[$__rate_interval]", 120, 0), "x[135s]");
}

#[test]
fn annotations_are_told_apart_by_their_tags_and_words() {
    let answer = json!([
        {"id": 3, "alertId": 0, "time": 1_700_000_300_000_i64, "timeEnd": 1_700_000_400_000_i64, "tags": ["maintenance"], "text": "window"},
        {"id": 1, "alertId": 0, "time": 1_700_000_000_000_i64, "tags": ["deploy", "service:checkout", "version=1.4.2"],
         "text": "<b>Checkout</b> 1.4.2<br/>by <a href=\"https://ci\">pipeline 7</a> &amp; friends"},
        {"id": 2, "alertId": 9, "alertName": "High errors", "newState": "Alerting", "prevState": "Normal", "time": 1_700_000_200_000_i64, "tags": [], "text": "B=0.2"},
        {"id": 4, "time": 1_700_000_100_000_i64, "tags": [], "text": "Feature flag new-cart enabled for 100%"},
        {"id": 5, "time": 1_700_000_150_000_i64, "tags": ["note"], "text": "coffee"},
        {"id": 6, "time": 1_700_000_160_000_i64, "tags": [], "text": ""},
        {"id": 7, "time": 1_700_000_170_000_i64, "tags": ["prod_deploy"], "text": ""},
        {"id": 8, "tags": [], "text": "no time"},
        "odd",
    ]);
    let read = annotations::parse(&answer).unwrap();
    assert_eq!(read.entries, 9);
    let told: Vec<_> =
        read.events.iter().map(|event| (event.kind, event.title.as_str(), event.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (EventKind::Deploy, "Checkout 1.4.2", "by pipeline 7 & friends"),
            (EventKind::Change, "Feature flag new-cart enabled for 100%", ""),
            (EventKind::Other, "coffee", ""),
            (EventKind::Other, "annotation without text", ""),
            (EventKind::Deploy, "prod_deploy", ""),
            (EventKind::Alert, "High errors", "Normal -> Alerting"),
            (EventKind::Silence, "window", "until 2023-11-14T22:20:00Z"),
        ]
    );
    assert_eq!(read.events[0].labels, labels(&[("deploy", ""), ("service", "checkout"), ("version", "1.4.2")]));
    assert!(annotations::parse(&json!({"message": "x"})).is_err());
}
