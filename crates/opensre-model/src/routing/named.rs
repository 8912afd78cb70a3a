//! Steps 1 and 2: instances that are named, on the command line or by hints in the alert.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::{Alert, Hint, Located};
use crate::instance::Instance;
use crate::policy::AlertPart;
use crate::provider::Catalogue;
use crate::resolution::{Family, Resolved};
use crate::selector::{Group, Groups, Wanted, nearest};

use super::choice::{Choice, Chosen, Doubt};
use super::words::{joined, plain, quoted};
use super::{ExplicitChoice, RouteStep};

/// What the command line and the alert name, by family.
pub(super) struct Named<'a> {
    catalogue: &'a Catalogue,
    resolved: &'a Resolved,
    explicit: Vec<(String, &'a ExplicitChoice)>,
    hints: Vec<(String, &'a Located<Hint>)>,
}

/// A service that was named and has no family among what was resolved.
pub(super) struct Nameless {
    pub(super) service: String,
    pub(super) step: RouteStep,
    pub(super) reason: String,
    pub(super) path: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// What one wanted text picks in a family.
#[derive(Default)]
pub(super) struct Picked {
    /// Positions, in order, each with whether its own name is written.
    pub(super) positions: BTreeMap<usize, bool>,
    /// Parts that pick nothing, each with what is wrong with it.
    pub(super) missing: Vec<Missing>,
    /// The groups that are written, each with its members in the family.
    pub(super) groups: Vec<(String, Vec<usize>)>,
    /// Instances that have one written name together, where the first is picked.
    pub(super) same_name: Vec<Vec<usize>>,
}

pub(super) struct Missing {
    pub(super) wanted: String,
    pub(super) why: String,
}

impl<'a> Named<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue,
        resolved: &'a Resolved,
        alert: &'a Alert,
        explicit: &'a [ExplicitChoice],
    ) -> Self {
        let family = |service: &str| family_of(catalogue, service);
        Self {
            catalogue,
            resolved,
            explicit: explicit.iter().map(|choice| (family(&choice.service), choice)).collect(),
            hints: alert.hints.iter().map(|hint| (family(&hint.value.service), hint)).collect(),
        }
    }

    fn groups(&self) -> &Groups {
        &self.resolved.routing.groups
    }

    /// Step 1. `None` when the command line does not name the family.
    pub(super) fn on_command_line(&self, family: &Family) -> Option<Choice> {
        let mut choice = Choice::new(RouteStep::CommandLine, "not named on the command line");
        let mut refusals = Vec::new();
        for (_, explicit) in self.explicit.iter().filter(|(key, _)| *key == family.key) {
            let flag = format!("--instance {}={}", plain(&explicit.service), plain(&explicit.wanted));
            let picked = pick(family, self.groups(), &explicit.wanted);
            for missing in picked.missing {
                refusals.push(format!("{flag}: {}", missing.why));
            }
            let chosen =
                |by_name| Chosen { why: format!("named on the command line ({flag})"), by_name, ..Chosen::default() };
            for (position, by_name) in picked.positions {
                choice.choose(position, chosen(by_name));
            }
            for twice in picked.same_name {
                let candidates = twice.into_iter().map(|position| (position, chosen(true))).collect();
                choice.doubts.push(Doubt { candidates, why: flag.clone(), tie: None });
            }
            choice.groups.extend(picked.groups);
        }
        if !refusals.is_empty() {
            choice.chosen.clear();
            choice.reason = Some(refusals.join("; "));
            "another instance was named on the command line".clone_into(&mut choice.otherwise);
        }
        (choice.reason.is_some() || !choice.chosen.is_empty()).then_some(choice)
    }

    /// Step 2. `None` without a hint; a choice without instances, with its warnings, when the hint names none.
    /// `fallback` says what happens then.
    pub(super) fn by_hint(&self, family: &Family, fallback: &str) -> Option<Choice> {
        let all: Vec<&Located<Hint>> =
            self.hints.iter().filter(|(key, _)| *key == family.key).map(|(_, hint)| *hint).collect();
        let first = *all.first()?;
        let mut choice = Choice::new(RouteStep::Hint, "not named by the alert's hint");
        choice.path = Some(first.path.clone());
        let used = in_effect(&all);
        let distinct: BTreeSet<&str> = used.iter().map(|hint| hint.value.wanted.as_str()).collect();
        let mut unknown = Vec::new();
        for hint in &used {
            let picked = pick(family, self.groups(), &hint.value.wanted);
            for missing in picked.missing {
                unknown.push((*hint, missing));
            }
            let said = format!("the alert's hint {} ({})", quoted(&hint.value.wanted), plain(&hint.path));
            let chosen = |by_name| Chosen {
                by_name,
                ..Chosen::by(format!("named by {said}"), AlertPart::Hint, Some(hint.path.clone()))
            };
            for (position, by_name) in picked.positions {
                if choice.chosen.is_empty() {
                    choice.path = Some(hint.path.clone());
                }
                choice.choose(position, chosen(by_name));
            }
            for twice in picked.same_name {
                let candidates = twice.into_iter().map(|position| (position, chosen(true))).collect();
                choice.doubts.push(Doubt { candidates, why: said.clone(), tie: None });
            }
            choice.groups.extend(picked.groups);
        }
        let instead = if choice.chosen.is_empty() { fallback } else { "only the others that are named are asked" };
        for (hint, missing) in unknown {
            let said = format!(
                "{}_instance hint {} not found ({}): {}",
                plain(&hint.value.service),
                quoted(&missing.wanted),
                plain(&hint.path),
                missing.why
            );
            choice.warnings.push(format!("{said}; {instead}"));
            choice.unknown.push(said);
        }
        if distinct.len() > 1 && !choice.chosen.is_empty() {
            let said: Vec<String> =
                used.iter().map(|hint| format!("{} ({})", quoted(&hint.value.wanted), plain(&hint.path))).collect();
            choice.warnings.push(format!("the alerts of the group name different instances: {}", joined(&said)));
        }
        let is_used =
            |hint: &Located<Hint>| used.iter().any(|one| one.value.wanted.eq_ignore_ascii_case(&hint.value.wanted));
        for hint in all.iter().filter(|hint| !is_used(hint)) {
            choice.warnings.push(format!(
                "{} names {}, which is not used: {} comes before it",
                plain(&hint.path),
                quoted(&hint.value.wanted),
                plain(&first.path)
            ));
        }
        if choice.chosen.is_empty() {
            choice.reason = Some(format!("the alert's hint {} names no instance", quoted(&first.value.wanted)));
        }
        Some(choice)
    }

    /// The step that names a family without usable instances, and the path of the hint if that does.
    pub(super) fn step_of(&self, family: &Family) -> (RouteStep, Option<String>) {
        if self.explicit.iter().any(|(key, _)| *key == family.key) {
            return (RouteStep::CommandLine, None);
        }
        let hint = self.hints.iter().find(|(key, _)| *key == family.key);
        (RouteStep::None, hint.map(|(_, hint)| hint.path.clone()))
    }

    /// The services that were named and have no family, each once.
    pub(super) fn without_family(&self) -> Vec<Nameless> {
        let mut found: Vec<Nameless> = Vec::new();
        for (key, explicit) in self.explicit.iter().filter(|(key, _)| self.resolved.family(key).is_none()) {
            let flag = format!("--instance {}={}", plain(&explicit.service), plain(&explicit.wanted));
            let reason = format!("{flag}: {}", self.why_without_family(key));
            match found.iter_mut().find(|one| one.service == *key) {
                Some(known) => known.reason = format!("{}; {reason}", known.reason),
                None => found.push(Nameless {
                    service: key.clone(),
                    step: RouteStep::CommandLine,
                    reason,
                    path: None,
                    warnings: Vec::new(),
                }),
            }
        }
        for (key, hint) in self.hints.iter().filter(|(key, _)| self.resolved.family(key).is_none()) {
            if found.iter().any(|one| one.service == *key) || !self.is_meant(key, hint) {
                continue;
            }
            let reason = self.why_without_family(key);
            let warning = format!(
                "{}_instance hint {} ({}): {reason}",
                plain(&hint.value.service),
                quoted(&hint.value.wanted),
                plain(&hint.path)
            );
            found.push(Nameless {
                service: key.clone(),
                step: RouteStep::None,
                reason,
                path: Some(hint.path.clone()),
                warnings: vec![warning],
            });
        }
        found
    }

    /// Whether a key that ends with `_instance` is a hint at all. Labels such as `ec2_instance` or `db_instance` name
    /// things of the monitored system; among labels, an unknown service counts only when it is nearly a known one.
    fn is_meant(&self, key: &str, hint: &Located<Hint>) -> bool {
        let path = hint.path.to_lowercase();
        let among_labels = ["labels.", "tags.", "details."].iter().any(|place| path.contains(place));
        self.catalogue.find(key).is_some() || !among_labels || self.nearest_service(key).is_some()
    }

    fn why_without_family(&self, key: &str) -> String {
        if let Some(spec) = self.catalogue.find(key) {
            return format!("no instance of {} is configured", spec.name);
        }
        let meant = self.nearest_service(key).map(|near| format!("; did you mean {}?", quoted(near)));
        format!("the service {} is not known{}", quoted(key), meant.unwrap_or_default())
    }

    fn nearest_service(&self, key: &str) -> Option<&'static str> {
        nearest(
            key,
            self.catalogue.iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied())),
        )
    }
}

/// The family that a written service means. An alias may hold a space where a key in an alert holds `_`.
pub(super) fn family_of(catalogue: &Catalogue, service: &str) -> String {
    let spaced = service.replace('_', " ");
    let is_spaced = catalogue.find(service).is_none() && catalogue.find(&spaced).is_some();
    catalogue.family(if is_spaced { &spaced } else { service })
}

/// The hints that count, of those of one family: the first of the group, else the first of each single alert.
fn in_effect<'a>(all: &[&'a Located<Hint>]) -> Vec<&'a Located<Hint>> {
    if let Some(group) = all.iter().find(|hint| item_of(&hint.path).is_none()) {
        return vec![group];
    }
    let mut items = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    all.iter()
        .filter(|hint| items.insert(item_of(&hint.path)) && wanted.insert(hint.value.wanted.to_lowercase()))
        .copied()
        .collect()
}

/// `alerts[3]` of `alerts[3].labels.grafana_instance`.
fn item_of(path: &str) -> Option<&str> {
    let start = path.find("alerts[")?;
    path[start..].find(']').map(|end| &path[..start + end])
}

/// The instances that a text means: names, groups, or a tag selector. A name that is exactly the whole text comes before
/// anything else, and an instance's name before a group's.
pub(super) fn pick(family: &Family, groups: &Groups, wanted: &str) -> Picked {
    let mut picked = Picked::default();
    if picked.by_name(family, wanted) {
        return picked;
    }
    let nothing =
        |why: String| Picked { missing: vec![Missing { wanted: wanted.trim().to_owned(), why }], ..Picked::default() };
    match Wanted::parse(wanted) {
        Err(error) => nothing(format!("{error} ({})", error.hint)),
        Ok(Wanted::Selector(selector)) => {
            if selector.requirements().iter().any(|requirement| Group::is_named(requirement.key())) {
                return nothing("a group stands beside names, not inside a selector".to_owned());
            }
            picked.positions =
                fitting(family, |instance| selector.matches(&instance.tags)).map(|at| (at, false)).collect();
            if picked.positions.is_empty() { nothing("no instance has such tags".to_owned()) } else { picked }
        }
        Ok(Wanted::Names(names)) if names.is_empty() => nothing("it names nothing".to_owned()),
        Ok(Wanted::Names(names)) => {
            for name in names {
                if !picked.by_name(family, &name)
                    && let Err(why) = picked.by_group(family, groups, &name)
                {
                    picked.missing.push(Missing { wanted: name, why });
                }
            }
            picked
        }
    }
}

fn fitting<'a>(family: &'a Family, fits: impl Fn(&Instance) -> bool + 'a) -> impl Iterator<Item = usize> + 'a {
    family.instances.iter().enumerate().filter(move |(_, instance)| fits(instance)).map(|(position, _)| position)
}

impl Picked {
    /// Picks the first instance of a name. Returns whether there is one.
    fn by_name(&mut self, family: &Family, name: &str) -> bool {
        let all: Vec<usize> = fitting(family, |instance| instance.name.answers_to(name)).collect();
        let Some(first) = all.first() else { return false };
        self.positions.insert(*first, true);
        if all.len() > 1 {
            self.same_name.push(all);
        }
        true
    }

    /// Picks the members of a group.
    fn by_group(&mut self, family: &Family, groups: &Groups, name: &str) -> Result<(), String> {
        if !Group::is_named(name) {
            return Err(unknown_name(family, name));
        }
        let group = groups.get(name).ok_or_else(|| groups.why_unknown(name))?;
        let members: Vec<usize> = fitting(family, |instance| group.holds(instance)).collect();
        if members.is_empty() {
            return Err(format!(
                "no instance of {} belongs to the group {} ({})",
                family.key, group.name, group.select
            ));
        }
        for position in &members {
            self.positions.entry(*position).or_insert(false);
        }
        self.groups.push((group.name.clone(), members));
        Ok(())
    }
}

fn unknown_name(family: &Family, name: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    for instance in &family.instances {
        if !names.iter().any(|known| known == instance.name.as_str()) {
            names.push(instance.name.to_string());
        }
    }
    let near = nearest(name, names.iter().map(String::as_str));
    let meant = near.map(|near| format!("did you mean {}? ", quoted(near))).unwrap_or_default();
    format!("no instance of {} is named {} ({meant}configured: {})", family.key, quoted(name), joined(&names))
}
