//! The way out, and back in.

use opensre_import::export::{self, Exported};
use opensre_import::plan::Choices;
use opensre_import::sources::opensre;
use opensre_model::compatible;
use opensre_model::diagnostic::Source;
use opensre_model::environment;
use opensre_model::record::Document;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::support::{all_found, applied, catalogue, file, planned, variables};

fn resolved(document: &Document) -> Resolved {
    let (records, _) = document.records(&Source::Store { path: "s".to_owned() });
    resolve(&catalogue(), records, Vec::new(), Precedence::Store)
}

fn exported(document: &Document, reveal: bool) -> Exported {
    export::instances(&catalogue(), &resolved(document), reveal, |_, _| true)
}

/// What is in effect, apart from the ids of records: names, tags, pins and configs, with their secrets.
fn effective(resolved: &Resolved, reveal: bool) -> Vec<Json> {
    let catalogue = catalogue();
    resolved
        .instances()
        .map(|instance| {
            let mut config = compatible::flat_config(&catalogue, instance, reveal);
            config.retain(|key, _| key != "integration_id");
            json!({"at": instance.address(), "tags": instance.tags, "expect": instance.expect, "policy": instance.policy, "config": config})
        })
        .collect()
}

/// What remains of a document that leaves as a store and comes back into an empty one.
fn back(store: &Json) -> Document {
    let text = store.to_string();
    let found = opensre::read(file(&text), &catalogue()).expect("a store");
    applied(&Document::empty(), &planned(&Document::empty(), found, &Choices::default()))
}

fn full() -> Document {
    all_found(true).into_iter().fold(Document::empty(), |document, (_, found)| {
        let choices = Choices { copy_secrets: true, ..Choices::default() };
        applied(&document, &planned(&document, found, &choices))
    })
}

#[test]
fn a_revealed_export_comes_back_the_same() {
    let document = full();
    let after = back(&exported(&document, true).store(&Map::new()));
    let mut before = effective(&resolved(&document), true);
    let mut after = effective(&resolved(&after), true);
    let by_address = |one: &Json, other: &Json| one["at"].as_str().cmp(&other["at"].as_str());
    before.sort_by(by_address);
    after.sort_by(by_address);
    assert!(before.len() > 20);
    assert_eq!(before, after);
}

#[test]
fn an_export_without_secrets_refers_to_variables_and_lists_them() {
    let document = full();
    let exported = exported(&document, false);
    let text = exported.store(&Map::new()).to_string();
    assert!(!text.to_lowercase().contains("canary"), "{text}");
    for to_set in &exported.to_set {
        assert!(text.contains(&format!("${{env:{}}}", to_set.variable)), "{}", to_set.variable);
    }
    let literal = exported.to_set.iter().any(|to_set| to_set.variable == "OPENSRE_AWS_BASE_SECRET_ACCESS_KEY");
    assert!(literal, "{:?}", exported.to_set);
    // Everything but the secrets is as it was.
    let (before, after) = (resolved(&document), resolved(&back(&exported.store(&Map::new()))));
    let addresses = |resolved: &Resolved| {
        let mut all: Vec<(String, String)> =
            resolved.instances().map(|instance| (instance.address(), instance.tags.to_string())).collect();
        all.sort();
        all
    };
    assert_eq!(addresses(&before), addresses(&after));
}

#[test]
fn variables_are_quoted_so_that_a_shell_reads_them_back() {
    let document = Document::from_json(json!({"version": 2, "integrations": [
        {"id": "g", "service": "grafana", "status": "active", "instances": [
            {"name": "it's", "tags": {"a": "b\"c\\d$e`f"}, "credentials": {"endpoint": "https://a", "api_key": "canary-'x'"}}]},
    ]}))
    .expect("a store");
    let (variables, without) = exported(&document, true).variables(&catalogue());
    assert!(without.is_empty());
    let script = format!("{}\nprintf %s \"$GRAFANA_INSTANCES\"", variables[0].shell());
    let read = std::process::Command::new("sh").arg("-c").arg(&script).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&read.stdout), variables[0].value);
    assert_eq!(
        variables[0].dotenv(),
        format!(
            "GRAFANA_INSTANCES=\"{}\"",
            variables[0].value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`")
        )
    );
}

#[test]
fn what_a_variable_may_not_have_is_told() {
    let document = Document::from_json(json!({"version": 2, "integrations": [
        {"id": "g", "service": "grafana", "status": "active", "instances": [
            {"name": "a", "tags": {}, "credentials": {"endpoint": "https://a", "api_key": "${exec:pass show a}"}}]},
        {"id": "o", "service": "cmdb", "status": "active", "instances": [{"name": "b", "tags": {}, "credentials": {}}]},
    ]}))
    .expect("a store");
    let exported = exported(&document, false);
    assert_eq!(exported.with_commands(), ["grafana/a"]);
    assert_eq!(exported.variables(&catalogue()).1, ["cmdb"]);
    assert!(exported.to_set.is_empty());
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9 ._-]{0,8}[a-z0-9]"
}

/// Any instance that can be used: of several kinds, with odd names, tags and values.
fn instance() -> impl Strategy<Value = (String, Json)> {
    let tags = proptest::collection::btree_map("[a-z]{1,6}", "\\PC{0,8}", 0..3);
    let secret = prop_oneof![
        "[!-~]{1,20}",
        Just("${env:X}".to_owned()),
        Just("${file:/x}".to_owned()),
        Just("it's \"$x\\".to_owned())
    ];
    let kinds = proptest::sample::select(vec!["grafana", "loki", "datadog", "aws", "redis", "Prom"]);
    (kinds, name(), tags, secret, any::<bool>()).prop_map(|(service, name, tags, secret, pinned)| {
        // A text that starts like a reference and is none makes an instance unusable, which is not what is looked at.
        let secret = if secret.starts_with("${") && !secret.ends_with('}') { "x".to_owned() } else { secret };
        let credentials = match service {
            "grafana" => json!({"endpoint": "https://g.example.com", "api_key": secret}),
            "datadog" => json!({"api_key": secret, "app_key": "b", "site": "datadoghq.eu"}),
            "aws" => json!({"access_key_id": "AKIA", "secret_access_key": secret, "cluster_names": ["a", "b"]}),
            "redis" => json!({"url": "redis://u:p@cache:6379/0", "password": secret}),
            _ => json!({"base_url": "https://x.example.com/", "bearer_token": secret, "verify_ssl": false}),
        };
        let mut instance = json!({"name": name, "tags": tags, "credentials": credentials});
        if pinned {
            instance["expect"] = json!({"org": "Acme"});
            instance["requires_explicit"] = json!(true);
            instance["route_from"] = json!(["hint", "urls"]);
        }
        (service.to_owned(), instance)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_leaves_comes_back_as_a_store_and_as_variables(instances in proptest::collection::vec(instance(), 1..8)) {
        let records: Vec<Json> = instances
            .iter()
            .enumerate()
            .map(|(index, (service, instance))| {
                json!({"id": format!("r{index}"), "service": service, "status": "active", "instances": [instance]})
            })
            .collect();
        let document = Document::from_json(json!({"version": 2, "integrations": records})).expect("a store");
        let before = resolved(&document);
        // Lookups take the first of a name; a second one has no name to come back under.
        let mut names = std::collections::HashSet::new();
        prop_assume!(before.instances().all(|instance| names.insert(instance.address())));

        for reveal in [true, false] {
            let exported = exported(&document, reveal);
            prop_assert_eq!(exported.len(), before.instances().count());
            let after = resolved(&back(&exported.store(&Map::new())));
            let shown = |resolved: &Resolved| {
                let mut all = effective(resolved, reveal);
                if !reveal {
                    // A reference stands where a secret was redacted: secrets aside, everything is compared.
                    let secrets = ["api_key", "app_key", "access_key_id", "secret_access_key", "credentials", "url", "password", "bearer_token"];
                    for entry in &mut all {
                        if let Some(config) = entry["config"].as_object_mut() {
                            config.retain(|key, _| !secrets.contains(&key.as_str()));
                        }
                    }
                }
                all.sort_by(|one, other| one["at"].as_str().cmp(&other["at"].as_str()));
                all
            };
            prop_assert_eq!(shown(&before), shown(&after));

            let (variables_out, _) = exported.variables(&catalogue());
            let pairs: Vec<(&str, &str)> =
                variables_out.iter().map(|variable| (variable.name.as_str(), variable.value.as_str())).collect();
            let (records, _) = environment::records(&catalogue(), &variables(&pairs));
            let from_variables = resolve(&catalogue(), Vec::new(), records, Precedence::Env);
            prop_assert_eq!(shown(&before), shown(&from_variables));
        }
    }
}
