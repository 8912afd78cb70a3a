//! From symptoms to a verdict: hypotheses of all patterns, weighed against each other, or `healthy`, or `unknown`.
//!
//! Every number here is a share of doubt that can be read in the report: what speaks for a hypothesis and against it
//! is listed with it. A verdict needs a score of 0.5; below it the answer is `unknown`, with the possible causes ranked.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Alert;
use opensre_model::evidence::{Evidence, Gap, GapKind, Meaning};
use opensre_model::report::{Category, CausalStep, Claim, Hypothesis, HypothesisStatus, Verdict};
use opensre_model::window::Window;

use crate::mechanism::Mechanism;
use crate::patterns::{Case, Draft, PATTERNS, Point, TOLERANCE, same_thing};
use crate::signals::condition::ConditionState;
use crate::signals::{self, Findings, Sign, Symptom};
use crate::subject::{Relation, Subject};
use crate::verdict::{CARRIES, Decided, WORTH, candidates, decide, fix, is_failure, lower_first, rival};

/// Most hypotheses of the report, and most of those that were ruled out.
const MOST: usize = 8;
const MOST_RULED_OUT: usize = 6;
/// Most claims of the report.
const MOST_CLAIMS: usize = 10;

/// What was made of the evidence. Evidence ids (`E1`, ...) count the evidence as it was passed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// What is wrong.
    pub verdict: Verdict,
    /// What was found.
    pub claims: Vec<Claim>,
    /// What could explain it, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// How it came about, cause first.
    pub causal_chain: Vec<CausalStep>,
    /// What to do next.
    pub next_steps: Vec<String>,
    /// What a person must know about the evidence.
    pub notes: Vec<String>,
}

/// Says what is wrong, from the evidence alone. Pure: the same input gives the same diagnosis.
pub fn diagnose(alert: &Alert, window: Window, evidence: &[Evidence], gaps: &[Gap]) -> Diagnosis {
    let subject = Subject::of(alert);
    let findings = signals::detect(alert, &subject, window, evidence);
    let began = onset(&findings, window);
    let case = Case {
        alert,
        subject: &subject,
        window,
        evidence,
        findings: &findings,
        onset: began.unwrap_or(window.onset),
        measured: began.is_some(),
    };
    let mut drafts: Vec<Draft> = PATTERNS.iter().flat_map(|pattern| (pattern.explain)(&case)).collect();
    weigh(&case, &mut drafts);
    drafts.sort_by(|a, b| {
        (a.impossible.cmp(&b.impossible))
            .then_with(|| b.score().total_cmp(&a.score()))
            .then_with(|| (a.category, &a.title).cmp(&(b.category, &b.title)))
    });
    let mut notes = findings.notes.clone();
    let decided = decide(&case, &drafts, evidence, gaps);
    if decided.category == Category::Unknown && evidence.is_empty() && !gaps.is_empty() {
        notes.push("no back end answered; what is missing is listed under gaps".to_owned());
    }
    let confirmed = decided.confirmed.map(|index| &drafts[index]);
    Diagnosis {
        claims: claims(&case, confirmed),
        causal_chain: confirmed.map(|draft| chain(&case, draft)).unwrap_or_default(),
        next_steps: next_steps(&case, &decided, &drafts, gaps),
        hypotheses: hypotheses(&drafts, decided.confirmed),
        verdict: Verdict {
            category: decided.category,
            root_cause: decided.root_cause,
            confidence: (decided.confidence * 100.0).round() / 100.0,
        },
        notes,
    }
}

/// When the trouble began: the first clear effect on the alert's own service, or that the alert's condition held; no
/// later than the alert says. `None` when nothing was measured.
fn onset(findings: &Findings, window: Window) -> Option<Timestamp> {
    let earliest = window.start.checked_sub(SignedDuration::from_mins(30)).unwrap_or(window.start);
    let effects = findings.symptoms.iter().filter(|symptom| {
        let effect = match &symptom.sign {
            Sign::Metric { meaning, rising, .. } => match meaning {
                Meaning::Errors | Meaning::Latency | Meaning::Restarts => *rising,
                Meaning::Availability => !rising,
                _ => false,
            },
            _ => false,
        };
        effect && matches!(symptom.relation, Relation::Same | Relation::Unknown) && symptom.strength >= 0.4
    });
    effects
        .filter_map(|symptom| symptom.onset)
        .chain(findings.condition.since)
        .filter(|time| *time >= earliest && *time <= window.end)
        .min()
        .map(|seen| seen.min(window.onset))
}

/// What the hypotheses mean for each other: a consequence is not a cause.
fn weigh(case: &Case<'_>, drafts: &mut Vec<Draft>) {
    let scores: Vec<f64> = drafts.iter().map(Draft::score).collect();
    let before = |a: &Draft, b: &Draft| match (a.onset, b.onset) {
        (Some(a), Some(b)) => a.duration_since(b) <= TOLERANCE,
        _ => true,
    };
    let mut against: Vec<Vec<Point>> = vec![Vec::new(); drafts.len()];
    let mut dropped: BTreeSet<usize> = BTreeSet::new();
    for (position, draft) in drafts.iter().enumerate() {
        for (other_position, other) in drafts.iter().enumerate() {
            if position == other_position || other.impossible || scores[other_position] < 0.35 {
                continue;
            }
            let because = |weight: f64| {
                let evidence = other.supporting.first().map(|point| point.evidence.clone()).unwrap_or_default();
                Point::new(weight, format!("it is a consequence if {}", lower_first(&other.title)), evidence)
            };
            let better = scores[other_position] > scores[position] || !draft.told;
            match (draft.mechanism, other.mechanism) {
                // The other side fails for a reason of its own that was seen.
                (Some(Mechanism::Peer), Some(theirs)) if theirs != Mechanism::Peer && theirs != Mechanism::Code => {
                    let reason_of_peer =
                        draft.about.as_deref().is_some_and(|peer| same_thing(other.about.as_deref(), peer));
                    let own = matches!(
                        theirs,
                        Mechanism::Dns
                            | Mechanism::Network
                            | Mechanism::Certificate
                            | Mechanism::Node
                            | Mechanism::Disk
                            | Mechanism::Memory
                            | Mechanism::Handles
                            | Mechanism::Pool
                            | Mechanism::Setting
                    ) && other.told;
                    if before(other, draft)
                        && (reason_of_peer || own && scores[other_position] + 0.1 > scores[position])
                    {
                        against[position].push(because(if reason_of_peer { 0.45 } else { 0.25 }));
                    }
                }
                // Waiting for a slow answer is what uses a pool up.
                (Some(Mechanism::Pool | Mechanism::Cpu), Some(Mechanism::Peer)) => {
                    let earlier = draft.onset.zip(other.onset).is_some_and(|(own, theirs)| theirs < own);
                    if earlier && other.told && scores[other_position] >= CARRIES {
                        against[position].push(because(0.2));
                    }
                }
                // A general exception around a failure that is named.
                (Some(Mechanism::Code), Some(named)) if named != Mechanism::Code && other.told => {
                    let general = draft.supporting.first().is_some_and(|point| point.weight < 0.5);
                    if general && before(other, draft) {
                        against[position].push(because(0.4));
                    }
                }
                // What metrics show without words, when words tell of something else from the start.
                (Some(_), Some(named))
                    if !draft.told
                        && other.told
                        && Some(named) != draft.mechanism
                        && better
                        && before(other, draft)
                        && scores[other_position] >= CARRIES =>
                {
                    against[position].push(because(0.3));
                }
                // A change that a mechanism already explains better, or that its messages contradict.
                (None, Some(_)) if draft.trigger.is_some() => {
                    if other.trigger == draft.trigger && scores[other_position] >= CARRIES.min(scores[position]) {
                        dropped.insert(position);
                    } else if other.told && other.trigger != draft.trigger && scores[other_position] >= CARRIES {
                        let evidence = other.supporting.first().map(|point| point.evidence.clone()).unwrap_or_default();
                        against[position].push(Point::new(
                            0.35,
                            format!("what was logged speaks of something else: {}", lower_first(&other.title)),
                            evidence,
                        ));
                    }
                }
                _ => {}
            }
        }
    }
    for (draft, mut points) in drafts.iter_mut().zip(against) {
        // One reason of a kind is enough; the strongest stands.
        points.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.text.cmp(&b.text)));
        points.truncate(2);
        draft.against.extend(points);
    }
    let mut position = 0;
    drafts.retain(|_| {
        position += 1;
        !dropped.contains(&(position - 1))
    });
    of_machines(case, drafts);
    usual(case, drafts);
}

/// What runs out on a machine that says itself that it is in trouble (it evicts, it is under pressure) is the
/// machine's trouble, not that of a service on it.
fn of_machines(case: &Case<'_>, drafts: &mut [Draft]) {
    let told =
        drafts.iter().find(|draft| draft.mechanism == Some(Mechanism::Node) && draft.told && draft.score() >= 0.35);
    let Some(point) = told.and_then(|draft| draft.supporting.first()).cloned() else { return };
    for draft in drafts.iter_mut() {
        let runs_out = matches!(draft.mechanism, Some(Mechanism::Disk | Mechanism::Memory | Mechanism::Cpu));
        let of_a_machine = draft.about.as_deref().is_some_and(|about| case.subject.is_machine(about));
        if runs_out && of_a_machine {
            draft.category = Category::Infrastructure;
            draft.supporting.push(point.clone());
        }
    }
}

/// What looks guilty and was the same before is ruled out in so many words.
fn usual(case: &Case<'_>, drafts: &mut Vec<Draft>) {
    let mut seen: BTreeSet<Mechanism> = BTreeSet::new();
    for usual in case.findings.usual.iter().filter(|usual| usual.relation != Relation::Other) {
        let covered = drafts.iter().any(|draft| draft.mechanism == Some(usual.mechanism) && draft.told);
        if covered || !seen.insert(usual.mechanism) {
            continue;
        }
        let facts = usual.mechanism.facts();
        drafts.push(Draft {
            title: format!("{} {}", case.name(), facts.happened),
            category: facts.category,
            root_cause: String::new(),
            mechanism: Some(usual.mechanism),
            about: None,
            told: false,
            onset: None,
            trigger: None,
            supporting: vec![Point::new(0.15, "there are log lines that speak of it", vec![usual.evidence])],
            against: vec![Point::new(0.9, usual.text.clone(), vec![usual.evidence])],
            impossible: true,
            next_steps: Vec::new(),
            tells: None,
        });
    }
}

fn ids(evidence: &[usize]) -> Vec<String> {
    let sorted: BTreeSet<usize> = evidence.iter().copied().collect();
    sorted.into_iter().map(|index| format!("E{}", index + 1)).collect()
}

fn claim(point: &Point) -> Claim {
    Claim { text: point.text.clone(), evidence: ids(&point.evidence) }
}

fn hypotheses(drafts: &[Draft], confirmed: Option<usize>) -> Vec<Hypothesis> {
    let mut ruled_out = 0;
    let mut kept = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        let score = draft.score();
        let status = if confirmed == Some(index) {
            HypothesisStatus::Confirmed
        } else if draft.impossible || (!draft.against.is_empty() && score < 0.2) {
            HypothesisStatus::RuledOut
        } else {
            HypothesisStatus::Possible
        };
        let is_out = status == HypothesisStatus::RuledOut;
        if (is_out && ruled_out >= MOST_RULED_OUT) || (!is_out && (score < WORTH || kept.len() - ruled_out >= MOST)) {
            continue;
        }
        ruled_out += usize::from(is_out);
        let mut supporting = draft.supporting.clone();
        supporting.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        kept.push(Hypothesis {
            title: draft.title.clone(),
            category: draft.category,
            score: (score * 100.0).round() / 100.0,
            supporting: supporting.iter().map(claim).collect(),
            against: draft.against.iter().filter(|point| !point.evidence.is_empty()).map(claim).collect(),
            status,
            would_tell: draft.tells.clone().filter(|_| status == HypothesisStatus::Possible),
        });
    }
    kept
}

fn claims(case: &Case<'_>, confirmed: Option<&Draft>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut say = |text: &str, evidence: &[usize]| {
        if !evidence.is_empty() && claims.len() < MOST_CLAIMS && said.insert(text.to_owned()) {
            claims.push(Claim { text: text.to_owned(), evidence: ids(evidence) });
        }
    };
    let condition = &case.findings.condition;
    if condition.state != ConditionState::Unmeasured {
        say(&condition.text, &condition.evidence);
    }
    for point in confirmed.iter().flat_map(|draft| &draft.supporting).filter(|point| point.observed) {
        say(&point.text, &point.evidence);
    }
    if let Some(fix) = fix(case) {
        say(&format!("the trouble was over after the {}", fix.text), &fix.evidence);
    }
    let mut others: Vec<&Symptom> = case
        .findings
        .symptoms
        .iter()
        .filter(|symptom| symptom.relation != Relation::Other && symptom.strength >= 0.45)
        .filter(|symptom| !matches!(symptom.sign, Sign::Metric { meaning: Meaning::Other, .. } | Sign::Change { .. }))
        .collect();
    others.sort_by(|a, b| {
        let weight = |symptom: &Symptom| symptom.strength * symptom.relation.weight();
        weight(b).total_cmp(&weight(a)).then_with(|| a.text.cmp(&b.text))
    });
    for symptom in others {
        say(&symptom.text, &symptom.evidence);
    }
    claims
}

/// The chain from the change through the mechanism to what the alert saw, by time.
fn chain(case: &Case<'_>, draft: &Draft) -> Vec<CausalStep> {
    let step = |symptom: &Symptom| CausalStep {
        time: symptom.onset,
        text: symptom.text.clone(),
        evidence: ids(&symptom.evidence),
    };
    let mut steps: Vec<CausalStep> = Vec::new();
    let trigger = draft.trigger.map(|index| &case.findings.symptoms[index]);
    steps.extend(trigger.map(step));
    let mut middle: Vec<CausalStep> = draft
        .supporting
        .iter()
        .filter(|point| point.observed && !trigger.is_some_and(|change| point.text.contains(&change.text)))
        .take(4)
        .map(|point| CausalStep { time: point.time, text: point.text.clone(), evidence: ids(&point.evidence) })
        .collect();
    // What has no time of its own was there from the start.
    let place = |step: &CausalStep| (step.time.or(draft.onset), step.time.is_none(), step.text.clone());
    middle.sort_by_key(place);
    middle.dedup_by(|a, b| a.text == b.text);
    steps.extend(middle);
    let condition = &case.findings.condition;
    if !condition.evidence.is_empty() && condition.state != ConditionState::Unmeasured {
        steps.push(CausalStep {
            time: condition.since,
            text: condition.text.clone(),
            evidence: ids(&condition.evidence),
        });
    }
    steps
}

fn next_steps(case: &Case<'_>, decided: &Decided, drafts: &[Draft], gaps: &[Gap]) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut add = |step: String| {
        if steps.len() < 8 && !steps.contains(&step) {
            steps.push(step);
        }
    };
    match (decided.category, decided.confirmed) {
        (_, Some(index)) => {
            if let Some((rival, tells)) = rival(drafts, index).and_then(|rival| Some((rival, rival.tells.as_ref()?))) {
                add(format!("make sure first that it is not that {}: {tells}", lower_first(&rival.title)));
            }
            drafts[index].next_steps.iter().cloned().for_each(&mut add);
        }
        (Category::Healthy, None) => {
            add(if case.goes_on() {
                "move the threshold away from what is usual, or compare with the same time of other days".to_owned()
            } else {
                "close the alert if it is still open; look at the time before the recovery if it comes back".to_owned()
            });
        }
        _ => {
            let open: Vec<&Draft> = candidates(drafts).collect();
            for draft in open.iter().take(2).filter(|_| open.len() > 1) {
                if let Some(tells) = &draft.tells {
                    add(format!("to tell whether {}: {tells}", lower_first(&draft.title)));
                }
            }
            for draft in open {
                draft.next_steps.iter().take(2).cloned().for_each(&mut add);
            }
        }
    }
    for gap in gaps.iter().filter(|gap| is_failure(gap)) {
        let at = gap.instance.as_ref().map_or_else(|| gap.service.clone(), |name| format!("{}/{name}", gap.service));
        let what = gap.operation.as_ref().map(|operation| format!(" ({operation})")).unwrap_or_default();
        add(match (&gap.hint, gap.kind) {
            (Some(hint), _) => format!("{at}{what}: {hint}"),
            (None, GapKind::Denied) => {
                format!("give the credential of {at} the permission to read{what}, then investigate again")
            }
            (None, GapKind::Deadline) => {
                format!("investigate again with a longer --deadline: {at}{what} did not answer in time")
            }
            (None, GapKind::RateLimited) => format!("investigate again later: {at}{what} limits the rate of requests"),
            (None, _) => format!("check {at}{what} with `opensre integrations verify`, then investigate again"),
        });
    }
    if decided.category == Category::Unknown && steps.is_empty() {
        steps.push(
            "widen the window with --since, or connect a system that has logs or traces of the service".to_owned(),
        );
    }
    steps
}
