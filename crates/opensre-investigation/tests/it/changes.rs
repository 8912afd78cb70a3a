//! One change that several systems tell of, and what events name.

use opensre_model::evidence::{Event, EventKind, EvidenceData, Meaning};
use opensre_model::report::{Category, Hypothesis, HypothesisStatus};

use crate::world::{World, labels};

const SHA: &str = "4f9c1d2aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5";

fn world() -> World {
    let mut world = World::new("HighErrorRate", "checkout", 3);
    let own = world.own();
    let points = world.step(0.002, 0.3, -2, None);
    world.condition(0.05, points.clone());
    world.metric(Meaning::Errors, "ratio", own, points);
    world
}

fn told(world: &mut World, service: &str, kind: EventKind, minute: i64, title: &str, of: &[(&str, &str)]) {
    let event =
        Event { time: world.at(minute), kind, title: title.to_owned(), text: String::new(), labels: labels(of) };
    world.add(title, "events", EvidenceData::Events { events: vec![event] });
    if let Some(one) = world.evidence.last_mut() {
        service.clone_into(&mut one.origin.service);
    }
}

fn of_changes(world: &World) -> Vec<Hypothesis> {
    let all = world.diagnose().hypotheses;
    all.into_iter()
        .filter(|one| one.title.starts_with("the deployment") || one.title.starts_with("the change"))
        .collect()
}

#[test]
fn one_rollout_seen_by_three_systems_is_one_change_with_the_evidence_of_all() {
    let mut world = world();
    told(
        &mut world,
        "github",
        EventKind::Change,
        -12,
        "commit 4f9c1d2: rework pricing",
        &[("sha", SHA), ("repository", "shop/checkout")],
    );
    told(
        &mut world,
        "github",
        EventKind::Deploy,
        -9,
        "workflow \"deploy\" #214 succeeded (main, 4f9c1d2)",
        &[("sha", SHA), ("service", "checkout")],
    );
    told(
        &mut world,
        "argocd",
        EventKind::Deploy,
        -5,
        "checkout deployed at 4f9c1d2",
        &[("revision", SHA), ("service", "checkout")],
    );
    told(
        &mut world,
        "kubernetes",
        EventKind::Deploy,
        -4,
        "deployment checkout rolled out revision 7: r/checkout:sha-4f9c1d2 (before: r/checkout:sha-77aa001)",
        &[("deployment", "checkout"), ("image", "r/checkout:sha-4f9c1d2")],
    );
    let changes = of_changes(&world);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let change = &changes[0];
    assert_eq!((change.status, change.category), (HypothesisStatus::Confirmed, Category::CodeDefect));
    let cited: Vec<&String> = change.supporting.iter().flat_map(|claim| &claim.evidence).collect();
    for witness in ["E3", "E4", "E5", "E6"] {
        assert!(cited.iter().any(|id| *id == witness), "{witness} of {cited:?}");
    }
    assert!(change.title.contains("revision 7") && change.title.contains("the same as"), "{}", change.title);
}

#[test]
fn deployments_of_one_service_by_two_systems_at_once_are_one_even_without_a_revision() {
    let mut world = world();
    told(&mut world, "datadog", EventKind::Deploy, -4, "Deployed checkout", &[("service", "checkout")]);
    told(
        &mut world,
        "kubernetes",
        EventKind::Deploy,
        -3,
        "deployment checkout rolled out revision 7: r/checkout:1.4.2",
        &[("deployment", "checkout"), ("image", "r/checkout:1.4.2")],
    );
    assert_eq!(of_changes(&world).len(), 1);
}

#[test]
fn what_differs_stays_apart() {
    // Another revision, another service, a rollback, and the same revision long before.
    for (title, minute, of) in [
        ("checkout deployed at 77aa001", -3, &[("service", "checkout"), ("revision", "77aa001bbb")][..]),
        ("cart deployed at 4f9c1d2", -4, &[("service", "cart"), ("revision", SHA)]),
        ("rollback of checkout to 4f9c1d2", -3, &[("service", "checkout"), ("revision", SHA)]),
        ("checkout deployed at 4f9c1d2", -600, &[("service", "checkout"), ("revision", SHA)]),
    ] {
        let mut world = world();
        told(
            &mut world,
            "github",
            EventKind::Deploy,
            -5,
            "deployment to prod (4f9c1d2) succeeded",
            &[("sha", SHA), ("service", "checkout")],
        );
        told(&mut world, "argocd", EventKind::Deploy, minute, title, of);
        assert_eq!(of_changes(&world).len(), 2, "{title}");
    }
}

#[test]
fn words_of_a_commit_name_no_service() {
    for title in [
        "commit aa11bb2: update search 3.2 and restart worker",
        "pull request #12 merged into main: deploy inventory 2.0",
        "release 2.0.1 published: upgrade billing 7.0",
    ] {
        let mut world = world();
        told(&mut world, "github", EventKind::Deploy, -4, title, &[("repository", "shop/platform"), ("tag", "x")]);
        let changes = of_changes(&world);
        assert!(changes.iter().all(|one| one.status != HypothesisStatus::RuledOut), "{title}: {changes:#?}");
    }
    // Nor is a service meant wherever its name is a word.
    let mut world = World::new("HighErrorRate", "search", 3);
    told(
        &mut world,
        "github",
        EventKind::Change,
        -4,
        "commit aa11bb2: make search of orders faster",
        &[("repository", "shop/orders"), ("sha", SHA)],
    );
    let commit = of_changes(&world).remove(0);
    let mut scoped = World::new("HighErrorRate", "search", 3);
    told(
        &mut scoped,
        "github",
        EventKind::Change,
        -4,
        "commit aa11bb2: fix(search): faster",
        &[("repository", "shop/platform"), ("sha", SHA)],
    );
    let meant = of_changes(&scoped).remove(0);
    assert!(meant.score > commit.score, "{} and {}", meant.score, commit.score);
}

#[test]
fn the_title_of_a_marker_names_its_service() {
    for title in [
        "Deployed recommendation v3.1.4 to prod",
        "Release recommendation 3.1.4",
        "recommendation v3.1.4",
        "rollback of recommendation to v3.1.3",
    ] {
        let mut world = world();
        told(&mut world, "grafana", EventKind::Deploy, -4, title, &[]);
        assert_eq!(of_changes(&world)[0].status, HypothesisStatus::RuledOut, "{title}");
    }
}
