//! Fixtures, and plans as short text.

use std::fmt::Write as _;

use opensre_import::plan::{Action, Choices, Plan, plan};
use opensre_import::sources::File;
use opensre_import::sources::{aws, env, grafana, grafanactl, holmes, kubeconfig, mcp, opensre};
use opensre_import::{Found, Malformed};
use opensre_model::provider::{Catalogue, EnvironmentMap};
use opensre_model::record::Document;
use serde_json::{Value as Json, json};

pub(crate) fn catalogue() -> Catalogue {
    opensre_providers::catalogue()
}

pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a fixture")
}

pub(crate) fn file(text: &str) -> File<'_> {
    File { path: "FILE", text }
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> EnvironmentMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Every fixture through its source, by name.
pub(crate) fn all_found(copy_keys: bool) -> Vec<(&'static str, Found)> {
    let catalogue = catalogue();
    let environment = variables(&[("PROD_GRAFANA_URL", "https://prod.example.com")]);
    let asked = grafana::Asked {
        address: "grafana/prod".to_owned(),
        endpoint: "https://prod.grafana.net".to_owned(),
        tags: vec![("env".to_owned(), json!("prod"))],
    };
    let sources: Vec<Json> = serde_json::from_str(&fixture("datasources.json")).expect("JSON");
    let good = |found: Result<Found, Malformed>| found.expect("a good fixture");
    vec![
        ("kubeconfig", kubeconfig::read(&[file(&fixture("kubeconfig.yaml"))], "/home/me/.kube/config")),
        ("aws", aws::read(Some(file(&fixture("aws-config"))), Some(file(&fixture("aws-credentials"))), copy_keys)),
        ("holmes", good(holmes::read(file(&fixture("holmes.yaml")), &catalogue, &environment))),
        ("gcx", good(grafanactl::read(file(&fixture("gcx.yaml"))))),
        ("grafanactl", good(grafanactl::read(file(&fixture("grafanactl.yaml"))))),
        ("mcp", good(mcp::read(file(&fixture("mcp.jsonc")), &catalogue, &environment))),
        ("grafana", grafana::read(&sources, &asked)),
        ("env", env::read(&catalogue, &shell())),
        ("v1", good(opensre::read(file(&fixture("store-v1.jsonc")), &catalogue))),
        ("v2", good(opensre::read(file(&fixture("store-v2.jsonc")), &catalogue))),
    ]
}

/// A shell with variables of both forms.
pub(crate) fn shell() -> EnvironmentMap {
    variables(&[
        ("GRAFANA_INSTANCE_URL", "https://prod.grafana.net"),
        ("GRAFANA_READ_TOKEN", "canary-env-grafana"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/opensre"),
        ("AWS_EXTERNAL_ID", "canary-env-external"),
        ("POSTGRESQL_HOST", "db.eu-west-1.example.com"),
        ("POSTGRESQL_DATABASE", "orders"),
        ("POSTGRESQL_PASSWORD", "canary-env-password"),
        ("LOKI_ADDR", "https://me:canary-env-in-url@loki.example.com"),
        (
            "DD_INSTANCES",
            r#"[{"name":"eu","tags":{"env":"prod"},"api_key":"canary-env-list","app_key":"${env:DD_APP}","site":"datadoghq.eu"},
                {"name":"x","api_key":"${exec:rm -rf /}","app_key":"${file:/run/app}"}]"#,
        ),
        ("HONEYCOMB_INSTANCES", "not JSON canary-env-broken"),
    ])
}

pub(crate) fn planned(document: &Document, found: Found, choices: &Choices) -> Plan {
    plan(&catalogue(), document, found, choices)
}

pub(crate) fn applied(document: &Document, plan: &Plan) -> Document {
    let mut document = document.clone();
    plan.apply(&catalogue(), &mut document, 7);
    document
}

/// One line for each thing in a plan.
pub(crate) fn short(plan: &Plan) -> String {
    let mut text = String::new();
    for entry in &plan.instances {
        let sign = match entry.action {
            Action::Add => '+',
            Action::Change => '~',
            Action::Same => '=',
            Action::Differs => '?',
        };
        let fields: Vec<String> = entry
            .fields
            .iter()
            .map(|field| match &field.old {
                Some(old) => format!("{}={old}->{}", field.name, field.new),
                None => format!("{}={}", field.name, field.new),
            })
            .collect();
        let tags: Vec<String> = entry.tags.iter().map(|tag| format!("#{}={}", tag.name, tag.new)).collect();
        let _ = writeln!(text, "{sign} {} {}", entry.instance, [fields, tags].concat().join(" "));
    }
    for setting in &plan.settings {
        let _ = writeln!(text, "{:?} {} {}", setting.action, setting.what, setting.new);
    }
    for skipped in &plan.skipped {
        let _ = writeln!(text, "! {}: {}", skipped.what, skipped.reason);
    }
    text
}
