//! `integrations add`: a new instance, from flags and standard input; what is missing is asked in the conversation that
//! `onboard` has too.

use opensre_model::classify::{Classified, classify};
use opensre_model::diagnostic::Source;
use opensre_model::instance::InstanceName;
use opensre_model::provider::ProviderSpec;
use opensre_model::record::{RawInstance, Record};
use opensre_model::resolution::Incomplete;
use serde_json::Map;

use super::address::{self, Address};
use super::{change, fields};
use crate::app::App;
use crate::args::AddArgs;
use crate::commands::onboard;
use crate::commands::onboard::draft::Given;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) fn run(app: &App, args: &AddArgs) -> Outcome {
    let address = Address::parse(&app.catalogue, &args.instance)?;
    let spec = address::provider(&app.catalogue, &address.written)?;
    let written = address::one_name(address.name, args.name.as_deref())?;
    let name = written.clone().unwrap_or_else(|| InstanceName::new(""));
    address::refuse_odd_name(name.as_str())?;
    let mut instance = RawInstance { name: name.to_string(), ..RawInstance::default() };
    for tag in &args.tag {
        fields::tag(&mut instance.tags, tag)?;
    }
    for pin in &args.expect {
        fields::pin(&mut instance.expect, pin)?;
    }
    fields::policy(&mut instance.policy, &args.policy)?;
    for field in &args.set {
        fields::set(spec, &mut instance.credentials, field)?;
    }
    fields::from_stdin(spec, &mut instance.credentials, &args.secret_stdin)?;

    if app.may_ask(args.no_input, &args.secret_stdin) && !classified(app, spec, &instance).incomplete.is_empty() {
        let given = Given {
            name: written.map(|name| name.to_string()),
            tags: args.tag.clone(),
            expect: args.expect.clone(),
            policy: args.policy.clone(),
            credentials: instance.credentials,
            ..Given::default()
        };
        return onboard::add(app, spec, &given, args.skip_verify, args.save_anyway);
    }
    let taken = change::stored(app, &address.family)?.into_iter().any(|stored| name.answers_to(&stored.name));
    if taken && !args.replace {
        return Err(Failure::failed(format!("{}/{name} exists already", address.family)).hint(format!(
            "change it with `opensre integrations set {}/{name} FIELD=VALUE`, replace it with --replace, or choose another --name",
            address.family
        )));
    }
    let key = check(app, spec, &instance)?;
    if args.verify {
        onboard::prove(app, spec, &instance, args.save_anyway)?;
    }
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

/// What an instance as written comes to.
pub(in crate::commands) fn classified(app: &App, spec: &ProviderSpec, instance: &RawInstance) -> Classified {
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

/// Why an instance could not be used.
pub(in crate::commands) fn unusable(spec: &ProviderSpec, incomplete: &Incomplete) -> Failure {
    Failure::input(format!("{} cannot be used like this: {}", spec.key, incomplete.reason))
        .hint(format!("`opensre providers show {}` lists its fields", spec.key))
}

/// The key under which an instance belongs into the store; an instance that could not be used is refused, with what
/// is missing.
pub(in crate::commands) fn key(
    app: &App,
    spec: &'static ProviderSpec,
    instance: &RawInstance,
) -> Result<&'static str, Failure> {
    key_of(app, spec, &classified(app, spec, instance))
}

/// The same, with everything reported that was odd.
pub(super) fn check(app: &App, spec: &'static ProviderSpec, instance: &RawInstance) -> Result<&'static str, Failure> {
    let classified = classified(app, spec, instance);
    app.report(&classified.diagnostics);
    key_of(app, spec, &classified)
}

fn key_of(app: &App, spec: &'static ProviderSpec, classified: &Classified) -> Result<&'static str, Failure> {
    if let Some(incomplete) = classified.incomplete.first() {
        return Err(unusable(spec, incomplete));
    }
    Ok(classified
        .instances
        .first()
        .and_then(|usable| app.catalogue.find(&usable.service))
        .map_or(spec.key, |spec| spec.key))
}
