//! Help, wrong flags, exit codes, streams.

use crate::support::World;

#[test]
fn help_shows_first_steps_and_every_command() {
    let ran = World::new().run(["--help"]).exits(0);
    for word in
        ["investigate", "integrations", "providers", "demo", "doctor", "completions", "First steps", "Exit codes"]
    {
        assert!(ran.stdout.contains(word), "{word} is missing:\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_wrong_flag_is_bad_input_and_says_so_on_standard_error() {
    let ran = World::new().run(["investigate", "--inptu", "x"]).exits(2);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("--input"), "{}", ran.stderr);
}

#[test]
fn words_that_stand_for_a_rule_are_checked() {
    let world = World::new();
    for arguments in [
        vec!["--precedence", "strongest", "integrations", "list"],
        vec!["investigate", "--text", "x", "--routing", "guess"],
        vec!["investigate", "--text", "x", "--deadline", "soon"],
        vec!["investigate", "--text", "x", "--now", "yesterday"],
        vec!["integrations", "list", "--format", "markdown"],
        vec!["integrations", "select", "grafana", "--tags", "env=="],
    ] {
        let ran = world.run(&arguments).exits(2);
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn a_misspelt_provider_is_answered_with_the_nearest() {
    let ran = World::new().run(["integrations", "add", "grafanna"]).exits(2);
    assert!(ran.stderr.contains("hint: did you mean `grafana`?"), "{}", ran.stderr);
}

#[test]
fn without_home_the_store_must_be_named() {
    let world = World::new();
    let output = world.command().env_remove("HOME").args(["integrations", "list"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("--store"), "{stderr}");
}

#[test]
fn an_env_file_is_read_only_when_named_and_the_process_wins() {
    let mut world = World::new();
    world.write(".env", "export PROMETHEUS_URL=http://from-file:9090\n");
    assert_eq!(world.json(["integrations", "list", "--json"])["instances"], serde_json::json!([]));
    let listed = world.json(["--env-file", ".env", "integrations", "show", "prometheus", "--json"]);
    assert_eq!(listed[0]["credentials"]["base_url"], "http://from-file:9090");
    world.variable("PROMETHEUS_URL", "http://from-process:9090");
    let listed = world.json(["--env-file", ".env", "integrations", "show", "prometheus", "--json"]);
    assert_eq!(listed[0]["credentials"]["base_url"], "http://from-process:9090");
}
