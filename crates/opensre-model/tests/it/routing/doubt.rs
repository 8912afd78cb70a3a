//! What becomes of a choice that is unknown or ambiguous.

use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_model::routing::{InDoubt, RouteOptions, RouteStep, route};
use serde_json::{Value as Json, json};

use super::{alert, catalogue, explicit, grafana, names, resolved, resolved_with, table, three};

/// What is chosen for each word, or that it is refused.
fn outcomes(world: &Resolved, payload: &Json, choices: &[&str]) -> [String; 3] {
    [InDoubt::Default, InDoubt::Skip, InDoubt::Fail].map(|word| {
        let options = RouteOptions { on_unknown: Some(word), on_ambiguous: Some(word), ..RouteOptions::default() };
        let routes = route(&catalogue(), world, &alert(payload), &explicit(choices), options);
        match routes[0].refusal() {
            Some(refusal) => format!("refused: {refusal}"),
            None => names(&routes[0]).join(" "),
        }
    })
}

#[test]
fn a_hint_or_rule_that_names_nothing_is_unknown() {
    let world =
        resolved_with(three(), table(&json!([]), &json!({"rules": [{"match": "team=a", "use": {"grafana": "qa"}}]})));
    let hint = outcomes(&world, &json!({"title": "x", "grafana_instance": "stagin"}), &[]);
    insta::assert_snapshot!(hint.join("\n"), @r"
    prod

    refused: grafana_instance hint 'stagin' not found (grafana_instance): no instance of grafana is named 'stagin' (did you mean 'staging'? configured: prod, staging and dev)
    ");
    let rule = outcomes(&world, &json!({"title": "x", "labels": {"team": "a"}}), &[]);
    insta::assert_snapshot!(rule.join("\n"), @r"
    prod

    refused: routing rule 1 names 'qa', which is not found: no instance of grafana is named 'qa' (configured: prod, staging and dev)
    ");
    let partly = outcomes(&world, &json!({"title": "x", "grafana_instance": "staging,qa"}), &[]);
    assert_eq!(partly[..2], ["staging", "staging"], "what is known is asked");
    assert!(partly[2].starts_with("refused"));
    let nothing = outcomes(&world, &json!({"title": "x"}), &[]);
    assert_eq!(nothing, ["prod", "prod", "prod"], "that nothing points anywhere is no doubt");
    let named = outcomes(&world, &json!({"title": "x"}), &["grafana=qa"]);
    assert!(named.iter().all(|one| one.starts_with("refused")), "the command line never falls back: {named:?}");
}

#[test]
fn what_is_skipped_says_so() {
    let world = resolved_with(three(), table(&json!([]), &json!({"unknown": "skip"})));
    let found = route(
        &catalogue(),
        &world,
        &alert(&json!({"title": "x", "grafana_instance": "qa"})),
        &[],
        RouteOptions::default(),
    );
    assert_eq!(found[0].step, RouteStep::None);
    insta::assert_snapshot!(super::lines(&found), @r"
    grafana: [] None
      because the alert's hint 'qa' names no instance, and what is unknown is skipped
      path grafana_instance
      not prod: not named by the alert's hint
      not staging: not named by the alert's hint
      not dev: not named by the alert's hint
      warning grafana_instance hint 'qa' not found (grafana_instance): no instance of grafana is named 'qa' (configured: prod, staging and dev); what is unknown is skipped
      warning no instance of grafana is asked; to ask one all the same, use --instance grafana=NAME
    ");
}

fn tied() -> Vec<Instance> {
    vec![
        grafana("a", "https://g.example.com", &[("env", "prod")]),
        grafana("b", "https://g.example.com", &[("env", "prod")]),
        grafana("c", "https://c.example.com", &[("env", "qa")]),
    ]
}

#[test]
fn ties_urls_that_fit_several_and_names_that_stand_twice_are_ambiguous() {
    let world = resolved(tied());
    let tags = outcomes(&world, &json!({"title": "x", "labels": {"env": "prod"}}), &[]);
    insta::assert_snapshot!(tags.join("\n"), @r"
    a b

    refused: ambiguous between a and b: what the labels say
    ");
    let url = outcomes(&world, &json!({"title": "x", "externalURL": "https://g.example.com/d/x"}), &[]);
    insta::assert_snapshot!(url.join("\n"), @r"
    a

    refused: ambiguous between a and b: externalURL (g.example.com) is under its URL
    ");
    let unique = outcomes(&world, &json!({"title": "x", "labels": {"env": "qa"}}), &[]);
    assert_eq!(unique, ["c", "c", "c"]);
    let group = json!({"receiver": "r", "alerts": [{"labels": {"env": "prod"}}, {"labels": {"env": "qa"}}]});
    assert_eq!(outcomes(&world, &group, &[])[..2], ["a b c", "c"], "what is not in doubt is asked");

    let mut twice = tied();
    twice.push(grafana("a", "https://other.example.com", &[]));
    let world = resolved(twice);
    let hint = outcomes(&world, &json!({"title": "x", "grafana_instance": "a,c"}), &[]);
    insta::assert_snapshot!(hint.join("\n"), @r"
    a c
    c
    refused: ambiguous between 2 instances named 'a': the alert's hint 'a,c' (grafana_instance)
    ");
    let named = outcomes(&world, &json!({"title": "x"}), &["grafana=a"]);
    insta::assert_snapshot!(named.join("\n"), @r"
    a
    refused: ambiguous between 2 instances named 'a': --instance grafana=a, and what is ambiguous is skipped
    refused: ambiguous between 2 instances named 'a': --instance grafana=a
    ");
}

#[test]
fn several_that_are_wanted_are_not_ambiguous() {
    let groups = json!([{"name": "@prod", "select": "env=prod"}]);
    let world = resolved_with(tied(), table(&groups, &json!({})));
    for wanted in ["a,b", "env=prod", "@prod"] {
        let hint = outcomes(&world, &json!({"title": "x", "grafana_instance": wanted}), &[]);
        assert_eq!(hint, ["a b", "a b", "a b"], "{wanted}");
    }
}

#[test]
fn the_store_s_word_counts_where_no_option_is_given() {
    let world = resolved_with(tied(), table(&json!([]), &json!({"ambiguous": "fail", "unknown": " Skip "})));
    let alert = alert(&json!({"title": "x", "labels": {"env": "prod"}}));
    let by = |options: RouteOptions| route(&catalogue(), &world, &alert, &[], options)[0].refusal().map(str::to_owned);
    assert!(by(RouteOptions::default()).is_some());
    assert!(by(RouteOptions { on_ambiguous: Some(InDoubt::Default), ..RouteOptions::default() }).is_none());
    assert_eq!(world.routing.on_unknown, InDoubt::Skip);
    assert_eq!(
        "never".parse::<InDoubt>().unwrap_err().to_string(),
        "'never' is not known; write `default`, `skip` or `fail`"
    );
}
