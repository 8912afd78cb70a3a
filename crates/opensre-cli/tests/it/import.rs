//! `integrations import` and `integrations export`, as a user runs them.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

/// A fixture of the import crate, which is written from the vendors' documentation.
fn fixture(name: &str) -> String {
    let path = format!("{}/../opensre-import/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a fixture")
}

/// A home with the files of other tools in their usual places.
fn home() -> World {
    let world = World::new();
    for (from, to) in [
        ("kubeconfig.yaml", ".kube/config"),
        ("aws-config", ".aws/config"),
        ("aws-credentials", ".aws/credentials"),
        ("holmes.yaml", ".holmes/config.yaml"),
        ("gcx.yaml", ".config/gcx/config.yaml"),
        ("grafanactl.yaml", ".config/grafanactl/config.yaml"),
        ("mcp.jsonc", ".cursor/mcp.json"),
        ("store-v2.jsonc", "other/store.json"),
    ] {
        world.write(to, &fixture(from));
    }
    world
}

/// The diff that a world's home gives, with its path blanked.
fn diff(world: &World, source: &str) -> String {
    let ran = world.run(["integrations", "import", source, "--dry-run"]).exits(0);
    assert_eq!(ran.stderr, "dry run: nothing was written\n");
    assert!(!world.store().exists(), "a dry run writes nothing");
    ran.stdout.replace(&world.folder().display().to_string(), "[HOME]")
}

#[test]
fn the_diff_of_a_kubeconfig() {
    insta::assert_snapshot!(diff(&home(), "kubeconfig"));
}

#[test]
fn the_diff_of_aws_profiles() {
    insta::assert_snapshot!(diff(&home(), "aws"));
}

#[test]
fn the_diff_of_holmes_toolsets() {
    insta::assert_snapshot!(diff(&home(), "holmes"));
}

#[test]
fn the_diff_of_mcp_servers() {
    insta::assert_snapshot!(diff(&home(), "mcp"));
}

#[test]
fn the_diff_of_gcx_contexts() {
    insta::assert_snapshot!(diff(&home(), "gcx"));
}

#[test]
fn every_source_imports_once_and_then_has_nothing_to_do() {
    let mut world = home();
    world.variable("LOKI_ADDR", "https://loki.example.com").variable("LOKI_BEARER_TOKEN", "canary-shell-token");
    let other = world.path("other/store.json").display().to_string();
    let sources: [&[&str]; 8] = [
        &["kubeconfig"],
        &["aws"],
        &["env"],
        &["holmes"],
        &["gcx", "--prefix", "gcx-"],
        &["grafanactl", "--prefix", "ctl-"],
        &["mcp", "--prefix", "mcp-"],
        &["opensre", "--from", &other, "--prefix", "store-"],
    ];
    for source in sources {
        let arguments = [&["integrations", "import"], source].concat();
        let first = world.run(&arguments).exits(0);
        assert!(first.stderr.contains("added "), "{source:?}: {}", first.stderr);
        let before = world.read_store();
        let second = world.run(&arguments).exits(0);
        assert!(second.stderr.ends_with("nothing to do\n"), "{source:?}: {}\n{}", second.stderr, second.stdout);
        assert_eq!(before, world.read_store(), "{source:?}");
        let updated = world.run([&arguments[..], &["--update"]].concat()).exits(0);
        assert!(updated.stderr.ends_with("nothing to do\n"), "{source:?}: {}\n{}", updated.stderr, updated.stdout);
        for ran in [first, second, updated] {
            assert!(!format!("{}{}", ran.stdout, ran.stderr).to_lowercase().contains("canary"), "{source:?}");
        }
        let copies = source[0] == "opensre";
        assert_eq!(before.to_string().to_lowercase().contains("canary"), copies, "{source:?}");
    }
    let mode = std::fs::metadata(world.store()).expect("a store").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_differs_is_kept_and_changed_only_when_somebody_says_so() {
    let world = home();
    world.write_store(&json!({"version": 2, "integrations": [
        {"id": "k", "service": "k8s", "status": "active", "instances": [
            {"name": "shop-prod", "tags": {"env": "live"}, "credentials": {"context": "shop-prod", "namespace": "mine"}},
            {"name": "mine", "tags": {}, "credentials": {"context": "mine"}}]},
    ]}));
    let only = ["integrations", "import", "kubeconfig", "--only", "shop-prod"];
    let before = world.read_store();
    let kept = world.run(only).exits(0);
    assert!(kept.stdout.contains("namespace   mine (there: payments)"), "{}", kept.stdout);
    assert!(kept.stdout.ends_with("1 differs and is kept (--update takes it over)\n"), "{}", kept.stdout);
    assert_eq!(before, world.read_store());

    let changed = world.run([&only[..], &["--update"]].concat()).exits(0);
    assert!(changed.stdout.contains("namespace    mine -> payments"), "{}", changed.stdout);
    let instances = &world.read_store()["integrations"][0]["instances"];
    assert_eq!(instances[0]["credentials"]["namespace"], "payments");
    assert_eq!((&instances[0]["tags"]["env"], &instances[1]["name"]), (&json!("live"), &json!("mine")));
}

#[test]
fn the_plan_as_json() {
    let world = home();
    let plan = world.json(["integrations", "import", "gcx", "--dry-run", "--format", "json"]);
    assert_eq!((&plan["dry_run"], &plan["written"]), (&json!(true), &json!(false)));
    assert_eq!(plan["plan"]["instances"][0]["instance"], "grafana/acme-prod");
    assert_eq!(plan["plan"]["instances"][0]["to_set"][0]["variable"], "OPENSRE_GRAFANA_ACME_PROD_API_KEY");
    assert_eq!(plan["plan"]["skipped"][0]["reason"], "its stack `nobody` is not in the file");
    let done = world.json(["--json", "integrations", "import", "gcx"]);
    assert_eq!(done["written"], true);
}

#[test]
fn what_is_not_there_or_not_right_is_told_with_a_way_on() {
    let world = World::new();
    let said = |arguments: &[&str], code: i32| {
        let ran = world.run([&["integrations", "import"], arguments].concat()).exits(code);
        assert!(ran.stdout.is_empty() && !world.store().exists());
        ran.stderr.replace(&world.folder().display().to_string(), "[HOME]")
    };
    assert_eq!(
        said(&["kubeconfig"], 3),
        "error: there is nothing to import: [HOME]/.kube/config does not exist\nhint: name the file with --from\n"
    );
    assert!(said(&["aws"], 3).contains("has neither config nor credentials"));
    assert!(said(&["mcp"], 3).contains("--from, such as .mcp.json"));
    assert!(said(&["opensre"], 2).contains("which store?"));
    assert!(said(&["env", "--from", "x"], 2).contains("--from does not fit"));
    assert!(said(&["aws", "--instance", "a/b"], 2).contains("--instance belongs to the source grafana"));
    assert!(said(&["holmes", "--from", "nowhere.yaml"], 2).contains("cannot read nowhere.yaml"));
    assert!(said(&["grafana"], 1).contains("no usable instance of grafana is configured"));
    world.write("broken.yaml", "toolsets:\n  a: [hunter2\n");
    let broken = said(&["holmes", "--from", "broken.yaml"], 2);
    assert!(broken.starts_with("error: cannot import broken.yaml: it is not valid YAML (line "), "{broken}");
    assert!(!broken.contains("hunter2"));
    world.write("odd.yaml", "contexts: {a: {}}");
    let ran = world.run(["integrations", "import", "gcx", "--from", "odd.yaml"]).exits(1);
    assert!(ran.stdout.contains("! context `a` (line 1): it has no `grafana`"), "{}", ran.stdout);
}

#[test]
fn a_misspelt_name_is_met_with_the_right_one() {
    let ran = home().run(["integrations", "import", "aws", "--only", "prod-readonyl"]).exits(2);
    assert_eq!(
        ran.stderr,
        "error: --only prod-readonyl: there is no such instance to import\nhint: did you mean `prod-readonly`?\n"
    );
}

#[test]
fn a_broken_store_is_never_written() {
    let world = home();
    world.write(".tracer/integrations.json", "{ not a store");
    let ran = world.run(["integrations", "import", "gcx"]).exits(1);
    assert!(ran.stderr.contains("is not changed"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(world.store()).expect("the file"), "{ not a store");
}

#[test]
fn no_plug_in_is_run() {
    let world = World::new();
    let mark = world.path("ran");
    let script = world.write("plug-in", &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let script = script.display();
    world.write(
        ".kube/config",
        &format!(
            "clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             users: [{{name: u, user: {{exec: {{command: '{script}', apiVersion: client.authentication.k8s.io/v1}}}}}}]\n\
             contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n"
        ),
    );
    world.write(".aws/config", &format!("[profile a]\ncredential_process = {script}\n"));
    world.write("mcp.json", &format!("{{\"mcpServers\": {{\"grafana\": {{\"command\": \"{script}\", \"args\": [\"mcp-grafana\"], \"env\": {{\"GRAFANA_URL\": \"https://a\"}}}}}}}}"));
    for source in [&["kubeconfig"][..], &["aws"], &["mcp", "--from", "mcp.json"]] {
        let ran = world.run([&["integrations", "import"], source].concat()).exits(0);
        assert!(ran.stderr.contains("added 1"), "{}", ran.stderr);
    }
    assert!(!mark.exists());
}

#[test]
fn the_data_sources_of_a_grafana_that_is_asked_with_its_own_token() {
    let lab = LabWorld::start("db-pool-exhausted");
    let before = lab.world.read_store();
    let arguments = ["integrations", "import", "grafana", "--instance", "grafana/us"];
    let ran = lab.world.run([&arguments[..], &["--dry-run"]].concat()).exits(0);
    insta::assert_snapshot!(ran.stdout);
    assert_eq!((before, lab.requests("grafana/eu")), (lab.world.read_store(), 0), "only the named one is asked");
    assert!(lab.requests("grafana/us") > 0);

    lab.world.run(arguments).exits(0);
    let listed = lab.world.json(["integrations", "list", "prometheus", "--json"]);
    assert_eq!(listed["instances"][0]["state"], "ready");
    let again = lab.world.run(arguments).exits(0);
    assert!(again.stderr.ends_with("nothing to do\n"), "{}{}", again.stdout, again.stderr);

    lab.status("us", 403);
    let refused = lab.world.run(arguments).exits(1);
    assert!(refused.stderr.starts_with("error: grafana/us: "), "{}", refused.stderr);
    lab.html_login("us");
    let refused = lab.world.run(arguments).exits(1);
    assert!(refused.stderr.starts_with("error: grafana/us: "), "{}", refused.stderr);
}

#[test]
fn a_grafana_that_is_not_who_it_must_be_is_not_asked() {
    let lab = LabWorld::start("db-pool-exhausted");
    lab.world.run(["integrations", "set", "grafana/us", "--expect", "org=Somebody Else"]).exits(0);
    let ran = lab.world.run(["integrations", "import", "grafana", "--instance", "grafana/us"]).exits(1);
    assert!(ran.stderr.contains("grafana/us is not asked"), "{}", ran.stderr);
}

#[test]
fn an_export_without_secrets_and_one_with_them() {
    let world = World::new();
    world.write_store(&serde_json::from_str::<Json>(&fixture("store-v2.jsonc")).expect("JSON"));
    let out = world.path("out.json").display().to_string();
    let ran = world.run(["integrations", "export", "--out", &out]).exits(0);
    assert!(ran.stdout.is_empty());
    assert!(ran.stderr.contains("OPENSRE_GRAFANA_PROD_API_KEY  api_key of grafana/prod"), "{}", ran.stderr);
    let text = std::fs::read_to_string(&out).expect("the export");
    assert!(!text.contains("canary") && text.contains("${env:OPENSRE_GRAFANA_PROD_API_KEY}"), "{text}");
    assert!(text.contains("@eu") && text.contains("requires_explicit"), "groups, rules and policies go along: {text}");
    assert_eq!(std::fs::metadata(&out).expect("a file").permissions().mode() & 0o777, 0o600);

    let refused = world.run(["integrations", "export", "--out", &out]).exits(2);
    assert!(refused.stderr.contains("not confirmed: Replace"), "{}", refused.stderr);
    world.run(["--yes", "integrations", "export", "--reveal", "--out", &out]).exits(0);
    assert!(std::fs::read_to_string(&out).expect("the export").contains("canary-v2-prod"));

    // It is a store again.
    let list = |store: &str| {
        let mut rows = world.json(["--store", store, "integrations", "list", "--json"])["instances"].clone();
        for row in rows.as_array_mut().expect("rows") {
            row["source"] = Json::Null;
        }
        rows
    };
    assert_eq!(list(&out), list(&world.store().display().to_string()));
}

#[test]
fn an_export_as_variables_works_in_another_shell() {
    let world = World::new();
    world.write_store(&serde_json::from_str::<Json>(&fixture("store-v2.jsonc")).expect("JSON"));
    let ran = world.run(["integrations", "export", "grafana", "--as", "dotenv"]).exits(0);
    assert!(!ran.stdout.contains("canary"));
    let other = World::new();
    let file =
        other.write("other.env", &format!("{}OPENSRE_GRAFANA_PROD_API_KEY=x\n", ran.stdout)).display().to_string();
    let listed = other.json(["--env-file", &file, "integrations", "list", "--json"]);
    let names: Vec<&str> =
        listed["instances"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["prod", "staging"]);

    let shell = world.run(["integrations", "export", "grafana/staging", "--as", "env"]).exits(0);
    assert!(shell.stdout.starts_with("export GRAFANA_INSTANCES='[{\"name\":\"staging\""), "{}", shell.stdout);
    assert!(!shell.stderr.contains("OPENSRE_"), "it has nothing but a reference: {}", shell.stderr);

    let nothing = World::new().run(["integrations", "export"]).exits(3);
    assert!(nothing.stderr.contains("nothing to export"));
    let unknown = world.run(["integrations", "export", "grafana/nope"]).exits(1);
    assert!(unknown.stderr.contains("there is no instance grafana/nope"), "{}", unknown.stderr);
}

#[test]
fn a_hundred_contexts_are_one_import() {
    let world = World::new();
    let mut contexts = String::from("clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\ncontexts:\n");
    contexts.extend((0..100).map(|number| format!("- {{name: prod-{number}, context: {{cluster: c}}}}\n")));
    world.write(".kube/config", &contexts);
    let ran = world.run(["integrations", "import", "kubeconfig"]).exits(0);
    assert!(ran.stdout.ends_with("\n100 to add\n"));
    let again = world.run(["integrations", "import", "kubeconfig"]).exits(0);
    assert!(again.stdout.ends_with("\n100 as they are\n"));
    assert_eq!(again.stdout.lines().filter(|line| line.is_empty()).count(), 2, "{}", again.stdout);
}
