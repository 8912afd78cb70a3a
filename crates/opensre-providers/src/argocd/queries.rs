//! The queries, and what they share: choosing applications, and the labels of evidence about them.

use std::collections::BTreeMap;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use opensre_http::Reply;
use opensre_model::alert::Alert;
use opensre_model::window::Window;

use super::client::Argo;
use super::select::{self, Choice, Chosen};
use super::{applications, diff, history};
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Query, Relevance};
use crate::failure::Failure;
use crate::subject;

pub(super) const APPLICATIONS: &str = "applications";
pub(super) const HISTORY: &str = "history";
pub(super) const DIFF: &str = "diff";

const LABELS: &[InputSpec] = &[InputSpec {
    key: subject::LABELS,
    kind: "object",
    required: false,
    help: "labels of the alert, as texts: service, app, namespace, cluster; without any, applications that are not well",
}];

const MEBIBYTE: usize = 1024 * 1024;

pub(super) const QUERIES: &[Query] = &[
    Query {
        name: APPLICATIONS,
        summary: "sync state, health, last operation and conditions of the alert's applications, and their resources \
                  that are not well",
        input: LABELS,
        bounds: applications::BOUNDS,
        relevance,
        run: |access, input, window| applications::run(access, input, window).boxed(),
    },
    Query {
        name: HISTORY,
        summary: "what was deployed from a day before the onset on, at which revision, by whom; syncs that failed",
        input: LABELS,
        bounds: history::BOUNDS,
        relevance,
        run: |access, input, window| history::run(access, input, window).boxed(),
    },
    Query {
        name: DIFF,
        summary: "where the cluster differs from what the repository wants; values of secrets are never shown",
        input: LABELS,
        bounds: diff::BOUNDS,
        relevance,
        run: |access, input, window| diff::run(access, input, window).boxed(),
    },
];

/// Always: an alert that names nothing is told of what is not well.
fn relevance(alert: &Alert) -> Relevance {
    match subject::relevance(alert, |labels| !labels.is_empty(), "") {
        Relevance::Skip(_) => Relevance::Ask(vec![Input::default()]),
        ask @ Relevance::Ask(_) => ask,
    }
}

/// From when on changes are asked for: what breaks a service is mostly made within a day before.
pub(super) fn since(window: &Window) -> Timestamp {
    let day = window.onset.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(window.baseline_start);
    day.min(window.baseline_start)
}

/// Bounds of a query: most rows, and bytes and time that all of them share.
pub(super) const fn bounds(rows: usize) -> Bounds {
    Bounds { rows, bytes: 16 * MEBIBYTE, seconds: 40 }
}

/// What was chosen for a query, and what to tell of the choice.
pub(super) struct Opened<'a> {
    pub(super) argo: Argo<'a>,
    pub(super) choice: Choice,
    pub(super) answer: Answer,
    odd: usize,
    slim: bool,
}

impl<'a> Opened<'a> {
    /// Opens a client and chooses the applications of the input's labels.
    pub(super) async fn new(
        access: &'a Access,
        input: &Input,
        window: &Window,
        query: &str,
        bounds: Bounds,
    ) -> Result<Self, Answer> {
        let argo = Argo::open(access, bounds).await.map_err(|failure| Answer::unanswered(access, query, failure))?;
        let (all, odd, slim) = match argo.list().await {
            Ok(list) => list,
            Err(failure) => {
                let mut answer = Answer::unanswered(access, query, failure);
                answer.calls = argo.calls();
                return Err(answer);
            }
        };
        let choice = select::choose(&all, &input.labels(subject::LABELS), window);
        let mut answer = Answer::default();
        answer.gaps.extend(subject::left_out(input).map(|failure| failure.into_gap(&access.instance, query)));
        Ok(Self { argo, choice, answer, odd, slim })
    }

    /// What was cut or could not be read.
    pub(super) fn cut(&self, more: impl IntoIterator<Item = String>) -> Option<String> {
        let skipped =
            (self.choice.more > 0).then(|| format!("{} more applications fit and were not asked", self.choice.more));
        let odd = (self.odd > 0).then(|| format!("{} entries of the list could not be read", self.odd));
        let slim = self.slim.then(|| {
            "the list is too large with resources: applications were chosen by name and namespace alone".to_owned()
        });
        let notes: Vec<String> = skipped.into_iter().chain(odd).chain(slim).chain(more).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// The failure to ask one application, as a gap.
    pub(super) fn gap(&mut self, access: &Access, query: &str, application: &str, failure: Failure) {
        self.answer.gaps.push(failure.about(&format!("application {application}")).into_gap(&access.instance, query));
    }

    /// The answer, with the count of calls.
    pub(super) fn finish(mut self) -> Answer {
        self.answer.calls = self.argo.calls();
        self.answer
    }
}

/// `2 applications of the alert's service`.
pub(super) fn counted(count: usize, choice: &Choice) -> String {
    match count {
        0 => format!("no applications {}", choice.why),
        1 => format!("1 application {}", choice.why),
        count => format!("{count} applications {}", choice.why),
    }
}

/// The labels of evidence about an application. Its own place is told under names that no alert uses, since Argo CD's
/// names of clusters and namespaces need not be those of the alert.
pub(super) fn labels(chosen: &Chosen) -> BTreeMap<String, String> {
    let application = &chosen.application;
    let destination = &application.destination;
    let cluster = destination.cluster.as_ref().or(destination.server.as_ref());
    [
        ("service", chosen.service.as_ref()),
        ("argocd_app", Some(&application.name)),
        ("project", application.project.as_ref()),
        ("destination_cluster", cluster),
        ("destination_namespace", destination.namespace.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
    .collect()
}

/// When an answer was given, by its own `Date`.
pub(super) fn answered_at(reply: &Reply) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(reply.header("date")?).ok()?.timestamp())
}

/// A text of at most so many characters.
pub(super) fn bounded(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
