//! State evidence: targets, rules and resources that are not healthy.

use jiff::SignedDuration;
use opensre_model::evidence::ResourceState;
use opensre_model::window::Window;

use super::{Findings, Sign, Symptom, signatures};
use crate::subject::{self, Relation, Subject};

/// Finds symptoms in one piece of state evidence.
pub fn detect(index: usize, states: &[ResourceState], subject: &Subject, window: Window, findings: &mut Findings) {
    for state in states {
        // A state that was seen long after the incident says nothing about it.
        if state.observed_at.duration_since(window.end) > SignedDuration::from_hours(1) {
            continue;
        }
        let words: Vec<String> = state.attributes.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let words = words.join("; ");
        if state.healthy == Some(true) {
            continue;
        }
        let kind = state.kind.to_lowercase();
        let relation = match subject.relation(&state.attributes) {
            Relation::Unknown => subject.relation_of(&state.name),
            known => known,
        };
        let known = signatures::find(&words);
        if state.healthy.is_none() && known.is_none() {
            continue;
        }
        let about = subject::name_of(&state.attributes).or_else(|| Some(state.name.clone()));
        let sign = match &known {
            Some(found) => Sign::Failure {
                mechanism: found.signature.mechanism,
                means: found.signature.means,
                peer: found.peer.clone(),
                what: found.what.clone(),
                weight: found.signature.weight,
            },
            None if kind.contains("alert") || kind.contains("rule") || kind.contains("monitor") => Sign::Alert,
            None => Sign::Down { machine: ["node", "host", "machine"].iter().any(|word| kind.contains(word)) },
        };
        let detail = super::logs::quote(&words);
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let text = match sign {
            Sign::Alert => format!("{} \"{}\" fires{detail}", state.kind, state.name),
            _ => format!("{} {} is not healthy{detail}", state.kind, state.name),
        };
        findings.symptoms.push(Symptom {
            evidence: vec![index],
            sign,
            about,
            relation,
            onset: None,
            over: None,
            strength: if state.healthy == Some(false) { 0.9 } else { 0.6 },
            text,
        });
    }
}
