//! The query `alert-rule`: the alert's own rule, and what its queries measured over the window.
//!
//! Facts from the vendor's pages "Alerting Provisioning HTTP API" (`GET /api/v1/provisioning/alert-rules/{uid}`) and,
//! for tokens that may not use it, the ruler that the alert rule pages use (`GET /api/ruler/grafana/api/v1/rules`).

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{join, join_all};
use jiff::Timestamp;
use opensre_http::FailureKind;
use opensre_model::alert::{Alert, Labels};
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, GapKind, ResourceState};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::datasources::{DataSources, Kind};
use super::discovery::Grafana;
use super::links;
use super::rule::{self, Measured, Rule};
use crate::access::Access;
use crate::driver::{Answer, Bounds, Input, InputSpec, Relevance};
use crate::failure::Failure;
use crate::prometheus::{self, Wanted};
use crate::{loki, subject};

pub(super) const NAME: &str = "alert-rule";

/// Input key of the rule's uid.
pub(super) const RULE_UID: &str = "rule_uid";

/// The rows are the points of a series; of series there are fewer.
pub(super) const BOUNDS: Bounds = Bounds { rows: 250, bytes: 16 * 1024 * 1024, seconds: 30 };

pub(super) const INPUT: &[InputSpec] = &[
    InputSpec { key: RULE_UID, kind: "string", required: true, help: "uid of the alert rule" },
    InputSpec { key: subject::LABELS, kind: "object", required: false, help: "labels of the alert, as texts" },
];

/// An alert that names its rule. The labels are those that hold for all of its parts: what the rule measured of other
/// things is left out by them.
pub(super) fn relevance(alert: &Alert) -> Relevance {
    let Some(uid) = &alert.references.rule_uid else {
        return Relevance::Skip("the alert names no Grafana alert rule");
    };
    let labels = match alert.items.as_slice() {
        [only] => alert.labels.iter().chain(&only.labels).map(|(name, value)| (name.clone(), value.clone())).collect(),
        _ => alert.labels.clone(),
    };
    let mut input = subject::input(&labels);
    input.0.insert(RULE_UID.to_owned(), Json::String(uid.clone()));
    Relevance::Ask(vec![input])
}

/// Most queries of one rule that are run.
const MOST_QUERIES: usize = 5;

pub(super) async fn run(access: &Access, input: &Input, window: Window) -> Answer {
    let Some(uid) = input.text(RULE_UID) else {
        return Answer::unanswered(access, NAME, Failure::missing(RULE_UID));
    };
    let grafana = match Grafana::open(access, BOUNDS).await {
        Ok(grafana) => grafana,
        Err(failure) => return Answer::unanswered(access, NAME, failure),
    };
    let mut answer = ask(&grafana, uid, &input.labels(subject::LABELS), window).await;
    answer.calls = grafana.client.calls();
    answer
}

async fn ask(grafana: &Grafana<'_>, uid: &str, labels: &Labels, window: Window) -> Answer {
    let mut answer = Answer::default();
    let (found, sources) = join(find(grafana, uid).boxed(), grafana.sources().boxed()).await;
    let found = match found {
        Ok(found) => found,
        Err(failure) => {
            answer.gaps.push(grafana.gap(NAME, failure));
            return answer;
        }
    };
    let sources = match sources {
        Ok(sources) => sources,
        Err(failure) => {
            answer.gaps.push(grafana.gap(NAME, failure));
            DataSources::default()
        }
    };
    answer.evidence.extend(described(grafana, &found, &sources, window));
    let mut measured = found.rule.measured();
    if measured.len() > MOST_QUERIES {
        let reason = format!("only {MOST_QUERIES} of the rule's {} queries are run", measured.len());
        answer.gaps.push(grafana.gap(NAME, Failure::new(GapKind::NotRelevant, reason)));
        measured.truncate(MOST_QUERIES);
    }
    if measured.is_empty() {
        let failure = Failure::new(GapKind::NotSupported, "the rule has no PromQL or LogQL query that could be run");
        answer.gaps.push(grafana.gap(NAME, failure));
    }
    let runs = measured.iter().map(|measured| measure(grafana, &sources, measured, labels, window).boxed());
    for of_one in join_all(runs).await {
        answer.merge(of_one);
    }
    answer
}

/// A rule, where it was found, and when it was last changed.
struct FoundRule {
    rule: Rule,
    path: String,
    updated: Option<Timestamp>,
}

/// The rule by the provisioning API; a token that may not use that may still see the rule as its page does.
async fn find(grafana: &Grafana<'_>, uid: &str) -> Result<FoundRule, Failure> {
    let absent = || {
        Failure::new(GapKind::NotRelevant, format!("it has no alert rule with the uid {uid}"))
            .with_hint("the alert may come from another Grafana; name it with --instance grafana=NAME")
    };
    let client = &grafana.client;
    match client.get::<&str, &str>(&["api", "v1", "provisioning", "alert-rules", uid], &[]).await {
        Ok(reply) => {
            let answer: Json = reply.json()?;
            let rule = Rule::provisioned(&answer)
                .ok_or_else(|| Failure::nonsense("the answer is not Grafana's: the alert rule has no queries"))?;
            let updated = answer.get("updated").and_then(Json::as_str).and_then(|text| text.parse().ok());
            Ok(FoundRule { rule, path: format!("/api/v1/provisioning/alert-rules/{uid}"), updated })
        }
        Err(failure) if failure.kind == FailureKind::Forbidden => {
            const PATH: &str = "api/ruler/grafana/api/v1/rules";
            let reply = client.get::<&str, &str>(PATH, &[]).await.map_err(|failure| {
                let forbidden = failure.kind == FailureKind::Forbidden;
                let failure = Failure::from(failure);
                if forbidden {
                    failure.with_hint("give the service account the permission alert.rules:read")
                } else {
                    failure
                }
            })?;
            let rule = Rule::of_ruler(&reply.json::<Json>()?, uid).ok_or_else(absent)?;
            Ok(FoundRule { rule, path: format!("/{PATH}"), updated: None })
        }
        Err(failure) if failure.kind == FailureKind::NotFound => Err(absent()),
        Err(failure) => Err(failure.into()),
    }
}

/// The rule as the state of a resource and, when it was changed within the window, that as an event.
fn described(grafana: &Grafana<'_>, found: &FoundRule, sources: &DataSources, window: Window) -> Vec<Evidence> {
    let FoundRule { rule, path, updated } = found;
    let name_of = |uid: &str| sources.by_uid(uid).map_or_else(|| uid.to_owned(), super::datasources::DataSource::label);
    let mut attributes = BTreeMap::from([("paused".to_owned(), rule.paused.to_string())]);
    let mut add = |name: String, value: Option<String>| {
        if let Some(value) = value {
            attributes.insert(name, value);
        }
    };
    add("condition".to_owned(), rule.condition_words());
    add("for".to_owned(), rule.pending_for.clone());
    add("updated".to_owned(), updated.map(|time| time.to_string()));
    for measured in rule.measured() {
        add(format!("query {}", measured.reference), Some(measured.expression.clone()));
        add(format!("data source {}", measured.reference), Some(name_of(&measured.datasource)));
    }
    for (name, value) in &rule.labels {
        add(format!("label {name}"), Some(value.clone()));
    }
    let itself = grafana.itself();
    let link = Some(links::alert_rule(grafana.client.base(), &rule.uid));
    let tell = |summary: String, data: EvidenceData| {
        let mut evidence = itself.evidence(NAME, path.as_str(), window, summary, data);
        evidence.origin.link.clone_from(&link);
        evidence
    };
    let summary = match rule.condition_words() {
        Some(condition) => format!("alert rule {:?} fires when {condition}", rule.title),
        None => format!("alert rule {:?}", rule.title),
    };
    let state = ResourceState {
        kind: "alert rule".to_owned(),
        name: rule.title.clone(),
        observed_at: updated.unwrap_or(window.end).min(window.end),
        healthy: None,
        attributes,
    };
    let mut evidence = vec![tell(summary, EvidenceData::States { states: vec![state] })];
    if let Some(updated) = updated.filter(|time| (window.baseline_start..=window.end).contains(time)) {
        let title = format!("alert rule {:?} was changed", rule.title);
        let event = Event {
            time: updated,
            kind: EventKind::Change,
            title: title.clone(),
            text: String::new(),
            labels: rule.labels.clone(),
        };
        evidence.push(tell(title, EvidenceData::Events { events: vec![event] }));
    }
    evidence
}

/// What one query of the rule measured over the window, on its own data source.
async fn measure(
    grafana: &Grafana<'_>,
    sources: &DataSources,
    measured: &Measured,
    labels: &Labels,
    window: Window,
) -> Answer {
    let failed = |failure: Failure| Answer { gaps: vec![grafana.gap(NAME, failure)], ..Answer::default() };
    let Some(source) = sources.by_uid(&measured.datasource) else {
        let reason = format!(
            "query {} of the rule asks the data source {}, which the token cannot see or which speaks neither PromQL nor LogQL",
            measured.reference, measured.datasource
        );
        return failed(Failure::new(GapKind::NotSupported, reason));
    };
    let backend = match grafana.backend(source) {
        Ok(backend) => backend,
        Err(failure) => return failed(failure),
    };
    match source.kind {
        Kind::Loki => {
            let step = loki::api::step_seconds(&window);
            let expression = rule::interpolate(&measured.expression, step, measured.range_seconds);
            match loki::gather::alert_condition(&backend, NAME, &expression, window, measured.threshold).await {
                Ok(evidence) => Answer { evidence: vec![evidence], ..Answer::default() },
                Err(failure) => Answer { gaps: vec![backend.gap(NAME, failure)], ..Answer::default() },
            }
        }
        Kind::Prometheus => {
            let step = prometheus::step_seconds(&window);
            let wanted = Wanted {
                name: None,
                expression: Some(rule::interpolate(&measured.expression, step, measured.range_seconds)),
                threshold: measured.threshold,
                labels: labels.clone(),
            };
            prometheus::alert_rule(&backend, NAME, &wanted, window).await
        }
        Kind::Tempo => failed(Failure::new(GapKind::NotSupported, "a rule over traces cannot be run yet")),
    }
}
