//! `opensre providers`.

use opensre_model::provider::{FieldKind, FieldSpec};
use opensre_providers::driver::Provider;
use serde_json::{Value as Json, json};

use super::integrations::address;
use crate::app::App;
use crate::args::ProvidersCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::table;

pub(super) fn run(app: &App, command: &ProvidersCommand) -> Outcome {
    match command {
        ProvidersCommand::List => list(app),
        ProvidersCommand::Show { provider } => show(app, provider),
    }
}

fn list(app: &App) -> Outcome {
    if app.wants_json()? {
        app.output.json(&app.providers.iter().map(summary).collect::<Vec<_>>())?;
        return Ok(Exit::Success);
    }
    let rows = app
        .providers
        .iter()
        .map(|provider| {
            let spec = provider.spec;
            let mark = |yes: bool| if yes { "yes" } else { "-" }.to_owned();
            vec![
                spec.key.to_owned(),
                spec.name.to_owned(),
                mark(provider.probe.is_some()),
                mark(!provider.queries.is_empty()),
                mark(provider.deliver.is_some()),
                spec.instances_variable.unwrap_or("-").to_owned(),
            ]
        })
        .collect();
    let header = ["provider", "name", "verify", "evidence", "deliver", "instances variable"];
    app.output.data(&table(&header, rows, app.surroundings.width))?;
    Ok(Exit::Success)
}

fn show(app: &App, written: &str) -> Outcome {
    let spec = address::provider(&app.catalogue, written)?;
    let Some(provider) = app.providers.iter().find(|provider| provider.spec.key == spec.key) else {
        return Err(Failure::new(Exit::Internal, format!("{} is declared and not registered", spec.key))
            .hint("this is a fault of opensre: please report it"));
    };
    if app.wants_json()? {
        let mut shown = summary(provider);
        shown["fields"] = spec.fields.iter().map(describe).collect();
        shown["queries"] =
            provider.queries.iter().map(|query| json!({"name": query.name, "summary": query.summary})).collect();
        app.output.json(&shown)?;
        return Ok(Exit::Success);
    }
    app.output.data(&opensre_providers::docs::provider_page(provider))?;
    Ok(Exit::Success)
}

fn summary(provider: &Provider) -> Json {
    let spec = provider.spec;
    json!({
        "key": spec.key, "name": spec.name, "aliases": spec.aliases, "family": spec.family,
        "instances_variable": spec.instances_variable, "documentation": spec.documentation,
        "verify": provider.probe.is_some(), "evidence": !provider.queries.is_empty(),
        "delivery": provider.deliver.is_some(), "identity": provider.identity,
    })
}

fn describe(field: &FieldSpec) -> Json {
    let (kind, default) = match field.kind {
        FieldKind::Text { default } => ("text", json!(default)),
        FieldKind::Url { default } => ("url", json!(default)),
        FieldKind::Integer { default, .. } => ("integer", json!(default)),
        FieldKind::Number { default, .. } => ("number", json!(default)),
        FieldKind::Boolean { default } => ("boolean", json!(default)),
        FieldKind::List { default, .. } => ("list", json!(default)),
        FieldKind::SecretMap => ("map", Json::Null),
    };
    json!({
        "key": field.key, "type": kind, "default": default, "secret": field.secret, "variables": field.env,
        "prompt": field.prompt, "help": field.help,
    })
}
