//! Instances that name another one which they are reached through: whether it is there.

use super::Resolved;
use crate::diagnostic::{Diagnostic, Severity};
use crate::provider::Catalogue;
use crate::selector::nearest;
use crate::wording::quoted;

/// Most names that a hint lists.
const MOST_NAMES: usize = 10;

/// A warning for each field that names an instance which is not in effect.
pub(super) fn dangling(catalogue: &Catalogue, resolved: &Resolved) -> Vec<Diagnostic> {
    let naming = catalogue.iter().flat_map(|spec| {
        spec.fields.iter().filter_map(move |field| field.instance_of.map(|family| (spec.key, field.key, family)))
    });
    let mut found = Vec::new();
    for (service, field, family) in naming {
        let there = resolved.family(family).map_or(&[][..], |family| &family.instances);
        for instance in resolved.instances().filter(|instance| instance.service == service) {
            let Some(written) = instance.config().text(field) else { continue };
            if there.iter().any(|other| other.name.answers_to(written)) {
                continue;
            }
            let names = || there.iter().map(|other| other.name.as_str());
            let near = nearest(written, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let listed: Vec<&str> = names().take(MOST_NAMES).collect();
            let hint = match listed.as_slice() {
                [] => format!("no instance of {family} can be used: `opensre integrations verify {family}` says why"),
                listed => format!("{near}instances of {family}: {}", listed.join(", ")),
            };
            let reason = format!("names {}, which is no usable instance of {family}", quoted(written));
            let report = Diagnostic::new(Severity::Warning, instance.source.clone(), reason);
            let report = report.with_service(&instance.family).with_instance(instance.name.as_str());
            found.push(report.with_field(field).with_hint(hint));
        }
    }
    found
}
