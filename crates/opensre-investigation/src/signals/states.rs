//! State evidence: targets, rules, dependencies and resources that are not healthy.

use jiff::SignedDuration;
use opensre_model::evidence::ResourceState;
use opensre_model::window::Window;

use super::{Findings, Sign, Symptom, signatures};
use crate::mechanism::Mechanism;
use crate::subject::{self, Relation, Subject};

/// Attributes that name the two sides of a call.
const CALLERS: &[&str] = &["caller", "client", "source"];
const PEERS: &[&str] = &["peer", "server", "callee", "target"];

/// Finds symptoms in one piece of state evidence.
pub fn detect(index: usize, states: &[ResourceState], subject: &Subject, window: Window, findings: &mut Findings) {
    // A state that was seen long after the incident says nothing about it.
    let late = SignedDuration::from_hours(1);
    let of_the_incident = states
        .iter()
        .filter(|state| state.observed_at.duration_since(window.end) <= late && state.healthy != Some(true));
    for state in of_the_incident {
        let symptom = if state.kind.eq_ignore_ascii_case("dependency") {
            call(index, state, subject)
        } else {
            resource(index, state, subject)
        };
        findings.symptoms.extend(symptom);
    }
}

/// A call from one service to another that fails.
fn call(index: usize, state: &ResourceState, subject: &Subject) -> Option<Symptom> {
    let get = |keys: &[&str]| keys.iter().find_map(|key| state.attributes.get(*key)).filter(|name| !name.is_empty());
    let (caller, peer) = (get(CALLERS)?, get(PEERS)?);
    if state.healthy != Some(false) {
        return None;
    }
    // Calls to the alert's own service that fail are its own failures, not those of something it calls.
    if subject.relation_of(peer) == Relation::Same {
        return None;
    }
    let tells = state.attributes.get("error").is_some_and(|error| {
        signatures::find(error).and_then(|found| found.signature.mechanism).is_some_and(Mechanism::has_peer)
    });
    let error =
        state.attributes.get("error").map(|error| format!(": {}", super::logs::quote(error))).unwrap_or_default();
    Some(Symptom {
        evidence: vec![index],
        sign: Sign::Call { peer: peer.clone(), fails: true },
        about: Some(caller.clone()),
        relation: subject.relation_of(caller),
        onset: None,
        over: None,
        last_seen: Some(state.observed_at),
        // Without an error that tells of the call itself, it may only pass on what failed further down or up.
        strength: if tells { 0.8 } else { 0.5 },
        text: format!("calls of {caller} to {peer} fail{error}"),
    })
}

fn resource(index: usize, state: &ResourceState, subject: &Subject) -> Option<Symptom> {
    // The alert's own rule is its condition, and read as that.
    if state.kind.eq_ignore_ascii_case("alert rule") {
        return None;
    }
    let words: Vec<String> = state.attributes.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let words = words.join("; ");
    let kind = state.kind.to_lowercase();
    let relation = match subject.relation(&state.attributes) {
        Relation::Unknown => subject.relation_of(&state.name),
        known => known,
    };
    let is_rule = ["alert", "rule", "monitor"].iter().any(|word| kind.contains(word));
    // A rule's expression and labels speak of failures, whatever its state.
    let known = if is_rule { None } else { signatures::find(&words) };
    if state.healthy.is_none() && known.is_none() {
        return None;
    }
    let sign = match known {
        Some(found) => found.into_sign(),
        None if is_rule => Sign::Alert,
        None => Sign::Down { machine: ["node", "host", "machine"].iter().any(|word| kind.contains(word)) },
    };
    let detail = super::logs::quote(&words);
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    let text = match sign {
        Sign::Alert => format!("{} \"{}\" fires", state.kind, state.name),
        _ => format!("{} {} is not healthy{detail}", state.kind, state.name),
    };
    Some(Symptom {
        evidence: vec![index],
        sign,
        about: subject::name_of(&state.attributes).or_else(|| Some(state.name.clone())),
        relation,
        onset: None,
        over: None,
        last_seen: Some(state.observed_at),
        strength: if state.healthy == Some(false) { 0.9 } else { 0.6 },
        text,
    })
}
