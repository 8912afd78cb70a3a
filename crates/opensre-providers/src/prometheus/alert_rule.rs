//! The alert's own rule: its expression over the window, and what the rule says now.
//!
//! The expression is the one that the raising system wrote into the alert's link, or that the server has under the
//! alert's name; never a free text of the alert. PromQL can only read, and its length, answer and time are bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::future::{OptionFuture, join, join_all};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Evidence, EvidenceData, GapKind, Meaning, ResourceState, Series, Threshold};
use opensre_model::window::Window;

use super::expression::{self, Measured};
use super::wire::{AlertingRule, Answered};
use super::{api, summary};
use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;

/// Most rules of one name whose expressions are asked for.
const MOST_RULES: usize = 3;

/// Most rules whose state is kept.
const MOST_STATES: usize = 20;

/// Which rule is meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wanted {
    /// The alert's name, under which the server has the rule.
    pub(crate) name: Option<String>,
    /// The expression, where the alert's link has it.
    pub(crate) expression: Option<String>,
    /// What the rule compares the expression's values with, where it does so outside of the expression.
    pub(crate) threshold: Option<Threshold>,
    /// The alert's labels.
    pub(crate) labels: Labels,
}

/// Asks for the rule and its expression over the window; with a known expression both at once.
pub(crate) async fn alert_rule(backend: &Backend, operation: &str, wanted: &Wanted, window: Window) -> Answer {
    let scope = Scope { backend, operation, wanted, window, step: api::step_seconds(&window) };
    let known = wanted.expression.as_deref().map(expression::measured);
    let asked = known.as_ref().map(|measured| scope.ask(measured));
    let (rules, answered) = join(scope.rules(), OptionFuture::from(asked)).await;
    let mut answer = Answer::default();
    let rules = match rules {
        Ok(rules) => rules,
        Err(failure) => {
            answer.gaps.push(backend.gap(operation, failure));
            Vec::new()
        }
    };
    let mut asked: Vec<(Measured, Result<Answered, Failure>)> = known.into_iter().zip(answered).collect();
    // The link's expression may be an older one than the rule's; one that measures nothing gives way.
    if asked.iter().all(|(_, answered)| answered.as_ref().map_or(true, |answered| answered.series.is_empty())) {
        let mut others: Vec<Measured> = rules.iter().map(|rule| expression::measured(&rule.query)).collect();
        others.dedup();
        others.retain(|other| asked.iter().all(|(known, _)| known.query != other.query));
        others.truncate(MOST_RULES);
        let answers = join_all(others.iter().map(|one| scope.ask(one))).await;
        if !others.is_empty() {
            asked.retain(|(_, answered)| answered.is_err());
            asked.extend(others.into_iter().zip(answers));
        }
    }
    if let (true, true, Some(name)) = (asked.is_empty(), answer.gaps.is_empty(), &wanted.name) {
        let reason = format!("no alerting rule here is named {name}");
        answer.gaps.push(backend.gap(operation, Failure::new(GapKind::NotRelevant, reason)));
    }
    for (measured, answered) in asked {
        scope.condition(&measured, answered, &mut answer);
    }
    answer.evidence.extend(scope.states(&rules));
    answer
}

struct Scope<'a> {
    backend: &'a Backend,
    operation: &'a str,
    wanted: &'a Wanted,
    window: Window,
    step: i64,
}

impl Scope<'_> {
    async fn ask(&self, measured: &Measured) -> Result<Answered, Failure> {
        if measured.query.len() > expression::LONGEST {
            let reason = format!("the rule's expression is longer than {} bytes", expression::LONGEST);
            return Err(Failure::new(GapKind::NotSupported, reason));
        }
        api::range(&self.backend.client, &measured.query, &self.window, self.step).await
    }

    /// The rules that can have raised the alert: of its name, with labels that do not contradict it.
    async fn rules(&self) -> Result<Vec<AlertingRule>, Failure> {
        let Some(name) = &self.wanted.name else { return Ok(Vec::new()) };
        let mut rules = api::alerting_rules(&self.backend.client).await?;
        rules.retain(|rule| rule.name == *name);
        let fits = |rule: &AlertingRule| {
            // A label with a template is filled in per alert.
            rule.labels
                .iter()
                .filter(|(_, value)| !value.contains("{{"))
                .all(|(label, value)| self.wanted.labels.get(label).is_none_or(|known| known == value))
        };
        if rules.iter().any(fits) {
            rules.retain(fits);
        }
        rules.sort_by(|a, b| (&a.query, &a.group).cmp(&(&b.query, &b.group)));
        Ok(rules)
    }

    /// Evidence of the expression's values.
    fn condition(&self, measured: &Measured, answered: Result<Answered, Failure>, answer: &mut Answer) {
        let answered = match answered {
            Ok(answered) => answered,
            Err(failure) => return answer.gaps.push(self.backend.gap(self.operation, failure)),
        };
        // Of a rule that looks at everything, what the alert is about.
        let total = answered.series.len();
        let own: Vec<Series> = answered.series.iter().filter(|one| self.agrees(&one.labels)).cloned().collect();
        let others = if own.is_empty() { 0 } else { total - own.len() };
        let (series, cut) = summary::keep_most_changed(if own.is_empty() { answered.series } else { own });
        let threshold = measured.threshold.or(self.wanted.threshold);
        let title = match &threshold {
            Some(threshold) => {
                let side = if threshold.above { "above" } else { "below" };
                format!("the alert's own expression (fires {side} {})", summary::quantity(threshold.value, None))
            }
            None => "the alert's own expression".to_owned(),
        };
        let mut said = summary::of_series(&title, &series, None, &self.window);
        if others > 0 {
            let _ = write!(said, "; {others} series of other things left out");
        }
        let data = EvidenceData::Metrics { meaning: Meaning::AlertCondition, unit: None, threshold, series };
        let mut evidence = self.backend.evidence(self.operation, measured.query.clone(), self.window, said, data);
        evidence.truncated = super::notes(cut, answered.odd, &answered.notes);
        answer.evidence.push(evidence);
    }

    /// Whether a series is about what the alert is about: no label that both have differs.
    fn agrees(&self, labels: &Labels) -> bool {
        labels.iter().all(|(name, value)| self.wanted.labels.get(name).is_none_or(|known| known == value))
    }

    /// What the server says about the rules now.
    fn states(&self, rules: &[AlertingRule]) -> Option<Evidence> {
        let mut states: Vec<ResourceState> = rules.iter().filter_map(|rule| self.state(rule)).collect();
        let found = states.len();
        states.truncate(MOST_STATES);
        let first = states.first()?;
        let said = format!(
            "rule {} is {}{}",
            first.name,
            first.attributes.get("state").map_or("unknown", String::as_str),
            if found > 1 { format!(" ({found} rules of that name)") } else { String::new() }
        );
        let query = "GET /api/v1/rules?type=alert";
        let mut evidence =
            self.backend.evidence(self.operation, query, self.window, said, EvidenceData::States { states });
        evidence.origin.link = None;
        evidence.truncated = (found > MOST_STATES).then(|| format!("{MOST_STATES} of {found} rules are kept"));
        Some(evidence)
    }

    fn state(&self, rule: &AlertingRule) -> Option<ResourceState> {
        let mine = rule.active.iter().any(|labels| self.agrees(labels));
        let mut attributes = BTreeMap::from([
            ("state".to_owned(), rule.state.clone()),
            ("expression".to_owned(), rule.query.clone()),
            ("group".to_owned(), rule.group.clone()),
            ("for".to_owned(), super::promql::seconds(rule.hold_seconds as i64)),
            ("active_alerts".to_owned(), rule.active.len().to_string()),
            ("this_alert".to_owned(), if mine { "active" } else { "not active" }.to_owned()),
        ]);
        if rule.health != "ok" && !rule.health.is_empty() {
            attributes.insert("health".to_owned(), rule.health.clone());
        }
        if !rule.last_error.is_empty() {
            attributes.insert("last_error".to_owned(), rule.last_error.clone());
        }
        Some(ResourceState {
            kind: "alert rule".to_owned(),
            name: rule.name.clone(),
            observed_at: rule.evaluated_at?,
            // A rule that fires for other things says nothing about this one.
            healthy: if mine { Some(false) } else { (rule.health == "ok" && rule.active.is_empty()).then_some(true) },
            attributes,
        })
    }
}
