//! `integrations add`, `set`, `tag`, `rename`, `default`, `remove`, `list`, `show`.

use serde_json::{Value as Json, json};

use crate::support::World;

fn two_grafanas() -> World {
    let world = World::new();
    for name in ["prod", "staging"] {
        let arguments = [
            "integrations",
            "add",
            "grafana",
            "--name",
            name,
            "--tag",
            &format!("env={name}"),
            "--set",
            &format!("endpoint=https://{name}.grafana.net/"),
            "--secret-stdin",
            "api_key",
        ];
        world.run_with_input(arguments, &format!("glsa_{name}\n")).exits(0);
    }
    world
}

fn names(world: &World, service: &str) -> Vec<String> {
    let listed = world.json(["integrations", "list", service, "--json"]);
    listed["instances"]
        .as_array()
        .expect("instances")
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn instances_are_added_without_a_terminal_and_stay_apart() {
    let world = two_grafanas();
    assert_eq!(names(&world, "grafana"), ["prod", "staging"]);
    let store = world.read_store();
    assert_eq!(store["version"], 2);
    assert_eq!(store["integrations"].as_array().expect("records").len(), 1);
    let instances = &store["integrations"][0]["instances"];
    assert_eq!(instances[0]["credentials"]["api_key"], "glsa_prod");
    assert_eq!(instances[1]["tags"], json!({"env": "staging"}));
}

#[test]
fn a_plain_secret_on_the_command_line_is_refused_and_not_repeated() {
    let world = World::new();
    let ran = world
        .run(["integrations", "add", "grafana", "--set", "endpoint=https://g.example", "--set", "api_key=glsa_hunter2"])
        .exits(2);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--secret-stdin api_key"), "{}", ran.stderr);
    assert!(!world.store().exists());
    world
        .run([
            "integrations",
            "add",
            "grafana",
            "--set",
            "endpoint=https://g.example",
            "--set",
            "api_key=${env:GRAFANA_KEY}",
        ])
        .exits(0);
    assert_eq!(world.read_store()["integrations"][0]["instances"][0]["credentials"]["api_key"], "${env:GRAFANA_KEY}");
}

#[test]
fn an_instance_that_could_not_be_used_is_not_saved() {
    let world = World::new();
    let ran = world.run(["integrations", "add", "datadog", "--set", "site=datadoghq.eu"]).exits(2);
    assert!(ran.stderr.contains("api_key"), "{}", ran.stderr);
    assert!(!world.store().exists());
}

#[test]
fn an_existing_instance_is_replaced_only_on_request() {
    let world = two_grafanas();
    let add =
        ["integrations", "add", "grafana/prod", "--set", "endpoint=https://new.example", "--secret-stdin", "api_key"];
    let before = world.read_store();
    world.run_with_input(add, "other").exits(1);
    assert_eq!(world.read_store(), before);
    world.run_with_input(add.iter().chain(&["--replace"]), "other").exits(0);
    let after = world.read_store();
    assert_eq!(after["integrations"][0]["instances"][0]["credentials"]["endpoint"], "https://new.example");
    assert_eq!(after["integrations"][0]["instances"][1], before["integrations"][0]["instances"][1]);
}

#[test]
fn changing_one_instance_leaves_its_siblings_to_the_letter() {
    let world = two_grafanas();
    let sibling = |store: &Json| store["integrations"][0]["instances"][0].clone();
    let before = sibling(&world.read_store());
    world.run(["integrations", "set", "grafana/staging", "endpoint=https://elsewhere.example"]).exits(0);
    world.run(["integrations", "tag", "GRAFANA/Staging", "team=pay", "env-"]).exits(0);
    world.run(["integrations", "rename", "grafana/staging", "Stage"]).exits(0);
    let store = world.read_store();
    assert_eq!(sibling(&store), before);
    let changed = &store["integrations"][0]["instances"][1];
    assert_eq!(changed["name"], "stage");
    assert_eq!(changed["tags"], json!({"team": "pay"}));
    assert_eq!(changed["credentials"]["endpoint"], "https://elsewhere.example");
    assert_eq!(changed["credentials"]["api_key"], "glsa_staging");
}

#[test]
fn the_default_can_be_chosen() {
    let world = two_grafanas();
    world.run(["integrations", "default", "grafana/staging"]).exits(0);
    assert_eq!(names(&world, "grafana"), ["staging", "prod"]);
    let chosen = world.json(["integrations", "select", "grafana", "--json"]);
    assert_eq!(chosen["chosen"][0]["name"], "staging");
}

#[test]
fn removing_asks_and_touches_only_what_was_named() {
    let world = two_grafanas();
    let ran = world.run(["integrations", "remove", "grafana/prod"]).exits(2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(names(&world, "grafana"), ["prod", "staging"]);
    world.run(["--yes", "integrations", "remove", "grafana/nowhere"]).exits(1);
    world.run(["--yes", "integrations", "remove", "grafana/prod"]).exits(0);
    assert_eq!(names(&world, "grafana"), ["staging"]);
    world.run(["integrations", "remove", "grafana", "--yes"]).exits(0);
    assert_eq!(names(&world, "grafana"), Vec::<String>::new());
}

#[test]
fn a_local_grafana_leaves_the_remote_ones_alone() {
    let world = two_grafanas();
    let before = world.read_store()["integrations"][0].clone();
    world
        .run(["integrations", "add", "grafana_local", "--name", "laptop", "--set", "endpoint=http://localhost:3000"])
        .exits(0);
    assert_eq!(world.read_store()["integrations"][0], before);
    assert_eq!(names(&world, "grafana"), ["prod", "staging", "laptop"]);
    world.run(["integrations", "tag", "grafana/laptop", "env=dev"]).exits(0);
    assert_eq!(world.read_store()["integrations"][0], before);
    world.run(["--yes", "integrations", "remove", "grafana/laptop"]).exits(0);
    assert_eq!(world.read_store()["integrations"][0], before);
}

#[test]
fn aliases_and_letter_case_mean_the_same_service() {
    let world = World::new();
    world.write_store(&json!({"version": 2, "integrations": [{
        "id": "x", "service": "EKS", "status": "active", "instances": [
            {"name": "One", "credentials": {"role_arn": "arn:aws:iam::123456789012:role/a", "region": "eu-west-1"}}]}]}));
    world.run(["integrations", "tag", "Amazon EKS/one", "env=prod"]).exits(0);
    let store = world.read_store();
    assert_eq!(store["integrations"].as_array().map(Vec::len), Some(1));
    assert_eq!(store["integrations"][0]["service"], "EKS", "the spelling in the file is kept");
    assert_eq!(store["integrations"][0]["instances"][0]["tags"], json!({"env": "prod"}));
}

#[test]
fn what_is_shadowed_is_shown_and_precedence_can_be_changed() {
    let mut world = two_grafanas();
    world.variable("GRAFANA_INSTANCES", r#"[{"name": "env", "endpoint": "https://env.example", "api_key": "k"}]"#);
    let listed = world.json(["integrations", "list", "--json"]);
    assert_eq!(names(&world, "grafana"), ["prod", "staging"]);
    assert_eq!(listed["shadowed"][0]["instance"], "env");
    let merged = world.json(["--precedence", "merge", "integrations", "list", "--json"]);
    assert_eq!(merged["instances"].as_array().map(Vec::len), Some(3));
    world.variable("OPENSRE_PRECEDENCE", "env");
    assert_eq!(names(&world, "grafana"), ["env"]);
}

#[test]
fn a_saved_instance_that_is_not_in_effect_is_told() {
    let mut world = World::new();
    world.variable("PROMETHEUS_URL", "http://env.example:9090").variable("OPENSRE_PRECEDENCE", "env");
    let ran =
        world.run(["integrations", "add", "prometheus/mine", "--set", "base_url=http://mine.example:9090"]).exits(0);
    assert!(ran.stderr.contains("not in effect"), "{}", ran.stderr);
}

#[test]
fn show_hides_every_secret_and_unknown_names_get_a_hint() {
    let world = two_grafanas();
    let ran = world.run(["integrations", "show", "grafana/prod"]).exits(0);
    assert!(ran.stdout.contains("https://prod.grafana.net"), "{}", ran.stdout);
    assert!(ran.stdout.contains("[redacted]") && !ran.stdout.contains("glsa_"), "{}", ran.stdout);
    let ran = world.run(["integrations", "show", "grafana/qa"]).exits(1);
    assert!(ran.stderr.contains("prod, staging"), "{}", ran.stderr);
    let ran = world.run(["integrations", "show", "grafanna"]).exits(1);
    assert!(ran.stderr.contains("did you mean grafana?"), "{}", ran.stderr);
}

#[test]
fn the_list_in_80_columns_reads_well() {
    let world = two_grafanas();
    std::fs::copy(world.store(), world.path("store.json")).expect("a copy");
    world.run(["--store", "store.json", "integrations", "default", "grafana/staging"]).exits(0);
    let ran = world.run(["--store", "store.json", "integrations", "list"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @r"
    INSTANCE                  TAGS         SOURCE
    grafana/staging  default  env=staging  store
    grafana/prod              env=prod     store
    ");
    assert_eq!(ran.stderr, "the store is store.json\n");
}
