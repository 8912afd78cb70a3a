//! One hypothesis for each mechanism that messages, states or metrics point at, per thing that it is about.

mod groups;
mod words;

use jiff::Timestamp;
use opensre_model::evidence::Meaning;

use self::groups::{Group, groups};
pub(super) use self::words::tells;
use self::words::{Told, category, next_steps, root_cause, title};
use super::{Case, Draft, Point, TOLERANCE, change_words, same_thing};
use crate::mechanism::Mechanism;
use crate::signals::{Shape, Sign, Symptom, clock, span};
use crate::subject::Relation;

/// What a second, third... message of the same mechanism adds, as a share of its weight.
const FURTHER: f64 = 0.3;
/// What it adds that the alert's own words speak of the mechanism.
const WORDS: f64 = 0.2;
/// What it adds that it began with the incident.
const WITH_THE_INCIDENT: f64 = 0.2;
/// What a change just before it adds; for code and settings, which need someone to change them, more.
const TRIGGER: f64 = 0.25;
const TRIGGER_OF_MADE_FAULTS: f64 = 0.45;
/// How well a change must fit to be named in the root cause.
const NAMED: f64 = 0.4;
/// Parts of the names of metrics that count bad records.
const BAD_RECORDS: &[&str] =
    &["null", "invalid", "reject", "malformed", "duplicate", "stale", "freshness", "dead_letter", "dlq"];
/// What an effect adds that is what one would see.
const EFFECT: f64 = 0.2;

/// Proposes hypotheses.
pub fn explain(case: &Case<'_>) -> Vec<Draft> {
    Mechanism::ALL
        .iter()
        .flat_map(|mechanism| groups(case, *mechanism).into_iter().map(|group| draft(case, group)))
        .collect()
}
fn draft(case: &Case<'_>, group: Group<'_>) -> Draft {
    let Group { facts, about, mut told, mut shown } = group;
    told.sort_by(|a, b| carried(b).total_cmp(&carried(a)).then_with(|| a.text.cmp(&b.text)));
    shown.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.text.cmp(&b.text)));
    let onset: Option<Timestamp> =
        if told.is_empty() { &shown } else { &told }.iter().filter_map(|one| one.onset).min();
    let all: Vec<usize> = {
        let mut all: Vec<usize> = told.iter().chain(&shown).flat_map(|one| one.evidence.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut supporting: Vec<Point> = Vec::new();
    for (rank, symptom) in told.iter().take(5).enumerate() {
        let weight = carried(symptom) * if rank == 0 { 1.0 } else { FURTHER };
        supporting.push(Point::of(symptom, weight));
    }
    // A queue grows since its consumers are slow or gone, or since more comes in: only the latter is a shortage.
    let is_backlog = facts.mechanism == Mechanism::Pool
        && told.is_empty()
        && case.surge(onset).is_none()
        && shown.iter().all(|symptom| measures_a_queue(case, symptom));
    for symptom in shown.iter().take(3) {
        let Sign::Metric { shape, .. } = symptom.sign else { continue };
        let by_shape = match shape {
            Shape::Saturated => 0.72,
            Shape::Ramp => 0.5,
            _ => 0.35,
        };
        let weight = by_shape * (0.6 + 0.4 * symptom.strength) * symptom.relation.weight();
        let weight = if is_backlog { weight * 0.5 } else { weight };
        supporting.push(Point::of(symptom, if told.is_empty() { weight } else { weight * 0.6 }));
    }
    effects(case, facts.mechanism, about.as_deref(), onset, &mut supporting);
    if let Some(word) = facts.words.iter().find(|word| case.subject.says(word)) {
        supporting.push(Point::new(WORDS, format!("the alert itself speaks of \"{word}\""), all.clone()));
    }
    let trigger = case.trigger(onset, about.as_deref());
    if let Some((index, fit)) = trigger {
        let change = &case.findings.symptoms[index];
        let made = matches!(
            facts.mechanism,
            Mechanism::Code | Mechanism::Setting | Mechanism::Schema | Mechanism::Image | Mechanism::Access
        );
        let weight = fit * if made { TRIGGER_OF_MADE_FAULTS } else { TRIGGER };
        let text = match (change.onset, onset) {
            (Some(made), Some(onset)) => {
                format!("{}, {} before it began", change_words(change), span(onset.duration_since(made)))
            }
            _ => change_words(change),
        };
        supporting.push(Point { weight, text, evidence: change.evidence.clone(), time: change.onset, observed: true });
    }
    let mut against = Vec::new();
    if is_backlog {
        let text = "a queue also grows when its consumers are slow or gone, and no more came in than before";
        against.push(Point::new(0.4, text, all.clone()));
    }
    // What climbs until it is full begins long before the trouble.
    let climbs =
        shown.first().is_some_and(|one| matches!(one.sign, Sign::Metric { shape: Shape::Saturated | Shape::Ramp, .. }));
    if let Some(onset) = onset {
        let late = onset.duration_since(case.onset);
        if late > TOLERANCE * 3 {
            against.push(Point::new(
                0.35,
                format!("it began at {}, {} after the trouble itself", clock(onset), span(late)),
                all.clone(),
            ));
        } else if case.onset.duration_since(onset) < jiff::SignedDuration::from_mins(30) || climbs {
            // A coincidence says as much as the two things that coincide.
            let clear = told.first().or(shown.first()).map_or(0.0, |one| one.strength);
            supporting.push(Point::new(
                WITH_THE_INCIDENT * clear * if case.measured { 1.0 } else { 0.6 },
                format!("it began at {} and the trouble at {}", clock(onset), clock(case.onset)),
                all.clone(),
            ));
        }
    }
    // What happens once (a kill, an eviction, a pull) is over and works on; what fails all the time is not.
    let lasts = facts.mechanism.has_peer()
        || matches!(facts.mechanism, Mechanism::Data | Mechanism::Code | Mechanism::Lock | Mechanism::Pool);
    let ended = told.iter().chain(&shown).map(|one| one.over).collect::<Option<Vec<Timestamp>>>();
    if let Some(ended) = ended.and_then(|times| times.into_iter().max())
        && lasts
        && case.goes_on()
        && case.window.end.duration_since(ended) > jiff::SignedDuration::from_mins(10)
    {
        let mut shows = all.clone();
        shows.extend(&case.findings.condition.evidence);
        against.push(Point::new(0.25, format!("it was over at {} while the alert goes on", clock(ended)), shows));
    }
    if facts.mechanism == Mechanism::Peer && about.is_none() && told.iter().all(|one| is_only_slow(one)) {
        let text = "the messages say that time ran out, not what was waited for";
        against.push(Point::new(0.4, text, all.clone()));
    }
    let category = category(case, facts, trigger);
    // A change that fits badly is told as what speaks for the hypothesis, not as its origin.
    let trigger = trigger.filter(|(_, fit)| *fit >= NAMED);
    let trigger_symptom = trigger.map(|(index, _)| &case.findings.symptoms[index]);
    let means = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { means, .. } => Some(*means),
        _ => None,
    });
    let what = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { what: Some(what), .. } => Some(what.as_str()),
        _ => None,
    });
    let line = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { line: Some(line), means: said, .. } if Some(*said) == means => Some(line.as_str()),
        _ => None,
    });
    Draft {
        title: title(case, facts, about.as_deref()),
        category,
        root_cause: root_cause(
            case,
            facts,
            about.as_deref(),
            &Told { means, what, line, onset, shown: shown.first().copied() },
            trigger_symptom,
        ),
        mechanism: Some(facts.mechanism),
        told: !told.is_empty(),
        onset,
        trigger: trigger.map(|(index, _)| index),
        supporting,
        against,
        impossible: false,
        next_steps: next_steps(case, facts, about.as_deref(), trigger_symptom),
        tells: Some(tells(case, facts, about.as_deref())),
        about,
    }
}

/// Whether a metric counts what waits, without a limit that it could reach.
fn measures_a_queue(case: &Case<'_>, symptom: &Symptom) -> bool {
    const WORDS: &[&str] = &["queue", "lag", "backlog", "messages", "pending", "unacked", "waiting"];
    let saturated = matches!(symptom.sign, Sign::Metric { shape: Shape::Saturated, .. });
    !saturated
        && symptom.evidence.iter().any(|index| {
            let query = case.evidence[*index].origin.query.to_lowercase();
            WORDS.iter().any(|word| query.contains(word))
        })
}

/// Whether a message says no more than that something took too long.
fn is_only_slow(symptom: &Symptom) -> bool {
    matches!(symptom.sign, Sign::Failure { means: "a call takes too long", peer: None, .. })
}

/// How far a telling symptom carries.
fn carried(symptom: &Symptom) -> f64 {
    let weight = match &symptom.sign {
        Sign::Failure { weight, .. } => *weight,
        Sign::Call { fails: true, .. } => 0.7,
        Sign::Call { .. } => 0.6,
        _ => 0.3,
    };
    weight * symptom.strength * symptom.relation.weight()
}

/// Adds what one would see if the mechanism were at work.
fn effects(
    case: &Case<'_>,
    mechanism: Mechanism,
    about: Option<&str>,
    onset: Option<Timestamp>,
    points: &mut Vec<Point>,
) {
    let began = |symptom: &Symptom| match (symptom.onset, onset) {
        (Some(effect), Some(onset)) => onset.duration_since(effect) <= TOLERANCE,
        _ => true,
    };
    let seen: &[Meaning] = match mechanism {
        Mechanism::Memory => &[Meaning::Restarts],
        Mechanism::Cpu | Mechanism::Pool | Mechanism::Lock => &[Meaning::Latency],
        Mechanism::Setting | Mechanism::Image => &[Meaning::Restarts, Meaning::Availability, Meaning::Errors],
        Mechanism::Node => &[Meaning::Availability, Meaning::Traffic],
        _ => &[Meaning::Errors, Meaning::Latency],
    };
    if let Some(effect) = case
        .metrics(seen)
        .filter(|symptom| symptom.relation != Relation::Linked && began(symptom))
        .max_by(|a, b| a.strength.total_cmp(&b.strength).then_with(|| b.text.cmp(&a.text)))
    {
        points.push(Point::of(effect, EFFECT * (0.5 + 0.5 * effect.strength)));
    }
    if matches!(
        mechanism,
        Mechanism::Cpu
            | Mechanism::Pool
            | Mechanism::Memory
            | Mechanism::Quota
            | Mechanism::Capacity
            | Mechanism::Scaling
    ) && let Some(surge) = case.surge(onset)
    {
        points.push(Point::of(surge, 0.25));
    }
    // What is used up and cannot be had more of.
    if matches!(mechanism, Mechanism::Cpu | Mechanism::Pool | Mechanism::Memory) {
        let limited = case.findings.symptoms.iter().find(|symptom| {
            matches!(symptom.sign, Sign::Failure { mechanism: Some(Mechanism::Scaling), .. })
                && symptom.relation != Relation::Other
        });
        points.extend(limited.map(|symptom| Point::of(symptom, 0.2)));
    }
    if matches!(mechanism, Mechanism::Memory | Mechanism::Setting | Mechanism::Image | Mechanism::Code) {
        let loops = case.findings.symptoms.iter().find(|symptom| {
            matches!(symptom.sign, Sign::Failure { mechanism: None, means: "restarts in a loop", .. })
                && symptom.relation != Relation::Other
        });
        points.extend(loops.map(|symptom| Point::of(symptom, 0.2)));
    }
    if mechanism == Mechanism::Data {
        // Counts and shares of bad records are metrics of no general meaning; their names tell.
        let named = case.metrics(&[Meaning::Other, Meaning::Errors]).find(|symptom| {
            symptom.evidence.iter().any(|index| {
                let query = case.evidence[*index].origin.query.to_lowercase();
                BAD_RECORDS.iter().any(|word| query.contains(word))
            }) && !points.iter().any(|point| point.text == symptom.text)
        });
        points.extend(named.map(|symptom| Point::of(symptom, 0.3 * symptom.strength)));
    }
    if mechanism == Mechanism::Peer {
        let own = case
            .findings
            .symptoms
            .iter()
            .filter(|symptom| {
                matches!(symptom.sign, Sign::Metric { .. } | Sign::Down { .. } | Sign::Alert)
                    && symptom.relation != Relation::Same
                    && about.is_some_and(|about| same_thing(symptom.about.as_deref(), about))
            })
            .take(2);
        points.extend(own.map(|symptom| Point::of(symptom, 0.3 * symptom.strength)));
    }
}
