//! The queries `monitor` (the alert's own: its state, and its query over the window) and `monitors` (others of the
//! same things).

use opensre_http::{Client, FailureKind};
use opensre_model::alert::Alert;
use opensre_model::evidence::{Evidence, EvidenceData, GapKind, Meaning, ResourceState, Series, Threshold};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::api::{self, Datadog, refused};
use super::monitor::{self, Condition, Monitor, Rolling};
use super::search;
use super::site::Page;
use crate::access::Access;
use crate::backend::Backend;
use crate::driver::{Answer, Bounds, Input, InputSpec, Relevance};
use crate::failure::Failure;
use crate::lines;
use crate::prometheus::summary;
use crate::subject;

pub(super) const MONITOR: &str = "monitor";
pub(super) const MONITORS: &str = "monitors";

const ID: &str = "monitor_id";
const NAME: &str = "name";
const QUERY: &str = "query";

pub(super) const MONITOR_INPUT: &[InputSpec] = &[
    InputSpec { key: ID, kind: "string", required: false, help: "id of the monitor" },
    InputSpec { key: NAME, kind: "string", required: false, help: "its name, where the id is not known" },
    InputSpec { key: QUERY, kind: "string", required: false, help: "its query, where the monitor may not be read" },
];

pub(super) const MONITORS_INPUT: &[InputSpec] = &[
    subject::LABELS_INPUT,
    InputSpec { key: ID, kind: "string", required: false, help: "id of the alert's own monitor, which is left out" },
];

/// Most series of a condition, and most monitors.
const MOST: usize = 20;

/// The rows are the points of a series; of monitors and series there are fewer.
pub(super) const BOUNDS: Bounds = Bounds { rows: 1_200, bytes: 8 * 1024 * 1024, seconds: 30 };

/// An alert of Datadog: it names its monitor by id or by name, or brings the query along.
pub(super) fn monitor_relevance(alert: &Alert) -> Relevance {
    let mut input = Input::default();
    let mut set = |key: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            input.0.insert(key.to_owned(), value.into());
        }
    };
    set(ID, alert.references.monitor_id.as_deref());
    set(QUERY, alert.annotations.get("alert_query").map(String::as_str));
    let name = alert.labels.get("alertname").map_or(alert.title.as_str(), String::as_str);
    set(NAME, Some(monitor::name_in(name)));
    if input.0.is_empty() {
        return Relevance::Skip("the alert names no monitor, neither by id nor by name");
    }
    Relevance::Ask(vec![input])
}

/// An alert whose labels name something that monitors can be tagged with.
pub(super) fn monitors_relevance(alert: &Alert) -> Relevance {
    let mut relevance = subject::relevance(
        alert,
        search::names_something,
        "nothing in the alert names a service, pod, host or namespace",
    );
    if let (Relevance::Ask(inputs), Some(id)) = (&mut relevance, &alert.references.monitor_id) {
        for input in inputs {
            input.0.insert(ID.to_owned(), id.as_str().into());
        }
    }
    relevance
}

pub(super) async fn run_monitor(access: &Access, input: &Input, window: Window) -> Answer {
    let datadog = match Datadog::within(access, BOUNDS).await {
        Ok(datadog) => datadog,
        Err(failure) => return Answer::unanswered(access, MONITOR, failure),
    };
    let mut answer = Answer::default();
    let found = match (input.text(ID), input.text(NAME)) {
        (Some(id), _) => by_id(&datadog.client, id).await.map(Some),
        (None, Some(name)) => by_name(&datadog.client, name).await,
        (None, None) => Ok(None),
    };
    let given = input.text(QUERY);
    match found {
        Ok(Some(found)) => {
            tell_states(
                &datadog,
                MONITOR,
                &format!("GET /api/v1/monitor/{}", found.id),
                vec![&found],
                &window,
                &mut answer,
            );
            condition(&datadog, Some(&found), &found.query, window, &mut answer).await;
        }
        Ok(None) if given.is_none() => {
            let failure = Failure::new(GapKind::NotRelevant, "no monitor is called as the alert is");
            answer.gaps.push(datadog.backend(Page::Nowhere).gap(MONITOR, failure));
        }
        Ok(None) => {}
        Err(failure) => answer.gaps.push(datadog.backend(Page::Nowhere).gap(MONITOR, failure)),
    }
    // The payload's own words stand in for a monitor that is not there or may not be read.
    if let Some(query) = given
        && answer.evidence.is_empty()
    {
        condition(&datadog, None, query, window, &mut answer).await;
    }
    answer.calls = datadog.client.calls();
    answer
}

pub(super) async fn run_monitors(access: &Access, input: &Input, window: Window) -> Answer {
    let datadog = match Datadog::within(access, BOUNDS).await {
        Ok(datadog) => datadog,
        Err(failure) => return Answer::unanswered(access, MONITORS, failure),
    };
    let mut answer = Answer::default();
    let backend = datadog.backend(Page::Nowhere);
    let selections = search::selections(&input.labels(subject::LABELS));
    // A monitor's own tags name the service, seldom the environment: the last selection is the widest.
    match selections.last().and_then(|selection| selection.tags.first()) {
        None => answer.gaps.push(backend.gap(MONITORS, Failure::missing(subject::LABELS))),
        Some(tag) => match list(&datadog.client, &[("monitor_tags", tag)]).await {
            Ok((found, odd)) => {
                let own = input.text(ID);
                let others: Vec<&Monitor> = found.iter().filter(|monitor| Some(monitor.id.as_str()) != own).collect();
                let query = format!("GET /api/v1/monitor?monitor_tags={tag}");
                tell_states(&datadog, MONITORS, &query, others, &window, &mut answer);
                if odd > 0 {
                    let failure = Failure::nonsense(format!("{odd} monitors could not be read"));
                    answer.gaps.push(backend.gap(MONITORS, failure));
                }
            }
            Err(failure) => answer.gaps.push(backend.gap(MONITORS, failure)),
        },
    }
    answer.gaps.extend(subject::left_out(input).map(|failure| backend.gap(MONITORS, failure)));
    answer.calls = datadog.client.calls();
    answer
}

async fn by_id(client: &Client, id: &str) -> Result<Monitor, Failure> {
    let answered = client.get(&["api", "v1", "monitor", id], &[("group_states", "all")]).await;
    let reply = answered.map_err(|failure| match failure.kind {
        FailureKind::NotFound => Failure::new(GapKind::NotRelevant, format!("there is no monitor {id}"))
            .with_hint("the alert may come from another Datadog organisation"),
        _ => refused(failure, "monitors_read"),
    })?;
    let odd = || Failure::nonsense("the answer is not Datadog's: a monitor without an id");
    monitor::monitor(&reply.json::<Json>()?).ok_or_else(odd)
}

/// The monitor of exactly this name, but for letter case.
async fn by_name(client: &Client, name: &str) -> Result<Option<Monitor>, Failure> {
    let (found, _) = list(client, &[("name", name)]).await?;
    Ok(found.into_iter().find(|monitor| monitor.name.trim().eq_ignore_ascii_case(name)))
}

async fn list(client: &Client, filter: &[(&str, &str)]) -> Result<(Vec<Monitor>, usize), Failure> {
    let mut parameters = vec![("page", "0"), ("page_size", "100"), ("group_states", "all")];
    parameters.extend(filter);
    let reply = client.get("api/v1/monitor", &parameters).await.map_err(|failure| refused(failure, "monitors_read"))?;
    monitor::monitors(&reply.json::<Json>()?)
}

fn tell_states(
    datadog: &Datadog<'_>,
    operation: &str,
    query: &str,
    mut monitors: Vec<&Monitor>,
    window: &Window,
    answer: &mut Answer,
) {
    let count = monitors.len();
    let bad = |monitor: &Monitor| matches!(monitor.state.as_str(), "Alert" | "Warn" | "No Data");
    monitors.sort_by_key(|monitor| (!bad(monitor), monitor.name.clone(), monitor.id.clone()));
    monitors.truncate(MOST);
    let failing: Vec<String> =
        monitors.iter().filter(|m| bad(m)).map(|m| format!("\"{}\" ({})", m.name, m.state)).collect();
    let said = match (count, failing.as_slice()) {
        (1, []) => format!("monitor \"{}\" is {}", monitors[0].name, monitors[0].state),
        (_, []) => format!("none of {count} monitors alerts"),
        (_, failing) => format!("{} of {count} monitors alert: {}", failing.len(), failing.join(", ")),
    };
    let states = monitors.iter().map(|monitor| state(monitor, window)).collect();
    let page = if count == 1 { Page::Monitor(monitors[0].id.clone()) } else { Page::Nowhere };
    let data = EvidenceData::States { states };
    let mut evidence = datadog.backend(page).evidence(operation, query, *window, said, data);
    evidence.truncated = (count > MOST).then(|| format!("{MOST} of {count} monitors are kept, those that alert first"));
    answer.evidence.push(evidence);
}

/// A monitor's state. Datadog tells the present one: one that began after the window says nothing about it.
fn state(monitor: &Monitor, window: &Window) -> ResourceState {
    let later = monitor.since.is_some_and(|since| since > window.end);
    let healthy = match monitor.state.as_str() {
        _ if later => None,
        "OK" => Some(true),
        "Alert" | "Warn" | "No Data" => Some(false),
        _ => None,
    };
    let mut attributes = monitor.tags.clone();
    attributes.insert("state".to_owned(), monitor.state.clone());
    attributes.insert("type".to_owned(), monitor.kind.clone());
    attributes.insert("query".to_owned(), monitor.query.chars().take(500).collect());
    attributes.extend(monitor.since.map(|since| ("since".to_owned(), since.to_string())));
    attributes.extend(monitor.critical.map(|value| ("critical_threshold".to_owned(), value.to_string())));
    let groups: Vec<String> =
        monitor.groups.iter().take(10).map(|(name, status, _)| format!("{name} ({status})")).collect();
    if !groups.is_empty() {
        attributes.insert("groups".to_owned(), groups.join(", "));
    }
    ResourceState {
        kind: "monitor".to_owned(),
        name: monitor.name.clone(),
        observed_at: monitor.since.unwrap_or(window.end).min(window.end),
        healthy,
        attributes,
    }
}

/// The monitor's own query over the window.
async fn condition(datadog: &Datadog<'_>, monitor: Option<&Monitor>, query: &str, window: Window, answer: &mut Answer) {
    let page = monitor.map_or(Page::Nowhere, |monitor| Page::Monitor(monitor.id.clone()));
    let backend = datadog.backend(page);
    let name = monitor.map_or("the alert", |monitor| monitor.name.as_str());
    match Condition::parse(query) {
        Condition::Metric { query, threshold, over, rolling } => {
            match api::query(&datadog.client, &query, &window).await {
                Ok((series, unit)) => {
                    let measured = Measured { name, over, threshold, rolling, unit };
                    answer.evidence.push(measured.tell(&backend, query, series, window));
                }
                Err(failure) => answer.gaps.push(backend.gap(MONITOR, failure.about("the monitor's own query"))),
            }
        }
        Condition::Logs { search, facets, over, threshold } => {
            // Counted by the minute and summed up, as the monitor looks back from every moment.
            let step = monitor::seconds(&over).map_or(60, |seconds| seconds.min(60));
            let interval = format!("{step}s");
            match api::count_logs(&datadog.client, &search, &window, &interval, &facets).await {
                Ok(groups) => {
                    let series = groups
                        .into_iter()
                        .map(|(labels, counts)| Series { labels, points: lines::with_zeros(&counts, &window, step) })
                        .collect();
                    let rolling = monitor::seconds(&over).map(Rolling::sum);
                    let over = format!("the number of logs in the last {over}");
                    let measured = Measured { name, over, threshold, rolling, unit: None };
                    answer.evidence.push(measured.tell(&backend, search, series, window));
                }
                Err(failure) => answer.gaps.push(backend.gap(MONITOR, failure.about("the monitor's own search"))),
            }
        }
        Condition::Other(why) => {
            let failure = Failure::new(GapKind::NotSupported, format!("what it measures cannot be asked for: {why}"));
            answer.gaps.push(backend.gap(MONITOR, failure));
        }
    }
}

/// How a monitor compares what was measured.
struct Measured<'a> {
    name: &'a str,
    over: String,
    threshold: Option<Threshold>,
    rolling: Option<Rolling>,
    unit: Option<String>,
}

impl Measured<'_> {
    /// The values as the monitor compares them. Where that cannot be computed within the window, the values as they
    /// are, without the threshold.
    fn tell(self, backend: &Backend, query: String, series: Vec<Series>, window: Window) -> Evidence {
        let half = window.length().as_secs() / 2;
        let rolling = self.rolling.filter(|rolling| rolling.seconds <= half);
        let threshold = self.threshold.filter(|_| rolling.is_some());
        let series = match rolling {
            Some(rolling) => series
                .into_iter()
                .map(|one| Series { points: rolling.of(&one.points), labels: one.labels })
                .filter(|one| !one.points.is_empty())
                .collect(),
            None => series,
        };
        let (series, cut) = summary::keep_most_changed(series);
        let said = summary::of_series(self.name, &series, self.unit.as_deref(), &window);
        let compared = match threshold {
            Some(threshold) => {
                let side = if threshold.above { "above" } else { "below" };
                format!("; the monitor compares {}, {side} {}", self.over, threshold.value)
            }
            None => format!("; the monitor compares {}, which is not what is shown", self.over),
        };
        let meaning = if threshold.is_some() { Meaning::AlertCondition } else { Meaning::Other };
        let data = EvidenceData::Metrics { meaning, unit: self.unit, threshold, series };
        let mut evidence = backend.evidence(MONITOR, query, window, format!("{said}{compared}"), data);
        evidence.truncated = cut;
        evidence
    }
}
