//! Policies of instances.

use std::fmt::Write as _;

use opensre_model::classify::classify;
use opensre_model::instance::{Instance, Tags};
use opensre_model::policy::{AlertPart, Policy};
use opensre_model::routing::{RoutingMode, route};
use serde_json::{Value as Json, json};

use super::{alert, catalogue, explicit, lines, names, resolved, resolved_with, routes, table, three};
use crate::support::{active, from_variable, messages};

fn explicit_only() -> Policy {
    Policy { requires_explicit: true, route_from: None }
}

fn from(parts: &[AlertPart]) -> Policy {
    Policy { requires_explicit: false, route_from: Some(parts.iter().copied().collect()) }
}

/// The three, of which one has policies.
fn with(name: &str, policy: &Policy) -> Vec<Instance> {
    let mut instances = three();
    instances.iter_mut().filter(|one| one.name.as_str() == name).for_each(|one| one.policy = policy.clone());
    instances
}

#[test]
fn what_requires_its_own_name_is_not_asked_by_default_tag_or_url() {
    let prod = resolved(with("prod", &explicit_only()));
    insta::assert_snapshot!(lines(&routes(&prod, &json!({"title": "x"}))), @r"
    grafana: [] None
      because a policy keeps out what would be asked: 'prod', requires_explicit: only its own name chooses it, being the default does not
      not prod: policy requires_explicit: only its own name chooses it, being the default does not
      not staging: not the default
      not dev: not the default
      warning no instance of grafana is asked; to ask one all the same, use --instance grafana=NAME
    ");
    insta::assert_snapshot!(lines(&routes(&prod, &json!({"title": "x", "labels": {"env": "prod"}}))), @r"
    grafana: [] None
      because a policy keeps out what would be asked: 'prod', requires_explicit: only its own name chooses it, tags, ids and URLs do not
      path labels.env
      not prod: policy requires_explicit: only its own name chooses it, tags, ids and URLs do not
      not staging: ruled out: its tag env=staging contradicts the alert's label env=prod (labels.env)
      not dev: no tag of it agrees with the alert's labels
      warning no instance of grafana is asked; to ask one all the same, use --instance grafana=NAME
    ");
    let url = json!({"title": "x", "externalURL": "https://grafana.example.com/d/x"});
    assert!(routes(&prod, &url)[0].chosen.is_empty(), "nothing stands in for it");
    let hints = route(&catalogue(), &prod, &alert(&json!({"title": "x"})), &[], RoutingMode::Hints);
    assert!(hints[0].chosen.is_empty(), "policies hold in every mode");
}

#[test]
fn what_a_policy_keeps_out_is_no_part_of_a_tie() {
    let mut instances = three();
    instances[0].tags = Tags::from_json(json!({"env": "prod"}).as_object().expect("an object")).0;
    instances[1].tags = Tags::from_json(json!({"team": "shop"}).as_object().expect("an object")).0;
    let payload = json!({"title": "x", "labels": {"env": "prod", "team": "shop"}});
    let tied = routes(&resolved(instances.clone()), &payload)[0].warnings.clone();
    assert!(tied.iter().any(|warning| warning.starts_with("tie: ")), "{tied:?}");

    instances[0].policy = explicit_only();
    let world = resolved(instances);
    let route = &routes(&world, &payload)[0];
    assert_eq!(names(route), ["staging"]);
    assert_eq!(route.warnings, Vec::<String>::new(), "only one is asked");
}

#[test]
fn what_requires_its_own_name_is_asked_when_it_is_named() {
    let groups = json!([{"name": "@prod", "select": "env=prod"}]);
    let chosen = |payload: &Json, choices: &[&str], routing: &Json| {
        let world = resolved_with(with("prod", &explicit_only()), table(&groups, routing));
        let routes = route(&catalogue(), &world, &alert(payload), &explicit(choices), RoutingMode::Full);
        (names(&routes[0]).join(" "), routes[0].refusal().map(str::to_owned))
    };
    let (none, rule) = (json!({}), |wanted: &str| json!({"rules": [{"match": "*", "use": {"grafana": wanted}}]}));
    let is = |name: &str| (name.to_owned(), None);
    assert_eq!(chosen(&json!({"grafana_instance": "PROD, dev"}), &[], &none), is("prod dev"));
    assert_eq!(chosen(&json!({}), &["grafana=prod"], &none), is("prod"));
    assert_eq!(chosen(&json!({}), &[], &rule("prod")), is("prod"));
    assert_eq!(chosen(&json!({}), &[], &rule("dev,@prod")), is("dev"), "a group does not name it");
    assert_eq!(chosen(&json!({"grafana_instance": "env=prod"}), &[], &none), is(""), "nor a selector");
    let (nothing, refusal) = chosen(&json!({}), &["grafana=@prod"], &none);
    assert_eq!(nothing, "");
    insta::assert_snapshot!(refusal.unwrap(), @"a policy keeps out what would be asked: 'prod', requires_explicit: only its own name chooses it, a selector or group does not");
}

#[test]
fn a_part_of_an_alert_that_may_not_name_an_instance_does_not() {
    let payloads = [
        ("top hint", json!({"title": "x", "grafana_instance": "staging"})),
        ("label hint", json!({"title": "x", "commonLabels": {"grafana_instance": "staging"}})),
        ("note hint", json!({"title": "x", "annotations": {"grafana_instance": "staging"}})),
        ("url", json!({"title": "x", "externalURL": "https://grafana.example.com/staging/"})),
        ("tags", json!({"title": "x", "commonLabels": {"env": "staging"}})),
        ("rule", json!({"title": "x", "commonLabels": {"team": "a"}})),
    ];
    let routing = json!({"rules": [{"match": "team=a", "use": {"grafana": "staging"}}]});
    let mut lines = String::new();
    for parts in AlertPart::ALL.map(|part| vec![part]).into_iter().chain([Vec::new(), AlertPart::ALL.to_vec()]) {
        let world = resolved_with(with("staging", &from(&parts)), table(&json!([]), &routing));
        let by: Vec<&str> = payloads
            .iter()
            .filter(|(_, payload)| names(&routes(&world, payload)[0]) == ["staging"])
            .map(|(what, _)| *what)
            .collect();
        let policy = from(&parts);
        let _ = writeln!(lines, "{policy}: {}", by.join(", "));
        for (what, payload) in &payloads {
            let chosen = routes(&world, payload);
            assert!(names(&chosen[0]).iter().all(|name| *name == "staging"), "{what}: nothing stands in for it");
        }
        let named = route(&catalogue(), &world, &alert(&json!({})), &explicit(&["grafana=staging"]), RoutingMode::Full);
        assert_eq!(names(&named[0]), ["staging"], "the command line is no part of an alert");
    }
    insta::assert_snapshot!(lines, @r"
    route_from=hint: top hint, label hint, note hint
    route_from=rules: rule
    route_from=urls: url
    route_from=identifiers: 
    route_from=tags: tags
    route_from=top_level: top hint
    route_from=annotations: note hint
    route_from=labels: label hint, tags, rule
    route_from=nothing: 
    route_from=hint,rules,urls,identifiers,tags,top_level,annotations,labels: top hint, label hint, note hint, url, tags, rule
    ");
}

#[test]
fn the_default_is_asked_though_the_alert_may_not_name_it() {
    let world = resolved(with("prod", &from(&[AlertPart::Hint])));
    insta::assert_snapshot!(lines(&routes(&world, &json!({"title": "x", "labels": {"env": "prod"}}))), @r"
    grafana: [prod] Default
      because the default instance; 'prod', route_from: only hint may name it, not tags (labels.env)
      path labels.env
      not staging: ruled out: its tag env=staging contradicts the alert's label env=prod (labels.env)
      not dev: not the default
    ");
}

#[test]
fn a_policy_settles_a_tie() {
    let mut instances = three();
    instances[1].tags = instances[0].tags.clone();
    instances[0].policy = explicit_only();
    let world = resolved_with(instances, table(&json!([]), &json!({"ambiguous": "fail"})));
    let found = routes(&world, &json!({"title": "x", "labels": {"env": "prod"}}));
    assert_eq!((names(&found[0]), found[0].refusal()), (vec!["staging"], None));
}

#[test]
fn policies_are_read_and_fail_closed() {
    let entry = |extra: Json| {
        let mut entry = json!({"name": "a", "tags": {}, "credentials": {"base_url": "http://p"}});
        entry.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        entry
    };
    let read = |extra: Json| {
        let classified = classify(&crate::catalogue::catalogue(), &active("m-1", "homemade", &json!([entry(extra)])));
        (classified.instances[0].policy.to_string(), messages(&classified.diagnostics[1..]))
    };
    let good = |extra: Json| {
        let (policy, said) = read(extra);
        assert_eq!(said, "");
        policy
    };
    assert_eq!(good(json!({})), "");
    assert_eq!(good(json!({"requires_explicit": null, "route_from": null})), "");
    assert_eq!(good(json!({"requires_explicit": false})), "");
    assert_eq!(good(json!({"requires_explicit": "yes"})), "requires_explicit");
    assert_eq!(good(json!({"route_from": ["urls", "Hint", "top-level"]})), "route_from=hint,urls,top_level");
    assert_eq!(good(json!({"route_from": "hint, urls"})), "route_from=hint,urls");
    assert_eq!(good(json!({"route_from": []})), "route_from=nothing");
    let bad: Vec<String> = [
        json!({"requires_explicit": "maybe"}),
        json!({"requires_explicit": [1]}),
        json!({"route_from": 7}),
        json!({"route_from": ["hint", "url"]}),
        json!({"route_from": [7]}),
    ]
    .into_iter()
    .map(|extra| {
        let (policy, said) = read(extra);
        format!("{policy}\n  {said}")
    })
    .collect();
    insta::assert_snapshot!(bad.join("\n"));
    let record = from_variable("HOMEMADE_INSTANCES", "homemade", &json!([entry(json!({"requires_explicit": true}))]));
    assert!(classify(&crate::catalogue::catalogue(), &record).instances[0].policy.requires_explicit);
}
