//! Other alerts that this server raised in the window, as its own series `ALERTS` has them.

use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData, Series};
use opensre_model::window::Window;

use super::promql::{Compare, Matcher, Selector};
use super::selection;
use super::{api, summary};
use crate::backend::Backend;
use crate::driver::Answer;
use crate::siblings::{Kinship, kinship};

/// Most events that are kept; those nearest to the onset.
const MOST: usize = 50;

/// Asks which other alerts fired in the window and share a thing with this one.
pub(crate) async fn firing(backend: &Backend, operation: &str, labels: &Labels, window: Window) -> Answer {
    let mut answer = Answer::default();
    let scope = selection::scope(labels).into_iter().map(|(name, value)| Matcher::equal_or_absent(name, &value));
    let query = Selector::matching(std::iter::once(Matcher::new("alertstate", Compare::Equal, "firing")).chain(scope))
        .of("ALERTS")
        .to_string();
    let step = api::step_seconds(&window);
    let answered = match api::range(&backend.client, &query, &window, step).await {
        Ok(answered) => answered,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    let mut events: Vec<Event> = answered
        .series
        .iter()
        .filter(|one| kinship(labels, &one.labels) == Kinship::Shared)
        .filter_map(|one| event(one, &window, step))
        .collect();
    let count = events.len();
    events.sort_by_key(|event| (event.time.duration_since(window.onset).abs(), event.title.clone()));
    events.truncate(MOST);
    events.sort_by(|a, b| (a.time, &a.title, &a.labels).cmp(&(b.time, &b.title, &b.labels)));
    let said = match events.first() {
        None => "no other alert of the same things fired in the window".to_owned(),
        Some(first) => format!(
            "{count} other alerts of the same things, the first: {}, {}",
            first.title,
            summary::clock(first.time)
        ),
    };
    let data = EvidenceData::Events { events };
    let mut evidence = backend.evidence(operation, query, window, said, data);
    let cut = (count > MOST).then(|| format!("{MOST} of {count} alerts are kept, those nearest to the onset"));
    evidence.truncated = super::notes(cut, answered.odd, &answered.notes);
    answer.evidence.push(evidence);
    answer
}

fn event(series: &Series, window: &Window, step: i64) -> Option<Event> {
    let (first, last) = (series.points.first()?.0, series.points.last()?.0);
    let name = series.labels.get("alertname").map_or("an alert", String::as_str);
    let before = first.duration_since(window.baseline_start).as_secs() <= 2 * step;
    let over = window.end.duration_since(last).as_secs() > 2 * step;
    let text = match (before, over) {
        (true, true) => format!("fired since before the window, until {}", summary::clock(last)),
        (true, false) => "fires since before the window".to_owned(),
        (false, true) => format!("fired until {}", summary::clock(last)),
        (false, false) => "fires at the end of the window".to_owned(),
    };
    let labels: Labels =
        series.labels.iter().filter(|(name, _)| *name != "__name__").map(|(k, v)| (k.clone(), v.clone())).collect();
    Some(Event { time: first, kind: EventKind::Alert, title: format!("alert {name}"), text, labels })
}
