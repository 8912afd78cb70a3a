//! Pods and the states of their containers.
//!
//! Source: page "Pod" of the Kubernetes API reference (`PodStatus`, `ContainerStatus`, `ContainerState`), and "Pod
//! Lifecycle".

use jiff::{SignedDuration, Timestamp};
use opensre_model::evidence::{Event, EventKind, ResourceState};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::meta::{Condition, Meta, items, join, number, text, time};
use super::{add, quantity, state};

/// A pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Its metadata.
    pub meta: Meta,
    /// The node that it was given to.
    pub node: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Why it is in that phase (`Evicted`).
    pub reason: String,
    /// More about it.
    pub message: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Its containers; those that run before the others first.
    pub containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Whether it has to end before the others start.
    pub init: bool,
    /// Its image.
    pub image: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: u64,
    /// What it does now.
    pub now: ContainerState,
    /// How it ended last.
    pub last: Option<Termination>,
    /// Its memory limit in bytes.
    pub memory_limit: Option<f64>,
    /// Its CPU limit in cores.
    pub cpu_limit: Option<f64>,
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// It waits, for a reason (`CrashLoopBackOff`).
    Waiting {
        /// One word.
        reason: String,
        /// More about it.
        message: String,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It has ended.
    Terminated(Termination),
    /// The kubelet does not say.
    Unknown,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`, ...
    pub reason: String,
    /// Exit code.
    pub exit_code: i64,
    /// What it left as its last words.
    pub message: String,
    /// When it had started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

/// Reasons to wait that pass by themselves.
const PASSING: &[&str] = &["ContainerCreating", "PodInitializing", ""];

/// How long a pod may take to become ready before that counts as a failure.
const START: SignedDuration = SignedDuration::from_mins(2);

/// Reads a pod.
pub fn pod(object: &Json) -> Option<Pod> {
    let statuses = |path: &str, init: bool| -> Vec<Container> {
        items(object, path).filter_map(|status| container(object, status, init)).collect()
    };
    let mut containers = statuses("/status/initContainerStatuses", true);
    containers.extend(statuses("/status/containerStatuses", false));
    Some(Pod {
        meta: Meta::read(object)?,
        node: text(object, "/spec/nodeName"),
        phase: text(object, "/status/phase").unwrap_or_else(|| "Unknown".to_owned()),
        reason: text(object, "/status/reason").unwrap_or_default(),
        message: text(object, "/status/message").unwrap_or_default(),
        conditions: Condition::read(object),
        containers,
    })
}

fn container(pod: &Json, status: &Json, init: bool) -> Option<Container> {
    let name = text(status, "/name")?;
    let specs = if init { "/spec/initContainers" } else { "/spec/containers" };
    let spec = items(pod, specs).find(|spec| text(spec, "/name").as_deref() == Some(&name));
    let limit = |resource: &str| quantity::parse(&text(spec?, &format!("/resources/limits/{resource}"))?);
    let now = match status.get("state") {
        Some(state) if state.get("waiting").is_some() => ContainerState::Waiting {
            reason: text(state, "/waiting/reason").unwrap_or_default(),
            message: text(state, "/waiting/message").unwrap_or_default(),
        },
        Some(state) if state.get("running").is_some() => {
            ContainerState::Running { since: time(state, "/running/startedAt") }
        }
        Some(state) => {
            state.get("terminated").and_then(termination).map_or(ContainerState::Unknown, ContainerState::Terminated)
        }
        None => ContainerState::Unknown,
    };
    Some(Container {
        image: text(status, "/image").unwrap_or_default(),
        init,
        ready: status.get("ready").and_then(Json::as_bool).unwrap_or(false),
        restarts: number(status, "/restartCount").unwrap_or(0),
        now,
        last: status.pointer("/lastState/terminated").and_then(termination),
        memory_limit: limit("memory"),
        cpu_limit: limit("cpu"),
        name,
    })
}

fn termination(json: &Json) -> Option<Termination> {
    Some(Termination {
        reason: text(json, "/reason").unwrap_or_default(),
        exit_code: json.get("exitCode")?.as_i64()?,
        message: text(json, "/message").unwrap_or_default(),
        started: time(json, "/startedAt"),
        finished: time(json, "/finishedAt"),
    })
}

impl Termination {
    /// Whether it was no success.
    pub fn failed(&self) -> bool {
        self.exit_code != 0
    }

    /// `OOMKilled, exit code 137`, and its last words.
    fn told(&self) -> String {
        let code = format!("exit code {}", self.exit_code);
        join(&[&join(&[&self.reason, &code], ", "), &one_line(&self.message)], ": ")
    }

    /// Whether it ended because it was told to (143 is 128 and SIGTERM), in a pod that is going.
    fn was_asked(&self, meta: &Meta) -> bool {
        self.exit_code == 143 && meta.deleted.is_some()
    }

    fn within(&self, window: &Window) -> bool {
        self.finished.is_some_and(|at| at >= window.start && at <= window.end)
    }
}

impl Pod {
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// When its state last changed, as far as it tells.
    pub fn last_change(&self) -> Option<Timestamp> {
        let ended = self.containers.iter().filter_map(|container| match &container.now {
            ContainerState::Terminated(end) => end.finished,
            _ => None,
        });
        self.conditions.iter().filter_map(|condition| condition.since).chain(ended).max().or(self.meta.created)
    }

    /// How often its containers were restarted.
    pub fn restarts(&self) -> u64 {
        self.containers.iter().map(|container| container.restarts).sum()
    }

    /// What is wrong with it, in words; nothing when it is well. `now` is the server's time.
    pub fn troubles(&self, window: &Window, now: Timestamp) -> Vec<String> {
        let mut troubles = Vec::new();
        if self.phase == "Succeeded" {
            return troubles;
        }
        if self.phase == "Failed" {
            troubles.push(join(&[&self.reason, &one_line(&self.message)], ": "));
        }
        if let Some(unplaced) = self.condition("PodScheduled").filter(|condition| condition.status == "False") {
            troubles.push(unplaced.why());
        }
        let young = self.meta.created.is_some_and(|created| now.duration_since(created) < START);
        for container in &self.containers {
            match &container.now {
                ContainerState::Waiting { reason, message } if !PASSING.contains(&reason.as_str()) => {
                    troubles.push(format!("{} waits: {}", container.name, join(&[reason, &one_line(message)], ": ")));
                }
                ContainerState::Waiting { .. } if !young && self.phase == "Pending" && self.node.is_some() => {
                    troubles.push(format!("{} is still being created", container.name));
                }
                ContainerState::Terminated(end) if end.failed() && !end.was_asked(&self.meta) => {
                    troubles.push(format!("{} has ended: {}", container.name, end.told()));
                }
                _ => {}
            }
            if let Some(end) = container.last.as_ref().filter(|end| end.failed() && end.within(window)) {
                troubles.push(format!("{} ended before: {}", container.name, end.told()));
            }
        }
        let unready = self.containers.iter().any(|container| {
            !container.init && !container.ready && matches!(container.now, ContainerState::Running { .. })
        });
        if unready && troubles.is_empty() && !young && self.meta.deleted.is_none() {
            troubles.push("it runs and is not ready".to_owned());
        }
        troubles.retain(|trouble| !trouble.is_empty());
        troubles
    }

    /// Its state. `app` is the alert's own name for what it belongs to.
    pub fn state(&self, window: &Window, now: Timestamp, app: Option<&str>) -> ResourceState {
        let mut state = state("pod", &self.meta, now);
        let troubles = self.troubles(window, now);
        state.healthy = Some(troubles.is_empty() && self.phase != "Failed" && self.phase != "Unknown");
        let mains = self.containers.iter().filter(|container| !container.init);
        let (all, ready) = mains.fold((0, 0), |(all, ready), container| (all + 1, ready + u32::from(container.ready)));
        add(&mut state, "pod", self.meta.name.as_str());
        add(&mut state, "service", app.unwrap_or_default());
        add(&mut state, "node", self.node.clone().unwrap_or_default());
        add(&mut state, "phase", self.phase.as_str());
        add(&mut state, "ready", format!("{ready}/{all}"));
        add(&mut state, "restarts", self.restarts().to_string());
        add(&mut state, "condition", troubles.join("; "));
        for container in self.containers.iter().filter(|container| !container.init) {
            add(&mut state, &format!("image of {}", container.name), container.image.as_str());
            let limits = [
                container.cpu_limit.map(|limit| format!("cpu {}", quantity::cores(limit))),
                container.memory_limit.map(|limit| format!("memory {}", quantity::bytes(limit))),
            ];
            let limits: Vec<String> = limits.into_iter().flatten().collect();
            add(&mut state, &format!("limits of {}", container.name), limits.join(", "));
        }
        state
    }

    /// The failed ends of its containers, as events.
    pub fn ends(&self, app: Option<&str>) -> Vec<Event> {
        let ends = self.containers.iter().flat_map(|container| {
            let now = match &container.now {
                ContainerState::Terminated(end) => Some(end),
                _ => None,
            };
            now.into_iter().chain(&container.last).map(move |end| (container, end))
        });
        ends.filter(|(_, end)| end.failed() && !end.was_asked(&self.meta))
            .filter_map(|(container, end)| {
                let mut labels = self.meta.identity();
                labels.insert("pod".to_owned(), self.meta.name.clone());
                labels.insert("container".to_owned(), container.name.clone());
                labels.insert("reason".to_owned(), end.reason.clone());
                labels.extend(app.map(|app| ("service".to_owned(), app.to_owned())));
                labels.extend(self.node.clone().map(|node| ("node".to_owned(), node)));
                let limit = (end.reason == "OOMKilled").then_some(container.memory_limit).flatten();
                let limit = limit.map(|limit| format!("memory limit {}", quantity::bytes(limit))).unwrap_or_default();
                let ran = end.started.zip(end.finished).map(|(from, to)| to.duration_since(from).as_secs());
                let ran = ran.map(|seconds| format!("ran {seconds} s")).unwrap_or_default();
                let restarts = format!("{} restarts", container.restarts);
                Some(Event {
                    time: end.finished?,
                    kind: EventKind::Other,
                    title: format!("container {} of pod {} ended: {}", container.name, self.meta.name, end.told()),
                    text: join(&[&limit, &ran, &restarts], ", "),
                    labels,
                })
            })
            .collect()
    }
}

/// A text in one line of bounded length.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}...", &line[..cut]),
        None => line,
    }
}
