//! The decision: the best hypothesis if it carries a verdict, or `healthy`, or `unknown`.

use std::fmt::Write as _;

use jiff::SignedDuration;
use opensre_model::alert::AlertState;
use opensre_model::evidence::{Evidence, EvidenceData, Gap, GapKind, Meaning};
use opensre_model::report::Category;

use crate::patterns::{Case, Draft, TOLERANCE};
use crate::signals::condition::{Condition, ConditionState};
use crate::signals::metrics::noun;
use crate::signals::{Shape, Sign, Symptom};
use crate::subject::Relation;

/// Score from which on a hypothesis is a verdict.
pub(crate) const CARRIES: f64 = 0.5;
/// Share of the verdict's score from which on another category's hypothesis is told beside it.
const NEARLY: f64 = 0.85;
/// Score below which a hypothesis is not worth a line.
pub(crate) const WORTH: f64 = 0.12;

/// The verdict in the making.
pub(crate) struct Decided {
    pub(crate) category: Category,
    pub(crate) root_cause: String,
    pub(crate) confidence: f64,
    pub(crate) confirmed: Option<usize>,
}

pub(crate) fn decide(case: &Case<'_>, drafts: &[Draft], evidence: &[Evidence], gaps: &[Gap]) -> Decided {
    let failed = gaps.iter().filter(|gap| is_failure(gap)).count();
    if evidence.is_empty() {
        return Decided {
            category: Category::Unknown,
            root_cause: "No evidence could be gathered, so nothing can be said about the cause.".to_owned(),
            confidence: 0.0,
            confirmed: None,
        };
    }
    let best = drafts.iter().position(|draft| !draft.impossible).map(|index| (index, drafts[index].score()));
    if let Some(healthy) = healthy(case, best.map(|(index, _)| &drafts[index]), failed) {
        return healthy;
    }
    if best.is_none_or(|(_, score)| score < CARRIES)
        && let Some(harmless) = harmless(case, failed)
    {
        return harmless;
    }
    match best {
        Some((index, score)) if score >= CARRIES => {
            let draft = &drafts[index];
            let rival = drafts
                .iter()
                .filter(|other| !other.impossible && other.category != draft.category)
                .map(Draft::score)
                .fold(0.0, f64::max);
            // A rival of another category that is as good halves the confidence; a far one leaves it.
            let apart = 1.0 - 0.5 * (rival / score).min(1.0).powi(4);
            let heard = 0.94f64.powf(failed.min(5) as f64);
            let mut root_cause = draft.root_cause.clone();
            if let Some(other) = self::rival(drafts, index) {
                let _ = write!(root_cause, " Nearly as well supported: {}.", other.title);
            }
            Decided {
                category: draft.category,
                root_cause,
                confidence: (score * apart * heard).clamp(0.05, 0.97),
                confirmed: Some(index),
            }
        }
        best => Decided {
            category: Category::Unknown,
            root_cause: unknown(case, drafts, failed),
            confidence: best.map_or(0.1, |(_, score)| (score * 0.5).clamp(0.05, 0.3)),
            confirmed: None,
        },
    }
}

/// `healthy`, when what the alert says was measured and is fine (or the alert is over), and nothing else is wrong.
fn healthy(case: &Case<'_>, best: Option<&Draft>, failed: usize) -> Option<Decided> {
    let condition = &case.findings.condition;
    let resolved = case.alert.state == AlertState::Resolved;
    let fine = condition.is_fine() || (resolved && condition.state == ConditionState::Unmeasured);
    if !fine || trouble(case).is_some() {
        return None;
    }
    let base: f64 = match (condition.state, condition.own, resolved) {
        (ConditionState::Unmeasured, ..) => 0.55,
        (_, true, true) => 0.93,
        (ConditionState::Over(_), true, false) => 0.85,
        (_, true, false) | (_, false, true) => 0.8,
        (_, false, false) => 0.65,
    };
    let name = case.name();
    let mut root_cause = match condition.state {
        ConditionState::Never if !resolved => format!("Nothing is wrong with {name}: {}.", condition.text),
        ConditionState::Unmeasured => {
            format!(
                "Nothing is wrong with {name} any more: the alert is resolved and nothing that was gathered speaks of trouble that goes on."
            )
        }
        _ => format!("Nothing is wrong with {name} any more: {}.", condition.text),
    };
    if let Some(draft) = best.filter(|draft| draft.score() >= CARRIES) {
        let _ = write!(root_cause, " What it was: {}", lower_first(&draft.root_cause));
    }
    if let Some(fix) = fix(case) {
        let _ = write!(root_cause, " It was over after the {}.", fix.text);
    }
    Some(Decided {
        category: Category::Healthy,
        root_cause,
        confidence: (base * 0.85f64.powf(failed.min(4) as f64)).clamp(0.05, 0.97),
        confirmed: None,
    })
}

/// `healthy`, when the condition holds only since its threshold is near to what is usual, and what users would notice
/// was measured and is as it always was.
fn harmless(case: &Case<'_>, failed: usize) -> Option<Decided> {
    let condition = &case.findings.condition;
    let usual = condition.usual.as_ref().filter(|_| condition.state == ConditionState::Holds)?;
    // Failures and outages that go on as before are still failures.
    let of_failures = ["error", "errors", "5xx", "down", "failed", "failing", "failure", "failures", "unavailable"];
    if of_failures.iter().any(|word| case.subject.says(word)) || trouble(case).is_some() {
        return None;
    }
    let noticed = [Meaning::Errors, Meaning::Latency, Meaning::Availability];
    let quiet: Vec<&str> = noticed
        .iter()
        .filter(|meaning| case.findings.quiet.iter().any(|(_, quiet)| quiet == *meaning))
        .map(|meaning| noun(*meaning))
        .collect();
    if quiet.len() < 2 {
        return None;
    }
    Some(Decided {
        category: Category::Healthy,
        root_cause: format!(
            "Nothing is wrong with {}: {}, but {usual}, and {} are as they were; the threshold is too near to what is usual.",
            case.name(),
            condition.text,
            quiet.join(" and ")
        ),
        confidence: (0.7 * 0.85f64.powf(failed.min(4) as f64)).clamp(0.05, 0.97),
        confirmed: None,
    })
}

/// Trouble of the alert's own service, or of what it calls, that goes on to the window's end.
fn trouble<'a>(case: &'a Case<'_>) -> Option<&'a Symptom> {
    case.findings.symptoms.iter().find(|symptom| {
        let clear = match &symptom.sign {
            Sign::Metric { meaning, rising, shape } => match meaning {
                Meaning::Errors | Meaning::Latency | Meaning::Restarts => *rising && symptom.strength >= 0.5,
                Meaning::Availability => !rising,
                Meaning::Memory | Meaning::Disk | Meaning::Pool | Meaning::Cpu => *shape == Shape::Saturated,
                _ => false,
            },
            Sign::Failure { weight, .. } => weight * symptom.strength >= 0.45,
            Sign::Call { fails, .. } => *fails && symptom.strength >= 0.8,
            Sign::Down { .. } => true,
            Sign::Change { .. } | Sign::Alert => false,
        };
        // What is seen at single times goes on only if it was seen after the condition was over, and lately.
        let lately = symptom.last_seen.is_none_or(|last| {
            let after = match case.findings.condition.state {
                ConditionState::Over(over) => last.duration_since(over) > TOLERANCE,
                _ => true,
            };
            after && case.window.end.duration_since(last) < SignedDuration::from_mins(10)
        });
        clear && lately && symptom.goes_on() && matches!(symptom.relation, Relation::Same | Relation::Unknown)
    })
}

/// A change after the onset that the recovery followed.
pub(crate) fn fix<'a>(case: &'a Case<'_>) -> Option<&'a Symptom> {
    let ConditionState::Over(over) = case.findings.condition.state else { return None };
    case.findings
        .symptoms
        .iter()
        .filter(|symptom| symptom.change().is_some() && symptom.relation != Relation::Other)
        .filter(|symptom| {
            symptom.onset.is_some_and(|made| {
                made.duration_since(case.onset) > TOLERANCE
                    && made <= over
                    && over.duration_since(made) < SignedDuration::from_mins(20)
            })
        })
        .max_by_key(|symptom| symptom.onset)
}

/// What is possible and worth a line, best first.
pub(crate) fn candidates(drafts: &[Draft]) -> impl Iterator<Item = &Draft> {
    drafts.iter().filter(|draft| !draft.impossible && draft.score() >= WORTH).take(2)
}

/// The best hypothesis of another category, if it is nearly as well supported as the one that is the verdict.
pub(crate) fn rival(drafts: &[Draft], confirmed: usize) -> Option<&Draft> {
    let draft = &drafts[confirmed];
    let others = drafts.iter().filter(|other| !other.impossible && other.category != draft.category);
    let best = others.max_by(|a, b| a.score().total_cmp(&b.score()))?;
    (best.score() >= NEARLY * draft.score()).then_some(best)
}

fn unknown(case: &Case<'_>, drafts: &[Draft], failed: usize) -> String {
    let mut text = match &case.findings.condition {
        Condition { state: ConditionState::Holds, text, .. } => {
            format!("The evidence does not say why: {text}")
        }
        _ => "The evidence does not carry a verdict".to_owned(),
    };
    match candidates(drafts).collect::<Vec<_>>().as_slice() {
        [first, second] => {
            let (first, second) = (lower_first(&first.title), lower_first(&second.title));
            let _ = write!(text, "; the best guesses are that {first}, or that {second}");
        }
        [draft] => {
            let _ = write!(text, "; the best guess is that {}", lower_first(&draft.title));
        }
        _ if case.evidence.iter().all(is_empty) => {
            text.push_str(": the back ends answered that they have nothing about it");
        }
        _ => text.push_str("; nothing that was gathered differs from the time before"),
    }
    if failed > 0 {
        let calls = if failed == 1 { "one query failed or was refused" } else { "some queries failed or were refused" };
        let _ = write!(text, "; {calls}, see the gaps");
    }
    text.push('.');
    text
}

fn is_empty(evidence: &Evidence) -> bool {
    match &evidence.data {
        EvidenceData::Metrics { series, .. } => series.iter().all(|series| series.points.is_empty()),
        EvidenceData::Logs { lines } => lines.is_empty(),
        EvidenceData::Events { events } => events.is_empty(),
        EvidenceData::Spans { spans } => spans.is_empty(),
        EvidenceData::States { states } => states.is_empty(),
    }
}

/// Whether a gap hides something that could have mattered.
pub(crate) fn is_failure(gap: &Gap) -> bool {
    matches!(gap.kind, GapKind::Denied | GapKind::Failed | GapKind::Deadline | GapKind::RateLimited)
}

pub(crate) fn lower_first(text: &str) -> String {
    // Names keep their letter case; only a sentence's own first word is lowered.
    for word in ["The ", "Nothing ", "It ", "Something "] {
        if let Some(rest) = text.strip_prefix(word) {
            return format!("{}{rest}", word.to_lowercase());
        }
    }
    text.to_owned()
}
