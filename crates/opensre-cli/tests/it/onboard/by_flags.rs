//! The same conversation without a terminal: flags answer, and nothing ever waits for somebody.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

#[test]
fn without_a_terminal_the_missing_flag_is_named() {
    let world = World::new();
    for (arguments, flag) in [
        (vec!["onboard"], "--service"),
        (vec!["onboard", "--service", "grafana"], "--set endpoint=VALUE"),
        (vec!["onboard", "--service", "grafana/prod", "--set", "endpoint=https://g.example"], "--secret-stdin api_key"),
        (vec!["onboard", "--service", "argocd", "--set", "base_url=https://a.example"], "--set bearer_token=... or"),
        (vec!["onboard", "--no-input"], "--service"),
        (vec!["onboard", "--name", "x"], "--service"),
    ] {
        let ran = world.run(&arguments).exits(2);
        assert!(ran.stderr.contains(flag), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert!(!world.store().exists(), "{arguments:?}");
    }
}

#[test]
fn flags_add_prove_edit_and_show_the_route() {
    let lab = LabWorld::start("staging-bad-deploy");
    let endpoint = format!("endpoint={}", lab.credential("grafana", "prod", "endpoint"));
    let token = lab.credential("grafana", "prod", "api_key");
    let base = ["--store", "mine.json", "onboard", "--service", "grafana/prod"];
    let add = |more: &[&str], secret: &str| {
        let arguments: Vec<&str> = base
            .iter()
            .copied()
            .chain(["--set", &endpoint, "--secret-stdin", "api_key"])
            .chain(more.iter().copied())
            .collect();
        lab.world.run_with_input(arguments, secret)
    };
    let refused = add(&["--tag", "env=prod"], "wrong").exits(1);
    assert!(refused.stderr.contains("--save-anyway") && refused.stderr.contains("401"), "{}", refused.stderr);
    assert!(!lab.world.path("mine.json").exists(), "what did not pass is not saved");

    let added = add(&["--tag", "env=prod", "--json"], &token).exits(0);
    let printed: Json = serde_json::from_str(&added.stdout).expect("JSON");
    assert_eq!(
        printed["saved"],
        json!([{"service": "grafana", "name": "prod", "replaced": false, "status": "passed"}])
    );
    assert_eq!(printed["samples"][0]["routes"][0]["chosen"], json!(["prod"]));
    assert!(!added.stdout.contains(&token) && !added.stderr.contains(&token));

    let alert = lab.alert_file();
    let edit = ["--tag", "env-", "--tag", "team=shop", "--rename", "pay", "--sample-alert", &alert];
    let ran = lab.world.run(base.iter().chain(&edit)).exits(0);
    assert!(ran.stderr.contains("tags: team=shop (were env=prod)"), "{}", ran.stderr);
    assert!(ran.stdout.contains("the alert in "), "{}", ran.stdout);
    let store: Json =
        serde_json::from_str(&std::fs::read_to_string(lab.world.path("mine.json")).expect("a store")).expect("JSON");
    let instances = &store["integrations"][0]["instances"];
    assert_eq!(instances.as_array().map(Vec::len), Some(1));
    assert_eq!((&instances[0]["name"], &instances[0]["tags"]), (&json!("pay"), &json!({"team": "shop"})));
    assert_eq!(instances[0]["credentials"]["api_key"], json!(token), "an edit keeps the secret");
}

#[test]
fn two_ways_at_once_have_the_documented_outcome_and_a_message() {
    let world = World::new();
    let both = ["--set", "bearer_token=${env:T}", "--set", "username=me", "--skip-verify"];
    let with = |service: &str, url: &str| {
        let arguments = ["onboard", "--service", service, "--set", url];
        world.run(arguments.iter().chain(&both))
    };
    let refused = with("argocd/x", "base_url=https://a.example").exits(2);
    assert!(refused.stderr.contains("give one or the other"), "{}", refused.stderr);
    let warned = with("prometheus/x", "base_url=https://p.example").exits(0);
    assert!(warned.stderr.contains("bearer_token is used"), "{}", warned.stderr);
}

#[test]
fn a_field_is_removed_only_when_it_is_named() {
    let world = World::new();
    world.write_store(&json!({"version": 2, "integrations": [{"id": "p", "service": "prom", "status": "active", "instances": [
        {"name": "one", "credentials": {"base_url": "https://one.example", "bearer_token": "hunter2", "tenant": "a"}}]}]}));
    let ran = world.run(["onboard", "--service", "prometheus/one", "--unset", "tenant", "--skip-verify"]).exits(0);
    assert!(ran.stderr.contains("tenant is removed"), "{}", ran.stderr);
    let store = world.read_store();
    assert_eq!(store["integrations"][0]["service"], "prom", "the spelling in the file is kept");
    let credentials = &store["integrations"][0]["instances"][0]["credentials"];
    assert_eq!(*credentials, json!({"base_url": "https://one.example", "bearer_token": "hunter2"}));
}

#[test]
fn add_proves_when_it_is_told_to() {
    let world = World::new();
    let add = |more: &[&str]| {
        let arguments = ["integrations", "add", "prometheus/x", "--set", "base_url=http://127.0.0.1:9"];
        world.run(arguments.iter().chain(more))
    };
    let refused = add(&["--verify"]).exits(1);
    assert!(refused.stderr.contains("it was not saved"), "{}", refused.stderr);
    assert!(!world.store().exists());
    add(&["--verify", "--save-anyway"]).exits(0);
    assert!(world.store().exists());
    add(&["--replace"]).exits(0);
}

#[test]
fn names_that_could_not_be_addressed_are_refused() {
    let world = World::new();
    for name in ["a,b", "env=prod", "@eu", "a!"] {
        let add = ["integrations", "add", "prometheus", "--name", name, "--set", "base_url=https://p.example"];
        world.run(add).exits(2);
        world
            .run([
                "onboard",
                "--service",
                "prometheus",
                "--name",
                name,
                "--set",
                "base_url=https://p.example",
                "--skip-verify",
            ])
            .exits(2);
    }
    assert!(!world.store().exists());
}
