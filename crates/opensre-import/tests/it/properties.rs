//! What holds for every input.

use opensre_import::Found;
use opensre_import::plan::Choices;
use opensre_import::sources::{aws, env, grafana, grafanactl, holmes, kubeconfig, mcp, opensre};
use opensre_model::record::Document;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::support::{all_found, applied, catalogue, file, planned, shell, short, variables};

/// Every source on one text, whatever it is.
fn every_source(text: &str) -> Vec<Found> {
    let catalogue = catalogue();
    let environment = variables(&[("A", "1")]);
    let asked = grafana::Asked { address: "grafana/a".to_owned(), endpoint: "https://a".to_owned(), tags: Vec::new() };
    let mut found = vec![
        kubeconfig::read(&[file(text)], "/k"),
        aws::read(Some(file(text)), Some(file(text)), true),
        env::read(&catalogue, &variables(&[("GRAFANA_INSTANCES", text), ("REDIS_URL", text), ("LOKI_ADDR", text)])),
    ];
    found.extend(holmes::read(file(text), &catalogue, &environment));
    found.extend(grafanactl::read(file(text)));
    found.extend(mcp::read(file(text), &catalogue, &environment));
    found.extend(opensre::read(file(text), &catalogue));
    if let Ok(Json::Array(sources)) = serde_json::from_str(text) {
        found.push(grafana::read(&sources, &asked));
    }
    found
}

/// Words that the formats give a meaning to, and some that they do not.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "contexts",
        "context",
        "clusters",
        "cluster",
        "users",
        "user",
        "name",
        "server",
        "grafana",
        "token",
        "toolsets",
        "config",
        "instances",
        "prometheus/metrics",
        "grafana/loki",
        "datadog/logs",
        "kafka/admin",
        "rabbitmq/core",
        "prometheus_url",
        "api_url",
        "api_key",
        "headers",
        "Authorization",
        "mcpServers",
        "servers",
        "command",
        "args",
        "env",
        "url",
        "mcp-grafana",
        "GRAFANA_URL",
        "github-mcp-server",
        "integrations",
        "service",
        "status",
        "active",
        "credentials",
        "tags",
        "version",
        "groups",
        "routing",
        "rules",
        "type",
        "jsonData",
        "prometheus",
        "loki",
        "https://u:p@h.example.com/a?token=x",
        "Basic bWU6cHc=",
        "Bearer x",
        "${X}",
        "{{ env.X }}",
        "${exec:ls}",
        "arn:aws:eks:eu-west-1:123456789012:cluster/x",
        "gke_p_z-b_c",
        "default",
        "",
        "é/ü",
        "-e",
        "A=b",
        "@eu",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        word().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((word(), inner), 0..5)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_text_makes_a_source_panic(text in "[\\PC\n\t ]{0,200}") {
        every_source(&text);
    }

    #[test]
    fn no_tree_makes_a_source_or_a_plan_panic_and_every_plan_is_done_once(tree in tree(), update in any::<bool>()) {
        let choices = Choices { update, copy_secrets: true, ..Choices::default() };
        // JSON is YAML too.
        for found in every_source(&tree.to_string()) {
            let document = Document::empty();
            let plan = planned(&document, found.clone(), &choices);
            let again = planned(&applied(&document, &plan), found, &choices);
            prop_assert!(again.is_empty(), "{}", short(&again));
        }
    }

    #[test]
    fn no_line_makes_the_ini_parser_panic(lines in proptest::collection::vec(
        prop_oneof![
            Just("[profile a]".to_owned()), Just("[default]".to_owned()), Just("role_arn = arn:aws:iam::1:role/x".to_owned()),
            Just("source_profile=a".to_owned()), Just("[profile b]".to_owned()), Just("source_profile = b".to_owned()),
            Just("aws_access_key_id = canary".to_owned()), Just("[sso-session ]".to_owned()), "\\PC{0,20}",
        ], 0..20)) {
        aws::read(Some(file(&lines.join("\n"))), None, false);
    }
}

/// Stores that an import may meet: empty, and with every fixture in it already.
fn stores() -> Vec<Document> {
    let full = all_found(false).into_iter().fold(Document::empty(), |document, (_, found)| {
        applied(&document, &planned(&document, found, &Choices::default()))
    });
    vec![Document::empty(), full]
}

#[test]
fn the_second_import_has_nothing_to_do() {
    for document in stores() {
        for (source, found) in all_found(true) {
            for choices in [
                Choices::default(),
                Choices { update: true, ..Choices::default() },
                Choices { copy_secrets: true, update: true, prefix: "p-".to_owned(), ..Choices::default() },
                Choices { tags: vec![("team".to_owned(), "a".to_owned())], update: true, ..Choices::default() },
            ] {
                let plan = planned(&document, found.clone(), &choices);
                let after = applied(&document, &plan);
                let again = planned(&after, found.clone(), &choices);
                assert!(again.is_empty(), "{source} {choices:?}:\n{}", short(&again));
                assert_eq!(applied(&after, &again), after, "{source}");
            }
        }
    }
}

#[test]
fn nothing_is_ever_lost() {
    for document in stores() {
        for (source, found) in all_found(true) {
            let update = Choices { update: true, copy_secrets: true, ..Choices::default() };
            let after = applied(&document, &planned(&document, found, &update));
            for record in document.list() {
                let kept = after.list().into_iter().find(|kept| kept.id == record.id).expect("every record stays");
                assert!(record.instances.iter().all(|name| kept.instances.contains(name)), "{source}");
            }
        }
    }
}

#[test]
fn no_secret_reaches_a_plan_nor_the_store_unless_it_is_asked_for() {
    for (source, found) in all_found(false) {
        let debug = format!("{found:?}");
        assert!(!debug.to_lowercase().contains("canary"), "{source}: {debug}");
        let plan = planned(&Document::empty(), found, &Choices::default());
        let shown = format!("{} {plan:?}", serde_json::to_string(&plan).expect("JSON"));
        assert!(!shown.to_lowercase().contains("canary"), "{source}: {shown}");
        let stored = applied(&Document::empty(), &plan).into_json().to_string();
        let copies = ["v1", "v2"].contains(&source);
        assert_eq!(stored.to_lowercase().contains("canary"), copies, "{source}: {stored}");
    }
}

#[test]
fn what_is_imported_can_be_used() {
    let environment = shell();
    for (source, found) in all_found(false) {
        let plan = planned(&Document::empty(), found, &Choices::default());
        let document = applied(&Document::empty(), &plan);
        let (records, _) = document.records(&opensre_model::diagnostic::Source::Store { path: "s".to_owned() });
        let resolved = opensre_model::resolution::resolve(
            &catalogue(),
            records,
            Vec::new(),
            opensre_model::resolution::Precedence::Store,
        );
        let usable: Vec<String> = resolved.instances().map(opensre_model::instance::Instance::address).collect();
        for entry in &plan.instances {
            assert!(usable.contains(&entry.instance), "{source}: {} is not usable", entry.instance);
        }
        assert!(!environment.is_empty() && !usable.is_empty(), "{source}");
    }
}

#[test]
fn a_tree_of_our_own_is_no_special_case() {
    // A regression kept by hand: a list where a map belongs.
    let found = every_source(
        &json!({"contexts": [{"name": "a", "context": []}], "toolsets": {"datadog": {"config": {"instances": [1]}}}})
            .to_string(),
    );
    assert!(found.iter().any(|found| !found.skipped.is_empty()));
}
