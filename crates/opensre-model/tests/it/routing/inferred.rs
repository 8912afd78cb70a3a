//! Instances that the alert's URLs, ids and labels point at, and the default.

use opensre_model::alert::Alert;
use opensre_model::instance::Instance;
use opensre_model::routing::{RouteStep, RoutingMode, route};
use serde_json::{Value as Json, json};

use super::{alert, catalogue, grafana, instance, names, resolved, routes, shown, three};

#[test]
fn the_default_is_asked_when_nothing_points_elsewhere() {
    insta::assert_snapshot!(shown(three(), &json!({"title": "x"})), @r"
    grafana: [prod] Default
      because the default instance; nothing in the alert points at an instance
      not staging: not the default
      not dev: not the default
    ");
    insta::assert_snapshot!(shown(vec![grafana("prod", "https://g.example.com", &[])], &json!({"title": "x"})), @r"
    grafana: [prod] Default
      because the only instance
    ");
}

#[test]
fn a_url_belongs_to_the_instance_with_the_longest_path() {
    let payload = |url: &str| json!({"receiver": "r", "alerts": [{"generatorURL": url}]});
    insta::assert_snapshot!(shown(three(), &payload("https://GRAFANA.example.com:443/staging/alerting/grafana/u/view?orgId=1")), @r"
    grafana: [staging] Identifier
      because alerts[0].generatorURL (grafana.example.com) is under its URL
      path alerts[0].generatorURL
      not prod: nothing in the alert points at it
      not dev: nothing in the alert points at it
    ");
    let resolved = resolved(three());
    let chosen = |url: &str| {
        let routes = routes(&resolved, &payload(url));
        (routes[0].step, names(&routes[0]).join(" "))
    };
    let identified = |name: &str| (RouteStep::Identifier, name.to_owned());
    let default = || (RouteStep::Default, "prod".to_owned());
    assert_eq!(chosen("https://grafana.example.com/d/x"), identified("prod"));
    assert_eq!(chosen("https://grafana.example.com/stagingx/d/x"), identified("prod"), "by whole segments");
    assert_eq!(chosen("https://grafana.example.com/staging"), identified("staging"));
    assert_eq!(chosen("https://grafana.example.com./staging/"), identified("staging"));
    assert_eq!(chosen("https://grafana.example.com/a/../staging/x"), identified("staging"));
    assert_eq!(chosen("https://dev.example.com:8443/x"), identified("dev"));
    assert_eq!(chosen("https://dev.example.com/x"), default(), "another port");
    assert_eq!(chosen("http://grafana.example.com/x"), default(), "another port");
    assert_eq!(chosen("https://grafana.example.com.evil.test/x"), default(), "another host");
    assert_eq!(chosen("https://evil-grafana.example.com/x"), default(), "another host");
    assert_eq!(chosen("https://evil.test/https://dev.example.com:8443/"), default());
    assert_eq!(chosen("https://dev.example.com:8443@evil.test/"), default());
}

#[test]
fn a_url_that_fits_several_alike_identifies_none_of_them() {
    let shared = || {
        vec![
            grafana("org-a", "https://g.example.com", &[("team", "a")]),
            grafana("org-b", "https://g.example.com", &[("team", "b")]),
        ]
    };
    let url = "https://g.example.com/d/x";
    insta::assert_snapshot!(shown(shared(), &json!({"title": "x", "externalURL": url})), @r"
    grafana: [org-a] Default
      because the default among the 2 instances that the alert points at alike (externalURL (g.example.com) is under its URL)
      path externalURL
      not org-b: not the default
    ");
    insta::assert_snapshot!(shown(shared(), &json!({"title": "x", "externalURL": url, "labels": {"team": "b"}})), @r"
    grafana: [org-b] Identifier
      because externalURL (g.example.com) is under its URL
      path externalURL
      not org-a: ruled out: its tag team=a contradicts the alert's label team=b (labels.team)
    ");
    let mut elsewhere = shared();
    elsewhere.insert(0, grafana("other", "https://other.example.com", &[]));
    insta::assert_snapshot!(shown(elsewhere, &json!({"title": "x", "externalURL": url})));
}

#[test]
fn alerts_of_a_group_from_different_systems_each_use_their_own() {
    let payload = json!({"receiver": "r", "alerts": [
        {"generatorURL": "https://grafana.example.com/staging/alerting/grafana/u/view"},
        {"generatorURL": "https://dev.example.com:8443/alerting/grafana/v/view"}
    ]});
    let resolved = resolved(three());
    let routes = routes(&resolved, &payload);
    assert_eq!(names(&routes[0]), ["staging", "dev"]);
    assert_eq!(routes[0].step, RouteStep::Identifier);
}

#[test]
fn a_local_grafana_never_beats_a_remote_one_by_a_loopback_url() {
    let payload =
        json!({"receiver": "r", "alerts": [{"generatorURL": "http://localhost:3000/alerting/grafana/u/view"}]});
    let local = || instance("grafana_local", "laptop", &[("endpoint", "http://localhost:3000")], &[]);
    let both = resolved(vec![local(), grafana("prod", "https://grafana.example.com", &[])]);
    assert_eq!(names(&routes(&both, &payload)[0]), ["prod"]);
    let only = resolved(vec![local(), instance("grafana_local", "b", &[("endpoint", "http://localhost:3001")], &[])]);
    assert_eq!(routes(&only, &payload)[0].step, RouteStep::Identifier);
}

fn accounts() -> Vec<Instance> {
    let role = |account: &str| format!("arn:aws:iam::{account}:role/opensre");
    vec![
        instance("aws", "prod", &[("region", "us-east-1"), ("role_arn", &role("111111111111"))], &[]),
        instance("aws", "prod-eu", &[("region", "eu-west-1"), ("role_arn", &role("111111111111"))], &[]),
        instance("aws", "staging-eu", &[("region", "eu-west-1"), ("role_arn", &role("222222222222"))], &[]),
        instance("aws", "keys", &[("region", "ap-south-1"), ("cluster_names", "shop,cart")], &[]),
    ]
}

fn alarm(arn: &str) -> Json {
    json!({"AlarmName": "x", "NewStateValue": "ALARM", "AlarmArn": arn})
}

#[test]
fn account_and_region_narrow_down_to_one() {
    insta::assert_snapshot!(shown(accounts(), &alarm("arn:aws:cloudwatch:eu-west-1:111111111111:alarm:x")), @r"
    aws: [prod-eu] Identifier
      because AlarmArn names its AWS account 111111111111; AlarmArn names its AWS region eu-west-1
      path AlarmArn
      not prod: nothing in the alert points at it
      not staging-eu: nothing in the alert points at it
      not keys: nothing in the alert points at it
    ");
    let resolved = resolved(accounts());
    let chosen = |payload: &Json| names(&routes(&resolved, payload)[0]).join(" ");
    assert_eq!(chosen(&alarm("arn:aws:cloudwatch:eu-west-1:222222222222:alarm:x")), "staging-eu");
    assert_eq!(
        chosen(&alarm("arn:aws:cloudwatch:us-west-2:222222222222:alarm:x")),
        "staging-eu",
        "the account decides"
    );
    assert_eq!(chosen(&json!({"title": "x", "labels": {"region": "ap-south-1"}})), "keys");
    assert_eq!(chosen(&json!({"title": "x", "labels": {"cluster": "Shop"}})), "keys");
    assert_eq!(chosen(&json!({"title": "x", "message": "arn:aws:iam::222222222222:role/x eu-west-1"})), "prod");
}

#[test]
fn an_account_that_nobody_has_is_said_when_another_is_asked() {
    insta::assert_snapshot!(shown(accounts(), &alarm("arn:aws:cloudwatch:us-east-1:333333333333:alarm:x")), @r"
    aws: [prod] Default
      because the default instance; nothing in the alert points at an instance
      not prod-eu: not the default
      not staging-eu: not the default
      not keys: not the default
      warning the alert names AWS account 333333333333, but 'prod' is configured for 111111111111
    ");
}

#[test]
fn a_datadog_link_points_at_the_site() {
    let sites = vec![
        instance("datadog", "us", &[("site", "datadoghq.com")], &[]),
        instance("datadog", "eu", &[("site", "datadoghq.eu")], &[]),
    ];
    let payload =
        json!({"alert_transition": "Triggered", "title": "x", "link": "https://acme.datadoghq.eu/monitors/1"});
    insta::assert_snapshot!(shown(sites, &payload), @r"
    datadog: [eu] Identifier
      because link is on its Datadog site datadoghq.eu
      path link
      not us: nothing in the alert points at it
    ");
}

#[test]
fn a_cluster_tag_is_recognised() {
    let clusters = vec![
        instance("prometheus", "a", &[], &[("cluster", "eu1")]),
        instance("prometheus", "b", &[], &[("cluster", "us1")]),
    ];
    insta::assert_snapshot!(shown(clusters, &json!({"title": "x", "labels": {"k8s_cluster": "US1"}})), @r"
    prometheus: [b] Identifier
      because labels.k8s_cluster names its cluster us1 (tag)
      path labels.k8s_cluster
      not a: ruled out: its tag cluster=eu1 contradicts the alert's label k8s_cluster=US1 (labels.k8s_cluster)
    ");
}

fn tagged() -> Vec<Instance> {
    vec![
        grafana("a", "https://a.example.com", &[("env", "prod")]),
        grafana("b", "https://b.example.com", &[("env", "prod"), ("team", "shop")]),
        grafana("c", "https://c.example.com", &[("env", "staging"), ("team", "shop")]),
        grafana("d", "https://d.example.com", &[]),
    ]
}

#[test]
fn most_agreeing_tags_win_and_one_that_contradicts_rules_out() {
    let payload = json!({"receiver": "r", "commonLabels": {"Environment": "PROD", "team": "shop"}});
    insta::assert_snapshot!(shown(tagged(), &payload), @r"
    grafana: [b] Tags
      because its tags agree with the alert's labels: env=prod and team=shop
      path commonLabels.Environment
      not a: fewer of its tags agree (1 of at most 2)
      not c: ruled out: its tag env=staging contradicts the alert's label Environment=PROD (commonLabels.Environment)
      not d: no tag of it agrees with the alert's labels
    ");
}

#[test]
fn a_tie_chooses_all_and_is_reported() {
    let mut instances = tagged();
    instances.remove(1);
    instances.push(grafana("e", "https://e.example.com", &[("env", "prod"), ("region", "eu")]));
    insta::assert_snapshot!(shown(instances, &json!({"title": "x", "labels": {"env": "prod"}})));
}

#[test]
fn alerts_of_a_group_with_different_labels_each_use_their_own() {
    let payload = json!({"receiver": "r", "commonLabels": {"team": "shop"}, "alerts": [
        {"labels": {"env": "prod", "team": "shop"}}, {"labels": {"env": "staging", "team": "shop"}}
    ]});
    let resolved = resolved(tagged());
    let routes = routes(&resolved, &payload);
    assert_eq!(names(&routes[0]), ["b", "c"]);
    assert_eq!(routes[0].path.as_deref(), Some("alerts[0].labels.env"));
}

#[test]
fn a_ruled_out_default_is_not_asked() {
    insta::assert_snapshot!(shown(three(), &json!({"title": "x", "labels": {"env": "qa"}})), @r"
    grafana: [] None
      because nothing in the alert points at an instance, and the default instance 'prod' is ruled out: its tag env=prod contradicts the alert's label env=qa (labels.env)
      not prod: ruled out: its tag env=prod contradicts the alert's label env=qa (labels.env)
      not staging: ruled out: its tag env=staging contradicts the alert's label env=qa (labels.env)
      not dev: nothing in the alert points at it
      warning no instance of grafana is asked; to ask one all the same, use --instance grafana=NAME
    ");
}

#[test]
fn a_url_of_a_ruled_out_instance_is_said_and_not_followed() {
    let payload = json!({"receiver": "r", "commonLabels": {"env": "prod"}, "externalURL": "https://grafana.example.com/staging/"});
    insta::assert_snapshot!(shown(three(), &payload), @r"
    grafana: [prod] Tags
      because its tag agrees with the alert's labels: env=prod
      path commonLabels.env
      not staging: ruled out: its tag env=staging contradicts the alert's label env=prod (commonLabels.env)
      not dev: no tag of it agrees with the alert's labels
      warning externalURL points at 'staging', which is ruled out: its tag env=staging contradicts the alert's label env=prod (commonLabels.env); to ask it all the same, use --instance grafana=staging
    ");
}

#[test]
fn free_text_chooses_nothing() {
    let resolved = resolved(three());
    let text = "grafana_instance: staging, env=staging, see https://dev.example.com:8443/d/x";
    for alert in [
        Alert::from_text(text),
        alert(
            &json!({"title": text, "message": text, "description": text, "annotations": {"description": text, "summary": text}}),
        ),
    ] {
        let routes = route(&catalogue(), &resolved, &alert, &[], RoutingMode::Full);
        assert_eq!((routes[0].step, names(&routes[0])), (RouteStep::Default, vec!["prod"]));
    }
}
