//! Span evidence: where failures begin, and which call takes the time.
//!
//! The spans of all answers are read together: a search names the traces, and another answer holds them whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opensre_model::evidence::{Evidence, EvidenceData, Span};
use opensre_model::window::Window;

use super::logs::quote;
use super::statistics::{mad, median};
use super::{Findings, Sign, Symptom, clock, number, seconds, signatures};
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

/// Most failing and most slow calls that are told of.
const MOST: usize = 8;

/// What calls of one kind have in common: service, operation, what is called.
type Kind<'a> = (&'a str, &'a str, Option<String>);

/// All spans of all answers, each once, with where it was found.
pub struct Pool<'a> {
    spans: Vec<(&'a Span, BTreeSet<usize>)>,
}

/// Failures of one kind.
#[derive(Default)]
struct Failing<'a> {
    before: usize,
    during: Vec<&'a Span>,
    evidence: BTreeSet<usize>,
}

/// How long calls of one kind took by themselves, in milliseconds.
#[derive(Default)]
struct OwnTimes {
    before: Vec<f64>,
    during: Vec<(Timestamp, f64)>,
    evidence: BTreeSet<usize>,
}

impl<'a> Pool<'a> {
    /// The spans of all answers. Of a span that several have, the one that says most stays.
    pub fn of(evidence: &'a [Evidence]) -> Self {
        let mut pool: BTreeMap<(&str, &str), (&Span, BTreeSet<usize>)> = BTreeMap::new();
        let says = |span: &Span| (span.attributes.len(), span.message.len(), span.parent_id.is_some());
        for (index, one) in evidence.iter().enumerate() {
            let EvidenceData::Spans { spans } = &one.data else { continue };
            for span in spans {
                let known = pool.entry((&span.trace_id, &span.span_id)).or_insert_with(|| (span, BTreeSet::new()));
                known.1.insert(index);
                if says(span) > says(known.0) {
                    known.0 = span;
                }
            }
        }
        Self { spans: pool.into_values().collect() }
    }

    /// Finds symptoms in the spans.
    pub fn detect(&self, subject: &Subject, window: Window, findings: &mut Findings) {
        let mut failing = self.failing(subject, window);
        let mut slow = self.slow(subject, window);
        for found in [&mut failing, &mut slow] {
            found.sort_by(|a, b| {
                let weight = |symptom: &Symptom| symptom.strength * symptom.relation.weight();
                weight(b).total_cmp(&weight(a)).then_with(|| a.text.cmp(&b.text))
            });
            found.truncate(MOST);
        }
        findings.symptoms.extend(failing.into_iter().chain(slow));
    }

    fn failing(&self, subject: &Subject, window: Window) -> Vec<Symptom> {
        let mut groups: BTreeMap<Kind<'_>, Failing<'_>> = BTreeMap::new();
        for (span, evidence) in self.origins() {
            let group = groups.entry((span.service.as_str(), span.name.as_str(), peer(span))).or_default();
            group.evidence.extend(evidence);
            if span.start < window.start {
                group.before += 1;
            } else {
                group.during.push(span);
            }
        }
        let traces = |before: bool| {
            let all = self.spans.iter().filter(|(span, _)| (span.start < window.start) == before);
            all.map(|(span, _)| span.trace_id.as_str()).collect::<BTreeSet<_>>().len()
        };
        let (before, during) = (traces(true), traces(false));
        groups
            .into_iter()
            .filter_map(|((service, name, peer), group)| {
                // As a share of what was sampled: a sample of the incident is larger than one of the baseline.
                let usual = group.before as f64 / before.max(1) as f64;
                if group.before > 0 && group.during.len() as f64 / during.max(1) as f64 <= 3.0 * usual {
                    return None;
                }
                self.failure(service, name, peer, &group, subject, window)
            })
            .collect()
    }

    /// The failing spans with which failures begin: those below which nothing fails.
    fn origins(&self) -> impl Iterator<Item = (&'a Span, &BTreeSet<usize>)> {
        let mut failed: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
        let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (span, _) in &self.spans {
            known.insert((&span.trace_id, &span.span_id));
            if span.error {
                failed.entry(&span.trace_id).or_default().push(span);
            }
        }
        self.spans.iter().filter(|(span, _)| span.error).filter_map(move |(span, evidence)| {
            let passes_on = failed.get(span.trace_id.as_str()).into_iter().flatten().any(|other| {
                match other.parent_id.as_deref() {
                    Some(parent) if known.contains(&(other.trace_id.as_str(), parent)) => parent == span.span_id,
                    // A search answers spans without what lies between: the one that lasts inside the other is below.
                    _ => other.span_id != span.span_id && inside(other, span),
                }
            });
            (!passes_on).then_some((*span, evidence))
        })
    }

    fn failure(
        &self,
        service: &str,
        name: &str,
        peer: Option<String>,
        group: &Failing<'_>,
        subject: &Subject,
        window: Window,
    ) -> Option<Symptom> {
        let onset = group.during.iter().map(|span| span.start).min()?;
        let last = group.during.iter().map(|span| span.start).max()?;
        let count = group.during.len();
        let telling =
            group.during.iter().max_by_key(|span| (!span.message.is_empty(), std::cmp::Reverse(span.start)))?;
        let known = signatures::find(&telling.message);
        let mechanism = known.as_ref().and_then(|found| found.signature.mechanism);
        let called = peer.as_deref().map(|peer| format!(" calling {peer}")).unwrap_or_default();
        let message = if telling.message.is_empty() { String::new() } else { format!(": {}", quote(&telling.message)) };
        let text = format!(
            "{count} of the sampled requests {} first in {service} \"{name}\"{called}, since {}{message}",
            if count == 1 { "fails" } else { "fail" },
            clock(onset)
        );
        let volume = [0.6, 0.8].get(count - 1).copied().unwrap_or(1.0);
        // A failing call to something else is that one's failure, unless its message says that it is our own.
        let theirs = peer.clone().filter(|_| {
            mechanism.is_none_or(|found| matches!(found, Mechanism::Peer | Mechanism::Code | Mechanism::Network))
        });
        Some(Symptom {
            evidence: group.evidence.iter().copied().collect(),
            sign: match (theirs, known) {
                (Some(peer), _) => Sign::Call { peer, fails: true },
                (None, Some(mut found)) => {
                    found.peer = peer.or(found.peer);
                    found.into_sign()
                }
                (None, None) => Sign::Failure {
                    mechanism: None,
                    means: "failing requests",
                    peer,
                    what: None,
                    line: None,
                    weight: 0.45,
                },
            },
            about: Some(service.to_owned()),
            relation: self.relation(service, &group.during, subject),
            onset: Some(onset),
            // Traces are samples: only a long silence says that it is over.
            over: (seconds(window.end, last) > 900.0).then_some(last),
            last_seen: Some(last),
            strength: volume,
            text,
        })
    }

    /// Spans whose own time (without their children) grew against the baseline.
    fn slow(&self, subject: &Subject, window: Window) -> Vec<Symptom> {
        let mut children: BTreeMap<(&str, &str), f64> = BTreeMap::new();
        let mut complete: BTreeSet<&str> = BTreeSet::new();
        for (span, _) in &self.spans {
            if let Some(parent) = &span.parent_id {
                *children.entry((&span.trace_id, parent)).or_default() += span.duration_ms;
                complete.insert(&span.trace_id);
            }
        }
        let own = |span: &Span| {
            let inside = children.get(&(span.trace_id.as_str(), span.span_id.as_str())).copied().unwrap_or_default();
            (span.duration_ms - inside).max(0.0)
        };
        let mut groups: BTreeMap<Kind<'_>, OwnTimes> = BTreeMap::new();
        for (span, evidence) in &self.spans {
            // Without its children a span's own time cannot be told from theirs.
            let alone = span.parent_id.is_none() && !complete.contains(span.trace_id.as_str());
            if span.error || alone {
                continue;
            }
            let group = groups.entry((&span.service, &span.name, peer(span))).or_default();
            group.evidence.extend(evidence);
            if span.start < window.start {
                group.before.push(own(span));
            } else {
                group.during.push((span.start, own(span)));
            }
        }
        groups
            .into_iter()
            .filter_map(|((service, name, peer), group)| {
                let OwnTimes { before, during, evidence } = group;
                if before.len() < 4 || during.len() < 4 {
                    return None;
                }
                let (usual, spread) = (median(&before)?, mad(&before)?);
                let limit = (usual * 2.0).max(usual + 6.0 * spread).max(usual + 20.0);
                let high: Vec<(Timestamp, f64)> = during.iter().copied().filter(|(_, time)| *time > limit).collect();
                if high.len() < 3 || high.len() * 3 < during.len() {
                    return None;
                }
                let times: Vec<f64> = high.iter().map(|(_, time)| *time).collect();
                let level = median(&times)?;
                let onset = high.iter().map(|(start, _)| *start).min()?;
                let last = high.iter().map(|(start, _)| *start).max()?;
                let called = peer.as_deref().map(|peer| format!(" calling {peer}")).unwrap_or_default();
                let alike: Vec<&Span> = self
                    .spans
                    .iter()
                    .map(|(span, _)| *span)
                    .filter(|span| span.service == service && span.name == name)
                    .collect();
                Some(Symptom {
                    evidence: evidence.into_iter().collect(),
                    text: format!(
                        "{service} \"{name}\"{called} takes {} ms, usually {} ms, since {}",
                        number(level),
                        number(usual),
                        clock(onset)
                    ),
                    sign: Sign::Call { peer: peer.unwrap_or_else(|| service.to_owned()), fails: false },
                    about: Some(service.to_owned()),
                    relation: self.relation(service, &alike, subject),
                    onset: Some(onset),
                    over: (seconds(window.end, last) > 900.0).then_some(last),
                    last_seen: Some(last),
                    strength: (0.4 + 0.3 * (level / usual.max(1.0)).ln()).clamp(0.4, 1.0),
                })
            })
            .collect()
    }

    /// A span's relation to the subject; what is in the subject's own traces is linked to it by them.
    fn relation(&self, service: &str, some: &[&Span], subject: &Subject) -> Relation {
        let relation = subject.relation_of(service);
        if relation != Relation::Other {
            return relation;
        }
        let traces: BTreeSet<&str> = some.iter().map(|span| span.trace_id.as_str()).collect();
        let shared = self.spans.iter().any(|(span, _)| {
            traces.contains(span.trace_id.as_str()) && subject.relation_of(&span.service) == Relation::Same
        });
        if shared { Relation::Linked } else { Relation::Other }
    }

    /// What the subject's spans were seen to call: the services of their child spans, and the peers that they name.
    pub fn called_by(&self, subject: &Subject) -> BTreeSet<Name> {
        let own: BTreeSet<(&str, &str)> = self
            .spans
            .iter()
            .filter(|(span, _)| subject.relation_of(&span.service) == Relation::Same)
            .map(|(span, _)| (span.trace_id.as_str(), span.span_id.as_str()))
            .collect();
        let mut called = BTreeSet::new();
        for (span, _) in &self.spans {
            if own.contains(&(span.trace_id.as_str(), span.span_id.as_str())) {
                called.extend(peer(span).as_deref().and_then(Name::parse));
            }
            if span.parent_id.as_deref().is_some_and(|parent| own.contains(&(span.trace_id.as_str(), parent))) {
                called.extend(Name::parse(&span.service));
            }
        }
        called
    }
}

/// Whether one span lasts within another of the same trace, and is shorter.
fn inside(inner: &Span, outer: &Span) -> bool {
    let end = |span: &Span| seconds(span.start, outer.start) + span.duration_ms / 1000.0;
    inner.start >= outer.start && end(inner) <= end(outer) + 0.001 && inner.duration_ms < outer.duration_ms
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
    (Name::parse(&span.service) != Name::parse(&named)).then_some(named)
}
