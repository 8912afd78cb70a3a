//! Instances that are named, on the command line or by hints.

use std::fmt::Write as _;

use opensre_model::diagnostic::Source;
use opensre_model::resolution::{Family, Incomplete, Resolved};
use opensre_model::routing::{Route, RouteStep, RoutingMode, route};
use serde_json::{Value as Json, json};

use super::{alert, catalogue, explicit, instance, lines, names, resolved, routes, shown, three};

#[test]
fn a_hint_names_the_instance() {
    insta::assert_snapshot!(shown(three(), &json!({"title": "x", "annotations": {"grafana_instance": " Staging "}})), @r"
    grafana: [staging] Hint
      because named by the alert's hint 'Staging' (annotations.grafana_instance)
      path annotations.grafana_instance
      not prod: not named by the alert's hint
      not dev: not named by the alert's hint
    ");
}

#[test]
fn a_hint_may_name_several_or_be_a_selector() {
    let resolved = resolved(three());
    let chosen = |wanted: &str| {
        let routes = routes(&resolved, &json!({"title": "x", "grafana_instance": wanted}));
        names(&routes[0]).join(" ")
    };
    assert_eq!(chosen("dev,PROD"), "prod dev");
    assert_eq!(chosen("env!=prod"), "staging dev");
    assert_eq!(chosen("env in (staging)"), "staging");
    let routes = routes(&resolved, &json!({"title": "x", "grafana_instance": ["staging", "dev"]}));
    assert_eq!(names(&routes[0]), ["staging", "dev"]);
}

#[test]
fn an_unknown_hint_falls_back_to_the_default_loudly() {
    insta::assert_snapshot!(shown(three(), &json!({"title": "x", "annotations": {"grafana_instance": "stagin"}})), @r"
    grafana: [prod] Default
      because the default instance; the alert's hint 'stagin' names no instance
      path annotations.grafana_instance
      not staging: not the default
      not dev: not the default
      warning grafana_instance hint 'stagin' not found (annotations.grafana_instance): no instance of grafana is named 'stagin' (did you mean 'staging'? configured: prod, staging and dev); falls back to the default instance 'prod'
    ");
    // URLs and tags do not step in for a hint that names nothing.
    let payload = json!({"title": "x", "grafana_instance": "qa", "externalURL": "https://dev.example.com:8443/", "labels": {"team": "a"}});
    let resolved = resolved(three());
    assert_eq!(names(&routes(&resolved, &payload)[0]), ["prod"]);
}

#[test]
fn hints_that_select_nothing_say_why() {
    let resolved = resolved(three());
    let mut lines = String::new();
    for wanted in ["env=qa", "env=", "staging,qa", ",", "a\u{1b}[31m"] {
        for route in routes(&resolved, &json!({"title": "x", "grafana_instance": wanted})) {
            let _ = writeln!(lines, "{} <- {}", names(&route).join(" "), route.warnings.join(" | "));
        }
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn alerts_of_a_group_that_disagree_each_use_their_own() {
    let payload = json!({"receiver": "r", "alerts": [
        {"labels": {"grafana_instance": "dev"}, "annotations": {"grafana_instance": "staging"}},
        {"labels": {"pod": "a"}},
        {"labels": {"grafana_instance": "prod"}}
    ]});
    insta::assert_snapshot!(shown(three(), &payload));
}

#[test]
fn a_hint_of_the_group_comes_before_those_of_its_alerts() {
    let payload = json!({
        "receiver": "r", "grafana_instance": " ", "commonLabels": {"grafana_instance": "prod"},
        "commonAnnotations": {"grafana_instance": "staging"},
        "alerts": [{"labels": {"grafana_instance": "dev"}}]
    });
    let resolved = resolved(three());
    let routes = routes(&resolved, &payload);
    assert_eq!(names(&routes[0]), ["staging"]);
    assert_eq!(routes[0].path.as_deref(), Some("commonAnnotations.grafana_instance"));
    assert_eq!(routes[0].warnings.len(), 2, "{:?}", routes[0].warnings);
}

#[test]
fn a_hint_may_use_an_alias_in_any_case() {
    let accounts = || vec![instance("aws", "prod", &[], &[]), instance("aws", "eu", &[], &[])];
    for key in ["eks_instance", "AWS_Instance", "amazon_eks_instance", "amazon eks_instance"] {
        let resolved = resolved(accounts());
        let routes = routes(&resolved, &json!({"title": "x", "labels": {key: "EU"}}));
        assert_eq!((routes.len(), names(&routes[0])), (1, vec!["eu"]), "{key}");
    }
}

#[test]
fn the_command_line_comes_first() {
    let resolved = resolved(three());
    let alert = alert(&json!({"title": "x", "grafana_instance": "staging", "labels": {"env": "prod"}}));
    let chosen = |choices: &[&str]| {
        let routes = route(&catalogue(), &resolved, &alert, &explicit(choices), RoutingMode::Full);
        assert_eq!(routes[0].step, RouteStep::CommandLine);
        assert_eq!(routes[0].refusal(), None);
        names(&routes[0]).join(" ")
    };
    assert_eq!(chosen(&["grafana=dev"]), "dev");
    assert_eq!(chosen(&["Grafana= DEV , prod"]), "prod dev");
    assert_eq!(chosen(&["grafana=dev", "grafana=staging"]), "staging dev");
    assert_eq!(chosen(&["grafana=env=staging"]), "staging", "named is asked, also when its tags contradict the alert");
}

#[test]
fn what_the_command_line_names_and_is_not_there_is_an_error() {
    let resolved = resolved(three());
    let alert = alert(&json!({"title": "x", "grafana_instance": "staging"}));
    let mut lines = String::new();
    for choices in [
        &["grafana=stagin"][..],
        &["grafana=prod,qa"],
        &["grafana=env=qa"],
        &["grafana=env="],
        &["grafana= "],
        &["grafna=prod"],
        &["datadog=prod"],
        &["grafana=dev", "grafana=qa"],
    ] {
        let routes = route(&catalogue(), &resolved, &alert, &explicit(choices), RoutingMode::Full);
        let refused: Vec<&Route<'_>> = routes.iter().filter(|route| route.refusal().is_some()).collect();
        assert_eq!(refused.len(), 1, "{choices:?}");
        assert!(refused[0].chosen.is_empty(), "no fallback");
        let _ = writeln!(lines, "{}: {}", refused[0].service, refused[0].refusal().unwrap());
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn a_hint_comes_before_a_tag_that_contradicts_and_says_so() {
    let payload = json!({"title": "x", "labels": {"env": "prod"}, "grafana_instance": "staging"});
    let resolved = resolved(three());
    let routes = routes(&resolved, &payload);
    assert_eq!(names(&routes[0]), ["staging"]);
    insta::assert_snapshot!(routes[0].warnings.join("\n"), @"the hint names 'staging', although its tag env=staging contradicts the alert's label env=prod (labels.env)");
}

#[test]
fn hints_mode_keeps_to_the_hint_and_the_default() {
    let payload =
        json!({"receiver": "r", "commonLabels": {"env": "qa"}, "externalURL": "https://dev.example.com:8443/"});
    let resolved = resolved(three());
    let hints = |payload: &Json| route(&catalogue(), &resolved, &alert(payload), &[], RoutingMode::Hints);
    insta::assert_snapshot!(lines(&hints(&payload)), @r"
    grafana: [prod] Default
      because the default instance; the alert has no hint
      not staging: not the default
      not dev: not the default
    ");
    let hinted = hints(&json!({"alerts": [{"labels": {"env": "prod", "grafana_instance": "staging"}}]}));
    assert_eq!((names(&hinted[0]), hinted[0].warnings.len()), (vec!["staging"], 0));
    let unknown = hints(&json!({"grafana_instance": "qa"}));
    assert_eq!(names(&unknown[0]), ["prod"]);
    assert!(unknown[0].warnings[0].starts_with("grafana_instance hint 'qa' not found"));
}

#[test]
fn services_without_instances_that_are_named_have_a_route_too() {
    let resolved = resolved(three());
    let payload = json!({
        "title": "x", "datadog_instance": "prod", "grafna_instance": "prod",
        "labels": {"ec2_instance": "i-1", "prometeus_instance": "b"}, "annotations": {"splnk_instance": "a"}
    });
    let routes = routes(&resolved, &payload);
    insta::assert_snapshot!(lines(&routes[1..]));
    assert!(routes[1..].iter().all(|route| route.chosen.is_empty() && route.refusal().is_none()));
}

#[test]
fn a_family_without_a_usable_instance_says_what_is_missing() {
    let incomplete = Incomplete {
        name: "prod".into(),
        integration_id: "id".into(),
        reason: "api_key is missing".into(),
        source: Source::Store { path: "integrations.json".into() },
    };
    let family = Family { key: "grafana".into(), instances: Vec::new(), incomplete: vec![incomplete] };
    let resolved = Resolved { families: vec![family], ..Resolved::default() };
    insta::assert_snapshot!(lines(&routes(&resolved, &json!({"title": "x"}))), @r"
    grafana: [] None
      because there is no usable instance: 'prod' cannot be used: api_key is missing
      not prod: api_key is missing
    ");
    let named = route(&catalogue(), &resolved, &alert(&json!({})), &explicit(&["grafana=prod"]), RoutingMode::Full);
    assert!(named[0].refusal().unwrap().contains("api_key is missing"));
}

#[test]
fn modes_are_read_and_written() {
    assert_eq!(" Full ".parse::<RoutingMode>(), Ok(RoutingMode::Full));
    assert_eq!("hints".parse::<RoutingMode>(), Ok(RoutingMode::Hints));
    for mode in [RoutingMode::Full, RoutingMode::Hints] {
        assert_eq!(mode.as_str().parse(), Ok(mode));
    }
    let error = "all".parse::<RoutingMode>().unwrap_err();
    insta::assert_snapshot!(error, @"'all' is no routing mode; write `full` or `hints`");
}
