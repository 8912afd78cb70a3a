//! Choosing instances for an alert.

use std::fmt::Write as _;

use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::provider::{Catalogue, FieldSpec, Hooks, Identifies, ProviderKind, ProviderSpec, Rule};
use opensre_model::resolution::{Family, Incomplete, Resolved};
use opensre_model::routing::{ExplicitChoice, Route, RouteStep, RoutingMode, route};
use opensre_model::secret::SecretValue;
use opensre_model::value::{Config, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const NO_HOOKS: Hooks = Hooks::NONE;

const fn spec(key: &'static str, family: &'static str, fields: &'static [FieldSpec]) -> ProviderSpec {
    ProviderSpec {
        key,
        name: key,
        aliases: &[],
        family,
        kind: ProviderKind::Observability,
        instances_variable: None,
        fields,
        configured: Rule::Never,
        environment: Rule::Never,
        hooks: NO_HOOKS,
        documentation: "",
    }
}

static GRAFANA: ProviderSpec = spec("grafana", "grafana", &[FieldSpec::url("endpoint"), FieldSpec::secret("api_key")]);
static GRAFANA_LOCAL: ProviderSpec = spec("grafana_local", "grafana", &[FieldSpec::url("endpoint")]);
static PROMETHEUS: ProviderSpec = spec("prometheus", "prometheus", &[FieldSpec::url("base_url")]);
static DATADOG: ProviderSpec =
    spec("datadog", "datadog", &[FieldSpec::text_or("site", "datadoghq.com").identifies(Identifies::DatadogSite)]);
static AWS: ProviderSpec = ProviderSpec {
    aliases: &["eks", "amazon eks"],
    ..spec(
        "aws",
        "aws",
        &[
            FieldSpec::text_or("region", "us-east-1").identifies(Identifies::AwsRegion),
            FieldSpec::text("role_arn").identifies(Identifies::AwsArn),
            FieldSpec::list("cluster_names", &[]).identifies(Identifies::Cluster),
        ],
    )
};

fn catalogue() -> Catalogue {
    Catalogue::new(vec![&GRAFANA, &GRAFANA_LOCAL, &PROMETHEUS, &DATADOG, &AWS])
}

fn instance(service: &str, name: &str, fields: &[(&'static str, &str)], tags: &[(&str, &str)]) -> Instance {
    let mut config = Config::EMPTY;
    for (key, value) in fields {
        let value = match *key {
            "api_key" => Value::Secret(SecretValue::parse(value).unwrap()),
            "cluster_names" => Value::List(value.split(',').map(str::to_owned).collect()),
            _ => Value::Text((*value).to_owned()),
        };
        config.set(key, value);
    }
    Instance {
        service: service.into(),
        family: service.trim_end_matches("_local").into(),
        name: InstanceName::new(name),
        tags: Tags::from_pairs(tags.iter().copied()),
        expect: Expect::default(),
        policy: opensre_model::policy::Policy::default(),
        settings: Settings::Typed(config),
        integration_id: format!("id-{name}"),
        source: Source::Store { path: "integrations.json".into() },
    }
}

fn grafana(name: &str, endpoint: &str, tags: &[(&str, &str)]) -> Instance {
    instance("grafana", name, &[("endpoint", endpoint), ("api_key", "canary-key")], tags)
}

fn resolved(instances: Vec<Instance>) -> Resolved {
    let mut resolved = Resolved::default();
    for instance in instances {
        match resolved.families.iter_mut().find(|family| family.key == instance.family) {
            Some(family) => family.instances.push(instance),
            None => resolved.families.push(Family {
                key: instance.family.clone(),
                instances: vec![instance],
                incomplete: Vec::new(),
            }),
        }
    }
    resolved
}

fn alert(payload: &Json) -> Alert {
    Alert::parse(payload.to_string().as_bytes())
}

/// `grafana=staging` and so on.
fn explicit(choices: &[&str]) -> Vec<ExplicitChoice> {
    let choice = |text: &&str| {
        let (service, wanted) = text.split_once('=').unwrap();
        ExplicitChoice { service: service.into(), wanted: wanted.into() }
    };
    choices.iter().map(choice).collect()
}

fn routes<'a>(resolved: &'a Resolved, payload: &Json) -> Vec<Route<'a>> {
    route(&catalogue(), resolved, &alert(payload), &[], RoutingMode::Full)
}

/// The only route, over these instances.
fn shown(instances: Vec<Instance>, payload: &Json) -> String {
    lines(&routes(&resolved(instances), payload))
}

fn lines(routes: &[Route<'_>]) -> String {
    let mut lines = String::new();
    for route in routes {
        let _ = writeln!(lines, "{}: [{}] {:?}", route.service, names(route).join(" "), route.step);
        let _ = writeln!(lines, "  because {}", route.reason);
        if let Some(path) = &route.path {
            let _ = writeln!(lines, "  path {path}");
        }
        for rejected in &route.rejected {
            let _ = writeln!(lines, "  not {}: {}", rejected.instance, rejected.why);
        }
        for warning in &route.warnings {
            let _ = writeln!(lines, "  warning {warning}");
        }
    }
    lines
}

fn names<'a>(route: &Route<'a>) -> Vec<&'a str> {
    route.chosen.iter().map(|instance| instance.name.as_str()).collect()
}

fn three() -> Vec<Instance> {
    vec![
        grafana("prod", "https://grafana.example.com", &[("env", "prod")]),
        grafana("staging", "https://grafana.example.com/staging", &[("env", "staging")]),
        grafana("dev", "https://dev.example.com:8443", &[]),
    ]
}

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

/// Instances of two families with values from a small world, so that they often meet.
fn instances() -> impl Strategy<Value = Vec<Instance>> {
    let endpoint = prop_oneof![
        Just("https://g.example.com"),
        Just("https://g.example.com/a"),
        Just("https://g.example.com/a/b"),
        Just("https://h.example.com"),
        Just("not a url"),
    ];
    let tags = prop::collection::btree_map(
        prop_oneof![Just("env"), Just("team"), Just("cluster")],
        prop_oneof![Just("a"), Just("B")],
        0..3,
    );
    let one = (0..2_u8, endpoint, tags, prop_oneof![Just("111111111111"), Just("222222222222"), Just("")]);
    prop::collection::vec(one, 1..7).prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(position, (family, endpoint, tags, account))| {
                let tags: Vec<(&str, &str)> = tags.into_iter().collect();
                let name = format!("n{position}");
                if family == 0 {
                    return grafana(&name, endpoint, &tags);
                }
                let role = format!("arn:aws:iam::{account}:role/x");
                instance("aws", &name, &[("role_arn", &role), ("region", "eu-west-1")], &tags)
            })
            .collect()
    })
}

fn payload() -> impl Strategy<Value = Json> {
    let label = prop::collection::btree_map(
        prop_oneof![
            Just("env"),
            Just("environment"),
            Just("team"),
            Just("cluster"),
            Just("account_id"),
            Just("region")
        ],
        prop_oneof![Just("a"), Just("b"), Just("111111111111"), Just("eu-west-1")],
        0..4,
    );
    let url = prop_oneof![
        Just(""),
        Just("https://g.example.com/x"),
        Just("https://g.example.com/a/b/x"),
        Just("https://h.example.com/"),
    ];
    let hint = prop_oneof![4 => Just(""), 1 => Just("n0"), 1 => Just("n1, n2"), 1 => Just("env=a"), 1 => Just("zzz")];
    (label.clone(), prop::collection::vec((label, url.clone()), 0..3), url, hint).prop_map(|(labels, items, url, hint)| {
        let alerts: Vec<Json> =
            items.into_iter().map(|(labels, url)| json!({"labels": labels, "generatorURL": url})).collect();
        json!({"receiver": "r", "commonLabels": labels, "alerts": alerts, "externalURL": url, "grafana_instance": hint})
    })
}

/// What a route decides, without the words.
fn decision(routes: &[Route<'_>]) -> Vec<(String, RouteStep, Vec<String>)> {
    let mut decisions: Vec<_> = routes
        .iter()
        .map(|route| {
            let mut names: Vec<String> = names(route).into_iter().map(str::to_owned).collect();
            names.sort();
            (route.service.clone(), route.step, names)
        })
        .collect();
    decisions.sort();
    decisions
}

/// Whether a tag contradicts a label in every alert of the group: an independent, simple reading of the rule.
fn contradicts(instance: &Instance, alert: &Alert) -> bool {
    alert.items.iter().all(|item| {
        instance.tags.normalised().any(|(key, value)| {
            let label = |name: &str| item.labels.get(name).or_else(|| alert.labels.get(name)).map(|v| v.to_lowercase());
            let said = label(&key).or_else(|| if key == "env" { label("environment") } else { None });
            said.is_some_and(|said| said != value)
        })
    })
}

proptest! {
    #[test]
    fn adding_an_unrelated_instance_never_changes_a_route(instances in instances(), payload in payload()) {
        let before = resolved(instances.clone());
        let mut more = instances;
        // Of each family, one that nothing in the alert can mean.
        for family in ["grafana", "aws"] {
            if more.iter().any(|one| one.family == family) {
                let fields = [("endpoint", "https://unrelated.example.com"), ("role_arn", "arn:aws:iam::999999999999:role/x")];
                more.push(instance(family, "unrelated", &fields, &[("unrelated", "x")]));
            }
        }
        more.push(instance("datadog", "unrelated", &[], &[("env", "a")]));
        let after = resolved(more);
        let mut expected = decision(&routes(&before, &payload));
        let mut found = decision(&routes(&after, &payload));
        expected.retain(|(service, _, _)| service != "datadog");
        found.retain(|(service, _, _)| service != "datadog");
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_order_of_instances_changes_nothing_but_the_default(
        (instances, shuffled) in instances().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        payload in payload(),
    ) {
        let (before, after) = (resolved(instances), resolved(shuffled));
        let (first, second) = (routes(&before, &payload), routes(&after, &payload));
        let default = |resolved: &Resolved, service: &str| {
            resolved.family(service).and_then(Family::default).map(|one| one.name.to_string())
        };
        for (service, step, names) in decision(&first) {
            if default(&before, &service) == default(&after, &service) {
                prop_assert!(decision(&second).contains(&(service, step, names)));
            } else if !matches!(step, RouteStep::Default | RouteStep::None | RouteStep::Identifier) {
                prop_assert!(decision(&second).contains(&(service, step, names)), "only the default may differ");
            }
        }
    }

    #[test]
    fn a_ruled_out_instance_is_never_asked_unless_it_is_named(instances in instances(), payload in payload()) {
        let resolved = resolved(instances);
        let alert = alert(&payload);
        for route in route(&catalogue(), &resolved, &alert, &[], RoutingMode::Full) {
            for chosen in &route.chosen {
                prop_assert!(route.step == RouteStep::Hint || !contradicts(chosen, &alert), "{}: {}", chosen.address(), route.reason);
            }
        }
    }

    #[test]
    fn every_route_is_whole(instances in instances(), payload in payload(), hints_only in any::<bool>()) {
        let resolved = resolved(instances);
        let mode = if hints_only { RoutingMode::Hints } else { RoutingMode::Full };
        let routes = route(&catalogue(), &resolved, &alert(&payload), &[], mode);
        for (route, family) in routes.iter().zip(&resolved.families) {
            prop_assert_eq!(&route.service, &family.key);
            prop_assert_eq!(route.chosen.len() + route.rejected.len(), family.instances.len(), "each is chosen or rejected");
            prop_assert_eq!(route.chosen.is_empty(), route.step == RouteStep::None);
            prop_assert!(!route.reason.is_empty());
            prop_assert!(route.rejected.iter().all(|rejected| !rejected.why.is_empty()));
            let debug = format!("{route:?}");
            prop_assert!(!debug.contains("canary-key"));
        }
    }

    #[test]
    fn what_is_written_as_free_text_never_changes_a_route(instances in instances(), payload in payload(), text in "\\PC{0,40}") {
        let resolved = resolved(instances);
        let expected = decision(&routes(&resolved, &payload));
        let mut wordy = payload;
        wordy["message"] = json!(format!("{text} grafana_instance=n1 env=a https://h.example.com/ {text}"));
        wordy["title"] = json!(text);
        wordy["commonAnnotations"] = json!({"description": "see https://h.example.com/ or arn:aws:iam::222222222222:role/x"});
        prop_assert_eq!(decision(&routes(&resolved, &wordy)), expected);
    }

    #[test]
    fn any_bytes_and_any_choice_are_routed(bytes in prop::collection::vec(any::<u8>(), 0..100), service in "\\PC{0,10}", wanted in "\\PC{0,20}") {
        let resolved = resolved(three());
        let choice = ExplicitChoice { service, wanted };
        let routes = route(&catalogue(), &resolved, &Alert::parse(&bytes), &[choice], RoutingMode::Full);
        prop_assert!(!routes.is_empty());
    }
}
