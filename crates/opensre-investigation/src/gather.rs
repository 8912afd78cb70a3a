//! Asking: all tasks at once, within bounds and one deadline, and an answer in the plan's order.
//!
//! A task that fails, panics or takes too long becomes a gap; what the others answered stays. The order of the result
//! depends on the plan and on what was answered, never on who answered first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use opensre_http::Http;
use opensre_model::evidence::{Evidence, Gap, GapKind};
use opensre_model::secret::SecretSource;
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Neighbours};
use tokio::sync::Semaphore;

use crate::identity::{Confirmation, Confirmations};
use crate::plan::{Task, key};

/// Tasks that run at a time. The HTTP layer bounds the calls per host; this bounds the work around them.
const AT_A_TIME: usize = 128;

/// What to ask with.
#[derive(Clone)]
pub struct Means {
    /// The shared HTTP layer.
    pub http: Http,
    /// Resolves secret references.
    pub secrets: Arc<dyn SecretSource>,
    /// The other instances in effect, for one that is reached through another.
    pub neighbours: Neighbours,
    /// The window that every query shares.
    pub window: Window,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// What is told while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The plan stands.
    Planned {
        /// How many queries are asked.
        queries: usize,
        /// Of how many instances.
        instances: usize,
    },
    /// A query was answered, or was not.
    Answered {
        /// Family key of the provider.
        service: String,
        /// Name of the instance.
        instance: String,
        /// Name of the query.
        operation: String,
        /// Pieces of evidence.
        evidence: usize,
        /// Things that were not answered.
        gaps: usize,
        /// Queries that are still open.
        open: usize,
    },
    /// Everything is gathered; the diagnosis begins.
    Diagnosing,
}

/// Who is told about progress.
pub type Observer = Arc<dyn Fn(Progress) + Send + Sync>;

/// What was gathered.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The evidence, by service, instance, plan order, data source and query.
    pub evidence: Vec<Evidence>,
    /// What was not answered, in the same order.
    pub gaps: Vec<Gap>,
    /// Calls sent.
    pub calls: u64,
    /// How long it took.
    pub took: Duration,
    /// Per instance (`service/name`): how long until its last answer, and how many queries it was asked.
    pub instances: BTreeMap<String, (Duration, usize)>,
    /// Per instance: how many queries it answered wholly.
    pub answered: BTreeMap<String, usize>,
    /// Whether the deadline cut anything short.
    pub deadline_passed: bool,
}

/// How one task ended.
enum Outcome {
    Answered(Answer),
    /// The instance is not who it must be.
    Refused(Gap),
    Late,
    Broken,
}

/// Asks all tasks.
pub async fn gather(tasks: &[Task], means: &Means, observer: Option<&Observer>) -> Gathered {
    let began = Instant::now();
    let end = began + means.deadline;
    let gate = Arc::new(Semaphore::new(AT_A_TIME));
    let confirmations = Confirmations::of(tasks, means, end);
    let mut running: FuturesUnordered<_> = tasks
        .iter()
        .enumerate()
        .map(|(position, task)| {
            let confirmation = confirmations.for_instance(&task.instance);
            run(position, task.clone(), confirmation, means, &gate, end)
        })
        .collect();
    let mut outcomes: Vec<Option<(Outcome, Duration)>> = (0..tasks.len()).map(|_| None).collect();
    let mut open = tasks.len();
    while let Some((position, outcome)) = running.next().await {
        open -= 1;
        if let Some(observer) = observer {
            let (evidence, gaps) = match &outcome {
                Outcome::Answered(answer) => (answer.evidence.len(), answer.gaps.len()),
                Outcome::Refused(_) | Outcome::Late | Outcome::Broken => (0, 1),
            };
            let task = &tasks[position];
            observer(Progress::Answered {
                service: task.instance.family.clone(),
                instance: task.instance.name.as_str().to_owned(),
                operation: task.query.name.to_owned(),
                evidence,
                gaps,
                open,
            });
        }
        outcomes[position] = Some((outcome, began.elapsed()));
    }
    assemble(tasks, outcomes, began.elapsed(), means.deadline)
}

/// Runs one task on a task of its own, so that a panic or a busy loop in it stays there.
/// A pinned instance is confirmed first.
async fn run(
    position: usize,
    task: Task,
    confirmation: Option<Confirmation>,
    means: &Means,
    gate: &Arc<Semaphore>,
    end: Instant,
) -> (usize, Outcome) {
    if let Some(confirmation) = confirmation {
        match tokio::time::timeout_at(end.into(), confirmation).await {
            Ok(Ok(())) => {}
            Ok(Err(gap)) => return (position, Outcome::Refused(gap)),
            Err(_) => return (position, Outcome::Late),
        }
    }
    let Ok(Ok(_permit)) = tokio::time::timeout_at(end.into(), gate.acquire()).await else {
        return (position, Outcome::Late);
    };
    let limit = end.min(Instant::now() + Duration::from_secs(task.query.bounds.seconds.max(1)));
    // The query is told to end a little earlier than it is ended, so that it can hand over what it has.
    let margin = (limit.saturating_duration_since(Instant::now()) / 10).min(Duration::from_millis(500));
    let access = Access {
        instance: task.instance.clone(),
        http: means.http.clone(),
        secrets: Arc::clone(&means.secrets),
        deadline: limit.checked_sub(margin).unwrap_or(limit),
        neighbours: means.neighbours.clone(),
    };
    let window = means.window;
    let query = task.query;
    let input = task.input;
    let mut handle = tokio::spawn(async move { (query.run)(&access, &input, window).await });
    match tokio::time::timeout_at(limit.into(), &mut handle).await {
        Ok(Ok(answer)) => (position, Outcome::Answered(answer)),
        Ok(Err(failure)) => {
            tracing::warn!(query = query.name, panicked = failure.is_panic(), "a query broke off");
            (position, Outcome::Broken)
        }
        Err(_) => {
            handle.abort();
            (position, Outcome::Late)
        }
    }
}

fn assemble(
    tasks: &[Task],
    outcomes: Vec<Option<(Outcome, Duration)>>,
    took: Duration,
    deadline: Duration,
) -> Gathered {
    let mut gathered = Gathered { took, ..Gathered::default() };
    let mut evidence: Vec<(usize, Evidence)> = Vec::new();
    let mut gaps: Vec<(usize, Gap)> = Vec::new();
    for (position, (task, outcome)) in tasks.iter().zip(outcomes).enumerate() {
        let address = task.instance.address();
        let (outcome, at) = outcome.unwrap_or((Outcome::Late, took));
        if let Outcome::Refused(gap) = outcome {
            gaps.push((position, gap));
            continue;
        }
        if matches!(&outcome, Outcome::Answered(answer) if !answer.gaps.iter().any(|gap| gap.kind.is_failure())) {
            *gathered.answered.entry(address.clone()).or_default() += 1;
        }
        let timing = gathered.instances.entry(address).or_default();
        timing.0 = timing.0.max(at);
        timing.1 += 1;
        match outcome {
            Outcome::Answered(answer) => {
                gathered.calls += answer.calls;
                gathered.deadline_passed |=
                    answer.gaps.iter().any(|gap| gap.kind == GapKind::Deadline) && at + at / 5 >= deadline;
                evidence.extend(answer.evidence.into_iter().map(|one| (position, one)));
                gaps.extend(answer.gaps.into_iter().map(|gap| (position, gap)));
            }
            Outcome::Late => {
                let overall = at + Duration::from_millis(50) >= deadline;
                gathered.deadline_passed |= overall;
                let reason = if overall {
                    "it had not answered when the time of the whole investigation was over".to_owned()
                } else {
                    format!("it had not answered after {} s", task.query.bounds.seconds)
                };
                gaps.push((position, gap(task, GapKind::Deadline, reason)));
            }
            // Said already: nothing was asked.
            Outcome::Refused(_) => {}
            Outcome::Broken => {
                let reason = "the query broke off by a fault of this program; please report it".to_owned();
                gaps.push((position, gap(task, GapKind::Failed, reason)));
            }
        }
    }
    evidence.sort_by(|(a, one), (b, other)| {
        let order = |position: usize, evidence: &Evidence| {
            let origin = &evidence.origin;
            (
                tasks[position].order,
                origin.datasource.clone(),
                origin.operation.clone(),
                origin.query.clone(),
                evidence.summary.clone(),
            )
        };
        let place = |position: usize| (key(&tasks[position]).0, key(&tasks[position]).1);
        place(*a).cmp(&place(*b)).then_with(|| order(*a, one).cmp(&order(*b, other)))
    });
    gathered.evidence = evidence.into_iter().map(|(_, one)| one).collect();
    // Two inputs of a query may have led to the very same question.
    gathered.evidence.dedup_by(|a, b| a.origin == b.origin && a.data == b.data);
    gaps.sort_by(|(a, one), (b, other)| {
        key(&tasks[*a]).cmp(&key(&tasks[*b])).then_with(|| words(one).cmp(&words(other)))
    });
    gathered.gaps = gaps.into_iter().map(|(_, gap)| gap).collect();
    gathered.gaps.dedup();
    gathered
}

fn words(gap: &Gap) -> (&Option<String>, GapKind, &str) {
    (&gap.operation, gap.kind, &gap.reason)
}

fn gap(task: &Task, kind: GapKind, reason: String) -> Gap {
    Gap {
        service: task.instance.family.clone(),
        instance: Some(task.instance.name.as_str().to_owned()),
        operation: Some(task.query.name.to_owned()),
        kind,
        reason,
        hint: None,
    }
}
