//! Steps 1 and 2: instances that are named, on the command line or by hints in the alert.

use std::collections::{BTreeSet, HashSet};

use crate::alert::{Alert, Hint, Located};
use crate::instance::Instance;
use crate::provider::Catalogue;
use crate::resolution::{Family, Resolved};
use crate::selector::{Wanted, nearest};

use super::words::{joined, plain, quoted};
use super::{Choice, ExplicitChoice, RouteStep};

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
struct Picked {
    positions: Vec<usize>,
    /// Parts that pick nothing, each with what is wrong with it.
    missing: Vec<Missing>,
}

struct Missing {
    wanted: String,
    why: String,
}

impl<'a> Named<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue,
        resolved: &'a Resolved,
        alert: &'a Alert,
        explicit: &'a [ExplicitChoice],
    ) -> Self {
        let family = |service: &str| {
            // An alias may hold a space where a key in an alert holds `_`.
            let spaced = service.replace('_', " ");
            let written = if catalogue.find(service).is_none() && catalogue.find(&spaced).is_some() {
                spaced.as_str()
            } else {
                service
            };
            catalogue.family(written)
        };
        Self {
            catalogue,
            resolved,
            explicit: explicit.iter().map(|choice| (family(&choice.service), choice)).collect(),
            hints: alert.hints.iter().map(|hint| (family(&hint.value.service), hint)).collect(),
        }
    }

    /// Step 1. `None` when the command line does not name the family.
    pub(super) fn on_command_line(&self, family: &Family) -> Option<Choice> {
        let mut choice = Choice::new(RouteStep::CommandLine, "not named on the command line");
        let mut refusals = Vec::new();
        for (_, explicit) in self.explicit.iter().filter(|(key, _)| *key == family.key) {
            let flag = format!("--instance {}={}", plain(&explicit.service), plain(&explicit.wanted));
            let picked = pick(family, &explicit.wanted);
            for missing in picked.missing {
                refusals.push(format!("{flag}: {}", missing.why));
            }
            for position in picked.positions {
                choice.chosen.entry(position).or_insert_with(|| format!("named on the command line ({flag})"));
            }
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
            let picked = pick(family, &hint.value.wanted);
            for missing in picked.missing {
                unknown.push((*hint, missing));
            }
            for position in picked.positions {
                if choice.chosen.is_empty() {
                    choice.path = Some(hint.path.clone());
                }
                choice.chosen.entry(position).or_insert_with(|| {
                    format!("named by the alert's hint {} ({})", quoted(&hint.value.wanted), plain(&hint.path))
                });
            }
        }
        let instead = if choice.chosen.is_empty() { fallback } else { "only the others that are named are asked" };
        for (hint, missing) in unknown {
            choice.warnings.push(format!(
                "{}_instance hint {} not found ({}): {}; {instead}",
                plain(&hint.value.service),
                quoted(&missing.wanted),
                plain(&hint.path),
                missing.why
            ));
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

/// The instances that a text means. A name that is exactly the whole text comes before a list or selector.
fn pick(family: &Family, wanted: &str) -> Picked {
    let whole = family.instances.iter().position(|instance| instance.name.answers_to(wanted));
    if let Some(position) = whole {
        return Picked { positions: vec![position], missing: Vec::new() };
    }
    let nothing = |why: String| Picked {
        positions: Vec::new(),
        missing: vec![Missing { wanted: wanted.trim().to_owned(), why }],
    };
    let parsed = match Wanted::parse(wanted) {
        Ok(parsed) => parsed,
        Err(error) => return nothing(format!("{error} ({})", error.hint)),
    };
    let all: Vec<&Instance> = family.instances.iter().collect();
    let (chosen, unknown) = parsed.pick(&all);
    let chosen: HashSet<*const Instance> = chosen.into_iter().map(std::ptr::from_ref).collect();
    let is_chosen = |(_, instance): &(usize, &Instance)| chosen.contains(&std::ptr::from_ref(*instance));
    let positions: Vec<usize> =
        family.instances.iter().enumerate().filter(is_chosen).map(|(position, _)| position).collect();
    match &parsed {
        Wanted::Selector(_) if positions.is_empty() => nothing("no instance has such tags".to_owned()),
        Wanted::Names(names) if names.is_empty() => nothing("it names nothing".to_owned()),
        _ => Picked {
            positions,
            missing: unknown
                .into_iter()
                .map(|name| Missing { wanted: name.to_owned(), why: unknown_name(family, name) })
                .collect(),
        },
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
