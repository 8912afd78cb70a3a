//! `opensre doctor`: is this machine set up? Looks at the store, the variables and the instances; asks no network.

use std::path::Path;

use opensre_model::diagnostic::Severity;
use serde::Serialize;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::text::{count, printable};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Good,
    Note,
    Bad,
}

#[derive(Debug, Serialize)]
struct Check {
    mark: Mark,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

pub(super) fn run(app: &App) -> Outcome {
    let mut checks = store(app)?;
    let effective = app.effective()?;
    let resolved = &effective.resolved;
    for diagnostic in &resolved.diagnostics {
        let mark = if diagnostic.severity == Severity::Note { Mark::Note } else { Mark::Bad };
        checks.push(Check { mark, what: diagnostic.to_string(), hint: diagnostic.hint.clone() });
    }
    let usable = resolved.instances().count();
    if usable == 0 {
        checks.push(
            Check::new(Mark::Note, "no instance is configured")
                .hint("`opensre integrations add SERVICE` sets one up; `opensre demo` needs none"),
        );
    }
    for family in &resolved.families {
        if let Some(default) = family.default() {
            let instances = count(family.instances.len(), "instance", "instances");
            let what = format!("{}: {instances}, the default is {} ({})", family.key, default.name, default.source);
            checks.push(Check::new(Mark::Good, what));
        }
        for incomplete in &family.incomplete {
            let what = format!("{}/{} is incomplete: {}", family.key, incomplete.name, incomplete.reason);
            checks.push(Check::new(Mark::Bad, what));
        }
        let untagged = family.instances.iter().filter(|instance| instance.tags.is_empty()).count();
        if family.instances.len() > 1 && untagged > 0 {
            let what = format!("{}: {} without tags", family.key, count(untagged, "instance", "instances"));
            checks.push(Check::new(Mark::Note, what).hint(format!(
                "tags let an alert's labels choose: `opensre integrations tag {}/NAME env=prod`",
                family.key
            )));
        }
    }
    for shadowed in &resolved.shadowed {
        let what = format!(
            "{}/{} ({}) is not in effect: {} wins",
            shadowed.service, shadowed.instance, shadowed.source, shadowed.by
        );
        checks.push(Check::new(Mark::Note, what).hint("`--precedence merge` uses both"));
    }

    if app.wants_json()? {
        app.output.json(&checks)?;
    } else {
        for check in &checks {
            let mark = match check.mark {
                Mark::Good => "ok  ",
                Mark::Note => "note",
                Mark::Bad => "BAD ",
            };
            app.output.data(&format!("{mark}  {}\n", printable(&check.what)))?;
            if let Some(hint) = &check.hint {
                app.output.data(&format!("      hint: {}\n", printable(hint)))?;
            }
        }
        if usable > 0 {
            app.output.note("`opensre integrations verify` proves that they answer");
        }
    }
    let bad = checks.iter().any(|check| check.mark == Mark::Bad);
    Ok(if bad { Exit::Failure } else { Exit::Success })
}

impl Check {
    fn new(mark: Mark, what: impl Into<String>) -> Self {
        Self { mark, what: what.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The store's file and folder: there, readable, for its owner only.
fn store(app: &App) -> Result<Vec<Check>, crate::failure::Failure> {
    let store = app.store()?;
    let path = store.path();
    if !path.exists() {
        return Ok(vec![Check::new(Mark::Note, format!("store {}: not there yet", path.display()))]);
    }
    let mut checks = vec![Check::new(Mark::Good, format!("store {}", path.display()))];
    if let Some(mode) = mode(path).filter(|mode| mode & 0o077 != 0) {
        checks.push(
            Check::new(Mark::Bad, format!("store {}: others can read it (mode {:o})", path.display(), mode & 0o777))
                .hint(format!("chmod 600 {}", path.display())),
        );
    }
    Ok(checks)
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode())
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
