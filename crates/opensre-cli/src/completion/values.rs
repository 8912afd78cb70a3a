//! Which values an argument can have, found by the argument's name: a command that calls its argument as the others do
//! is completed as they are.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use opensre_model::policy::AlertPart;
use opensre_model::provider::FieldSpec;
use opensre_model::resolution::Family;

use super::known::Known;

/// What an argument holds.
#[derive(Debug, Clone, Copy)]
enum Holds {
    /// A service that is configured.
    Service,
    /// `SERVICE` or `SERVICE/NAME` of what is configured.
    Address,
    /// The same, where a report can be delivered to; several with commas.
    Target,
    /// A provider's key.
    Provider,
    /// `SERVICE=NAME` or `SERVICE=SELECTOR`.
    Wanted,
    /// A query of the instance's provider.
    Query,
    /// `KEY=` of the query's inputs.
    Input,
    /// `FIELD=` of the instance's provider.
    Assignment,
    /// A field.
    Field,
    /// A secret field.
    Secret,
    /// `KEY=VALUE` of the tags in use.
    Tag,
    /// The name of an instance of the service.
    Name,
    /// A group's name.
    Group,
    /// A bundled scenario.
    Scenario,
    /// A part of an alert.
    Part,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// A command whose arguments know their values.
pub(super) fn attach(command: Command, known: &Arc<Known>) -> Command {
    let name = command.get_name().to_owned();
    command
        .mut_args(|argument| match holds(&name, &argument) {
            Some(holds) => {
                let known = Arc::clone(known);
                argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                    current.to_str().map(|current| candidates(holds, current, &known)).unwrap_or_default()
                }))
            }
            None => argument,
        })
        .mut_subcommands(|subcommand| attach(subcommand, known))
}

fn holds(command: &str, argument: &Arg) -> Option<Holds> {
    Some(match (command, argument.get_id().as_str()) {
        ("add", "instance") | ("onboard", "service") | (_, "provider") => Holds::Provider,
        (_, "service") => Holds::Service,
        (_, "instance") if argument.is_positional() || is_written(argument, "SERVICE/NAME") => Holds::Address,
        (_, "instances") => Holds::Address,
        (_, "instance" | "use") => Holds::Wanted,
        (_, "deliver" | "send_test") => Holds::Target,
        (_, "query") => Holds::Query,
        (_, "input") if is_written(argument, "KEY=VALUE") => Holds::Input,
        (_, "set") => Holds::Assignment,
        (_, "unset") => Holds::Field,
        (_, "secret_stdin") => Holds::Secret,
        (_, "tag" | "tags") => Holds::Tag,
        ("select", "name") => Holds::Name,
        ("remove", "name") => Holds::Group,
        (_, "scenario") => Holds::Scenario,
        (_, "precedence") => Holds::Words(&["store", "env", "merge"]),
        (_, "routing") => Holds::Words(&["full", "hints"]),
        (_, "route_from") => Holds::Part,
        (_, "on_unknown" | "on_ambiguous") => Holds::Words(&["default", "skip", "fail"]),
        _ => return None,
    })
}

/// Whether help calls an argument's value so.
fn is_written(argument: &Arg, name: &str) -> bool {
    argument.get_value_names().is_some_and(|names| names.iter().any(|written| written == name))
}

fn candidates(holds: Holds, current: &str, known: &Known) -> Vec<CompletionCandidate> {
    let all = match holds {
        Holds::Service => services(known),
        Holds::Address => services(known).into_iter().chain(addresses(known, |_| true)).chain(groups(known)).collect(),
        Holds::Group => groups(known),
        Holds::Target => {
            let able = |service: &str| {
                known.providers().iter().any(|provider| provider.spec.key == service && provider.deliver.is_some())
            };
            addresses(known, able)
        }
        Holds::Provider => {
            known.providers().iter().map(|provider| offered(provider.spec.key, provider.spec.name)).collect()
        }
        Holds::Wanted => wanted(current, known),
        Holds::Query => {
            let queries = known.provider().map_or(&[][..], |provider| provider.queries);
            queries.iter().map(|query| offered(query.name, query.summary)).collect()
        }
        Holds::Input => inputs(known),
        Holds::Assignment => {
            fields(known, |_| true).map(|field| offered(&format!("{}=", field.key), field.prompt)).collect()
        }
        Holds::Field => fields(known, |_| true).map(|field| offered(field.key, field.prompt)).collect(),
        Holds::Secret => fields(known, |field| field.secret).map(|field| offered(field.key, field.prompt)).collect(),
        Holds::Tag => tags(known.families(), current),
        Holds::Name => {
            known.written("service").and_then(|service| known.family(service)).map(names).unwrap_or_default()
        }
        Holds::Scenario => scenarios(),
        Holds::Part => AlertPart::ALL.iter().map(|part| offered(part.as_str(), "")).collect(),
        Holds::Words(words) => words.iter().map(|word| offered(word, "")).collect(),
    };
    all.into_iter().filter(|candidate| candidate.get_value().to_string_lossy().starts_with(current)).collect()
}

/// A candidate and what it is; control characters, which a hand-written store may hold, never reach a terminal.
fn offered(value: &str, help: &str) -> CompletionCandidate {
    let help = crate::text::printable(help);
    CompletionCandidate::new(crate::text::printable(value)).help((!help.is_empty()).then(|| help.into()))
}

fn services(known: &Known) -> Vec<CompletionCandidate> {
    let count = |family: &Family| crate::text::count(family.instances.len(), "instance", "instances");
    known.families().iter().map(|family| offered(&family.key, &count(family))).collect()
}

fn addresses(known: &Known, able: impl Fn(&str) -> bool) -> Vec<CompletionCandidate> {
    let instances = known.families().iter().flat_map(|family| &family.instances);
    let instances = instances.filter(|instance| able(&instance.service));
    instances.map(|instance| offered(&instance.address(), &instance.tags.to_string())).collect()
}

fn names(family: &Family) -> Vec<CompletionCandidate> {
    family.instances.iter().map(|instance| offered(instance.name.as_str(), &instance.tags.to_string())).collect()
}

fn groups(known: &Known) -> Vec<CompletionCandidate> {
    let groups = known.resolved().into_iter().flat_map(|resolved| resolved.routing.groups.iter());
    groups.map(|group| offered(&group.name, &group.select.to_string())).collect()
}

/// `SERVICE=`, and behind it the names of its instances, groups, and tags.
fn wanted(current: &str, known: &Known) -> Vec<CompletionCandidate> {
    let Some((service, wanted)) = current.split_once('=') else {
        return known.families().iter().map(|family| offered(&format!("{}=", family.key), "")).collect();
    };
    let Some(family) = known.family(service) else { return Vec::new() };
    let behind = names(family).into_iter().chain(groups(known)).chain(tags(std::slice::from_ref(family), wanted));
    behind.map(|candidate| candidate.add_prefix(format!("{service}="))).collect()
}

/// `KEY=`, and behind it the values in use.
fn tags(families: &[Family], current: &str) -> Vec<CompletionCandidate> {
    let tags = families.iter().flat_map(|family| &family.instances).flat_map(|instance| instance.tags.iter());
    let written: BTreeSet<String> = match current.split_once('=') {
        None => tags.map(|(key, _)| format!("{key}=")).collect(),
        Some((wanted, _)) => {
            tags.filter(|(key, _)| *key == wanted).map(|(key, value)| format!("{key}={value}")).collect()
        }
    };
    written.iter().map(|tag| offered(tag, "")).collect()
}

fn inputs(known: &Known) -> Vec<CompletionCandidate> {
    let query = known.provider().zip(known.written("query"));
    let query = query.and_then(|(provider, name)| provider.queries.iter().find(|query| query.name == name));
    let inputs = query.map_or(&[][..], |query| query.input);
    inputs.iter().map(|input| offered(&format!("{}=", input.key), input.help)).collect()
}

fn fields(known: &Known, which: impl Fn(&FieldSpec) -> bool) -> impl Iterator<Item = &'static FieldSpec> {
    let fields = known.provider().map_or(&[][..], |provider| provider.spec.fields);
    fields.iter().filter(move |field| which(field))
}

fn scenarios() -> Vec<CompletionCandidate> {
    opensre_lab::scenarios()
        .iter()
        .map(|bundled| {
            let about = bundled.load().map(|scenario| scenario.description).unwrap_or_default();
            offered(bundled.name, about.lines().next().unwrap_or_default())
        })
        .collect()
}
