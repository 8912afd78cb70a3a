//! Any text as every provider's instances variable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opensre_model::classify::classify;
use opensre_model::environment;
use opensre_model::provider::EnvironmentMap;

fuzz_target!(|text: &str| {
    let catalogue = opensre_providers::catalogue();
    let environment: EnvironmentMap = catalogue
        .iter()
        .filter_map(|spec| Some((spec.instances_variable?.to_owned(), text.to_owned())))
        .collect();
    let (records, mut diagnostics) = environment::records(&catalogue, &environment);
    assert!(records.len() <= environment.len(), "one record for each variable at most");
    for record in &records {
        let classified = classify(&catalogue, record);
        assert!(classified.instances.len() <= record.instances.len());
        diagnostics.extend(classified.diagnostics);
    }
    opensre_fuzz::assert_no_secret(&records, &diagnostics);
    assert_eq!(environment::records(&catalogue, &environment).0, records, "the same text means the same");
});
