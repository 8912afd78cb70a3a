//! Groups, rules and policies as a user sets them up, and `opensre route` that shows what they do.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, Ran, World};

fn world() -> World {
    let world = World::new();
    let instance = |name: &str, env: &str, region: &str| {
        json!({"name": name, "tags": {"env": env, "region": region},
               "credentials": {"endpoint": format!("https://{name}.grafana.net"), "api_key": "CANARY"}})
    };
    world.write_store(&json!({"version": 2, "own": {"x": [1.5, null]}, "integrations": [{
        "id": "grafana-1", "service": "grafana", "status": "active", "owner": "me",
        "instances": [instance("prod", "prod", "us"), instance("pay", "prod", "eu"), instance("dev", "dev", "eu")]}]}));
    world
}

fn alert(world: &World, labels: &Json) -> String {
    let payload = json!({"title": "x", "state": "alerting", "commonLabels": labels});
    world.write("alert.json", &payload.to_string()).display().to_string()
}

fn run(world: &World, arguments: &[&str]) -> Ran {
    let ran = world.run(arguments);
    assert!(!ran.stdout.contains("CANARY") && !ran.stderr.contains("CANARY"), "{}{}", ran.stdout, ran.stderr);
    ran
}

fn integrations(world: &World, arguments: &[&str]) -> Ran {
    run(world, &[&["integrations"], arguments].concat())
}

#[test]
fn a_route_is_explained_with_rule_path_policies_and_what_was_rejected() {
    let world = world();
    integrations(&world, &["group", "add", "eu", "region=eu"]).exits(0);
    integrations(&world, &["rule", "add", "team=payments", "--use", "grafana=@eu"]).exits(0);
    integrations(&world, &["set", "grafana/dev", "--requires-explicit", "--route-from", "hint,rules"]).exits(0);
    let alert = alert(&world, &json!({"team": "payments"}));
    let ran = run(&world, &["route", &alert]).exits(0);
    insta::assert_snapshot!(ran.stdout, @"grafana/pay - routing rule (commonLabels.team)");
    let ran = run(&world, &["route", &alert, "--explain"]).exits(0);
    insta::assert_snapshot!(ran.stdout, @r"
    grafana: pay
      step: routing rule
      why: named by routing rule 1 (team=payments: grafana=@eu)
      rule 1: team=payments: grafana=@eu
      path: commonLabels.team
      group @eu: pay
        left out dev: policy requires_explicit: only its own name chooses it, a selector or group does not
      policy of dev (requires_explicit route_from=hint,rules): kept out, requires_explicit: only its own name chooses it, a selector or group does not
      not prod: not named by the routing rule
      not dev: policy requires_explicit: only its own name chooses it, a selector or group does not
    ");
    let answer = world.json(["route", &alert, "--json"]);
    let route = &answer["routes"][0];
    assert_eq!((&route["step"], &route["path"]), (&json!("rule"), &json!("commonLabels.team")));
    assert_eq!(route["rules"], json!([{"position": 1, "text": "team=payments: grafana=@eu"}]));
    assert_eq!((&route["chosen"][0]["instance"], &route["groups"][0]["group"]), (&json!("pay"), &json!("@eu")));
    assert_eq!((&route["policies"][0]["instance"], &route["policies"][0]["kept_out"]), (&json!("dev"), &json!(true)));
    // The same from standard input, for one service, by a flag.
    let payload = std::fs::read_to_string(&alert).expect("the alert");
    let ran =
        world.run_with_input(["route", "-", "--service", "grafana", "--instance", "grafana=dev"], &payload).exits(0);
    assert_eq!(ran.stdout, "grafana/dev - command line\n");
    run(&world, &["route", &alert, "--service", "loki"]).exits(1);
    run(&world, &["route", &alert, "--instance", "grafana=@us"]).exits(2);
    World::new().run(["route", &alert]).exits(3);
}

#[test]
fn doubt_is_settled_by_flag_variable_and_store() {
    let mut world = world();
    let path = world.write("a.json", &json!({"title": "x", "grafana_instance": "paay"}).to_string());
    let hint = path.to_str().expect("a path");
    assert!(run(&world, &["route", hint]).exits(0).stdout.starts_with("grafana/prod - default"));
    let skipped = run(&world, &["route", hint, "--on-unknown", "skip"]).exits(0);
    assert!(skipped.stdout.starts_with("grafana: none - "), "{}", skipped.stdout);
    let failed = run(&world, &["route", hint, "--on-unknown", "fail"]).exits(2);
    assert!(failed.stderr.contains("did you mean 'pay'?"), "{}", failed.stderr);
    run(&world, &["route", hint, "--on-unknown", "never"]).exits(2);
    let tie = alert(&world, &json!({"region": "eu"}));
    assert_eq!(run(&world, &["route", &tie]).exits(0).stdout.lines().count(), 2);
    integrations(&world, &["rule", "in-doubt", "--ambiguous", "fail"]).exits(0);
    let failed = run(&world, &["investigate", "-i", &tie]).exits(2);
    assert!(failed.stderr.contains("ambiguous between pay and dev"), "{}", failed.stderr);
    world.variable("OPENSRE_ON_AMBIGUOUS", "skip");
    assert!(run(&world, &["route", &tie]).exits(0).stdout.contains("none - "));
    run(&world, &["route", &tie, "--on-ambiguous", "default"]).exits(0);
    integrations(&world, &["rule", "in-doubt"]).exits(2);
}

#[test]
fn groups_and_rules_are_managed_without_touching_anything_else() {
    let world = world();
    integrations(&world, &["rule", "in-doubt", "--unknown", "default"]).exits(0);
    let before = std::fs::read_to_string(world.store()).expect("a store");
    let same = |what: &str| assert_eq!(std::fs::read_to_string(world.store()).expect("a store"), before, "{what}");
    for (arguments, words) in [
        (&["group", "add", "@a b", "env=prod"][..], "no name of a group"),
        (&["group", "add", "@all", "@eu"], "holds no other group"),
        (&["group", "add", "@eu", "env="], "a value is missing"),
        (&["rule", "add", "team=", "--use", "grafana=pay"], "a value is missing"),
        (&["rule", "add", "team=a", "--use", "grafna=pay"], "did you mean `grafana`?"),
        (&["rule", "add", "team=a", "--use", "grafana=env="], "a value is missing"),
        (&["rule", "add", "team=a", "--use", "grafana"], "names no instance"),
        (&["rule", "add", "team=a"], "--use"),
        (&["add", "grafana/@x", "--set", "endpoint=https://x.example"], "name of a group"),
        (&["set", "@eu", "endpoint=https://x.example"], "is a group"),
        (&["set", "grafana/dev", "--route-from", "hint,url"], "did you mean `urls`?"),
    ] {
        let ran = integrations(&world, arguments).exits(2);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        same(&format!("{arguments:?}"));
    }
    for arguments in [&["rule", "move", "1", "2"][..], &["-y", "rule", "remove", "1"], &["-y", "group", "remove", "eu"]]
    {
        integrations(&world, arguments).exits(1);
        same(&format!("{arguments:?}"));
    }
    integrations(&world, &["group", "add", "@eu", "region=eu"]).exits(0);
    integrations(&world, &["group", "add", "eu", "region=us"]).exits(1);
    let ran = integrations(&world, &["group", "add", "@mars", "region=mars"]).exits(0);
    assert!(ran.stderr.contains("the group @mars has no member"), "{}", ran.stderr);
    integrations(&world, &["rule", "add", "team=a", "--use", "grafana=@eu"]).exits(0);
    let ran = integrations(&world, &["rule", "add", "*", "--use", "grafana=prdo", "--position", "1"]).exits(0);
    assert!(ran.stderr.contains("did you mean 'prod'?"), "{}", ran.stderr);
    let listed = world.json(["integrations", "rule", "list", "--json"]);
    assert_eq!((&listed["rules"][0]["match"], &listed["rules"][1]["use"]["grafana"]), (&json!("*"), &json!("@eu")));
    let listed = world.json(["integrations", "group", "list", "--json"]);
    assert_eq!(
        listed[0]["members"],
        json!([{"service": "grafana", "name": "pay"}, {"service": "grafana", "name": "dev"}])
    );
    integrations(&world, &["rule", "move", "1", "2"]).exits(0);
    assert!(integrations(&world, &["rule", "list"]).exits(0).stdout.contains(" 2     *"), "moved");
    integrations(&world, &["group", "remove", "@eu"]).exits(2);
    for arguments in [
        &["rule", "remove", "2"][..],
        &["rule", "remove", "1"],
        &["group", "remove", "@mars"],
        &["group", "remove", "EU"],
    ] {
        integrations(&world, &[&["-y"], arguments].concat()).exits(0);
    }
    let emptied = before.replace(
        "\"unknown\": \"default\"\n  }\n",
        "\"unknown\": \"default\",\n    \"rules\": []\n  },\n  \"groups\": []\n",
    );
    assert_eq!(std::fs::read_to_string(world.store()).expect("a store"), emptied);
}

#[test]
fn policies_are_set_shown_and_removed() {
    let mut world = world();
    let policy = |world: &World, name: &str| world.json(["integrations", "show", name, "--json"])["policy"].clone();
    integrations(&world, &["set", "grafana/pay", "--requires-explicit", "--route-from", "none"]).exits(0);
    assert_eq!(policy(&world, "grafana/pay"), json!({"requires_explicit": true, "route_from": []}));
    let shown = integrations(&world, &["show", "grafana/pay"]).exits(0).stdout;
    assert!(shown.contains("requires_explicit route_from=nothing"), "{shown}");
    assert!(integrations(&world, &["list", "-v"]).exits(0).stdout.contains("requires_explicit"));
    // Another change leaves them alone, and so does the old view.
    integrations(&world, &["tag", "grafana/pay", "team=pay"]).exits(0);
    assert_eq!(policy(&world, "grafana/pay"), json!({"requires_explicit": true, "route_from": []}));
    let view = world.json(["integrations", "resolve"]);
    let entry = view["_all_grafana_instances"][1].as_object().expect("an entry");
    assert_eq!(entry.keys().collect::<Vec<_>>(), ["name", "tags", "config", "integration_id"]);
    assert!(entry["config"].get("requires_explicit").is_none() && view.get("groups").is_none());
    integrations(&world, &["set", "grafana/pay", "--requires-explicit=false", "--route-from", "all"]).exits(0);
    assert_eq!(policy(&world, "grafana/pay"), json!({"requires_explicit": false, "route_from": null}));
    assert!(world.read_store()["integrations"][0]["instances"][1].get("route_from").is_none());
    // One that cannot be read protects, and says so.
    let mut store = world.read_store();
    store["integrations"][0]["instances"][0]["requires_explicit"] = json!("maybe");
    world.write_store(&store);
    let ran = run(&world, &["route", &alert(&world, &json!({}))]).exits(0);
    assert!(ran.stdout.starts_with("grafana: none - "), "{}", ran.stdout);
    assert!(ran.stderr.contains("it counts as true"), "{}", ran.stderr);
    world.variable("LOKI_INSTANCES", r#"[{"name": "a", "base_url": "http://l.example", "requires_explicit": true}]"#);
    assert_eq!(policy(&world, "loki/a")["requires_explicit"], true);
}

#[test]
fn a_group_stands_wherever_an_instance_may() {
    let lab = LabWorld::start("staging-bad-deploy");
    let world = &lab.world;
    let mut store = world.read_store();
    for instance in store["integrations"][0]["instances"].as_array_mut().expect("instances") {
        instance["tags"]["fleet"] = json!("main");
    }
    world.write_store(&store);
    integrations(world, &["group", "add", "@main", "fleet=main"]).exits(0);
    let names = |answer: &Json| -> Vec<String> {
        answer.as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&world.json(["integrations", "list", "@main", "--json"])["instances"]).len(), 2);
    assert_eq!(names(&world.json(["integrations", "show", "grafana/@main", "--json"])).len(), 2);
    let rows = world.json(["integrations", "verify", "@main", "--json"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows:#}");
    assert_eq!(
        names(&world.json(["integrations", "select", "grafana", "--name", "@main", "--json"])["chosen"]).len(),
        2
    );
    assert!(run(world, &["query", "grafana/@main"]).exits(0).stdout.contains("logs"));
    for wrong in ["@mian", "loki/@main"] {
        let ran = integrations(world, &["verify", wrong]);
        assert!(ran.code != 0 && ran.stderr.contains("@main"), "{wrong}: {}", ran.stderr);
    }

    lab.status("prod", 503);
    let labels = "labels=service=checkout";
    let answer = world.json(["query", "grafana/@main", "logs", "--input", labels, "--json"]);
    assert_eq!(answer["members"].as_array().map(Vec::len), Some(2), "{answer:#}");
    assert_eq!(answer["not_answered"], json!(["grafana/prod"]));
    let ran = run(world, &["query", "grafana/@main", "logs", "--input", labels]).exits(0);
    assert!(ran.stdout.contains("grafana/prod:\n") && ran.stdout.contains("grafana/staging:\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("1 of 2 members did not answer: grafana/prod"), "{}", ran.stderr);

    let report =
        world.json(["investigate", "-i", &lab.alert_file(), "--instance", "grafana=@main", "--format", "json"]);
    let members = report["groups"][0]["members"].as_array().expect("members").clone();
    let state = |name: &str| members.iter().find(|one| one["instance"] == name).expect("a member")["state"].clone();
    assert_eq!((state("staging"), state("prod")), (json!("answered"), json!("failed")), "{members:#?}");
    let ran = run(world, &["investigate", "-i", &lab.alert_file(), "--instance", "grafana=@main"]).exits(0);
    assert!(ran.stdout.contains("group @main of grafana: 1 of 2 members answered"), "{}", ran.stdout);

    // What wants its own name is not asked as a member, nor as the default.
    integrations(world, &["set", "grafana/prod", "--requires-explicit"]).exits(0);
    let answer = world.json(["query", "grafana/@main", "logs", "--input", labels, "--json"]);
    assert_eq!(answer["members"].as_array().map(Vec::len), Some(1), "{answer:#}");
    let ran = run(world, &["query", "grafana", "logs", "--input", labels]).exits(1);
    assert!(ran.stderr.contains("write grafana/prod"), "{}", ran.stderr);
}
