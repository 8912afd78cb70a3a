//! Logs of containers: around the onset, and the last words of containers that ended.
//!
//! The API reads a log from a time on, forwards, up to a number of bytes; there is no end to give. So the window is read
//! in up to three pieces, each from a time on: the baseline, the incident part, and the onset where the second piece did
//! not get that far.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use opensre_http::{FailureKind, HttpFailure};
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, LogLine};
use opensre_model::window::Window;

use super::pods;
use crate::failure::Failure;
use crate::kubernetes::api::Api;
use crate::kubernetes::inquiry::{BOUNDS, Inquiry};
use crate::kubernetes::wire::pods::{Container, ContainerState, Pod};
use crate::loki::level;

/// Most pods whose logs are read, and containers of each.
const PODS: usize = 4;
const CONTAINERS: usize = 2;
/// Logs that are read at a time.
const AT_A_TIME: usize = 4;
/// Bytes of each piece.
const BASELINE_BYTES: usize = 128 * 1024;
const INCIDENT_BYTES: usize = 512 * 1024;
/// Most lines of the end of a container that ended.
const LAST_WORDS: &str = "200";
/// Longest message that is kept.
const LONGEST: usize = 8 * 1024;

/// A container's log that is to be read.
struct Target {
    namespace: String,
    pod: String,
    container: String,
    labels: Labels,
    /// Whether the container runs or ran in its present life.
    current: bool,
    /// Whether there was a life before.
    previous: bool,
}

/// What was read of one target.
#[derive(Default)]
struct Read {
    query: String,
    lines: Vec<LogLine>,
    cut: bool,
    failures: Vec<HttpFailure>,
}

/// Lines of the containers of what the alert is about.
pub(crate) async fn lines(inquiry: &mut Inquiry) {
    let Some((listed, mut all, _)) = pods::read(inquiry).await else { return };
    let now = inquiry.seen(&listed);
    all.retain(|pod| inquiry.is_own(&pod.meta));
    if all.is_empty() {
        let reason = format!("no pod in {} is of what the alert names", inquiry.place());
        inquiry
            .gap(Failure::new(GapKind::NotRelevant, reason).with_hint("logs of pods that are gone are gone with them"));
        return;
    }
    let window = inquiry.window;
    // The alert's own pod first, then those in trouble, then the most restarted.
    all.sort_by_cached_key(|pod| {
        let named = inquiry.scope.pod.as_ref() == Some(&pod.meta.name);
        let troubled = !pod.troubles(&window, now).is_empty();
        (Reverse(named), Reverse(troubled), Reverse(pod.restarts()), pod.meta.name.clone())
    });
    let count = all.len();
    let targets: Vec<Target> = all.iter().take(PODS).flat_map(|pod| targets(inquiry, pod)).collect();
    let api = inquiry.api.clone();
    let mut reads: Vec<(usize, Target, Read)> = futures::stream::iter(targets.into_iter().enumerate())
        .map(|(position, target)| {
            let api = api.clone();
            async move {
                let read = read(&api, &target, window).await;
                (position, target, read)
            }
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    reads.sort_by_key(|(position, ..)| *position);
    let left = (count > PODS).then(|| format!("logs of {PODS} of {count} pods were read"));
    let mut told = BTreeSet::new();
    for (_, target, read) in reads {
        for failure in read.failures {
            // The same refusal for every container is told once.
            if told.insert(failure.to_string()) {
                inquiry.gap(
                    inquiry.api.way.explain(failure).about(&format!("log of {}/{}", target.pod, target.container)),
                );
            }
        }
        if !read.query.is_empty() {
            add(inquiry, &target, &read.query, read.lines, read.cut, left.clone());
        }
    }
}

fn targets(inquiry: &Inquiry, pod: &Pod) -> Vec<Target> {
    let wanted = inquiry.scope.container.as_deref();
    let mut containers: Vec<&Container> = pod
        .containers
        .iter()
        // What has never run has no log; a request for it only fails.
        .filter(|container| container.last.is_some() || has_run(&container.now))
        .filter(|container| {
            !container.init || !matches!(&container.now, ContainerState::Terminated(end) if !end.failed())
        })
        .collect();
    if let Some(wanted) = wanted.filter(|wanted| containers.iter().any(|container| container.name == **wanted)) {
        containers.retain(|container| container.name == wanted);
    }
    containers.sort_by_key(|container| (container.ready, Reverse(container.restarts)));
    let mut labels = pod.meta.identity();
    labels.insert("pod".to_owned(), pod.meta.name.clone());
    labels.extend(inquiry.scope.app_of(&pod.meta).map(|app| ("service".to_owned(), app.to_owned())));
    let target = |container: &Container| {
        let mut labels = labels.clone();
        labels.insert("container".to_owned(), container.name.clone());
        Target {
            namespace: pod.meta.namespace.clone(),
            pod: pod.meta.name.clone(),
            container: container.name.clone(),
            labels,
            current: has_run(&container.now),
            previous: container.last.is_some() || container.restarts > 0,
        }
    };
    containers.into_iter().take(CONTAINERS).map(target).collect()
}

fn has_run(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Running { .. } | ContainerState::Terminated(_))
}

/// Reads one container's log: in pieces, and the end of its former life.
async fn read(api: &Api, target: &Target, window: Window) -> Read {
    let mut read = Read::default();
    if target.previous {
        match piece(api, target, &[("previous", "true"), ("tailLines", LAST_WORDS)], INCIDENT_BYTES).await {
            Ok((query, lines, _)) => read.keep(query, lines),
            // The former container is gone: the kubelet keeps only one, and not for ever.
            Err(failure) if matches!(failure.kind, FailureKind::BadRequest(400) | FailureKind::NotFound) => {}
            Err(failure) => read.failures.push(failure),
        }
    }
    if target.current {
        let mut from = vec![(window.baseline_start, BASELINE_BYTES), (window.start, INCIDENT_BYTES)];
        let mut reached = window.baseline_start;
        let mut position = 0;
        while let Some((since, bytes)) = from.get(position).copied() {
            position += 1;
            let since_text = seconds(since);
            match piece(api, target, &[("sinceTime", &since_text)], bytes).await {
                Ok((query, lines, cut)) => {
                    reached = lines.last().map_or(reached, |line: &LogLine| line.time);
                    read.keep(query, lines);
                    if !cut {
                        // The log ended before the bytes did: there is nothing more.
                        break;
                    }
                    read.cut = true;
                    let near = window.onset.checked_sub(SignedDuration::from_mins(1)).unwrap_or(window.onset);
                    if position == 2 && reached < near && near > window.start {
                        from.push((near, INCIDENT_BYTES));
                    }
                    if position == 1 && reached >= window.end {
                        break;
                    }
                }
                Err(failure) => {
                    read.failures.push(failure);
                    break;
                }
            }
        }
    }
    read.lines.retain(|line| line.time >= window.baseline_start && line.time <= window.end);
    read.lines.sort_by_key(|line| line.time);
    read.lines.dedup_by(|a, b| a.time == b.time && a.message == b.message);
    read
}

impl Read {
    fn keep(&mut self, query: String, lines: Vec<LogLine>) {
        if self.query.is_empty() || !query.contains("previous=") {
            self.query = query;
        }
        self.lines.extend(lines);
    }
}

/// Reads one piece: what was asked, its lines, and whether the server stopped at the limit.
async fn piece(
    api: &Api,
    target: &Target,
    from: &[(&str, &str)],
    bytes: usize,
) -> Result<(String, Vec<LogLine>, bool), HttpFailure> {
    let limit = bytes.to_string();
    let mut parameters = vec![("container", target.container.as_str()), ("timestamps", "true"), ("limitBytes", &limit)];
    parameters.extend(from);
    let (text, query) = api.log(&target.namespace, &target.pod, &parameters).await?;
    // The limit may be kept to a little more or less; a log that ends within a line was cut.
    let cut = text.len() + 1024 >= bytes;
    let mut lines: Vec<LogLine> = text.lines().filter_map(|line| parse(line, &target.labels)).collect();
    if cut && !text.ends_with('\n') {
        lines.pop();
    }
    Ok((query, lines, cut))
}

/// A line as the API writes it with timestamps: time, a space, the message.
pub(crate) fn parse(line: &str, labels: &Labels) -> Option<LogLine> {
    let (time, message) = line.split_once(' ').unwrap_or((line, ""));
    let time: Timestamp = time.parse().ok()?;
    let message = level::head(message.trim_end(), LONGEST);
    if message.trim().is_empty() {
        return None;
    }
    let level = level::detect(&Labels::new(), message).map(str::to_owned);
    Some(LogLine { time, level, message: message.to_owned(), labels: labels.clone() })
}

/// A time in whole seconds, which is what the API takes.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn add(inquiry: &mut Inquiry, target: &Target, query: &str, mut lines: Vec<LogLine>, cut: bool, left: Option<String>) {
    let all = lines.len();
    if all > BOUNDS.rows {
        let onset = inquiry.window.onset;
        lines.sort_by_key(|line| line.time.duration_since(onset).abs());
        lines.truncate(BOUNDS.rows);
        lines.sort_by_key(|line| line.time);
    }
    let kept =
        (all > BOUNDS.rows).then(|| format!("{} of {all} lines are kept, those nearest to the onset", BOUNDS.rows));
    let cut = cut.then(|| "the log is longer than what is read of it: there are holes".to_owned());
    let bad = lines.iter().filter(|line| matches!(line.level.as_deref(), Some("error" | "critical"))).count();
    let summary = format!("lines of container {} of pod {}: {all}, errors: {bad}", target.container, target.pod);
    inquiry.add(query, summary, &[kept, cut, left], EvidenceData::Logs { lines });
}
