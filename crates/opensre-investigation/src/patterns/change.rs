//! One hypothesis for each deployment or change: it brought the trouble about, or it cannot have.

use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category;

use super::{Case, Draft, Point, REACH, TOLERANCE, category_of_change, change_words, closeness};
use crate::signals::{Sign, Symptom, clock, span};
use crate::subject::Relation;

/// What a change just before the trouble carries by its timing alone.
const TIMING: f64 = 0.45;
/// What each effect adds that began after it.
const EFFECT: f64 = 0.2;

/// Proposes hypotheses.
pub fn explain(case: &Case<'_>) -> Vec<Draft> {
    case.findings
        .symptoms
        .iter()
        .enumerate()
        .filter_map(|(index, symptom)| symptom.change().map(|kind| draft(case, index, symptom, kind)))
        .collect()
}

fn draft(case: &Case<'_>, index: usize, change: &Symptom, kind: EventKind) -> Draft {
    let made = change.onset.unwrap_or(case.onset);
    let words = change_words(change);
    let category = match change.relation {
        Relation::Linked => Category::DependencyFailure,
        _ => category_of_change(kind),
    };
    let mut draft = Draft {
        title: format!("{words} broke {}", case.name()),
        category,
        root_cause: format!(
            "{} has failed since {} and nothing but {words} explains it.",
            case.name(),
            case.onset.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        mechanism: None,
        about: change.about.clone(),
        told: false,
        onset: Some(made),
        trigger: Some(index),
        supporting: Vec::new(),
        against: Vec::new(),
        impossible: false,
        next_steps: vec![
            format!("look at {words}, and take it back if nothing speaks against it"),
            format!("compare the errors of {} from before and after it", case.name()),
        ],
        tells: Some(format!("one replica of {} taken back to before it, beside the others", case.name())),
    };
    let late = made.duration_since(case.onset);
    let relation = match change.relation {
        Relation::Same => 1.0,
        Relation::Linked => 0.8,
        Relation::Unknown => 0.65,
        Relation::Other => {
            let about = change.about.as_deref().unwrap_or("something else");
            draft.against.push(Point::new(
                0.9,
                format!("it is about {about}, and nothing that was gathered links {about} to {}", case.name()),
                change.evidence.clone(),
            ));
            draft.impossible = true;
            0.3
        }
    };
    if late > TOLERANCE {
        draft.against.push(Point::new(
            0.9,
            format!("it was made at {}, {} after the trouble began ({})", clock(made), span(late), clock(case.onset)),
            change.evidence.clone(),
        ));
        draft.impossible = true;
    }
    match closeness(made, case.onset) {
        Some(close) => draft.supporting.push(Point {
            weight: TIMING * close * relation,
            text: format!("{words}, {} before the trouble began", span(late)),
            evidence: change.evidence.clone(),
            time: change.onset,
            observed: true,
        }),
        None if !draft.impossible => {
            draft.against.push(Point::new(
                0.6,
                format!("it was made {} before the trouble began, more than {}", span(late), span(REACH)),
                change.evidence.clone(),
            ));
        }
        None => {}
    }
    if draft.impossible {
        // Timing is all that speaks for it; say so, so that a reader sees why it was looked at.
        if draft.supporting.is_empty() {
            draft.supporting.push(Point::new(0.1, format!("{words} is in the window"), change.evidence.clone()));
        }
        return draft;
    }
    let mut effects: Vec<&Symptom> =
        case.findings.symptoms.iter().filter(|symptom| is_effect(case, symptom, change)).collect();
    effects.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.text.cmp(&b.text)));
    for effect in effects.iter().take(3) {
        // What has no time of its own is only known to be so after it.
        let dated = if effect.onset.is_some() { 1.0 } else { 0.6 };
        draft.supporting.push(Point::of(effect, EFFECT * effect.strength * relation * dated));
    }
    if effects.is_empty() {
        draft.against.push(Point::new(
            0.5,
            "nothing that was measured or logged changed after it".to_owned(),
            change.evidence.clone(),
        ));
    }
    draft
}

/// Trouble of the alert's service that began after a change.
fn is_effect(case: &Case<'_>, symptom: &Symptom, change: &Symptom) -> bool {
    let trouble = match &symptom.sign {
        Sign::Metric { meaning, rising, .. } => match meaning {
            Meaning::Traffic => !rising,
            Meaning::Other | Meaning::AlertCondition => false,
            _ => true,
        },
        Sign::Failure { weight, .. } => *weight >= 0.3,
        Sign::Call { .. } | Sign::Down { .. } => true,
        Sign::Change { .. } | Sign::Alert => false,
    };
    let after = match (change.onset, symptom.onset) {
        (Some(made), Some(began)) => {
            let lag = began.duration_since(made);
            lag >= -TOLERANCE && lag <= REACH && began.duration_since(case.onset) <= TOLERANCE * 3
        }
        (Some(made), None) => symptom.goes_on() && symptom.last_seen.is_some_and(|seen| seen >= made),
        _ => false,
    };
    trouble && after && matches!(symptom.relation, Relation::Same | Relation::Unknown)
}
