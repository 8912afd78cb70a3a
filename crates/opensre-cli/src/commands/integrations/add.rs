//! `integrations add`: a new instance, from flags, standard input and questions.

use inquire::{Password, PasswordDisplayMode, Text};
use opensre_model::classify::{Classified, classify};
use opensre_model::diagnostic::Source;
use opensre_model::instance::InstanceName;
use opensre_model::policy::RawPolicy;
use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec};
use opensre_model::record::{RawInstance, Record};
use serde_json::{Map, Value as Json};

use super::address::{self, Address};
use super::{change, fields};
use crate::app::App;
use crate::args::AddArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) fn run(app: &App, args: &AddArgs) -> Outcome {
    let address = Address::parse(&app.catalogue, &args.instance)?;
    let spec = address::provider(&app.catalogue, &address.written)?;
    let name = match (&address.name, &args.name) {
        (Some(one), Some(other)) if *one != InstanceName::new(other) => {
            return Err(Failure::input(format!("two names for one instance: {one} and {other}")));
        }
        (Some(name), _) => name.clone(),
        (None, Some(name)) => InstanceName::new(name),
        (None, None) => InstanceName::new(""),
    };
    address::refuse_group_name(name.as_str())?;
    let mut tags = Map::new();
    for tag in &args.tag {
        fields::tag(&mut tags, tag)?;
    }
    let mut expect = None;
    for pin in &args.expect {
        fields::pin(&mut expect, pin)?;
    }
    let mut policy = RawPolicy::default();
    fields::policy(&mut policy, &args.policy)?;
    let mut credentials = Map::new();
    for field in &args.set {
        fields::set(spec, &mut credentials, field)?;
    }
    fields::from_stdin(spec, &mut credentials, &args.secret_stdin)?;

    let taken = change::stored(app, &address.family)?.into_iter().any(|stored| name.answers_to(&stored.name));
    if taken && !args.replace {
        return Err(Failure::failed(format!("{}/{name} exists already", address.family)).hint(format!(
            "change it with `opensre integrations set {}/{name} FIELD=VALUE`, replace it with --replace, or choose another --name",
            address.family
        )));
    }
    if app.surroundings.interactive && !args.no_input && args.secret_stdin.is_empty() {
        ask(app, spec, &mut credentials)?;
    }
    let instance = RawInstance { name: name.to_string(), tags, expect, policy, credentials };
    let key = check(app, spec, &instance)?;
    let upserted = change::edit(app, |document| {
        Ok(document.upsert_instance(&app.catalogue, key, &instance, None, opensre_store::random_number()))
    })?;
    let verb = if upserted.replaced { "replaced" } else { "added" };
    change::saved(app, &format!("{verb} {}/{name}", address.family), &address.family, &name)?;
    if !upserted.active {
        app.output.note(&format!("warning: its record {} is not active, so it is not used yet", upserted.record_id));
    }
    Ok(Exit::Success)
}

/// Asks for what is missing until the instance is configured: fields with a default or an answer are passed over.
fn ask(app: &App, spec: &'static ProviderSpec, credentials: &mut Map<String, Json>) -> Result<(), Failure> {
    for field in spec.fields {
        let draft = RawInstance { credentials: credentials.clone(), ..RawInstance::default() };
        if classified(app, spec, &draft).incomplete.is_empty() {
            return Ok(());
        }
        if credentials.contains_key(field.key) || has_default(field) {
            continue;
        }
        let answer = if field.secret {
            Password::new(&format!("{}:", field.prompt))
                .with_help_message(field.help)
                .with_display_mode(PasswordDisplayMode::Hidden)
                .without_confirmation()
                .prompt_skippable()
        } else {
            Text::new(&format!("{}:", field.prompt)).with_help_message(field.help).prompt_skippable()
        };
        let answer = answer.map_err(|_| Failure::new(Exit::Interrupted, "interrupted; nothing was saved"))?;
        if let Some(answer) = answer.filter(|answer| !answer.trim().is_empty()) {
            credentials.insert(field.key.to_owned(), fields::as_json(field, &answer)?);
        }
    }
    Ok(())
}

fn has_default(field: &FieldSpec) -> bool {
    match field.kind {
        FieldKind::Text { default } | FieldKind::Url { default } => default.is_some(),
        FieldKind::Integer { default, .. } => default.is_some(),
        FieldKind::Number { .. } | FieldKind::Boolean { .. } | FieldKind::List { .. } | FieldKind::SecretMap => true,
    }
}

fn classified(app: &App, spec: &ProviderSpec, instance: &RawInstance) -> Classified {
    let record = Record {
        id: String::new(),
        service: spec.key.to_owned(),
        status: "active".to_owned(),
        instances: vec![instance.clone()],
        source: Source::Store { path: "the new instance".to_owned() },
        raw: Map::new(),
    };
    classify(&app.catalogue, &record)
}

/// Refuses an instance that could not be used, with what is missing; otherwise returns the key under which it belongs
/// into the store.
pub(super) fn check(app: &App, spec: &'static ProviderSpec, instance: &RawInstance) -> Result<&'static str, Failure> {
    let classified = classified(app, spec, instance);
    app.report(&classified.diagnostics);
    if let Some(incomplete) = classified.incomplete.first() {
        return Err(Failure::input(format!("{} cannot be used like this: {}", spec.key, incomplete.reason))
            .hint(format!("`opensre providers show {}` lists its fields", spec.key)));
    }
    Ok(classified
        .instances
        .first()
        .and_then(|usable| app.catalogue.find(&usable.service))
        .map_or(spec.key, |spec| spec.key))
}
