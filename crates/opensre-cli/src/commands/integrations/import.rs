//! `integrations import`: shows what would be done, asks where there is something to lose, and does it.

use inquire::Confirm;
use opensre_import::plan::{Action, Choices, Plan, plan};
use serde_json::json;

use super::{change, fields, import_show, import_sources};
use crate::app::App;
use crate::args::ImportArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::count;

pub(super) fn run(app: &App, args: &ImportArgs) -> Outcome {
    let wants_json = app.wants_json()?;
    let mut tags = serde_json::Map::new();
    for tag in &args.tag {
        fields::tag(&mut tags, tag)?;
    }
    let read = import_sources::read(app, args)?;
    let mut choices = Choices {
        update: args.update || app.global.yes,
        copy_secrets: args.copy_secrets,
        only: args.only.clone(),
        tags: tags.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect(),
        prefix: args.prefix.clone(),
    };
    let store = app.store()?;
    let loaded = store.load();
    app.report(&loaded.diagnostics);
    let mut shown = plan(&app.catalogue, &loaded.document, read.found.clone(), &choices);
    if let Some(unknown) = shown.unmatched.first() {
        return Err(unmatched(unknown, &app.catalogue, &loaded.document, read.found, choices));
    }
    if !wants_json {
        app.output.data(&import_show::text(&shown, &read.from, &app.surroundings.environment, app.output.color()))?;
    }
    let writes = !args.dry_run && agree(app, &mut choices, &shown)?;
    if writes {
        if choices.update && !args.update {
            shown = plan(&app.catalogue, &loaded.document, read.found.clone(), &choices);
        }
        let outline = shown.outline();
        change::edit(app, |document| {
            let now = plan(&app.catalogue, document, read.found, &choices);
            if now.outline() != outline {
                return Err(Failure::failed("the store was changed meanwhile; nothing was imported")
                    .hint("run the import again and look at what it would do now"));
            }
            now.apply(&app.catalogue, document, opensre_store::random_number());
            Ok(())
        })?;
    }
    let path = store.path().display().to_string();
    if wants_json {
        app.output.json(&json!({
            "from": read.from, "store": path, "dry_run": args.dry_run, "written": writes,
            "summary": import_show::summary(&shown), "plan": shown,
        }))?;
    }
    tell(app, args, &shown, writes, &path)?;
    Ok(exit(&shown))
}

/// Whether to write. Adding loses nothing, so that only a terminal is asked; what differs is changed only when somebody
/// says so.
fn agree(app: &App, choices: &mut Choices, shown: &Plan) -> Result<bool, Failure> {
    let (adds, changes, differs) =
        (shown.count(Action::Add), shown.count(Action::Change), shown.count(Action::Differs));
    if !app.surroundings.interactive || app.global.yes {
        return Ok(adds + changes > 0);
    }
    let ask = |question: &str, default: bool| {
        Confirm::new(question)
            .with_default(default)
            .prompt()
            .map_err(|_| Failure::new(Exit::Interrupted, "interrupted; nothing was imported"))
    };
    let mut writes = false;
    if adds + changes > 0 {
        let what = match (adds, changes) {
            (_, 0) => format!("Add {}?", count(adds, "entry", "entries")),
            (0, _) => format!("Change {}?", count(changes, "entry", "entries")),
            _ => format!("Add {} and change {}?", count(adds, "entry", "entries"), changes),
        };
        writes = ask(&what, true)?;
        if !writes {
            return Err(Failure::failed("not confirmed; nothing was imported"));
        }
    }
    if differs > 0 && ask(&format!("Also change what differs ({})?", count(differs, "entry", "entries")), false)? {
        choices.update = true;
        writes = true;
    }
    Ok(writes)
}

/// Says what was done, on standard error.
fn tell(app: &App, args: &ImportArgs, plan: &Plan, written: bool, path: &str) -> Result<(), Failure> {
    if args.dry_run {
        app.output.note("dry run: nothing was written");
        return Ok(());
    }
    if !written {
        app.output.note(if plan.is_empty() { "nothing to do" } else { "nothing was written" });
        return Ok(());
    }
    let (adds, changes) = (plan.count(Action::Add), plan.count(Action::Change));
    app.output.note(&format!("added {adds}, changed {changes} in {path}"));
    let effective = app.effective()?;
    let addresses: Vec<&str> = plan
        .instances
        .iter()
        .filter(|entry| matches!(entry.action, Action::Add | Action::Change))
        .map(|entry| entry.instance.as_str())
        .collect();
    for hidden in &effective.resolved.shadowed {
        let address = format!("{}/{}", hidden.service, hidden.instance);
        if hidden.source.label() == "local store" && addresses.contains(&address.as_str()) {
            app.output.note(&format!("warning: {address} is not in effect: {} wins", hidden.by));
        }
    }
    app.output.note("hint: `opensre integrations verify` proves that they answer");
    Ok(())
}

/// Nothing that could be imported is a failure when something was there that could not.
fn exit(plan: &Plan) -> Exit {
    match (plan.instances.is_empty() && plan.settings.is_empty(), plan.skipped.is_empty()) {
        (false, _) => Exit::Success,
        (true, true) => Exit::NothingConfigured,
        (true, false) => Exit::Failure,
    }
}

/// `--only` names something that is not there.
fn unmatched(
    word: &str,
    catalogue: &opensre_model::provider::Catalogue,
    document: &opensre_model::record::Document,
    found: opensre_import::Found,
    mut choices: Choices,
) -> Failure {
    choices.only.clear();
    let all = plan(catalogue, document, found, &choices);
    let names: Vec<&str> = all.instances.iter().map(|entry| entry.instance.as_str()).collect();
    let failure =
        Failure::input(format!("--only {}: there is no such instance to import", crate::text::printable(word)));
    let near = opensre_model::selector::nearest(word, names.iter().map(|name| name.rsplit('/').next().unwrap_or(name)));
    match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => failure,
        None => failure.hint(format!("there are: {}", names.join(", "))),
    }
}
