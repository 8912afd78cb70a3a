//! `opensre integrations`: instances, from the store and the environment.

pub(super) mod add;
pub(super) mod address;
pub(super) mod change;
mod export;
pub(super) mod fields;
pub(super) mod groups;
mod import;
mod import_show;
mod import_sources;
mod list;
mod rules;
mod schema;
mod select;
pub(super) mod verify;

pub(super) use list::{find, named_or_default};

use crate::app::App;
use crate::args::IntegrationsCommand;
use crate::failure::Outcome;

pub(super) fn run(app: &App, command: IntegrationsCommand) -> Outcome {
    match command {
        IntegrationsCommand::List { service } => list::list(app, service.as_deref()),
        IntegrationsCommand::Show { instance } => list::show(app, &instance),
        IntegrationsCommand::Add(args) => add::run(app, &args),
        IntegrationsCommand::Set(args) => change::set(app, &args),
        IntegrationsCommand::Tag(args) => change::tag(app, &args),
        IntegrationsCommand::Rename { instance, name } => change::rename(app, &instance, &name),
        IntegrationsCommand::Default { instance } => change::make_default(app, &instance),
        IntegrationsCommand::Remove(args) => change::remove(app, &args),
        IntegrationsCommand::Verify(args) => verify::run(app, &args),
        IntegrationsCommand::Group { command } => groups::run(app, &command),
        IntegrationsCommand::Rule { command } => rules::run(app, &command),
        IntegrationsCommand::Import(args) => import::run(app, &args),
        IntegrationsCommand::Export(args) => export::run(app, &args),
        IntegrationsCommand::Select(args) => select::select(app, &args),
        IntegrationsCommand::Resolve { service, reveal } => select::resolve(app, service.as_deref(), reveal),
        IntegrationsCommand::Schema { kind, service } => schema::run(app, kind, service.as_deref()),
    }
}
