//! Whatever comes, an alert is made of it.

use opensre_model::alert::Alert;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{alertmanager, parse};

/// JSON that is shaped like payloads are, with any value anywhere.
fn odd_json() -> impl Strategy<Value = Json> {
    let key = prop_oneof![
        Just("alerts"),
        Just("alert"),
        Just("labels"),
        Just("commonLabels"),
        Just("annotations"),
        Just("status"),
        Just("state"),
        Just("startsAt"),
        Just("endsAt"),
        Just("generatorURL"),
        Just("externalURL"),
        Just("event"),
        Just("data"),
        Just("event_type"),
        Just("body"),
        Just("details"),
        Just("alertId"),
        Just("tags"),
        Just("title"),
        Just("Message"),
        Just("TopicArn"),
        Just("Records"),
        Just("Sns"),
        Just("AlarmName"),
        Just("AlarmArn"),
        Just("Trigger"),
        Just("Dimensions"),
        Just("detail"),
        Just("alarmName"),
        Just("action"),
        Just("issue"),
        Just("metric_alert"),
        Just("orgId"),
        Just("receiver"),
        Just("alert_transition"),
        Just("date"),
        Just("org"),
        Just("payload"),
        Just("summary"),
        Just("custom_details"),
        Just("grafana_instance"),
        Just("evalMatches"),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,12}".prop_map(Json::from),
        Just(json!("2026-03-10T11:00:00Z")),
        Just(json!("https://[::1]:9/x?g0.expr=%ff#a")),
        Just(json!("{\"alerts\": [{\"labels\": \"{}\"}]}")),
        Just(json!("Labels:\n - a = b\nSource: x\n")),
        Just(json!("arn:aws:::")),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((key.clone(), inner), 0..8).prop_map(|pairs| Json::Object(
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_make_an_alert(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let alert = Alert::parse(&bytes);
        prop_assert!(!alert.title.is_empty());
        prop_assert!(!alert.items.is_empty());
    }

    #[test]
    fn any_json_makes_an_alert(payload in odd_json()) {
        let alert = parse(&payload);
        prop_assert!(!alert.title.is_empty());
        prop_assert!(!alert.items.is_empty());
        prop_assert!(alert.hints.iter().all(|hint| !hint.value.wanted.trim().is_empty()));
        let _ = (alert.subject(), alert.summary_text());
        prop_assert_eq!(parse(&payload), alert, "the same payload is read the same");
    }

    #[test]
    fn free_text_never_says_anything_about_instances(text in "\\PC{0,80}") {
        let alert = Alert::from_text(&format!("{text} grafana_instance=prod https://grafana.example.com/ {text}"));
        prop_assert!(alert.hints.is_empty() && alert.urls.is_empty() && alert.identifiers.is_empty());
    }

    #[test]
    fn one_wrong_field_loses_nothing_else(field in 0_usize..8, junk in odd_json()) {
        let names = ["receiver", "groupKey", "version", "truncatedAlerts", "commonAnnotations", "groupLabels", "junk", "externalURL"];
        let mut payload = alertmanager();
        payload[names[field]] = junk;
        let alert = parse(&payload);
        prop_assert_eq!(alert.items.len(), 2);
        prop_assert_eq!(alert.labels.get("service").map(String::as_str), Some("checkout"));
        let starts = alert.starts_at.map(|time| time.to_string());
        prop_assert_eq!(starts.as_deref(), Some("2026-03-10T10:50:00Z"));
    }
}
