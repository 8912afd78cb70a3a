//! What is not understood is never written, and a write that fails leaves the old file whole.

use std::fs;

use opensre_model::diagnostic::Severity;
use opensre_store::{Malformed, State, Store, StoreError};

use crate::child;
use crate::support::{Place, add, names, put};

/// Contents that are no store, and what is said about each.
fn not_stores() -> Vec<(Vec<u8>, &'static str)> {
    let deep = "[".repeat(100_000);
    let too_deep = format!("{{\"integrations\": [],\n \"x\": {}{}}}", "[".repeat(127), "]".repeat(127));
    vec![
        (b"".to_vec(), "the file is empty"),
        (b" \n\t".to_vec(), "the file is empty"),
        (b"{\"version\": 2, \"integrations\": [".to_vec(), "not valid JSON at line 1, column 32"),
        (b"{\"version\": 2,\n  \"integrations\": [],\n}".to_vec(), "not valid JSON at line 3, column 1"),
        (b"{\"n\": 123456789012345678901234567890, \"x\": canary}".to_vec(), "not valid JSON at line 1, column 44"),
        (b"{\"n\": 01, \"integrations\": []}".to_vec(), "not valid JSON at line 1, column 8"),
        (b"canary".to_vec(), "not valid JSON at line 1, column 1"),
        (b"{\"a\":\n\"can\xff\"}".to_vec(), "not valid UTF-8 at line 2, column 5"),
        (b"{\"integrations\": []} canary".to_vec(), "not valid JSON at line 1, column 22"),
        (b"[]".to_vec(), "the store is a list, not an object"),
        (b"123456789012345678901234567890e1".to_vec(), "the store is a number, not an object"),
        (b"\"canary\"".to_vec(), "the store is a text, not an object"),
        (b"{\"version\": 2}".to_vec(), "the store has no `integrations`"),
        (b"{\"version\": 2, \"integrations\": {\"canary\": 1}}".to_vec(), "`integrations` is an object, not a list"),
        (deep.into_bytes(), "nested more than 127 levels deep at line 1, column 128"),
        (too_deep.into_bytes(), "nested more than 127 levels deep at line 2, column 133"),
    ]
}

#[test]
fn a_file_that_is_no_store_reads_as_empty_and_is_never_written() {
    for (content, reason) in not_stores() {
        let shown = String::from_utf8_lossy(&content[..content.len().min(60)]).into_owned();
        let place = Place::with(&content);
        let loaded = place.store.load();
        assert_eq!(loaded.state, State::Unreadable, "{shown}");
        assert!(loaded.records.is_empty());
        let [diagnostic] = &loaded.diagnostics[..] else { panic!("{shown}: {:?}", loaded.diagnostics) };
        assert_eq!(diagnostic.severity, Severity::Error);
        assert!(diagnostic.reason.contains(reason), "{shown}: {}", diagnostic.reason);

        let error = add(&place.store, "a").expect_err(&shown);
        assert!(matches!(error, StoreError::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains(place.path.to_str().expect("text")), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("start anew")));
        assert!(!format!("{error} {error:?} {loaded:?} {diagnostic}").contains("canary"));

        assert_eq!(place.bytes(), content, "{shown}");
        assert_eq!(place.files(), ["integrations.json"], "nothing was made beside it");
    }
}

#[test]
fn as_deep_as_can_be_read_is_fine() {
    let deep = format!("{{\"version\": 2, \"integrations\": [], \"x\": {}{}}}", "[".repeat(126), "]".repeat(126));
    let place = Place::with(deep);
    add(&place.store, "a").expect("added");
    assert_eq!(names(&place.store), ["a"]);
}

#[test]
fn a_change_that_could_not_be_read_back_is_not_written() {
    let place = Place::with("{\"version\": 2, \"integrations\": []}");
    let before = place.bytes();
    let error = place.store.edit(|document| {
        let mut deep = serde_json::json!(1);
        for _ in 0..150 {
            deep = serde_json::json!([deep]);
        }
        let mut instance = crate::support::instance("a", "k");
        instance.credentials.insert("deep".to_owned(), deep);
        Ok::<_, StoreError>(document.upsert_instance(&crate::support::catalogue(), "loki", &instance, None, 1))
    });
    assert!(matches!(error, Err(StoreError::WouldNotRead { .. })), "{error:?}");
    assert_eq!(place.bytes(), before);
}

#[test]
fn another_version_is_read_but_never_written() {
    for version in ["3", "\"2.1\"", "\"two\"", "0", "[]", "1e400"] {
        let text = format!(
            r#"{{"version": {version}, "integrations": [{{"service": "loki", "credentials": {{}}}}], "news": [1]}}"#
        );
        let place = Place::with(&text);
        let loaded = place.store.load();
        assert_eq!(loaded.state, State::ForeignVersion, "{version}");
        assert_eq!(loaded.records.len(), 1, "read as far as understood");
        assert_eq!(loaded.diagnostics.len(), 1);
        let error = add(&place.store, "a").expect_err("refused");
        assert!(matches!(error, StoreError::ForeignVersion { .. }));
        assert!(error.hint().is_some_and(|hint| hint.contains("update opensre")));
        assert_eq!(place.text(), text);
        assert_eq!(place.files(), ["integrations.json"]);
    }
}

#[test]
fn folders_and_devices_are_no_stores() {
    let place = Place::empty();
    for path in [place.folder.path(), "/dev/null".as_ref()] {
        let store = Store::at(path);
        assert_eq!(store.load().state, State::Unreadable);
        let error = add(&store, "a").expect_err("refused");
        assert!(matches!(error, StoreError::Malformed { reason: Malformed::NotAFile, .. }), "{error:?}");
        assert!(!fs::symlink_metadata(path).expect("still there").is_file());
    }
    let file = Place::with("{}");
    let below_a_file = Store::at(file.path.join("x.json"));
    assert_eq!(below_a_file.load().state, State::Unreadable);
    assert!(matches!(add(&below_a_file, "a"), Err(StoreError::Unreadable { .. })));
}

#[test]
fn a_pipe_never_blocks() {
    let place = Place::with("");
    let pipe = place.path.with_file_name("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let store = Store::at(pipe);
    assert_eq!(store.load().state, State::Unreadable);
    assert!(add(&store, "a").is_err());
}

#[test]
fn a_huge_file_is_not_read() {
    let place = Place::with("");
    fs::File::options()
        .write(true)
        .open(&place.path)
        .and_then(|file| file.set_len(64 * 1024 * 1024 + 1))
        .expect("sparse");
    assert_eq!(place.store.load().state, State::Unreadable);
    let error = add(&place.store, "a").expect_err("refused");
    assert!(matches!(error, StoreError::Malformed { reason: Malformed::TooLarge { .. }, .. }), "{error:?}");
}

#[test]
fn without_a_lock_there_is_no_write() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    let before = place.bytes();
    // A folder of that name is what nobody can lock for writing, whatever the rights.
    fs::create_dir(place.path.with_file_name("integrations.json.lock")).expect("a folder");
    let error = add(&place.store, "a").expect_err("no lock");
    assert!(matches!(error, StoreError::Write { .. }), "{error:?}");
    assert!(error.hint().is_some());
    assert_eq!(place.bytes(), before);
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let place = Place::empty();
    for number in 0..20 {
        add(&place.store, &format!("some-instance-{number}")).expect("added");
    }
    let before = place.bytes();
    assert!(before.len() > 1024);
    // No file may grow beyond 1 KiB (two blocks), and writing more is an error instead of a signal.
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$@\"";
    let output = child::command_under(script, &place, "fail to add").output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("cannot be written (File too large"), "{text}");
    assert!(text.contains("hint: the old file is unchanged"), "{text}");
    assert_eq!(place.bytes(), before);
    assert_eq!(place.files(), ["integrations.json", "integrations.json.lock"], "no temporary file stays");
}

#[test]
fn a_folder_without_the_right_to_write_leaves_the_old_file_whole() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    open_up(&place);
    let before = place.bytes();
    let output = child::command_without_rights(&place, "fail to add").output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("cannot be written (Permission denied"), "{text}");
    assert_eq!(place.bytes(), before);
    assert_eq!(place.files(), ["integrations.json"]);
}

#[test]
fn a_version_1_file_that_cannot_be_written_is_used_as_it_is() {
    let place = Place::with(r#"{"integrations": [{"service": "loki", "credentials": {}}]}"#);
    open_up(&place);
    let before = place.bytes();
    let output = child::command_without_rights(&place, "load without migrating").output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("could not be migrated"), "{text}");
    assert_eq!(place.bytes(), before);
}

#[test]
fn a_file_without_the_right_to_read_is_not_taken_for_empty() {
    let place = Place::with(r#"{"version": 2, "integrations": []}"#);
    open_up(&place);
    put(&place.path, &place.bytes(), 0o000);
    let output = child::command_without_rights(&place, "fail to add").output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("it cannot be read (Permission denied"), "{text}");
}

/// Everybody may read the store, nobody (but root) may write into its folder.
fn open_up(place: &Place) {
    use std::os::unix::fs::PermissionsExt;
    put(&place.path, &place.bytes(), 0o444);
    for folder in place.path.ancestors().skip(1).take_while(|folder| folder.starts_with(place.folder.path())) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).expect("mode");
    }
}
