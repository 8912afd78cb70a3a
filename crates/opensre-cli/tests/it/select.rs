//! `integrations select` and `integrations resolve`.

use serde_json::json;

use crate::support::World;

fn world() -> World {
    let world = World::new();
    let grafana = |name: &str, env: &str, region: &str| {
        json!({"name": name, "tags": {"env": env, "region": region},
               "credentials": {"endpoint": format!("https://{name}.grafana.net"), "api_key": format!("glsa_{name}")}})
    };
    world.write_store(&json!({"version": 2, "integrations": [{
        "id": "grafana-1", "service": "grafana", "status": "active",
        "instances": [grafana("prod", "prod", "us"), grafana("staging", "Staging", "eu"), grafana("prod-eu", "prod", "eu")]}]}));
    world
}

fn chosen(world: &World, arguments: &[&str]) -> Vec<String> {
    let answer = world.json(["integrations", "select", "grafana", "--json"].iter().chain(arguments));
    let chosen = answer["chosen"].as_array().expect("chosen");
    chosen.iter().map(|instance| instance["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn by_default_name_and_tags() {
    let world = world();
    assert_eq!(chosen(&world, &[]), ["prod"]);
    assert_eq!(chosen(&world, &["--name", " STAGING "]), ["staging"]);
    assert_eq!(chosen(&world, &["--name", "qa"]), Vec::<String>::new());
    assert_eq!(chosen(&world, &["--tags", "env=prod"]), ["prod", "prod-eu"]);
    assert_eq!(chosen(&world, &["--tags", "ENV=PROD,region!=us"]), ["prod-eu"]);
    assert_eq!(chosen(&world, &["--tags", "env in (staging, qa)"]), ["staging"]);
    world.run(["integrations", "select", "grafana", "--name", "qa"]).exits(1);
}

#[test]
fn by_alert_it_says_which_part_decided() {
    let world = world();
    let alert = json!({"title": "x", "state": "alerting", "annotations": {"grafana_instance": "staging"}});
    let path = world.write("alert.json", &alert.to_string());
    let path = path.to_str().expect("a path");
    let answer = world.json(["integrations", "select", "grafana", "--json", "--alert", path]);
    assert_eq!(answer["chosen"][0]["name"], "staging");
    assert_eq!(answer["path"], "annotations.grafana_instance");

    let alert = json!({"title": "x", "commonLabels": {"env": "prod", "region": "eu"}});
    let path = world.write("alert.json", &alert.to_string());
    let path = path.to_str().expect("a path");
    assert_eq!(chosen(&world, &["--alert", path]), ["prod-eu"]);
    assert_eq!(chosen(&world, &["--alert", path, "--routing", "hints"]), ["prod"]);
}

#[test]
fn an_unknown_hint_falls_back_loudly_with_the_nearest_name() {
    let world = world();
    let path = world.write("alert.json", &json!({"title": "x", "grafana_instance": "stagin"}).to_string());
    let ran = world.run(["integrations", "select", "grafana", "--alert", path.to_str().expect("a path")]).exits(0);
    assert!(ran.stdout.starts_with("grafana/prod"), "{}", ran.stdout);
    for words in ["grafana_instance hint", "'stagin'", "not found", "staging"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

#[test]
fn the_compatible_view_keeps_the_seed_s_shape_and_hides_secrets() {
    let world = world();
    let view = world.json(["integrations", "resolve"]);
    assert_eq!(view["grafana"]["endpoint"], "https://prod.grafana.net");
    assert_eq!(view["grafana"]["integration_id"], "grafana-1");
    assert_eq!(view["grafana"]["api_key"], "[redacted]");
    assert_eq!(view["_all_grafana_instances"].as_array().map(Vec::len), Some(3));
    assert_eq!(view["_all_grafana_instances"][1]["tags"]["env"], "Staging");
    let revealed = world.json(["integrations", "resolve", "grafana", "--reveal"]);
    assert_eq!(revealed["grafana"]["api_key"], "glsa_prod");
    assert_eq!(revealed["_all_grafana_instances"][2]["config"]["api_key"], "glsa_prod-eu");
}
