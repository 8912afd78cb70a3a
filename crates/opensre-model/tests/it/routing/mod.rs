//! Choosing instances for an alert.

mod doubt;
mod inferred;
mod laws;
mod named;
mod policies;
mod rules;

use std::fmt::Write as _;

use opensre_model::alert::Alert;
use opensre_model::diagnostic::{Diagnostic, Source};
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::provider::{Catalogue, FieldSpec, Hooks, Identifies, ProviderKind, ProviderSpec, Rule};
use opensre_model::record::Document;
use opensre_model::resolution::{Family, Resolved};
use opensre_model::routing::{ExplicitChoice, Route, RoutingMode, RoutingTable, route};
use opensre_model::secret::SecretValue;
use opensre_model::value::{Config, Value};
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

pub(super) fn catalogue() -> Catalogue {
    Catalogue::new(vec![&GRAFANA, &GRAFANA_LOCAL, &PROMETHEUS, &DATADOG, &AWS])
}

pub(super) fn instance(service: &str, name: &str, fields: &[(&'static str, &str)], tags: &[(&str, &str)]) -> Instance {
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

pub(super) fn grafana(name: &str, endpoint: &str, tags: &[(&str, &str)]) -> Instance {
    instance("grafana", name, &[("endpoint", endpoint), ("api_key", "canary-key")], tags)
}

pub(super) fn resolved(instances: Vec<Instance>) -> Resolved {
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

pub(super) fn alert(payload: &Json) -> Alert {
    Alert::parse(payload.to_string().as_bytes())
}

/// `grafana=staging` and so on.
pub(super) fn explicit(choices: &[&str]) -> Vec<ExplicitChoice> {
    let choice = |text: &&str| {
        let (service, wanted) = text.split_once('=').unwrap();
        ExplicitChoice { service: service.into(), wanted: wanted.into() }
    };
    choices.iter().map(choice).collect()
}

pub(super) fn routes<'a>(resolved: &'a Resolved, payload: &Json) -> Vec<Route<'a>> {
    route(&catalogue(), resolved, &alert(payload), &[], RoutingMode::Full)
}

/// The only route, over these instances.
pub(super) fn shown(instances: Vec<Instance>, payload: &Json) -> String {
    lines(&routes(&resolved(instances), payload))
}

pub(super) fn lines(routes: &[Route<'_>]) -> String {
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

pub(super) fn names<'a>(route: &Route<'a>) -> Vec<&'a str> {
    route.chosen.iter().map(|instance| instance.name.as_str()).collect()
}

pub(super) fn three() -> Vec<Instance> {
    vec![
        grafana("prod", "https://grafana.example.com", &[("env", "prod")]),
        grafana("staging", "https://grafana.example.com/staging", &[("env", "staging")]),
        grafana("dev", "https://dev.example.com:8443", &[]),
    ]
}

/// What is read from `groups` and `routing` of a store, without anything odd.
pub(super) fn table(groups: &Json, routing: &Json) -> RoutingTable {
    let (table, diagnostics) = read_table(groups, routing);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    table
}

pub(super) fn read_table(groups: &Json, routing: &Json) -> (RoutingTable, Vec<Diagnostic>) {
    let store = json!({"version": 2, "integrations": [], "groups": groups, "routing": routing});
    let document = Document::from_json(store).unwrap();
    RoutingTable::read(&catalogue(), &document, &Source::Store { path: "integrations.json".into() })
}

/// These instances with groups and rules.
pub(super) fn resolved_with(instances: Vec<Instance>, table: RoutingTable) -> Resolved {
    Resolved { routing: table, ..resolved(instances) }
}
