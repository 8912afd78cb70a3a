//! Shell completion, in the shells themselves: the scripts that `opensre completions` prints, run by bash, zsh and
//! fish against a store.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::World;

/// A home with two Grafanas and a Slack.
fn world() -> World {
    let world = World::new();
    let grafana = |name: &str, region: &str| {
        json!({"name": name, "tags": {"env": name, "region": region},
               "credentials": {"endpoint": format!("https://{name}.grafana.net"), "api_key": "glsa_canary"}})
    };
    world.write_store(&json!({"version": 2, "integrations": [
        {"id": "g", "service": "grafana", "status": "active", "instances": [grafana("prod", "eu"), grafana("staging", "us")]},
        {"id": "s", "service": "slack", "status": "active", "instances": [
            {"name": "ops", "credentials": {"webhook_url": "https://hooks.slack.com/services/T/B/canary"}}]},
    ], "groups": [{"name": "@eu", "select": "region=eu"}]}));
    world
}

/// Runs a shell in the world, with the built program as `opensre`; what it prints, and nothing on standard error.
fn shell(world: &World, program: &str, arguments: &[&str], script: &str) -> String {
    let binary = assert_cmd::cargo::cargo_bin("opensre");
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("a folder").display());
    let file = world.write("script", script);
    let output = Command::new(program)
        .args(arguments)
        .arg(file)
        .env_clear()
        .env("HOME", world.folder())
        .env("LANG", "C.UTF-8")
        .env("PATH", path)
        .current_dir(world.folder())
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}): run `cargo xtask setup`"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What bash offers for lines, each written up to the cursor: words cut as its readline cuts them.
fn bash(world: &World, lines: &[&str]) -> Vec<String> {
    let mut script = "source <(opensre completions bash)\n".to_owned();
    for line in lines {
        let cut: Vec<&str> = line.split([' ', '=', ':']).collect();
        let last = cut.last().copied().unwrap_or_default();
        let _ = writeln!(
            script,
            "COMP_LINE='{line}' COMP_POINT={} COMP_CWORD=1 COMP_WORDS=(opensre x) COMPREPLY=()\n_opensre opensre '{last}' x\n\
             (IFS='|'; printf '%s\\n' \"${{COMPREPLY[*]}}\")",
            line.len()
        );
    }
    shell(world, "bash", &["--norc"], &script).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_what_is_configured() {
    let world = world();
    let cases = [
        ("opensre inv", "investigate "),
        ("opensre integrations show ", "grafana|slack|grafana/prod|grafana/staging|slack/ops|@eu"),
        ("opensre integrations show grafana/s", "grafana/staging "),
        ("opensre integrations verify slack/", "slack/ops "),
        ("opensre integrations list gr", "grafana "),
        ("opensre integrations add grafana_", "grafana_local "),
        ("opensre integrations add loki --secret-stdin ", "bearer_token|password"),
        ("opensre integrations add loki --set user", "username="),
        ("opensre integrations set grafana/prod end", "endpoint="),
        ("opensre integrations select grafana --name ", "prod|staging"),
        ("opensre integrations tag grafana/prod region=", "eu|us"),
        ("opensre query grafana/prod tr", "traces|trace"),
        ("opensre query grafana/prod logs --input ", "labels="),
        ("opensre investigate --instance ", "grafana=|slack="),
        ("opensre investigate --instance grafana=", "prod|staging|@eu|env=|region="),
        ("opensre route alert.json --instance grafana=@", "@eu "),
        ("opensre integrations verify @", "@eu "),
        ("opensre onboard --service loki --set user", "username="),
        ("opensre onboard --route-from u", "urls "),
        ("opensre integrations group remove ", "@eu "),
        ("opensre integrations rule add team=pay --use grafana=p", "prod "),
        ("opensre route alert.json --on-unknown ", "default|skip|fail"),
        ("opensre integrations import grafana --instance graf", "grafana|grafana/prod|grafana/staging"),
        ("opensre investigate --instance=grafana=st", "staging "),
        ("opensre investigate --instance grafana=env=st", "staging "),
        ("opensre investigate --deliver ", "slack/ops "),
        ("opensre providers show vic", "victoriametrics "),
        ("opensre demo resolved", "resolved-flap "),
        ("opensre --precedence m", "merge "),
        ("opensre integrations verify --time", "--timeout "),
        ("VERBOSE=1 opensre integrations verify gra", "grafana|grafana/prod|grafana/staging"),
    ];
    let (lines, wanted): (Vec<&str>, Vec<&str>) = cases.into_iter().unzip();
    let offered = bash(&world, &lines);
    let offered: Vec<(&str, &str)> = lines.iter().copied().zip(offered.iter().map(String::as_str)).collect();
    assert_eq!(offered, lines.iter().copied().zip(wanted).collect::<Vec<_>>());
}

#[test]
fn bash_completes_from_the_store_that_the_line_names() {
    let world = world();
    world.write(
        "other store.json",
        r#"{"version":2,"integrations":[{"id":"l","service":"loki","status":"active",
        "instances":[{"name":"eu one","credentials":{"base_url":"https://loki.example"}}]}]}"#,
    );
    let lines = [r#"opensre --store "other store.json" integrations show loki/"#];
    assert_eq!(bash(&world, &lines), [r"loki/eu\ one "]);
}

#[test]
fn zsh_completes_what_is_configured() {
    let world = world();
    // `compadd` needs a line editor; here it prints what it is told to add.
    let script = r#"
function compdef { }
source <(opensre completions zsh)
function compadd {
    local ending=' '
    while [[ $1 == -* ]]; do case $1 in -S) ending=$2; shift 2;; -d) shift 2;; -a) shift;; *) shift;; esac; done
    printf "%s$ending|" "${(@P)1}"
}
function offer { words=("$@") CURRENT=$#; _opensre; print }
offer opensre integrations show grafana/
offer opensre investigate --instance grafana=
offer opensre query grafana/prod ann
"#;
    assert_eq!(
        shell(&world, "zsh", &["-f"], script),
        "grafana/prod |grafana/staging |\ngrafana=env=|grafana=region=|grafana=prod |grafana=staging |grafana=@eu |\nannotations |\n"
    );
}

#[test]
fn fish_completes_what_is_configured() {
    let world = world();
    let script = "opensre completions fish | source\n\
                  complete --do-complete 'opensre integrations show grafana/'\n\
                  complete --do-complete 'opensre query grafana/prod ann'\n";
    insta::assert_snapshot!(shell(&world, "fish", &["--no-config"], script), @r"
    grafana/prod	env=prod,region=eu
    grafana/staging	env=staging,region=us
    annotations	deployments, changes and alerts that somebody or something wrote down as annotations
    ");
}

#[test]
fn completing_changes_nothing_and_says_no_secret() {
    let world = World::new();
    world.write_store(&json!({"version": 1, "integrations": [{"id": "g", "service": "grafana", "status": "active",
        "credentials": {"endpoint": "https://g.example", "api_key": "glsa_canary"}}]}));
    let before = (std::fs::read(world.store()).expect("a store"), names(world.store().parent().expect("a folder")));
    let ran = world.run(["__complete", "zsh", "--", "opensre", "integrations", "show", ""]).exits(0);
    assert!(ran.stdout.contains("grafana/default"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("canary") && ran.stderr.is_empty());
    assert_eq!(
        (std::fs::read(world.store()).expect("a store"), names(world.store().parent().expect("a folder"))),
        before
    );
}

#[test]
fn a_broken_store_completes_what_needs_none_without_a_word() {
    let world = World::new();
    world.write(".tracer/integrations.json", "{ broken");
    let ran = world.run(["__complete", "fish", "--", "opensre", "integrations", "show", ""]).exits(0);
    assert_eq!((ran.stdout.contains("grafana/"), ran.stderr.as_str()), (false, ""));
    let ran = world.run(["__complete", "fish", "--", "opensre", "integrations", "add", "lok"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("loki\tLoki\n", ""));
}

#[test]
fn other_shells_get_a_script_of_commands_and_options() {
    for (shell, words) in [("powershell", "Register-ArgumentCompleter"), ("elvish", "edit:completion")] {
        let ran = World::new().run(["completions", shell]).exits(0);
        assert!(ran.stdout.contains(words), "{shell}");
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}
