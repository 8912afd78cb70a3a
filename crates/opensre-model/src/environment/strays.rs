//! Variables that look like an instances variable but are none.

use super::{set, source};
use crate::diagnostic::{Diagnostic, Severity};
use crate::provider::{Catalogue, EnvironmentMap};
use crate::wording::{misspelt, plain};

const SUFFIX: &str = "_INSTANCES";

/// Reports `DATADOG_INSTANCES` (the variable is `DD_INSTANCES`) and `GRAFNA_INSTANCES` (a typing error). Other
/// programs' variables that happen to end so are no concern of ours.
pub(super) fn report(catalogue: &Catalogue, environment: &EnvironmentMap) -> Vec<Diagnostic> {
    let known: Vec<&str> = catalogue.iter().filter_map(|spec| spec.instances_variable).collect();
    environment
        .keys()
        .filter(|name| name.ends_with(SUFFIX) && !known.contains(&name.as_str()))
        .filter(|name| set(environment, name).is_some())
        .filter_map(|name| {
            let stem = name.strip_suffix(SUFFIX)?.to_lowercase();
            let spec = catalogue.find(&stem).or_else(|| catalogue.find(&stem.replace('_', " ")));
            // A second key of a family uses the variable of the first.
            let meant = spec.and_then(|spec| catalogue.find(spec.family)?.instances_variable);
            let meant = meant.or_else(|| misspelt_of(&stem, &known))?;
            let reason = format!("{} is not read by anything", plain(name));
            let report = Diagnostic::new(Severity::Warning, source(name), reason);
            let report = match spec {
                Some(spec) => report.with_service(spec.key),
                None => report,
            };
            Some(report.with_hint(format!("did you mean {meant}?")))
        })
        .collect()
}

/// The variable whose stem is misspelt. A stem of three letters is one error away from many a word of other programs
/// (`ADS_INSTANCES`, `EC2_INSTANCES`).
fn misspelt_of<'a>(stem: &str, known: &[&'a str]) -> Option<&'a str> {
    let stem_of = |name: &&'a str| name.strip_suffix(SUFFIX).filter(|stem| stem.len() > 3);
    let near = misspelt(stem, known.iter().filter_map(stem_of))?;
    known.iter().copied().find(|name| name.strip_suffix(SUFFIX) == Some(near))
}
