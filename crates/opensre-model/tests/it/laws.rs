//! What holds for every input.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use opensre_model::classify::classify;
use opensre_model::compatible::{dictionary, effective};
use opensre_model::diagnostic::Diagnostic;
use opensre_model::environment::records;
use opensre_model::provider::{Catalogue, Draft, EnvironmentMap, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::record::Record;
use opensre_model::redaction::show;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

use crate::catalogue::catalogue;
use crate::support::{active, from_variable};

/// What no message may hold.
const CANARY: &str = "hunter2canary";

/// A text with the canary inside, in the forms that reading treats in different ways.
fn canary_text() -> impl Strategy<Value = String> {
    select(vec![
        CANARY.to_owned(),
        format!(" {CANARY} "),
        format!("{CANARY}e5"),
        format!("https://{CANARY}.example/"),
        format!("https://user:{CANARY}@host.example:99999/"),
        format!("https://user:{CANARY}@host.example/p"),
        format!("${{{CANARY}}}"),
        format!("${{env:{CANARY}"),
        format!("${{exec:{CANARY} x}}"),
        format!("${{{CANARY}:x}}"),
        format!("{CANARY}\n,{CANARY}\u{0}"),
    ])
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        3 => canary_text().prop_map(Json::from),
        1 => any::<String>().prop_map(Json::from),
        1 => any::<f64>().prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => any::<u64>().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map(key(), inner, 0..4).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Declared keys of the test catalogue, near misses and anything.
fn key() -> impl Strategy<Value = String> {
    let known = [
        "endpoint",
        "api_key",
        "apikey",
        "region",
        "role",
        "key_id",
        "key_secret",
        "host",
        "database",
        "port",
        "ssl",
        "username",
        "password",
        "timeout_seconds",
        "base_url",
        "bearer_token",
        "token",
        "user",
        "url",
        "command",
        "args",
        "toolsets",
        "headers",
        "servers",
        "webhook_url",
        "name",
        "tags",
        "credentials",
        "id",
    ];
    prop_oneof![4 => select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn any_credentials() -> impl Strategy<Value = Map<String, Json>> {
    proptest::collection::btree_map(key(), any_json(), 0..8).prop_map(|map| map.into_iter().collect())
}

fn any_service() -> impl Strategy<Value = String> {
    let mut services: Vec<String> = catalogue().iter().map(|spec| spec.key.to_owned()).collect();
    services.push("homemade".to_owned());
    services.push(" SQL ".to_owned());
    select(services)
}

/// A record of the store or of a variable with anything in it.
fn any_record() -> impl Strategy<Value = Record> {
    (any_service(), proptest::collection::vec((any_json(), any_json(), any_credentials()), 0..4), any::<bool>())
        .prop_map(|(service, instances, stored)| {
            let instances: Vec<Json> = instances
                .into_iter()
                // Names and tags are no secrets and are shown.
                .map(|(name, tags, credentials)| {
                    let name = if name.to_string().contains(CANARY) { json!("named") } else { name };
                    let tags = if tags.to_string().contains(CANARY) { json!({}) } else { tags };
                    json!({"name": name, "tags": tags, "credentials": credentials})
                })
                .collect();
            let instances = json!(instances);
            if stored {
                active("id-1", &service, &instances)
            } else {
                from_variable("SOME_INSTANCES", &service, &instances)
            }
        })
}

fn is_silent(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|diagnostic| {
        !format!("{diagnostic} {diagnostic:?}").contains(CANARY)
            && !serde_json::to_string(diagnostic).is_ok_and(|text| text.contains(CANARY))
    })
}

/// Usable instances by family and name, each with its id.
fn names(resolved: &Resolved) -> BTreeSet<(String, String, String)> {
    let triple = |instance: &opensre_model::instance::Instance| {
        (instance.family.clone(), instance.name.to_string(), instance.integration_id.clone())
    };
    resolved.instances().map(triple).collect()
}

/// Usable queue and cloud instances of these names, for laws of merging.
fn usable(source: &str, names: &[String]) -> Vec<Record> {
    let (queues, clouds): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.len() % 2 == 0);
    let record = |service: &str, names: Vec<&String>, credentials: Json| {
        let instances: Vec<Json> =
            names.into_iter().map(|name| json!({"name": name, "credentials": credentials})).collect();
        if source == "store" {
            active(&format!("{service}-1"), service, &json!(instances))
        } else {
            from_variable(source, service, &json!(instances))
        }
    };
    vec![record("queue", queues, json!({"servers": "q"})), record("cloud", clouds, json!({"role": "r"}))]
}

fn some_names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-c]{1,2}", 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_record_panics_or_tells_what_a_field_holds(record in any_record()) {
        let classified = classify(&catalogue(), &record);
        prop_assert_eq!(classified.instances.len() + classified.incomplete.len(), record.instances.len());
        prop_assert!(is_silent(&classified.diagnostics), "{:?}", classified.diagnostics);
        prop_assert!(classified.incomplete.iter().all(|incomplete| !incomplete.reason.contains(CANARY)));
        let debug = format!("{record:?}");
        prop_assert!(!debug.contains(CANARY), "{}", debug);
    }

    #[test]
    fn the_views_never_panic_and_hide_declared_secrets(store in proptest::collection::vec(any_record(), 0..4)) {
        let catalogue = catalogue();
        let resolved = resolve(&catalogue, &store, &store, Precedence::Merge);
        for reveal in [true, false] {
            dictionary(&catalogue, &resolved, reveal);
            effective(&catalogue, &resolved, reveal);
        }
        for record in &store {
            for spec in catalogue.iter() {
                for raw in &record.instances {
                    let shown = show(Some(spec), &raw.credentials);
                    for field in spec.fields.iter().filter(|field| field.secret) {
                        let text = shown.get(field.key).map(Json::to_string).unwrap_or_default();
                        let is_reference = raw.credentials.get(field.key).is_some_and(|written| written.to_string().contains("${"));
                        let is_map = shown.get(field.key).is_some_and(Json::is_object);
                        prop_assert!(is_reference || is_map || !text.contains(CANARY), "{}", text);
                    }
                }
            }
        }
    }

    #[test]
    fn no_variable_panics_or_is_told(
        list in prop_oneof![
            canary_text(),
            any::<String>(),
            any_json().prop_map(|json| json.to_string()),
            // Broken at any place.
            (any_json(), any::<prop::sample::Index>()).prop_map(|(json, at)| {
                let text = format!("[{json}]");
                text.chars().take(at.index(text.chars().count())).collect()
            }),
        ],
        single in proptest::collection::btree_map(
            select(vec!["METRICS_URL", "METRICS_TOKEN", "SQL_HOST", "SQL_DATABASE", "SQL_PORT", "SQL_SSL", "TOOLS_URL",
                "CLOUD_ROLE", "SEARCH_URL", "PIPELINE_BASE_URL", "PIPELINE_TOKEN"]),
            prop_oneof![canary_text(), any::<String>()],
            0..6,
        ),
    ) {
        // A name in the list is no secret; the canary stands in for what fields hold.
        prop_assume!(!list.contains("\"name\""));
        let mut environment: EnvironmentMap =
            single.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        for variable in ["METRICS_INSTANCES", "SQL_DATABASE_INSTANCES", "METRCS_INSTANCES"] {
            environment.insert(variable.to_owned(), list.clone());
        }
        let catalogue = catalogue();
        let (records, diagnostics) = records(&catalogue, &environment);
        prop_assert!(is_silent(&diagnostics), "{:?}", diagnostics);
        let resolved = resolve(&catalogue, &[], records, Precedence::Store);
        prop_assert!(is_silent(&resolved.diagnostics), "{:?}", resolved.diagnostics);
    }

    #[test]
    fn the_order_of_instances_changes_nothing_but_the_default(
        names in proptest::collection::btree_set("[a-f]{1,2}", 1..8).prop_map(Vec::from_iter),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let mut turned = names.clone();
        turned.rotate_left(shuffled.index(names.len()));
        let of = |names: &[String]| resolve(&catalogue(), usable("store", names), &[], Precedence::Store);
        let [one, other] = [of(&names), of(&turned)];
        let sorted = |resolved: &Resolved| {
            let mut instances: Vec<_> = resolved.instances().cloned().collect();
            instances.sort_by_key(opensre_model::instance::Instance::address);
            instances
        };
        prop_assert_eq!(sorted(&one), sorted(&other));
        prop_assert!(one.diagnostics.is_empty() && other.diagnostics.is_empty());
    }

    #[test]
    fn merging_is_a_union_in_which_the_store_wins(left in some_names(), right in some_names()) {
        let (store, environment) = (usable("store", &left), usable("ANY_INSTANCES", &right));
        let of = |store: &[Record], environment: &[Record], precedence| {
            resolve(&catalogue(), store, environment, precedence)
        };
        let merged = of(&store, &environment, Precedence::Merge);
        let only_store = of(&store, &[], Precedence::Merge);

        // Everything of the store is in effect, and first.
        let written = |resolved: &Resolved| {
            let mut by_family: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for instance in resolved.instances() {
                let line = format!("{}/{}", instance.integration_id, instance.name);
                by_family.entry(instance.family.clone()).or_default().push(line);
            }
            by_family
        };
        for (family, instances) in written(&only_store) {
            prop_assert!(written(&merged)[&family].starts_with(&instances));
        }
        // The names are those of both.
        let key = |(family, name, _): (String, String, String)| (family, name);
        let expected: BTreeSet<_> =
            names(&only_store).into_iter().chain(names(&of(&[], &environment, Precedence::Merge))).map(key).collect();
        prop_assert_eq!(names(&merged).into_iter().map(key).collect::<BTreeSet<_>>(), expected);
        // Nothing is lost: what is not in effect is shadowed.
        let count = left.len() + right.len();
        prop_assert_eq!(merged.instances().count() + merged.shadowed.len(), count);
        // Merging with nothing, and with itself, changes nothing.
        prop_assert_eq!(names(&of(&store, &[], Precedence::Merge)), names(&of(&store, &[], Precedence::Store)));
        prop_assert_eq!(written(&of(&store, &store, Precedence::Merge)), written(&only_store));
    }

    #[test]
    fn the_two_one_sided_precedences_mirror_each_other(left in some_names(), right in some_names()) {
        let (store, environment) = (usable("store", &left), usable("ANY_INSTANCES", &right));
        let one = resolve(&catalogue(), store.clone(), environment.clone(), Precedence::Store);
        let other = resolve(&catalogue(), &environment, &store, Precedence::Env);
        prop_assert_eq!(names(&one), names(&other));
        prop_assert_eq!(one.shadowed, other.shadowed);
        prop_assert_eq!(
            one.records.iter().map(|record| &record.id).collect::<Vec<_>>(),
            other.records.iter().map(|record| &record.id).collect::<Vec<_>>()
        );
    }
}

thread_local! {
    static CHECKED: Cell<usize> = const { Cell::new(0) };
}

/// Counts how often an instance is looked at.
static COUNTED: ProviderSpec = ProviderSpec {
    key: "counted",
    name: "Counted",
    aliases: &[],
    family: "counted",
    kind: ProviderKind::Observability,
    instances_variable: None,
    fields: &[FieldSpec::text("host")],
    configured: Rule::Set("host"),
    environment: Rule::Never,
    hooks: Hooks { refine: Some(count), ..Hooks::NONE },
    documentation: "",
};

fn count(_: &mut Draft) {
    CHECKED.set(CHECKED.get() + 1);
}

#[test]
fn every_instance_is_looked_at_once() {
    let catalogue = Catalogue::new(vec![&COUNTED]);
    let record = |count: usize| {
        let instances: Vec<Json> =
            (0..count).map(|index| json!({"name": format!("n{index}"), "credentials": {"host": "h"}})).collect();
        active("c", "counted", &json!(instances))
    };
    for precedence in [Precedence::Store, Precedence::Env, Precedence::Merge] {
        CHECKED.set(0);
        let resolved = resolve(&catalogue, &[record(700), record(300)], &[record(500)], precedence);
        assert_eq!(CHECKED.get(), 1500, "{precedence}");
        let reports = resolved.diagnostics.len();
        assert!(reports <= 500, "{precedence}: {reports}");
    }
}
