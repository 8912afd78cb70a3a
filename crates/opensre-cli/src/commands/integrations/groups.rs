//! `integrations group`: named selectors in the store, and what `@GROUP` means as an address.

use opensre_model::instance::Instance;
use opensre_model::record::EditError;
use opensre_model::resolution::Resolved;
use opensre_model::selector::Group;
use serde_json::{Value as Json, json};

use super::address::Address;
use super::change;
use crate::app::App;
use crate::args::GroupCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::{count, printable, table};

pub(super) fn run(app: &App, command: &GroupCommand) -> Outcome {
    match command {
        GroupCommand::Add { name, select, replace } => add(app, name, select, *replace),
        GroupCommand::List => list(app),
        GroupCommand::Remove { name } => remove(app, name),
    }
}

fn add(app: &App, name: &str, select: &str, replace: bool) -> Outcome {
    // Without the sign it is meant all the same.
    let name = if Group::is_named(name) { name.trim().to_owned() } else { format!("@{}", name.trim()) };
    let group = Group::new(&name, select).map_err(|error| {
        Failure::input(printable(&error.to_string())).hint("opensre integrations group add @eu 'region=eu,env=prod'")
    })?;
    let replaced = change::edit(app, |document| {
        document.put_group(&group, select, replace).map_err(|error| {
            let failure = Failure::from(error.clone());
            if matches!(error, EditError::GroupExists { .. }) {
                failure.hint("--replace gives it another selector")
            } else {
                failure
            }
        })
    })?;
    let verb = if replaced { "replaced" } else { "added" };
    change::done(app, &format!("{verb} the group {}", group.name))?;
    report(app)?;
    Ok(Exit::Success)
}

fn list(app: &App) -> Outcome {
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let groups: Vec<(&Group, Vec<&Instance>)> = effective
        .resolved
        .routing
        .groups
        .iter()
        .map(|group| (group, effective.resolved.instances().filter(|instance| group.holds(instance)).collect()))
        .collect();
    if app.wants_json()? {
        let groups: Vec<Json> = groups
            .iter()
            .map(|(group, members)| {
                let members: Vec<Json> =
                    members.iter().map(|instance| json!({"service": instance.family, "name": instance.name})).collect();
                json!({"name": group.name, "select": group.select.to_string(), "members": members})
            })
            .collect();
        app.output.json(&groups)?;
        return Ok(Exit::Success);
    }
    if groups.is_empty() {
        app.output.note("there is no group\nhint: `opensre integrations group add @eu 'region=eu'` makes one");
        return Ok(Exit::Success);
    }
    let rows = groups
        .iter()
        .map(|(group, members)| {
            let members: Vec<String> = members.iter().map(|instance| instance.address()).collect();
            vec![group.name.clone(), group.select.to_string(), members.join(", ")]
        })
        .collect();
    app.output.data(&table(&["group", "select", "members"], rows, app.surroundings.width))?;
    Ok(Exit::Success)
}

fn remove(app: &App, name: &str) -> Outcome {
    let name =
        if Group::is_named(name) { name.trim().to_lowercase() } else { format!("@{}", name.trim().to_lowercase()) };
    let effective = app.effective()?;
    let table = &effective.resolved.routing;
    let using = table.rules.iter().filter(|rule| rule.uses.iter().any(|used| names(&used.wanted, &name))).count();
    let used = if using == 0 { String::new() } else { format!(", which {} name", count(using, "rule", "rules")) };
    change::confirm(app, &format!("Remove the group {name}{used} from the store?"))?;
    let removed = change::edit(app, |document| Ok(document.remove_group(&name)?))?;
    if !removed {
        return Err(Failure::failed(printable(&table.groups.why_unknown(&name))));
    }
    change::done(app, &format!("removed the group {name}"))?;
    report(app)?;
    Ok(Exit::Success)
}

fn names(wanted: &str, group: &str) -> bool {
    wanted.split(',').any(|part| part.trim().eq_ignore_ascii_case(group))
}

/// Says what in the groups and rules makes no sense with what is configured.
pub(super) fn report(app: &App) -> Result<(), Failure> {
    let effective = app.effective()?;
    let source = app.store()?.source();
    app.report(&effective.resolved.routing.check(&app.catalogue, &effective.resolved, &source));
    Ok(())
}

/// The instances that `@GROUP` or `SERVICE/@GROUP` means; `None` when the text names no group. Never empty.
pub(in crate::commands) fn members<'a>(
    app: &App,
    resolved: &'a Resolved,
    text: &str,
) -> Result<Option<Vec<&'a Instance>>, Failure> {
    let (service, name) = match text.split_once('/') {
        Some((service, name)) => (Some(service.trim()), name),
        None => (None, text),
    };
    let family = service.map(|service| app.catalogue.family(service));
    let is_own = |instance: &&Instance| family.as_ref().is_none_or(|family| *family == instance.family);
    // An instance that is called so comes first.
    if !Group::is_named(name)
        || (family.is_some() && resolved.instances().filter(is_own).any(|instance| instance.name.answers_to(name)))
    {
        return Ok(None);
    }
    let group = resolved.routing.groups.get(name).ok_or_else(|| {
        Failure::input(printable(&resolved.routing.groups.why_unknown(name)))
            .hint("`opensre integrations group list` shows the groups and their members")
    })?;
    let members: Vec<&Instance> =
        resolved.instances().filter(is_own).filter(|instance| group.holds(instance)).collect();
    if members.is_empty() {
        let of = family.map(|family| format!(" of {family}")).unwrap_or_default();
        return Err(Failure::failed(format!("no instance{of} belongs to the group {} ({})", group.name, group.select))
            .hint("`opensre integrations list` shows the tags"));
    }
    Ok(Some(members))
}

/// The same, without those that only their own name chooses; says so of each.
pub(in crate::commands) fn members_to_ask<'a>(
    app: &App,
    resolved: &'a Resolved,
    text: &str,
) -> Result<Option<Vec<&'a Instance>>, Failure> {
    let Some(members) = members(app, resolved, text)? else { return Ok(None) };
    let (left_out, members): (Vec<_>, Vec<_>) = members.into_iter().partition(|one| one.policy.requires_explicit);
    for one in &left_out {
        let address = printable(&one.address());
        app.output.note(&format!("{address} is left out: its policy requires_explicit wants its own name"));
    }
    if members.is_empty() {
        return Err(Failure::failed(format!("every member of {} requires to be named itself", printable(text.trim())))
            .hint("write SERVICE/NAME"));
    }
    Ok(Some(members))
}

/// The addresses that a text means: those of its members where it names a group.
pub(super) fn addresses(app: &App, resolved: &Resolved, text: &str) -> Result<Vec<Address>, Failure> {
    match members(app, resolved, text)? {
        Some(members) => Ok(members.into_iter().map(Address::of).collect()),
        None => Ok(vec![Address::parse(&app.catalogue, text)?]),
    }
}
