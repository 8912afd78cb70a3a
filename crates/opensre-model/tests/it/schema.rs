//! The JSON Schemas.

use opensre_model::schema::{instances_variable_schema, store_schema};
use serde_json::{Value as Json, json};

use crate::catalogue::catalogue;

fn is_valid(schema: &Json, document: &Json) -> bool {
    jsonschema::draft202012::new(schema).expect("a valid schema").is_valid(document)
}

fn store(service: &str, credentials: &Json) -> Json {
    json!({"version": 2, "integrations": [
        {"id": "x", "service": service, "status": "active", "instances": [{"name": "a", "credentials": credentials}]},
    ]})
}

#[test]
fn the_schemas_are_schemas() {
    assert!(jsonschema::draft202012::meta::is_valid(&store_schema(&catalogue())));
    for spec in catalogue().iter() {
        if let Some(schema) = instances_variable_schema(spec) {
            assert!(jsonschema::draft202012::meta::is_valid(&schema), "{}", spec.key);
        }
    }
    assert!(instances_variable_schema(catalogue().find("metrics_local").unwrap()).is_none());
}

#[test]
fn a_store_is_described() {
    let schema = store_schema(&catalogue());
    assert!(is_valid(&schema, &store("sql", &json!({"host": "h", "database": "d", "port": "5432", "password": 7}))));
    assert!(is_valid(&schema, &store("sql_database", &json!({"host": "h", "own": {"x": []}}))));
    assert!(is_valid(&schema, &store("homemade", &json!({"port": []}))));
    assert!(!is_valid(&schema, &store("sql", &json!({"port": 70_000}))));
    assert!(!is_valid(&schema, &store("sql_database", &json!({"host": ["h"]}))));
    assert!(!is_valid(&schema, &json!({"version": 1, "integrations": []})));
    assert!(!is_valid(&schema, &json!({"version": 2})));
    assert!(!is_valid(&schema, &json!({"version": 2, "integrations": [{"service": "x"}]})));
}

#[test]
fn groups_rules_and_policies_are_described() {
    let schema = store_schema(&catalogue());
    let with = |key: &str, value: Json| {
        let mut store = store("sql", &json!({"host": "h"}));
        store[key] = value;
        is_valid(&schema, &store)
    };
    assert!(with("groups", json!([{"name": "@eu", "select": "region=eu", "own": 1}])));
    assert!(!with("groups", json!([{"name": "eu", "select": "region=eu"}])));
    assert!(!with("groups", json!({"@eu": "region=eu"})));
    assert!(with("routing", json!({"rules": [{"match": "*", "use": {"sql": "a", "own": "@eu"}}], "unknown": "skip"})));
    assert!(!with("routing", json!({"rules": [{"use": {"sql": "a"}}]})));
    assert!(!with("routing", json!({"rules": [{"match": "*", "use": {"sql": ["a"]}}]})));
    assert!(!with("routing", json!({"unknown": "never"})));
    let policy = |key: &str, value: Json| {
        let mut store = store("sql", &json!({"host": "h"}));
        store["integrations"][0]["instances"][0][key] = value;
        is_valid(&schema, &store)
    };
    assert!(policy("requires_explicit", json!(true)) && policy("route_from", json!(["hint", "urls"])));
    assert!(!policy("requires_explicit", json!("maybe")) && !policy("route_from", json!(["hints"])));
}

#[test]
fn a_variable_is_described() {
    let schema = instances_variable_schema(catalogue().find("sql").unwrap()).unwrap();
    assert!(is_valid(&schema, &json!([{"name": "a", "credentials": {"host": "h"}}, {"name": "b", "host": "h"}])));
    assert!(!is_valid(&schema, &json!([{"name": "a", "credentials": {"host": "h"}, "port": 1}])));
    assert!(!is_valid(&schema, &json!([{"host": []}])));
    assert!(!is_valid(&schema, &json!({"host": "h"})));
}

#[test]
fn fields_carry_what_an_editor_shows() {
    let schema = store_schema(&catalogue());
    insta::assert_json_snapshot!(schema["$defs"]["pipeline_credentials"], @r#"
    {
      "type": "object",
      "title": "Pipeline",
      "description": "Read access to applications. Configured with `base_url` and (`bearer_token` or `user`).",
      "properties": {
        "base_url": {
          "type": [
            "string",
            "null"
          ],
          "format": "uri",
          "description": "Single-instance variable: PIPELINE_BASE_URL.",
          "examples": [
            "https://pipeline.example.com"
          ]
        },
        "bearer_token": {
          "type": [
            "string",
            "number",
            "boolean",
            "null"
          ],
          "description": "A secret, or a reference to one: ${env:NAME}, ${file:/path}, ${exec:command}. Single-instance variable: PIPELINE_AUTH_TOKEN or PIPELINE_TOKEN.",
          "writeOnly": true
        },
        "user": {
          "type": [
            "string",
            "number",
            "boolean",
            "null"
          ],
          "description": "Single-instance variable: PIPELINE_USER."
        },
        "auth_token": {
          "type": [
            "string",
            "number",
            "boolean",
            "null"
          ],
          "description": "Read as `bearer_token` when that is empty.",
          "writeOnly": true,
          "deprecated": true
        },
        "token": {
          "type": [
            "string",
            "number",
            "boolean",
            "null"
          ],
          "description": "Read as `bearer_token` when that is empty.",
          "writeOnly": true,
          "deprecated": true
        }
      }
    }
    "#);
    insta::assert_json_snapshot!(schema["$defs"]["sql_database_credentials"]["properties"]["port"], @r#"
    {
      "type": [
        "integer",
        "string",
        "null"
      ],
      "minimum": 1,
      "maximum": 65535,
      "description": "Single-instance variable: SQL_PORT.",
      "default": 5432
    }
    "#);
}
