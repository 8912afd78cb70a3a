//! Groups and routing rules.

use opensre_model::resolution::Resolved;
use opensre_model::routing::{RouteStep, RoutingMode, route};
use serde_json::{Value as Json, json};

use super::{
    alert, catalogue, explicit, grafana, instance, lines, names, read_table, resolved_with, routes, table, three,
};
use crate::support::messages;

fn world(routing: &Json) -> Resolved {
    let mut instances = three();
    instances.push(grafana("dr", "https://dr.example.com", &[("env", "prod"), ("region", "eu")]));
    instances.push(instance("aws", "main", &[], &[("env", "prod")]));
    instances.push(instance("aws", "dev", &[], &[("env", "dev")]));
    let groups = json!([{"name": "@Prod", "select": "env=prod"}, {"name": "@eu", "select": "region=eu"}]);
    resolved_with(instances, table(&groups, routing))
}

#[test]
fn the_first_rule_that_fits_and_names_a_service_decides_for_it() {
    let world = world(&json!({"rules": [
        {"match": "team=payments,severity!=page", "use": {"grafana": "dev"}},
        {"match": "team=payments", "use": {"grafana": "staging"}},
        {"match": "team in (payments, shop)", "use": {"grafana": "prod", "aws": "env=dev"}},
    ]}));
    let payload = json!({"title": "x", "commonLabels": {"team": "Payments", "severity": "page"}});
    insta::assert_snapshot!(lines(&routes(&world, &payload)), @r"
    grafana: [staging] Rule
      because named by routing rule 2 (team=payments: grafana=staging)
      path commonLabels.team
      not prod: not named by the routing rule
      not dev: not named by the routing rule
      not dr: not named by the routing rule
    aws: [dev] Rule
      because named by routing rule 3 (team in (payments,shop): grafana=prod, aws=env=dev)
      path commonLabels.team
      not main: not named by the routing rule
    ");
    let chosen = |payload: &Json| names(&routes(&world, payload)[0]).join(" ");
    assert_eq!(chosen(&json!({"title": "x", "labels": {"team": "payments"}})), "dev");
    assert_eq!(chosen(&json!({"title": "x", "labels": {"team": "search"}})), "prod", "the default: no rule fits");
    assert_eq!(
        chosen(&json!({"title": "team=payments", "message": "team=payments"})),
        "prod",
        "free text fits no rule"
    );
}

#[test]
fn a_rule_stands_behind_the_command_line_and_hints_and_before_what_is_inferred() {
    let world = world(&json!({"rules": [{"match": "*", "use": {"grafana": "dr"}}]}));
    let payload = json!({"title": "x", "labels": {"env": "prod"}, "externalURL": "https://dev.example.com:8443/"});
    let found = routes(&world, &payload);
    assert_eq!((found[0].step, names(&found[0])), (RouteStep::Rule, vec!["dr"]));
    assert_eq!((found[0].path.as_deref(), found[0].rules[0].position), (None, 1));
    let mut hinted = payload.clone();
    hinted["grafana_instance"] = json!("staging");
    assert_eq!(names(&routes(&world, &hinted)[0]), ["staging"]);
    let hinted = alert(&hinted);
    let named = route(&catalogue(), &world, &hinted, &explicit(&["grafana=dev"]), RoutingMode::Full);
    assert_eq!(names(&named[0]), ["dev"]);
    let hints = route(&catalogue(), &world, &alert(&payload), &[], RoutingMode::Hints);
    assert_eq!(
        (hints[0].step, names(&hints[0])),
        (RouteStep::Default, vec!["prod"]),
        "the Python product has no rules"
    );
}

#[test]
fn a_rule_may_name_groups_and_several() {
    let chosen = |wanted: &str| {
        let world = world(&json!({"rules": [{"match": "*", "use": {"grafana": wanted}}]}));
        names(&routes(&world, &json!({"title": "x"}))[0]).join(" ")
    };
    assert_eq!(chosen("@prod"), "prod dr");
    assert_eq!(chosen(" dev, @EU"), "dev dr");
    assert_eq!(chosen("staging,dev"), "staging dev");
    assert_eq!(chosen("env!=prod"), "staging dev");
}

#[test]
fn a_group_stands_wherever_a_name_may() {
    let world = world(&json!({}));
    let hinted = routes(&world, &json!({"title": "x", "annotations": {"grafana_instance": "@prod"}}));
    assert_eq!(names(&hinted[0]), ["prod", "dr"]);
    assert_eq!(hinted[0].groups[0].group, "@prod");
    assert_eq!(hinted[0].groups[0].members, ["prod", "dr"]);
    let by = |choice: &str| route(&catalogue(), &world, &alert(&json!({})), &explicit(&[choice]), RoutingMode::Full);
    assert_eq!(names(&by("grafana=@eu,dev")[0]), ["dev", "dr"]);
    let refusals = ["grafana=@uk", "aws=@eu", "grafana=@eu,env=prod", "grafana=@"]
        .map(|choice| by(choice).iter().find_map(|route| route.refusal().map(str::to_owned)).unwrap())
        .join("\n");
    insta::assert_snapshot!(refusals, @r"
    --instance grafana=@uk: there is no group `@uk` (groups: @prod, @eu)
    --instance aws=@eu: no instance of aws belongs to the group @eu (region=eu)
    --instance grafana=@eu,env=prod: a group stands beside names, not inside a selector
    --instance grafana=@: there is no group `@` (groups: @prod, @eu)
    ");
}

#[test]
fn labels_that_mean_the_same_are_the_same_to_a_rule() {
    let world = world(&json!({"rules": [{"match": "env=qa", "use": {"grafana": "dev"}}]}));
    let found = routes(&world, &json!({"title": "x", "labels": {"Environment": "QA"}}));
    assert_eq!((names(&found[0]), found[0].path.as_deref()), (vec!["dev"], Some("labels.Environment")));
}

#[test]
fn alerts_of_a_group_each_find_their_rule() {
    let world = world(&json!({"rules": [
        {"match": "team=a", "use": {"grafana": "dev"}}, {"match": "team=b", "use": {"grafana": "staging"}}
    ]}));
    let payload = |teams: &[&str]| {
        let alerts: Vec<Json> = teams.iter().map(|team| json!({"labels": {"team": team}})).collect();
        json!({"receiver": "r", "alerts": alerts})
    };
    insta::assert_snapshot!(lines(&routes(&world, &payload(&["a", "b", "a", "c"]))[..1]), @r"
    grafana: [staging dev] Rule
      because staging: named by routing rule 2 (team=b: grafana=staging); dev: named by routing rule 1 (team=a: grafana=dev)
      path alerts[0].labels.team
      not prod: not named by the routing rule
      not dr: not named by the routing rule
      warning no routing rule for grafana fits some alerts of the group; what the rules name for the others is asked
    ");
}

#[test]
fn a_rule_that_names_what_contradicts_the_alert_is_followed_with_a_warning() {
    let world = world(&json!({"rules": [{"match": "team=a", "use": {"grafana": "staging"}}]}));
    let found = routes(&world, &json!({"title": "x", "labels": {"team": "a", "env": "prod"}}));
    assert_eq!(names(&found[0]), ["staging"]);
    insta::assert_snapshot!(found[0].warnings.join("\n"), @"the routing rule names 'staging', although its tag env=staging contradicts the alert's label env=prod (labels.env)");
}

#[test]
fn a_rule_that_names_nothing_falls_back_loudly() {
    let world = world(&json!({"rules": [{"match": "team=a", "use": {"grafana": "stagin", "aws": "env="}}]}));
    insta::assert_snapshot!(lines(&routes(&world, &json!({"title": "x", "labels": {"team": "a"}}))), @r"
    grafana: [prod] Default
      because the default instance; routing rule 1 names no instance
      path labels.team
      not staging: not the default
      not dev: not the default
      not dr: not the default
      warning routing rule 1 names 'stagin', which is not found: no instance of grafana is named 'stagin' (did you mean 'staging'? configured: prod, staging, dev and dr); falls back to the default instance 'prod'
    aws: [main] Default
      because the default instance; routing rule 1 names no instance
      path labels.team
      not dev: not the default
      warning routing rule 1 names 'env=', which is not found: tag selector: a value is missing at position 5 (write `name=value`; `name` alone asks whether the tag is there); falls back to the default instance 'main'
    ");
}

#[test]
fn what_cannot_be_read_is_reported_and_never_widens_a_choice() {
    let groups = json!([
        {"name": "@eu", "select": "region=eu"}, {"name": "eu", "select": "region=eu"}, {"name": "@EU", "select": "env=prod"},
        {"name": "@all", "select": "@eu"}, {"name": "@bad", "select": "region="}, {"name": "@blank", "select": " "}, 7,
    ]);
    let routing = json!({"unknown": "skp", "ambiguous": 7, "rules": [
        "x", {"match": "team=", "use": {"grafana": "dev"}}, {"use": {"grafana": "dev"}}, {"match": "", "use": {"grafana": "dev"}},
        {"match": "team=a"}, {"match": "team=a", "use": {"grafana": 7}},
    ]});
    let (table, diagnostics) = read_table(&groups, &routing);
    insta::assert_snapshot!(messages(&diagnostics));
    assert_eq!(table.groups.iter().count(), 1);
    let world = resolved_with(three(), table);
    let found = routes(&world, &json!({"title": "x", "labels": {"team": "a"}}));
    assert_eq!((found[0].step, names(&found[0]).len()), (RouteStep::None, 0), "the rule decides, and finds nothing");
    for (odd, reports) in [(json!({"rules": {}}), 2), (json!([]), 1), (json!("x"), 2), (json!(null), 0)] {
        assert_eq!(read_table(&odd, &odd).1.len(), reports, "{odd}");
    }
}

#[test]
fn rules_and_groups_that_make_no_sense_with_what_is_there_are_reported() {
    let groups = json!([{"name": "@mars", "select": "region=mars"}]);
    let routing = json!({"rules": [
        {"match": "team=a", "use": {"grafana": "prdo", "grafna": "x", "datadog": "x", "prometheus": "@mars"}},
        {"match": "team=b", "use": {"grafana": "@moon", "eks": "main"}},
    ]});
    let mut instances = three();
    instances.push(grafana("@mars", "https://m.example.com", &[]));
    instances.push(instance("prometheus", "a", &[], &[]));
    let world = resolved_with(instances, table(&groups, &routing));
    let source = opensre_model::diagnostic::Source::Store { path: "store.json".into() };
    insta::assert_snapshot!(messages(&world.routing.check(&catalogue(), &world, &source)));
}
