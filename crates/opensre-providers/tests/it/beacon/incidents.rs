//! The query `incidents`: which incidents people have declared of the component that an alert is about.

use std::sync::Arc;

use futures::FutureExt;
use opensre_model::evidence::EvidenceData;
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::{HTTP, wire};
use opensre_providers::backend::Backend;
use opensre_providers::driver::{Access, Answer, Bounds, Input, Query};
use opensre_providers::subject;

/// The query. The planner asks it where an alert names a component, and `opensre query beacon/NAME incidents` by itself.
pub const QUERY: Query = Query {
    name: NAME,
    summary: "incidents that people have declared of the component",
    input: &[subject::LABELS_INPUT],
    bounds: BOUNDS,
    relevance: |alert| {
        subject::relevance(alert, |labels| labels.contains_key("component"), "the alert names no component")
    },
    run: |access, input, window| run(access, input, window).boxed(),
};

const NAME: &str = "incidents";
const BOUNDS: Bounds = Bounds { rows: 50, bytes: 1024 * 1024, seconds: 20 };

async fn run(access: &Access, input: &Input, window: Window) -> Answer {
    let client = match access.client(&HTTP).await {
        Ok(client) => BOUNDS.keep(client),
        Err(failure) => return Answer::unanswered(access, NAME, failure),
    };
    let labels = input.labels(subject::LABELS);
    let component = labels.get("component").map_or("", String::as_str);
    let (from, to) = (window.baseline_start.to_string(), window.end.to_string());
    // A value of the alert is a parameter here, encoded by the client; never a part of a path or a query language.
    let parameters = [("component", component), ("from", &from), ("to", &to)];
    let found = client.get_json::<Json>("v1/incidents", &parameters).await.map_err(Into::into);
    let found = found.and_then(|answer| wire::incidents(&answer));
    let backend = Backend::direct(&access.instance, client, Arc::new(|_, _| None));
    let mut answer = Answer { calls: backend.client.calls(), ..Answer::default() };
    match found {
        Ok((mut events, odd)) => {
            let count = events.len();
            events.truncate(BOUNDS.rows);
            let said = format!("{count} incidents of {component} in the window");
            let data = EvidenceData::Events { events };
            let mut evidence = backend.evidence(NAME, "GET /v1/incidents", window, said, data);
            // What was cut or could not be read is said.
            let cut = (count > BOUNDS.rows).then(|| format!("{} of {count} are kept", BOUNDS.rows));
            let odd = (odd > 0).then(|| format!("{odd} entries could not be read"));
            let notes: Vec<String> = cut.into_iter().chain(odd).collect();
            evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
            answer.evidence.push(evidence);
        }
        Err(failure) => answer.gaps.push(backend.gap(NAME, failure)),
    }
    answer
}
