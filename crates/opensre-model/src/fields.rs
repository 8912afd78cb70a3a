//! Reading one field: from what is written, in a record or a variable, to the typed value of its declaration.
//!
//! Three things can come of it. A value, or the default where nothing is written. The default and a warning, where a
//! number or boolean cannot be made out: a misspelt `verify_ssl` must never turn verification off, nor drop the
//! instance. Or no value and the reason, where going on would mean using something else than what was meant. No message
//! ever repeats what is written.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value as Json, json};
use url::Url;

use crate::provider::{FieldKind, FieldSpec, ProviderSpec, Separator};
use crate::record::{kind_of, scalar_text};
use crate::secret::{SecretReference, SecretValue};
use crate::value::{Config, Value};
use crate::wording::quoted;

/// What reading a field gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The value; the default where nothing readable is written; `None` when there is no default either.
    pub value: Option<Value>,
    /// What was read differently from how it was written.
    pub warning: Option<String>,
}

/// Why what is written cannot be a value of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// Why, without what is written: `must be a text, not a list`.
    pub reason: String,
}

impl Unreadable {
    fn because<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self { reason: reason.into() })
    }
}

impl Reading {
    fn of(value: Option<Value>) -> Self {
        Self { value, warning: None }
    }
}

/// The greatest magnitude up to which a number with a decimal point or exponent still is what was written.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads what is written for a field.
///
/// ```
/// use opensre_model::fields::read;
/// use opensre_model::provider::FieldSpec;
/// use opensre_model::value::Value;
/// use serde_json::json;
///
/// let port = FieldSpec::integer("port", 5432, 1, 65535);
/// assert_eq!(read(&port, &json!("5433")).unwrap().value, Some(Value::Integer(5433)));
/// assert_eq!(read(&port, &json!("soon")).unwrap().value, Some(Value::Integer(5432)));
/// assert!(read(&FieldSpec::text("chat_id"), &json!(["1"])).is_err());
/// ```
pub fn read(field: &FieldSpec, written: &Json) -> Result<Reading, Unreadable> {
    if is_blank(field, written) {
        return Ok(Reading::of(default(field)));
    }
    match field.kind {
        FieldKind::Text { .. } => {
            let text = text(written)?;
            Ok(Reading::of(Some(if field.secret { secret(&text)? } else { Value::Text(text) })))
        }
        FieldKind::Url { .. } => read_url(field, written),
        FieldKind::Integer { min, max, .. } => read_integer(field, written, min, max),
        FieldKind::Number { min, max, .. } => read_number(field, written, min, max),
        FieldKind::Boolean { .. } => Ok(match boolean(written) {
            Some(flag) => Reading { value: Some(Value::Boolean(flag)), warning: None },
            None => fall_back(field, "is neither true nor false"),
        }),
        FieldKind::List { separator, .. } => {
            let items = list(written, separator)?;
            Ok(Reading::of(if items.is_empty() { default(field) } else { Some(Value::List(items)) }))
        }
        FieldKind::SecretMap => {
            let entries = secret_map(written)?;
            Ok(Reading::of((!entries.is_empty()).then_some(Value::Secrets(entries))))
        }
    }
}

/// What stored credentials hold for a field: under its key or, when that is empty, under another key that it is read
/// as. The key is the one it was found under.
pub fn written<'a>(field: &FieldSpec, credentials: &'a Map<String, Json>) -> Option<(&'static str, &'a Json)> {
    std::iter::once(field.key)
        .chain(field.read_as.iter().copied())
        .filter_map(|key| credentials.get(key).map(|value| (key, value)))
        .find(|(_, value)| !is_blank(field, value))
}

/// A field's value when nothing is written; `None` where it has no default.
pub fn default(field: &FieldSpec) -> Option<Value> {
    match field.kind {
        FieldKind::Text { default } | FieldKind::Url { default } => default.map(|text| Value::Text(text.to_owned())),
        FieldKind::Integer { default, .. } => default.map(Value::Integer),
        FieldKind::Number { default, .. } => Some(Value::Number(default)),
        FieldKind::Boolean { default } => Some(Value::Boolean(default)),
        FieldKind::List { default, .. } => {
            (!default.is_empty()).then(|| Value::List(default.iter().map(|&item| item.to_owned()).collect()))
        }
        FieldKind::SecretMap => None,
    }
}

/// The config of an instance for which nothing is written: the defaults alone.
pub fn defaults(spec: &ProviderSpec) -> Config {
    let mut config = Config::default();
    for field in spec.fields {
        if let Some(value) = default(field) {
            config.set(field.key, value);
        }
    }
    config
}

/// A value as the store spells it, secrets included: for the record that variables make, and for `--reveal`.
pub fn revealed(value: &Value) -> Json {
    to_json(value, &|secret| secret.revealed())
}

/// A value as it may be shown: secrets redacted, references as their spelling.
pub fn shown(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(crate::redaction::text(text)),
        Value::List(items) => items.iter().map(|item| json!(crate::redaction::text(item))).collect(),
        other => to_json(other, &|secret| match secret {
            SecretValue::Plain(plain) if plain.is_empty() => String::new(),
            other => other.shown(),
        }),
    }
}

/// How an unset field stands in a flat config: the Python product's configs have all their keys.
pub fn empty(field: &FieldSpec) -> Json {
    match field.kind {
        FieldKind::Text { .. } | FieldKind::Url { .. } => json!(""),
        FieldKind::Integer { .. } | FieldKind::Number { .. } | FieldKind::Boolean { .. } => Json::Null,
        FieldKind::List { .. } => json!([]),
        FieldKind::SecretMap => json!({}),
    }
}

fn to_json(value: &Value, secret: &dyn Fn(&SecretValue) -> String) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Secret(value) => json!(secret(value)),
        Value::Integer(number) => json!(number),
        Value::Number(number) => json!(number),
        Value::Boolean(flag) => json!(flag),
        Value::List(items) => json!(items),
        Value::Secrets(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.clone(), json!(secret(value)))).collect())
        }
    }
}

/// Whether nothing is written: null, blank text, or an empty list or map where one belongs.
fn is_blank(field: &FieldSpec, written: &Json) -> bool {
    match written {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty() && matches!(field.kind, FieldKind::List { .. }),
        Json::Object(entries) => entries.is_empty() && matches!(field.kind, FieldKind::SecretMap),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

/// The default, and why.
fn fall_back(field: &FieldSpec, problem: &str) -> Reading {
    let value = default(field);
    let instead = match &value {
        Some(Value::Integer(number)) => format!("{number} is used"),
        Some(Value::Number(number)) => format!("{number} is used"),
        Some(Value::Boolean(flag)) => format!("{flag} is used"),
        _ => "it is left out".to_owned(),
    };
    Reading { value, warning: Some(format!("{problem}; {instead}")) }
}

/// A trimmed text; numbers and booleans count as their spelling (a numeric chat id or token is a text).
fn text(written: &Json) -> Result<String, Unreadable> {
    match written {
        Json::Number(number) if is_inexact(number) => Unreadable::because("is too large a number; write it as a text"),
        other => match scalar_text(other) {
            Some(text) => Ok(text.trim().to_owned()),
            None => Unreadable::because(format!("must be a text, not {}", kind_of(other))),
        },
    }
}

/// Whether a number no longer has the digits that were written.
fn is_inexact(number: &Number) -> bool {
    number.is_f64() && number.as_f64().is_none_or(|number| number.abs() >= EXACT)
}

fn secret(text: &str) -> Result<Value, Unreadable> {
    match SecretValue::parse(text) {
        Ok(value) => Ok(Value::Secret(value)),
        Err(bad) => Unreadable::because(bad.reason),
    }
}

fn read_url(field: &FieldSpec, written: &Json) -> Result<Reading, Unreadable> {
    let text = text(written)?;
    if field.secret && !matches!(SecretReference::parse(&text), Ok(None)) {
        return Ok(Reading::of(Some(secret(&text)?)));
    }
    let text = text.trim_end_matches('/');
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Unreadable::because("must be a URL without white space inside");
    }
    // `Url` alone would also take `https:host`, which every place that appends a path would then read differently.
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_http = matches!(scheme.as_deref(), Some("http" | "https"));
    if !is_http || !Url::parse(text).is_ok_and(|url| url.has_host()) {
        return Unreadable::because("must be an absolute http or https URL");
    }
    Ok(Reading::of(Some(if field.secret { secret(text)? } else { Value::Text(text.to_owned()) })))
}

/// What a number that is written turns out to be.
enum Numeric {
    Whole(i64),
    Fraction(f64),
    Huge,
    NotANumber,
}

impl Numeric {
    fn read(written: &Json) -> Self {
        match written {
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Whole(whole),
                None => number.as_f64().map_or(Self::NotANumber, Self::of),
            },
            Json::String(text) => {
                let text = text.trim();
                match text.parse::<i64>() {
                    Ok(whole) => Self::Whole(whole),
                    Err(_) => text.parse::<f64>().map_or(Self::NotANumber, Self::of),
                }
            }
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => Self::NotANumber,
        }
    }

    fn of(number: f64) -> Self {
        if number.is_nan() {
            Self::NotANumber
        } else if number.abs() >= EXACT {
            Self::Huge
        } else if number.fract() == 0.0 {
            Self::Whole(number as i64)
        } else {
            Self::Fraction(number)
        }
    }
}

fn read_integer(field: &FieldSpec, written: &Json, min: i64, max: i64) -> Result<Reading, Unreadable> {
    let number = match Numeric::read(written) {
        Numeric::Whole(number) => number,
        Numeric::Huge => return Unreadable::because("is too large a number"),
        Numeric::Fraction(_) | Numeric::NotANumber => return Ok(fall_back(field, "is not a whole number")),
    };
    let warning = if number < min {
        Some(format!("is below {min}; {min} is used"))
    } else if number > max {
        Some(format!("is above {max}; {max} is used"))
    } else {
        None
    };
    // Not `clamp`, which panics on a declaration whose bounds are the wrong way round.
    Ok(Reading { value: Some(Value::Integer(number.min(max).max(min))), warning })
}

fn read_number(field: &FieldSpec, written: &Json, min: f64, max: f64) -> Result<Reading, Unreadable> {
    let number = match Numeric::read(written) {
        Numeric::Whole(number) => number as f64,
        Numeric::Fraction(number) => number,
        Numeric::Huge => return Unreadable::because("is too large a number"),
        Numeric::NotANumber => return Ok(fall_back(field, "is not a number")),
    };
    let warning = if number < min {
        Some(format!("is below {min}; {min} is used"))
    } else if number > max {
        Some(format!("is above {max}; {max} is used"))
    } else {
        None
    };
    Ok(Reading { value: Some(Value::Number(number.min(max).max(min))), warning })
}

/// The words of a boolean, the same for every provider and on the command line; `None` for any other.
pub fn boolean(written: &Json) -> Option<bool> {
    let word = scalar_text(written)?.trim().to_lowercase();
    match word.as_str() {
        "1" | "true" | "yes" | "on" | "t" | "y" => Some(true),
        "0" | "false" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}

/// A list of non-blank texts; one text is split as its variable would be.
fn list(written: &Json, separator: Separator) -> Result<Vec<String>, Unreadable> {
    let parts = match written {
        Json::Array(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for item in items.iter().filter(|item| !item.is_null()) {
                match text(item) {
                    Ok(part) => parts.push(part),
                    Err(_) => {
                        return Unreadable::because(format!("must be a list of texts, but has {}", kind_of(item)));
                    }
                }
            }
            parts
        }
        Json::Object(_) => return Unreadable::because("must be a list of texts, not an object"),
        scalar => {
            let text = text(scalar)?;
            match separator {
                Separator::Comma => text.split(',').map(|part| part.trim().to_owned()).collect(),
                Separator::Space => text.split_whitespace().map(str::to_owned).collect(),
            }
        }
    };
    Ok(parts.into_iter().filter(|part| !part.is_empty()).collect())
}

fn secret_map(written: &Json) -> Result<BTreeMap<String, SecretValue>, Unreadable> {
    let Json::Object(entries) = written else {
        return Unreadable::because(format!("must be an object of texts, not {}", kind_of(written)));
    };
    let mut map = BTreeMap::new();
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        let value = match text(value).map(|text| SecretValue::parse(&text)) {
            Ok(Ok(value)) => value,
            Ok(Err(bad)) => return Unreadable::because(format!("{} in it: {bad}", quoted(key))),
            Err(unreadable) => return Unreadable::because(format!("{} in it {unreadable}", quoted(key))),
        };
        if !matches!(&value, SecretValue::Plain(secret) if secret.is_empty()) {
            map.insert(key.trim().to_owned(), value);
        }
    }
    Ok(map)
}
