//! Span evidence: where failures begin, and which call takes the time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::Span;
use opensre_model::window::Window;

use super::logs::quote;
use super::statistics::{mad, median};
use super::{Findings, Sign, Symptom, clock, number, signatures};
use crate::mechanism::Mechanism;
use crate::subject::{Name, Relation, Subject};

/// Attributes that name what a span calls, best first (OpenTelemetry's semantic conventions, old and new).
const PEER_KEYS: &[&str] = &[
    "peer.service",
    "db.name",
    "db.namespace",
    "server.address",
    "net.peer.name",
    "http.host",
    "net.peer.ip",
    "messaging.destination.name",
    "db.system",
    "db.system.name",
    "messaging.system",
    "rpc.service",
];

/// Where failing requests fail first.
#[derive(Default)]
struct Failing<'a> {
    before: usize,
    during: Vec<&'a Span>,
}

/// How long calls of one kind took by themselves, in milliseconds.
#[derive(Default)]
struct OwnTimes {
    before: Vec<f64>,
    during: Vec<(Timestamp, f64)>,
}

/// Finds symptoms in one piece of span evidence.
pub fn detect(index: usize, spans: &[Span], subject: &Subject, window: Window, findings: &mut Findings) {
    failing(index, spans, subject, window, findings);
    slow(index, spans, subject, window, findings);
}

fn failing(index: usize, spans: &[Span], subject: &Subject, window: Window, findings: &mut Findings) {
    let failed_parents: BTreeSet<(&str, &str)> = spans
        .iter()
        .filter(|span| span.error)
        .filter_map(|span| Some((span.trace_id.as_str(), span.parent_id.as_deref()?)))
        .collect();
    // The deepest failing span of a branch is where the failure begins; those above it only pass it on.
    let origins = spans
        .iter()
        .filter(|span| span.error && !failed_parents.contains(&(span.trace_id.as_str(), span.span_id.as_str())));
    let mut groups: BTreeMap<(&str, &str, Option<String>), Failing<'_>> = BTreeMap::new();
    for span in origins {
        let group = groups.entry((span.service.as_str(), span.name.as_str(), peer(span))).or_default();
        if span.start < window.start {
            group.before += 1;
        } else {
            group.during.push(span);
        }
    }
    let before = spans.iter().filter(|span| span.start < window.start).count();
    let during = spans.len() - before;
    for ((service, name, peer), group) in groups {
        let Some(first) = group.during.first() else { continue };
        let onset = group.during.iter().map(|span| span.start).min().unwrap_or(first.start);
        let count = group.during.len();
        // As a share of what was sampled: a sample of the incident is larger than one of the baseline.
        let usual = group.before as f64 / before.max(1) as f64;
        if group.before > 0 && count as f64 / during.max(1) as f64 <= 3.0 * usual {
            continue;
        }
        let known = signatures::find(&first.message);
        let mechanism = known.as_ref().and_then(|found| found.signature.mechanism);
        // A failing call to something else is that one's failure, unless its message says that it is our own.
        let theirs = peer.clone().filter(|_| {
            mechanism
                .is_none_or(|mechanism| matches!(mechanism, Mechanism::Peer | Mechanism::Code | Mechanism::Network))
        });
        let volume = [0.6, 0.8].get(count - 1).copied().unwrap_or(1.0);
        let over = over(group.during.iter().map(|span| span.start), window);
        let message = if first.message.is_empty() { String::new() } else { format!(": {}", quote(&first.message)) };
        let called = peer.as_deref().map(|peer| format!(" calling {peer}")).unwrap_or_default();
        let text = format!(
            "{count} of the sampled requests fail first in {service} \"{name}\"{called}, since {}{message}",
            clock(onset)
        );
        let relation = subject.relation_of(service);
        findings.symptoms.push(Symptom {
            evidence: vec![index],
            sign: match theirs {
                Some(peer) => Sign::Call { peer, fails: true },
                None => Sign::Failure {
                    mechanism,
                    means: known.as_ref().map_or("failing requests", |found| found.signature.means),
                    peer: peer.clone().or_else(|| known.as_ref().and_then(|found| found.peer.clone())),
                    what: known.as_ref().and_then(|found| found.what.clone()),
                    weight: known.as_ref().map_or(0.45, |found| found.signature.weight),
                },
            },
            about: Some(service.to_owned()),
            // A failure that the subject's own traces contain is linked to it by the trace.
            relation: if relation == Relation::Other && shares_a_trace(spans, &group.during, subject) {
                Relation::Linked
            } else {
                relation
            },
            onset: Some(onset),
            over,
            strength: volume,
            text,
        });
    }
}

/// Spans whose own time (without their children) grew against the baseline.
fn slow(index: usize, spans: &[Span], subject: &Subject, window: Window, findings: &mut Findings) {
    let mut children: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for span in spans {
        if let Some(parent) = &span.parent_id {
            *children.entry((&span.trace_id, parent)).or_default() += span.duration_ms;
        }
    }
    let own = |span: &Span| {
        let inside = children.get(&(span.trace_id.as_str(), span.span_id.as_str())).copied().unwrap_or_default();
        (span.duration_ms - inside).max(0.0)
    };
    let mut groups: BTreeMap<(&str, &str, Option<String>), OwnTimes> = BTreeMap::new();
    for span in spans.iter().filter(|span| !span.error) {
        let OwnTimes { before, during } = groups.entry((&span.service, &span.name, peer(span))).or_default();
        if span.start < window.start {
            before.push(own(span));
        } else {
            during.push((span.start, own(span)));
        }
    }
    for ((service, name, peer), OwnTimes { before, during }) in groups {
        if before.len() < 4 || during.len() < 4 {
            continue;
        }
        let (Some(usual), Some(spread)) = (median(&before), mad(&before)) else { continue };
        let limit = (usual * 2.0).max(usual + 6.0 * spread).max(usual + 20.0);
        let high: Vec<(Timestamp, f64)> = during.iter().copied().filter(|(_, time)| *time > limit).collect();
        if high.len() < 3 || high.len() * 3 < during.len() {
            continue;
        }
        let times: Vec<f64> = high.iter().map(|(_, time)| *time).collect();
        let (Some(level), Some(onset)) = (median(&times), high.iter().map(|(start, _)| *start).min()) else { continue };
        let called = peer.as_deref().map(|peer| format!(" calling {peer}")).unwrap_or_default();
        let relation = subject.relation_of(service);
        let inside: Vec<&Span> = spans.iter().filter(|span| span.service == service && span.name == name).collect();
        findings.symptoms.push(Symptom {
            evidence: vec![index],
            text: format!(
                "{service} \"{name}\"{called} takes {} ms, usually {} ms, since {}",
                number(level),
                number(usual),
                clock(onset)
            ),
            sign: Sign::Call { peer: peer.unwrap_or_else(|| service.to_owned()), fails: false },
            about: Some(service.to_owned()),
            relation: if relation == Relation::Other && shares_a_trace(spans, &inside, subject) {
                Relation::Linked
            } else {
                relation
            },
            onset: Some(onset),
            over: over(high.iter().map(|(start, _)| *start), window),
            strength: (0.4 + 0.3 * (level / usual.max(1.0)).ln()).clamp(0.4, 1.0),
        });
    }
}

/// What the subject's spans were seen to call: the services of their child spans, and the peers that they name.
pub fn called_by(spans: &[Span], subject: &Subject) -> BTreeSet<Name> {
    let own: BTreeSet<(&str, &str)> = spans
        .iter()
        .filter(|span| subject.relation_of(&span.service) == Relation::Same)
        .map(|span| (span.trace_id.as_str(), span.span_id.as_str()))
        .collect();
    let mut called = BTreeSet::new();
    for span in spans {
        if own.contains(&(span.trace_id.as_str(), span.span_id.as_str())) {
            called.extend(peer(span).as_deref().and_then(Name::parse));
        }
        if span.parent_id.as_deref().is_some_and(|parent| own.contains(&(span.trace_id.as_str(), parent))) {
            called.extend(Name::parse(&span.service));
        }
    }
    called
}

/// What a span calls, if it calls something outside of its own process.
fn peer(span: &Span) -> Option<String> {
    let get = |wanted: &str| {
        let value =
            span.attributes.iter().find(|(key, _)| key.to_lowercase() == wanted).map(|(_, value)| value.trim())?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let kind = get("span.kind").or_else(|| get("kind")).unwrap_or_default().to_lowercase();
    if kind.contains("server") || kind.contains("consumer") || kind.contains("internal") {
        return None;
    }
    let url = || ["url.full", "http.url"].iter().find_map(|key| get(key)).and_then(|url| signatures::peer_in(&url));
    let named = PEER_KEYS.iter().find_map(|key| get(key)).or_else(url)?;
    // A database's name alone says little.
    let system = get("db.system").or_else(|| get("db.system.name"));
    let named = match system {
        Some(system) if system != named && get("peer.service").is_none() && get("db.name").is_some() => {
            format!("{system} {named}")
        }
        _ => named,
    };
    let own = Labels::from([("service".to_owned(), span.service.clone())]);
    (crate::subject::name_of(&own).and_then(|own| Name::parse(&own)) != Name::parse(&named)).then_some(named)
}

fn shares_a_trace(all: &[Span], some: &[&Span], subject: &Subject) -> bool {
    let traces: BTreeSet<&str> = some.iter().map(|span| span.trace_id.as_str()).collect();
    all.iter()
        .any(|span| traces.contains(span.trace_id.as_str()) && subject.relation_of(&span.service) == Relation::Same)
}

fn over(times: impl Iterator<Item = Timestamp>, window: Window) -> Option<Timestamp> {
    let last = times.max()?;
    // Traces are samples: only a long silence says that it is over.
    (super::seconds(window.end, last) > 900.0).then_some(last)
}
