//! Rules in words.

use opensre_model::provider::Rule;
use opensre_model::rule::{describe, fields, holds, missing};
use opensre_model::value::{Config, Value};

use crate::catalogue::catalogue;

fn config(keys: &[&'static str]) -> Config {
    let mut config = Config::default();
    for key in keys {
        config.set(key, Value::Text("x".to_owned()));
    }
    config
}

const KEYS: Rule = Rule::All(&[Rule::Set("key_id"), Rule::Set("key_secret")]);
const EITHER: Rule = Rule::Any(&[Rule::Set("role"), KEYS]);
const BOTH: Rule = Rule::All(&[Rule::Set("region"), EITHER, Rule::Any(&[Rule::Set("a"), Rule::Set("b")])]);

#[test]
fn rules_are_described() {
    insta::assert_snapshot!(describe(&KEYS), @"`key_id` and `key_secret`");
    insta::assert_snapshot!(describe(&EITHER), @"`role`, or `key_id` and `key_secret`");
    insta::assert_snapshot!(describe(&BOTH), @"`region`, (`role`, or `key_id` and `key_secret`) and (`a` or `b`)");
    insta::assert_snapshot!(describe(&Rule::Changed("url")), @"`url` other than its default");
    insta::assert_snapshot!(describe(&Rule::Check { words: "a local host", holds: |_| true }), @"a local host");
    assert_eq!(fields(&BOTH), ["region", "role", "key_id", "key_secret", "a", "b"]);
}

#[test]
fn only_what_is_missing_is_named() {
    let spec = catalogue().find("cloud").unwrap();
    let words = |rule: &Rule, keys: &[&'static str]| missing(rule, spec, &config(keys)).map(|missing| missing.words);
    assert_eq!(words(&EITHER, &["role"]), None);
    assert_eq!(words(&EITHER, &["key_id", "key_secret"]), None);
    assert_eq!(words(&EITHER, &["key_id"]).unwrap(), "`role` or `key_secret`");
    assert_eq!(words(&EITHER, &[]).unwrap(), "`role`, or `key_id` and `key_secret`");
    assert_eq!(words(&BOTH, &["role", "a"]).unwrap(), "`region`");
    assert_eq!(missing(&BOTH, spec, &config(&["role", "a"])).unwrap().fields, ["region"]);
    assert!(!holds(&Rule::Never, spec, &config(&["role"])));
    assert!(holds(&Rule::All(&[]), spec, &config(&[])));
    assert!(!holds(&Rule::Any(&[]), spec, &config(&[])));
}

#[test]
fn an_empty_alternative_still_says_something() {
    let spec = catalogue().find("cloud").unwrap();
    for rule in [Rule::Never, Rule::Any(&[]), Rule::All(&[Rule::Never])] {
        assert!(missing(&rule, spec, &config(&[])).is_some_and(|missing| !missing.words.is_empty()), "{rule:?}");
    }
}
