//! Secret references as they are written.

use opensre_model::secret::{SecretReference, SecretValue};
use proptest::prelude::*;

fn words(text: &str) -> Option<Vec<String>> {
    match SecretReference::parse(text) {
        Ok(Some(SecretReference::Exec(words))) => Some(words),
        _ => None,
    }
}

#[test]
fn quotes_keep_white_space_together() {
    let cases: [(&str, &[&str]); 6] = [
        ("${exec:pass show api}", &["pass", "show", "api"]),
        ("${exec:  pass\tshow  }", &["pass", "show"]),
        ("${exec:sh -c 'printf %s \"$KEY\"'}", &["sh", "-c", "printf %s \"$KEY\""]),
        (r"${exec:C:\tools\get.exe key}", &[r"C:\tools\get.exe", "key"]),
        ("${exec:get --name=\"my key\" ''}", &["get", "--name=my key", ""]),
        ("${exec:'it'\"'\"'s'}", &["it's"]),
    ];
    for (text, expected) in cases {
        assert_eq!(
            words(text).as_deref(),
            Some(expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
            "{text}"
        );
    }
}

#[test]
fn a_broken_reference_is_an_error_that_does_not_repeat_it() {
    for text in ["${exec:'canary}", "${exec:\"\" canary}", "${exec: }", "${canary:x}", "${env:canary", "${canary}"] {
        let error = SecretReference::parse(text).expect_err(text);
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(SecretValue::parse(text).is_err());
    }
}

proptest! {
    #[test]
    fn a_reference_is_read_back_from_its_spelling(words in proptest::collection::vec("[a-z'\" \\\\$}\t]{0,6}", 1..5)) {
        prop_assume!(!words[0].is_empty());
        let reference = SecretReference::Exec(words);
        prop_assert_eq!(SecretReference::parse(&reference.spelling()), Ok(Some(reference)));
    }
}
