//! How a hypothesis about a mechanism is told: title, category, root cause, next steps.

use std::fmt::Write as _;

use jiff::Timestamp;
use opensre_model::evidence::EventKind;
use opensre_model::report::Category;

use super::super::{Case, change_words, same_thing};
use crate::mechanism::{Facts, Mechanism};
use crate::signals::Symptom;
use crate::subject::{self, Relation};

/// The mechanism's category, unless a change of a setting is what set it off.
pub(super) fn category(case: &Case<'_>, facts: &Facts, trigger: Option<(usize, f64)>) -> Category {
    const SETTINGS: &[&str] = &[
        "config",
        "configuration",
        "configmap",
        "setting",
        "settings",
        "limit",
        "limits",
        "pool",
        "timeout",
        "max",
        "env",
        "variable",
        "url",
        "endpoint",
        "host",
        "values",
        "heap",
        "replicas",
        "quota",
        "threshold",
        "policy",
        "dns",
        "scale",
        "scaled",
        "parameter",
        "secret",
        "rotate",
        "rotated",
        "security",
        "ingress",
        "egress",
        "firewall",
        "route",
        "acl",
    ];
    const FLAGS: &[&str] = &["flag", "flags", "toggle", "feature", "experiment"];
    let Some((index, fit)) = trigger.filter(|(_, fit)| *fit >= 0.45) else { return facts.category };
    let change = &case.findings.symptoms[index];
    if change.change() != Some(EventKind::Change) || change.relation == Relation::Unknown && fit < 0.5 {
        return facts.category;
    }
    // `RevokeSecurityGroupIngress` says three words.
    let text = format!("{} {}", change.text, subject::words_apart(&change.text)).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| subject::mentions(&text, word));
    match facts.mechanism {
        Mechanism::Node | Mechanism::Storage | Mechanism::Data | Mechanism::Schema => facts.category,
        _ if says(SETTINGS) || says(FLAGS) => Category::ConfigurationError,
        _ => facts.category,
    }
}

/// What a hypothesis says in a few words.
pub(super) fn title(case: &Case<'_>, facts: &Facts, about: Option<&str>) -> String {
    match (facts.mechanism, about) {
        (Mechanism::Peer, Some(peer)) => format!("{} fails since {peer} does not answer as it should", case.name()),
        (mechanism, Some(peer)) if mechanism.has_peer() => format!("{} {} ({peer})", case.name(), facts.happened),
        (mechanism, _) if mechanism.has_peer() => format!("{} {}", case.name(), facts.happened),
        (Mechanism::Node, Some(about)) if case.subject.is_machine(about) => {
            format!("the machine {about} is not healthy")
        }
        (_, Some(about)) => format!("{about} {}", facts.happened),
        (_, None) => format!("{} {}", case.name(), facts.happened),
    }
}

/// What a root cause tells besides who and what.
pub(super) struct Told<'a> {
    /// What the messages mean.
    pub(super) means: Option<&'a str>,
    /// The thing at fault that they name.
    pub(super) what: Option<&'a str>,
    /// What they say, word by word.
    pub(super) line: Option<&'a str>,
    /// When it began.
    pub(super) onset: Option<Timestamp>,
    /// The metric that shows it best.
    pub(super) shown: Option<&'a Symptom>,
}

/// The root cause that it would be, as sentences.
pub(super) fn root_cause(
    case: &Case<'_>,
    facts: &Facts,
    about: Option<&str>,
    told: &Told<'_>,
    trigger: Option<&Symptom>,
) -> String {
    let by_metrics = told.means.is_none() && told.shown.is_some();
    let since = told
        .onset
        .filter(|_| !by_metrics)
        .map(|onset| format!(" since {}", onset.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .unwrap_or_default();
    let detail = match (told.means, told.what, told.shown) {
        (Some(means), Some(what), _) => format!(": {means} ({what})"),
        (Some(means), None, _) => format!(": {means}"),
        (None, _, Some(shown)) => format!(": {}", shown.text),
        (None, _, None) => String::new(),
    };
    let mut text = match (facts.mechanism, about) {
        (Mechanism::Peer, Some(peer)) => {
            let detail = told.means.map_or_else(|| "calls to it fail or are slow".to_owned(), str::to_owned);
            format!("{} has failed{since} because of {peer}, which it calls: {detail}", case.name())
        }
        (mechanism, Some(peer)) if mechanism.has_peer() => {
            format!("{} {}{since}, calling {peer}{detail}", case.name(), facts.happened)
        }
        (mechanism, None) if mechanism.has_peer() => format!("{} {}{since}{detail}", case.name(), facts.happened),
        (Mechanism::Node, Some(about)) if case.subject.is_machine(about) => {
            format!("The machine {about} has not been healthy{since}{detail}")
        }
        (_, about) => {
            let about = about.unwrap_or_else(|| case.name());
            let own = case.subject.relation_of(about) == Relation::Same
                || same_thing(Some(about), case.name())
                || case.subject.is_machine(about);
            let effect = if own { String::new() } else { format!(", which {} depends on,", case.name()) };
            format!("{about}{effect} {}{since}{detail}", facts.happened)
        }
    };
    // Where words were made by people or by the program itself, they say most.
    let speaks = matches!(
        facts.mechanism,
        Mechanism::Setting
            | Mechanism::Code
            | Mechanism::Data
            | Mechanism::Schema
            | Mechanism::Placement
            | Mechanism::Access
    );
    if let Some(line) = told.line.filter(|line| speaks && !told.what.is_some_and(|what| what.contains(*line))) {
        let _ = write!(text, ": \"{line}\"");
    }
    if let Some(trigger) = trigger {
        let _ = write!(text, "; it followed {}", change_words(trigger));
    } else if let Some(surge) = case.surge(told.onset).filter(|_| facts.category == Category::ResourceExhaustion) {
        let _ = write!(text, "; before it, {}", surge.text);
    }
    text.push('.');
    text
}

/// What would confirm a mechanism or rule it out.
pub(in crate::patterns) fn tells(case: &Case<'_>, facts: &Facts, about: Option<&str>) -> String {
    let peer = about.filter(|_| facts.mechanism.has_peer()).unwrap_or("it");
    let service = if facts.mechanism.has_peer() { case.name() } else { about.unwrap_or_else(|| case.name()) };
    facts.tells.replace("{service}", service).replace("{peer}", peer)
}

/// What to do about it.
pub(super) fn next_steps(
    case: &Case<'_>,
    facts: &Facts,
    about: Option<&str>,
    trigger: Option<&Symptom>,
) -> Vec<String> {
    let namespace = subject::lookup(&case.alert.labels, "namespace");
    let peer = about.filter(|_| facts.mechanism.has_peer());
    let service = if facts.mechanism.has_peer() { case.name() } else { about.unwrap_or_else(|| case.name()) };
    let mut steps: Vec<String> = Vec::new();
    if let Some(trigger) = trigger {
        steps.push(format!("look at {}, and take it back if nothing speaks against it", change_words(trigger)));
    }
    for step in facts.next {
        let mut text = step.replace("{service}", service);
        if let Some(namespace) = &namespace {
            text = text.replace("{namespace}", namespace);
        }
        if let Some(peer) = peer {
            text = text.replace("{peer}", peer);
        }
        if !text.contains("{namespace}") && !text.contains("{peer}") {
            steps.push(text);
        }
    }
    steps
}
