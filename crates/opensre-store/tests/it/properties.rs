//! Any store survives a change, and anything that is no store survives a refusal.

use opensre_store::{State, StoreError};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::support::{Place, add, catalogue};

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        (-1e9..1e9_f64).prop_map(|number| json!(number)),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((key(), inner), 0..5).prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec!["id", "service", "status", "instances", "credentials", "name", "tags"])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

/// A version 2 store with any keys and any entries.
fn any_store() -> impl Strategy<Value = Json> {
    (proptest::collection::vec(any_json(), 0..4), proptest::collection::vec((key(), any_json()), 0..4)).prop_map(
        |(entries, extra)| {
            let mut store = json!({"version": 2});
            for (key, value) in extra {
                store[key.as_str()] = value;
            }
            store["version"] = json!(2);
            store["integrations"] = Json::Array(entries);
            store
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_store_survives_a_change(store in any_store(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&store) } else { serde_json::to_string(&store) };
        let text = text.expect("JSON");
        let place = Place::with(&text);
        prop_assert_eq!(place.store.load().state, State::Read);
        prop_assert_eq!(&place.text(), &text, "loading changes nothing");

        // A service of the test's own: everything that was there is a stranger to the change.
        place.store.edit(|document| {
            let instance = crate::support::instance("new", "k");
            Ok::<_, StoreError>(document.upsert_instance(&catalogue(), "service of the test", &instance, Some("r"), 0))
        }).expect("written");
        let mut expected: Json = serde_json::from_str(&serde_json::to_string(&store).expect("JSON")).expect("JSON");
        expected["integrations"].as_array_mut().expect("a list").push(json!({
            "id": "r", "service": "service of the test", "status": "active",
            "instances": [{"name": "new", "tags": {}, "credentials": {"api_key": "k"}}],
        }));
        prop_assert_eq!(place.json().to_string(), expected.to_string(), "values and their order");
        prop_assert!(place.text().bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));

        // Taking it out again and writing is the same as having written the store itself.
        let removed = place.store.edit(|document| Ok::<_, StoreError>(document.remove_record(&catalogue(), "service of the test")));
        prop_assert_eq!(removed.expect("written"), 1);
        let once = place.text();
        prop_assert_eq!(&place.json().to_string(), &serde_json::from_str::<Json>(&text).expect("JSON").to_string());
        prop_assert_eq!(place.store.load().state, State::Read);
        prop_assert_eq!(place.text(), once);
    }

    #[test]
    fn whole_numbers_of_any_length_survive(numbers in proptest::collection::vec("-?[1-9][0-9]{0,60}", 1..5)) {
        let place = Place::with(format!("{{\"version\": 2, \"integrations\": [], \"n\": [{}]}}", numbers.join(",")));
        add(&place.store, "a").expect("written");
        let text = place.text();
        for number in numbers {
            prop_assert!(text.contains(&format!("\n    {number}")), "{} in {}", number, text);
        }
    }

    #[test]
    fn decimal_numbers_keep_their_value(whole in 0..1000_u32, fraction in "[0-9]{1,30}", exponent in -300..300_i32) {
        let literal = format!("{whole}.{fraction}e{exponent}");
        let place = Place::with(format!("{{\"version\": 2, \"integrations\": [], \"n\": {literal}}}"));
        add(&place.store, "a").expect("written");
        let text = place.text();
        let written = text.split("\"n\": ").nth(1).and_then(|rest| rest.split('\n').next()).expect("the number");
        let value = |text: &str| text.parse::<f64>().expect("a number").to_bits();
        prop_assert_eq!(value(written), value(&literal), "{} is now {}", literal, written);
    }

    #[test]
    fn whatever_is_refused_is_not_changed(
        mut text in any_store().prop_map(|store| store.to_string().into_bytes()),
        cut in any::<prop::sample::Index>(),
        byte: u8,
        truncate: bool,
    ) {
        let cut = cut.index(text.len());
        if truncate { text.truncate(cut) } else { text[cut] = byte }
        let place = Place::with(&text);
        let state = place.store.load().state;
        match add(&place.store, "a") {
            Ok(_) => prop_assert!(!matches!(state, State::Unreadable | State::ForeignVersion)),
            Err(error) => {
                prop_assert!(matches!(state, State::Unreadable | State::ForeignVersion), "{:?} {}", state, error);
                prop_assert_eq!(place.bytes(), text);
                prop_assert_eq!(place.files(), ["integrations.json"]);
            }
        }
    }
}
