//! The queries: one module per part of AWS; here is what they share.
//!
//! A query is asked in each of the instance's regions, or in the one that the alert names, and answers with evidence
//! of each. What a region does not have is left out where another has it.

mod alarms;
mod balancing;
mod changes;
mod ecs;
mod eks;
mod lambda;
mod load;
mod logs;
mod machines;
mod metrics;
mod rds;
pub mod series;

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use opensre_model::alert::{Alert, Labels};
use opensre_model::evidence::{Evidence, EvidenceData, GapKind, Origin, ResourceState};
use opensre_model::window::Window;

use super::caller::{Caller, Region};
use super::identity;
use super::refusal::Refusal;
use super::resources::Resources;
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Query, Relevance};
use crate::failure::Failure;
use crate::subject;

/// Most regions that one query asks.
const MOST_REGIONS: usize = 8;

pub(super) const BOUNDS: Bounds = Bounds { rows: 1000, bytes: 8 * 1024 * 1024, seconds: 30 };

const REGION: InputSpec =
    InputSpec { key: "region", kind: "string", required: false, help: "the region to ask, else those of the instance" };
const ALARM: InputSpec = InputSpec {
    key: "alarm",
    kind: "string",
    required: false,
    help: "name of the CloudWatch alarm that is looked into",
};
const STATEMENT: InputSpec = InputSpec { key: "query", kind: "string", required: true, help: "a Logs Insights query" };
const LOG_GROUPS: InputSpec =
    InputSpec { key: "log_groups", kind: "array", required: true, help: "names of the log groups to read, at most 20" };

const OF_AN_ALERT: &[InputSpec] = &[subject::LABELS_INPUT, REGION];

/// What a query is asked with.
pub(super) struct Target {
    resources: Resources,
    input: Input,
}

/// What a query found in one region.
#[derive(Default)]
pub(super) struct Found {
    pieces: Vec<Piece>,
    failures: Vec<Failure>,
}

/// One piece of evidence, before it is known where it is from.
pub(super) struct Piece {
    query: String,
    summary: String,
    truncated: Option<String>,
    data: EvidenceData,
    /// The console's page, relative to its host.
    page: Option<String>,
}

impl Piece {
    fn new(query: impl Into<String>, summary: impl Into<String>, data: EvidenceData) -> Self {
        Self { query: query.into(), summary: summary.into(), truncated: None, data, page: None }
    }

    /// What was cut, if anything was.
    fn cut(mut self, what: Option<String>) -> Self {
        self.truncated = what;
        self
    }

    fn at(mut self, page: impl Into<String>) -> Self {
        self.page = Some(page.into());
        self
    }
}

impl Found {
    fn add(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    fn fail(&mut self, failure: impl Into<Failure>) {
        self.failures.push(failure.into());
    }

    /// Notes a refusal; that something is not there is told as such.
    fn refused(&mut self, refusal: Refusal, what: &str) {
        if refusal.is_absent() {
            self.fail(Failure::new(GapKind::NotRelevant, format!("there is no {what}")));
        } else {
            self.fail(refusal);
        }
    }
}

type Ask = for<'a> fn(&'a Region, &'a Target, Window) -> BoxFuture<'a, Found>;

/// Declares a query that is asked once per part of the alert.
macro_rules! query {
    ($name:literal, $summary:literal, $ask:path, $relevance:expr, $input:expr) => {
        Query {
            name: $name,
            summary: $summary,
            input: $input,
            bounds: BOUNDS,
            relevance: $relevance,
            run: |access, input, window| {
                run(access, $name, input, window, |region, target, window| $ask(region, target, window).boxed()).boxed()
            },
        }
    };
}

pub(super) const QUERIES: &[Query] = &[
    query!(
        "metrics",
        "the alarm's own metric, and the standard metrics of the resources that the alert names",
        metrics::ask,
        |alert| with_alarm(alert, about(alert, |labels| !Resources::of(labels).sought().is_empty(), NOTHING_NAMED)),
        &[subject::LABELS_INPUT, REGION, ALARM]
    ),
    query!(
        "alarms",
        "alarms that changed their state in the window, and the alert's own",
        alarms::ask,
        |alert| with_alarm(alert, about(alert, |_| true, "")),
        &[subject::LABELS_INPUT, REGION, ALARM]
    ),
    query!(
        "changes",
        "what was changed or deployed in the account, by CloudTrail",
        changes::ask,
        |alert| about(alert, |_| true, ""),
        OF_AN_ALERT
    ),
    query!(
        "logs",
        "lines of warnings and errors in the log groups of what the alert names",
        logs::ask,
        |alert| about(alert, |labels| logs::names_something(&Resources::of(labels)), NOTHING_NAMED),
        OF_AN_ALERT
    ),
    query!(
        "log-counts",
        "how many lines of errors the log groups have by the minute, counted by Logs Insights",
        logs::by_minute,
        |alert| about(alert, |labels| logs::names_something(&Resources::of(labels)), NOTHING_NAMED),
        OF_AN_ALERT
    ),
    query!(
        "insights",
        "what a Logs Insights query finds in the window",
        logs::statement,
        |_| Relevance::Skip("it needs a Logs Insights query, which no alert carries"),
        &[STATEMENT, LOG_GROUPS, REGION]
    ),
    query!(
        "rds",
        "state, events and limits of the RDS instances and clusters that the alert names",
        rds::ask,
        |alert| about(alert, names_a_database, "the alert names no RDS instance or cluster"),
        OF_AN_ALERT
    ),
    query!(
        "database-load",
        "what the sessions of an RDS instance wait for, by Performance Insights",
        load::ask,
        |alert| about(alert, |labels| !Resources::of(labels).databases.is_empty(), "the alert names no RDS instance"),
        OF_AN_ALERT
    ),
    query!(
        "ec2",
        "state and status checks of the EC2 instances that the alert names",
        machines::ask,
        |alert| about(alert, |labels| !Resources::of(labels).machines.is_empty(), "the alert names no EC2 instance"),
        OF_AN_ALERT
    ),
    query!(
        "ecs",
        "deployments, events and stopped tasks of the ECS service that the alert names",
        ecs::ask,
        |alert| about(alert, |labels| !Resources::of(labels).services.is_empty(), "the alert names no service"),
        OF_AN_ALERT
    ),
    query!(
        "eks",
        "health of the EKS cluster and its node groups",
        eks::ask,
        |alert| about(alert, |labels| !Resources::of(labels).clusters.is_empty(), "the alert names no cluster"),
        OF_AN_ALERT
    ),
    query!(
        "lambda",
        "configuration of the Lambda function that the alert names, without the values of its environment",
        lambda::ask,
        |alert| about(alert, names_a_function, "the alert names no function or service"),
        OF_AN_ALERT
    ),
    query!(
        "target-health",
        "health of the targets behind the load balancer or target group that the alert names",
        balancing::ask,
        |alert| about(alert, names_a_balancer, "the alert names no load balancer or target group"),
        OF_AN_ALERT
    ),
];

const NOTHING_NAMED: &str = "nothing in the alert names a resource or a service";

fn names_a_database(labels: &Labels) -> bool {
    let resources = Resources::of(labels);
    !resources.databases.is_empty() || !resources.database_clusters.is_empty()
}

fn names_a_function(labels: &Labels) -> bool {
    let resources = Resources::of(labels);
    !resources.functions.is_empty() || !resources.services.is_empty()
}

fn names_a_balancer(labels: &Labels) -> bool {
    let resources = Resources::of(labels);
    !resources.load_balancers.is_empty() || !resources.target_groups.is_empty()
}

/// Names a CloudWatch alarm, for the queries that ask for it by its name.
fn with_alarm(alert: &Alert, mut relevance: Relevance) -> Relevance {
    use opensre_model::alert::AlertFormat;
    if let Relevance::Ask(inputs) = &mut relevance
        && alert.format == AlertFormat::Cloudwatch
        && !alert.title.is_empty()
    {
        for input in inputs {
            input.0.insert(ALARM.key.to_owned(), alert.title.as_str().into());
        }
    }
    relevance
}

/// Asks once per part of the alert; one that names a region in that region.
fn about(alert: &Alert, names_something: fn(&Labels) -> bool, otherwise: &'static str) -> Relevance {
    let mut relevance = subject::relevance(alert, names_something, otherwise);
    if let Relevance::Ask(inputs) = &mut relevance {
        for input in inputs {
            let labels = input.labels(subject::LABELS);
            if let Some(region) = ["region", "aws_region"].iter().find_map(|key| labels.get(*key))
                && is_region(region)
            {
                input.0.insert(REGION.key.to_owned(), region.as_str().into());
            }
        }
    }
    relevance
}

/// Whether a text has the form of a region. Nothing else becomes part of a host's name.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some((last, words)), true) = (parts.split_last(), (3..=5).contains(&parts.len())) else { return false };
    (1..=2).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && words.iter().all(|word| (2..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The regions of an instance, those that are none left out.
pub(super) fn regions(access: &Access) -> Vec<String> {
    let written = access.instance.config().text("region").unwrap_or_default();
    let mut regions: Vec<String> = Vec::new();
    for region in written.split(',').map(|region| region.trim().to_lowercase()) {
        if is_region(&region) && !regions.contains(&region) {
            regions.push(region);
        }
    }
    regions
}

async fn run(access: &Access, name: &str, input: &Input, window: Window, ask: Ask) -> Answer {
    let wanted = input.text(REGION.key).filter(|region| is_region(region));
    let mut regions = wanted.map_or_else(|| regions(access), |region| vec![region.to_owned()]);
    let left_out = regions.len().saturating_sub(MOST_REGIONS);
    regions.truncate(MOST_REGIONS);
    let Some(first) = regions.first() else {
        let failure = Failure::new(GapKind::Failed, "region names no AWS region").with_hint("such as eu-central-1");
        return Answer::unanswered(access, name, failure);
    };
    let caller = Caller::new(access, BOUNDS);
    let credentials = match identity::credentials(&caller, first).await {
        Ok(credentials) => credentials,
        Err(failure) => return Answer { calls: caller.calls(), ..Answer::unanswered(access, name, failure) },
    };
    let target = Target { resources: Resources::of(&input.labels(subject::LABELS)), input: input.clone() };
    let regions: Vec<Region> = regions
        .into_iter()
        .map(|name| Region { caller: caller.clone(), credentials: credentials.clone(), name })
        .collect();
    let all = join_all(regions.iter().map(|region| ask(region, &target, window))).await;

    let mut answer = Answer::default();
    let anything = all.iter().any(|found| !found.pieces.is_empty());
    for (region, found) in regions.iter().zip(all) {
        answer.evidence.extend(found.pieces.into_iter().map(|piece| evidence(region, name, piece, window)));
        let missed = found.failures.into_iter().filter(|failure| {
            // What is in one region need not be in the others.
            !(anything && regions.len() > 1 && failure.kind == GapKind::NotRelevant)
        });
        answer.gaps.extend(missed.map(|failure| failure.about(&region.name).into_gap(&access.instance, name)));
    }
    if left_out > 0 {
        let reason = format!("the instance has {left_out} more regions; the first {MOST_REGIONS} were asked");
        answer.gaps.push(Failure::new(GapKind::NotRelevant, reason).into_gap(&access.instance, name));
    }
    answer.gaps.extend(subject::left_out(input).map(|failure| failure.into_gap(&access.instance, name)));
    answer.calls = caller.calls();
    answer
}

fn evidence(region: &Region, operation: &str, piece: Piece, window: Window) -> Evidence {
    let instance = &region.caller.access.instance;
    Evidence {
        origin: Origin {
            service: instance.family.clone(),
            instance: instance.name.as_str().to_owned(),
            datasource: Some(region.name.clone()),
            operation: operation.to_owned(),
            query: piece.query,
            window,
            link: piece.page.and_then(|page| region.console(&page)),
        },
        summary: piece.summary,
        truncated: piece.truncated,
        data: piece.data,
    }
}

/// A state, seen now; attributes without a value are left out.
fn state(
    region: &Region,
    kind: &str,
    name: &str,
    healthy: Option<bool>,
    attributes: &[(&str, Option<String>)],
) -> ResourceState {
    let attributes: BTreeMap<String, String> = attributes
        .iter()
        .filter_map(|(key, value)| Some(((*key).to_owned(), value.clone().filter(|value| !value.is_empty())?)))
        .collect();
    let observed_at = region.caller.access.http.now();
    ResourceState { kind: kind.to_owned(), name: name.to_owned(), observed_at, healthy, attributes }
}

/// `1 line`, `2 lines`.
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Names, with commas between.
fn joined<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A list of texts as JSON holds it.
fn texts(json: &serde_json::Value, key: &str) -> Vec<String> {
    let list = json.get(key).and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|one| one.as_str()).map(str::to_owned).collect()
}
