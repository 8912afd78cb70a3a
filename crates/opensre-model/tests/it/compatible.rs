//! The views of the Python product.

use opensre_model::compatible::{dictionary, effective};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use serde_json::{Value as Json, json};

use crate::catalogue::catalogue;
use crate::support::{active, from_variable};

fn dictionary_of(store: &[Record], reveal: bool) -> Json {
    let catalogue = catalogue();
    json!(dictionary(&catalogue, &resolve(&catalogue, store, &[], Precedence::Store), reveal))
}

fn effective_of(store: &[Record], environment: &[Record], reveal: bool) -> Json {
    let catalogue = catalogue();
    json!(effective(&catalogue, &resolve(&catalogue, store, environment, Precedence::Store), reveal))
}

fn keys(object: &Json) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn metrics(name: &str, endpoint: &str) -> Json {
    json!({"name": name, "tags": {"env": name}, "credentials": {"endpoint": endpoint, "api_key": "hunter2"}})
}

#[test]
fn a_lone_default_has_no_list() {
    let record = active("m", "metrics", &json!([metrics("default", "https://m")]));
    let dictionary = dictionary_of(std::slice::from_ref(&record), true);
    assert_eq!(
        dictionary,
        json!({
            "metrics": {"endpoint": "https://m", "api_key": "hunter2", "integration_id": "m"},
            "_all": [record.raw],
        })
    );
}

#[test]
fn a_named_or_second_instance_publishes_the_list() {
    let list = |instances: Json| {
        dictionary_of(&[active("m", "metrics", &instances)], true).get("_all_metrics_instances").cloned()
    };
    assert_eq!(
        list(json!([metrics("prod", "https://p")])),
        Some(json!([{
            "name": "prod", "tags": {"env": "prod"},
            "config": {"endpoint": "https://p", "api_key": "hunter2", "integration_id": "m"},
            "integration_id": "m",
        }]))
    );
    assert!(list(json!([metrics("default", "https://p"), metrics("b", "https://b")])).is_some());
    // Unusable ones do not count.
    assert_eq!(list(json!([metrics("default", "https://p"), {"name": "b"}])), None);
}

#[test]
fn two_keys_of_a_family_share_one_list() {
    let store = [
        active("l", "metrics_local", &json!([metrics("default", "http://localhost:3000")])),
        active("r", "metrics", &json!([metrics("prod", "https://p")])),
    ];
    let dictionary = dictionary_of(&store, true);
    assert_eq!(keys(&dictionary), ["metrics_local", "metrics", "_all_metrics_instances", "_all"]);
    assert_eq!(
        dictionary["metrics_local"],
        json!({"endpoint": "http://localhost:3000", "api_key": "", "integration_id": "l"})
    );
    let names: Vec<&Json> =
        dictionary["_all_metrics_instances"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["default", "prod"]);

    let only_local = active("l", "metrics", &json!([metrics("laptop", "http://localhost:3000")]));
    let dictionary = dictionary_of(&[only_local], true);
    assert_eq!(keys(&dictionary), ["metrics_local", "_all_metrics_instances", "_all"]);
}

#[test]
fn a_flat_config_has_every_field_and_the_providers_own_shape() {
    let database = active("d", "sql", &json!([{"credentials": {"host": "db", "database": "app"}}]));
    let tools = active("t", "tools", &json!([{"credentials": {"command": "run", "args": "-a b"}}]));
    let cloud = active("c", "clusters", &json!([{"credentials": {"key_id": "i", "key_secret": "s"}}]));
    let dictionary = dictionary_of(&[database, tools, cloud], true);
    assert_eq!(
        dictionary["sql_database"],
        json!({
            "host": "db", "database": "app", "port": 5432, "username": "root", "password": "", "ssl": true,
            "timeout_seconds": 10.0, "integration_id": "d",
        })
    );
    assert_eq!(
        dictionary["tools"],
        json!({
            "url": "https://tools.example.com", "command": "run", "args": ["-a", "b"], "toolsets": ["repos", "issues"],
            "headers": {}, "integration_id": "t",
        })
    );
    assert_eq!(
        dictionary["cloud"],
        json!({
            "region": "here-1", "role": "", "credentials": {"key_id": "i", "key_secret": "s"}, "integration_id": "c",
        })
    );
}

#[test]
fn a_field_that_the_python_product_lacks_is_there_only_when_it_says_something() {
    let with = |verify: &str| {
        let credentials = json!({"command": "x", "verify_ssl": verify});
        let dictionary = dictionary_of(&[active("t", "tools", &json!([{"credentials": credentials}]))], true);
        dictionary["tools"].get("verify_ssl").cloned()
    };
    assert_eq!((with(""), with("yes"), with("no")), (None, None, Some(json!(false))));
}

#[test]
fn wrapped_services_and_unknown_ones_are_as_stored() {
    let written = json!({"servers": " q ", "extra": 1, "password": "hunter2"});
    let queue = active("q", "queue", &json!([{"name": "a"}, {"name": "a", "credentials": written}]));
    let unknown = active("u", "Homemade", &json!([{"credentials": {"a": {"b": 1}}}]));
    let store = [queue, unknown];
    let dictionary = dictionary_of(&store, true);
    assert_eq!(dictionary["queue"], json!({"credentials": written, "integration_id": "q"}));
    assert_eq!(dictionary["_all_queue_instances"][0]["config"], dictionary["queue"]);
    assert_eq!(dictionary["homemade"], json!({"credentials": {"a": {"b": 1}}, "integration_id": "u"}));
    assert!(dictionary.get("_all_homemade_instances").is_none());

    let effective = effective_of(&store, &[], true);
    assert_eq!(
        effective["queue"]["config"],
        json!({"servers": "q", "password": "hunter2", "protocol": "PLAINTEXT", "integration_id": "q"})
    );
}

#[test]
fn a_service_that_is_absent_from_the_dictionary_is_among_the_records_and_in_the_effective_view() {
    let chat = active("c", "chat", &json!([{"name": "ops", "credentials": {"webhook_url": "https://hunter2"}}]));
    let dictionary = dictionary_of(std::slice::from_ref(&chat), true);
    assert_eq!(dictionary, json!({"_all": [chat.raw]}));
    assert_eq!(keys(&effective_of(&[chat], &[], true)["chat"]), ["source", "config", "instances"]);
}

#[test]
fn the_effective_view_names_the_source_that_is_really_used() {
    let unusable = active("s", "queue", &json!([{"credentials": {}}]));
    let variable = from_variable("QUEUE_INSTANCES", "queue", &json!([{"credentials": {"servers": "q"}}]));
    let store = [unusable, active("m", "metrics", &json!([metrics("prod", "https://p")]))];
    let effective = effective_of(&store, &[variable], false);
    assert_eq!(
        effective,
        json!({
            "queue": {
                "source": "local env",
                "config": {"servers": "q", "password": "", "protocol": "PLAINTEXT", "integration_id": "env-queue"},
            },
            "metrics": {
                "source": "local store",
                "config": {"endpoint": "https://p", "api_key": "[redacted]", "integration_id": "m"},
                "instances": [{
                    "name": "prod", "tags": {"env": "prod"},
                    "config": {"endpoint": "https://p", "api_key": "[redacted]", "integration_id": "m"},
                    "integration_id": "m",
                }],
            },
        })
    );
}

#[test]
fn the_effective_view_has_the_list_of_a_family_once() {
    let local = active("l", "metrics", &json!([metrics("laptop", "http://localhost:3000")]));
    let remote = active("r", "metrics", &json!([metrics("prod", "https://p")]));
    let both = effective_of(&[local.clone(), remote], &[], false);
    assert_eq!(keys(&both["metrics_local"]), ["source", "config"]);
    assert_eq!(both["metrics"]["instances"].as_array().unwrap().len(), 2);
    let only_local = effective_of(&[local], &[], false);
    assert_eq!(keys(&only_local), ["metrics_local"]);
    assert_eq!(keys(&only_local["metrics_local"]), ["source", "config", "instances"]);
}

#[test]
fn an_incomplete_service_stays_visible_with_empty_fields() {
    let store = [active("s", "sql", &json!([{"name": "a", "credentials": {"password": "hunter2"}}]))];
    assert_eq!(
        effective_of(&store, &[], true),
        json!({"sql_database": {
            "source": "local store",
            "config": {
                "host": "", "database": "", "port": 5432, "username": "root", "password": "", "ssl": true,
                "timeout_seconds": 10.0, "integration_id": "s",
            },
        }})
    );
    assert_eq!(keys(&dictionary_of(&store, true)), ["_all"]);
}

#[test]
fn nothing_shows_a_secret_unless_revealed() {
    let store = [
        active(
            "m",
            "metrics",
            &json!([metrics("a", "https://m"), {
                "name": "b", "credentials": {"endpoint": "https://b", "api_key": "${env:KEY}", "apiKey": "hunter2"},
            }]),
        ),
        active("t", "tools", &json!([{"credentials": {"command": "x", "headers": {"X-Key": "hunter2"}}}])),
        active("c", "cloud", &json!([{"credentials": {"key_id": "i", "key_secret": "hunter2"}}])),
        active("q", "queue", &json!([{"credentials": {"servers": "https://u:hunter2@q", "password": "hunter2"}}])),
        active("h", "chat", &json!([{"credentials": {"webhook_url": "hunter2"}}])),
        active(
            "u",
            "homemade",
            &json!([{"credentials": {"token": "hunter2", "deep": {"list": [{"pwd": "hunter2"}]}}}]),
        ),
    ];
    for shown in [dictionary_of(&store, false), effective_of(&store, &[], false)] {
        let text = shown.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("${env:KEY}"), "{text}");
    }
    let shown = dictionary_of(&store, false);
    assert_eq!(shown["tools"]["headers"], json!({"X-Key": "[redacted]"}));
    assert_eq!(shown["cloud"]["credentials"], json!({"key_id": "i", "key_secret": "[redacted]"}));
    assert!(dictionary_of(&store, true).to_string().contains("hunter2"));
}
