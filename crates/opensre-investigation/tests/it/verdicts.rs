//! When nothing is wrong, when nothing can be said, and what is ruled out.

use opensre_investigation::{Diagnosis, diagnose};
use opensre_model::alert::AlertState;
use opensre_model::evidence::{EventKind, Evidence, EvidenceData, GapKind, Meaning};
use opensre_model::report::{Category, HypothesisStatus};
use proptest::prelude::*;

use crate::world::{World, labels};

fn world(seed: u64) -> World {
    World::new("HighErrorRate", "checkout", seed)
}

/// Error ratio at `usual`, at `bad` between two minutes; also as the alert's own expression.
fn errors(world: &mut World, bad: f64, from: i64, until: Option<i64>) {
    let own = world.own();
    let points = world.step(0.003, bad, from, until);
    world.condition(0.05, points.clone());
    world.metric(Meaning::Errors, "ratio", own, points);
}

fn ruled_out<'a>(found: &'a Diagnosis, words: &str) -> Vec<&'a opensre_model::report::Hypothesis> {
    found
        .hypotheses
        .iter()
        .filter(|one| one.status == HypothesisStatus::RuledOut && one.title.contains(words))
        .collect()
}

#[test]
fn without_evidence_nothing_is_said() {
    for state in [AlertState::Firing, AlertState::Resolved, AlertState::Unknown] {
        let mut world = world(1);
        world.alert.state = state;
        world.gap("logs.related", GapKind::Denied);
        let found = world.diagnose();
        assert_eq!(found.verdict.category, Category::Unknown);
        assert!(found.verdict.confidence < 0.05);
        assert!(found.claims.is_empty());
        assert!(found.next_steps.iter().any(|step| step.contains("permission")), "{:?}", found.next_steps);
    }
}

#[test]
fn a_condition_that_came_back_to_normal_is_healthy() {
    let mut world = world(2);
    errors(&mut world, 0.4, -2, Some(10));
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Healthy, "{found:#?}");
    assert!(found.verdict.root_cause.contains("any more"), "{}", found.verdict.root_cause);
    assert!(found.verdict.confidence >= 0.75);
    assert!(!found.claims.is_empty());
}

#[test]
fn a_condition_that_never_held_is_healthy() {
    let mut world = world(3);
    errors(&mut world, 0.003, 0, None);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Healthy, "{found:#?}");
}

#[test]
fn an_expression_that_filters_answers_nothing_while_it_is_false() {
    let mut world = world(3);
    world.add(
        "alert-rule",
        "sum(rate(http_requests_total{code=~\"5..\"}[5m])) > 0.05",
        EvidenceData::Metrics { meaning: Meaning::AlertCondition, unit: None, threshold: None, series: Vec::new() },
    );
    assert_eq!(world.diagnose().verdict.category, Category::Healthy);
    // A selector with a comparison in it compares nothing.
    world.evidence[0].origin.query = "sum(rate(http_requests_total{path=\"a>b\"}[5m]))".to_owned();
    assert_eq!(world.diagnose().verdict.category, Category::Unknown);
}

#[test]
fn a_resolved_alert_whose_cause_was_seen_is_healthy_and_tells_it() {
    let mut world = world(4);
    world.alert.state = AlertState::Resolved;
    world.alert.ends_at = Some(world.at(12));
    errors(&mut world, 0.4, -2, Some(10));
    let lines = world
        .repeated(-2, 10, 3, Some("error"), |_| "dial tcp 10.96.14.7:5432: connect: connection refused".to_owned());
    let own = world.own();
    world.logs(own.clone(), lines);
    world.event(EventKind::Deploy, 8, "Rollback checkout to v1.9", own);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Healthy, "{found:#?}");
    assert!(found.verdict.root_cause.contains("10.96.14.7:5432"), "{}", found.verdict.root_cause);
    assert!(found.verdict.root_cause.contains("Rollback checkout"), "{}", found.verdict.root_cause);
}

#[test]
fn a_resolved_alert_whose_trouble_goes_on_is_not_healthy() {
    let mut world = world(5);
    world.alert.state = AlertState::Resolved;
    errors(&mut world, 0.4, -2, None);
    let lines = world
        .repeated(-2, 30, 3, Some("error"), |_| "dial tcp 10.96.14.7:5432: connect: connection refused".to_owned());
    let own = world.own();
    world.logs(own, lines);
    assert_eq!(world.diagnose().verdict.category, Category::DependencyFailure);
}

#[test]
fn a_failed_call_is_not_silence() {
    let mut world = world(6);
    let own = world.own();
    world.logs(own, Vec::new());
    world.gap("metrics.related", GapKind::Failed);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown, "{found:#?}");
    assert!(found.verdict.root_cause.contains("failed"), "{}", found.verdict.root_cause);
}

#[test]
fn failed_calls_lower_the_confidence() {
    let mut heard = world(2);
    errors(&mut heard, 0.4, -2, Some(10));
    let sure = heard.diagnose().verdict;
    heard.gap("logs.related", GapKind::Denied);
    heard.gap("traces.search", GapKind::Deadline);
    let unsure = heard.diagnose().verdict;
    assert_eq!(unsure.category, Category::Healthy);
    assert!(unsure.confidence < sure.confidence - 0.1, "{} and {}", unsure.confidence, sure.confidence);
    // What is not asked on purpose hides nothing.
    let mut skipped = world(2);
    errors(&mut skipped, 0.4, -2, Some(10));
    skipped.gap("logs.related", GapKind::NotRelevant);
    skipped.gap("traces.search", GapKind::NotSupported);
    assert!((skipped.diagnose().verdict.confidence - sure.confidence).abs() < 1e-9);
}

#[test]
fn errors_without_any_reason_are_unknown() {
    let mut world = world(7);
    errors(&mut world, 0.4, -2, None);
    let own = world.own();
    world.logs(own, Vec::new());
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown, "{found:#?}");
    assert!(found.verdict.confidence <= 0.3);
    assert!(!found.claims.is_empty(), "what was seen is told all the same");
}

#[test]
fn a_deployment_after_the_onset_cannot_be_the_cause() {
    let mut world = world(8);
    errors(&mut world, 0.4, -5, None);
    let own = world.own();
    world.event(EventKind::Deploy, 6, "Deploy checkout v2.0.0", own);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown, "{found:#?}");
    let out = ruled_out(&found, "checkout v2.0.0");
    assert_eq!(out.len(), 1, "{found:#?}");
    assert!(out[0].against[0].text.contains("after the trouble began"), "{:?}", out[0].against);
}

#[test]
fn another_services_deployment_is_ruled_out_with_its_name() {
    let mut world = world(9);
    errors(&mut world, 0.4, -2, None);
    world.event(EventKind::Deploy, -4, "Deploy newsletter v4.2", labels(&[("service", "newsletter")]));
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown);
    let out = ruled_out(&found, "newsletter");
    assert!(out[0].against[0].text.contains("it is about newsletter"), "{:?}", out[0].against);
}

#[test]
fn another_services_deployment_is_known_by_its_title_too() {
    let mut world = world(9);
    errors(&mut world, 0.4, -2, None);
    world.event(EventKind::Deploy, -4, "Deployed newsletter-sender 4.2.0", labels(&[("deploy", ""), ("ci", "")]));
    let found = world.diagnose();
    assert_eq!(ruled_out(&found, "newsletter-sender").len(), 1, "{found:#?}");
}

#[test]
fn a_deployment_that_changed_nothing_is_no_cause() {
    let mut world = world(10);
    // The trouble is on the other side, and goes on as it was.
    let own = world.own();
    world.event(EventKind::Deploy, -5, "Deploy checkout v2.0.0", own.clone());
    let points = world.step(120.0, 120.0, 0, None);
    world.metric(Meaning::Traffic, "per_second", own, points);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown, "{found:#?}");
}

#[test]
fn what_was_logged_before_as_well_is_ruled_out() {
    let mut world = world(11);
    errors(&mut world, 0.4, -2, None);
    let lines = world.repeated(-90, 30, 2, Some("error"), |salt| {
        format!("request {salt:x}: dial tcp 10.0.0.9:6379: connect: connection refused")
    });
    let own = world.own();
    world.logs(own, lines);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Unknown, "{found:#?}");
    let out = found.hypotheses.iter().find(|one| one.status == HypothesisStatus::RuledOut).expect("one ruled out");
    assert!(out.against[0].text.contains("as often as always"), "{:?}", out.against);
}

#[test]
fn a_burst_of_what_was_rare_is_a_symptom() {
    let mut world = world(12);
    errors(&mut world, 0.4, -1, None);
    let mut lines = world.repeated(-90, -60, 1, Some("error"), |_| "call to ledger timed out after 900 ms".to_owned());
    lines.retain(|(time, ..)| time.as_second() % 5 == 0);
    lines.extend(world.repeated(-1, 30, 20, Some("error"), |_| "call to ledger timed out after 900 ms".to_owned()));
    let own = world.own();
    world.logs(own, lines);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::DependencyFailure, "{found:#?}");
    assert!(found.claims.iter().any(|claim| claim.text.contains("times as often as before")), "{:?}", found.claims);
}

#[test]
fn cut_lines_without_a_baseline_are_not_called_new() {
    let mut world = world(13);
    errors(&mut world, 0.4, -1, None);
    let own = world.own();
    let lines = world.repeated(20, 30, 30, Some("error"), |_| "call to ledger timed out after 900 ms".to_owned());
    world.logs(own, lines);
    // Only the newest lines are left.
    let from = world.at(20);
    let last = world.evidence.last_mut().expect("logs");
    last.truncated = Some("the newest 300 lines of more".to_owned());
    let EvidenceData::Logs { lines } = &mut last.data else { panic!("logs") };
    lines.retain(|line| line.time >= from);
    let found = world.diagnose();
    assert!(found.notes.iter().any(|note| note.contains("were cut")), "{found:#?}");
    assert!(!found.claims.iter().any(|claim| claim.text.contains("new in the window")), "{:?}", found.claims);
    assert!(found.claims.iter().any(|claim| claim.text.contains("cannot be told")), "{:?}", found.claims);
}

#[test]
fn a_single_odd_line_in_a_quiet_service_is_no_verdict() {
    let mut world = world(14);
    let own = world.own();
    let lines = world.repeated(2, 3, 1, Some("error"), |_| "ValueError: bad cursor".to_owned());
    world.logs(own.clone(), lines);
    let points = world.points(|_, dice| if dice.chance(0.02) { 0.01 } else { 0.0 });
    world.metric(Meaning::Errors, "per_second", own, points);
    let found = world.diagnose();
    assert!(matches!(found.verdict.category, Category::Unknown | Category::Healthy), "{found:#?}");
}

#[test]
fn the_databases_full_disk_is_the_cause_of_its_clients_failures() {
    let mut world = world(15);
    errors(&mut world, 0.4, 0, None);
    let own = world.own();
    let refused = world.repeated(0, 30, 5, Some("error"), |_| {
        "could not connect to server: connection to server at \"orders-db\", port 5432 failed: Connection refused"
            .to_owned()
    });
    world.logs(own, refused);
    let full = world.repeated(-3, 30, 3, Some("fatal"), |salt| {
        format!("PANIC:  could not write to file \"pg_wal/xlogtemp.{}\": No space left on device", salt % 1000)
    });
    world.logs(labels(&[("service", "orders-db"), ("namespace", "shop"), ("env", "prod")]), full);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::ResourceExhaustion, "{found:#?}");
    assert!(found.verdict.root_cause.contains("orders-db"), "{}", found.verdict.root_cause);
    // The chain begins with the disk and ends with what the alert saw.
    let texts: Vec<&str> = found.causal_chain.iter().map(|step| step.text.as_str()).collect();
    assert!(texts.first().is_some_and(|text| text.contains("No space left")), "{texts:#?}");
    assert!(texts.last().is_some_and(|text| text.contains("the alert's condition")), "{texts:#?}");
}

#[test]
fn an_alert_in_plain_words_finds_its_service() {
    let mut world = world(16);
    errors(&mut world, 0.4, -2, None);
    world.evidence.remove(0);
    let lines = world.repeated(-2, 30, 3, Some("error"), |_| "java.lang.OutOfMemoryError: Java heap space".to_owned());
    let own = world.own();
    world.logs(own, lines);
    world.noise("newsletter");
    world.alert.labels.clear();
    world.alert.items.clear();
    world.alert.title = "checkout is throwing errors again".to_owned();
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::ResourceExhaustion, "{found:#?}");
}

#[test]
fn the_same_service_in_another_environment_is_another_service() {
    let mut world = world(17);
    errors(&mut world, 0.4, -2, None);
    let lines = world.repeated(-2, 30, 3, Some("error"), |_| "java.lang.OutOfMemoryError: Java heap space".to_owned());
    world.logs(labels(&[("service", "checkout"), ("namespace", "shop"), ("env", "staging")]), lines);
    assert_eq!(world.diagnose().verdict.category, Category::Unknown);
}

#[test]
fn many_things_down_at_once_are_the_infrastructure() {
    let mut world = world(18);
    errors(&mut world, 0.4, 0, None);
    for service in ["checkout", "search", "ledger", "newsletter"] {
        let start = world.at(-1);
        let up = world.points(|time, _| f64::from(time < start));
        world.metric(Meaning::Availability, "up", labels(&[("service", service), ("zone", "b")]), up);
    }
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Infrastructure, "{found:#?}");
}

#[test]
fn a_pod_that_is_killed_for_memory_is_told_by_its_state() {
    let mut world = world(19);
    errors(&mut world, 0.4, 0, None);
    world.state(
        "pod",
        "checkout-7d9f8b6c5-x2x4q",
        false,
        &[("reason", "OOMKilled"), ("exit_code", "137"), ("service", "checkout"), ("restarts", "4")],
    );
    assert_eq!(world.diagnose().verdict.category, Category::ResourceExhaustion);
}

#[test]
fn a_metric_that_the_alert_names_measures_its_condition() {
    let mut world = World::new("HighLatency", "checkout", 20);
    let own = world.own();
    let points = world.step(0.2, 0.2, 0, None);
    world.metric(Meaning::Latency, "seconds", own, points);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::Healthy, "{found:#?}");
    assert!(found.verdict.confidence < 0.75, "it is not the alert's own expression");
    // Something else that is fine says nothing about it.
    let mut other = World::new("HighLatency", "checkout", 20);
    let own = other.own();
    let points = other.step(0.5, 0.5, 0, None);
    other.metric(Meaning::Memory, "ratio", own, points);
    assert_eq!(other.diagnose().verdict.category, Category::Unknown);
}

#[test]
fn the_root_cause_names_who_what_when_and_since_which_change() {
    let mut world = world(21);
    let own = world.own();
    world.event(EventKind::Deploy, -6, "Deploy checkout v2.8.1", own.clone());
    errors(&mut world, 0.4, -5, None);
    let lines = world.repeated(-5, 30, 3, Some("error"), |_| {
        "TypeError: Cannot read properties of undefined (reading 'items')".to_owned()
    });
    world.logs(own, lines);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::CodeDefect);
    for words in ["checkout", "2026-03-14 09:5", "null or undefined", "Deploy checkout v2.8.1"] {
        assert!(found.verdict.root_cause.contains(words), "{words} in {}", found.verdict.root_cause);
    }
    assert!(found.causal_chain[0].text.contains("Deploy checkout v2.8.1"), "{:#?}", found.causal_chain);
    assert!(found.next_steps[0].contains("Deploy checkout v2.8.1"), "{:?}", found.next_steps);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_healthy_service_among_noise_is_healthy(seed in any::<u64>()) {
        let mut world = world(seed);
        errors(&mut world, 0.003, 0, None);
        let own = world.own();
        for (meaning, unit, level) in [
            (Meaning::Latency, "seconds", 0.2),
            (Meaning::Traffic, "per_second", 80.0),
            (Meaning::Cpu, "ratio", 0.4),
            (Meaning::Memory, "ratio", 0.6),
        ] {
            let points = world.step(level, level, 0, None);
            world.metric(meaning, unit, own.clone(), points);
        }
        world.noise("newsletter");
        let found = world.diagnose();
        prop_assert_eq!(found.verdict.category, Category::Healthy, "{:#?}", found);
    }

    #[test]
    fn noise_alone_is_never_blamed(seed in any::<u64>()) {
        let mut world = world(seed);
        world.noise("newsletter");
        world.noise("geo-index");
        let found = world.diagnose();
        prop_assert!(
            matches!(found.verdict.category, Category::Unknown | Category::Healthy),
            "{:#?}", found
        );
    }

    #[test]
    fn any_evidence_is_read(seed in any::<u64>(), cuts in proptest::collection::vec(any::<u16>(), 0..12)) {
        // Evidence with holes: points, lines, spans and events taken out at random, times at the window's edges.
        let mut world = world(seed);
        errors(&mut world, 0.4, -2, None);
        world.traces(&["edge", "checkout", "tax"], 0, "boom");
        world.noise("newsletter");
        world.state("target", "checkout:8080", false, &[]);
        let edge = world.window.end;
        for (position, cut) in cuts.iter().enumerate() {
            let at = usize::from(*cut) % world.evidence.len();
            let keep = position % 3;
            let thin = |index: usize| match keep { 0 => false, 1 => index == 0, _ => index % 7 == 0 };
            let one: &mut Evidence = &mut world.evidence[at];
            match &mut one.data {
                EvidenceData::Metrics { series, .. } => {
                    for one in series.iter_mut() {
                        let mut index = 0;
                        one.points.retain(|_| { index += 1; thin(index - 1) });
                        one.points.push((edge, 0.0));
                    }
                }
                EvidenceData::Logs { lines } => { let mut index = 0; lines.retain(|_| { index += 1; thin(index - 1) }); }
                EvidenceData::Events { events } => { let mut index = 0; events.retain(|_| { index += 1; thin(index - 1) }); }
                EvidenceData::Spans { spans } => { let mut index = 0; spans.retain(|_| { index += 1; thin(index - 1) }); }
                EvidenceData::States { states } => { let mut index = 0; states.retain(|_| { index += 1; thin(index - 1) }); }
            }
        }
        let found = diagnose(&world.alert, world.window, &world.evidence, &world.gaps);
        prop_assert!((0.0..=1.0).contains(&found.verdict.confidence));
        let known = |id: &String| id[1..].parse::<usize>().is_ok_and(|number| (1..=world.evidence.len()).contains(&number));
        for claim in &found.claims {
            prop_assert!(!claim.evidence.is_empty() && claim.evidence.iter().all(known));
        }
        for hypothesis in &found.hypotheses {
            prop_assert!((0.0..=1.0).contains(&hypothesis.score));
            for claim in hypothesis.supporting.iter().chain(&hypothesis.against) {
                prop_assert!(!claim.evidence.is_empty() && claim.evidence.iter().all(known));
            }
        }
    }
}
