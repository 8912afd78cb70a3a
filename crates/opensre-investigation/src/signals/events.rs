//! Event evidence: changes, other alerts, and events that tell of failures (Kubernetes warnings).

use std::sync::LazyLock;

use jiff::SignedDuration;
use opensre_model::evidence::{Event, EventKind};
use opensre_model::window::Window;
use regex::Regex;

use super::logs::quote;
use super::{Findings, Sign, Symptom, changes, clock, signatures};
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
        sign: Sign::Change {
            kind: event.kind,
            reverts: REVERTS.is_match(&words),
            revisions: changes::revisions(event),
        },
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

/// What an event is about: its labels, else what its text names in a place that is made for names.
fn relation(event: &Event, subject: &Subject) -> (Relation, Option<String>) {
    let about = subject::name_of(&event.labels);
    let by_labels = subject.relation(&event.labels);
    if by_labels != Relation::Unknown {
        return (by_labels, about);
    }
    let same = |name: &str| subject.relation_of(name) == Relation::Same;
    let tagged = event.labels.iter().any(|(key, value)| value.is_empty() && same(key));
    // Prose about code speaks of many things. Its scope, its paths and its repository can say that it is about the
    // alert's service; they are too often parts of a service to say that it is about another.
    let is_of_code = OF_CODE.iter().any(|key| event.labels.contains_key(*key));
    let words = format!("{} {}", event.title, event.text);
    let named = if is_of_code { places(event).iter().any(|name| same(name)) } else { subject.is_named_in(&words) };
    if named || tagged {
        return (Relation::Same, subject.name().map(str::to_owned));
    }
    match deployed(&event.title).filter(|_| !is_of_code) {
        Some(name) => match subject.relation_of(&name) {
            Relation::Unknown => (Relation::Unknown, Some(name)),
            known => (known, Some(name)),
        },
        None => (Relation::Unknown, about),
    }
}

/// Labels that only events of a repository have.
const OF_CODE: &[&str] = &["sha", "number", "repository", "tag", "branch"];

/// Where an event of a repository names what it is about: the repository, the path that is deployed, the scope of a
/// conventional commit (`fix(checkout): ...`), a branch (`deploy/checkout`), the folders of files that it lists.
fn places(event: &Event) -> Vec<String> {
    static SCOPE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|: |\n)[a-z]+\(([\w./-]+)\)!?:").expect("constant"));
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[\s(\x22'`])(?:(?:apps?|services?|charts?|deploy(?:ments?)?|k8s|manifests|overlays|cmd|packages)/)([\w-]+)(?:/|\b)")
            .expect("constant")
    });
    let labelled = ["repository", "path", "chart", "component"].iter().filter_map(|key| event.labels.get(*key));
    let mut places: Vec<String> = labelled.flat_map(|text| last_parts(text)).collect();
    let branch = event.labels.get("branch").into_iter().flat_map(|text| last_parts(text));
    places.extend(branch);
    for text in [&event.title, &event.text] {
        for pattern in [&*SCOPE, &*PATH] {
            places.extend(pattern.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())));
        }
    }
    places
}

/// The parts of a path that can be names: `apps/checkout/overlays/prod` is about `checkout`.
fn last_parts(path: &str) -> Vec<String> {
    let bare = path.trim_end_matches('/').trim_end_matches(".git");
    bare.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The service that the title of a deployment marker names: a title that is nothing but the news of a deployment
/// (`Deployed checkout v2.3.1 to prod`), or a name with its version.
fn deployed(title: &str) -> Option<String> {
    static AFTER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)^\W*(?:(?:automatic|automated|manual|prod(?:uction)?|staging)\s+)?",
            r"(?:deploy(?:ed|ing|ment|s)?|releas(?:e|ed|ing)|roll(?:ed|ing)?[ -]?out|roll(?:ed|ing)?[ -]?back|upgrad(?:e|ed|ing)",
            r"|promot(?:e|ed|ing)|scal(?:e|ed|ing)(?: (?:up|down))?|restart(?:ed|ing)?)",
            r":?\s+(?:of\s+|for\s+|the\s+|service\s+|app\s+|deployment[ /]+)*",
            r"([A-Za-z][\w.-]*)(?:\s*$|\s+(?:to|in|on|from|at|by|for|via)\b|[\s:@]+(?:version\s+)?v?\d|[\s:@]+[0-9a-f]{7,40}\b)"
        ))
        .expect("constant")
    });
    static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)[\s:@]+v?\d+\.\d+\S*(?:\s+(?:was\s+|is\s+)?(?:deployed|released|rolled out|live)\b.*)?$")
            .expect("constant")
    });
    const WORDS: &[&str] = &[
        "version",
        "release",
        "new",
        "production",
        "prod",
        "staging",
        "build",
        "image",
        "tag",
        "config",
        "configuration",
        "feature",
        "flag",
        "chart",
        "helm",
        "revision",
        "commit",
        "pipeline",
        "job",
        "all",
        "deployed",
        "completed",
        "complete",
        "finished",
        "started",
        "succeeded",
        "to",
        "in",
        "on",
        "from",
        "at",
        "by",
        "for",
        "via",
    ];
    [&*AFTER, &*BEFORE]
        .iter()
        .filter_map(|pattern| pattern.captures(title)?.get(1))
        .map(|name| name.as_str().trim_end_matches(['.', '-', ',']))
        .find(|name| {
            let lower = name.to_lowercase();
            let version = lower.starts_with('v') && lower[1..].starts_with(|c: char| c.is_ascii_digit());
            !version && !WORDS.contains(&lower.as_str()) && Name::parse(name).is_some()
        })
        .map(str::to_owned)
}
