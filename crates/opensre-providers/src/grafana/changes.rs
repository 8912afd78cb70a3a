//! The query `annotations`: deployments, changes and alerts that somebody or something wrote down.

use futures::FutureExt;
use futures::future::join;
use opensre_model::evidence::{EventKind, EvidenceData};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::annotations::{self, Annotations};
use super::discovery::Grafana;
use crate::access::Access;
use crate::driver::{Answer, Bounds};
use crate::failure::Failure;

pub(super) const NAME: &str = "annotations";

pub(super) const BOUNDS: Bounds = Bounds { rows: WRITTEN + ALERTS, bytes: 4 * 1024 * 1024, seconds: 20 };

/// Most annotations that people and pipelines wrote.
const WRITTEN: usize = 200;

/// Most annotations that alert rules wrote.
const ALERTS: usize = 100;

/// Asks for what people and pipelines wrote and for what alert rules wrote apart, so that many of the second never
/// crowd out the first.
pub(super) async fn run(access: &Access, window: Window) -> Answer {
    let grafana = match Grafana::open(access, BOUNDS).await {
        Ok(grafana) => grafana,
        Err(failure) => return Answer::unanswered(access, NAME, failure),
    };
    let (written, alerts) =
        join(ask(&grafana, "annotation", WRITTEN, window).boxed(), ask(&grafana, "alert", ALERTS, window).boxed())
            .await;
    let mut answer = Answer::default();
    for (kind, limit, asked) in [("annotation", WRITTEN, written), ("alert", ALERTS, alerts)] {
        let mut found = match asked {
            Ok(found) => found,
            Err(failure) => {
                answer.gaps.push(grafana.gap(NAME, failure));
                continue;
            }
        };
        if found.entries == 0 && kind == "alert" {
            // Where alert states are kept elsewhere this is always so, and says nothing.
            continue;
        }
        // Oldest first; a server that does not keep to the limit does not get past it.
        found.events.drain(..found.events.len().saturating_sub(limit));
        let query = format!("/api/annotations?type={kind}");
        let summary = summary(&found);
        let data = EvidenceData::Events { events: found.events };
        let mut evidence = grafana.itself().evidence(NAME, query, window, summary, data);
        evidence.truncated =
            (found.entries >= limit).then(|| format!("only the newest {limit} were asked for; there may be more"));
        answer.evidence.push(evidence);
    }
    answer.calls = grafana.client.calls();
    answer
}

async fn ask(grafana: &Grafana<'_>, kind: &str, limit: usize, window: Window) -> Result<Annotations, Failure> {
    let parameters = [
        ("from", window.baseline_start.as_millisecond().to_string()),
        ("to", window.end.as_millisecond().to_string()),
        ("type", kind.to_owned()),
        ("limit", limit.to_string()),
    ];
    let reply = grafana.client.get("api/annotations", &parameters).await.map_err(|failure| {
        let forbidden = failure.kind == opensre_http::FailureKind::Forbidden;
        let failure = Failure::from(failure);
        if forbidden { failure.with_hint("give the service account the permission annotations:read") } else { failure }
    })?;
    annotations::parse(&reply.json::<Json>()?).map_err(|odd| Failure::nonsense(odd.to_string()))
}

fn summary(found: &Annotations) -> String {
    const WORDS: [(EventKind, &str); 5] = [
        (EventKind::Deploy, "deployments"),
        (EventKind::Change, "changes"),
        (EventKind::Alert, "alert states"),
        (EventKind::Silence, "silences"),
        (EventKind::Other, "other annotations"),
    ];
    let counted: Vec<String> = WORDS
        .iter()
        .map(|(kind, word)| (found.events.iter().filter(|event| event.kind == *kind).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{word}: {count}"))
        .collect();
    if counted.is_empty() { "no annotations".to_owned() } else { counted.join(", ") }
}
