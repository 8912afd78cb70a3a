//! Metrics of what an alert is about: one call to find out which there are, then the queries that fit, side by side.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind};
use opensre_model::window::Window;

use super::families::{self, Found, Inventory, Planned};
use super::selection::{self, Candidate};
use super::{api, outcome, promql, summary};
use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;

/// Most series that are looked at to find out which metrics there are.
const MOST_FOUND: usize = 10_000;

/// Most queries of one alert.
const MOST_QUERIES: usize = 14;

/// Asks for the metrics of what the labels name. `words` are those of the alert's name: metrics that share one are
/// asked for though nothing else is known about them.
pub(crate) async fn related(
    backend: &Backend,
    operation: &str,
    labels: &Labels,
    words: &BTreeSet<String>,
    window: Window,
) -> Answer {
    let mut answer = Answer::default();
    let candidates = selection::candidates(labels);
    if candidates.is_empty() {
        let failure = Failure::new(GapKind::NotRelevant, "no label of the alert names something that has metrics");
        answer.gaps.push(backend.gap(operation, failure));
        return answer;
    }
    let discovered = match discover(backend, &candidates, &window).await {
        Ok(discovered) => discovered,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            return answer;
        }
    };
    answer.gaps.extend(dropped(&discovered, &candidates, labels).map(|failure| backend.gap(operation, failure)));
    answer.gaps.extend(discovered.notes.iter().map(|note| {
        backend
            .gap(operation, Failure::new(GapKind::Failed, format!("while looking for metrics the server says: {note}")))
    }));
    let step = api::step_seconds(&window);
    let mut planned = families::plan(&discovered.inventory, words, &promql::seconds(rate_range(step)));
    let cut = planned.split_off(planned.len().min(MOST_QUERIES));
    tracing::debug!(metrics = discovered.inventory.len(), queries = planned.len(), "metrics are known");
    let answers = join_all(planned.iter().map(|one| api::range(&backend.client, &one.query, &window, step))).await;
    let mut empty = Vec::new();
    for (one, answered) in planned.iter().zip(answers) {
        match answered {
            Ok(answered) if answered.series.is_empty() => empty.push(one.title.as_str()),
            Ok(answered) => answer.evidence.push(evidence(backend, operation, one, answered, window)),
            Err(failure) => answer.gaps.push(backend.gap(operation, failure.about(&one.title))),
        }
    }
    let told = [("there is no data in the window for", empty), ("not asked for, as too many fit:", titles(&cut))];
    answer.gaps.extend(told.into_iter().filter(|(_, titles)| !titles.is_empty()).map(|(what, titles)| {
        backend.gap(operation, Failure::new(GapKind::NotRelevant, format!("{what} {}", titles.join(", "))))
    }));
    answer
}

/// The range of a rate: at least two samples at the usual distances of up to a minute, and no point between two steps
/// is missed.
pub(crate) fn rate_range(step: i64) -> i64 {
    (2 * step).max(120)
}

fn titles(planned: &[Planned]) -> Vec<&str> {
    planned.iter().map(|one| one.title.as_str()).collect()
}

fn evidence(
    backend: &Backend,
    operation: &str,
    planned: &Planned,
    answered: super::wire::Answered,
    window: Window,
) -> opensre_model::evidence::Evidence {
    let (series, cut) = summary::keep_most_changed(answered.series);
    let said = summary::of_series(&planned.title, &series, planned.unit, &window);
    let unit = planned.unit.map(str::to_owned);
    let data = EvidenceData::Metrics { meaning: planned.meaning, unit, threshold: None, series };
    let mut evidence = backend.evidence(operation, planned.query.clone(), window, said, data);
    evidence.truncated = super::notes(cut, answered.odd, &answered.notes);
    evidence
}

/// What there is.
struct Discovered {
    inventory: Inventory,
    /// Which candidates found something.
    found: BTreeSet<usize>,
    /// Labels that some series have.
    labels: BTreeSet<String>,
    notes: Vec<String>,
}

/// One call for all candidates. When that is too much for the size limit, the smallest thing alone.
async fn discover(backend: &Backend, candidates: &[Candidate], window: &Window) -> Result<Discovered, Failure> {
    let selectors: Vec<_> = candidates.iter().map(|one| one.selector.clone()).collect();
    let answered = match api::series(&backend.client, &selectors, window, MOST_FOUND).await {
        Err(api::Unanswered::TooLarge(_)) if selectors.len() > 1 => {
            let (series, mut notes) = api::series(&backend.client, &selectors[..1], window, MOST_FOUND).await?;
            notes.push(format!("too many series; only those of {} are looked at", selectors[0]));
            (series, notes)
        }
        answered => answered?,
    };
    Ok(sort_out(candidates, &answered.0, answered.1))
}

/// Which metrics there are, and by which candidate the series of each are found best.
fn sort_out(candidates: &[Candidate], series: &[Labels], mut notes: Vec<String>) -> Discovered {
    if series.len() > MOST_FOUND {
        notes.push(format!("{} series fit; the first {MOST_FOUND} are looked at", series.len()));
    }
    let mut metrics: BTreeMap<&str, Metric> = BTreeMap::new();
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for one in series.iter().take(MOST_FOUND) {
        let Some(name) = one.get("__name__") else { continue };
        let finding =
            candidates.iter().enumerate().filter(|(_, candidate)| candidate.finds(one)).map(|(index, _)| index);
        let finding: Vec<usize> = finding.collect();
        let Some(first) = finding.first().copied() else { continue };
        found.extend(finding);
        seen.extend(one.keys().cloned());
        metrics.entry(name).or_insert_with(|| Metric::new(first)).add(first, one);
    }
    let inventory = metrics
        .into_iter()
        .map(|(name, metric)| (name.to_owned(), metric.found(&candidates[metric.candidate])))
        .collect();
    Discovered { inventory, found, labels: seen, notes }
}

/// What is known about one metric: the best candidate that finds series of it, and what those are like.
struct Metric<'a> {
    candidate: usize,
    some: BTreeSet<&'a str>,
    all: Option<BTreeSet<&'a str>>,
    outcomes: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Metric<'a> {
    fn new(candidate: usize) -> Self {
        Self { candidate, some: BTreeSet::new(), all: None, outcomes: BTreeMap::new() }
    }

    fn add(&mut self, candidate: usize, series: &'a Labels) {
        if candidate < self.candidate {
            *self = Self::new(candidate);
        } else if candidate > self.candidate {
            return;
        }
        let labels: BTreeSet<&str> = series.keys().map(String::as_str).filter(|label| *label != "__name__").collect();
        self.all = Some(match self.all.take() {
            Some(all) => all.intersection(&labels).copied().collect(),
            None => labels.clone(),
        });
        self.some.extend(labels);
        for (label, value) in series.iter().filter(|(label, _)| outcome::may_tell(label)) {
            self.outcomes.entry(label.clone()).or_default().insert(value.clone());
        }
    }

    fn found(&self, candidate: &Candidate) -> Found {
        let none = BTreeSet::new();
        Found {
            labels: self.some.iter().map(|label| (*label).to_owned()).collect(),
            outcomes: self.outcomes.clone(),
            selector: candidate.narrowed(&self.some, self.all.as_ref().unwrap_or(&none)),
            grouping: candidate.grouping(&self.some),
        }
    }
}

/// What of the alert's labels is not there, as one gap.
fn dropped(discovered: &Discovered, candidates: &[Candidate], labels: &Labels) -> Option<Failure> {
    let mut missing: Vec<(&str, &str)> = Vec::new();
    for candidate in candidates {
        let any = candidates
            .iter()
            .enumerate()
            .any(|(index, other)| other.from == candidate.from && discovered.found.contains(&index));
        let pair = (candidate.from.as_str(), candidate.value.as_str());
        if !any && !missing.contains(&pair) {
            missing.push(pair);
        }
    }
    let scope = selection::scope(labels);
    missing.extend(
        scope
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !discovered.found.is_empty() && !discovered.labels.contains(*name)),
    );
    if missing.is_empty() {
        return None;
    }
    let pairs: Vec<String> = missing.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let failure = |reason: String| Failure::new(GapKind::NotRelevant, reason);
    Some(if discovered.found.is_empty() {
        failure(format!("no series in the window belongs to {}, under any usual label", pairs.join(", ")))
            .with_hint("check that this is the instance that scrapes it, and that it was scraped at that time")
    } else {
        failure(format!("no series here carries {}; metrics are not narrowed by it", pairs.join(", ")))
    })
}

/// Telling words of an alert's name and title: what metrics can share. Camel case is split; words that every alert
/// has are left out.
pub(crate) fn words(title: &str) -> BTreeSet<String> {
    const COMMON: &[&str] = &[
        "alert",
        "alerts",
        "and",
        "are",
        "bytes",
        "count",
        "critical",
        "down",
        "firing",
        "for",
        "has",
        "high",
        "info",
        "is",
        "low",
        "many",
        "more",
        "not",
        "page",
        "prod",
        "production",
        "rate",
        "resolved",
        "seconds",
        "service",
        "staging",
        "sum",
        "than",
        "the",
        "too",
        "total",
        "warning",
        "with",
    ];
    let mut spaced = String::with_capacity(title.len() + 8);
    let mut before = ' ';
    for c in title.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    spaced
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 3 && !COMMON.contains(&word.as_str()))
        .collect()
}
