//! `integrations set`, `tag`, `rename`, `default` and `remove`: changes of the store, one instance at a time.

use inquire::Confirm;
use opensre_model::diagnostic::Source;
use opensre_model::instance::InstanceName;
use opensre_model::record::{Document, RawInstance};

use super::address::{self, Address};
use super::{add, fields};
use crate::app::App;
use crate::args::{ChangeArgs, RemoveArgs, TagArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::count;

/// An instance of the store, with the service under which its record has it.
#[derive(Clone)]
pub(in crate::commands) struct Stored {
    pub(in crate::commands) service: String,
    pub(in crate::commands) record_id: String,
    pub(in crate::commands) name: String,
    pub(in crate::commands) instance: RawInstance,
}

/// The instances of a family in the store's active records, whatever key or alias the record is written under.
pub(in crate::commands) fn stored(app: &App, family: &str) -> Result<Vec<Stored>, Failure> {
    let loaded = app.store()?.load();
    let own = loaded.records.into_iter().filter(|record| app.catalogue.family(&record.service) == family);
    Ok(own
        .filter(opensre_model::record::Record::is_active)
        .flat_map(|record| {
            let (service, record_id) = (record.service, record.id);
            record.instances.into_iter().map(move |instance| Stored {
                service: service.clone(),
                record_id: record_id.clone(),
                name: instance.name.clone(),
                instance,
            })
        })
        .collect())
}

/// The instance of the store that an address names.
fn named(app: &App, address: &Address, name: &InstanceName) -> Result<Stored, Failure> {
    let all = stored(app, &address.family)?;
    let names: Vec<String> = all.iter().map(|stored| stored.name.clone()).collect();
    if let Some(found) = all.into_iter().find(|stored| name.answers_to(&stored.name)) {
        return Ok(found);
    }
    let failure = Failure::failed(format!("the store has no instance {}/{name}", address.family));
    let from_environment = app.effective()?.resolved.family(&address.family).is_some_and(|family| {
        family.instances.iter().any(|instance| instance.name == *name && instance.source.label() == "local env")
    });
    Err(if from_environment {
        failure.hint("it comes from the environment: change the variable instead")
    } else if names.is_empty() {
        failure.hint(format!("`opensre integrations add {}/{name}` sets it up", address.family))
    } else {
        failure.hint(format!("the store has: {}", names.join(", ")))
    })
}

/// Changes the store: locked, read, changed, replaced in one piece.
pub(in crate::commands) fn edit<T>(
    app: &App,
    change: impl FnOnce(&mut Document) -> Result<T, Failure>,
) -> Result<T, Failure> {
    app.store()?.edit(change)
}

/// Says what was done.
pub(super) fn done(app: &App, what: &str) -> Result<(), Failure> {
    let path = app.store()?.path().display().to_string();
    if app.wants_json()? {
        app.output.json(&serde_json::json!({"done": what, "store": path}))
    } else {
        app.output.note(&crate::text::printable(&format!("{what} in {path}")));
        Ok(())
    }
}

/// Says what was saved, and if something stronger hides it.
pub(super) fn saved(app: &App, what: &str, family: &str, name: &InstanceName) -> Result<(), Failure> {
    done(app, what)?;
    if let Some(by) = hidden_by(app, family, name)? {
        app.output.note(&format!("warning: it is not in effect: {by} has {family} and wins"));
    }
    Ok(())
}

/// What keeps an instance of the store from being in effect, if anything does.
pub(in crate::commands) fn hidden_by(app: &App, family: &str, name: &InstanceName) -> Result<Option<Source>, Failure> {
    let effective = app.effective()?;
    let hidden = effective.resolved.shadowed.into_iter().find(|shadowed| {
        shadowed.service == family && name.answers_to(&shadowed.instance) && shadowed.source.label() == "local store"
    });
    Ok(hidden.map(|hidden| hidden.by))
}

/// Takes the instances of a name out of the store, under whatever keys of the family they are.
pub(in crate::commands) fn take_out(app: &App, family: &str, name: &InstanceName) -> Result<(), Failure> {
    let services = services(&stored(app, family)?, Some(name));
    edit(app, |document| {
        for service in &services {
            document.remove_instance(&app.catalogue, service, name.as_str());
        }
        Ok(())
    })
}

pub(super) fn set(app: &App, args: &ChangeArgs) -> Outcome {
    let (address, name) = Address::parse_full(&app.catalogue, &args.instance)?;
    let spec = address::provider(&app.catalogue, &address.written)?;
    let policy = args.policy.requires_explicit.is_some() || args.policy.route_from.is_some();
    if !policy && [&args.set, &args.unset, &args.secret_stdin, &args.expect].iter().all(|given| given.is_empty()) {
        return Err(Failure::input("nothing to set").hint(
            "write FIELD=VALUE, --unset FIELD, --secret-stdin FIELD, --expect KEY=VALUE, --requires-explicit or --route-from PART",
        ));
    }
    let mut stored = named(app, &address, &name)?;
    for pin in &args.expect {
        fields::pin(&mut stored.instance.expect, pin)?;
    }
    fields::policy(&mut stored.instance.policy, &args.policy)?;
    let credentials = &mut stored.instance.credentials;
    for field in &args.set {
        fields::set(spec, credentials, field)?;
    }
    for key in &args.unset {
        let field = fields::field(spec, key)?;
        let spellings = std::iter::once(field.key).chain(field.read_as.iter().copied());
        if spellings.filter(|key| credentials.shift_remove(*key).is_some()).count() == 0 {
            return Err(Failure::failed(format!("{}/{name} has no {}", address.family, field.key)));
        }
    }
    fields::from_stdin(spec, credentials, &args.secret_stdin)?;
    add::check(app, spec, &stored.instance)?;
    put(app, &stored)?;
    saved(app, &format!("changed {}/{name}", address.family), &address.family, &name)?;
    Ok(Exit::Success)
}

pub(super) fn tag(app: &App, args: &TagArgs) -> Outcome {
    let (address, name) = Address::parse_full(&app.catalogue, &args.instance)?;
    let mut stored = named(app, &address, &name)?;
    for written in &args.tags {
        match written.strip_suffix('-').filter(|key| !key.contains('=')) {
            Some(key) if fields::remove_tag(&mut stored.instance.tags, key) => {}
            Some(key) => return Err(Failure::failed(format!("{}/{name} has no tag {key}", address.family))),
            None => fields::tag(&mut stored.instance.tags, written)?,
        }
    }
    put(app, &stored)?;
    saved(app, &format!("tagged {}/{name}", address.family), &address.family, &name)?;
    Ok(Exit::Success)
}

fn put(app: &App, stored: &Stored) -> Result<(), Failure> {
    let id = (!stored.record_id.is_empty()).then_some(stored.record_id.as_str());
    edit(app, |document| {
        let random = opensre_store::random_number();
        document.upsert_instance(&app.catalogue, &stored.service, &stored.instance, id, random);
        Ok(())
    })
}

pub(super) fn rename(app: &App, written: &str, to: &str) -> Outcome {
    let (address, name) = Address::parse_full(&app.catalogue, written)?;
    let stored_instance = named(app, &address, &name)?;
    address::refuse_group_name(to)?;
    let taken = stored(app, &address.family)?
        .iter()
        .any(|other| InstanceName::new(to).answers_to(&other.name) && !name.answers_to(to));
    if taken {
        return Err(Failure::failed(format!(
            "{} already has an instance named {}",
            address.family,
            InstanceName::new(to)
        )));
    }
    edit(app, |document| Ok(document.rename_instance(&app.catalogue, &stored_instance.service, name.as_str(), to)?))?;
    let to = InstanceName::new(to);
    saved(app, &format!("renamed {}/{name} to {to}", address.family), &address.family, &to)?;
    Ok(Exit::Success)
}

pub(super) fn make_default(app: &App, written: &str) -> Outcome {
    let (address, name) = Address::parse_full(&app.catalogue, written)?;
    let stored = named(app, &address, &name)?;
    edit(app, |document| Ok(document.make_default(&app.catalogue, &stored.service, name.as_str())))?;
    saved(app, &format!("made {}/{name} the default", address.family), &address.family, &name)?;
    let effective = app.effective()?;
    let default = effective.resolved.family(&address.family).and_then(|family| family.default());
    if let Some(default) = default.filter(|default| default.name != name) {
        app.output.note(&format!("warning: the default in effect is still {} ({})", default.address(), default.source));
    }
    Ok(Exit::Success)
}

pub(super) fn remove(app: &App, args: &RemoveArgs) -> Outcome {
    let address = Address::parse(&app.catalogue, &args.instance)?;
    let Some(name) = address.name.clone() else {
        return remove_service(app, &address, &stored(app, &address.family)?);
    };
    named(app, &address, &name)?;
    confirm(app, &format!("Remove {}/{name} from the store?", address.family))?;
    take_out(app, &address.family, &name)?;
    saved(app, &format!("removed {}/{name}", address.family), &address.family, &name)?;
    Ok(Exit::Success)
}

fn remove_service(app: &App, address: &Address, all: &[Stored]) -> Outcome {
    if all.is_empty() {
        return Err(Failure::failed(format!("the store has no instance of {}", address.family)));
    }
    let names: Vec<&str> = all.iter().map(|stored| stored.name.as_str()).collect();
    let instances = count(all.len(), "instance", "instances");
    confirm(app, &format!("Remove {instances} of {} ({}) from the store?", address.family, names.join(", ")))?;
    let services = services(all, None);
    edit(app, |document| {
        for service in &services {
            document.remove_record(&app.catalogue, service);
        }
        Ok(())
    })?;
    let what = format!("removed {instances} of {}", address.family);
    saved(app, &what, &address.family, &InstanceName::new(""))?;
    Ok(Exit::Success)
}

/// The services under which instances (of a name) are stored, each once.
fn services(all: &[Stored], name: Option<&InstanceName>) -> Vec<String> {
    let mut services: Vec<String> = all
        .iter()
        .filter(|stored| name.is_none_or(|name| name.answers_to(&stored.name)))
        .map(|stored| stored.service.clone())
        .collect();
    services.sort();
    services.dedup();
    services
}

/// Asks before something is lost; `--yes` answers, and without a terminal nothing is lost.
pub(super) fn confirm(app: &App, question: &str) -> Result<(), Failure> {
    if app.global.yes {
        return Ok(());
    }
    if !app.surroundings.interactive {
        return Err(Failure::input(format!("not confirmed: {question}")).hint("--yes answers the question"));
    }
    match Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::failed("not confirmed; nothing was removed")),
        Err(_) => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was removed")),
    }
}
