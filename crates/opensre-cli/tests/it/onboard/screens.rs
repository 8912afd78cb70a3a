//! The conversation in a real terminal, screen by screen. Screens are kept as they are in 80 columns and 24 lines; only
//! the simulators' ports are replaced.

use serde_json::json;

use super::terminal::Terminal;
use crate::support::{LabWorld, World};

const PROD: &str = "glsa_prodLab0000000000000000000000_1a2b3c4d";

/// Compares a screen with the kept one.
#[track_caller]
fn looks(name: &str, screen: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"127\.0\.0\.\d+:\d{5}", "[host:port]");
    settings.bind(|| insta::assert_snapshot!(name, screen));
}

fn store_of(world: &World) -> serde_json::Value {
    let text = std::fs::read_to_string(world.path("mine.json")).expect("a store");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_first_run_goes_from_the_list_to_the_route_of_a_sample_alert() {
    let lab = LabWorld::start("staging-bad-deploy");
    let terminal = Terminal::start(&lab.world, 80, 24, &["--store", "mine.json", "onboard"]);
    looks("list", &terminal.shows("[type to search"));
    terminal.text("graf");
    looks("search", &terminal.shows("set up? graf"));
    terminal.keys(&["Enter"]);
    looks("name", &terminal.asks("Name of this instance"));
    terminal.answer("Name of this instance", "prod");
    looks("tags", &terminal.asks("Tags"));
    terminal.text("en");
    terminal.shows("Tags: en");
    terminal.keys(&["Tab"]);
    terminal.shows("Tags: env=");
    terminal.answer("Tags", "prod, region=eu");
    terminal.try_answer("Grafana URL", "ftp://nowhere");
    let refused = terminal.shows("# Grafana URL must be");
    assert!(refused.contains("? Grafana URL: ftp://nowhere"), "{refused}");
    terminal.keys(&["C-u"]);
    terminal.answer("Grafana URL", &lab.credential("grafana", "prod", "endpoint"));
    looks("secret", &terminal.asks("Service account token"));
    terminal.answer("Service account token", "glsa_wrong");
    terminal.answer("Change rarely needed settings?", "");
    looks("probe-failed", &terminal.asks("grafana/prod did not pass."));

    terminal.answer("grafana/prod did not pass.", "");
    terminal.answer("Grafana URL", "");
    terminal.answer("Service account token [set]", PROD);
    terminal.answer("Change rarely needed settings?", "");
    terminal.answer("Save grafana/prod?", "");
    terminal.answer("Pin it to organisation prod?", "");
    terminal.answer("Add another instance of Grafana?", "y");

    terminal.try_answer("Name of this instance", "prod");
    terminal.shows("# there is an instance prod already");
    terminal.keys(&["C-u"]);
    terminal.answer("Name of this instance", "staging");
    looks("tags-of-the-second", &terminal.asks("Tags"));
    terminal.answer("Tags", "env=staging");
    terminal.answer("Grafana URL", &lab.credential("grafana", "staging", "endpoint"));
    terminal.answer("Service account token", "${env:GRAFANA_STAGING}");
    terminal.answer("Change rarely needed settings?", "");
    terminal.shows("variable GRAFANA_STAGING is not set");
    terminal.asks("grafana/staging did not pass.");
    terminal.keys(&["Down", "Down", "Enter"]);
    terminal.answer("Add another instance of Grafana?", "");
    terminal.answer("Set up another provider?", "");
    looks("end", &terminal.ends(0));

    let store = store_of(&lab.world);
    assert_eq!(
        store["integrations"][0]["instances"],
        json!([
            {"name": "prod", "tags": {"env": "prod", "region": "eu"},
             "credentials": {"endpoint": lab.credential("grafana", "prod", "endpoint"), "api_key": PROD}},
            {"name": "staging", "tags": {"env": "staging"},
             "credentials": {"endpoint": lab.credential("grafana", "staging", "endpoint"), "api_key": "${env:GRAFANA_STAGING}"}},
        ])
    );
    let recording = terminal.recording();
    assert!(recording.contains("********"), "the recording is empty:\n{recording}");
    assert!(!recording.contains("glsa_"), "a secret was on the screen");
}

#[test]
fn a_second_run_shows_what_is_there_and_keeps_the_secret_on_enter() {
    let lab = LabWorld::start("staging-bad-deploy");
    let before = std::fs::read(lab.world.store()).expect("a store");
    let terminal = Terminal::start(
        &lab.world,
        80,
        24,
        &["--store", ".tracer/integrations.json", "onboard", "--service", "grafana"],
    );
    looks("rerun-menu", &terminal.asks("Grafana has"));
    terminal.keys(&["Down", "Enter"]);
    terminal.answer("Name of this instance", "");
    terminal.answer("Tags", ", team=pay");
    terminal.answer("Grafana URL", "");
    looks("rerun-secret", &terminal.asks("Service account token [set]"));
    terminal.answer("Service account token [set]", "");
    terminal.answer("Change rarely needed settings?", "");
    looks("rerun-save", &terminal.asks("Save grafana/prod?"));
    assert_eq!(std::fs::read(lab.world.store()).expect("a store"), before, "nothing is written before the yes");
    terminal.answer("Save grafana/prod?", "");
    terminal.answer("Pin it to organisation prod?", "y");
    terminal.answer("Add another instance of Grafana?", "");
    terminal.answer("Set up another provider?", "");
    terminal.ends(0);
    let mut expected: serde_json::Value = serde_json::from_slice(&before).expect("JSON");
    expected["integrations"][0]["instances"][0]["tags"]["team"] = json!("pay");
    expected["integrations"][0]["instances"][0]["expect"] = json!({"organisation": "prod"});
    assert_eq!(lab.world.read_store(), expected, "and nothing else is changed");
    assert!(!terminal.recording().contains("glsa_"), "a secret was on the screen");
}

#[test]
fn labels_of_firing_alerts_are_suggested_as_tags() {
    let lab = LabWorld::start("node-disk-pressure");
    let terminal =
        Terminal::start(&lab.world, 80, 24, &["--store", ".tracer/integrations.json", "onboard", "--service", "redis"]);
    terminal.answer("Name of this instance", "");
    looks("tags-of-alerts", &terminal.asks("Tags"));
}

#[test]
fn any_of_all_providers_is_found_by_key_name_or_alias() {
    let world = World::new();
    for (typed, found) in
        [("valkey", "Redis, Valkey"), ("k8s", "Kubernetes"), ("eks", "AWS"), ("postgres", "PostgreSQL")]
    {
        let terminal = Terminal::start(&world, 80, 24, &["onboard"]);
        terminal.shows("[type to search");
        terminal.text(typed);
        terminal.shows(&format!("set up? {typed}"));
        terminal.keys(&["Enter"]);
        let screen = terminal.asks("Name of this instance");
        assert!(screen.contains(&format!("set up? {found}")), "{screen}");
    }
}

#[test]
fn alternatives_are_asked_as_one_and_lead_to_their_fields_only() {
    let world = World::new();
    let arguments =
        ["--store", "mine.json", "onboard", "--service", "argocd/main", "--tag", "env=prod", "--skip-verify"];
    let terminal = Terminal::start(&world, 80, 24, &arguments);
    terminal.answer("Argo CD URL", "http://argocd.example.net");
    looks("alternatives", &terminal.asks("How does opensre get into"));
    terminal.keys(&["Down", "Enter"]);
    terminal.answer("User name", "opensre");
    terminal.answer("Password", "hunter2");
    terminal.answer("Project", "");
    terminal.answer("Namespace of applications", "");
    terminal.answer("Change rarely needed settings?", "");
    let refused = terminal.shows("This cannot be used yet");
    assert!(refused.contains("must be https"), "{refused}");
    terminal.asks("Argo CD URL");
    terminal.keys(&["C-u"]);
    terminal.answer("Argo CD URL", "https://argocd.example.net");
    terminal.answer("How does opensre get into", "");
    terminal.answer("User name", "");
    terminal.answer("Password [set]", "");
    terminal.answer("Project", "");
    terminal.answer("Namespace of applications", "");
    terminal.answer("Change rarely needed settings?", "");
    terminal.answer("Save argocd/main?", "");
    terminal.asks("Add another");
    let expected = json!({"base_url": "https://argocd.example.net", "username": "opensre", "password": "hunter2"});
    assert_eq!(store_of(&world)["integrations"][0]["instances"][0]["credentials"], expected);
    assert!(!terminal.recording().contains("hunter2"));
}

#[test]
fn forty_columns_are_enough() {
    let world = World::new();
    let terminal = Terminal::start(&world, 40, 24, &["--store", "mine.json", "onboard", "--skip-verify"]);
    looks("forty-columns-list", &terminal.asks("What do you want"));
    terminal.text("prometheus");
    terminal.shows("? prometheus");
    terminal.keys(&["Enter"]);
    terminal.answer("Name of this instance", "eu");
    terminal.answer("Tags", "env=prod, region=eu-central-1, team=payments");
    terminal.answer("Prometheus URL", "https://prometheus.example.net/a/long/path/prefix");
    terminal.asks("How does opensre get into");
    terminal.keys(&["Up", "Enter"]);
    terminal.answer("Tenant", "");
    terminal.answer("Change rarely needed settings?", "");
    terminal.answer("Save prometheus/eu?", "");
    terminal.answer("Add another instance", "");
    terminal.answer("Set up another provider?", "");
    looks("forty-columns-end", &terminal.ends(0));
}

#[test]
fn without_colour_there_is_no_colour_and_with_it_there_is() {
    // Sequences that set colours or attributes end with `m`.
    let colours = |recording: &str| {
        recording.split("\u{1b}[").skip(1).any(|after| {
            let end = after.find(|character: char| !character.is_ascii_digit() && character != ';');
            end.is_some_and(|end| after[end..].starts_with('m'))
        })
    };
    let run = |world: &World, arguments: &[&str]| {
        let terminal = Terminal::start(world, 80, 24, arguments);
        terminal.answer("Name of this instance", "x");
        terminal.answer("Tags", "");
        terminal.asks("Prometheus URL");
        terminal.keys(&["C-c"]);
        terminal.ends(130);
        terminal.recording()
    };
    let world = World::new();
    assert!(colours(&run(&world, &["onboard", "--service", "prometheus"])));
    assert!(!colours(&run(&world, &["--no-color", "onboard", "--service", "prometheus"])));
    let mut world = World::new();
    world.variable("NO_COLOR", "1");
    assert!(!colours(&run(&world, &["onboard", "--service", "prometheus"])));
}

#[test]
fn a_terminal_that_can_only_print_lines_gets_lines() {
    let mut world = World::new();
    world.variable("TERM", "dumb");
    let terminal = Terminal::start(&world, 80, 40, &["--store", "mine.json", "onboard", "--skip-verify"]);
    terminal.shows("Number or part of a name");
    terminal.text("nothing like it");
    terminal.keys(&["Enter"]);
    terminal.shows("Nothing fits that.");
    terminal.text("alertmanager");
    terminal.keys(&["Enter"]);
    terminal.shows("Name of this instance [default]:");
    terminal.keys(&["Enter"]);
    terminal.shows("Tags:");
    terminal.text("env=prod");
    terminal.keys(&["Enter"]);
    terminal.shows("Alertmanager URL:");
    terminal.text("https://am.example.net");
    terminal.keys(&["Enter"]);
    terminal.shows("How does opensre get into");
    terminal.text("1");
    terminal.keys(&["Enter"]);
    terminal.shows("Bearer token (hidden):");
    terminal.text("hunter2");
    terminal.keys(&["Enter"]);
    terminal.shows("Change rarely needed settings? [y/N]:");
    terminal.keys(&["Enter"]);
    terminal.shows("Save alertmanager/default?");
    terminal.keys(&["Enter"]);
    terminal.shows("Add another instance of Alertmanager? [y/N]:");
    terminal.keys(&["Enter"]);
    terminal.shows("Set up another provider? [y/N]:");
    terminal.keys(&["Enter"]);
    terminal.ends(0);
    let credentials = json!({"base_url": "https://am.example.net", "bearer_token": "hunter2"});
    assert_eq!(store_of(&world)["integrations"][0]["instances"][0]["credentials"], credentials);
    let recording = terminal.recording();
    assert!(!recording.contains("hunter2"), "a secret was on the screen");
    // Two sequences are the test's own, which empties the screen before it starts.
    assert_eq!(recording.matches('\u{1b}').count(), 2, "control sequences on a dumb terminal: {recording:?}");
}

#[test]
fn what_variables_configure_already_is_told_before_it_is_hidden() {
    let mut world = World::new();
    world.variable("GRAFANA_INSTANCES", r#"[{"name": "e", "endpoint": "https://e.example", "api_key": "k"}]"#);
    let terminal = Terminal::start(&world, 80, 24, &["onboard", "--service", "grafana"]);
    let screen = terminal.asks("Name of this instance");
    assert!(screen.contains("GRAFANA_INSTANCES"), "{screen}");
    assert!(screen.contains("integrations import env"), "{screen}");
}

#[test]
fn add_in_a_terminal_asks_only_what_its_flags_leave_open() {
    let lab = LabWorld::start("staging-bad-deploy");
    let endpoint = format!("endpoint={}", lab.credential("grafana", "prod", "endpoint"));
    let arguments =
        ["--store", "mine.json", "integrations", "add", "grafana/prod", "--tag", "env=prod", "--set", &endpoint];
    let terminal = Terminal::start(&lab.world, 80, 24, &arguments);
    terminal.answer("Service account token", PROD);
    terminal.answer("Change rarely needed settings?", "");
    terminal.answer("Save grafana/prod?", "");
    terminal.answer("Pin it to organisation prod?", "");
    terminal.answer("Add another instance of Grafana?", "");
    looks("add", &terminal.ends(0));
    assert_eq!(store_of(&lab.world)["integrations"][0]["instances"][0]["credentials"]["api_key"], PROD);
}
