//! From evidence to symptoms: pure functions, one module per kind of evidence.
//!
//! A symptom is something that was different during the incident: a metric that left its baseline, a kind of log line
//! that is new, a call that fails, a change that was made. What was the same before is no symptom; where it looks
//! guilty it is kept as *usual*, so that the report can rule it out with a reason.

pub mod changes;
pub mod condition;
pub mod events;
pub mod logs;
pub mod metrics;
pub mod named;
pub mod pattern;
pub mod series;
pub mod signatures;
pub mod spans;
pub mod states;
pub mod statistics;
pub mod templates;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Alert;
use opensre_model::evidence::{EventKind, Evidence, EvidenceData, Meaning};
use opensre_model::window::Window;

use crate::mechanism::Mechanism;
use crate::subject::{Name, Relation, Subject};
use condition::Condition;

/// Something that was different during the incident.
#[derive(Debug, Clone)]
pub struct Symptom {
    /// Indices of the evidence that shows it; never empty.
    pub evidence: Vec<usize>,
    /// What kind of thing it is.
    pub sign: Sign,
    /// What it is about: a service or host, as written; `None` when the evidence does not say.
    pub about: Option<String>,
    /// How that relates to what the alert is about.
    pub relation: Relation,
    /// When it was first seen.
    pub onset: Option<Timestamp>,
    /// When it was last seen, if it was over before the window ended.
    pub over: Option<Timestamp>,
    /// When it was last seen, for what is seen at single times (log lines, spans, states).
    pub last_seen: Option<Timestamp>,
    /// How clear it is: 0 to 1.
    pub strength: f64,
    /// What it is, as a sentence without a full stop.
    pub text: String,
}

/// Kinds of symptoms.
#[derive(Debug, Clone)]
pub enum Sign {
    /// A metric left its baseline.
    Metric {
        /// What it measures.
        meaning: Meaning,
        /// How it left.
        shape: Shape,
        /// Whether upwards.
        rising: bool,
    },
    /// Failures that are told in words: log lines, span messages, events, states.
    Failure {
        /// What the words mean, if they are known.
        mechanism: Option<Mechanism>,
        /// What they say, as a phrase.
        means: &'static str,
        /// What was called, where they say.
        peer: Option<String>,
        /// The thing at fault, where they say.
        what: Option<String>,
        /// What was said, where that tells more than what it means.
        line: Option<String>,
        /// How far one such sign carries by itself: 0 to 1.
        weight: f64,
    },
    /// A service that others call fails or is slow, seen in spans.
    Call {
        /// What is called.
        peer: String,
        /// Whether it fails (else it is slow).
        fails: bool,
    },
    /// A deployment or change.
    Change {
        /// Which of the two.
        kind: EventKind,
        /// Whether it takes an earlier one back.
        reverts: bool,
        /// The commits and versions that it carries ([`changes::revisions`]).
        revisions: BTreeSet<String>,
    },
    /// Another alert, or a rule that fires.
    Alert,
    /// A target, host or resource that is down.
    Down {
        /// Whether it is a machine rather than a service.
        machine: bool,
    },
}

/// How a metric leaves its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It jumps to another level.
    Level,
    /// It rises or falls steadily.
    Ramp,
    /// It reaches its limit.
    Saturated,
    /// Its series end.
    Gone,
    /// Single events are counted (restarts).
    Count,
}

impl Symptom {
    /// Whether it went on until the window's end.
    pub fn goes_on(&self) -> bool {
        self.over.is_none()
    }

    /// The change's kind, if it is a change.
    pub fn change(&self) -> Option<EventKind> {
        match self.sign {
            Sign::Change { kind, .. } => Some(kind),
            _ => None,
        }
    }
}

/// Something that looks guilty and was the same before.
#[derive(Debug, Clone)]
pub struct Usual {
    /// Index of the evidence that shows it.
    pub evidence: usize,
    /// What it points at.
    pub mechanism: Mechanism,
    /// How it relates to what the alert is about.
    pub relation: Relation,
    /// What it is, as a sentence without a full stop.
    pub text: String,
}

/// Everything that the evidence says.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was different, by onset.
    pub symptoms: Vec<Symptom>,
    /// What looks guilty and was the same before.
    pub usual: Vec<Usual>,
    /// Whether the alert's condition holds.
    pub condition: Condition,
    /// Metric evidence about the alert's own service that was measured to the end and is as it always was.
    pub quiet: Vec<(usize, Meaning)>,
    /// What a person must know about the evidence (cut lines without a baseline).
    pub notes: Vec<String>,
}

/// Reads all evidence.
pub fn detect(alert: &Alert, subject: &Subject, window: Window, evidence: &[Evidence]) -> Findings {
    let mut findings = Findings::default();
    for (index, one) in evidence.iter().enumerate() {
        match &one.data {
            EvidenceData::Metrics { .. } => metrics::detect(index, one, evidence, subject, window, &mut findings),
            EvidenceData::Events { events } => events::detect(index, events, subject, window, &mut findings),
            EvidenceData::States { states } => states::detect(index, states, alert, subject, window, &mut findings),
            // Several answers hold parts of the same streams and traces: they are read together.
            EvidenceData::Logs { .. } | EvidenceData::Spans { .. } => {}
        }
    }
    logs::detect(evidence, subject, window, &mut findings);
    let spans = spans::Pool::of(evidence);
    spans.detect(subject, window, &mut findings);
    findings.condition = condition::read(alert, subject, window, evidence, &findings);
    merge(&mut findings.symptoms);
    changes::unite(&mut findings.symptoms, evidence, window);
    link(&mut findings.symptoms, &spans, subject);
    findings
        .symptoms
        .sort_by(|a, b| (a.onset, &a.text).cmp(&(b.onset, &b.text)).then_with(|| b.strength.total_cmp(&a.strength)));
    findings.notes.sort();
    findings.notes.dedup();
    findings
}

/// The same thing seen in several answers is one symptom with several pieces of evidence.
fn merge(symptoms: &mut Vec<Symptom>) {
    let mut merged: BTreeMap<(String, Option<String>), Symptom> = BTreeMap::new();
    for symptom in symptoms.drain(..) {
        let key = (format!("{:?} {}", std::mem::discriminant(&symptom.sign), symptom.text), symptom.about.clone());
        match merged.entry(key) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(symptom);
            }
            std::collections::btree_map::Entry::Occupied(mut taken) => {
                let known = taken.get_mut();
                known.evidence.extend(symptom.evidence);
                known.evidence.sort_unstable();
                known.evidence.dedup();
                known.onset = [known.onset, symptom.onset].into_iter().flatten().min();
                known.over = known.over.zip(symptom.over).map(|(a, b)| a.max(b));
                known.last_seen = known.last_seen.max(symptom.last_seen);
                known.strength = known.strength.max(symptom.strength);
                known.relation = known.relation.min(symptom.relation);
            }
        }
    }
    symptoms.extend(merged.into_values());
}

/// Things that the alert's service was seen to call are linked to it, whatever their labels say.
fn link(symptoms: &mut [Symptom], spans: &spans::Pool<'_>, subject: &Subject) {
    let mut called: BTreeSet<Name> = spans.called_by(subject);
    for symptom in symptoms.iter().filter(|symptom| symptom.relation != Relation::Other) {
        let peer = match &symptom.sign {
            Sign::Failure { peer, .. } => peer.as_deref(),
            Sign::Call { peer, .. } => Some(peer.as_str()),
            _ => None,
        };
        called.extend(peer.and_then(Name::parse));
    }
    for symptom in symptoms.iter_mut().filter(|symptom| symptom.relation == Relation::Other) {
        if symptom.about.as_deref().and_then(Name::parse).is_some_and(|name| called.contains(&name)) {
            symptom.relation = Relation::Linked;
        }
    }
}

/// A time of day for a sentence.
pub fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}

/// A distance in time for a sentence: `40 s`, `12 min`, `3 h`.
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().abs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1800) / 3600),
    }
}

/// Seconds since a time, for arithmetic.
pub(crate) fn seconds(time: Timestamp, since: Timestamp) -> f64 {
    time.duration_since(since).as_secs_f64()
}

/// A number for a sentence: three significant digits, no exponent for usual sizes.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = if size == 0.0 { 0 } else { (2 - size.log10().floor() as i32).clamp(0, 6) };
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value with its unit, for a sentence.
pub fn quantity(value: f64, unit: Option<&str>) -> String {
    match unit.unwrap_or_default() {
        "bytes" => {
            let (scaled, name) = [(1024f64.powi(3), "GiB"), (1024f64.powi(2), "MiB"), (1024.0, "KiB")]
                .into_iter()
                .find(|(size, _)| value.abs() >= *size)
                .map_or((value, "B"), |(size, name)| (value / size, name));
            format!("{} {name}", number(scaled))
        }
        "seconds" if value.abs() < 1.0 => format!("{} ms", number(value * 1000.0)),
        "seconds" => format!("{} s", number(value)),
        "milliseconds" => format!("{} ms", number(value)),
        "ratio" => format!("{} %", number(value * 100.0)),
        "percent" => format!("{} %", number(value)),
        "per_second" => format!("{}/s", number(value)),
        "" | "count" | "up" => number(value),
        other => format!("{} {other}", number(value)),
    }
}
