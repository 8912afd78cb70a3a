//! Any text as a tag selector, and any tags: what stands behind the first line break is the tags, as JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opensre_model::instance::Tags;
use opensre_model::selector::{Selector, Wanted};

fuzz_target!(|text: &str| {
    let (selector, tags) = text.split_once('\n').unwrap_or((text, "{}"));
    let _ = Wanted::parse(selector);
    let tags = match serde_json::from_str(tags) {
        Ok(serde_json::Value::Object(map)) => Tags::from_json(&map).0,
        _ => Tags::default(),
    };
    match Selector::parse(selector) {
        Ok(parsed) => {
            let matches = parsed.matches(&tags);
            assert!(!(matches && parsed.is_empty()), "a selector without requirements matches nothing");
            assert_eq!(Selector::parse(&format!("  {selector} ")).as_ref(), Ok(&parsed), "white space around it");
        }
        Err(error) => {
            assert!((1..=selector.chars().count() + 1).contains(&error.position), "{error}");
            assert!(!error.hint.is_empty());
        }
    }
});
