//! What may be shown.

use opensre_model::redaction::{looks_secret, show, show_record, text};
use serde_json::{Value as Json, json};

use crate::catalogue::catalogue;

fn shown(service: &str, credentials: &Json) -> Json {
    json!(show(catalogue().find(service), credentials.as_object().unwrap()))
}

#[test]
fn declared_secrets_are_masked_completely_and_under_every_key() {
    assert_eq!(
        shown("pipeline", &json!({"base_url": "https://p", "bearer_token": "a", "auth_token": "b", "token": ["c"]})),
        json!({"base_url": "https://p", "bearer_token": "[redacted]", "auth_token": "[redacted]", "token": "[redacted]"})
    );
    assert_eq!(
        shown("tools", &json!({"headers": {"X-Key": "a", "Y": "", "Z": "${env:Z}"}})),
        json!({"headers": {"X-Key": "[redacted]", "Y": "", "Z": "${env:Z}"}})
    );
}

#[test]
fn empty_secrets_stay_empty_and_references_are_spelt_out() {
    assert_eq!(shown("queue", &json!({"password": " ", "servers": null})), json!({"password": " ", "servers": null}));
    assert_eq!(shown("queue", &json!({"password": "${env:Q}"})), json!({"password": "${env:Q}"}));
    assert_eq!(shown("queue", &json!({"password": "${oops:Q}"})), json!({"password": "[redacted]"}));
}

#[test]
fn undeclared_fields_that_look_secret_are_masked_at_any_depth() {
    let credentials = json!({
        "endpoint": "https://m", "apiKey": 7, "old": {"list": [{"DB_PASSWORD": "x", "host": "h"}]},
        "note": "Bearer abc", "pem": "-----BEGIN PRIVATE KEY-----", "plain": "hello", "flag": true,
    });
    assert_eq!(
        shown("metrics", &credentials),
        json!({
            "endpoint": "https://m", "apiKey": "[redacted]",
            "old": {"list": [{"DB_PASSWORD": "[redacted]", "host": "h"}]},
            "note": "[redacted]", "pem": "[redacted]", "plain": "hello", "flag": true,
        })
    );
}

#[test]
fn names_that_look_secret() {
    for name in
        ["api_key", "apiKey", "TOKEN", "db-password", "pass", "client_secret", "connectionString", "authorization"]
    {
        assert!(looks_secret(name), "{name}");
    }
    for name in ["host", "port", "database", "region", "compass", "username", "url", "patience"] {
        assert!(!looks_secret(name), "{name}");
    }
}

#[test]
fn urls_lose_what_they_carry() {
    for (written, expected) in [
        ("https://host/path?x=1", "https://host/path?x=1"),
        ("https://me:pw@host:1/p", "https://[redacted]@host:1/p"),
        ("https://token@host", "https://[redacted]@host"),
        ("redis://:p@ss@host/0", "redis://[redacted]@host/0"),
        ("https://me:p/w@host/x", "https://[redacted]@host/x"),
        ("https://me:p?w@host/x", "https://[redacted]@host/x"),
        ("http://[::1]:9090/@x", "http://[::1]:9090/@x"),
        ("http://host:9090/@x", "http://host:9090/@x"),
        ("a=https://u:p@h, b=amqp://u:p@i", "a=https://[redacted]@h, b=amqp://[redacted]@i"),
        ("https://h/?token=abc&x=1", "https://h/?token=[redacted]&x=1"),
        ("://", "://"),
        ("no url", "no url"),
    ] {
        assert_eq!(text(written), expected);
    }
}

#[test]
fn a_record_keeps_its_shape() {
    let record = json!({
        "id": "q-1", "service": "queue", "status": "active", "owner_token": "x", "note": "n",
        "instances": [{"name": "a", "tags": {"key": "v"}, "credentials": {"password": "x", "servers": "q"}, "secret": "x"}, 7],
    });
    assert_eq!(
        json!(show_record(catalogue().find("queue"), record.as_object().unwrap())),
        json!({
            "id": "q-1", "service": "queue", "status": "active", "owner_token": "[redacted]", "note": "n",
            "instances": [{"name": "a", "tags": {"key": "v"}, "credentials": {"password": "[redacted]", "servers": "q"}, "secret": "[redacted]"}, 7],
        })
    );
}
