//! What may be shown of credentials as they are written: every secret field masked completely, and whatever else
//! looks like a secret.

use serde_json::{Map, Value as Json};

use crate::provider::{FieldSpec, ProviderSpec};
use crate::secret::{REDACTED, SecretReference};

/// Parts of a field name that make its value a secret as long as no declaration says otherwise.
const SECRET_WORDS: &[&str] = &[
    "auth",
    "bearer",
    "connectionstring",
    "cookie",
    "credential",
    "dsn",
    "jwt",
    "key",
    "passphrase",
    "passwd",
    "password",
    "private",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
    "webhook",
];

/// Names that are secrets as a whole word only, since they are parts of innocent ones.
const SECRET_NAMES: &[&str] = &["pass", "pat", "pin", "seed"];

/// How well-known secrets begin, whatever the name of their field.
const SECRET_BEGINNINGS: &[&str] = &[
    "-----begin",
    "aiza",
    "akia",
    "asia",
    "basic ",
    "bearer ",
    "dt0",
    "eyj",
    "ghp_",
    "github_pat_",
    "glpat-",
    "glsa_",
    "nrak-",
    "sk-",
    "xapp-",
    "xoxb-",
    "xoxp-",
];

/// Whether a field's name says that its value is a secret: `api_key`, `authToken`, `DB_PASSWORD`.
pub fn looks_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    SECRET_WORDS.iter().any(|word| plain.contains(word))
        || name
            .to_lowercase()
            .split(|character: char| !character.is_alphanumeric())
            .any(|word| SECRET_NAMES.contains(&word))
}

/// Credentials as they may be shown. Secret fields of the declaration (also under the other keys that they are read
/// as) become [`REDACTED`], or their spelling when they are references; an empty one stays empty, so that it can be
/// seen. Undeclared fields are masked when name or value looks like a secret, at any depth.
///
/// ```
/// use serde_json::json;
/// let written = json!({"host": "db-1", "db_password": "hunter2", "url": "redis://u:hunter2@cache"});
/// let shown = opensre_model::redaction::show(None, written.as_object().unwrap());
/// assert_eq!(json!(shown), json!({"host": "db-1", "db_password": "[redacted]", "url": "redis://[redacted]@cache"}));
/// ```
pub fn show(spec: Option<&ProviderSpec>, credentials: &Map<String, Json>) -> Map<String, Json> {
    credentials
        .iter()
        .map(|(key, value)| {
            let shown = match spec.and_then(|spec| declared(spec, key)) {
                Some(field) if field.secret => mask(value),
                // A declared field may be called `project_key` and be no secret; only its text is looked at.
                Some(_) => match value {
                    Json::String(written) => Json::String(text(written)),
                    // No declared field holds an object: whatever was put there by mistake may be anything.
                    Json::Object(_) => Json::String(REDACTED.to_owned()),
                    other => guess(other),
                },
                None if looks_secret(key) => mask(value),
                None => guess(value),
            };
            (key.clone(), shown)
        })
        .collect()
}

/// A record as it may be shown, in version 2 shape: its instances' credentials through [`show`], everything else by
/// name and look.
pub fn show_record(spec: Option<&ProviderSpec>, record: &Map<String, Json>) -> Map<String, Json> {
    let instance = |entry: &Json| match entry {
        Json::Object(entry) => Json::Object(
            entry
                .iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("credentials", Json::Object(credentials)) => (key.clone(), Json::Object(show(spec, credentials))),
                    ("name" | "tags", _) => (key.clone(), value.clone()),
                    _ => (key.clone(), guess_named(key, value)),
                })
                .collect(),
        ),
        other => guess(other),
    };
    record
        .iter()
        .map(|(key, value)| match (key.as_str(), value) {
            ("instances", Json::Array(entries)) => (key.clone(), entries.iter().map(instance).collect()),
            ("id" | "service" | "status", Json::String(_)) => (key.clone(), value.clone()),
            _ => (key.clone(), guess_named(key, value)),
        })
        .collect()
}

/// A text without the secrets that URLs in it carry: user name and password, and query parameters whose name looks
/// like a secret.
///
/// ```
/// use opensre_model::redaction::text;
/// assert_eq!(text("https://me:pw@host/a?api_key=1&b=2"), "https://[redacted]@host/a?api_key=[redacted]&b=2");
/// assert_eq!(text("see https://host/@me"), "see https://host/@me");
/// ```
pub fn text(written: &str) -> String {
    let mut shown = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(position) = rest.find("://") {
        let (before, url) = rest.split_at(position + "://".len());
        shown.push_str(before);
        let end = url.find(|character: char| character.is_whitespace() || "\"'<>".contains(character));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        let (userinfo, tail) = split_userinfo(url);
        if userinfo {
            shown.push_str(REDACTED);
            shown.push('@');
        }
        match tail.split_once('?') {
            Some((path, query)) => {
                shown.push_str(path);
                shown.push('?');
                push_query(&mut shown, query);
            }
            None => shown.push_str(tail),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Whether what follows `://` begins with user information, and the rest after its `@`.
fn split_userinfo(url: &str) -> (bool, &str) {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, _) = url.split_at(authority_end);
    if let Some(at) = authority.rfind('@') {
        return (true, &url[at + 1..]);
    }
    // A password with an unescaped `/`, `?` or `#` ends the authority early; what then stands behind the colon is no
    // port.
    let odd_port = authority.rsplit_once(':').is_some_and(|(host, port)| {
        !host.ends_with(']') && !port.is_empty() && !port.chars().all(|digit| digit.is_ascii_digit())
    });
    match url.rfind('@') {
        Some(at) if odd_port => (true, &url[at + 1..]),
        _ => (false, url),
    }
}

fn push_query(shown: &mut String, query: &str) {
    for (position, pair) in query.split('&').enumerate() {
        if position > 0 {
            shown.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if looks_secret(name) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(REDACTED);
            }
            _ => shown.push_str(pair),
        }
    }
}

/// The declared field that a written key belongs to.
fn declared(spec: &ProviderSpec, key: &str) -> Option<&'static FieldSpec> {
    spec.fields.iter().find(|field| field.key == key || field.read_as.contains(&key))
}

/// Masks a secret: what is empty stays, a reference is spelt out, a map keeps its keys.
fn mask(value: &Json) -> Json {
    match value {
        Json::Null => Json::Null,
        Json::String(text) if text.trim().is_empty() => value.clone(),
        Json::String(text) => match SecretReference::parse(text.trim()) {
            Ok(Some(reference)) => Json::String(reference.spelling()),
            Ok(None) | Err(_) => Json::String(REDACTED.to_owned()),
        },
        Json::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), mask(value))).collect(),
        Json::Array(_) | Json::Bool(_) | Json::Number(_) => Json::String(REDACTED.to_owned()),
    }
}

fn guess_named(key: &str, value: &Json) -> Json {
    if looks_secret(key) { mask(value) } else { guess(value) }
}

/// An undeclared value, masked as far as it looks like a secret.
fn guess(value: &Json) -> Json {
    match value {
        Json::String(written) => {
            let start = written.trim_start().to_lowercase();
            if SECRET_BEGINNINGS.iter().any(|beginning| start.starts_with(beginning)) {
                mask(value)
            } else {
                Json::String(text(written))
            }
        }
        Json::Array(items) => items.iter().map(guess).collect(),
        Json::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), guess_named(key, value))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}
