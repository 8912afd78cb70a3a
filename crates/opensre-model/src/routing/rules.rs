//! Step 3: the routing rules that a person has written down.
//!
//! Each alert of a group is looked at on its own, with the labels of the group: the first rule that fits it and names
//! the service decides for it.

use std::collections::BTreeSet;

use crate::alert::{Alert, AlertItem};
use crate::policy::{AlertPart, Way};
use crate::resolution::Family;

use super::choice::{Choice, Chosen, Doubt};
use super::named::{Missing, pick};
use super::table::{RoutingRule, RoutingTable, RuleMatch};
use super::words::{plain, quoted};
use super::{AppliedRule, RouteStep, tags};

/// The rules that fit an alert, for each alert of the group that differs from the others in it.
pub(super) struct Fitting<'a> {
    table: &'a RoutingTable,
    views: Vec<Vec<Fits<'a>>>,
}

/// A rule that fits, and the labels that it was read from.
#[derive(PartialEq)]
struct Fits<'a> {
    rule: &'a RoutingRule,
    paths: Vec<String>,
}

impl<'a> Fitting<'a> {
    pub(super) fn of(table: &'a RoutingTable, alert: &Alert) -> Self {
        let alone = [AlertItem::default()];
        let items = if alert.items.is_empty() { &alone } else { alert.items.as_slice() };
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        let mut views = Vec::new();
        if table.rules.is_empty() {
            return Self { table, views };
        }
        for item in items {
            let fitting: Vec<Fits<'a>> = table.rules.iter().filter_map(|rule| fits(rule, alert, item)).collect();
            if seen.insert(fitting.iter().map(|fits| fits.rule.position).collect()) {
                views.push(fitting);
            }
        }
        Self { table, views }
    }

    /// What the rules name in a family. `None` when no rule that fits names it; a choice without instances when what is
    /// named is not there. `fallback` says what happens then.
    pub(super) fn choose(&self, family: &Family, fallback: &str) -> Option<Choice> {
        let mut choice = Choice::new(RouteStep::Rule, "not named by the routing rule");
        let mut unknown: Vec<(usize, Missing)> = Vec::new();
        let mut undecided = false;
        for view in &self.views {
            let names_it = |fits: &&Fits<'_>| fits.rule.uses.iter().any(|used| used.family == family.key);
            let Some(Fits { rule, paths }) = view.iter().find(names_it) else {
                undecided = true;
                continue;
            };
            let applied = AppliedRule::of(rule);
            if choice.rules.contains(&applied) {
                continue;
            }
            if choice.path.is_none() {
                choice.path = paths.first().cloned();
            }
            let ways: Vec<Way> = if paths.is_empty() {
                vec![Way { part: AlertPart::Rules, path: None }]
            } else {
                paths.iter().map(|path| Way { part: AlertPart::Rules, path: Some(path.clone()) }).collect()
            };
            let why = format!("named by routing rule {} ({})", applied.position, plain(&applied.text));
            for used in rule.uses.iter().filter(|used| used.family == family.key) {
                let picked = pick(family, &self.table.groups, &used.wanted);
                let chosen = |by_name| Chosen { why: why.clone(), ways: ways.clone(), by_name, certain: false };
                for (position, by_name) in &picked.positions {
                    choice.choose(*position, chosen(*by_name));
                }
                for twice in picked.same_name {
                    let name = quoted(family.instances[twice[0]].name.as_str());
                    let candidates = twice.into_iter().map(|position| (position, chosen(true))).collect();
                    let why = format!("the name {name} of routing rule {}", rule.position);
                    choice.doubts.push(Doubt { candidates, why, tie: None });
                }
                choice.groups.extend(picked.groups);
                unknown.extend(picked.missing.into_iter().map(|missing| (rule.position, missing)));
            }
            choice.rules.push(applied);
        }
        let first = choice.rules.first()?.position;
        let instead = if choice.chosen.is_empty() { fallback } else { "only the others that are named are asked" };
        for (position, missing) in unknown {
            let said = format!(
                "routing rule {position} names {}, which is not found: {}",
                quoted(&missing.wanted),
                missing.why
            );
            choice.warnings.push(format!("{said}; {instead}"));
            choice.unknown.push(said);
        }
        if undecided {
            choice.warnings.push(format!(
                "no routing rule for {} fits some alerts of the group; what the rules name for the others is asked",
                plain(&family.key)
            ));
        }
        if choice.chosen.is_empty() {
            choice.reason = Some(format!("routing rule {first} names no instance"));
        }
        Some(choice)
    }
}

/// Whether a rule fits one alert of a group, and by which labels.
fn fits<'a>(rule: &'a RoutingRule, alert: &Alert, item: &AlertItem) -> Option<Fits<'a>> {
    let RuleMatch::Labels(selector) = &rule.matches else {
        return Some(Fits { rule, paths: Vec::new() });
    };
    let value = |key: &str| Some(crate::instance::normalise(tags::look(alert, item, key)?.value));
    if !selector.holds(&value) {
        return None;
    }
    let mut paths: Vec<String> = Vec::new();
    for requirement in selector.requirements() {
        let path = tags::look(alert, item, requirement.key()).and_then(|found| found.path);
        if let Some(path) = path.filter(|path| !paths.contains(path)) {
            paths.push(path);
        }
    }
    Some(Fits { rule, paths })
}
