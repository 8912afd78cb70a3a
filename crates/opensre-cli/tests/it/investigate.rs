//! `investigate` and `demo`, end to end over HTTP against simulators, and the report as a machine reads it.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

fn investigate(lab: &LabWorld, more: &[&str]) -> Json {
    let alert = lab.alert_file();
    lab.world.json(["investigate", "-i", &alert, "--format", "json"].iter().chain(more))
}

#[test]
fn the_demo_finds_the_bad_deploy_in_staging_and_leaves_prod_alone() {
    let lab = LabWorld::start("staging-bad-deploy");
    let report = investigate(&lab, &[]);
    assert_eq!(report["verdict"]["category"], "code_defect", "{:#}", report["verdict"]);
    assert_eq!(report["instances"][0]["instance"], "staging");
    assert_eq!(report["instances"][0]["step"], "hint");
    assert!(lab.requests("grafana/staging") > 5);
    assert_eq!(lab.requests("grafana/prod"), 0, "prod was asked");
}

#[test]
fn the_demo_command_does_the_same_with_nothing_set_up() {
    let world = World::new();
    let ran = world.run(["demo"]).exits(0);
    for words in ["VERDICT", "code defect", "grafana/staging", "not prod", "EVIDENCE"] {
        assert!(ran.stdout.contains(words), "{words}:\n{}", ran.stdout);
    }
    assert!(!world.store().exists(), "the demo must not touch the user's store");
}

#[test]
fn the_report_matches_its_published_schema_and_every_claim_has_its_evidence() {
    let lab = LabWorld::start("staging-bad-deploy");
    let report = investigate(&lab, &[]);
    let schema = World::new().json(["integrations", "schema", "report"]);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let ids: Vec<&str> =
        report["evidence"].as_array().expect("evidence").iter().filter_map(|item| item["id"].as_str()).collect();
    let hypotheses = report["hypotheses"].as_array().expect("hypotheses");
    let claims = hypotheses
        .iter()
        .flat_map(|hypothesis| ["for", "against"].map(|side| hypothesis[side].as_array().expect("claims")))
        .chain([report["claims"].as_array().expect("claims")])
        .flatten();
    for claim in claims {
        let evidence = claim["evidence"].as_array().expect("ids");
        assert!(!evidence.is_empty(), "{claim}");
        assert!(evidence.iter().all(|id| ids.contains(&id.as_str().expect("an id"))), "{claim}");
    }
    for item in report["evidence"].as_array().expect("evidence") {
        for key in ["service", "instance", "query", "summary"] {
            assert!(item[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {item}");
        }
        assert!(item["window"]["start"].is_string());
    }
}

#[test]
fn the_same_answers_give_the_same_report() {
    let lab = LabWorld::start_at("staging-bad-deploy", "2026-11-20T10:00:00Z");
    let one = without_timings(investigate(&lab, &["--now", "2026-11-20T10:00:00Z"]));
    let two = without_timings(investigate(&lab, &["--now", "2026-11-20T10:00:00Z"]));
    assert_eq!(one, two);
    assert_eq!(one["verdict"]["category"], "code_defect");
}

fn without_timings(mut report: Json) -> Json {
    report["timings"] = Json::Null;
    report
}

#[test]
fn an_old_alert_is_looked_at_in_its_own_time() {
    let lab = LabWorld::start_at("staging-bad-deploy", "2026-03-01T10:00:00Z");
    let report = investigate(&lab, &[]);
    assert!(report["window"]["end"].as_str().is_some_and(|end| end.starts_with("2026-03-01T")), "{}", report["window"]);
    assert_eq!(report["verdict"]["category"], "code_defect");
}

#[test]
fn the_command_line_chooses_before_the_hint_and_refuses_unknown_names() {
    let lab = LabWorld::start("staging-bad-deploy");
    let report = investigate(&lab, &["--instance", "grafana=prod"]);
    assert_eq!(report["instances"][0]["instance"], "prod");
    assert_eq!(report["instances"][0]["step"], "command_line");
    assert_eq!(lab.requests("grafana/staging"), 0);
    let alert = lab.alert_file();
    let ran = lab.world.run(["investigate", "-i", &alert, "--instance", "grafana=qa"]).exits(2);
    assert!(ran.stderr.contains("prod, staging"), "{}", ran.stderr);
    let both = investigate(&lab, &["--instance", "grafana=env in (prod, staging)"]);
    assert_eq!(both["instances"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_refused_back_end_is_a_gap_and_never_reads_as_healthy() {
    let lab = LabWorld::start("staging-bad-deploy");
    lab.status("staging", 403);
    let alert = lab.alert_file();
    let ran = lab.world.run(["investigate", "-i", &alert, "--format", "json"]).exits(5);
    let report: Json = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!(report["verdict"]["category"], "unknown");
    assert!(report["gaps"].as_array().expect("gaps").iter().any(|gap| gap["kind"] == "denied"), "{:#}", report["gaps"]);
}

#[test]
fn a_deadline_with_nothing_gathered_has_its_own_exit_code() {
    let lab = LabWorld::start("staging-bad-deploy");
    lab.slow("staging");
    let alert = lab.alert_file();
    let ran = lab.world.run(["investigate", "-i", &alert, "--deadline", "1s"]).exits(4);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn nothing_configured_and_bad_input_have_their_own_exit_codes() {
    let world = World::new();
    let ran = world.run(["investigate", "--text", "checkout is slow"]).exits(3);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    world.run(["investigate", "-i", "no-such-file.json"]).exits(2);
    world.run_with_input(["investigate", "-i", "-"], "  \n").exits(2);
    world.run(["investigate", "--text", " "]).exits(2);
}

#[test]
fn odd_payloads_are_investigated_all_the_same() {
    let lab = LabWorld::start("staging-bad-deploy");
    let mut alert = lab.alert();
    alert["alerts"][0]["startsAt"] = json!(1_795_524_711);
    alert["alerts"][0]["annotations"] = json!("a text where an object belongs");
    alert["commonLabels"]["severity"] = json!(null);
    alert["receiver"] = json!({"nested": ["wrong"]});
    alert["alerts"].as_array_mut().expect("alerts").push(json!("no object"));
    let report: Json = {
        let ran = lab.world.run_with_input(["investigate", "-i", "-", "--format", "json"], &alert.to_string()).exits(0);
        serde_json::from_str(&ran.stdout).expect("a report")
    };
    assert_eq!(report["instances"][0]["instance"], "staging");
    assert!(!report["warnings"].as_array().expect("warnings").is_empty());
}

#[test]
fn a_report_file_is_for_its_owner_only_and_standard_output_stays_empty() {
    use std::os::unix::fs::PermissionsExt;
    let lab = LabWorld::start("no-evidence");
    let alert = lab.alert_file();
    let ran = lab.world.run(["investigate", "-i", &alert, "--format", "markdown", "-o", "report.md"]).exits(0);
    assert_eq!(ran.stdout, "");
    let file = lab.world.path("report.md");
    assert!(std::fs::read_to_string(&file).expect("a report").starts_with("# "));
    assert_eq!(std::fs::metadata(&file).expect("a report").permissions().mode() & 0o777, 0o600);
}

#[test]
fn every_bundled_scenario_gets_the_verdict_that_it_was_written_for() {
    let wrong: Vec<String> = opensre_lab::scenarios()
        .iter()
        .filter_map(|bundled| {
            let scenario = bundled.load().expect("a good scenario");
            let wanted = scenario.cause.category.word().to_owned();
            let lab = LabWorld::start_at(bundled.name, "2026-11-20T10:00:00Z");
            let verdict = investigate(&lab, &["--now", "2026-11-20T10:00:00Z"])["verdict"].clone();
            (verdict["category"] != wanted.as_str())
                .then(|| format!("{}: wanted {wanted}, got {verdict}", bundled.name))
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}
