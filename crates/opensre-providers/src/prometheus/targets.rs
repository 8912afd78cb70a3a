//! Scrape targets of what an alert is about: which are down now, and why the last scrape failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, ResourceState};
use opensre_model::window::Window;

use super::selection;
use super::wire::Target;
use super::{api, summary};
use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;

/// Most targets that are kept; those that are down first.
const MOST: usize = 20;

/// Asks for the targets whose labels fit those of the alert.
pub(crate) async fn targets(backend: &Backend, operation: &str, labels: &Labels, window: Window) -> Answer {
    let mut answer = Answer::default();
    let all = match api::targets(&backend.client).await {
        Ok(all) => all,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    let candidates = selection::candidates(labels);
    let mut fitting: Vec<&Target> =
        all.iter().filter(|target| candidates.iter().any(|candidate| candidate.finds(&target.labels))).collect();
    if fitting.is_empty() {
        let reason = format!("none of the {} scrape targets belongs to what the alert is about", all.len());
        answer.gaps.push(backend.gap(operation, Failure::new(GapKind::NotRelevant, reason)));
        return answer;
    }
    fitting.sort_by_key(|target| (target.health == "up", target.labels.clone()));
    let (count, down) = (fitting.len(), fitting.iter().filter(|target| target.health == "down").count());
    let states: Vec<ResourceState> = fitting.into_iter().take(MOST).filter_map(state).collect();
    let mut said = format!("{down} of {count} scrape targets are down");
    if let Some(error) = states.iter().find_map(|state| state.attributes.get("last_error")) {
        let _ = write!(said, ": {error}");
    }
    let data = EvidenceData::States { states };
    let mut evidence = backend.evidence(operation, "GET /api/v1/targets?state=active", window, said, data);
    evidence.origin.link = None;
    evidence.truncated =
        (count > MOST).then(|| format!("{MOST} of {count} targets are kept, those that are down first"));
    answer.evidence.push(evidence);
    answer
}

fn state(target: &Target) -> Option<ResourceState> {
    let mut attributes: BTreeMap<String, String> = target.labels.clone();
    attributes.insert("health".to_owned(), target.health.clone());
    attributes.insert("url".to_owned(), target.url.clone());
    if !target.last_error.is_empty() {
        attributes.insert("last_error".to_owned(), target.last_error.clone());
    }
    Some(ResourceState {
        kind: "target".to_owned(),
        name: summary::named(&target.labels),
        // A target that was never scraped says nothing about any time.
        observed_at: target.scraped_at?,
        healthy: match target.health.as_str() {
            "up" => Some(true),
            "down" => Some(false),
            _ => None,
        },
        attributes,
    })
}
