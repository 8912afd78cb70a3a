//! Event evidence: changes, other alerts, and events that tell of failures (Kubernetes warnings).

use std::sync::LazyLock;

use jiff::SignedDuration;
use opensre_model::evidence::{Event, EventKind};
use opensre_model::window::Window;
use regex::Regex;

use super::logs::quote;
use super::{Findings, Sign, Symptom, clock, signatures};
use crate::subject::{self, Name, Relation, Subject};

/// Finds symptoms in one piece of event evidence.
pub fn detect(index: usize, events: &[Event], subject: &Subject, window: Window, findings: &mut Findings) {
    for event in events.iter().filter(|event| event.time <= window.end) {
        let (relation, about) = relation(event, subject);
        let found = match event.kind {
            EventKind::Deploy | EventKind::Change => Some(change(index, event, relation, about)),
            EventKind::Alert if event.time < window.baseline_start => None,
            EventKind::Alert => Some(Symptom {
                evidence: vec![index],
                sign: Sign::Alert,
                about,
                relation,
                onset: Some(event.time),
                over: None,
                last_seen: None,
                strength: 0.4,
                text: format!("another alert at {}: {}", clock(event.time), quote(&event.title)),
            }),
            EventKind::Silence => None,
            EventKind::Other => failure(index, event, relation, about, events, window),
        };
        findings.symptoms.extend(found);
    }
}

fn change(index: usize, event: &Event, relation: Relation, about: Option<String>) -> Symptom {
    static REVERTS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\b(?:roll(?:ed|ing)?[- ]?back|revert(?:ed|s|ing)?)\b").expect("constant"));
    let words = format!("{} {}", event.title, event.text);
    let what = if event.kind == EventKind::Deploy { "deployment" } else { "change" };
    Symptom {
        evidence: vec![index],
        sign: Sign::Change { kind: event.kind, reverts: REVERTS.is_match(&words) },
        about,
        relation,
        onset: Some(event.time),
        over: None,
        last_seen: None,
        strength: 1.0,
        text: format!("{what} \"{}\" at {}", quote(&event.title), clock(event.time)),
    }
}

/// An event that tells of a failure, unless it told the same before.
fn failure(
    index: usize,
    event: &Event,
    relation: Relation,
    about: Option<String>,
    all: &[Event],
    window: Window,
) -> Option<Symptom> {
    if event.time < window.start {
        return None;
    }
    let words = |event: &Event| {
        let reason = subject::lookup(&event.labels, "reason").unwrap_or_default();
        format!("{reason} {}: {}", event.title, event.text)
    };
    let found = signatures::find(&words(event))?;
    let same = |other: &&Event| {
        signatures::find(&words(other)).is_some_and(|known| known.signature.means == found.signature.means)
            && subject::name_of(&other.labels) == subject::name_of(&event.labels)
    };
    let before = all.iter().filter(|other| other.time < window.start).filter(same).count();
    let during = all.iter().filter(|other| other.time >= window.start).filter(same).count();
    if before > 0 && during <= 3 * before {
        return None;
    }
    let over = (window.end.duration_since(event.time) > SignedDuration::from_mins(15)).then_some(event.time);
    Some(Symptom {
        evidence: vec![index],
        text: format!(
            "{}event \"{}\" ({}) at {}",
            about.as_deref().map(|about| format!("{about} ")).unwrap_or_default(),
            quote(&format!("{} {}", event.title, event.text)),
            found.signature.means,
            clock(event.time)
        ),
        strength: if found.signature.single { 1.0 } else { 0.85 },
        sign: found.into_sign(),
        about,
        relation,
        onset: Some(event.time),
        over,
        last_seen: Some(event.time),
    })
}

/// What an event is about: its labels, else the names in its text.
fn relation(event: &Event, subject: &Subject) -> (Relation, Option<String>) {
    let about = subject::name_of(&event.labels);
    let by_labels = subject.relation(&event.labels);
    if by_labels != Relation::Unknown {
        return (by_labels, about);
    }
    let words = format!("{} {}", event.title, event.text);
    let tagged = event.labels.iter().any(|(key, value)| value.is_empty() && subject.relation_of(key) == Relation::Same);
    if subject.is_named_in(&words) || tagged {
        return (Relation::Same, subject.name().map(str::to_owned));
    }
    match named(&words) {
        Some(name) => match subject.relation_of(&name) {
            Relation::Unknown => (Relation::Unknown, Some(name)),
            known => (known, Some(name)),
        },
        None => (Relation::Unknown, about),
    }
}

/// The service that the text of a change names: after `deploy`, or before a version.
fn named(words: &str) -> Option<String> {
    static AFTER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)\b(?:deploy(?:ed|ing|ment|s)?|releas(?:e|ed|ing)|roll(?:ed|ing)?[ -]?out|rollback|upgrad(?:e|ed|ing)",
            r"|updat(?:e|ed|ing)|promot(?:e|ed|ing)|scal(?:e|ed|ing)(?: (?:up|down))?|restart(?:ed|ing)?)",
            r":?\s+(?:of\s+|for\s+|the\s+|service\s+|app\s+|deployment[ /]+)*([A-Za-z][\w.-]*)"
        ))
        .expect("constant")
    });
    static BEFORE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\b([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)[\s:@]+v?\d+\.\d+").expect("constant"));
    const WORDS: &[&str] = &[
        "version",
        "v",
        "release",
        "to",
        "from",
        "in",
        "on",
        "at",
        "by",
        "with",
        "new",
        "production",
        "prod",
        "staging",
        "complete",
        "completed",
        "finished",
        "started",
        "succeeded",
        "successful",
        "build",
        "image",
        "tag",
        "and",
        "a",
        "an",
        "config",
        "configuration",
        "feature",
        "flag",
        "deployed",
        "deploy",
        "rollout",
        "chart",
        "helm",
        "now",
        "via",
        "revision",
        "commit",
        "triggered",
        "pipeline",
        "job",
        "all",
        "is",
        "was",
        "for",
        "of",
    ];
    [&*AFTER, &*BEFORE]
        .iter()
        .flat_map(|pattern| pattern.captures_iter(words))
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str().trim_end_matches(['.', '-', ',']))
        .find(|name| {
            let lower = name.to_lowercase();
            let version = lower.starts_with('v') && lower[1..].starts_with(|c: char| c.is_ascii_digit());
            !version && !WORDS.contains(&lower.as_str()) && Name::parse(name).is_some()
        })
        .map(str::to_owned)
}
