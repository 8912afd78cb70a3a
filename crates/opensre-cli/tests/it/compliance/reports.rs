//! From an alert to a report: the alert picks one of two instances, everything relevant is asked of it, and nothing that was
//! collected is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;

use opensre_investigation::gather::Means;
use opensre_investigation::plan::Task;
use opensre_investigation::{Inquiry, investigate};
use opensre_model::alert::Alert;
use opensre_model::report::{EvidenceSummary, Report};
use opensre_model::routing::{RouteStep, RoutingMode};
use opensre_providers::driver::{Access, Relevance};
use opensre_providers::providers;
use opensre_report::text::TextOptions;
use serde_json::{Value as Json, json};

use super::asking::{AMPLE, Plain, access, ask, entry, http, provider, questions, resolved, window};
use super::scene::Scene;
use super::server::Server;
use super::table::{Row, TABLE};
use super::walk;

/// What is told apart by letters and digits alone: faces wrap lines and escape signs.
fn plain(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

async fn investigated(row: &Row, entries: Vec<Json>, alert: &Json) -> Result<Report, String> {
    let resolved = resolved(&[(row.key, entries)]);
    let inquiry = Inquiry {
        alert: Alert::parse(alert.to_string().as_bytes()),
        resolved: &resolved,
        providers: &providers(),
        http: http(),
        secrets: Arc::new(Plain),
        explicit: Vec::new(),
        routing: RoutingMode::Full.into(),
        window: window(),
        deadline: AMPLE,
        observer: None,
        warnings: Vec::new(),
    };
    investigate(inquiry).await.map_err(|error| format!("{}: {error}", row.key))
}

/// What is wrong with how a report shows its evidence.
fn shown(row: &Row, report: &Report) -> Vec<String> {
    let mut offences = Vec::new();
    let text = opensre_report::text::render(report, TextOptions { color: false, width: 100, unicode: true });
    let markdown = opensre_report::markdown::render(report);
    let json: Json = serde_json::from_str(&opensre_report::json::render(report).expect("JSON")).expect("JSON");
    let (flat_text, flat_markdown) = (plain(&text), plain(&markdown));
    for (place, one) in report.evidence.iter().enumerate() {
        let address = format!("{}/{}", one.service, one.instance);
        let mut missing =
            |face: &str, what: &str| offences.push(format!("{} {}: {face} lacks {what}", row.key, one.id));
        if !text.lines().any(|line| line.trim_start().starts_with(&one.id) && line.contains(&address)) {
            missing("the text", "its line");
        }
        if one.used && !flat_text.contains(&plain(&one.query)) {
            missing("the text", &one.query);
        }
        if !markdown.lines().any(|line| line.starts_with(&format!("| {} |", one.id)) && line.contains(&address)) {
            missing("the Markdown", "its line");
        }
        if !flat_markdown.contains(&plain(&one.query)) {
            missing("the Markdown", &one.query);
        }
        let written = &json["evidence"][place];
        let told = [&written["service"], &written["instance"], &written["query"]];
        if told != [&json!(one.service), &json!(one.instance), &json!(one.query)] {
            missing("the JSON", &format!("{told:?}"));
        }
        if written["window"] != json!(window()) {
            missing("the JSON", "the window");
        }
    }
    let times = [window().start, window().end].map(|time| time.strftime("%H:%M").to_string());
    for (face, rendered) in [("text", &text), ("markdown", &markdown)] {
        if !times.iter().all(|time| rendered.contains(time)) {
            offences.push(format!("{} {face}: does not say the window", row.key));
        }
    }
    for face in [&text, &markdown, &json.to_string()] {
        if face.contains(&format!("canary-{}-", row.key)) {
            offences.push(format!("{}: a face holds a secret: {face}", row.key));
        }
    }
    offences
}

fn is_there(evidence: &[EvidenceSummary], one: &opensre_model::evidence::Evidence) -> bool {
    let origin = &one.origin;
    evidence.iter().any(|it| {
        (&it.service, &it.instance, &it.query, it.window)
            == (&origin.service, &origin.instance, &origin.query, origin.window)
            && it.kind == one.data.kind()
            && it.summary == one.summary
            && it.truncated == one.truncated
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_alert_makes_relevant_reaches_every_face_of_the_report() {
    let scene = &Scene::start().await;
    walk(TABLE.iter().filter(|row| !provider(row.key).queries.is_empty()).map(|row| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let (chosen, other) = (Server::healthy(row, scene).await, Server::healthy(row, scene).await);
        // The other one is the default; only the alert's label tells which is meant.
        let entries = vec![
            entry(row, &other.place("staging", folder.path()), &json!({"env": "staging"})),
            entry(row, &chosen.place("prod", folder.path()), &json!({"env": "prod"})),
        ];
        let mut offences = Vec::new();
        let mut told = BTreeSet::new();
        for alert in (row.alerts)(scene) {
            let report = match investigated(row, entries.clone(), &alert).await {
                Ok(report) => report,
                Err(offence) => return vec![offence],
            };
            offences.extend(shown(row, &report));
            let choice = report.instances.iter().find(|choice| choice.service == provider(row.key).spec.family);
            if choice.is_none_or(|choice| choice.instance.as_deref() != Some("prod") || choice.step != RouteStep::Tags)
            {
                offences.push(format!("{}: the label did not choose: {choice:?}", row.key));
            }
            // What each query says by itself must be in the report.
            let alone = access(row, &chosen.place("prod", folder.path()), AMPLE);
            let parsed = Alert::parse(alert.to_string().as_bytes());
            for query in provider(row.key).queries {
                let Relevance::Ask(inputs) = (query.relevance)(&parsed) else { continue };
                for input in inputs {
                    let access = Access { http: http(), ..alone.clone() };
                    let answer = match ask(&access, query, &input).await {
                        Ok(answer) => answer,
                        Err(offence) => return vec![format!("{} {}: {offence}", row.key, query.name)],
                    };
                    for one in &answer.evidence {
                        told.insert(query.name);
                        if !is_there(&report.evidence, one) {
                            offences.push(format!("{} {}: dropped: {}", row.key, query.name, one.summary));
                        }
                    }
                    for gap in answer.gaps.iter().filter(|gap| !report.gaps.contains(gap)) {
                        offences.push(format!("{} {}: a gap is dropped: {gap:?}", row.key, query.name));
                    }
                }
            }
        }
        if other.contacts() > 0 {
            offences.push(format!("{}: the instance that the alert does not mean was called", row.key));
        }
        let by_hand = |name: &str| row.by_hand.iter().any(|(known, _)| *known == name);
        for query in provider(row.key).queries.iter().filter(|query| !told.contains(query.name) && !by_hand(query.name))
        {
            offences.push(format!("{} {}: its simulator gave it no evidence", row.key, query.name));
        }
        offences
    }))
    .await;
}

/// Queries that no alert plans are asked by hand; their evidence is shown with its origin as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_by_hand_is_shown_with_its_origin() {
    let scene = &Scene::start().await;
    let cases = TABLE.iter().flat_map(|row| questions(row, scene).into_iter().map(move |asked| (row, asked)));
    walk(cases.map(|(row, (query, input))| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::healthy(row, scene).await;
        let access = access(row, &server.place("prod", folder.path()), AMPLE);
        let task = Task { instance: access.instance.clone(), provider: provider(row.key), query, input, order: 0 };
        let neighbours = access.neighbours.clone();
        let means = Means { http: http(), secrets: Arc::new(Plain), neighbours, window: window(), deadline: AMPLE };
        let answered = opensre_investigation::ask(&task, &means).await;
        let case = format!("{} {}", row.key, query.name);
        if answered.evidence.is_empty() {
            return vec![format!("{case}: no evidence: {:?}", answered.gaps)];
        }
        let mut offences = Vec::new();
        if answered.calls == 0 {
            offences.push(format!("{case}: counts no call"));
        }
        let shown = plain(&opensre_report::evidence::render(&answered.evidence, &answered.gaps, true));
        for one in &answered.evidence {
            let origin = &one.origin;
            let wanted = (provider(row.key).spec.family, "prod", query.name, window());
            if (origin.service.as_str(), origin.instance.as_str(), origin.operation.as_str(), origin.window) != wanted {
                offences.push(format!("{case}: is from {origin:?}"));
            }
            if origin.query.trim().is_empty() || one.summary.trim().is_empty() {
                offences.push(format!("{case}: does not say what was asked or found"));
            }
            for part in [&origin.query, &one.summary, &format!("{}/{}", origin.service, origin.instance)] {
                if !shown.contains(&plain(part)) {
                    offences.push(format!("{case}: the text lacks {part:?}"));
                }
            }
        }
        offences
    }))
    .await;
}
