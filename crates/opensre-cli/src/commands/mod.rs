//! One module per command. Each interprets its arguments, calls, and prints.

mod completions;
mod deliver;
mod demo;
mod doctor;
mod integrations;
mod investigate;
mod lab;
mod onboard;
mod providers;
mod query;
mod route;

use crate::app::App;
use crate::args::Command;
use crate::failure::Outcome;

/// Runs a command.
pub(crate) fn run(app: &App, command: Command) -> Outcome {
    match command {
        Command::Investigate(args) => investigate::run(app, &args),
        Command::Onboard(args) => onboard::run(app, &args),
        Command::Route(args) => route::run(app, &args),
        Command::Query(args) => query::run(app, &args),
        Command::Integrations(args) => integrations::run(app, args.command),
        Command::Providers(args) => providers::run(app, &args.command),
        Command::Demo(args) => demo::run(app, &args),
        Command::Lab(args) => lab::run(app, &args.command),
        Command::Doctor => doctor::run(app),
        Command::Completions { shell } => completions::run(app, shell),
    }
}
