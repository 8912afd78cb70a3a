//! Any text as an instances variable. The first byte says of which provider.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use opensre_model::classify::classify;
use opensre_model::environment;
use opensre_model::provider::{Catalogue, EnvironmentMap};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(opensre_providers::catalogue);
static VARIABLES: LazyLock<Vec<&str>> =
    LazyLock::new(|| CATALOGUE.iter().filter_map(|spec| spec.instances_variable).collect());

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let variable = VARIABLES[usize::from(*first) % VARIABLES.len()];
    let environment = EnvironmentMap::from([(variable.to_owned(), text.to_owned())]);

    let (records, mut diagnostics) = environment::records(&CATALOGUE, &environment);
    assert!(records.len() <= 1, "one record for each variable at most");
    for record in &records {
        let classified = classify(&CATALOGUE, record);
        assert_eq!(classified.instances.len() + classified.incomplete.len(), record.instances.len());
        diagnostics.extend(classified.diagnostics);
    }
    opensre_fuzz::assert_no_secret(&records, &diagnostics);
    assert_eq!(environment::records(&CATALOGUE, &environment).0, records, "the same text means the same");
});
