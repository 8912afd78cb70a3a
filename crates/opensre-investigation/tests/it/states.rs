//! What states say: whose they are, and of which time.

use jiff::SignedDuration;
use opensre_model::alert::AlertState;
use opensre_model::evidence::{EvidenceData, Meaning, ResourceState};
use opensre_model::report::{Category, HypothesisStatus};

use crate::world::{World, labels, minutes};

fn world() -> World {
    let mut world = World::new("HighErrorRate", "checkout", 5);
    let own = world.own();
    let points = world.step(0.002, 0.4, -1, None);
    world.metric(Meaning::Errors, "ratio", own, points);
    world
}

fn seen(world: &mut World, kind: &str, name: &str, after: SignedDuration, attributes: &[(&str, &str)]) {
    let state = ResourceState {
        kind: kind.to_owned(),
        name: name.to_owned(),
        observed_at: world.window.end + after,
        healthy: Some(false),
        attributes: labels(attributes),
    };
    world.add(&format!("states {kind}"), "states", EvidenceData::States { states: vec![state] });
}

const FULL: &[(&str, &str)] = &[
    ("shortage", "remaining connection slots are reserved"),
    ("in use", "97 of 100 connections in use, 3 reserved"),
    ("clients", "checkout 87, billing 10"),
];

#[test]
fn a_servers_name_is_no_other_service() {
    let mut world = world();
    seen(&mut world, "connections", "db:5432", minutes(10), FULL);
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::ResourceExhaustion, "{found:#?}");
    assert!(found.verdict.root_cause.contains("97 of 100 connections in use"), "{}", found.verdict.root_cause);
}

#[test]
fn the_session_that_blocks_is_named_with_what_it_does() {
    let mut world = world();
    seen(
        &mut world,
        "blocking session",
        "session 4711",
        minutes(10),
        &[
            ("user", "importer"),
            ("client", "nightly-import"),
            ("blocks", "idle in transaction for 31 min, blocks 2 sessions"),
            ("blocked", "4801 (checkout) for 28 min, 4802 (checkout) for 27 min"),
            ("trouble", "2 sessions could not obtain locks for up to 28 min: ShareLock on public.orders"),
            ("statement", "UPDATE orders SET total = ?"),
        ],
    );
    let said = world.diagnose().verdict.root_cause;
    for word in [
        "session 4711",
        "nightly-import",
        "importer",
        "idle in transaction for 31 min",
        "public.orders",
        "SET total = ?",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn sessions_that_only_hurt_others_are_not_this_services_trouble() {
    let mut world = world();
    seen(
        &mut world,
        "blocking session",
        "session 12",
        minutes(10),
        &[
            ("client", "bi-tool"),
            ("blocked", "13 (reports) for 28 min"),
            ("trouble", "1 session could not obtain locks for up to 28 min: ShareLock on public.facts"),
        ],
    );
    assert_eq!(world.diagnose().verdict.category, Category::Unknown);
}

#[test]
fn a_later_state_that_holds_since_the_incident_is_one_of_it() {
    let mut world = world();
    let since = world.at(-3).to_string();
    seen(
        &mut world,
        "application",
        "checkout",
        SignedDuration::from_hours(70),
        &[
            ("service", "checkout"),
            ("health", "Degraded"),
            ("health_since", &since),
            ("health_message", "configmap \"checkout-settings\" not found"),
        ],
    );
    let found = world.diagnose();
    assert_eq!(found.verdict.category, Category::ConfigurationError, "{found:#?}");
    assert!(found.claims.iter().any(|claim| claim.text.contains("since 09:57:00 UTC")), "{:#?}", found.claims);
}

#[test]
fn a_later_state_counts_less_and_says_of_when_it_is() {
    let now = |after: SignedDuration, state: AlertState| {
        let mut world = world();
        world.alert.state = state;
        seen(
            &mut world,
            "pod",
            "checkout-7d9f8b6c5d-x2v4z",
            after,
            &[
                ("service", "checkout"),
                ("condition", "checkout waits: CreateContainerConfigError: secret \"payments-db\" not found"),
            ],
        );
        let found = world.diagnose();
        let own = found.hypotheses.into_iter().find(|one| one.title.contains("setting"));
        (own, found.notes)
    };
    let (with_it, _) = now(minutes(10), AlertState::Firing);
    let (later, _) = now(SignedDuration::from_hours(70), AlertState::Firing);
    let (with_it, later) = (with_it.expect("a hypothesis"), later.expect("a hypothesis"));
    assert!(later.score < with_it.score, "{} and {}", later.score, with_it.score);
    assert!(
        later.supporting.iter().any(|claim| claim.text.contains("as of 2026-03-17 08:30 UTC (70 h after the window)"))
    );
    // What is so days after an alert that is over says nothing, and the report says that.
    let (none, notes) = now(SignedDuration::from_hours(70), AlertState::Resolved);
    assert!(none.is_none_or(|one| one.status == HypothesisStatus::RuledOut));
    assert!(notes.iter().any(|note| note.contains("are not counted: the alert is over")), "{notes:?}");
}

#[test]
fn a_probe_that_fails_is_no_dependency() {
    for text in [
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "Liveness probe failed: Get \"http://10.2.3.4:8080/healthz\": dial tcp 10.2.3.4:8080: connect: connection refused",
        "Startup probe failed: dial tcp 10.2.3.4:8080: connect: connection refused",
        "Readiness probe failed: Get \"http://10.2.3.4:8080/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        "Readiness probe failed: HTTP probe failed with statuscode: 401",
        "Health checks failed with these codes: [502]",
    ] {
        let found = opensre_investigation::signals::signatures::find(&format!("Unhealthy of pod checkout-1: {text}"));
        assert_eq!(found.map(|found| found.signature.means), Some("a probe fails"), "{text}");
    }
    // A probe that runs a command quotes it.
    let found = opensre_investigation::signals::signatures::find(
        "Readiness probe failed: psql: error: FATAL: password authentication failed for user \"app\"",
    );
    assert_eq!(found.map(|found| found.signature.means), Some("the credential is refused"));
}

#[test]
fn a_target_that_refuses_connections_is_down_itself() {
    let mut world = world();
    seen(
        &mut world,
        "target",
        "checkout",
        minutes(10),
        &[
            ("service", "checkout"),
            ("instance", "10.1.2.3:9090"),
            ("last_error", "dial tcp 10.1.2.3:9090: connect: connection refused"),
        ],
    );
    let found = world.diagnose();
    assert!(found.hypotheses.iter().all(|one| one.category != Category::DependencyFailure), "{found:#?}");
}
