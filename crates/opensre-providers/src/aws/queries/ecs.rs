//! ECS: a service's deployments and events, and why its tasks stopped.
//!
//! "DescribeServices", "ListTasks", "DescribeTasks", "ListClusters" (ECS API Reference). Task definitions are not read:
//! they hold environments. Stopped tasks are kept for about an hour.

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData, GapKind, ResourceState};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::super::caller::{ECS, Region};
use super::{Found, Piece, Target, count, joined, state, texts};
use crate::failure::Failure;

/// Most clusters that are looked through for a service.
const MOST_CLUSTERS: usize = 5;
/// Most events of a service that are kept.
const MOST_EVENTS: usize = 40;
/// Most stopped tasks that are looked at.
const MOST_TASKS: usize = 20;

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let services: Vec<&String> = target.resources.services.iter().collect();
    let mut clusters: Vec<String> = target.resources.clusters.iter().cloned().collect();
    if clusters.is_empty() {
        match region.json(&ECS, "ListClusters", &json!({"maxResults": MOST_CLUSTERS})).await {
            Ok(answer) => {
                clusters = texts(&answer, "clusterArns");
                if answer.get("nextToken").is_some_and(Json::is_string) {
                    let reason = format!("there are more than {MOST_CLUSTERS} ECS clusters; the others were not asked");
                    found.fail(
                        Failure::new(GapKind::NotRelevant, reason).with_hint("name the cluster with the label cluster"),
                    );
                }
            }
            Err(refusal) => {
                found.fail(refusal);
                return found;
            }
        }
    }
    clusters.truncate(MOST_CLUSTERS);
    let answers = join_all(clusters.iter().map(|cluster| of(region, cluster, &services, window))).await;
    for answer in answers {
        found.pieces.extend(answer.pieces);
        found.failures.extend(answer.failures);
    }
    if found.pieces.is_empty() && found.failures.iter().all(|failure| failure.kind == GapKind::NotRelevant) {
        let what = joined(services);
        let reason = match clusters.len() {
            0 => format!("there is no ECS cluster that could run {what}"),
            _ => format!("no ECS service is called {what}"),
        };
        found.fail(Failure::new(GapKind::NotRelevant, reason));
    }
    found
}

async fn of(region: &Region, cluster: &str, services: &[&String], window: Window) -> Found {
    let mut found = Found::default();
    let answer = match region.json(&ECS, "DescribeServices", &json!({"cluster": cluster, "services": services})).await {
        Ok(answer) => answer,
        // The cluster may be one of EKS.
        Err(refusal) if refusal.code.as_deref() == Some("ClusterNotFoundException") || refusal.is_absent() => {
            return found;
        }
        Err(refusal) => {
            found.fail(refusal);
            return found;
        }
    };
    let name = cluster.rsplit('/').next().unwrap_or(cluster);
    let list = answer.get("services").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    // A server that names more than it was asked for does not get more calls for it.
    for service in list.iter().filter(|one| text(one, "status") != Some("INACTIVE")).take(services.len()) {
        let called = text(service, "serviceName").unwrap_or_default();
        let labels = Labels::from([("service".to_owned(), called.to_owned()), ("cluster".to_owned(), name.to_owned())]);
        let own = read(region, service, name);
        let summary = format!(
            "ECS service {called} runs {} of {} tasks",
            own.attributes.get("running").map_or("?", String::as_str),
            own.attributes.get("desired").map_or("?", String::as_str)
        );
        let page = format!("ecs/v2/clusters/{name}/services/{called}/health");
        let data = EvidenceData::States { states: vec![own] };
        found.add(Piece::new(format!("DescribeServices {name} {called}"), summary, data).at(page.clone()));
        let (events, cut) = events(service, &labels, window);
        let summary = format!("{} of ECS service {called} in the window", count(events.len(), "event"));
        let data = EvidenceData::Events { events };
        found.add(
            Piece::new(format!("DescribeServices {name} {called} events"), summary, data)
                .cut(cut.then(|| format!("the latest {MOST_EVENTS} are kept")))
                .at(page),
        );
        stopped(region, cluster, called, &labels, &mut found).await;
    }
    found
}

fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    json.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Times are seconds with a fraction.
fn time(json: &Json, key: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond((json.get(key)?.as_f64()? * 1000.0) as i64).ok()
}

fn read(region: &Region, service: &Json, cluster: &str) -> ResourceState {
    let number = |key: &str| service.get(key).and_then(Json::as_i64);
    let (running, desired) = (number("runningCount"), number("desiredCount"));
    let deployments = service.get("deployments").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let primary = deployments.iter().find(|one| text(one, "status") == Some("PRIMARY"));
    let of_primary = |key: &str| primary.and_then(|one| text(one, key)).map(str::to_owned);
    let failed = of_primary("rolloutState").as_deref() == Some("FAILED");
    let name = text(service, "serviceName").unwrap_or_default();
    state(
        region,
        "ECS service",
        name,
        running.zip(desired).map(|(running, desired)| running >= desired && !failed),
        &[
            ("service", Some(name.to_owned())),
            ("cluster", Some(cluster.to_owned())),
            ("status", text(service, "status").map(str::to_owned)),
            ("running", running.map(|number| number.to_string())),
            ("desired", desired.map(|number| number.to_string())),
            ("pending", number("pendingCount").map(|number| number.to_string())),
            ("rollout", of_primary("rolloutState")),
            ("rollout_reason", of_primary("rolloutStateReason")),
            (
                "task_definition",
                text(service, "taskDefinition").and_then(|arn| arn.rsplit('/').next()).map(str::to_owned),
            ),
        ],
    )
}

/// Deployments, and what the service says of itself.
fn events(service: &Json, labels: &Labels, window: Window) -> (Vec<Event>, bool) {
    let list = |key: &str| service.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let within = |event: &Event| event.time >= window.baseline_start && event.time <= window.end;
    let name = labels.get("service").map_or("", String::as_str);
    let deployed = list("deployments").iter().filter_map(|one| {
        let definition = text(one, "taskDefinition").and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        Some(Event {
            time: time(one, "createdAt")?,
            kind: EventKind::Deploy,
            title: format!("deployment of {name}: {definition}"),
            text: [text(one, "rolloutState"), text(one, "rolloutStateReason")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": "),
            labels: labels.clone(),
        })
    });
    let said = list("events").iter().filter_map(|one| {
        let message = text(one, "message")?;
        // Said every six hours while all is well.
        if message.ends_with("has reached a steady state.") {
            return None;
        }
        Some(Event {
            time: time(one, "createdAt")?,
            kind: EventKind::Other,
            title: message.to_owned(),
            text: String::new(),
            labels: labels.clone(),
        })
    });
    let mut events: Vec<Event> = deployed.chain(said).filter(within).collect();
    events.sort_by(|one, other| (one.time, &one.title).cmp(&(other.time, &other.title)));
    let cut = events.len() > MOST_EVENTS;
    let surplus = events.len().saturating_sub(MOST_EVENTS);
    events.drain(..surplus);
    (events, cut)
}

/// Why tasks stopped: exit codes and reasons of their containers.
async fn stopped(region: &Region, cluster: &str, service: &str, labels: &Labels, found: &mut Found) {
    let body =
        json!({"cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED", "maxResults": MOST_TASKS});
    let (mut tasks, more) = match region.json(&ECS, "ListTasks", &body).await {
        Ok(answer) => (texts(&answer, "taskArns"), answer.get("nextToken").is_some_and(Json::is_string)),
        Err(refusal) => {
            found.fail(refusal);
            return;
        }
    };
    let cut = more || tasks.len() > MOST_TASKS;
    tasks.truncate(MOST_TASKS);
    if tasks.is_empty() {
        return;
    }
    let answer = match region.json(&ECS, "DescribeTasks", &json!({"cluster": cluster, "tasks": tasks})).await {
        Ok(answer) => answer,
        Err(refusal) => {
            found.fail(refusal);
            return;
        }
    };
    let list = answer.get("tasks").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut events: Vec<Event> = list.iter().take(MOST_TASKS).filter_map(|task| ended(task, labels)).collect();
    events.sort_by(|one, other| (one.time, &one.text).cmp(&(other.time, &other.text)));
    let summary = format!("{} of ECS service {service}", count(events.len(), "stopped task"));
    let data = EvidenceData::Events { events };
    found.add(
        Piece::new(format!("DescribeTasks {service} STOPPED"), summary, data)
            .cut(cut.then(|| format!("{MOST_TASKS} stopped tasks were looked at; there are more"))),
    );
}

fn ended(task: &Json, labels: &Labels) -> Option<Event> {
    let containers = task.get("containers").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let said: Vec<String> = containers
        .iter()
        .filter_map(|container| {
            let code = container.get("exitCode").and_then(Json::as_i64).map(|code| format!("exit code {code}"));
            let reason = text(container, "reason").map(str::to_owned);
            let words: Vec<String> = code.into_iter().chain(reason).collect();
            (!words.is_empty())
                .then(|| format!("{}: {}", text(container, "name").unwrap_or("container"), words.join(", ")))
        })
        .collect();
    Some(Event {
        time: time(task, "stoppedAt").or_else(|| time(task, "stoppingAt"))?,
        kind: EventKind::Other,
        title: format!("task stopped: {}", text(task, "stoppedReason").unwrap_or("no reason given")),
        text: said.join("; "),
        labels: labels.clone(),
    })
}
