//! The queries: what they are, when they are asked, and of which repositories.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::join_all;
use opensre_model::alert::{Alert, Labels, standard_name};
use opensre_model::evidence::GapKind;
use opensre_model::window::Window;
use serde_json::{Map, json};

use super::changes::{self, Kind};
use super::client::GitHub;
use super::repository;
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Query, Relevance};
use crate::failure::Failure;
use crate::input::LEFT_OUT_SPEC;
use crate::subject;

const REPOSITORIES: &str = "repositories";
const SERVICES: &str = "services";
const ENVIRONMENTS: &str = "environments";

/// Most repositories that one query asks.
const MOST_REPOSITORIES: usize = 5;

const BOUNDS: Bounds = Bounds { rows: changes::MOST_EVENTS, bytes: 8 * 1024 * 1024, seconds: 40 };

const INPUT: &[InputSpec] = &[
    InputSpec {
        key: REPOSITORIES,
        kind: "array",
        required: false,
        help: "repositories, as owner/name or URLs; without any, the configured ones",
    },
    InputSpec {
        key: SERVICES,
        kind: "array",
        required: false,
        help: "names of the alert's services; configured repositories of these names are preferred",
    },
    InputSpec {
        key: ENVIRONMENTS,
        kind: "array",
        required: false,
        help: "the alert's environments (prod); deployments to others are marked so",
    },
    LEFT_OUT_SPEC,
];

macro_rules! query {
    ($name:literal, $kind:expr, $summary:literal) => {
        Query {
            name: $name,
            summary: $summary,
            input: INPUT,
            bounds: BOUNDS,
            relevance,
            run: |access, input, window| run(access, $name, $kind, input, window).boxed(),
        }
    };
}

pub(super) const QUERIES: &[Query] = &[
    query!("deployments", Kind::Deployments, "deployments from a day before the onset on, and how they ended"),
    query!("releases", Kind::Releases, "releases that were published from a day before the onset on"),
    query!(
        "workflow-runs",
        Kind::Runs,
        "runs of workflows from a day before the onset on: which deployed, which failed"
    ),
    query!("pull-requests", Kind::PullRequests, "pull requests that were merged from a day before the onset on"),
    query!("commits", Kind::Commits, "commits to the default branch from a day before the onset on"),
];

/// Always: whether a repository is known is the instance's to say. The alert gives what it names.
fn relevance(alert: &Alert) -> Relevance {
    let (subjects, left_out) = subject::subjects(alert);
    let mut input = Map::new();
    let mut add = |key: &str, values: Vec<String>| {
        let mut seen = BTreeSet::new();
        let values: Vec<String> = values.into_iter().filter(|value| seen.insert(value.to_lowercase())).collect();
        if !values.is_empty() {
            input.insert(key.to_owned(), json!(values));
        }
    };
    add(REPOSITORIES, repository::named(alert));
    add(SERVICES, subjects.iter().filter_map(service).collect());
    add(ENVIRONMENTS, subjects.iter().flat_map(environments).collect());
    if left_out > 0 {
        input.insert(subject::LEFT_OUT.to_owned(), left_out.into());
    }
    Relevance::Ask(vec![Input(input)])
}

/// The most telling name of a service among labels.
fn service(labels: &Labels) -> Option<String> {
    let named = subject::SERVICE.iter().find_map(|key| labels.get(*key));
    let spelt = || labels.iter().find(|(name, _)| standard_name(name) == Some("service")).map(|(_, value)| value);
    named.or_else(spelt).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn environments(labels: &Labels) -> Vec<String> {
    let of = |name: &String| standard_name(name) == Some("env");
    labels.iter().filter(|(name, value)| of(name) && !value.trim().is_empty()).map(|(_, value)| value.clone()).collect()
}

async fn run(access: &Access, query: &'static str, kind: Kind, input: &Input, window: Window) -> Answer {
    let github = match GitHub::open(access, BOUNDS).await {
        Ok(github) => github,
        Err(failure) => return Answer::unanswered(access, query, failure),
    };
    let named = input.list(REPOSITORIES);
    let configured = access.instance.config().list(REPOSITORIES);
    let mut chosen = repository::choose(&named, &input.list(SERVICES), configured, github.address.host());
    let more = chosen.len().saturating_sub(MOST_REPOSITORIES);
    chosen.truncate(MOST_REPOSITORIES);
    if chosen.is_empty() {
        let failure = Failure::new(GapKind::NotRelevant, "no repository of this GitHub is known for the alert");
        let hint = format!(
            "set `repositories` on {}, or the label or annotation `repository` on the alert",
            access.instance.address()
        );
        return Answer::unanswered(access, query, failure.with_hint(hint));
    }
    let environments = input.list(ENVIRONMENTS);
    let asked =
        join_all(chosen.iter().map(|chosen| changes::gather(&github, query, kind, chosen, &environments, window)))
            .await;
    let mut answer = Answer::default();
    for (chosen, asked) in chosen.iter().zip(asked) {
        match asked {
            Ok((evidence, gaps)) => {
                answer.evidence.push(evidence);
                let gaps = gaps.into_iter().map(|failure| failure.into_gap(&access.instance, query));
                answer.gaps.extend(gaps);
            }
            Err(failure) => {
                let failure = failure.about(&chosen.repository.to_string());
                answer.gaps.push(failure.into_gap(&access.instance, query));
            }
        }
    }
    if more > 0 {
        let reason = format!("{more} more repositories are configured and were not asked");
        let failure = Failure::new(GapKind::NotRelevant, reason)
            .with_hint("name the service's own with the label or annotation `repository` on the alert");
        answer.gaps.push(failure.into_gap(&access.instance, query));
    }
    answer.gaps.extend(subject::left_out(input).map(|failure| failure.into_gap(&access.instance, query)));
    answer.calls = github.calls();
    answer
}

/// Whether a deployment's environment is one of the alert's; `None` where that cannot be told, as names are free.
pub(super) fn is_same_environment(environment: &str, wanted: &[String]) -> Option<bool> {
    const KNOWN: &[&[&str]] = &[
        &["prod", "production", "live", "prd"],
        &["staging", "stage", "stg", "preprod", "pre-production"],
        &["dev", "development", "develop"],
        &["test", "testing", "qa", "integration"],
        &["preview", "review"],
    ];
    let class = |name: &str| {
        let name = name.trim().to_lowercase();
        KNOWN.iter().position(|names| {
            names.contains(&name.as_str()) || name.split(['-', '_', ' ', '/', '.']).any(|word| names.contains(&word))
        })
    };
    if wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(environment)) {
        return Some(true);
    }
    let own = class(environment)?;
    let theirs: Vec<usize> = wanted.iter().filter_map(|wanted| class(wanted)).collect();
    (!theirs.is_empty()).then(|| theirs.contains(&own))
}

/// A call as a person repeats it.
pub(super) fn in_words(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("GET {path}{mark}{query}")
}
