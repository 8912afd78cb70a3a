//! Jobs and cron jobs.
//!
//! Source: pages "Job" and "CronJob" of the Kubernetes API reference.

use jiff::Timestamp;
use opensre_model::evidence::{Event, EventKind, ResourceState};
use serde_json::Value as Json;

use super::meta::{Condition, Meta, number, text, time};
use super::pods::one_line;
use super::{add, state};

/// The state of a job, and the event of its failure if it failed.
pub fn job(object: &Json, now: Timestamp) -> Option<(ResourceState, Option<Event>)> {
    let meta = Meta::read(object)?;
    let conditions = Condition::read(object);
    let holds = |kind: &str| conditions.iter().find(|condition| condition.kind == kind && condition.status == "True");
    let count = |path: &str| number(object, path).unwrap_or(0);
    let mut state = state("job", &meta, now);
    add(&mut state, "job", meta.name.as_str());
    let (active, succeeded, failed) = (count("/status/active"), count("/status/succeeded"), count("/status/failed"));
    add(&mut state, "pods", format!("{active} active, {succeeded} succeeded, {failed} failed"));
    add(&mut state, "started", text(object, "/status/startTime").unwrap_or_default());
    let Some(condition) = holds("Failed") else {
        state.healthy = Some(failed == 0 || holds("Complete").is_some());
        return Some((state, None));
    };
    state.healthy = Some(false);
    add(&mut state, "condition", format!("job failed: {}", one_line(&condition.why())));
    let event = condition.since.map(|at| Event {
        time: at,
        kind: EventKind::Other,
        title: format!("job {} failed", meta.name),
        text: one_line(&condition.why()),
        labels: state
            .attributes
            .iter()
            .filter(|(key, _)| matches!(key.as_str(), "namespace" | "cronjob" | "job"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    });
    Some((state, event))
}

/// The state of a cron job.
pub fn cron_job(object: &Json, now: Timestamp) -> Option<ResourceState> {
    let meta = Meta::read(object)?;
    let mut state = state("cron job", &meta, now);
    add(&mut state, "cronjob", meta.name.as_str());
    add(&mut state, "schedule", text(object, "/spec/schedule").unwrap_or_default());
    if object.pointer("/spec/suspend").and_then(Json::as_bool) == Some(true) {
        add(&mut state, "suspended", "yes");
    }
    let (scheduled, succeeded) = (time(object, "/status/lastScheduleTime"), time(object, "/status/lastSuccessfulTime"));
    add(&mut state, "last scheduled", scheduled.map(|at| at.to_string()).unwrap_or_default());
    add(&mut state, "last success", succeeded.map(|at| at.to_string()).unwrap_or_default());
    Some(state)
}
