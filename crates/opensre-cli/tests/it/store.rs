//! The store file, seen through the program.

use serde_json::json;

use crate::support::World;

#[test]
fn a_broken_store_is_read_as_empty_and_never_overwritten() {
    let world = World::new();
    let broken = "{\"version\": 2,\n  \"integrations\": [}\n";
    world.write(".tracer/integrations.json", broken);
    let ran = world.run(["integrations", "list"]).exits(0);
    assert!(ran.stderr.contains("line 2"), "{}", ran.stderr);
    let add = ["integrations", "add", "prometheus", "--set", "base_url=http://p.example:9090"];
    let ran = world.run(add).exits(1);
    assert!(ran.stderr.contains("line 2") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("integrations.json"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(world.store()).expect("still there"), broken);
}

#[test]
fn a_newer_store_is_read_and_never_rewritten() {
    let world = World::new();
    world.write_store(&json!({"version": 3, "integrations": [{"id": "p", "service": "prometheus", "status": "active",
        "instances": [{"name": "one", "credentials": {"base_url": "http://one.example:9090"}}]}]}));
    let before = std::fs::read(world.store()).expect("a store");
    assert_eq!(world.json(["integrations", "list", "--json"])["instances"][0]["name"], "one");
    world.run(["integrations", "tag", "prometheus/one", "a=b"]).exits(1);
    assert_eq!(std::fs::read(world.store()).expect("a store"), before);
}

#[test]
fn a_version_1_store_is_migrated_once_with_a_backup() {
    let world = World::new();
    let v1 = json!({"version": 1, "mine": true, "integrations": [
        {"id": "aws-1", "service": "aws", "status": "active", "role_arn": "arn:aws:iam::123456789012:role/a",
         "external_id": "x", "credentials": {"region": "eu-west-1"}}]});
    world.write_store(&v1);
    let listed = world.json(["integrations", "list", "--json"]);
    assert_eq!(listed["instances"][0]["name"], "default");
    let store = world.read_store();
    assert_eq!(store["version"], 2);
    assert_eq!(store["mine"], true);
    assert_eq!(
        store["integrations"][0]["instances"][0]["credentials"],
        json!({"region": "eu-west-1", "role_arn": "arn:aws:iam::123456789012:role/a", "external_id": "x"})
    );
    let bytes = std::fs::read(world.store()).expect("a store");
    world.run(["integrations", "list"]).exits(0);
    assert_eq!(std::fs::read(world.store()).expect("a store"), bytes);
    let backups: Vec<_> = std::fs::read_dir(world.path(".tracer"))
        .expect("a folder")
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .filter(|text| serde_json::from_str::<serde_json::Value>(text).is_ok_and(|backup| backup == v1))
        .collect();
    assert_eq!(backups.len(), 1);
}

#[test]
fn one_bad_record_never_stops_the_rest() {
    let mut world = World::new();
    world.write_store(&json!({"version": 2, "integrations": [
        "nonsense",
        {"id": "d", "service": "datadog", "status": "active", "instances": [{"name": "x", "credentials": {"api_key": "k"}}]},
        {"id": "p", "service": "prometheus", "status": "active", "instances": [
            {"name": "bad", "credentials": {"base_url": ["list"]}},
            {"name": "good", "credentials": {"base_url": "http://good.example:9090"}}]}]}));
    world.variable("LOKI_INSTANCES", "{broken").variable("LOKI_ADDR", "http://loki.example:3100");
    let listed = world.json(["integrations", "list", "--json"]);
    let names: Vec<&str> = listed["instances"]
        .as_array()
        .expect("instances")
        .iter()
        .filter(|row| row["state"] == "ready")
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(names, ["good", "default"]);
    let text = listed["diagnostics"].to_string();
    assert!(text.contains("LOKI_INSTANCES is not valid JSON"), "{text}");
    assert!(text.contains("\"instance\":\"bad\"") && text.contains("base_url"), "{text}");
}

#[cfg(unix)]
#[test]
fn the_store_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.run(["integrations", "add", "prometheus", "--set", "base_url=http://p.example:9090"]).exits(0);
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(world.store()), 0o600);
    assert_eq!(mode(world.path(".tracer")), 0o700);
}
