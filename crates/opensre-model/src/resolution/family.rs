//! Settling one family: which side supplies it, what is shadowed, what is incomplete.

use std::collections::HashMap;

use super::{Family, Gathered, Place, Precedence, Shadowed};
use crate::classify::Outcome;
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::instance::{Instance, InstanceName};

/// What a side's written instances of the family are, in order.
type Outcomes = Vec<(Place, Outcome)>;

/// A family as it is in effect.
pub(super) struct Settled {
    pub(super) family: Family,
    /// Where each of the family's instances is written.
    pub(super) places: Vec<Place>,
    /// Per side the records that stand behind the family.
    pub(super) records: [Vec<usize>; 2],
    pub(super) shadowed: Vec<Shadowed>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Settles a family.
pub(super) fn settle(gathered: Gathered, precedence: Precedence) -> Settled {
    let Gathered { key, records, outcomes } = gathered;
    let usable = |side: &[(Place, Outcome)]| side.iter().any(|(_, outcome)| matches!(outcome, Outcome::Usable(_)));
    let [strong_usable, weak_usable] = [usable(&outcomes[0]), usable(&outcomes[1])];
    let family = Family { key, instances: Vec::new(), incomplete: Vec::new() };
    let mut settled = Settled { family, places: Vec::new(), records, shadowed: Vec::new(), diagnostics: Vec::new() };
    let [strong, weak] = outcomes;

    if !strong_usable && !weak_usable {
        let incomplete = strong.into_iter().chain(weak).filter_map(|(_, outcome)| match outcome {
            Outcome::Unusable { incomplete, .. } => Some(incomplete),
            Outcome::Usable(_) => None,
        });
        settled.family.incomplete = incomplete.collect();
        return settled;
    }

    match precedence {
        Precedence::Merge => {
            let taken = names(&strong);
            let (weak, hidden) = split(weak, |instance| taken.get(&instance.name).cloned());
            settled.shadowed = shadows(&settled.family.key, hidden);
            settled.supply(strong.into_iter().chain(weak).collect());
        }
        Precedence::Store | Precedence::Env if strong_usable => {
            let by = first_source(&strong);
            let (_, hidden) = split(weak, |_| by.clone());
            settled.shadowed = shadows(&settled.family.key, hidden);
            settled.records[1].clear();
            settled.supply(strong);
        }
        Precedence::Store | Precedence::Env => {
            settled.report_unusable_side(&strong, &weak);
            settled.records[0].clear();
            settled.supply(weak);
        }
    }
    settled
}

impl Settled {
    /// Takes the usable instances of what supplies the family.
    fn supply(&mut self, outcomes: Outcomes) {
        let unusable: Vec<(usize, String, String)> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(position, (_, outcome))| match outcome {
                Outcome::Unusable { service, incomplete } => Some((position, service.clone(), incomplete.name.clone())),
                Outcome::Usable(_) => None,
            })
            .collect();
        let mut positions = Vec::new();
        for (position, (place, outcome)) in outcomes.into_iter().enumerate() {
            if let Outcome::Usable(instance) = outcome {
                positions.push(position);
                self.places.push(place);
                self.family.instances.push(instance);
            }
        }
        self.report_moved_default(&unusable, &positions);
        self.report_duplicates();
    }

    /// When an instance that cannot be used stood before the default, the default is another than what is written.
    fn report_moved_default(&mut self, unusable: &[(usize, String, String)], positions: &[usize]) {
        let Some(default) = self.family.default() else { return };
        let place = self.family.instances.iter().position(|instance| std::ptr::eq(instance, default));
        let Some(position) = place.and_then(|place| positions.get(place)) else { return };
        // A second key of the family is only the default where the first has no instance at all.
        let could_be_default = |service: &str| service == self.family.key || default.service != self.family.key;
        let Some((_, _, instead_of)) =
            unusable.iter().find(|(before, service, _)| before < position && could_be_default(service))
        else {
            return;
        };
        let reason = format!("is the default now, since `{instead_of}` before it cannot be used");
        let report = self.report(default.source.clone(), reason).with_instance(default.name.as_str());
        self.diagnostics.push(report);
    }

    /// Reports names that several records have. Within one record, whoever read it has reported them.
    fn report_duplicates(&mut self) {
        let mut first: HashMap<&InstanceName, Place> = HashMap::new();
        let mut reports = Vec::new();
        for (instance, place) in self.family.instances.iter().zip(&self.places) {
            let Some(earlier) = first.get(&instance.name) else {
                first.insert(&instance.name, *place);
                continue;
            };
            if (earlier.side, earlier.record) != (place.side, place.record) {
                let reason = "has the name of an instance in an earlier record; lookups by name take the first";
                let report = self.report(instance.source.clone(), reason.to_owned());
                reports.push(
                    report
                        .with_instance(instance.name.as_str())
                        .with_field("name")
                        .with_hint("give each instance of a service its own name"),
                );
            }
        }
        self.diagnostics.extend(reports);
    }

    /// Says that a stronger source has the family, but nothing usable, so that the weaker one supplies it.
    fn report_unusable_side(&mut self, strong: &[(Place, Outcome)], weak: &[(Place, Outcome)]) {
        let unusable = strong.iter().find_map(|(_, outcome)| match outcome {
            Outcome::Unusable { incomplete, .. } => Some(&incomplete.source),
            Outcome::Usable(_) => None,
        });
        if let (Some(unusable), Some(used)) = (unusable, first_source(weak)) {
            let report = self.report(unusable.clone(), format!("has no usable instance here; {used} supplies it"));
            self.diagnostics.push(report);
        }
    }

    fn report(&self, source: Source, reason: String) -> Diagnostic {
        Diagnostic::new(Severity::Warning, source, reason).with_service(self.family.key.as_str())
    }
}

fn usable_instances(outcomes: &[(Place, Outcome)]) -> impl Iterator<Item = &Instance> {
    outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Usable(instance) => Some(instance),
        Outcome::Unusable { .. } => None,
    })
}

/// A usable instance that is not in effect, and what hides it.
struct Hidden {
    instance: Instance,
    by: Source,
}

/// The source of the first usable instance.
fn first_source(outcomes: &[(Place, Outcome)]) -> Option<Source> {
    usable_instances(outcomes).next().map(|instance| instance.source.clone())
}

/// The names of the usable instances, each with the source of the first that has it.
fn names(outcomes: &[(Place, Outcome)]) -> HashMap<InstanceName, Source> {
    let mut names = HashMap::new();
    for instance in usable_instances(outcomes) {
        names.entry(instance.name.clone()).or_insert_with(|| instance.source.clone());
    }
    names
}

/// Parts the outcomes: what stays, and the usable instances that something hides, each with what does.
fn split(outcomes: Outcomes, hidden_by: impl Fn(&Instance) -> Option<Source>) -> (Outcomes, Vec<Hidden>) {
    let mut kept = Vec::with_capacity(outcomes.len());
    let mut hidden = Vec::new();
    for (place, outcome) in outcomes {
        match outcome {
            Outcome::Usable(instance) => match hidden_by(&instance) {
                Some(by) => hidden.push(Hidden { instance, by }),
                None => kept.push((place, Outcome::Usable(instance))),
            },
            unusable @ Outcome::Unusable { .. } => kept.push((place, unusable)),
        }
    }
    (kept, hidden)
}

fn shadows(family: &str, hidden: Vec<Hidden>) -> Vec<Shadowed> {
    hidden
        .into_iter()
        .map(|Hidden { instance, by }| Shadowed {
            service: family.to_owned(),
            instance: instance.name.as_str().to_owned(),
            source: instance.source,
            by,
        })
        .collect()
}
