//! Records from variables.

use opensre_model::environment::records;
use serde_json::json;

use crate::catalogue::catalogue;
use crate::support::{messages, variables};

/// `service: name, name` for each record, and the messages.
fn read(pairs: &[(&str, &str)]) -> (String, String) {
    let (records, diagnostics) = records(&catalogue(), &variables(pairs));
    let lines = records.iter().map(|record| {
        let names: Vec<&str> = record.instances.iter().map(|instance| instance.name.as_str()).collect();
        format!("{} ({}): {}", record.id, record.source, names.join(", "))
    });
    (lines.collect::<Vec<_>>().join("\n"), messages(&diagnostics))
}

#[test]
fn nested_and_flat_entries_make_one_record() {
    let text = r#"[
        {"name": " Prod ", "tags": {"env": "prod"}, "credentials": {"endpoint": "https://p", "api_key": "k"}},
        {"name": "staging", "endpoint": "https://s", "api_key": "k"},
        {"endpoint": "https://d", "api_key": "k"}
    ]"#;
    let (records, diagnostics) = records(&catalogue(), &variables(&[("METRICS_INSTANCES", text)]));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let [record] = &records[..] else { panic!("one record") };
    assert_eq!((record.id.as_str(), record.status.as_str()), ("env-metrics", "active"));
    assert_eq!(
        record.raw["instances"],
        json!([
            {"name": "prod", "tags": {"env": "prod"}, "credentials": {"endpoint": "https://p", "api_key": "k"}},
            {"name": "staging", "tags": {}, "credentials": {"endpoint": "https://s", "api_key": "k"}},
            {"name": "default", "tags": {}, "credentials": {"endpoint": "https://d", "api_key": "k"}},
        ])
    );
    assert_eq!(json!(record.instances[0].tags), json!({"env": "prod"}));
    assert_eq!(record.instances[1].credentials["endpoint"], "https://s");
}

#[test]
fn the_id_spells_the_service_with_hyphens() {
    let (records, _) = read(&[("SQL_HOST", "db"), ("SQL_DATABASE", "app")]);
    insta::assert_snapshot!(records, @"env-sql-database (variable SQL_HOST): default");
}

#[test]
fn bad_json_names_variable_and_position_and_falls_back() {
    let (records, messages) = read(&[
        ("METRICS_INSTANCES", "[\n  {\"name\": \"prod\", hunter2}]"),
        ("METRICS_URL", "https://m"),
        ("METRICS_TOKEN", "k"),
    ]);
    insta::assert_snapshot!(records, @"env-metrics (variable METRICS_URL): default");
    insta::assert_snapshot!(messages, @"warning: metrics: METRICS_INSTANCES is not valid JSON (line 2, column 20) (variable METRICS_INSTANCES) [the single-instance variables are used instead]");
}

#[test]
fn a_list_without_usable_entry_falls_back_and_says_so() {
    for (text, expected) in [
        ("{\"name\": \"prod\"}", "METRICS_INSTANCES is an object, not a list of instances"),
        ("null", "METRICS_INSTANCES is null, not a list of instances"),
        ("\"prod\"", "METRICS_INSTANCES is a text, not a list of instances"),
        ("1", "METRICS_INSTANCES is a number, not a list of instances"),
        ("true", "METRICS_INSTANCES is a boolean, not a list of instances"),
        ("[\"prod\", null]", "METRICS_INSTANCES has no usable entry"),
        ("[] x", "METRICS_INSTANCES is not valid JSON (line 1, column 4)"),
    ] {
        let (records, messages) =
            read(&[("METRICS_INSTANCES", text), ("METRICS_URL", "https://m"), ("METRICS_TOKEN", "k")]);
        assert_eq!(records, "env-metrics (variable METRICS_URL): default", "{text}");
        assert!(messages.contains(expected), "{text}: {messages}");
    }
}

#[test]
fn an_empty_list_or_variable_falls_back_silently() {
    for text in ["[]", "", "  \n", "[ ]"] {
        let (records, messages) =
            read(&[("METRICS_INSTANCES", text), ("METRICS_URL", "https://m"), ("METRICS_TOKEN", "k")]);
        assert_eq!(
            (records.as_str(), messages.as_str()),
            ("env-metrics (variable METRICS_URL): default", ""),
            "{text}"
        );
    }
}

#[test]
fn surprises_are_reported_by_index_and_affect_only_themselves() {
    let (records, messages) = read(&[(
        "METRICS_INSTANCES",
        r#"[
            "prod",
            {"name": "a", "port": 1e999},
            {"name": null, "tags": ["x"], "endpoint": "https://n"},
            {"name": "b", "credentials": {"endpoint": "https://b"}, "api_key": "hunter2", "endpoint": "https://x"},
            {"name": "c", "credentials": "hunter2", "endpoint": "https://c"},
            {"name": "B ", "endpoint": "https://b2"},
            {"name": 7, "endpoint": "https://7"},
            {"name": {"x": 1}, "endpoint": "https://o"},
            {"name": "\ud800", "endpoint": "https://broken"}
        ]"#,
    )]);
    insta::assert_snapshot!(records, @"env-metrics (variable METRICS_INSTANCES): default, b, c, b, 7, default");
    insta::assert_snapshot!(messages, @r#"
    error: metrics: METRICS_INSTANCES[0] is a text, not an object; it is skipped (variable METRICS_INSTANCES) [an entry is an object with name, tags and credentials]
    error: metrics: METRICS_INSTANCES[1] holds a number or character that cannot be represented, or is nested too deeply; it is skipped (variable METRICS_INSTANCES) [an entry is an object with name, tags and credentials]
    warning: metrics/default name: the name of METRICS_INSTANCES[2] is null; it is read as `default` (variable METRICS_INSTANCES) [write the name as a text]
    warning: metrics/default tags: the tags of METRICS_INSTANCES[2] are a list, not an object; they are empty (variable METRICS_INSTANCES) [write tags as {"env": "prod"}]
    warning: metrics/b credentials: METRICS_INSTANCES[3] has `credentials`, so what stands beside them is not read: `api_key` and `endpoint` (variable METRICS_INSTANCES) [move the fields into `credentials`]
    warning: metrics/c credentials: the credentials of METRICS_INSTANCES[4] are a text, not an object; the fields beside them are read (variable METRICS_INSTANCES)
    warning: metrics/b name: METRICS_INSTANCES[5] has a name that an earlier entry has; lookups take the first (variable METRICS_INSTANCES) [give each entry its own name]
    warning: metrics/7 name: the name of METRICS_INSTANCES[6] is a number; it is read as text (variable METRICS_INSTANCES) [write the name as a text]
    warning: metrics/default name: the name of METRICS_INSTANCES[7] is an object; it is read as `default` (variable METRICS_INSTANCES) [write the name as a text]
    warning: metrics/default name: METRICS_INSTANCES[7] has a name that an earlier entry has; lookups take the first (variable METRICS_INSTANCES) [give each entry its own name]
    error: metrics: METRICS_INSTANCES[8] holds a number or character that cannot be represented, or is nested too deeply; it is skipped (variable METRICS_INSTANCES) [an entry is an object with name, tags and credentials]
    "#);
}

#[test]
fn one_deep_entry_is_skipped_and_its_siblings_stay() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(r#"[{{"name": "a", "x": {deep}}}, {{"name": "b", "endpoint": "https://b"}}]"#);
    let (records, messages) = read(&[("METRICS_INSTANCES", &text)]);
    assert_eq!(records, "env-metrics (variable METRICS_INSTANCES): b");
    assert!(messages.contains("METRICS_INSTANCES[0] holds a number or character"), "{messages}");
    let (records, messages) = read(&[("METRICS_INSTANCES", &"[".repeat(1_000_000))]);
    assert_eq!(records, "");
    assert!(messages.contains("is not valid JSON"), "{messages}");
}

#[test]
fn a_list_hides_the_single_instance_variables_and_says_so() {
    let (records, messages) =
        read(&[("METRICS_INSTANCES", r#"[{"name": "prod"}]"#), ("METRICS_URL", "https://m"), ("METRICS_TOKEN", "k")]);
    insta::assert_snapshot!(records, @"env-metrics (variable METRICS_INSTANCES): prod");
    insta::assert_snapshot!(messages, @"note: metrics: METRICS_URL and the other single-instance variables are not read, since METRICS_INSTANCES is set (variable METRICS_URL)");
}

#[test]
fn single_instance_variables_fill_in_the_defaults() {
    let (records, diagnostics) = records(
        &catalogue(),
        &variables(&[("SQL_HOST", " db "), ("SQL_DATABASE", "app"), ("SQL_PASSWORD", "${env:P}")]),
    );
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(
        json!(records[0].raw),
        json!({"id": "env-sql-database", "service": "sql_database", "status": "active", "instances": [{
            "name": "default", "tags": {},
            "credentials": {
                "host": "db", "database": "app", "port": 5432, "username": "root", "password": "${env:P}",
                "ssl": true, "timeout_seconds": 10.0,
            },
        }]})
    );
}

#[test]
fn unreadable_numbers_and_booleans_are_their_default_and_reported_with_their_variable() {
    let (records, diagnostics) = records(
        &catalogue(),
        &variables(&[("SQL_HOST", "db"), ("SQL_DATABASE", "app"), ("SQL_PORT", "hunter2"), ("SQL_SSL", "fasle")]),
    );
    let credentials = &records[0].instances[0].credentials;
    assert_eq!((&credentials["port"], &credentials["ssl"]), (&json!(5432), &json!(true)));
    insta::assert_snapshot!(messages(&diagnostics), @r#"
    warning: sql_database port: SQL_PORT is not a whole number; 5432 is used (variable SQL_PORT)
    warning: sql_database ssl: SQL_SSL is neither true nor false; true is used (variable SQL_SSL)
    "#);
}

#[test]
fn defaults_alone_make_no_instance() {
    assert_eq!(read(&[("SQL_PORT", "1"), ("TOOLS_TOOLSETS", "a,b"), ("CLOUD_REGION", "x")]), Default::default());
    assert_eq!(read(&[("TOOLS_URL", "https://tools.example.com/")]).0, "");
    insta::assert_snapshot!(read(&[("TOOLS_URL", "https://mine")]).0, @"env-tools (variable TOOLS_URL): default");
}

#[test]
fn half_a_set_of_variables_is_noted() {
    insta::assert_snapshot!(read(&[("SQL_HOST", "db")]).1, @"note: sql_database: SQL_HOST is set, but SQL also needs `database` (variable SQL_HOST) [set SQL_DATABASE]");
    insta::assert_snapshot!(read(&[("PIPELINE_BASE_URL", "https://p")]).1, @"note: pipeline: PIPELINE_BASE_URL is set, but Pipeline also needs `bearer_token` or `user` (variable PIPELINE_BASE_URL) [set PIPELINE_AUTH_TOKEN or PIPELINE_USER]");
}

#[test]
fn an_empty_variable_never_hides_its_alternative() {
    let pairs = [("PIPELINE_BASE_URL", "https://p"), ("PIPELINE_AUTH_TOKEN", "  "), ("PIPELINE_TOKEN", "t")];
    let (records, diagnostics) = records(&catalogue(), &variables(&pairs));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(records[0].instances[0].credentials["bearer_token"], "t");
}

#[test]
fn defaults_that_the_python_product_lacks_are_not_filled_in() {
    let (records, _) = records(&catalogue(), &variables(&[("TOOLS_COMMAND", "run")]));
    assert_eq!(
        json!(records[0].instances[0].credentials),
        json!({"url": "https://tools.example.com", "command": "run", "toolsets": ["repos", "issues"]})
    );
}

#[test]
fn a_providers_own_reading_is_migrated_like_any_version_1_record() {
    let (records, _) = records(&catalogue(), &variables(&[("CLOUD_ROLE", "reader"), ("CLOUD_REGION", "ignored")]));
    assert_eq!(records[0].id, "env-cloud");
    assert_eq!(json!(records[0].instances[0].credentials), json!({"region": "there-2", "role": "reader"}));
    assert_eq!(read(&[("CLOUD_KEY_ID", "x")]).0, "");
    assert_eq!(read(&[("CLOUD_PROFILE", "x")]).0, "env-cloud (variable CLOUD_PROFILE): default");
}

#[test]
fn one_bad_variable_stops_no_other() {
    let (records, _) = read(&[
        ("METRICS_INSTANCES", "{{{"),
        ("CL_INSTANCES", "[1]"),
        ("SQL_HOST", "db"),
        ("SQL_DATABASE", "app"),
        ("SQL_PORT", "x"),
        ("QUEUE_INSTANCES", r#"[{"servers": "q:1"}]"#),
    ]);
    insta::assert_snapshot!(records, @r#"
    env-sql-database (variable SQL_HOST): default
    env-queue (variable QUEUE_INSTANCES): default
    "#);
}

#[test]
fn variables_that_nobody_reads_are_pointed_out() {
    let (_, messages) = read(&[
        ("CLOUD_INSTANCES", "[]x"),
        ("METRIC_INSTANCES", "[]x"),
        ("METRICS_LOCAL_INSTANCES", "x"),
        ("WORKER_INSTANCES", "4"),
        ("OTHER_METRICS_INSTANCES", "4"),
        ("QEUEU_INSTANCES", " "),
        // Alike but for the ending that all have.
        ("DB_INSTANCES", "4"),
        ("SQS_INSTANCES", "4"),
    ]);
    insta::assert_snapshot!(messages, @r#"
    warning: cloud: CLOUD_INSTANCES is not read by anything (variable CLOUD_INSTANCES) [did you mean CL_INSTANCES?]
    warning: metrics_local: METRICS_LOCAL_INSTANCES is not read by anything (variable METRICS_LOCAL_INSTANCES) [did you mean METRICS_INSTANCES?]
    warning: METRIC_INSTANCES is not read by anything (variable METRIC_INSTANCES) [did you mean METRICS_INSTANCES?]
    "#);
}
