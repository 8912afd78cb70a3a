//! One query in progress: where it asks, what it looks for, how its answer is put together.

use std::cmp::Reverse;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use opensre_model::evidence::{Event, Evidence, EvidenceData, GapKind, ResourceState};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::api::{Api, Form, Kind, Listed};
use super::scope::Scope;
use super::session;
use super::wire::meta::Meta;
use crate::access::Access;
use crate::backend::Backend;
use crate::driver::{Answer, Bounds, Input};
use crate::failure::Failure;
use crate::subject;

/// Bounds of every query.
pub(super) const BOUNDS: Bounds = Bounds { rows: 2000, bytes: 16 * 1024 * 1024, seconds: 30 };

/// Most objects that are kept of what the alert is about, and of the rest, of which only the unhealthy are.
const OWN: usize = 60;
const OTHERS: usize = 30;
/// Most events that are kept; those nearest to the onset.
const EVENTS: usize = 100;

/// One query in progress.
pub(super) struct Inquiry {
    pub(super) backend: Backend,
    pub(super) api: Api,
    pub(super) scope: Scope,
    /// The namespace that is asked, or all.
    pub(super) namespace: Option<String>,
    pub(super) window: Window,
    pub(super) operation: &'static str,
    pub(super) answer: Answer,
}

/// Runs a query from its first step to its answer.
pub(super) fn run<'a>(
    operation: &'static str,
    access: &'a Access,
    input: &'a Input,
    window: Window,
    gather: for<'b> fn(&'b mut Inquiry) -> BoxFuture<'b, ()>,
) -> BoxFuture<'a, Answer> {
    async move {
        let scope = Scope::of_input(input);
        if !scope.names_something() {
            let failure =
                Failure::new(GapKind::NotRelevant, "nothing to look for: no namespace, workload, pod, service or node")
                    .with_hint("give labels, or `namespace` and `deployment` or `pod`");
            return Answer::unanswered(access, operation, failure);
        }
        let connection = match session::connect(access).await {
            Ok(connection) => connection,
            Err(failure) => return Answer::unanswered(access, operation, failure),
        };
        let client = BOUNDS.keep(connection.client);
        // The API server has no pages for people.
        let backend = Backend::direct(&access.instance, client.clone(), std::sync::Arc::new(|_, _| None));
        let only_node = scope.node.is_some() && !scope.names_an_object();
        let namespace = scope.namespace.clone().or(connection.namespace.filter(|_| !only_node));
        let api = Api { client, way: connection.way };
        let mut inquiry = Inquiry { backend, api, scope, namespace, window, operation, answer: Answer::default() };
        gather(&mut inquiry).await;
        if let Some(failure) = subject::left_out(input) {
            inquiry.gap(failure);
        }
        inquiry.answer.calls = inquiry.backend.client.calls();
        inquiry.answer
    }
    .boxed()
}

impl Inquiry {
    /// Lists a kind where this query asks; a failure becomes a gap of this kind alone.
    pub(super) async fn list(&mut self, kind: Kind) -> Option<Listed> {
        let outcome = self.api.list(kind, self.namespace.as_deref(), Form::Whole, &[]).await;
        self.take(outcome)
    }

    /// The list, or a gap.
    pub(super) fn take(&mut self, outcome: Result<Listed, Failure>) -> Option<Listed> {
        outcome.map_err(|failure| self.gap(failure)).ok()
    }

    /// Tells of something that is missing.
    pub(super) fn gap(&mut self, failure: Failure) {
        let gap = self.backend.gap(self.operation, failure);
        self.answer.gaps.push(gap);
    }

    /// From when on events and changes are of interest: a day before the end, or the start of a longer baseline.
    pub(super) fn since(&self) -> Timestamp {
        let day = self.window.end.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        day.min(self.window.baseline_start)
    }

    /// Where it asks, in words.
    pub(super) fn place(&self) -> String {
        self.namespace.as_ref().map_or("all namespaces".to_owned(), |name| format!("namespace {name}"))
    }

    /// The time at which a list was seen.
    pub(super) fn seen(&self, listed: &Listed) -> Timestamp {
        listed.now.unwrap_or(self.window.end)
    }

    /// Whether an object is part of what the alert is about. Where the alert names no object, everything is.
    pub(super) fn is_own(&self, meta: &Meta) -> bool {
        !self.scope.names_an_object() || self.scope.covers(meta) || self.scope.names_like(&meta.name)
    }

    /// Adds evidence; what was cut of the list comes with it.
    pub(super) fn add(&mut self, query: &str, summary: String, cut: &[Option<String>], data: EvidenceData) {
        let cut: Vec<&str> = cut.iter().flatten().map(String::as_str).collect();
        let mut evidence: Evidence = self.backend.evidence(self.operation, query, self.window, summary, data);
        evidence.truncated = (!cut.is_empty()).then(|| cut.join("; "));
        self.answer.evidence.push(evidence);
    }

    /// Reads a list into states and adds them: all of what the alert is about, and of the rest those that are not healthy.
    pub(super) fn add_states(
        &mut self,
        kind: Kind,
        listed: &Listed,
        read: impl Fn(&Json, Timestamp) -> Option<ResourceState>,
    ) {
        let seen = self.seen(listed);
        let mut states = Vec::new();
        let mut odd = 0;
        for object in &listed.items {
            match (Meta::read(object), read(object, seen)) {
                (Some(meta), Some(state)) => states.push((self.is_own(&meta), state)),
                _ => odd += 1,
            }
        }
        self.add_read_states(kind, listed, states, odd);
    }

    /// The same for states that are read already, each with whether it is part of what the alert is about.
    pub(super) fn add_read_states(
        &mut self,
        kind: Kind,
        listed: &Listed,
        states: Vec<(bool, ResourceState)>,
        odd: usize,
    ) {
        let all = states.len();
        let unhealthy = states.iter().filter(|(_, state)| state.healthy == Some(false)).count();
        let (mut own, others): (Vec<_>, Vec<_>) = states.into_iter().partition(|(own, _)| *own);
        let mut others: Vec<_> = others.into_iter().filter(|(_, state)| state.healthy == Some(false)).collect();
        let (own_all, others_all) = (own.len(), others.len());
        for (list, most) in [(&mut own, OWN), (&mut others, OTHERS)] {
            list.sort_by(|(_, a), (_, b)| {
                (Reverse(a.healthy == Some(false)), &a.name).cmp(&(Reverse(b.healthy == Some(false)), &b.name))
            });
            list.truncate(most);
        }
        let left = (own_all - own.len()) + (others_all - others.len());
        let cut = (left > 0).then(|| format!("{} left out: {left}", kind.words));
        let odd = (odd > 0).then(|| format!("{} that could not be read: {odd}", kind.words));
        let states: Vec<ResourceState> = own.into_iter().chain(others).map(|(_, state)| state).collect();
        let summary = format!("{} in {}: {all}, not healthy: {unhealthy}", kind.words, self.place());
        self.add(&listed.query, summary, &[listed.cut.clone(), cut, odd], EvidenceData::States { states });
    }

    /// Adds events of the time that is of interest: those nearest to the onset, oldest first. `what` names them.
    pub(super) fn add_events(&mut self, query: &str, what: &str, mut events: Vec<Event>, cut: Option<String>) {
        let (since, window) = (self.since(), self.window);
        events.retain(|event| event.time >= since && event.time <= window.end);
        let all = events.len();
        let named = |event: &Event| self.is_about_own(event);
        events.sort_by_cached_key(|event| {
            (Reverse(named(event)), event.time.duration_since(window.onset).abs(), event.title.clone())
        });
        events.truncate(EVENTS);
        events.sort_by(|a, b| (a.time, &a.title).cmp(&(b.time, &b.title)));
        let left = (all > EVENTS).then(|| format!("{EVENTS} of {all} are kept, those nearest to the onset"));
        let summary = format!("{what} in {}, from a day before the end of the incident: {all}", self.place());
        self.add(query, summary, &[cut, left], EvidenceData::Events { events });
    }

    fn is_about_own(&self, event: &Event) -> bool {
        const NAMING: &[&str] = &["pod", "deployment", "statefulset", "daemonset", "service", "workload", "node"];
        NAMING
            .iter()
            .filter_map(|key| event.labels.get(*key))
            .any(|name| self.scope.names_like(name) || self.scope.node.as_ref() == Some(name))
    }
}
