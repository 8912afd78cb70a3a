//! No credential survives, and ordinary text does.

use opensre_investigation::redact::Redactor;
use opensre_model::secret::{REDACTED, Secret};
use proptest::prelude::*;

const CANARY: &str = "c4n4ryS3cretValue99";

#[test]
fn forms_of_credentials_go_whole() {
    let redactor = Redactor::default();
    let texts = [
        format!("Authorization: Bearer {CANARY}"),
        format!("curl -H 'Authorization: Basic {CANARY}=='"),
        format!("password={CANARY} user=shop"),
        format!("{{\"password\": \"{CANARY} with spaces\", \"user\": \"shop\"}}"),
        format!("{{\\\"api_key\\\": \\\"{CANARY}\\\"}}"),
        format!("postgres://shop:{CANARY}@db:5432/orders"),
        format!("amqp://shop:p%40{CANARY}@mq/vhost"),
        format!("GET /v1/x?token={CANARY}&page=2"),
        format!("client_secret: {CANARY}"),
        format!("https://hooks.slack.com/services/T000/B000/{CANARY}"),
        format!("DB_PASSWORD='{CANARY}'"),
        format!("passwd: {CANARY}"),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----"),
        format!("glsa_{CANARY}_1a2b3c4d"),
        format!("xoxb-123456789012-{CANARY}"),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{CANARY}.{CANARY}"),
    ];
    for text in &texts {
        let clean = redactor.text(text);
        assert!(!clean.contains("c4n4ry") && !clean.contains("Value99"), "{text}\n{clean}");
        assert!(clean.contains(REDACTED), "{clean}");
    }
    assert!(!redactor.text("key AKIAIOSFODNN7EXAMPLE used").contains("AKIA"));
}

#[test]
fn ordinary_text_stays() {
    let redactor = Redactor::new([Secret::new("abc"), Secret::new("shop1")]);
    for text in [
        "Access denied for user 'shop'@'10.2.0.4' (using password: YES)",
        "invalid token: unexpected end of input",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "the token expired at 10:00",
        "basic auth failed for user shop",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b deployed",
        "GET https://grafana.example/d/abcdef/shop?orgId=1",
        "secret \"checkout-tls\" not found",
        "abcdef alphabet shop12 myshop1x",
        "contact ops@example.com",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}

#[test]
fn known_secrets_go_wherever_they_are() {
    let redactor =
        Redactor::new([Secret::new("a b/c?d=e%f-long"), Secret::new("shop1"), Secret::new("shop1-and-more")]);
    assert_eq!(redactor.text("x a b/c?d=e%f-long y"), format!("x {REDACTED} y"));
    assert_eq!(redactor.text("q=a%20b%2Fc%3Fd%3De%25f-long"), format!("q={REDACTED}"));
    assert_eq!(redactor.text("login shop1 ok"), format!("login {REDACTED} ok"));
    assert_eq!(redactor.text("<shop1-and-more>"), format!("<{REDACTED}>"), "the longer of two overlapping ones");
    assert_eq!(redactor.text("myshop12"), "myshop12", "a short secret does not shred a word");
}

proptest! {
    #[test]
    fn a_known_secret_never_survives(secret in "[!-~]{10,40}", before in "\\PC{0,40}", after in "\\PC{0,40}") {
        prop_assume!(!REDACTED.contains(&secret));
        let redactor = Redactor::new([Secret::new(secret.clone())]);
        let clean = redactor.text(&format!("{before} {secret} {after}"));
        prop_assert!(!clean.contains(&secret));
    }

    #[test]
    fn redacting_twice_changes_nothing_more(text in "\\PC{0,200}") {
        let redactor = Redactor::default();
        let once = redactor.text(&text);
        prop_assert_eq!(redactor.text(&once), once);
    }
}
