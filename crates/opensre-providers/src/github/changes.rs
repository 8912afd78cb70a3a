//! What changed in one repository, of one kind, as evidence.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::client::{GitHub, MOST_PAGES, PAGE};
use super::queries::{in_words, is_same_environment};
use super::repository::Chosen;
use super::wire::{self, Deployment, Status};
use crate::failure::Failure;

/// Most events of one repository that are kept, those nearest to the onset.
pub(super) const MOST_EVENTS: usize = 60;

/// Most deployments whose statuses are asked for, those nearest to the onset.
const MOST_STATUSES: usize = 8;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Commits,
    PullRequests,
    Releases,
    Deployments,
    Runs,
}

impl Kind {
    /// Its path below a repository, its page, the permission it needs, and its noun.
    fn words(self) -> (&'static [&'static str], &'static str, &'static str, [&'static str; 2]) {
        match self {
            Self::Commits => (&["commits"], "commits", "contents: read", ["commit", "commits"]),
            Self::PullRequests => {
                (&["pulls"], "pulls", "pull requests: read", ["merged pull request", "merged pull requests"])
            }
            Self::Releases => (&["releases"], "releases", "contents: read", ["release", "releases"]),
            Self::Deployments => (&["deployments"], "deployments", "deployments: read", ["deployment", "deployments"]),
            Self::Runs => (&["actions", "runs"], "actions", "actions: read", ["workflow run", "workflow runs"]),
        }
    }

    fn parameters(self, since: Timestamp, until: Timestamp) -> Vec<(&'static str, String)> {
        match self {
            Self::Commits => vec![("since", since.to_string()), ("until", until.to_string())],
            Self::PullRequests => {
                [("state", "closed"), ("sort", "updated"), ("direction", "desc")].map(|(n, v)| (n, v.to_owned())).into()
            }
            Self::Releases | Self::Deployments => Vec::new(),
            Self::Runs => vec![("created", format!("{since}..{until}"))],
        }
    }

    /// Whether older entries than this one can still be of interest: the lists are ordered, newest first.
    fn goes_on(self, last: &Json, since: Timestamp) -> bool {
        match self {
            Self::Commits | Self::Runs => true,
            Self::PullRequests => wire::updated_at(last).is_none_or(|time| time >= since),
            // A release can be drafted long before it is published, and a deployment wait for its approval.
            Self::Releases | Self::Deployments => wire::created_at(last)
                .is_none_or(|time| time >= since.saturating_sub(SignedDuration::from_hours(48)).unwrap_or(since)),
        }
    }
}

/// From when on changes are asked for: a day before the onset, or the baseline if that begins earlier.
fn since(window: &Window) -> Timestamp {
    let day = window.onset.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(window.baseline_start);
    day.min(window.baseline_start)
}

/// Evidence of one repository, and what of it could not be asked.
pub(super) async fn gather(
    github: &GitHub<'_>,
    query: &str,
    kind: Kind,
    chosen: &Chosen,
    environments: &[String],
    window: Window,
) -> Result<(Evidence, Vec<Failure>), Failure> {
    let (below, page, right, nouns) = kind.words();
    let since = since(&window);
    let parameters = kind.parameters(since, window.end);
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let within = if kind == Kind::Runs { "workflow_runs" } else { "" };
    let repository = &chosen.repository;
    let listed = github.list(repository, below, &parameters, right, within, |last| kind.goes_on(last, since)).await;
    let (entries, more) = match listed {
        Ok(pages) => (pages.entries, pages.more),
        // "Git Repository is empty."
        Err(empty) if kind == Kind::Commits && empty.reason.contains("(409)") => (Vec::new(), false),
        Err(failure) => return Err(failure),
    };
    let (mut events, gaps) = match kind {
        Kind::Commits => (entries.iter().filter_map(wire::commit).collect(), Vec::new()),
        Kind::PullRequests => (entries.iter().filter_map(wire::pull_request).collect(), Vec::new()),
        Kind::Releases => (entries.iter().filter_map(wire::release).collect(), Vec::new()),
        Kind::Runs => (entries.iter().filter_map(wire::run).collect(), Vec::new()),
        Kind::Deployments => deployments(github, chosen, &entries, environments, &window).await,
    };
    events.retain(|event: &Event| event.time >= since && event.time <= window.end);
    let count = events.len();
    let summary = summary(&events, repository, nouns);
    // What delivered something, or failed, is kept before what did neither.
    let telling = |event: &Event| {
        event.kind == EventKind::Other && event.labels.get("conclusion").is_none_or(|how| how == "success")
    };
    events.sort_by_key(|event| (telling(event), event.time.duration_since(window.onset).abs()));
    events.truncate(MOST_EVENTS);
    events.sort_by(|a, b| (a.time, &a.title).cmp(&(b.time, &b.title)));
    for event in &mut events {
        event.labels.insert("repository".to_owned(), repository.to_string());
        if let Some(service) = &chosen.service {
            event.labels.insert("service".to_owned(), service.clone());
        }
    }
    let call = in_words(&format!("/repos/{repository}/{}", below.join("/")), &parameters);
    let mut evidence = github.backend().evidence(query, call, window, summary, EvidenceData::Events { events });
    evidence.origin.link = Some(github.page(repository, page));
    let dropped =
        (count > MOST_EVENTS).then(|| format!("{MOST_EVENTS} of {count} are kept, those nearest to the onset"));
    let further = more.then(|| format!("only the newest {} entries were asked for", MOST_PAGES * PAGE));
    let notes: Vec<String> = dropped.into_iter().chain(further).collect();
    evidence.truncated = (!notes.is_empty()).then(|| notes.join("; "));
    Ok((evidence, gaps))
}

/// Deployments with their statuses, which are asked for one by one, for those nearest to the onset.
async fn deployments(
    github: &GitHub<'_>,
    chosen: &Chosen,
    entries: &[Json],
    environments: &[String],
    window: &Window,
) -> (Vec<Event>, Vec<Failure>) {
    let mut all: Vec<Deployment> = entries.iter().filter_map(wire::deployment).collect();
    let oldest = since(window).saturating_sub(SignedDuration::from_hours(48)).unwrap_or(window.baseline_start);
    all.retain(|deployment| deployment.created_at >= oldest && deployment.created_at <= window.end);
    all.sort_by_key(|deployment| deployment.created_at.duration_since(window.onset).abs());
    let asked = join_all(all.iter().take(MOST_STATUSES).map(|deployment| statuses(github, chosen, deployment))).await;
    let mut gaps: Vec<Failure> = Vec::new();
    let mut known: Vec<Option<Vec<Status>>> = Vec::new();
    for asked in asked {
        match asked {
            Ok(statuses) => known.push(Some(statuses)),
            Err(failure) => {
                // What refuses the statuses of one refuses those of all.
                if gaps.is_empty() {
                    gaps.push(failure.about(&format!("{}: statuses of deployments", chosen.repository)));
                }
                known.push(None);
            }
        }
    }
    known.resize(all.len(), None);
    let events = all
        .iter()
        .zip(&known)
        .map(|(deployment, statuses)| {
            let mut event = deployment.event(statuses.as_deref(), window.end);
            // Told under the name that places have only where it is surely another place: `production` here may be
            // `prod` there.
            if is_same_environment(&deployment.environment, environments) == Some(false) {
                event.labels.insert("env".to_owned(), deployment.environment.clone());
            }
            event
        })
        .collect();
    (events, gaps)
}

async fn statuses(github: &GitHub<'_>, chosen: &Chosen, deployment: &Deployment) -> Result<Vec<Status>, Failure> {
    let repository = &chosen.repository;
    let id = deployment.id.to_string();
    let path = ["repos", &repository.owner, &repository.name, "deployments", &id, "statuses"];
    let reply = github.get(&path, &[("per_page", "30")], "deployments: read").await?;
    let answer: Json = reply.json()?;
    let list = answer.as_array().ok_or_else(|| Failure::nonsense("answered with something that is no list"))?;
    Ok(list.iter().filter_map(wire::status).collect())
}

/// `3 workflow runs of shop/checkout; 1 failed`.
fn summary(events: &[Event], repository: &super::repository::Repository, [one, many]: [&str; 2]) -> String {
    let failed = events
        .iter()
        .filter(|event| {
            let ended = event.labels.get("conclusion").or_else(|| event.labels.get("state")).map(String::as_str);
            matches!(ended, Some("failure" | "timed_out" | "startup_failure" | "error"))
        })
        .count();
    let counted = match events.len() {
        0 => format!("no {many} of {repository} from a day before the onset on"),
        1 => format!("1 {one} of {repository} from a day before the onset on"),
        count => format!("{count} {many} of {repository} from a day before the onset on"),
    };
    if failed > 0 { format!("{counted}; {failed} failed") } else { counted }
}
