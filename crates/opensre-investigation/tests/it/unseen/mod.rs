//! Incidents as somebody would write them who has never seen the rules: what back ends answer, and what a verdict must say.
//!
//! Evidence is made of wire formats by the providers' own pure functions where these are public, else by hand in the
//! same shape. A verdict is right when its category is one of those that fit and its words name what is at fault; where
//! the evidence does not carry a verdict, `unknown` is the right answer and a confident one is wrong.

mod blind;
mod blind_again;
mod cloud;
mod databases;
mod kubernetes;
mod peers;
mod telemetry;

use opensre_investigation::Diagnosis;
use opensre_model::report::{Category, HypothesisStatus};

use crate::world::World;

/// What must be said of an incident.
struct Wanted {
    /// Categories that fit.
    categories: &'static [Category],
    /// Words that the root cause must hold, all of them.
    says: &'static [&'static str],
    /// Words of hypotheses that must be in the report, confirmed or possible.
    considers: &'static [&'static str],
    /// Most confidence that the evidence carries.
    at_most: f64,
}

const fn wanted(categories: &'static [Category], says: &'static [&'static str]) -> Wanted {
    Wanted { categories, says, considers: &[], at_most: 1.0 }
}

impl Wanted {
    const fn considers(mut self, words: &'static [&'static str]) -> Self {
        self.considers = words;
        self
    }

    const fn at_most(mut self, confidence: f64) -> Self {
        self.at_most = confidence;
        self
    }
}

type Incident = (&'static str, fn() -> World, Wanted);

/// What is wrong with a diagnosis, if anything is.
fn wrong(found: &Diagnosis, wanted: &Wanted) -> Option<String> {
    let verdict = &found.verdict;
    let mut wrong = Vec::new();
    if !wanted.categories.contains(&verdict.category) {
        wrong.push(format!("{:?} instead of {:?}", verdict.category, wanted.categories));
    }
    let said = verdict.root_cause.to_lowercase();
    wrong.extend(wanted.says.iter().filter(|word| !said.contains(**word)).map(|word| format!("does not say {word}")));
    let considered = |word: &str| {
        found.hypotheses.iter().any(|one| {
            one.status != HypothesisStatus::RuledOut
                && (one.title.to_lowercase().contains(word)
                    || one.supporting.iter().any(|claim| claim.text.to_lowercase().contains(word)))
        })
    };
    wrong.extend(
        wanted.considers.iter().filter(|word| !considered(word)).map(|word| format!("does not consider {word}")),
    );
    if verdict.confidence > wanted.at_most {
        wrong.push(format!("too sure: {}", verdict.confidence));
    }
    (!wrong.is_empty()).then(|| format!("{} -- {} ({})", wrong.join("; "), verdict.root_cause, verdict.confidence))
}

fn judged(incidents: &[Incident]) -> Vec<String> {
    incidents
        .iter()
        .filter_map(|(name, made, wanted)| {
            let found = made().diagnose();
            let wrong = wrong(&found, wanted)?;
            let ranked: Vec<String> = found
                .hypotheses
                .iter()
                .take(4)
                .map(|one| format!("    {:.2} {:?} {:?} {}", one.score, one.status, one.category, one.title))
                .collect();
            Some(format!("{name}: {wrong}\n{}", ranked.join("\n")))
        })
        .collect()
}

#[test]
fn every_unseen_incident_is_judged_right() {
    let all = [kubernetes::INCIDENTS, cloud::INCIDENTS, databases::INCIDENTS, telemetry::INCIDENTS];
    let count: usize = all.iter().map(|incidents| incidents.len()).sum();
    let wrong: Vec<String> = all.iter().flat_map(|incidents| judged(incidents)).collect();
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_blind_incident_is_judged_right() {
    let all = [blind::INCIDENTS, blind_again::INCIDENTS];
    let count: usize = all.iter().map(|incidents| incidents.len()).sum();
    let wrong: Vec<String> = all.iter().flat_map(|incidents| judged(incidents)).collect();
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
