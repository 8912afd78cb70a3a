//! `expect`: an instance that turns out to be another fails verification, and an investigation refuses it.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

/// Pins an instance of the lab's Grafanas.
fn pin(lab: &LabWorld, name: &str, expect: &Json) {
    let mut store = lab.world.read_store();
    let instances = store["integrations"][0]["instances"].as_array_mut().expect("instances");
    let instance = instances.iter_mut().find(|instance| instance["name"] == name).expect("the instance");
    instance["expect"] = expect.clone();
    lab.world.write_store(&store);
}

/// What a probe says of who we are at an instance.
fn identity(lab: &LabWorld, name: &str) -> Json {
    let rows = lab.world.json(["integrations", "verify", &format!("grafana/{name}"), "--json"]);
    rows[0].clone()
}

#[test]
fn the_right_identity_passes_and_another_fails_with_both_named() {
    let lab = LabWorld::start("staging-bad-deploy");
    let there = identity(&lab, "staging")["identity"].clone();
    pin(&lab, "staging", &there);
    assert_eq!(identity(&lab, "staging")["status"], "passed", "{there:#}");

    pin(&lab, "staging", &json!({"organisation": "Somebody else"}));
    let row = identity(&lab, "staging");
    assert_eq!(row["status"], "failed");
    let detail = row["detail"].as_str().expect("a detail");
    let found = there["organisation"].as_str().expect("an organisation");
    assert!(detail.contains(found) && detail.contains("Somebody else"), "{detail}");
    lab.world.run(["integrations", "verify", "grafana/staging"]).exits(1);
    lab.world.run(["integrations", "verify", "grafana/prod"]).exits(0);

    pin(&lab, "staging", &json!({"cluster_uid": "x"}));
    assert_eq!(identity(&lab, "staging")["status"], "failed", "what cannot be told is not confirmed");
}

#[test]
fn an_investigation_asks_nothing_of_an_instance_that_is_another() {
    let lab = LabWorld::start("staging-bad-deploy");
    let probing = {
        let before = lab.requests("grafana/staging");
        identity(&lab, "staging");
        lab.requests("grafana/staging") - before
    };
    pin(&lab, "staging", &json!({"organisation": "Somebody else"}));
    let before = lab.requests("grafana/staging");
    let alert = lab.alert_file();
    let ran = lab.world.run(["investigate", "-i", &alert, "--format", "json"]).exits(5);
    assert_eq!(lab.requests("grafana/staging") - before, probing, "more than the probe was sent");
    let report: Json = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!(report["evidence"], json!([]));
    let denied: Vec<&Json> =
        report["gaps"].as_array().expect("gaps").iter().filter(|gap| gap["kind"] == "denied").collect();
    assert_eq!(denied.len(), 1, "said once: {:#}", report["gaps"]);
    let reason = denied[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("Somebody else") && reason.contains("is expected"), "{reason}");
    // One query by itself is under the same rule.
    lab.world.run(["query", "grafana/staging", "logs", "--input", "labels=service=checkout"]).exits(5);
}

#[test]
fn a_pinned_instance_that_is_the_right_one_is_asked() {
    let lab = LabWorld::start("staging-bad-deploy");
    let there = identity(&lab, "staging")["identity"].clone();
    pin(&lab, "staging", &there);
    let alert = lab.alert_file();
    let report = lab.world.json(["investigate", "-i", &alert, "--format", "json"]);
    assert_eq!(report["verdict"]["category"], "code_defect", "{:#}", report["gaps"]);
}

#[test]
fn a_pin_is_set_shown_and_removed_on_the_command_line() {
    let world = World::new();
    let add =
        ["integrations", "add", "prometheus/eu", "--set", "base_url=http://127.0.0.1:9", "--expect", "version=2.1"];
    world.run(add).exits(0);
    let instance = |world: &World| world.read_store()["integrations"][0]["instances"][0].clone();
    assert_eq!(instance(&world)["expect"], json!({"version": "2.1"}));
    assert_eq!(world.json(["integrations", "show", "prometheus/eu", "--json"])["expect"], json!({"version": "2.1"}));
    world.run(["integrations", "set", "prometheus/eu", "--expect", "org=x"]).exits(0);
    assert_eq!(instance(&world)["expect"], json!({"version": "2.1", "org": "x"}));
    world.run(["integrations", "tag", "prometheus/eu", "env=prod"]).exits(0);
    assert_eq!(instance(&world)["expect"], json!({"version": "2.1", "org": "x"}), "a change keeps the pin");
    world.run(["integrations", "set", "prometheus/eu", "--expect", "org-", "--expect", "version-"]).exits(0);
    assert_eq!(instance(&world).get("expect"), None);
    world.run(["integrations", "set", "prometheus/eu", "--expect", "org-"]).exits(1);
    world.run(["integrations", "set", "prometheus/eu", "--expect", "nonsense"]).exits(2);
}

#[test]
fn a_pin_in_a_variable_counts_and_a_broken_one_stops_the_instance() {
    let mut world = World::new();
    let entries = json!([
        {"name": "one", "base_url": "http://127.0.0.1:9", "expect": {"version": "2.1"}},
        {"name": "two", "base_url": "http://127.0.0.1:9", "expect": "2.1"},
    ]);
    world.variable("PROMETHEUS_INSTANCES", &entries.to_string());
    let shown = world.json(["integrations", "show", "prometheus/one", "--json"]);
    assert_eq!(shown["expect"], json!({"version": "2.1"}));
    assert!(shown["credentials"].get("expect").is_none());
    let ran = world.run(["integrations", "list", "prometheus"]).exits(0);
    assert!(!ran.stdout.contains("prometheus/two"), "{}", ran.stdout);
    assert!(ran.stderr.contains("prometheus/two expect: the pin is a text"), "{}", ran.stderr);
}
