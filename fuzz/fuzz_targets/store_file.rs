//! Any bytes as a store file.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use opensre_model::diagnostic::Source;
use opensre_model::provider::Catalogue;
use opensre_model::record::{Document, RawInstance};
use opensre_store::text::{StoreText, read};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(opensre_providers::catalogue);

fuzz_target!(|bytes: &[u8]| {
    let source = Source::Store { path: "store.json".to_owned() };
    let (document, text) = match (read(bytes), StoreText::parse(bytes)) {
        (Ok(document), Ok(text)) => (document, text),
        (Err(error), Err(other)) => {
            assert_eq!(error, other);
            assert!(!error.to_string().contains("CANARY"), "{error}");
            return;
        }
        (reading, changing) => panic!("read {:?}, opened {:?}", reading.is_ok(), changing.is_ok()),
    };
    let (records, diagnostics) = document.records(&source);
    opensre_fuzz::assert_no_secret(&records, &diagnostics);

    // Migrating is done once and changes nothing of what is read.
    let mut migrated = document.clone();
    migrated.migrate();
    let mut again = migrated.clone();
    again.migrate();
    assert_eq!(migrated, again);
    assert_eq!(migrated.records(&source).0, records);

    // Writing what was read gives a text that is read as the same and written as itself.
    let written = text.clone().write().expect("what was read can be written");
    assert!(written.is_ascii() && written.ends_with(b"\n"));
    assert_eq!(StoreText::parse(&written).expect("it is a store").write().expect("it can be written"), written);
    assert_eq!(read(&written).expect("it is a store").into_json().to_string(), document.into_json().to_string());

    // A change and its opposite leave everything that was there.
    let mut changed = text.document.clone();
    let instance = RawInstance { name: "of the fuzzer".to_owned(), ..RawInstance::default() };
    let outcome = changed.upsert_instance(&CATALOGUE, "service of the fuzzer", &instance, None, 7);
    if outcome.record_created {
        let found = changed.instance(&CATALOGUE, "service of the fuzzer", Some("OF THE FUZZER"), &[]);
        assert_eq!(found.expect("it was added").integration_id, outcome.record_id);
        assert!(changed.remove_instance(&CATALOGUE, "service of the fuzzer", "of the fuzzer"));
        assert_eq!(changed, text.document);
    }
    change_what_is_there(text.document, &CATALOGUE);
});

/// Changes the first record's service in all ways: no panic, and what was changed is found again.
fn change_what_is_there(mut document: Document, catalogue: &Catalogue) {
    let Some(first) = document.list().into_iter().next() else { return };
    let instance = RawInstance { name: " New\t".to_owned(), ..RawInstance::default() };
    let outcome = document.upsert_instance(catalogue, &first.service, &instance, None, 7);
    if outcome.active {
        assert!(document.instance(catalogue, &first.service, Some("new"), &[]).is_some());
        assert!(document.make_default(catalogue, &first.service, "new"));
        assert_eq!(document.instances(catalogue, &first.service)[0].instance.name, "new");
    }
    // Renamed, or the name was taken: there is one of that name either way.
    let _ = document.rename_instance(catalogue, &first.service, "new", "newer");
    assert!(document.remove_instance(catalogue, &first.service, "newer"));
    assert!(document.instance(catalogue, &first.service, Some("newer"), &[]).is_none());
    document.remove_record(catalogue, &first.service);
    assert!(document.record(catalogue, &first.service).is_none());
}
