//! `integrations verify`: every instance, each with its own outcome, against simulators that refuse, lie and hang.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

fn row<'a>(rows: &'a Json, instance: &str) -> &'a Json {
    rows.as_array()
        .expect("rows")
        .iter()
        .find(|row| row["instance"] == instance)
        .unwrap_or_else(|| panic!("no row {instance}: {rows:#}"))
}

#[test]
fn nothing_configured_has_an_exit_code_of_its_own() {
    let ran = World::new().run(["integrations", "verify"]).exits(3);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn every_instance_is_probed_not_only_the_default() {
    let lab = LabWorld::start("staging-bad-deploy");
    let rows = lab.world.json(["integrations", "verify", "--json"]);
    for name in ["prod", "staging"] {
        assert_eq!(row(&rows, name)["status"], "passed", "{rows:#}");
    }
    lab.world.run(["integrations", "verify", "grafana/staging"]).exits(0);
    for name in ["grafana/prod", "grafana/staging"] {
        assert!(lab.requests(name) > 0, "{name} was not asked");
    }
}

#[test]
fn a_wrong_token_a_login_page_and_a_wrong_answer_are_told_apart() {
    let lab = LabWorld::start("staging-bad-deploy");
    let mut store = lab.world.read_store();
    store["integrations"][0]["instances"][0]["credentials"]["api_key"] = json!("wrong");
    lab.world.write_store(&store);
    lab.html_login("staging");
    let ran = lab.world.run(["integrations", "verify", "--json"]).exits(1);
    let rows: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let prod = row(&rows, "prod");
    assert_eq!(prod["status"], "failed");
    assert!(prod["detail"].as_str().is_some_and(|detail| detail.contains("401")), "{prod:#}");
    let staging = row(&rows, "staging");
    assert_eq!(staging["status"], "failed");
    assert!(staging["detail"].as_str().is_some_and(|detail| detail.to_lowercase().contains("html")), "{staging:#}");
}

#[test]
fn a_server_that_hangs_costs_only_its_own_time() {
    let lab = LabWorld::start("staging-bad-deploy");
    lab.slow("prod");
    let ran = lab.world.run(["integrations", "verify", "--json", "--timeout", "1s"]).exits(1);
    let rows: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(row(&rows, "prod")["status"], "failed");
    assert_eq!(row(&rows, "staging")["status"], "passed", "{rows:#}");
}

#[test]
fn what_cannot_be_probed_yet_never_passes() {
    let world = World::new();
    world.write_store(&json!({"version": 2, "integrations": [
        {"id": "t", "service": "trello", "status": "active", "instances": [
            {"name": "board", "credentials": {"api_key": "k", "token": "t"}}]}]}));
    let rows = world.json(["integrations", "verify", "--json"]);
    assert_eq!(row(&rows, "board")["status"], "not_probed");
    world.run(["integrations", "verify", "trello"]).exits(1);
}

#[test]
fn an_incomplete_or_unknown_instance_is_missing_with_the_reason() {
    let world = World::new();
    world.write_store(&json!({"version": 2, "integrations": [
        {"id": "d", "service": "datadog", "status": "active", "instances": [{"name": "eu", "credentials": {"api_key": "k"}}]}]}));
    let ran = world.run(["integrations", "verify", "datadog", "grafana/qa", "--json"]).exits(1);
    let rows: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(row(&rows, "eu")["status"], "missing");
    assert!(row(&rows, "eu")["detail"].as_str().is_some_and(|detail| detail.contains("app_key")), "{rows:#}");
    assert_eq!(row(&rows, "qa")["status"], "missing");
}
