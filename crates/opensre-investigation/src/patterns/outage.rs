//! Things that are down: one target of one service, or many at once on one machine or everywhere.

use std::collections::BTreeSet;

use opensre_model::evidence::Meaning;
use opensre_model::report::Category;

use super::{Case, Draft, Point, TOLERANCE};
use crate::mechanism::Mechanism;
use crate::signals::{Shape, Sign, Symptom};
use crate::subject::{Name, Relation};

/// From how many different things on a failure is one of what they share.
const MANY: usize = 3;

/// Proposes at most one hypothesis.
pub fn explain(case: &Case<'_>) -> Vec<Draft> {
    let down: Vec<&Symptom> = case.findings.symptoms.iter().filter(|symptom| is_down(symptom)).collect();
    let own: Vec<&Symptom> = down.iter().copied().filter(|symptom| symptom.relation != Relation::Other).collect();
    let Some(first) = own.first() else { return Vec::new() };
    let onset = own.iter().filter_map(|symptom| symptom.onset).min();
    let at_once: Vec<&Symptom> = down
        .iter()
        .copied()
        .filter(|symptom| match (symptom.onset, onset) {
            (Some(one), Some(onset)) => one.duration_since(onset).abs() <= TOLERANCE * 2,
            _ => true,
        })
        .collect();
    let things: BTreeSet<String> = at_once
        .iter()
        .filter_map(|symptom| symptom.about.as_deref())
        .map(|about| Name::parse(about).map_or_else(|| about.to_lowercase(), |name| name.to_string()))
        .collect();
    // A machine has no service name: what is down is known by its host alone.
    let machine = own.iter().any(|symptom| match symptom.sign {
        Sign::Down { machine } => machine,
        _ => symptom.about.as_deref().is_some_and(|about| case.subject.is_machine(about)),
    });
    let mut supporting = Vec::new();
    let weight = if machine { 0.55 } else { 0.35 };
    for (rank, symptom) in own.iter().take(3).enumerate() {
        let share = if rank == 0 { 1.0 } else { 0.3 };
        supporting.push(Point::of(symptom, weight * share * symptom.strength.max(0.5) * symptom.relation.weight()));
    }
    if things.len() >= MANY {
        let evidence: BTreeSet<usize> = at_once.iter().flat_map(|symptom| symptom.evidence.iter().copied()).collect();
        supporting.push(Point::new(
            0.55,
            format!("{} different things went down at the same time: what they share has failed", things.len()),
            evidence.into_iter().collect(),
        ));
    }
    if ["down", "unreachable", "nodenotready", "notready", "offline"].iter().any(|word| case.subject.says(word)) {
        supporting.push(Point::new(0.15, "the alert itself speaks of something that is down", first.evidence.clone()));
    }
    let what = if things.len() >= MANY {
        format!("{} things at once, among them {}", things.len(), case.name())
    } else {
        first.about.clone().unwrap_or_else(|| case.name().to_owned())
    };
    let since = onset.map(|onset| format!(" since {}", onset.strftime("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
    vec![Draft {
        title: format!("{what} {} down", if things.len() >= MANY { "are" } else { "is" }),
        category: Category::Infrastructure,
        root_cause: format!(
            "{what} {} been down{since}; what {} on or the way there has failed.",
            if things.len() >= MANY { "have" } else { "has" },
            if things.len() >= MANY { "they run" } else { "it runs" }
        ),
        mechanism: Some(Mechanism::Node),
        about: first.about.clone(),
        told: false,
        onset,
        trigger: None,
        supporting,
        against: Vec::new(),
        impossible: false,
        next_steps: Mechanism::Node.facts().next.iter().map(|step| (*step).to_owned()).collect(),
        tells: Some(super::mechanism::tells(case, Mechanism::Node.facts(), first.about.as_deref())),
    }]
}

fn is_down(symptom: &Symptom) -> bool {
    matches!(
        symptom.sign,
        Sign::Down { .. }
            | Sign::Metric { meaning: Meaning::Availability, rising: false, .. }
            | Sign::Metric { meaning: Meaning::Traffic, shape: Shape::Gone, .. }
    )
}
