//! Finding out how a Loki labels the streams that an alert is about.
//!
//! One round trip in the usual case: the names of all labels, and at once the values of those that collectors write by
//! default. Answers are shared between the queries of an investigation.

use std::collections::BTreeMap;

use futures::future::{join, join_all};
use opensre_model::alert::Labels;
use opensre_model::evidence::GapKind;
use opensre_model::window::Window;

use super::logql::Selector;
use super::selection::{self, Sought};
use super::{api, level};
use crate::backend::Backend;
use crate::failure::Failure;

/// Most labels whose values are asked for in the second round.
const SECOND_ROUND: usize = 8;

/// Which streams are looked at, and how.
pub(super) struct Plan {
    pub(super) selector: Selector,
    /// What the alert names and this Loki does not have.
    pub(super) dropped: Vec<String>,
    /// Labels that may hold a level here.
    pub(super) levels: Vec<&'static str>,
    /// Labels whose values could not be read.
    pub(super) unread: Vec<Failure>,
}

/// Decides which streams an alert's labels mean.
pub(super) async fn plan(
    backend: &Backend,
    operation: &str,
    labels: &Labels,
    window: &Window,
) -> Result<Plan, Failure> {
    let sought = selection::sought(labels);
    if !selection::names_something(&sought) {
        return Err(Failure::new(
            GapKind::NotRelevant,
            "nothing in the alert names a service, pod, host or namespace whose logs could be read",
        )
        .with_hint("add a label such as `service` to the alert"));
    }
    let Discovered { names, values, unread } = discover(backend, operation, &sought, window).await?;
    let selection = selection::select(&sought, &values);
    let Some(selector) = selection.selector else {
        // When values are missing, that nothing fits is not known.
        if let Some(failure) = unread.into_iter().next() {
            return Err(failure);
        }
        return Err(Failure::new(
            GapKind::NotRelevant,
            format!("no stream in the window is labelled with what the alert names ({})", selection.dropped.join(", ")),
        )
        .with_hint(format!("its labels are {}; write the query yourself", listed(&names, 12))));
    };
    let known = |label: &&&'static str| names.iter().any(|name| name == **label);
    let mut levels: Vec<&'static str> = level::LABELS.iter().filter(known).copied().collect();
    // Loki 3 adds `service_name` to streams and `detected_level` to lines; only the first is among the names.
    if names.iter().any(|name| name == "service_name") && !levels.contains(&"detected_level") {
        levels.push("detected_level");
    }
    Ok(Plan { selector, dropped: selection.dropped, levels, unread })
}

struct Discovered {
    names: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
    unread: Vec<Failure>,
}

/// Asks for the names of labels and, at once, for the values of those that are most likely there; when that does not
/// find all that is sought, for the values of others that are there.
async fn discover(
    backend: &Backend,
    operation: &str,
    sought: &[Sought],
    window: &Window,
) -> Result<Discovered, Failure> {
    let guesses = selection::first_guess(sought);
    let (names, first) = join(api::label_names(&backend.client, window), values(backend, &guesses, window)).await;
    let names = names?;
    let (mut values_of, mut unread) = first;
    let rest: Vec<&'static str> = selection::candidates(sought, &names, &guesses);
    if !rest.is_empty() && !selection::select(sought, &values_of).dropped.is_empty() {
        let (more, failed) = values(backend, &rest[..rest.len().min(SECOND_ROUND)], window).await;
        values_of.extend(more);
        unread.extend(failed);
    }
    tracing::debug!(operation, labels = names.len(), asked = values_of.len(), "label names and values are known");
    Ok(Discovered { names, values: values_of, unread })
}

async fn values(
    backend: &Backend,
    labels: &[&'static str],
    window: &Window,
) -> (BTreeMap<String, Vec<String>>, Vec<Failure>) {
    let asked =
        labels.iter().map(|label| async move { (*label, api::label_values(&backend.client, label, window).await) });
    let (mut known, mut unread) = (BTreeMap::new(), Vec::new());
    for (label, answered) in join_all(asked).await {
        match answered {
            Ok(values) => {
                known.insert(label.to_owned(), values);
            }
            Err(failure) => unread.push(failure),
        }
    }
    (known, unread)
}

fn listed(names: &[String], most: usize) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count <= most => names.join(", "),
        count => format!("{} and {} more", names[..most].join(", "), count - most),
    }
}
