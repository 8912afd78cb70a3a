//! Any bytes as an alert.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opensre_model::alert::Alert;

fuzz_target!(|bytes: &[u8]| {
    let alert = Alert::parse(bytes);
    let _ = alert.summary_text();
    let _ = alert.subject();
    for hint in &alert.hints {
        assert!(!hint.path.is_empty(), "a hint says where it stood");
        assert!(!hint.value.wanted.trim().is_empty(), "a blank hint is none");
        assert!(!hint.value.service.trim().is_empty(), "a hint is for a service");
    }
    assert_eq!(format!("{alert:?}"), format!("{:?}", Alert::parse(bytes)), "the same payload means the same");
});
