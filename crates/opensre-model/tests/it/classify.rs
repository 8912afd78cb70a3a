//! From written records to instances.

use opensre_model::classify::{Classified, classify};
use opensre_model::instance::{Instance, Settings};
use opensre_model::provider::{Catalogue, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::secret::SecretValue;
use opensre_model::value::Value;
use serde_json::{Value as Json, json};

use crate::catalogue::catalogue;
use crate::support::{active, from_variable, messages, stored};

/// Classifies one active store record.
fn of(service: &str, instances: &Json) -> Classified {
    classify(&catalogue(), &active("id-1", service, instances))
}

/// Classifies one instance and returns it; panics when there is none.
fn only(service: &str, credentials: &Json) -> Instance {
    let classified = of(service, &json!([{"name": "a", "credentials": credentials}]));
    assert_eq!(messages(&classified.diagnostics), "");
    classified.instances.into_iter().next().expect("a usable instance")
}

/// Classifies one instance and returns the messages.
fn reports(service: &str, credentials: &Json) -> String {
    messages(&of(service, &json!([{"name": "a", "credentials": credentials}])).diagnostics)
}

#[test]
fn a_service_is_known_by_alias_and_in_any_letter_case() {
    for written in ["cloud", " CLOUD ", "Clusters", "Big Cloud"] {
        let instance = only(written, &json!({"role": "r"}));
        assert_eq!((instance.service.as_str(), instance.family.as_str()), ("cloud", "cloud"), "{written}");
    }
}

#[test]
fn every_instance_keeps_name_tags_id_and_source() {
    let instances =
        json!([{"name": " Prod", "tags": {"env": "Prod", "shard": 7, "x": {}}, "credentials": {"role": "r"}}]);
    let classified = of("cloud", &instances);
    let instance = &classified.instances[0];
    assert_eq!(instance.address(), "cloud/prod");
    assert_eq!(instance.tags.get("shard").as_deref(), Some("7"));
    assert_eq!(instance.integration_id, "id-1");
    assert_eq!(instance.source.label(), "local store");
    insta::assert_snapshot!(messages(&classified.diagnostics), @"warning: cloud/prod tags: the tag `x` is no text, number or boolean; it is left out (store store.json)");
}

#[test]
fn defaults_stand_for_what_is_absent_or_empty() {
    let instance = only("sql_database", &json!({"host": " db ", "database": "app", "username": "", "port": null}));
    let config = instance.config();
    assert_eq!(config.text("host"), Some("db"));
    assert_eq!(config.text("username"), Some("root"));
    assert_eq!(config.integer("port"), Some(5432));
    assert_eq!(config.boolean("ssl"), Some(true));
    assert_eq!(config.get("timeout_seconds"), Some(&Value::Number(10.0)));
    assert_eq!(config.get("password"), None);
}

#[test]
fn another_spelling_is_read_only_when_the_field_is_empty() {
    let token = |credentials: &Json| {
        only("pipeline", credentials).config().secret("bearer_token").map(SecretValue::revealed).unwrap()
    };
    assert_eq!(token(&json!({"base_url": "https://p", "bearer_token": "a", "token": "b"})), "a");
    assert_eq!(token(&json!({"base_url": "https://p", "bearer_token": " ", "auth_token": "", "token": "b"})), "b");
}

#[test]
fn what_is_odd_but_readable_is_reported_without_its_value() {
    let credentials = json!({
        "host": "db", "database": "app", "port": "hunter2", "ssl": "hunter2", "timeout_seconds": 1000,
        "pasword": "hunter2", "userName": "hunter2", "hostname": "hunter2", "comment": "hunter2", "name": "hunter2",
    });
    insta::assert_snapshot!(reports("sql_database", &credentials), @r#"
    warning: sql_database/a pasword: is not a field of SQL; it is not read (store store.json) [did you mean `password`?]
    warning: sql_database/a userName: is not a field of SQL; it is not read (store store.json) [did you mean `username`?]
    warning: sql_database/a hostname: is not a field of SQL; it is not read (store store.json) [did you mean `host`?]
    note: sql_database/a comment: is not a field of SQL; it is not read (store store.json)
    note: sql_database/a name: is not a field of SQL; it is not read (store store.json) [an instance's name and tags stand beside its `credentials`]
    warning: sql_database/a port: is not a whole number; 5432 is used (store store.json)
    warning: sql_database/a ssl: is neither true nor false; true is used (store store.json)
    warning: sql_database/a timeout_seconds: is above 60; 60 is used (store store.json)
    "#);
}

#[test]
fn what_cannot_be_read_leaves_only_that_instance_out() {
    let good = json!({"host": "db", "database": "app"});
    for (field, bad) in [
        ("host", json!(["db"])),
        ("host", json!({"a": "db"})),
        ("host", json!(1e300)),
        ("port", json!(1e300)),
        ("port", json!("inf")),
        ("password", json!(["hunter2"])),
        ("password", json!("${hunter2}")),
        ("password", json!("${env:}")),
    ] {
        let mut credentials = good.clone();
        credentials[field] = bad.clone();
        let classified =
            of("sql", &json!([{"name": "a", "credentials": credentials}, {"name": "b", "credentials": good}]));
        let names: Vec<&str> = classified.instances.iter().map(|instance| instance.name.as_str()).collect();
        assert_eq!(names, ["b"], "{field} {bad}");
        let [diagnostic] = &classified.diagnostics[..] else { panic!("{bad}: {:?}", classified.diagnostics) };
        assert_eq!(diagnostic.service.as_deref(), Some("sql_database"));
        assert_eq!(diagnostic.instance.as_deref(), Some("a"));
        assert_eq!(diagnostic.field.as_deref(), Some(field));
        assert!(!diagnostic.to_string().contains("hunter2"), "{diagnostic}");
        assert_eq!(classified.incomplete[0].name, "a");
        assert!(classified.incomplete[0].reason.starts_with(&format!("{field}: ")), "{:?}", classified.incomplete);
    }
}

#[test]
fn an_instance_that_is_not_configured_says_what_it_needs() {
    insta::assert_snapshot!(reports("sql", &json!({"host": "db"})), @"error: sql_database/a database: needs `database` (store store.json)");
    insta::assert_snapshot!(reports("sql", &json!({})), @"error: sql_database/a: needs `host` and `database` (store store.json)");
    insta::assert_snapshot!(reports("cloud", &json!({"key_id": "x", "key_secret": " "})), @"error: cloud/a: needs `role` or `key_secret` (store store.json)");
    insta::assert_snapshot!(reports("tools", &json!({"url": "https://tools.example.com/"})), @"error: tools/a: needs `url` other than its default or `command` (store store.json)");
    insta::assert_snapshot!(reports("metrics", &json!({"endpoint": "https://m", "api_key": "local"})), @"error: metrics/a: needs an `api_key` that is not the word `local` (store store.json)");
}

#[test]
fn an_instance_from_variables_says_which_to_set() {
    let record = from_variable("METRICS_URL", "metrics", &json!([{"credentials": {"endpoint": "https://m"}}]));
    insta::assert_snapshot!(messages(&classify(&catalogue(), &record).diagnostics), @"error: metrics/default: needs an `api_key` that is not the word `local` (variable METRICS_URL)");
    let record = from_variable("SQL_HOST", "sql_database", &json!([{"credentials": {"host": "db"}}]));
    insta::assert_snapshot!(messages(&classify(&catalogue(), &record).diagnostics), @"error: sql_database/default database: needs `database` (variable SQL_HOST) [set SQL_DATABASE]");
}

#[test]
fn an_instances_variable_without_usable_entry_says_so() {
    let record = from_variable("SQL_DATABASE_INSTANCES", "sql_database", &json!([{"name": "a"}, {"name": "b"}]));
    let classified = classify(&catalogue(), &record);
    assert_eq!(classified.incomplete.len(), 2);
    assert!(messages(&classified.diagnostics).ends_with("error: sql_database: no entry of SQL_DATABASE_INSTANCES can be used (variable SQL_DATABASE_INSTANCES) [repair an entry, or unset SQL_DATABASE_INSTANCES to use the single-instance variables]"));
}

#[test]
fn the_providers_own_check_moves_warns_and_rejects() {
    let local = only("metrics", &json!({"endpoint": "http://localhost:3000/", "api_key": "hunter2"}));
    assert_eq!((local.service.as_str(), local.family.as_str()), ("metrics_local", "metrics"));
    assert_eq!(local.config().secret("api_key"), None);
    assert_eq!(local.address(), "metrics/a");
    let remote = only("metrics_local", &json!({"endpoint": "https://m", "api_key": "k"}));
    assert_eq!(remote.service, "metrics");
    // Judged by the rule of the key that it moved to.
    insta::assert_snapshot!(reports("metrics_local", &json!({"endpoint": "https://m"})), @"error: metrics/a: needs an `api_key` that is not the word `local` (store store.json)");
    insta::assert_snapshot!(reports("pipeline", &json!({"base_url": "http://p", "token": "hunter2", "user": "u"})), @r#"
    warning: pipeline/a base_url: is not encrypted (store store.json)
    error: pipeline/a user: cannot stand beside a token; remove one (store store.json)
    "#);
}

#[test]
fn no_hook_moves_an_instance_out_of_its_family() {
    static STRAYING: ProviderSpec = ProviderSpec {
        key: "straying",
        name: "Straying",
        aliases: &[],
        family: "straying",
        kind: ProviderKind::Alerting,
        instances_variable: None,
        fields: &[],
        configured: Rule::All(&[]),
        environment: Rule::Never,
        hooks: Hooks { refine: Some(|draft| draft.service = "chat"), ..Hooks::NONE },
        documentation: "",
    };
    let chat = catalogue().find("chat").unwrap();
    let record = active("x", "straying", &json!([{"credentials": {}}]));
    let classified = classify(&Catalogue::new(vec![&STRAYING, chat]), &record);
    assert!(classified.instances.is_empty());
    insta::assert_snapshot!(messages(&classified.diagnostics), @"error: straying/default: was moved to `chat`, which is not of the family `straying` (store store.json) [this is an error in the provider's declaration: please report it]");
}

#[test]
fn a_command_is_honoured_in_the_store_only() {
    let instances = json!([
        {"name": "a", "credentials": {"servers": "q", "password": "${exec:pass show q}"}},
        {"name": "b", "credentials": {"servers": "q", "password": "${env:Q}"}},
    ]);
    assert_eq!(of("queue", &instances).instances.len(), 2);
    for variable in ["QUEUE_INSTANCES", "QUEUE_SERVERS"] {
        let classified = classify(&catalogue(), &from_variable(variable, "queue", &instances));
        assert_eq!(classified.instances.len(), 1);
        let report = &classified.diagnostics[0];
        assert_eq!((report.instance.as_deref(), report.field.as_deref()), (Some("a"), Some("password")));
        assert!(report.reason.contains("in the store file only"), "{report}");
    }
    let headers = json!([{"credentials": {"command": "x", "headers": {"X": "${exec:id}"}}}]);
    assert_eq!(of("tools", &headers).instances.len(), 1);
    assert!(classify(&catalogue(), &from_variable("TOOLS_INSTANCES", "tools", &headers)).instances.is_empty());
}

#[test]
fn credentials_inside_a_url_move_to_their_fields_or_are_dropped() {
    let classified = of(
        "search",
        &json!([
            {"name": "moved", "credentials": {"url": "https://me:hunter%202@s.example:9200/p/"}},
            {"name": "written", "credentials": {"url": "https://me:hunter2@s.example", "password": "kept"}},
        ]),
    );
    let config = classified.instances[0].config();
    assert_eq!(config.text("url"), Some("https://s.example:9200/p"));
    assert_eq!(config.text("username"), Some("me"));
    assert_eq!(config.secret("password").unwrap().revealed(), "hunter 2");
    let config = classified.instances[1].config();
    assert_eq!(config.text("url"), Some("https://s.example"));
    assert_eq!((config.text("username"), config.secret("password").unwrap().revealed().as_str()), (None, "kept"));
    assert!(!format!("{classified:?}").contains("hunter"));
    insta::assert_snapshot!(messages(&classified.diagnostics), @r#"
    warning: search/moved url: carries a user name or password; they are read as `username` and `password` (store store.json) [write credentials into their own fields; a URL is shown and linked to]
    warning: search/written url: carries a user name or password, which are not used (store store.json) [write credentials into their own fields; a URL is shown and linked to]
    "#);
}

#[test]
fn an_unknown_service_is_kept_as_stored() {
    let classified = of("Homemade ", &json!([{"name": "a", "credentials": {"x": {"y": [1]}}}]));
    let instance = &classified.instances[0];
    assert_eq!((instance.service.as_str(), instance.family.as_str()), ("homemade", "homemade"));
    let Settings::Opaque(credentials) = &instance.settings else { panic!("opaque settings") };
    assert_eq!(json!(credentials.expose()), json!({"x": {"y": [1]}}));
    insta::assert_snapshot!(messages(&classified.diagnostics), @"note: homemade: is not a known service; it is kept as stored (store store.json)");
    insta::assert_snapshot!(messages(&of("metrcs", &json!([])).diagnostics), @"warning: metrcs: is not a known service; it is kept as stored (store store.json) [did you mean `metrics`?]");
}

#[test]
fn an_inactive_record_has_no_instances() {
    for status in [json!("inactive"), json!("Active"), json!(null), json!(1)] {
        let record =
            json!({"id": "x", "service": "queue", "status": status, "instances": [{"credentials": {"servers": "q"}}]});
        let classified = classify(&catalogue(), &stored(&record));
        assert!(classified.instances.is_empty() && classified.incomplete.is_empty(), "{status}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(messages(&classified.diagnostics), @"note: queue status: the record is not active and is not used (store store.json)");
        }
    }
}

#[test]
fn names_in_messages_are_fit_for_a_terminal() {
    let mut credentials = json!({"servers": "q"});
    credentials["\u{1b}[31mred\u{7}"] = json!(1);
    credentials["x".repeat(5000)] = json!(1);
    let reports = reports("queue", &credentials);
    assert!(!reports.contains('\u{1b}') && !reports.contains('\u{7}') && reports.len() < 500, "{reports}");
}
