//! Text, Markdown and JSON of one report.

use opensre_report::text::{TextOptions, render};
use opensre_report::{json, markdown};

use crate::sample;

const PLAIN: TextOptions = TextOptions { color: false, width: 80, unicode: true };

#[test]
fn text_reads_well_without_colour_in_80_columns() {
    let text = render(&sample::report(), PLAIN);
    insta::assert_snapshot!("text", text);
    // Only what must stay in one piece to be copied may be wider.
    for line in text.lines().filter(|line| line.chars().count() > 80) {
        assert!(line.contains("://"), "too wide: {line}");
    }
}

#[test]
fn markdown_reads_well() {
    insta::assert_snapshot!("markdown", markdown::render(&sample::report()));
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let coloured = render(&sample::report(), TextOptions { color: true, ..PLAIN });
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    // Links stand behind a word in colour and in full without.
    let words =
        |text: &str| -> Vec<String> { text.lines().filter(|line| !line.contains("open")).map(str::to_owned).collect() };
    assert_eq!(words(&stripped), words(&render(&sample::report(), PLAIN)));
}

#[test]
fn no_face_lets_a_back_end_steer_the_terminal_or_the_page() {
    let report = sample::report();
    assert!(!render(&report, PLAIN).contains('\u{1b}'));
    let page = markdown::render(&report);
    assert!(!page.contains('\u{1b}'));
    assert!(page.contains("`` java.lang") || page.contains("``java.lang"), "code with backticks needs a longer fence");
}

#[test]
fn json_matches_its_published_schema() {
    let schema = json::schema();
    let instance: serde_json::Value =
        serde_json::from_str(&json::render(&sample::report()).expect("a report serialises")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let errors: Vec<String> = validator.iter_errors(&instance).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    // The names that the issue promises to machines.
    for key in [
        "schema",
        "alert",
        "window",
        "instances",
        "verdict",
        "claims",
        "hypotheses",
        "causal_chain",
        "evidence",
        "gaps",
        "next_steps",
        "timings",
    ] {
        assert!(instance.get(key).is_some(), "{key} is missing");
    }
    assert!(instance["hypotheses"][0]["for"].is_array());
}

#[test]
fn a_link_too_long_to_be_read_is_left_to_the_other_faces() {
    let mut report = sample::report();
    let long = format!("https://staging.example.net/explore?panes={}", "x".repeat(400));
    report.evidence[0].link = Some(long.clone());
    let text = render(&report, PLAIN);
    assert!(!text.contains(&long) && text.contains("--format markdown"), "{text}");
    let coloured = render(&report, TextOptions { color: true, ..PLAIN });
    assert!(coloured.contains(&format!("\u{1b}]8;;{long}\u{1b}\\open in a browser")), "{coloured}");
    assert!(markdown::render(&report).contains(&long));
}
