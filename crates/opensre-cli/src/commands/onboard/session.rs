//! The conversation: which provider, which instance, its questions, the proof, and saving. Each instance is saved on its
//! own, after its own yes: whoever leaves loses only what is being typed.

use opensre_model::classify::Classified;
use opensre_model::instance::{Instance, InstanceName, normalise};
use opensre_model::provider::ProviderSpec;
use opensre_model::record::RawInstance;
use opensre_model::resolution::Resolved;
use opensre_providers::driver::{Probe, ProbeStatus, Provider};
use opensre_providers::identity;

use super::ask::{Ask, Choice, Kind, Question, Reply};
use super::draft::{Around, Draft, Given};
use super::form::Step;
use super::{proof, suggest};
use crate::app::App;
use crate::commands::integrations::{add, change};
use crate::failure::Failure;
use crate::text::{count, printable};

/// How an instance is proved; tests bring their own.
pub(super) type Prove<'a> = Box<dyn FnMut(Instance) -> Result<Probe, Failure> + 'a>;

/// What alerts that fire now are labelled with, asked for once.
pub(super) type Labels<'a> = Box<dyn FnMut(&Resolved) -> Vec<(String, String)> + 'a>;

/// How the proof is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Proof {
    /// Prove, and save only what passed unless a person says otherwise.
    Wanted,
    /// Prove, and save whatever comes of it.
    SaveAnyway,
    /// Make no call.
    Skip,
}

/// A conversation.
pub(in crate::commands) struct Session<'a> {
    pub(super) app: &'a App,
    pub(super) ask: &'a mut dyn Ask,
    pub(super) prove: Prove<'a>,
    pub(super) labels: Labels<'a>,
    /// Labels that were seen in alerts, once they were looked for.
    pub(super) seen: Option<Vec<(String, String)>>,
    pub(super) proof: Proof,
    /// Whether a person answers.
    pub(super) person: bool,
    /// What was saved, in order.
    pub(super) saved: Vec<Saved>,
}

/// An instance that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Saved {
    pub(in crate::commands) family: String,
    pub(in crate::commands) name: String,
    /// Whether it was there before.
    pub(in crate::commands) replaced: bool,
    /// What the proof came to, if there was one.
    pub(in crate::commands) status: Option<ProbeStatus>,
}

/// What became of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Saved,
    /// Nothing was saved.
    Left,
}

/// What a person wants of a provider that has instances.
enum Target {
    New,
    Edit(Box<change::Stored>),
    Remove(String),
    Back,
}

impl Session<'_> {
    /// Refuses a store that could not be written, before anything is typed.
    pub(super) fn refuse_a_foreign_store(&self) -> Result<(), Failure> {
        use opensre_store::State;
        let store = self.app.store()?;
        match store.load().state {
            State::Unreadable | State::ForeignVersion => store.edit(|_| Ok(())),
            _ => Ok(()),
        }
    }

    /// Providers and their instances until the person has had enough.
    pub(super) fn all(&mut self, service: Option<&'static ProviderSpec>, given: &Given) -> Result<(), Failure> {
        let mut service = service;
        let mut given = given.clone();
        loop {
            let spec = match service.take() {
                Some(spec) => spec,
                None => match self.provider()? {
                    Some(spec) => spec,
                    None => return Ok(()),
                },
            };
            let left = self.instances_of(spec, &std::mem::take(&mut given))?;
            // Whoever went back wants to see the list again.
            if left == Outcome::Saved && !self.yes("Set up another provider?", "run it again with --service")? {
                return Ok(());
            }
            if !self.person {
                return Ok(());
            }
        }
    }

    /// Instances of one provider until the person has had enough of it.
    pub(super) fn instances_of(&mut self, spec: &'static ProviderSpec, given: &Given) -> Result<Outcome, Failure> {
        self.tell_of_the_environment(spec)?;
        let mut given = given.clone();
        let mut outcome = Outcome::Left;
        loop {
            let given = std::mem::take(&mut given);
            // Whoever has said yes to another one is not asked again what to do.
            let target = if outcome == Outcome::Saved { Target::New } else { self.target(spec, &given)? };
            let one = match target {
                Target::Back => return Ok(outcome),
                Target::Remove(name) => {
                    self.remove(spec, &name)?;
                    continue;
                }
                Target::New => self.instance(spec, None, &given)?,
                Target::Edit(stored) => self.instance(spec, Some(&stored), &given)?,
            };
            if one == Outcome::Saved {
                outcome = Outcome::Saved;
            }
            let question = format!("Add another instance of {}?", spec.name);
            if !self.person || one == Outcome::Left || !self.yes(&question, "run it again with another --name")? {
                return Ok(outcome);
            }
        }
    }

    /// A question of yes or no that is no without a terminal.
    fn yes(&mut self, prompt: &str, flag: &str) -> Result<bool, Failure> {
        let question = Question {
            prompt: prompt.to_owned(),
            help: String::new(),
            flag: flag.to_owned(),
            kind: Kind::YesNo { default: false },
            otherwise: Some(Reply::YesNo(false)),
        };
        Ok(self.ask.ask(&question)? == Reply::YesNo(true))
    }

    /// The provider that is chosen from the searchable list; `None` when the person is done.
    fn provider(&mut self) -> Result<Option<&'static ProviderSpec>, Failure> {
        let effective = self.app.effective()?;
        let mut providers: Vec<&Provider> = self.app.providers.iter().collect();
        // What is set up comes first, then what can be asked, then what is only kept; each in the catalogue's order.
        let instances = |provider: &Provider| {
            let family = effective.resolved.family(provider.spec.family);
            family.map_or(0, |family| {
                family.instances.iter().filter(|instance| instance.service == provider.spec.key).count()
            })
        };
        let reads = |provider: &Provider| provider.probe.is_some() || provider.deliver.is_some();
        providers.sort_by_key(|provider| (instances(provider) == 0, !reads(provider)));
        let widest = providers.iter().map(|provider| provider.spec.name.chars().count()).max().unwrap_or_default();
        let mut options: Vec<Choice> = providers
            .iter()
            .map(|provider| {
                let spec = provider.spec;
                let state = match instances(provider) {
                    0 if reads(provider) => spec.documentation.split(". ").next().unwrap_or_default().to_owned(),
                    0 => "kept in the store; opensre cannot ask it yet".to_owned(),
                    set => format!("{} set up", count(set, "instance", "instances")),
                };
                let words = format!("{} {} {}", spec.key, spec.aliases.join(" "), spec.documentation);
                Choice { label: format!("{:widest$}  {state}", spec.name), words: words.to_lowercase() }
            })
            .collect();
        options.push(Choice { label: "Done".to_owned(), words: "exit quit nothing finish".to_owned() });
        let done = options.len() - 1;
        let question = Question {
            prompt: "What do you want to set up?".to_owned(),
            help: String::new(),
            flag: "--service SERVICE".to_owned(),
            kind: Kind::Choice { options, start: 0 },
            otherwise: None,
        };
        Ok(match self.ask.ask(&question)? {
            Reply::Choice(position) if position < done => providers.get(position).map(|provider| provider.spec),
            _ => None,
        })
    }

    /// Says what comes from variables already, since an instance in the store hides it.
    fn tell_of_the_environment(&mut self, spec: &ProviderSpec) -> Result<(), Failure> {
        let effective = self.app.effective()?;
        let Some(family) = effective.resolved.family(spec.family) else { return Ok(()) };
        let of_variables: Vec<&Instance> =
            family.instances.iter().filter(|instance| instance.source.label() == "local env").collect();
        let Some(first) = of_variables.first() else { return Ok(()) };
        let names: Vec<&str> = of_variables.iter().map(|instance| instance.name.as_str()).collect();
        self.ask.say(&printable(&format!(
            "{} is configured by the {} already: {}. As soon as the store has an instance of it, the store wins and \
             these are not used any more (--precedence merge uses both). `opensre integrations import env` takes them \
             into the store.",
            spec.name,
            first.source,
            names.join(", ")
        )));
        Ok(())
    }

    /// A new instance, or one of those that the store has.
    fn target(&mut self, spec: &'static ProviderSpec, given: &Given) -> Result<Target, Failure> {
        let mut stored = change::stored(self.app, spec.family)?;
        if let Some(name) = &given.name {
            let position = stored.iter().position(|one| InstanceName::new(name).answers_to(&one.name));
            return Ok(match position {
                Some(position) => Target::Edit(Box::new(stored.swap_remove(position))),
                None => Target::New,
            });
        }
        if stored.is_empty() {
            return Ok(Target::New);
        }
        let mut options = vec![Choice::new("Add an instance")];
        options.extend(stored.iter().map(|one| {
            let tags = super::draft::tags_text(&one.instance.tags);
            let tags = if tags.is_empty() { String::new() } else { format!("  ({tags})") };
            Choice::new(printable(&format!("Edit {}/{}{tags}", spec.family, one.name)))
        }));
        let remove = options.len();
        options.push(Choice::new("Remove an instance"));
        options.push(Choice::new("Back to the list"));
        let question = Question {
            prompt: format!("{} has {}", spec.name, count(stored.len(), "instance", "instances")),
            help: String::new(),
            flag: "--name NAME (of an instance that is there to edit it, another to add one)".to_owned(),
            kind: Kind::Choice { options, start: 0 },
            otherwise: None,
        };
        Ok(match self.ask.ask(&question)? {
            Reply::Choice(0) => Target::New,
            Reply::Choice(position) if position < remove => Target::Edit(Box::new(stored.swap_remove(position - 1))),
            Reply::Choice(position) if position == remove => match self.which_to_remove(spec, &stored)? {
                Some(name) => Target::Remove(name),
                None => return self.target(spec, given),
            },
            _ => Target::Back,
        })
    }

    fn which_to_remove(&mut self, spec: &ProviderSpec, stored: &[change::Stored]) -> Result<Option<String>, Failure> {
        let options: Vec<Choice> =
            stored.iter().map(|one| Choice::new(printable(&format!("{}/{}", spec.family, one.name)))).collect();
        let question = Question {
            prompt: "Remove which?".to_owned(),
            help: "it is asked again before anything is removed".to_owned(),
            flag: "opensre integrations remove SERVICE/NAME".to_owned(),
            kind: Kind::Choice { options, start: 0 },
            otherwise: None,
        };
        Ok(match self.ask.ask(&question)? {
            Reply::Choice(position) => stored.get(position).map(|one| one.name.clone()),
            _ => None,
        })
    }

    fn remove(&mut self, spec: &ProviderSpec, name: &str) -> Result<(), Failure> {
        let address = printable(&format!("{}/{name}", spec.family));
        let question = format!("Remove {address} and its credentials from the store?");
        if self.app.global.yes || self.yes(&question, "--yes")? {
            change::take_out(self.app, spec.family, &InstanceName::new(name))?;
            self.saved
                .retain(|saved| !(saved.family == spec.family && InstanceName::new(name).answers_to(&saved.name)));
            self.ask.say(&format!("Removed {address}."));
        } else {
            self.ask.say("Nothing was removed.");
        }
        Ok(())
    }

    /// One instance: its questions, the proof, saving.
    pub(super) fn instance(
        &mut self,
        spec: &'static ProviderSpec,
        stored: Option<&change::Stored>,
        given: &Given,
    ) -> Result<Outcome, Failure> {
        // The record may be under another key of the family, as a local Grafana is.
        let spec = stored.and_then(|one| self.app.catalogue.find(&one.service)).unwrap_or(spec);
        let mut draft = Draft::new(spec, stored.map(|one| one.instance.clone()), given)?;
        let mut from = 0;
        loop {
            if !self.questions(&mut draft, from)? {
                return Ok(Outcome::Left);
            }
            // Whatever is asked again begins with the fields; Esc goes further back.
            from = draft.steps().iter().position(|step| !matches!(step, Step::Name | Step::Tags)).unwrap_or(0);
            let Some(ready) = self.usable(&draft)? else { continue };
            match self.decide(&draft, &ready)? {
                Decision::Save(status, expect) => {
                    if expect.is_some() {
                        draft.now.expect = expect;
                    }
                    if self.save(&draft, stored, status)? {
                        return Ok(Outcome::Saved);
                    }
                    return Ok(Outcome::Left);
                }
                Decision::Edit => {}
                Decision::Discard => {
                    self.ask.say("Discarded; nothing was saved.");
                    return Ok(Outcome::Left);
                }
            }
        }
    }

    /// Asks the steps from one on. `false` when the person went back before the first.
    fn questions(&mut self, draft: &mut Draft, from: usize) -> Result<bool, Failure> {
        let mut at = from;
        while let Some(step) = draft.steps().get(at).copied() {
            let around = self.around(draft, step)?;
            let complete = add::classified(self.app, draft.form.spec, &draft.now).incomplete.is_empty();
            let reply = self.ask.ask(&draft.question(&step, &around, complete))?;
            if reply == Reply::Back {
                match at.checked_sub(1) {
                    Some(before) => at = before,
                    None => return Ok(false),
                }
                continue;
            }
            draft.answer(&step, &reply)?;
            if let (Step::Field(field), Reply::Text(text)) = (&step, &reply)
                && field.secret
                && let Some(warning) = proof::unresolved(self.app, text)
            {
                self.ask.say(&warning);
            }
            at += 1;
        }
        Ok(true)
    }

    /// What the question of a step needs to know.
    fn around(&mut self, draft: &Draft, step: Step) -> Result<Around, Failure> {
        let spec = draft.form.spec;
        let mut around = Around::default();
        match step {
            Step::Name => {
                let own = draft.original.as_ref().map(|raw| normalise(&raw.name));
                let others = change::stored(self.app, spec.family)?.into_iter().map(|one| one.name);
                around.taken = others.filter(|name| own.as_ref() != Some(&normalise(name))).collect();
            }
            Step::Tags => {
                let resolved = self.app.effective()?.resolved;
                if self.seen.is_none() {
                    let looks = self.person && self.proof != Proof::Skip;
                    self.seen = Some(if looks { (self.labels)(&resolved) } else { Vec::new() });
                }
                around.tags = suggest::tags(&resolved, self.seen.as_deref().unwrap_or_default());
            }
            Step::Field(_) => {
                let resolved = self.app.effective()?.resolved;
                around.values = suggest::values(&resolved, spec);
            }
            Step::Way(_) | Step::More => {}
        }
        Ok(around)
    }

    /// The instance as it would be used; `None`, said why, when it could not be and a person can answer again.
    fn usable(&mut self, draft: &Draft) -> Result<Option<Instance>, Failure> {
        let Classified { mut instances, incomplete, diagnostics } =
            add::classified(self.app, draft.form.spec, &draft.now);
        if let Some(incomplete) = incomplete.first() {
            let failure = add::unusable(draft.form.spec, incomplete);
            if !self.person || draft.steps().is_empty() {
                return Err(failure);
            }
            self.ask.say(&printable(&format!("This cannot be used yet: {}.", incomplete.reason)));
            return Ok(None);
        }
        for diagnostic in &diagnostics {
            let field = diagnostic.field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default();
            self.ask.say(&printable(&format!("Note: {field}{}.", diagnostic.reason)));
        }
        Ok((!instances.is_empty()).then(|| instances.remove(0)))
    }

    /// Proves it and asks what to do with it.
    fn decide(&mut self, draft: &Draft, instance: &Instance) -> Result<Decision, Failure> {
        let mut changes = draft.changes();
        loop {
            let probe = match self.proof {
                Proof::Skip => None,
                Proof::Wanted | Proof::SaveAnyway => {
                    self.ask.say(&format!("Proving {} with a real call ...", printable(&instance.address())));
                    Some((self.prove)(instance.clone())?)
                }
            };
            let status = probe.as_ref().map(|probe| probe.status);
            let passed = !matches!(status, Some(ProbeStatus::Failed | ProbeStatus::Missing));
            if let Some(probe) = &probe {
                if !self.person && !passed && self.proof == Proof::Wanted {
                    return Err(proof::refusal(instance, probe));
                }
                for line in proof::in_words(probe) {
                    self.ask.say(&printable(&line));
                }
            }
            for change in changes.drain(..) {
                self.ask.say(&printable(&format!("  {change}")));
            }
            if !self.person || passed && self.app.global.yes {
                return Ok(Decision::Save(status, None));
            }
            let address = printable(&instance.address());
            let (options, prompt): (&[(&str, Next)], String) = if passed {
                (SAVE, format!("Save {address}?"))
            } else {
                (FAILED, format!("{address} did not pass. What now?"))
            };
            let question = Question {
                prompt,
                help: String::new(),
                flag: "--save-anyway".to_owned(),
                kind: Kind::Choice {
                    options: options.iter().map(|(label, _)| Choice::new(*label)).collect(),
                    start: 0,
                },
                otherwise: None,
            };
            let next = match self.ask.ask(&question)? {
                Reply::Choice(position) => options.get(position).map_or(Next::Edit, |(_, next)| *next),
                _ => Next::Edit,
            };
            match next {
                Next::Save => {
                    let expect = match &probe {
                        Some(probe) if passed => self.pin(draft, probe)?,
                        _ => None,
                    };
                    return Ok(Decision::Save(status, expect));
                }
                Next::Retry => {}
                Next::Edit => return Ok(Decision::Edit),
                Next::Discard => return Ok(Decision::Discard),
            }
        }
    }

    /// Offers to pin the instance to who it is, where the back end tells it by an id.
    fn pin(&mut self, draft: &Draft, probe: &Probe) -> Result<Option<serde_json::Value>, Failure> {
        let Some((key, value)) = identity::to_pin(probe).filter(|_| draft.now.expect.is_none()) else {
            return Ok(None);
        };
        let question = Question {
            prompt: printable(&format!("Pin it to {key} {value}?")),
            help: "an investigation then refuses it should its credentials ever lead elsewhere".to_owned(),
            flag: format!("--expect {key}=VALUE"),
            kind: Kind::YesNo { default: false },
            otherwise: Some(Reply::YesNo(false)),
        };
        let wanted = self.ask.ask(&question)? == Reply::YesNo(true);
        Ok(wanted.then(|| serde_json::json!({ key: value })))
    }

    /// Writes the instance. A store that cannot be written now can be tried again: nothing that was typed is lost.
    fn save(
        &mut self,
        draft: &Draft,
        stored: Option<&change::Stored>,
        status: Option<ProbeStatus>,
    ) -> Result<bool, Failure> {
        loop {
            match self.write(draft, stored) {
                Ok((family, active)) => {
                    let name = InstanceName::new(&draft.now.name).to_string();
                    let address = printable(&format!("{family}/{name}"));
                    let path = self.app.store()?.path().display().to_string();
                    self.ask.say(&format!("Saved {address} in {path}."));
                    if !active {
                        self.ask.say("Its record in the store is not active, so it is not used yet.");
                    }
                    if let Some(by) = change::hidden_by(self.app, &family, &InstanceName::new(&name))? {
                        self.ask.say(&printable(&format!("It is not in effect: {by} has {family} and wins.")));
                    }
                    self.saved.retain(|saved| (&saved.family, &saved.name) != (&family, &name));
                    self.saved.push(Saved { family, name, replaced: stored.is_some(), status });
                    return Ok(true);
                }
                Err(failure) if self.person => {
                    self.ask.say(&format!("Not saved: {}.", failure.message));
                    if let Some(hint) = &failure.hint {
                        self.ask.say(&format!("hint: {hint}"));
                    }
                    if !self.yes("Try to save it again?", "--yes")? {
                        return Ok(false);
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn write(&self, draft: &Draft, stored: Option<&change::Stored>) -> Result<(String, bool), Failure> {
        let app = self.app;
        let key = add::key(app, draft.form.spec, &draft.now)?;
        let instance: RawInstance = draft.now.clone();
        let family = app.catalogue.family(key);
        let source = app.store()?.source();
        let active = change::edit(app, |document| {
            // Somebody else may have changed the store since the first question.
            let there = |name: &str| {
                let of_family = document
                    .records(&source)
                    .0
                    .into_iter()
                    .filter(|record| record.is_active() && app.catalogue.family(&record.service) == family);
                of_family.flat_map(|record| record.instances).find(|one| InstanceName::new(name).answers_to(&one.name))
            };
            let renamed = stored.is_none_or(|one| !InstanceName::new(&one.name).answers_to(&instance.name));
            if renamed && there(&instance.name).is_some() {
                let reason = format!("there is an instance {family}/{} by now", instance.name);
                return Err(Failure::failed(reason).hint("it was added meanwhile; edit that one, or take another name"));
            }
            if let Some(one) = stored
                && there(&one.name).as_ref() != Some(&one.instance)
            {
                let reason = format!("{family}/{} is not any more as it was when this began", one.name);
                return Err(Failure::failed(reason).hint("somebody else changed it: start again to see what it is now"));
            }
            let random = opensre_store::random_number();
            let (service, id) = match stored {
                Some(one) => {
                    if !InstanceName::new(&one.name).answers_to(&instance.name) {
                        document.rename_instance(&app.catalogue, &one.service, &one.name, &instance.name)?;
                    }
                    (one.service.as_str(), (!one.record_id.is_empty()).then_some(one.record_id.as_str()))
                }
                None => (key, None),
            };
            Ok(document.upsert_instance(&app.catalogue, service, &instance, id, random).active)
        })?;
        Ok((family, active))
    }
}

/// What to do with an instance that was proved.
enum Decision {
    Save(Option<ProbeStatus>, Option<serde_json::Value>),
    Edit,
    Discard,
}

#[derive(Clone, Copy)]
enum Next {
    Save,
    Retry,
    Edit,
    Discard,
}

const SAVE: &[(&str, Next)] =
    &[("Save it", Next::Save), ("Edit the answers", Next::Edit), ("Discard it", Next::Discard)];

const FAILED: &[(&str, Next)] = &[
    ("Edit the answers", Next::Edit),
    ("Try again", Next::Retry),
    ("Save it anyway", Next::Save),
    ("Discard it", Next::Discard),
];
