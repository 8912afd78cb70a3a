//! Failure patterns: each turns symptoms into hypotheses with what speaks for and against them.
//!
//! A pattern is a name and a function over the whole [`Case`]. It may propose any number of [`Draft`]s; it never looks
//! at another pattern's. What drafts mean for each other is decided afterwards, in [`crate::hypotheses`]. To add a
//! failure pattern, write its function and add one line to [`PATTERNS`].

pub mod change;
pub mod mechanism;
pub mod outage;
pub mod stated;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Alert;
use opensre_model::evidence::{EventKind, Evidence, Meaning};
use opensre_model::report::Category;
use opensre_model::window::Window;

use crate::mechanism::Mechanism;
use crate::signals::condition::ConditionState;
use crate::signals::{Findings, Sign, Symptom};
use crate::subject::{Relation, Subject};

/// How late a cause may seem to be: metrics have steps and rates have windows.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(180);
/// How long before its effect a change is still looked at.
pub const REACH: SignedDuration = SignedDuration::from_hours(2);

/// A failure pattern.
pub struct Pattern {
    /// Its name.
    pub name: &'static str,
    /// What it makes of a case.
    pub explain: fn(&Case<'_>) -> Vec<Draft>,
}

/// All patterns.
pub static PATTERNS: &[Pattern] = &[
    Pattern { name: "mechanism", explain: mechanism::explain },
    Pattern { name: "change", explain: change::explain },
    Pattern { name: "outage", explain: outage::explain },
    Pattern { name: "stated", explain: stated::explain },
];

/// Everything that a pattern looks at.
pub struct Case<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// What it is about.
    pub subject: &'a Subject,
    /// The window.
    pub window: Window,
    /// The evidence.
    pub evidence: &'a [Evidence],
    /// What was found.
    pub findings: &'a Findings,
    /// When the trouble began: the first effect that was measured, else what the alert says.
    pub onset: Timestamp,
    /// Whether that was measured (else it is only what the alert says).
    pub measured: bool,
}

/// A hypothesis in the making.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says, in a few words.
    pub title: String,
    /// Its category.
    pub category: Category,
    /// The root cause that it would be, as sentences.
    pub root_cause: String,
    /// The mechanism, if it is one.
    pub mechanism: Option<Mechanism>,
    /// What breaks: a service, host or peer.
    pub about: Option<String>,
    /// Whether it rests on messages that name it (not on metrics or timing alone).
    pub told: bool,
    /// When it began.
    pub onset: Option<Timestamp>,
    /// The change that brought it about: index among the findings' symptoms.
    pub trigger: Option<usize>,
    /// What speaks for it, strongest first.
    pub supporting: Vec<Point>,
    /// What speaks against it.
    pub against: Vec<Point>,
    /// Whether it cannot be, whatever its score.
    pub impossible: bool,
    /// What to do about it.
    pub next_steps: Vec<String>,
    /// What would confirm it or rule it out.
    pub tells: Option<String>,
}

/// Something that speaks for or against a hypothesis.
#[derive(Debug, Clone)]
pub struct Point {
    /// How much: the share of the remaining doubt (or of the score) that it takes away.
    pub weight: f64,
    /// What it is, as a sentence without a full stop.
    pub text: String,
    /// Indices of the evidence that shows it; never empty.
    pub evidence: Vec<usize>,
    /// When it was first seen.
    pub time: Option<Timestamp>,
    /// Whether it was observed (else it follows from what was: timing, words of the alert).
    pub observed: bool,
}

impl Point {
    /// A symptom as a point.
    pub fn of(symptom: &Symptom, weight: f64) -> Self {
        Self {
            weight,
            text: symptom.text.clone(),
            evidence: symptom.evidence.clone(),
            time: symptom.onset,
            observed: true,
        }
    }

    /// A point of its own words.
    pub fn new(weight: f64, text: impl Into<String>, evidence: Vec<usize>) -> Self {
        Self { weight, text: text.into(), evidence, time: None, observed: false }
    }
}

impl Draft {
    /// How well the evidence carries it: what speaks for it adds up as independent signs do (`1 - Π(1 - w)`), what
    /// speaks against it takes its share (`Π(1 - w)`).
    pub fn score(&self) -> f64 {
        let doubt: f64 = self.supporting.iter().map(|point| 1.0 - point.weight.clamp(0.0, 0.95)).product();
        let kept: f64 = self.against.iter().map(|point| 1.0 - point.weight.clamp(0.0, 0.95)).product();
        (1.0 - doubt) * kept
    }
}

impl Case<'_> {
    /// What the alert is about, for a sentence.
    pub fn name(&self) -> &str {
        self.subject.name().unwrap_or("the service")
    }

    /// Whether the alert's condition still holds at the end.
    pub fn goes_on(&self) -> bool {
        self.findings.condition.state == ConditionState::Holds
    }

    /// The change that best explains something that began at `onset`: it came before it, not long before, and is about
    /// the alert's service or about `about`. Returns its index and how well it fits (0 to 1).
    pub fn trigger(&self, onset: Option<Timestamp>, about: Option<&str>) -> Option<(usize, f64)> {
        let onset = onset.unwrap_or(self.onset);
        self.findings
            .symptoms
            .iter()
            .enumerate()
            .filter(|(_, symptom)| symptom.change().is_some())
            .filter_map(|(index, symptom)| {
                let fits_about = about.is_some_and(|about| same_thing(symptom.about.as_deref(), about));
                let relation = match symptom.relation {
                    Relation::Same => 1.0,
                    _ if fits_about => 1.0,
                    Relation::Linked => 0.7,
                    Relation::Unknown => 0.6,
                    Relation::Other => return None,
                };
                Some((index, relation * closeness(symptom.onset?, onset)?))
            })
            .max_by(|(a, fit_a), (b, fit_b)| fit_a.total_cmp(fit_b).then_with(|| b.cmp(a)))
    }

    /// Metric symptoms of a meaning that are not about something else.
    pub fn metrics(&self, wanted: &[Meaning]) -> impl Iterator<Item = &Symptom> {
        self.findings.symptoms.iter().filter(move |symptom| {
            matches!(symptom.sign, Sign::Metric { meaning, .. } if wanted.contains(&meaning))
                && symptom.relation != Relation::Other
        })
    }

    /// The rise of traffic that may have brought something about that began at `onset`.
    pub fn surge(&self, onset: Option<Timestamp>) -> Option<&Symptom> {
        let onset = onset.unwrap_or(self.onset);
        self.metrics(&[Meaning::Traffic]).find(|symptom| {
            matches!(symptom.sign, Sign::Metric { rising: true, .. })
                && symptom.onset.is_some_and(|time| closeness(time, onset).is_some())
        })
    }
}

/// How close before its effect a change was: 1 just before, falling with the distance; `None` when it came after the
/// effect or long before it.
pub fn closeness(change: Timestamp, effect: Timestamp) -> Option<f64> {
    let lag = effect.duration_since(change);
    if lag < -TOLERANCE || lag > REACH {
        return None;
    }
    Some((-lag.as_secs_f64().max(0.0) / 2400.0).exp())
}

/// Whether two written names mean the same thing.
pub fn same_thing(a: Option<&str>, b: &str) -> bool {
    use crate::subject::Name;
    a.is_some_and(|a| {
        a.eq_ignore_ascii_case(b) || Name::parse(a).zip(Name::parse(b)).is_some_and(|(one, other)| one == other)
    })
}

/// A change in a sentence: `the deployment "checkout v2.3.1" at 09:55:00 UTC`.
pub fn change_words(symptom: &Symptom) -> String {
    format!("the {}", symptom.text)
}

/// The category's usual change: what a deployment or change does when nothing else tells.
pub fn category_of_change(kind: EventKind) -> Category {
    match kind {
        EventKind::Change => Category::ConfigurationError,
        _ => Category::CodeDefect,
    }
}
