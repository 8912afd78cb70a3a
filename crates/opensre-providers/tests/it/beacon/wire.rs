//! Beacon's JSON. Pure, and tested from stored responses.

use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind};
use serde_json::Value as Json;

use opensre_providers::driver::Failure;

/// The user of `{"user": "sam"}`.
pub fn user(me: &Json) -> Result<String, Failure> {
    let user = me.get("user").and_then(Json::as_str);
    user.map(str::to_owned).ok_or_else(|| Failure::nonsense("answered without a user"))
}

/// The incidents of `{"incidents": [{"title", "component", "started_at": "2024-05-01T12:00:00Z"}]}`, and how many could not
/// be read: those are told, not guessed.
pub fn incidents(answer: &Json) -> Result<(Vec<Event>, usize), Failure> {
    let all = answer.get("incidents").and_then(Json::as_array);
    let all = all.ok_or_else(|| Failure::nonsense("answered without a list of incidents"))?;
    let events: Vec<Event> = all.iter().filter_map(incident).collect();
    let odd = all.len() - events.len();
    Ok((events, odd))
}

fn incident(written: &Json) -> Option<Event> {
    let text = |key: &str| written.get(key).and_then(Json::as_str);
    Some(Event {
        time: text("started_at")?.parse().ok()?,
        kind: EventKind::Other,
        title: format!("incident: {}", text("title")?),
        text: String::new(),
        labels: Labels::from_iter([("component".to_owned(), text("component")?.to_owned())]),
    })
}
