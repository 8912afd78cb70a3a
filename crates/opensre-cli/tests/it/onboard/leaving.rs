//! Leaving: Ctrl-C at every question, Esc, stores that cannot be written, and what is removed only after a yes.

use serde_json::json;

use super::terminal::Terminal;
use crate::support::{LabWorld, World};

fn with_store() -> World {
    let world = World::new();
    world.write_store(&json!({"version": 2, "kept": true, "integrations": [
        {"id": "p", "service": "prometheus", "status": "active", "instances": [
            {"name": "one", "tags": {"env": "prod"}, "credentials": {"base_url": "https://one.example", "bearer_token": "hunter2"}},
            {"name": "two", "tags": {}, "credentials": {"base_url": "https://two.example"}}]}]}));
    world
}

/// The questions of a new instance, each with the keys that answer it.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("What do you want to set up?", &["Enter"]),
    ("Prometheus has 2 instances", &["Enter"]),
    ("Name of this instance", &["x", "Enter"]),
    ("Tags", &["Enter"]),
    ("Prometheus URL", &["http://x", "Enter"]),
    ("How does opensre get into", &["Enter"]),
    ("Bearer token", &["y", "Enter"]),
    ("Tenant", &["Enter"]),
    ("Change rarely needed settings?", &["y", "Enter"]),
    ("More HTTP headers", &["Enter"]),
    ("Verify the server's TLS certificate", &["Enter"]),
    ("Path of a CA bundle", &["Enter"]),
    ("Save prometheus/x?", &["Enter"]),
];

#[test]
fn ctrl_c_at_any_question_leaves_the_store_to_the_byte() {
    let world = with_store();
    let before = std::fs::read(world.store()).expect("a store");
    for last in 0..QUESTIONS.len() {
        let terminal = Terminal::start(&world, 80, 24, &["onboard", "--skip-verify"]);
        for (question, keys) in &QUESTIONS[..last] {
            terminal.asks(question);
            terminal.keys(keys);
            terminal.gone(question);
        }
        terminal.asks(QUESTIONS[last].0);
        terminal.keys(&["C-c"]);
        let screen = terminal.ends(130);
        assert!(screen.contains("interrupted; nothing was changed"), "{screen}");
        assert_eq!(std::fs::read(world.store()).expect("a store"), before, "at {}", QUESTIONS[last].0);
    }
}

#[test]
fn ctrl_c_after_a_save_keeps_what_was_saved_and_says_so() {
    let world = with_store();
    let terminal = Terminal::start(&world, 80, 24, &["onboard", "--skip-verify"]);
    for (question, keys) in QUESTIONS {
        terminal.asks(question);
        terminal.keys(keys);
        terminal.gone(question);
    }
    terminal.asks("Add another instance of Prometheus?");
    terminal.keys(&["C-c"]);
    let screen = terminal.ends(130);
    assert!(screen.contains("interrupted; saved before: prometheus/x"), "{screen}");
    assert_eq!(world.read_store()["integrations"][0]["instances"].as_array().map(Vec::len), Some(3));
}

#[test]
fn ctrl_c_during_the_proof_ends_the_program_and_saves_nothing() {
    let lab = LabWorld::start("staging-bad-deploy");
    lab.slow("prod");
    let endpoint = format!("endpoint={}", lab.credential("grafana", "prod", "endpoint"));
    let arguments =
        ["--store", "mine.json", "onboard", "--service", "grafana/prod", "--tag", "env=prod", "--set", &endpoint];
    let terminal = Terminal::start(&lab.world, 80, 24, &arguments);
    terminal.answer("Service account token", "x");
    terminal.answer("Change rarely needed settings?", "");
    terminal.shows("Proving grafana/prod");
    terminal.keys(&["C-c"]);
    terminal.ends(130);
    assert!(!lab.world.path("mine.json").exists());
}

#[test]
fn esc_goes_back_one_question_and_at_the_list_ends_without_a_change() {
    let world = with_store();
    let before = std::fs::read(world.store()).expect("a store");
    let terminal = Terminal::start(&world, 80, 24, &["onboard", "--skip-verify"]);
    for (question, keys) in &QUESTIONS[..4] {
        terminal.asks(question);
        terminal.keys(keys);
        terminal.gone(question);
    }
    terminal.asks("Prometheus URL");
    for back_to in
        ["? Tags", "? Name of this instance: x", "? Prometheus has 2 instances", "? What do you want to set up?"]
    {
        terminal.keys(&["Escape"]);
        if back_to.contains("has 2") {
            // Esc at the first question of an instance leaves it; the list comes again.
            continue;
        }
        let screen = terminal.shows(back_to);
        let last = screen.lines().rfind(|line| line.starts_with("? ")).unwrap_or_default();
        assert!(last.starts_with(back_to), "{screen}");
    }
    terminal.keys(&["Escape"]);
    let screen = terminal.ends(0);
    assert!(screen.contains("Nothing was changed."), "{screen}");
    assert_eq!(std::fs::read(world.store()).expect("a store"), before);
}

#[test]
fn removing_asks_and_no_is_the_answer_of_enter() {
    let world = with_store();
    let before = world.read_store();
    let terminal = Terminal::start(&world, 80, 24, &["onboard", "--service", "prometheus", "--skip-verify"]);
    terminal.asks("Prometheus has 2 instances");
    terminal.keys(&["Down", "Down", "Down", "Enter"]);
    terminal.asks("Remove which?");
    terminal.keys(&["Down", "Enter"]);
    terminal.answer("Remove prometheus/two and its credentials", "");
    terminal.shows("Nothing was removed.");
    assert_eq!(world.read_store(), before);
    terminal.asks("Prometheus has 2 instances");
    terminal.keys(&["Down", "Down", "Down", "Enter"]);
    terminal.asks("Remove which?");
    terminal.keys(&["Down", "Enter"]);
    terminal.answer("Remove prometheus/two and its credentials", "y");
    terminal.shows("Removed prometheus/two.");
    let mut expected = before;
    expected["integrations"][0]["instances"].as_array_mut().expect("instances").remove(1);
    assert_eq!(world.read_store(), expected);
}

#[test]
fn a_store_that_could_not_be_written_is_refused_before_the_first_question() {
    for text in ["{broken", r#"{"version": 3, "integrations": []}"#, "[]", ""] {
        let world = World::new();
        world.write(".tracer/integrations.json", text);
        let terminal = Terminal::start(&world, 80, 24, &["onboard"]);
        let screen = terminal.ends(1);
        assert!(screen.contains("is not changed") && screen.contains("hint: "), "{screen}");
        assert!(!screen.contains("? "), "a question was asked:\n{screen}");
        let names = std::fs::read_dir(world.path(".tracer")).expect("a folder").count();
        assert_eq!(names, 1, "nothing is made beside it");
        assert_eq!(std::fs::read_to_string(world.store()).expect("a store"), text);
    }
}

#[test]
fn ctrl_u_clears_a_hidden_secret_and_types_no_letter() {
    let world = World::new();
    let arguments = [
        "--store",
        "mine.json",
        "onboard",
        "--service",
        "opensearch/x",
        "--set",
        "url=https://s.example",
        "--tag",
        "a=b",
        "--skip-verify",
    ];
    let terminal = Terminal::start(&world, 80, 24, &arguments);
    terminal.asks("How does opensre get into");
    terminal.keys(&["Enter"]);
    terminal.asks("API key");
    terminal.text("mistyped");
    terminal.shows("********");
    terminal.keys(&["C-u", "C-x"]);
    terminal.text("right");
    terminal.keys(&["Enter"]);
    terminal.answer("Index pattern", "");
    terminal.answer("Change rarely needed settings?", "");
    terminal.answer("Save opensearch/x?", "");
    terminal.asks("Add another");
    let store: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(world.path("mine.json")).expect("a store")).expect("JSON");
    assert_eq!(store["integrations"][0]["instances"][0]["credentials"]["api_key"], "right");
}
