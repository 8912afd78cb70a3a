//! Reading one field.

use opensre_model::fields::{Unreadable, read};
use opensre_model::provider::FieldSpec;
use opensre_model::secret::{Secret, SecretReference, SecretValue};
use opensre_model::value::Value;
use serde_json::{Value as Json, json};

/// What comes of each written value, one line each.
fn table(field: &FieldSpec, written: &[Json]) -> String {
    let lines = written.iter().map(|written| match read(field, written) {
        Ok(reading) => match reading.warning {
            Some(warning) => format!("{written} → {:?}, warning: {warning}", reading.value),
            None => format!("{written} → {:?}", reading.value),
        },
        Err(Unreadable { reason }) => format!("{written} → refused: {reason}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn text() {
    let field = FieldSpec::text_or("site", "eu");
    let written =
        json!([" a b ", "", "  ", null, -1_001_234, 18_446_744_073_709_551_615_u64, 1.5, 1e300, true, [], {}, ["x"]]);
    insta::assert_snapshot!(table(&field, written.as_array().unwrap()), @r#"
    " a b " → Some(Text("a b"))
    "" → Some(Text("eu"))
    "  " → Some(Text("eu"))
    null → Some(Text("eu"))
    -1001234 → Some(Text("-1001234"))
    18446744073709551615 → Some(Text("18446744073709551615"))
    1.5 → Some(Text("1.5"))
    1e+300 → refused: is too large a number; write it as a text
    true → Some(Text("true"))
    [] → refused: must be a text, not a list
    {} → refused: must be a text, not an object
    ["x"] → refused: must be a text, not a list
    "#);
}

#[test]
fn url() {
    let field = FieldSpec::url("endpoint");
    let written = json!([
        " https://a.example/path// ",
        "http://localhost:3000",
        "HTTPS://A.example",
        "http://[::1]:9090/",
        "",
        "a.example",
        "localhost:3000",
        "https:a.example",
        "ftp://a.example",
        "https://",
        "https://a .example",
        "https://a.ex\nample",
        "https://a.example:99999",
        7
    ]);
    insta::assert_snapshot!(table(&field, written.as_array().unwrap()), @r#"
    " https://a.example/path// " → Some(Text("https://a.example/path"))
    "http://localhost:3000" → Some(Text("http://localhost:3000"))
    "HTTPS://A.example" → Some(Text("HTTPS://A.example"))
    "http://[::1]:9090/" → Some(Text("http://[::1]:9090"))
    "" → None
    "a.example" → refused: must be an absolute http or https URL
    "localhost:3000" → refused: must be an absolute http or https URL
    "https:a.example" → refused: must be an absolute http or https URL
    "ftp://a.example" → refused: must be an absolute http or https URL
    "https://" → refused: must be an absolute http or https URL
    "https://a .example" → refused: must be a URL without white space inside
    "https://a.ex\nample" → refused: must be a URL without white space inside
    "https://a.example:99999" → refused: must be an absolute http or https URL
    7 → refused: must be an absolute http or https URL
    "#);
}

#[test]
fn integer() {
    let field = FieldSpec::integer("port", 5432, 1, 65535);
    let written = json!([
        1,
        " 80 ",
        "+80",
        80.0,
        "80.0",
        0,
        -5,
        70_000,
        "70000",
        "abc",
        "",
        null,
        1.5,
        "1.5",
        true,
        [],
        {},
        1e300,
        18_446_744_073_709_551_615_u64,
        "99999999999999999999",
        "inf",
        "-Infinity",
        "NaN",
        "1e999"
    ]);
    insta::assert_snapshot!(table(&field, written.as_array().unwrap()), @r#"
    1 → Some(Integer(1))
    " 80 " → Some(Integer(80))
    "+80" → Some(Integer(80))
    80.0 → Some(Integer(80))
    "80.0" → Some(Integer(80))
    0 → Some(Integer(1)), warning: is below 1; 1 is used
    -5 → Some(Integer(1)), warning: is below 1; 1 is used
    70000 → Some(Integer(65535)), warning: is above 65535; 65535 is used
    "70000" → Some(Integer(65535)), warning: is above 65535; 65535 is used
    "abc" → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    "" → Some(Integer(5432))
    null → Some(Integer(5432))
    1.5 → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    "1.5" → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    true → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    [] → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    {} → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    1e+300 → refused: is too large a number
    18446744073709551615 → refused: is too large a number
    "99999999999999999999" → refused: is too large a number
    "inf" → refused: is too large a number
    "-Infinity" → refused: is too large a number
    "NaN" → Some(Integer(5432)), warning: is not a whole number; 5432 is used
    "1e999" → refused: is too large a number
    "#);
}

#[test]
fn number() {
    let field = FieldSpec::number("threshold", 0.6, 0.0, 1.0);
    let written = json!([0.25, "0.25", 1, 2.5, -0.1, "x", null, false, [], "nan", "inf", 1e300]);
    insta::assert_snapshot!(table(&field, written.as_array().unwrap()), @r#"
    0.25 → Some(Number(0.25))
    "0.25" → Some(Number(0.25))
    1 → Some(Number(1.0))
    2.5 → Some(Number(1.0)), warning: is above 1; 1 is used
    -0.1 → Some(Number(0.0)), warning: is below 0; 0 is used
    "x" → Some(Number(0.6)), warning: is not a number; 0.6 is used
    null → Some(Number(0.6))
    false → Some(Number(0.6)), warning: is not a number; 0.6 is used
    [] → Some(Number(0.6)), warning: is not a number; 0.6 is used
    "nan" → Some(Number(0.6)), warning: is not a number; 0.6 is used
    "inf" → refused: is too large a number
    1e+300 → refused: is too large a number
    "#);
}

#[test]
fn boolean_words_mean_the_same_whatever_the_default() {
    for default in [true, false] {
        let field = FieldSpec::boolean("verify_ssl", default);
        for (words, expected) in [
            (json!([true, 1, "1", "true", " TRUE ", "yes", "Yes", "on", "t", "y", "Y"]), true),
            (json!([false, 0, "0", "false", "FALSE", "no", "off", " Off", "f", "n"]), false),
            (json!([null, "", "   "]), default),
        ] {
            for word in words.as_array().unwrap() {
                let reading = read(&field, word).unwrap();
                assert_eq!((reading.value, reading.warning), (Some(Value::Boolean(expected)), None), "{word}");
            }
        }
        for word in json!(["treu", 2, -1, 1.5, [], {}, ["true"], "enabled"]).as_array().unwrap() {
            let reading = read(&field, word).unwrap();
            assert_eq!(reading.value, Some(Value::Boolean(default)), "{word}");
            assert_eq!(reading.warning, Some(format!("is neither true nor false; {default} is used")), "{word}");
        }
    }
}

#[test]
fn lists() {
    let field = FieldSpec::list("toolsets", &["repos"]);
    let written =
        json!(["a, b,,c ", ["a", " b ", "", null, 7, true], [], "", ",", null, 7, [["a"]], [{}], {}, {"a": 1}]);
    insta::assert_snapshot!(table(&field, written.as_array().unwrap()), @r#"
    "a, b,,c " → Some(List(["a", "b", "c"]))
    ["a"," b ","",null,7,true] → Some(List(["a", "b", "7", "true"]))
    [] → Some(List(["repos"]))
    "" → Some(List(["repos"]))
    "," → Some(List(["repos"]))
    null → Some(List(["repos"]))
    7 → Some(List(["7"]))
    [["a"]] → refused: must be a list of texts, but has a list
    [{}] → refused: must be a list of texts, but has an object
    {} → refused: must be a list of texts, not an object
    {"a":1} → refused: must be a list of texts, not an object
    "#);
    insta::assert_snapshot!(table(&FieldSpec::words("args"), &[json!(" -y  a,b\tc "), json!("")]), @r#"
    " -y  a,b\tc " → Some(List(["-y", "a,b", "c"]))
    "" → None
    "#);
}

#[test]
fn secrets() {
    let field = FieldSpec::secret("api_key");
    let plain = |text: &str| Some(Value::Secret(SecretValue::Plain(Secret::new(text))));
    assert_eq!(read(&field, &json!("  k\n")).unwrap().value, plain("k"));
    assert_eq!(read(&field, &json!(123_456)).unwrap().value, plain("123456"));
    assert_eq!(read(&field, &json!(" ")).unwrap().value, None);
    let reference = Some(Value::Secret(SecretValue::Reference(SecretReference::Env("KEY".to_owned()))));
    assert_eq!(read(&field, &json!("${env:KEY}")).unwrap().value, reference);
    insta::assert_snapshot!(table(&field, &[json!("${env:KEY"), json!("${KEY}"), json!(["k"]), json!({"a": 1})]), @r#"
    "${env:KEY" → refused: a secret reference must end with `}`
    "${KEY}" → refused: a secret reference is `${env:NAME}`, `${file:/path}` or `${exec:command args}`
    ["k"] → refused: must be a text, not a list
    {"a":1} → refused: must be a text, not an object
    "#);
}

#[test]
fn maps_of_secrets() {
    let field = FieldSpec::secret_map("headers");
    let read_map = |written: Json| match read(&field, &written).unwrap().value {
        Some(Value::Secrets(map)) => map.iter().map(|(key, value)| (key.clone(), value.revealed())).collect(),
        None => Vec::new(),
        other => panic!("{other:?}"),
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(read_map(json!({" X-Org ": " 7 ", "A": 7, "B": null, "C": ""})), [pair("A", "7"), pair("X-Org", "7")]);
    assert_eq!(read_map(json!({})), []);
    assert_eq!(read_map(json!(null)), []);
    let refused = [json!("X-Org: 7"), json!([]), json!({"X": ["hunter2"]}), json!({"X": "${hunter2"})];
    insta::assert_snapshot!(table(&field, &refused), @r#"
    "X-Org: 7" → refused: must be an object of texts, not a text
    [] → refused: must be an object of texts, not a list
    {"X":["hunter2"]} → refused: `X` in it must be a text, not a list
    {"X":"${hunter2"} → refused: `X` in it: a secret reference must end with `}`
    "#);
}

#[test]
fn bounds_the_wrong_way_round_do_not_panic() {
    assert!(read(&FieldSpec::integer("x", 1, 10, 0), &json!(5)).is_ok());
    assert!(read(&FieldSpec::number("x", 1.0, 10.0, 0.0), &json!(5)).is_ok());
    assert!(read(&FieldSpec::number("x", 1.0, f64::NAN, f64::NAN), &json!(5)).is_ok());
}
