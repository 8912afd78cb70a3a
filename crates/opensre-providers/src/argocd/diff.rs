//! The query `diff`: where the cluster differs from what the repository wants.

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::client::Argo;
use super::drift::{self, Drift};
use super::queries::{DIFF, Opened, answered_at, bounds, counted, labels};
use super::select::Chosen;
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input};
use crate::failure::Failure;

pub(super) const BOUNDS: Bounds = bounds(MOST_STATES);

/// Most resources of one application that are told.
const MOST_STATES: usize = 30;

pub(super) async fn run(access: &Access, input: &Input, window: Window) -> Answer {
    let mut opened = match Opened::new(access, input, &window, DIFF, BOUNDS).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let backend = match opened.argo.backend() {
        Ok(backend) => backend,
        Err(failure) => return Answer::unanswered(access, DIFF, failure),
    };
    let chosen = opened.choice.chosen.clone();
    // What is in sync has no differences: the list says so, and large applications need not be fetched for it.
    let (apart, in_sync): (Vec<Chosen>, Vec<Chosen>) =
        chosen.into_iter().partition(|chosen| chosen.application.sync.as_deref() != Some("Synced"));
    let compared = join_all(apart.iter().map(|chosen| compare(&opened.argo, chosen, window.end))).await;
    for (chosen, compared) in apart.iter().zip(compared) {
        let (mut states, odd) = match compared {
            Ok(compared) => compared,
            Err(failure) => {
                opened.gap(access, DIFF, &chosen.application.name, failure);
                continue;
            }
        };
        let count = states.len();
        states.truncate(MOST_STATES);
        let name = &chosen.application.name;
        let summary = match count {
            0 => format!("{name}: no resource differs"),
            1 => format!("{name}: 1 resource differs from what is wanted"),
            count => format!("{name}: {count} resources differ from what is wanted"),
        };
        let query = chosen.application.path("/managed-resources");
        let mut evidence = backend.evidence(DIFF, query, window, summary, EvidenceData::States { states });
        evidence.origin.link = opened.argo.link(&chosen.application);
        let dropped = (count > MOST_STATES).then(|| format!("{MOST_STATES} of {count} resources are kept"));
        let odd = (odd > 0).then(|| format!("{odd} resources could not be compared"));
        evidence.truncated = opened.cut(dropped.into_iter().chain(odd));
        opened.answer.evidence.push(evidence);
    }
    if apart.is_empty() {
        let summary = match in_sync.len() {
            0 => counted(0, &opened.choice),
            count => format!("{}: all in sync", counted(count, &opened.choice)),
        };
        let data = EvidenceData::States { states: Vec::new() };
        let mut evidence = backend.evidence(DIFF, "GET /api/v1/applications", window, summary, data);
        evidence.truncated = opened.cut(None);
        opened.answer.evidence.push(evidence);
    }
    opened.finish()
}

/// The resources that differ, and how many could not be compared.
async fn compare(
    argo: &Argo<'_>,
    chosen: &Chosen,
    otherwise: Timestamp,
) -> Result<(Vec<ResourceState>, usize), Failure> {
    let reply = argo.about(&chosen.application, &["managed-resources"], &[]).await?;
    let observed_at = answered_at(&reply).unwrap_or(otherwise);
    let answer: Json = reply.json()?;
    let items = match answer.get("items") {
        // An application without resources.
        None | Some(Json::Null) if answer.is_object() => return Ok((Vec::new(), 0)),
        Some(Json::Array(items)) => items,
        _ => return Err(Failure::nonsense("answered without a list of resources (`items`)")),
    };
    let mut odd = 0;
    let mut states = Vec::new();
    for item in items {
        if item.get("hook").and_then(Json::as_bool) == Some(true) {
            continue;
        }
        let text = |key: &str| item.get(key).and_then(Json::as_str).unwrap_or_default();
        let differs = match drift::of(item) {
            None => {
                odd += 1;
                continue;
            }
            Some(Drift::None) => continue,
            Some(Drift::Missing) => "wanted, not in the cluster".to_owned(),
            Some(Drift::Extra) => "in the cluster, not wanted any more".to_owned(),
            Some(Drift::Hidden) => "differs; a Secret's values are not shown".to_owned(),
            Some(Drift::At(places, 0)) => places.join("; "),
            Some(Drift::At(places, more)) => format!("{}; {more} more", places.join("; ")),
        };
        let mut attributes = labels(chosen);
        attributes.insert("differs".to_owned(), differs);
        attributes.insert("resource_namespace".to_owned(), text("namespace").to_owned());
        let kind = text("kind").to_lowercase();
        states.push(ResourceState { kind, name: text("name").to_owned(), observed_at, healthy: None, attributes });
    }
    states.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok((states, odd))
}
