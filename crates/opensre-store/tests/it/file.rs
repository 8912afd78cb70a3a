//! Writing: what the file looks like afterwards, and what stays.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};

use opensre_model::provider::EnvironmentMap;
use opensre_model::record::EditError;
use opensre_store::{State, Store, StoreError};
use serde_json::json;

use crate::child::NOBODY;
use crate::support::{Place, add, catalogue, instance, mode, names, put, upsert};

#[test]
fn a_missing_store_is_empty_and_nothing_is_written() {
    let place = Place::empty();
    let loaded = place.store.load();
    assert_eq!(loaded.state, State::Missing);
    assert!(loaded.records.is_empty() && loaded.diagnostics.is_empty());
    assert_eq!(fs::read_dir(place.folder.path()).expect("the folder").count(), 0);
}

#[test]
fn the_first_write_makes_a_private_file_in_a_private_folder() {
    let place = Place::empty();
    let outcome = add(&place.store, "prod").expect("added");
    assert!(outcome.record_created);
    assert_eq!(mode(&place.path), 0o600);
    assert_eq!(mode(&place.folder.path().join("home")), 0o700);
    assert_eq!(mode(&place.folder.path().join("home/.tracer")), 0o700);
    assert_eq!(place.files(), ["integrations.json", "integrations.json.lock"]);
    assert_eq!(mode(&place.path.with_file_name("integrations.json.lock")), 0o600);
    assert_eq!(names(&place.store), ["prod"]);
}

#[test]
fn the_text_is_indented_ascii_with_a_final_newline() {
    let place = Place::with(
        r#"{"version":2,"ключ":"é😀\u007f\"\\\n\u0001","integrations":[],"empty":{},"nul":null,"f":1.5,"i":-3,"b":true}"#,
    );
    add(&place.store, "prod").expect("added");
    insta::assert_snapshot!(place.text(), @r#"
    {
      "version": 2,
      "\u043a\u043b\u044e\u0447": "\u00e9\ud83d\ude00\u007f\"\\\n\u0001",
      "integrations": [
        {
          "id": "r",
          "service": "loki",
          "status": "active",
          "instances": [
            {
              "name": "prod",
              "tags": {},
              "credentials": {
                "api_key": "k"
              }
            }
          ]
        }
      ],
      "empty": {},
      "nul": null,
      "f": 1.5,
      "i": -3,
      "b": true
    }
    "#);
    assert!(place.text().ends_with("}\n"));
    assert_eq!(place.json()["ключ"], "é😀\u{7f}\"\\\n\u{1}");
}

#[test]
fn a_wide_file_is_reported_and_narrowed_by_the_next_write() {
    let place = Place::empty();
    add(&place.store, "a").expect("added");
    put(&place.path, &place.bytes(), 0o644);
    let loaded = place.store.load();
    assert_eq!(loaded.diagnostics.len(), 1);
    assert!(loaded.diagnostics[0].hint.as_deref().is_some_and(|hint| hint.starts_with("chmod 600 ")));
    assert_eq!(mode(&place.path), 0o644, "loading changes nothing");
    add(&place.store, "b").expect("added");
    assert_eq!(mode(&place.path), 0o600);
    assert!(place.store.load().diagnostics.is_empty());
}

#[test]
fn a_folder_that_exists_keeps_its_mode() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    let folder = place.path.parent().expect("a parent");
    let before = mode(folder);
    assert_ne!(before, 0o700);
    add(&place.store, "a").expect("added");
    assert_eq!(mode(folder), before);
}

#[test]
fn a_change_that_changes_nothing_or_fails_leaves_the_bytes() {
    let text = r#"{"version":2,"integrations":[{"service":"loki","instances":[]}]}"#;
    let place = Place::with(text);
    let removed =
        place.store.edit(|document| Ok::<_, StoreError>(document.remove_instance(&catalogue(), "loki", "no")));
    assert!(!removed.expect("no error"));
    assert_eq!(place.text(), text);

    let failed = place.store.edit(|document| {
        upsert(document, "a");
        upsert(document, "b");
        Ok::<_, StoreError>(document.rename_instance(&catalogue(), "loki", "a", "b")?)
    });
    assert!(matches!(failed, Err(StoreError::Edit(EditError::NameTaken { .. }))), "{failed:?}");
    assert_eq!(place.text(), text);
}

#[test]
fn versions_written_in_other_ways_are_version_2_and_stay_as_written() {
    for version in ["2.0", "\"2\"", "2"] {
        let text = format!(r#"{{"version": {version}, "integrations": []}}"#);
        let place = Place::with(&text);
        assert_eq!(place.store.load().state, State::Read, "{version}");
        assert_eq!(place.text(), text);
        add(&place.store, "a").expect("added");
        assert!(place.text().contains(&format!("\"version\": {version},")), "{}", place.text());
    }
}

#[test]
fn numbers_of_any_size_survive_a_rewrite() {
    let numbers = [
        "123456789012345678901234567890",
        "-99999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "-2.5E+999999999999",
        "0.12345678901234567890123456789",
        "3.141592653589793115997963",
        "0.1",
        "-0.0",
        "1e-7",
    ];
    let place = Place::with(format!(r#"{{"version": 2, "integrations": [], "n": [{}]}}"#, numbers.join(", ")));
    add(&place.store, "a").expect("added");
    let text = place.text();
    let start = text.find("\"n\": [").expect("the list") + 6;
    let written: Vec<_> = text[start..].split(']').next().expect("its end").split(',').map(str::trim).collect();
    assert_eq!(written, numbers);
    add(&place.store, "b").expect("added");
    assert_eq!(names(&place.store), ["a", "b"]);
}

#[test]
fn numbers_that_are_too_large_are_read_as_their_digits() {
    let place = Place::with(
        r#"{"version": 2, "integrations": [{"id": "r", "service": "loki", "status": "active", "instances":
           [{"credentials": {"a": 123456789012345678901234567890, "b": 1e999, "c": 0.10000000000000000001, "d": 7}}]}]}"#,
    );
    let loaded = place.store.load();
    assert_eq!(
        serde_json::Value::Object(loaded.records[0].instances[0].credentials.clone()),
        json!({"a": "123456789012345678901234567890", "b": "1e999", "c": 0.1, "d": 7})
    );
}

#[test]
fn a_text_that_looks_like_a_marked_number_stays_a_text() {
    for text in ["\u{FDD0}number:5", "\u{FDD0}number:123456789012345678901234567890"] {
        for spelling in [text.to_owned(), text.replace('\u{FDD0}', "\\uFDD0")] {
            let place = Place::with(format!(r#"{{"version": 2, "integrations": [], "t": "{spelling}"}}"#));
            add(&place.store, "a").expect("added");
            assert_eq!(place.json()["t"], text);
        }
    }
}

#[test]
fn a_link_to_the_store_stays_a_link() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    let link = place.folder.path().join("link.json");
    symlink("home/.tracer/integrations.json", &link).expect("a link");
    let second = place.folder.path().join("second.json");
    symlink(&link, &second).expect("a link");
    let linked = Store::at(&second);
    add(&linked, "a").expect("added");
    add(&place.store, "b").expect("added");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(names(&linked), ["a", "b"]);
    assert_eq!(fs::read_dir(place.folder.path()).expect("the folder").count(), 3, "nothing was made beside the links");
}

#[test]
fn a_link_to_nothing_makes_its_target() {
    let place = Place::empty();
    let link = place.folder.path().join("link.json");
    symlink(&place.path, &link).expect("a link");
    let linked = Store::at(&link);
    assert_eq!(linked.load().state, State::Missing);
    add(&linked, "a").expect("added");
    assert_eq!(names(&place.store), ["a"]);
    assert_eq!(mode(&place.path), 0o600);
}

#[test]
fn links_in_a_circle_are_an_error() {
    let place = Place::with("");
    let link = place.folder.path().join("link.json");
    symlink(&link, &link).expect("a link");
    assert!(matches!(add(&Store::at(&link), "a"), Err(StoreError::Unreadable { .. })));
    assert_eq!(Store::at(&link).load().state, State::Unreadable);
}

#[test]
fn what_killed_writers_left_is_removed_and_nothing_else() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    for name in
        [".integrations.json.Ab3dEf9h.tmp", ".integrations.json.other.Ab3dEf9h.tmp", ".integrations.json.mine.tmp"]
    {
        put(&place.path.with_file_name(name), b"secret", 0o600);
    }
    add(&place.store, "a").expect("added");
    assert_eq!(
        place.files(),
        [
            ".integrations.json.mine.tmp",
            ".integrations.json.other.Ab3dEf9h.tmp",
            "integrations.json",
            "integrations.json.lock"
        ]
    );
}

#[test]
fn a_store_that_root_changes_stays_its_users() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::with(r#"{"version": 1, "integrations": []}"#);
    chown(&place.path, Some(NOBODY), Some(NOBODY)).expect("given away");
    let State::Migrated { backup } = place.store.load().state else { panic!("it was version 1") };
    add(&place.store, "a").expect("added");
    assert_eq!(fs::metadata(&place.path).expect("there").uid(), NOBODY);
    assert_eq!(fs::metadata(backup).expect("there").uid(), NOBODY);
}

#[test]
fn the_environment_names_the_store() {
    let path = |pairs: &[(&str, &str)]| {
        let environment: EnvironmentMap = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Store::from_environment(&environment).map(|store| store.path().to_str().map(str::to_owned))
    };
    let found = |pairs: &[(&str, &str)]| path(pairs).ok().flatten();
    assert_eq!(found(&[("HOME", "/home/me")]).as_deref(), Some("/home/me/.tracer/integrations.json"));
    assert_eq!(found(&[("HOME", "/home/me"), ("OPENSRE_STORE", " /etc/s.json ")]).as_deref(), Some("/etc/s.json"));
    assert_eq!(found(&[("HOME", "/home/me"), ("OPENSRE_STORE", "~/s.json")]).as_deref(), Some("/home/me/s.json"));
    assert_eq!(found(&[("HOME", "/h"), ("OPENSRE_STORE", " ")]).as_deref(), Some("/h/.tracer/integrations.json"));
    assert_eq!(found(&[("OPENSRE_STORE", "s.json")]).as_deref(), Some("s.json"));
    for pairs in [&[][..], &[("HOME", "")], &[("OPENSRE_STORE", "~/s.json")]] {
        let error = path(pairs).expect_err("no home");
        assert!(matches!(error, StoreError::NoHome) && error.hint().is_some());
    }
}

#[test]
fn nothing_that_holds_a_store_prints_its_secrets() {
    let place = Place::empty();
    let catalogue = catalogue();
    let printed = place.store.edit(|document| {
        document.upsert_instance(&catalogue, "loki", &instance("a", "canary-77"), None, 1);
        Ok::<_, StoreError>(format!("{document:?}"))
    });
    let loaded = place.store.load();
    assert!(!format!("{loaded:?} {printed:?}").contains("canary"));
    assert!(place.text().contains("canary-77"));
}

#[test]
fn random_numbers_differ() {
    let numbers: std::collections::HashSet<u32> = (0..64).map(|_| opensre_store::random_number()).collect();
    assert!(numbers.len() > 60, "{numbers:?}");
}
