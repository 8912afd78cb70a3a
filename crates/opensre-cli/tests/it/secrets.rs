//! A canary in every secret field of every provider reaches no output, log, error or report.

use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec, Rule};
use serde_json::{Map, Value as Json, json};

use crate::support::{Ran, World};

const CANARY: &str = "CANARY-5b1f0c9a-do-not-print";

/// Every provider with every field set, secrets to a canary of their own. Loopback addresses where nothing listens, so
/// that probes fail for real and say so.
fn store() -> (Json, usize) {
    let mut planted = 0;
    let mut records = Vec::new();
    for spec in opensre_providers::catalogue().iter() {
        // Some providers refuse two ways of logging in at once: one instance per way covers all secret fields.
        let secret_fields: Vec<&FieldSpec> = spec.fields.iter().filter(|field| field.secret).collect();
        planted += secret_fields.len();
        let all = instance("all", spec, &secret_fields);
        let mut instances = vec![all];
        instances.extend(secret_fields.iter().map(|field| instance(&format!("only-{}", field.key), spec, &[*field])));
        records.push(json!({"id": spec.key, "service": spec.key, "status": "active", "instances": instances}));
    }
    // A service that nobody knows has secrets too.
    records.push(json!({"id": "u", "service": "homegrown", "status": "active", "instances": [
        {"name": "one", "credentials": {"url": format!("http://me:{CANARY}@127.0.0.1:9"), "api_token": CANARY}}]}));
    (json!({"version": 2, "integrations": records}), planted)
}

fn instance(name: &str, spec: &ProviderSpec, secrets: &[&FieldSpec]) -> Json {
    let mut credentials = Map::new();
    for field in spec.fields {
        let secret = secrets.iter().any(|secret| secret.key == field.key);
        if field.secret && !secret {
            continue;
        }
        let value = match field.kind {
            FieldKind::SecretMap => json!({"X-Key": CANARY}),
            _ if secret => json!(CANARY),
            FieldKind::Url { .. } => json!("http://127.0.0.1:9"),
            FieldKind::Text { default: None } => json!("127.0.0.1"),
            _ => continue,
        };
        credentials.insert(field.key.to_owned(), value);
    }
    json!({"name": name, "tags": {"env": "prod"}, "credentials": credentials})
}

#[track_caller]
fn assert_silent(what: &str, ran: &Ran) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert!(!text.contains(CANARY), "{what}: a secret on {stream}:\n{text}");
        // Base64 of `user:secret` is what Basic authentication sends.
        assert!(!text.contains("Q0FOQVJZ"), "{what}: an encoded secret on {stream}:\n{text}");
    }
}

#[test]
fn no_output_of_any_command_holds_a_secret() {
    let world = World::new();
    let (store, planted) = store();
    assert!(planted > 50, "only {planted} secret fields");
    world.write_store(&store);
    let alert = world.write(
        "alert.json",
        &json!({"title": "x", "commonLabels": {"service": "checkout", "env": "prod"}, "startsAt": "2026-11-24T10:00:00Z"})
            .to_string(),
    );
    let alert = alert.to_str().expect("a path");
    for arguments in [
        vec!["integrations", "list", "-vvv"],
        vec!["integrations", "list", "--json"],
        vec!["integrations", "resolve"],
        vec!["integrations", "show", "homegrown"],
        vec!["doctor"],
        vec!["doctor", "--json"],
        vec!["integrations", "verify", "-vvv", "--timeout", "2s"],
        vec!["integrations", "verify", "--json", "--timeout", "2s"],
        vec!["integrations", "verify", "slack", "--send-test", "-vvv", "--timeout", "2s"],
        vec!["query", "prometheus/all", "range", "--input", "query=up", "-vvv", "--deadline", "2s"],
        vec!["investigate", "-i", alert, "-vvv", "--deadline", "5s", "--deliver", "slack/all"],
        vec!["investigate", "-i", alert, "-vvv", "--deadline", "5s"],
        vec!["investigate", "-i", alert, "--format", "json", "--deadline", "5s"],
        vec!["investigate", "-i", alert, "--format", "markdown", "--deadline", "5s"],
    ] {
        assert_silent(&arguments.join(" "), &world.run(&arguments));
    }
    for spec in opensre_providers::catalogue().iter() {
        for format in ["text", "json"] {
            let ran = world.run(["integrations", "show", spec.family, "--format", format]);
            assert_silent(&format!("show {}", spec.key), &ran);
        }
    }
}

#[test]
fn no_complaint_about_bad_credentials_repeats_them() {
    let mut world = World::new();
    let mut records = Vec::new();
    for spec in opensre_providers::catalogue().iter() {
        for field in spec.fields {
            // Every field gets a value that no field can take, with the canary inside.
            let bad = json!({"name": field.key, "credentials": {field.key: {"nested": CANARY}, "mispelt_key": CANARY}});
            // Nor may a reference that is none be quoted, where a secret belongs.
            let reference = if field.secret { json!(format!("${{vault:{CANARY}}}")) } else { json!("x") };
            let reference = json!({"name": format!("{}-ref", field.key), "credentials": {field.key: reference}});
            records
                .push(json!({"id": spec.key, "service": spec.key, "status": "active", "instances": [bad, reference]}));
        }
        if let Some(variable) = spec.instances_variable {
            world.variable(variable, &format!("[{{\"name\": \"{CANARY}-unclosed\", "));
        }
        if !matches!(spec.configured, Rule::Never) {
            for variable in spec.fields.iter().filter(|field| field.secret).flat_map(|field| field.env) {
                world.variable(variable, CANARY);
            }
        }
    }
    world.write_store(&json!({"version": 2, "integrations": records}));
    for arguments in [
        vec!["integrations", "list"],
        vec!["integrations", "list", "--json", "-vvv"],
        vec!["doctor"],
        vec!["integrations", "resolve"],
    ] {
        assert_silent(&arguments.join(" "), &world.run(&arguments));
    }
}

#[test]
fn a_store_that_does_not_parse_is_not_quoted() {
    let world = World::new();
    world.write(
        ".tracer/integrations.json",
        &format!("{{\"version\": 2, \"integrations\": [{{\"api_key\": \"{CANARY}\" oops}}]}}"),
    );
    for arguments in [vec!["integrations", "list"], vec!["doctor"], vec!["integrations", "tag", "grafana/x", "a=b"]] {
        assert_silent(&arguments.join(" "), &world.run(&arguments));
    }
}

#[test]
fn no_checked_in_snapshot_or_document_holds_a_secret() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open = vec![root.join("crates"), root.join("docs")];
    let mut looked_at = 0;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "snap" || kind == "md" || kind == "json") {
                looked_at += 1;
                let text = std::fs::read_to_string(&path).expect("text");
                assert!(!text.to_lowercase().contains("canary"), "{}", path.display());
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files");
}
