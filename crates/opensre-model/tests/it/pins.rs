//! `expect`: how a pin is read, in every place where it can stand, and that one that cannot be read lets nothing pass.

use opensre_model::classify::classify;
use opensre_model::environment;
use opensre_model::identity::Expect;
use opensre_model::record::{Document, RawInstance, migrate_record};
use opensre_model::schema::{instances_variable_schema, store_schema};
use serde_json::{Value as Json, json};

use crate::catalogue::catalogue;
use crate::support::{active, messages, variables};

/// What becomes of an instance with this pin: the pin, or why it cannot be used; and the messages.
fn of(service: &str, expect: &Json) -> (Result<Expect, String>, String) {
    let credentials = json!({"role": "r"});
    let record = active("id", service, &json!([{"name": "a", "expect": expect, "credentials": credentials}]));
    let classified = classify(&catalogue(), &record);
    let said = messages(&classified.diagnostics);
    let outcome = match (classified.instances.first(), classified.incomplete.first()) {
        (Some(instance), None) => Ok(instance.expect.clone()),
        (None, Some(incomplete)) => Err(incomplete.reason.clone()),
        other => panic!("{other:?}"),
    };
    (outcome, said)
}

#[test]
fn a_pin_is_names_and_texts() {
    let pin = Expect::from_pairs([("account_id", "123456789012"), ("org", "x")]);
    let (read, said) = of("cloud", &json!({"account_id": " 123456789012 ", "org": "x"}));
    assert_eq!((read, said.as_str()), (Ok(pin), ""));
    for none in [json!(null), json!({})] {
        assert_eq!(of("cloud", &none), (Ok(Expect::default()), String::new()));
    }
}

#[test]
fn a_number_is_read_as_text_and_reported() {
    let (read, said) = of("cloud", &json!({"account_id": 123_456_789_012_u64}));
    assert_eq!(read, Ok(Expect::from_pairs([("account_id", "123456789012")])));
    insta::assert_snapshot!(said, @"warning: cloud/a expect: `account_id` is no text; it is read as one (store store.json)");
}

#[test]
fn a_pin_that_cannot_be_read_lets_nothing_pass() {
    for service in ["cloud", "homemade"] {
        for (expect, words) in [
            (json!("x"), "is a text, not an object of texts"),
            (json!(["x"]), "is a list, not an object of texts"),
            (json!({"org": ["x"]}), "has a list as `org`, not a text"),
            (json!({"org": null}), "has null as `org`, not a text"),
            (json!({"org": " "}), "has a blank name or value (`org`)"),
        ] {
            let (read, said) = of(service, &expect);
            let reason = read.expect_err("not usable");
            assert!(reason.starts_with("expect: ") && reason.contains(words), "{service}: {reason}");
            assert!(said.contains("error") && said.contains(words), "{said}");
        }
    }
}

#[test]
fn in_a_variable_it_is_no_credential_nested_or_flat() {
    let pin = json!({"org": "x"});
    for entry in [
        json!({"name": "a", "expect": pin, "credentials": {"role": "r"}}),
        json!({"name": "a", "expect": pin, "role": "r"}),
    ] {
        let set = variables(&[("CL_INSTANCES", &json!([entry]).to_string())]);
        let (records, diagnostics) = environment::records(&catalogue(), &set);
        assert_eq!(messages(&diagnostics), "");
        let instance = &records[0].instances[0];
        assert_eq!(instance.expect, Some(pin.clone()));
        assert!(!instance.credentials.contains_key("expect"));
        assert_eq!(records[0].raw["instances"][0]["expect"], pin);
    }
}

#[test]
fn the_old_shape_can_be_pinned_too() {
    let record = json!({"id": "x", "service": "cloud", "role": "r", "expect": {"org": "x"}});
    let migrated = migrate_record(record.as_object().unwrap());
    let instance = json!({"name": "default", "tags": {}, "credentials": {"role": "r"}, "expect": {"org": "x"}});
    assert_eq!(migrated["instances"], json!([instance]));
}

#[test]
fn a_change_keeps_the_pin_and_a_replacement_replaces_it() {
    let catalogue = catalogue();
    let mut document = Document::empty();
    let mut instance =
        RawInstance { name: "a".to_owned(), expect: Some(json!({"org": "x"})), ..RawInstance::default() };
    document.upsert_instance(&catalogue, "cloud", &instance, None, 1);
    document.rename_instance(&catalogue, "cloud", "a", "b").unwrap();
    let pin = |document: &Document| document.instances(&catalogue, "cloud")[0].instance.expect.clone();
    assert_eq!(pin(&document), Some(json!({"org": "x"})));
    instance.name = "b".to_owned();
    instance.expect = None;
    assert!(document.upsert_instance(&catalogue, "cloud", &instance, None, 1).replaced);
    assert_eq!(pin(&document), None);
}

#[test]
fn the_schemas_describe_it() {
    let is_valid = |schema: &Json, document: &Json| jsonschema::draft202012::is_valid(schema, document);
    let store = |expect: Json| {
        json!({"version": 2, "integrations": [{"id": "x", "service": "cloud", "status": "active", "instances": [
            {"name": "a", "expect": expect, "credentials": {}}]}]})
    };
    let schema = store_schema(&catalogue());
    assert!(is_valid(&schema, &store(json!({"org": "x"}))));
    assert!(!is_valid(&schema, &store(json!({"org": 1}))));
    assert!(!is_valid(&schema, &store(json!("x"))));
    let schema = instances_variable_schema(catalogue().find("cloud").unwrap()).unwrap();
    assert!(is_valid(&schema, &json!([{"name": "a", "expect": {"org": "x"}, "role": "r"}])));
    assert!(is_valid(&schema, &json!([{"name": "a", "expect": {"org": "x"}, "credentials": {"role": "r"}}])));
    assert!(!is_valid(&schema, &json!([{"name": "a", "expect": {"org": []}, "role": "r"}])));
}

mod comparison {
    use std::collections::BTreeMap;

    use opensre_model::identity::Expect;
    use proptest::prelude::*;

    fn map() -> impl Strategy<Value = BTreeMap<String, String>> {
        prop::collection::btree_map("[a-d]", "[x-z]{1,2}", 0..4)
    }

    proptest! {
        #[test]
        fn only_an_identity_that_has_all_of_it_fits(expected in map(), there in map()) {
            let fits = expected.iter().all(|(name, value)| there.get(name) == Some(value));
            let compared = Expect::from_pairs(expected.clone()).compare(&there);
            prop_assert_eq!(compared.is_ok(), fits);
            if let Err(mismatch) = compared {
                let words = mismatch.to_string();
                for (name, value) in &expected {
                    if there.get(name) != Some(value) {
                        prop_assert!(words.contains(name) && words.contains(value));
                    }
                }
            }
        }
    }
}
