//! Alerts that measure a cause rather than an effect: when the condition holds, it is the diagnosis.
//!
//! `certificate expires in less than three days` needs no other witness than its own expression; `error rate above 5 %`
//! does.

use opensre_model::evidence::{EvidenceData, Meaning};

use super::{Case, Draft, Point};
use crate::signals::condition::ConditionState;
use crate::signals::named;

/// What an alert's own condition carries, when what it measures is a cause.
const CONDITION: f64 = 0.6;

/// Proposes at most one hypothesis.
pub fn explain(case: &Case<'_>) -> Vec<Draft> {
    let condition = &case.findings.condition;
    if condition.state != ConditionState::Holds || !condition.own {
        return Vec::new();
    }
    let measured = condition.evidence.iter().find_map(|index| {
        let one = case.evidence.get(*index)?;
        matches!(one.data, EvidenceData::Metrics { meaning: Meaning::AlertCondition, .. })
            .then(|| named::find(&one.origin.query))
            .flatten()
    });
    let Some(named) = measured else { return Vec::new() };
    let facts = named.mechanism.facts();
    // Its own symptoms, where there are any, make the same hypothesis with more to say.
    let told = case.findings.symptoms.iter().any(|symptom| {
        matches!(symptom.sign, crate::signals::Sign::Failure { mechanism: Some(found), .. } if found == named.mechanism)
            && symptom.relation != crate::subject::Relation::Other
    });
    if told {
        return Vec::new();
    }
    let mut supporting = vec![Point {
        weight: CONDITION * named.weight.max(0.5) / 0.6,
        text: condition.text.clone(),
        evidence: condition.evidence.clone(),
        time: condition.since,
        observed: true,
    }];
    if let Some(word) = facts.words.iter().find(|word| case.subject.says(word)) {
        let text = format!("the alert itself speaks of \"{word}\"");
        supporting.push(Point::new(0.2, text, condition.evidence.clone()));
    }
    vec![Draft {
        title: format!("{} {}", case.name(), facts.happened),
        category: facts.category,
        root_cause: format!("{}: {}; {}.", case.name(), named.means, condition.text),
        mechanism: Some(named.mechanism),
        about: None,
        told: true,
        onset: condition.since,
        trigger: None,
        supporting,
        against: Vec::new(),
        impossible: false,
        next_steps: facts
            .next
            .iter()
            .map(|step| step.replace("{service}", case.name()))
            .filter(|step| !step.contains('{'))
            .collect(),
        tells: None,
    }]
}
