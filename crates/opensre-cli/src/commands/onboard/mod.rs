//! `opensre onboard`, and the questions of `integrations add`: one conversation that ends in instances.
//!
//! [`form`] derives from a provider's declaration what is asked, [`draft`] is an instance in the making, [`session`] is
//! the conversation, [`ask`] is what a question is and who answers it: a person at a [`terminal`] (or a [`plain`] one),
//! or flags alone. [`line`] and [`prompt`] are a line of text on a terminal. [`suggest`], [`proof`] and [`ending`] are what it says by the way.

pub(super) mod ask;
pub(super) mod draft;
mod ending;
mod form;
mod line;
mod plain;
mod prompt;
mod proof;
pub(super) mod session;
mod suggest;
mod terminal;
#[cfg(test)]
mod tests;

use opensre_providers::driver::ProbeStatus;
use serde_json::Map;

use super::integrations::{address, fields};
use crate::app::App;
use crate::args::OnboardArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use ask::{Ask, Script};
use draft::Given;
use plain::Plain;
use session::{Proof, Session};
use terminal::Terminal;

pub(super) fn run(app: &App, args: &OnboardArgs) -> Outcome {
    let person = app.may_ask(args.no_input, &args.secret_stdin);
    let service =
        args.service.as_deref().map(|written| address::Address::parse(&app.catalogue, written)).transpose()?;
    let spec = service.as_ref().map(|service| address::provider(&app.catalogue, &service.written)).transpose()?;
    if spec.is_none() && !person {
        let reason = if args.no_input || !args.secret_stdin.is_empty() {
            "onboard was told not to ask questions"
        } else {
            "onboard asks questions, and there is no terminal"
        };
        return Err(Failure::input(format!("{reason}: which provider?"))
            .hint("give --service SERVICE, --name NAME and the fields; `opensre onboard --help` shows all flags"));
    }
    if spec.is_none() && args.has_answers() {
        return Err(Failure::input("--name, --tag, --set and their like belong to one provider")
            .hint("name it with --service SERVICE"));
    }
    let name = address::one_name(service.and_then(|service| service.name), args.name.as_deref())?;
    let given = match spec {
        None => Given::default(),
        Some(spec) => {
            let mut credentials = Map::new();
            for field in &args.set {
                fields::set(spec, &mut credentials, field)?;
            }
            fields::from_stdin(spec, &mut credentials, &args.secret_stdin)?;
            let unset = args.unset.iter().map(|key| fields::field(spec, key).map(|field| field.key));
            Given {
                name: name.map(|name| name.to_string()),
                rename: args.rename.clone(),
                tags: args.tag.clone(),
                expect: args.expect.clone(),
                policy: args.policy.clone(),
                credentials,
                unset: unset.collect::<Result<_, _>>()?,
            }
        }
    };
    let seen = match &args.sample_alert {
        Some(path) => suggest::labels_of(&App::read_alert(path)?),
        None => Vec::new(),
    };
    let proof = Proof::of(args.skip_verify, args.save_anyway);
    let mut ask = asker(app, person);
    let mut session = session(app, &mut *ask, person, proof, seen);
    session.refuse_a_foreign_store()?;
    if person {
        let path = app.store()?.path().display().to_string();
        session.ask.say("This sets up the systems that an investigation may ask.");
        session.ask.say(&format!(
            "Nothing is saved without your yes, and nothing is sent anywhere but to the system itself. Esc goes back, \
             Ctrl-C leaves. The store is {path}."
        ));
        session.ask.say("");
    }
    let result = session.all(spec, &given);
    let saved = std::mem::take(&mut session.saved);
    if let Err(failure) = result {
        return Err(left(failure, &saved));
    }
    if saved.is_empty() && person && args.sample_alert.is_none() {
        app.output.note("Nothing was changed.");
        return Ok(Exit::Success);
    }
    ending::show(app, &saved, args.sample_alert.as_deref())?;
    Ok(Exit::Success)
}

/// The conversation about one provider, for `integrations add` in a terminal.
pub(super) fn add(
    app: &App,
    spec: &'static opensre_model::provider::ProviderSpec,
    given: &Given,
    skip_verify: bool,
    save_anyway: bool,
) -> Outcome {
    let proof = Proof::of(skip_verify, save_anyway);
    let mut ask = asker(app, true);
    let mut session = session(app, &mut *ask, true, proof, Vec::new());
    session.refuse_a_foreign_store()?;
    let result = session.instances_of(spec, given);
    let saved = std::mem::take(&mut session.saved);
    match result {
        Err(failure) => Err(left(failure, &saved)),
        Ok(_) if saved.is_empty() => {
            app.output.note("Nothing was changed.");
            Ok(Exit::Failure)
        }
        Ok(_) => {
            ending::show(app, &saved, None)?;
            Ok(Exit::Success)
        }
    }
}

/// The proof of an instance that flags alone have made: an error when it fails and is not to be saved anyway.
pub(super) fn prove(
    app: &App,
    spec: &'static opensre_model::provider::ProviderSpec,
    instance: &opensre_model::record::RawInstance,
    save_anyway: bool,
) -> Result<(), Failure> {
    for instance in super::integrations::add::classified(app, spec, instance).instances {
        let probe = proof::run(app, instance.clone())?;
        let failed = matches!(probe.status, ProbeStatus::Failed | ProbeStatus::Missing);
        if failed && !save_anyway {
            return Err(proof::refusal(&instance, &probe));
        }
        for line in proof::in_words(&probe) {
            app.output.note(&crate::text::printable(&line));
        }
    }
    Ok(())
}

impl Proof {
    /// What flags say.
    fn of(skip: bool, save_anyway: bool) -> Self {
        match (skip, save_anyway) {
            (true, _) => Self::Skip,
            (false, true) => Self::SaveAnyway,
            (false, false) => Self::Wanted,
        }
    }
}

/// Who answers.
fn asker(app: &App, person: bool) -> Box<dyn Ask> {
    let output = app.output;
    let say: Box<dyn FnMut(&str)> = Box::new(move |line: &str| output.note(line));
    let dumb = app.surroundings.environment.get("TERM").is_none_or(|term| matches!(term.trim(), "" | "dumb"));
    match (person, dumb || !app.surroundings.progress) {
        (false, _) => Box::new(Script { say }),
        (true, true) => Box::new(Plain::new(app.surroundings.width, say)),
        (true, false) => Box::new(Terminal::new(output.color_on_error(), app.surroundings.width, say)),
    }
}

fn session<'a>(
    app: &'a App,
    ask: &'a mut dyn Ask,
    person: bool,
    proof: Proof,
    seen: Vec<(String, String)>,
) -> Session<'a> {
    Session {
        app,
        ask,
        prove: Box::new(move |instance| proof::run(app, instance)),
        labels: Box::new(move |resolved| proof::firing_labels(app, resolved)),
        seen: (!seen.is_empty()).then_some(seen),
        proof,
        person,
        saved: Vec::new(),
    }
}

/// What is said when a conversation ends early: what is saved stays saved.
fn left(mut failure: Failure, saved: &[session::Saved]) -> Failure {
    if failure.exit == Exit::Interrupted {
        let names: Vec<String> = saved.iter().map(|one| format!("{}/{}", one.family, one.name)).collect();
        failure.message = if names.is_empty() {
            "interrupted; nothing was changed".to_owned()
        } else {
            format!("interrupted; saved before: {}", names.join(", "))
        };
    }
    failure
}
