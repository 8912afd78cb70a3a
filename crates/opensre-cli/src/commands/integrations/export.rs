//! `integrations export`: the instances in effect, as a store or as variables.

use std::fmt::Write as _;

use inquire::Confirm;
use opensre_import::export;
use serde_json::{Map, Value as Json};

use super::address::Address;
use super::list;
use crate::app::App;
use crate::args::{ExportArgs, ExportForm};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::count;

/// The parts of a store beside its instances that are exported with all of them.
const SETTINGS: [&str; 2] = ["groups", "routing"];

pub(super) fn run(app: &App, args: &ExportArgs) -> Outcome {
    app.format(&[crate::args::Format::Text, crate::args::Format::Json])?;
    let addresses =
        args.instances.iter().map(|written| Address::parse(&app.catalogue, written)).collect::<Result<Vec<_>, _>>()?;
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    for address in &addresses {
        // An address that names nothing is a mistake, not an empty export.
        list::find(&effective.resolved.families, address)?;
    }
    let exported = export::instances(&app.catalogue, &effective.resolved, args.reveal, |family, name| {
        addresses.is_empty()
            || addresses.iter().any(|address| {
                address.family == family && address.name.as_ref().is_none_or(|wanted| wanted.answers_to(name))
            })
    });
    if exported.is_empty() {
        return Err(Failure::new(Exit::NothingConfigured, "nothing is configured, so there is nothing to export")
            .hint("`opensre integrations add SERVICE` sets an instance up"));
    }
    let text = match args.form {
        ExportForm::Store => {
            let settings = if addresses.is_empty() { settings(app)? } else { Map::new() };
            let mut text = serde_json::to_string_pretty(&exported.store(&settings))
                .map_err(|error| Failure::new(Exit::Internal, format!("cannot write JSON: {error}")))?;
            text.push('\n');
            text
        }
        ExportForm::Env | ExportForm::Dotenv => {
            let (variables, without) = exported.variables(&app.catalogue);
            for family in without {
                app.output.complain(&format!("warning: {family} has no variable of its own and is left out"));
            }
            for address in exported.with_commands() {
                app.output.complain(&format!(
                    "warning: {address} has an ${{exec:..}} reference, which a variable may not have"
                ));
            }
            let mut text = String::new();
            for variable in variables {
                let line = if args.form == ExportForm::Env { variable.shell() } else { variable.dotenv() };
                let _ = writeln!(text, "{line}");
            }
            text
        }
    };
    match &args.out {
        None => app.output.data(&text)?,
        Some(path) => {
            confirm(app, path)?;
            opensre_store::write_private(path, text.as_bytes()).map_err(|error| {
                Failure::failed(format!("{} cannot be written ({error})", path.display()))
                    .hint("its folder must be there and yours to write to")
            })?;
            let instances = count(exported.len(), "instance", "instances");
            app.output.note(&format!("wrote {instances} to {}", path.display()));
        }
    }
    tell(app, &exported);
    Ok(Exit::Success)
}

fn settings(app: &App) -> Result<Map<String, Json>, Failure> {
    let document = app.store()?.load().document;
    let kept = SETTINGS.iter().filter_map(|key| Some(((*key).to_owned(), document.top_level(key)?.clone())));
    Ok(kept.collect())
}

/// What stands where a file is to be written is somebody's, unless they say otherwise.
fn confirm(app: &App, path: &std::path::Path) -> Result<(), Failure> {
    let there = std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0);
    if !there || app.global.yes {
        return Ok(());
    }
    let question = format!("Replace {}?", path.display());
    if !app.surroundings.interactive {
        return Err(Failure::input(format!("not confirmed: {question}")).hint("--yes answers the question"));
    }
    match Confirm::new(&question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::failed("not confirmed; nothing was written")),
        Err(_) => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was written")),
    }
}

/// Lists what has to be set where the export is used. Not a note that `--quiet` hides: without it nothing works there.
fn tell(app: &App, exported: &export::Exported) {
    for note in &exported.notes {
        app.output.note(&format!("note: {}", crate::text::printable(note)));
    }
    if exported.to_set.is_empty() {
        return;
    }
    app.output.complain("secrets are not exported; set these variables where it is used, or export with --reveal:");
    for to_set in &exported.to_set {
        let what = crate::text::printable(&format!("{} of {}", to_set.field, to_set.instance));
        app.output.complain(&format!("  {}  {what}", to_set.variable));
    }
}
