//! Version 1 files become version 2 files, once, with the old content beside them.

use std::fs;

use opensre_model::diagnostic::Severity;
use opensre_store::State;
use serde_json::json;

use crate::child;
use crate::support::{Place, add, mode, names, put};

const VERSION_1: &str = r#"{
    "version": 1, "comment": "mine",
    "integrations": [
        {"id": "aws-1", "service": "aws", "role_arn": "arn", "credentials": {"region": "eu-west-1"}},
        {"id": "loki-1", "service": "loki", "status": "active", "credentials": "text", "instances": null},
        "junk"
    ]
}"#;

#[test]
fn the_first_load_migrates_and_the_second_changes_nothing() {
    let place = Place::with(VERSION_1);
    let loaded = place.store.load();
    let State::Migrated { backup } = loaded.state else { panic!("{:?}", loaded.state) };
    assert_eq!(backup, place.path.with_file_name("integrations.json.v1.bak"));
    assert_eq!(fs::read_to_string(&backup).expect("the copy"), VERSION_1);
    assert_eq!((mode(&backup), mode(&place.path)), (0o600, 0o600));
    assert_eq!(
        place.json(),
        json!({
            "version": 2, "comment": "mine",
            "integrations": [
                {"id": "aws-1", "service": "aws", "status": "active", "instances":
                    [{"name": "default", "tags": {}, "credentials": {"region": "eu-west-1", "role_arn": "arn"}}]},
                {"id": "loki-1", "service": "loki", "status": "active", "instances":
                    [{"name": "default", "tags": {}, "credentials": {}}], "unreadable_credentials": "text"},
                "junk",
            ],
        })
    );
    let severities: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Error, Severity::Note]);

    let bytes = place.bytes();
    let again = place.store.load();
    assert_eq!(again.state, State::Read);
    assert_eq!(again.records, loaded.records);
    assert_eq!(again.document, loaded.document);
    assert_eq!(place.bytes(), bytes);
    assert_eq!(place.files(), ["integrations.json", "integrations.json.lock", "integrations.json.v1.bak"]);
}

#[test]
fn a_file_without_a_version_is_version_1() {
    for text in [
        r#"{"integrations": []}"#,
        r#"{"version": null, "integrations": []}"#,
        r#"{"version": 1.0, "integrations": []}"#,
    ] {
        let place = Place::with(text);
        assert!(matches!(place.store.load().state, State::Migrated { .. }), "{text}");
        assert_eq!(place.json(), json!({"version": 2, "integrations": []}));
    }
}

#[test]
fn a_change_migrates_by_the_way() {
    let place = Place::with(VERSION_1);
    add(&place.store, "prod").expect("added");
    assert_eq!(fs::read_to_string(place.path.with_file_name("integrations.json.v1.bak")).expect("the copy"), VERSION_1);
    assert_eq!(place.json()["version"], 2);
    assert_eq!(names(&place.store), ["default", "prod"]);
}

#[test]
fn a_copy_never_replaces_another_file() {
    let place = Place::with(VERSION_1);
    let first = place.path.with_file_name("integrations.json.v1.bak");
    put(&first, b"of another time", 0o600);
    let State::Migrated { backup } = place.store.load().state else { panic!("it was version 1") };
    assert_eq!(backup, place.path.with_file_name("integrations.json.v1.bak.1"));
    assert_eq!(fs::read(&first).expect("still there"), b"of another time");

    put(&place.path, VERSION_1.as_bytes(), 0o600);
    assert_eq!(place.store.load().state, State::Migrated { backup }, "the copy that is there is enough");
    assert_eq!(place.files().len(), 4);
}

#[test]
fn version_1_records_in_a_version_2_file_are_read_and_left_alone() {
    let text =
        r#"{"version": 2, "integrations": [{"id": "r", "service": "loki", "url": "u", "credentials": {"a": 1}}]}"#;
    let place = Place::with(text);
    let loaded = place.store.load();
    assert_eq!(loaded.state, State::Read);
    assert_eq!(
        serde_json::Value::Object(loaded.records[0].instances[0].credentials.clone()),
        json!({"a": 1, "url": "u"})
    );
    assert_eq!(place.text(), text);
    add(&place.store, "prod").expect("added");
    assert_eq!(names(&place.store), ["default", "prod"]);
    assert_eq!(place.json()["integrations"][0]["instances"][0]["credentials"], json!({"a": 1, "url": "u"}));
}

#[test]
fn several_processes_migrate_once() {
    let place = Place::with(VERSION_1);
    let children: Vec<_> = (0..6).map(|_| child::command(&place, "load", "x").spawn().expect("a process")).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!(place.store.load().state, State::Read);
    assert_eq!(place.files(), ["integrations.json", "integrations.json.lock", "integrations.json.v1.bak"]);
    assert_eq!(fs::read_to_string(place.path.with_file_name("integrations.json.v1.bak")).expect("the copy"), VERSION_1);
}
