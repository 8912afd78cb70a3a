//! `opensre query`: one query of one instance, or what there is to query.

use opensre_investigation::gather::Means;
use opensre_investigation::plan::Task;
use opensre_investigation::{Answered, ask};
use opensre_model::evidence::GapKind;
use opensre_model::fields;
use opensre_model::instance::Instance;
use opensre_model::selector::nearest;
use opensre_model::window::Window;
use opensre_providers::driver::{Input, InputError, InputSpec, Neighbours, Provider, Query};
use opensre_store::Effective;
use serde_json::{Map, Value as Json, json};

use super::integrations::{address, find, groups, named_or_default};
use super::investigate::{positive, present};
use crate::app::{App, duration};
use crate::args::QueryArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::surroundings::Surroundings;
use crate::text::{printable, table};

pub(super) fn run(app: &App, args: &QueryArgs) -> Outcome {
    let wants_json = app.wants_json()?;
    let Some(written) = &args.query else {
        if !args.input.is_empty() {
            return Err(Failure::input("inputs are given, but no query").hint("write opensre query SERVICE/NAME QUERY"));
        }
        let effective = app.effective()?;
        let member = groups::members(app, &effective.resolved, &args.instance)?.and_then(|all| all.into_iter().next());
        let written = member.map_or_else(|| args.instance.clone(), Instance::address);
        return list(app, &address::Address::parse(&app.catalogue, &written)?, wants_json);
    };
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let members = groups::members_to_ask(app, &effective.resolved, &args.instance)?;
    let is_group = members.is_some();
    let instances = match members {
        Some(members) => members,
        None => vec![chosen(app, &effective, &address::Address::parse(&app.catalogue, &args.instance)?)?],
    };
    let now = present(args.now.as_deref())?.unwrap_or_else(Surroundings::now);
    let since = duration("--since", &args.since)?;
    if !since.is_positive() {
        return Err(Failure::input("--since must be more than nothing"));
    }
    let (http, secrets) = app.network();
    let window = Window::around(None, None, now, Some(since));
    let neighbours = Neighbours::of(&effective.resolved);
    let means = Means { http, secrets, neighbours, window, deadline: positive("--deadline", &args.deadline)? };
    let mut tasks = Vec::new();
    for instance in instances {
        let provider = provider_of(app, instance)?;
        let query = query_named(provider, written)?;
        let input = read_inputs(query, &args.input)?;
        tasks.push(Task { instance: instance.clone(), provider: *provider, query, input, order: 0 });
    }
    let asking = tasks.iter().map(|task| ask(task, &means));
    let answers: Vec<Answered> = App::runtime()?.block_on(futures::future::join_all(asking));
    let asked: Vec<(&Task, &Answered)> = tasks.iter().zip(&answers).collect();
    if wants_json {
        let shown: Vec<Json> = asked.iter().map(|(task, answered)| as_json(task, answered, window)).collect();
        match (is_group, shown.as_slice()) {
            (false, [only]) => app.output.json(only)?,
            _ => app.output.json(&json!({
                "group": args.instance.trim(), "members": shown, "not_answered": not_answered(&asked),
            }))?,
        }
        return Ok(exit_of_all(&answers));
    }
    for (task, answered) in &asked {
        if is_group {
            app.output.data(&format!("{}:\n", printable(&task.instance.address())))?;
        }
        let page = opensre_report::evidence::render(&answered.evidence, &answered.gaps, app.surroundings.unicode);
        app.output.data(&page)?;
        if answered.evidence.is_empty() && answered.gaps.is_empty() {
            app.output.note(&format!("{} answered that there is nothing", task.instance.address()));
        }
    }
    let silent = not_answered(&asked);
    if is_group && !silent.is_empty() {
        app.output.complain(&printable(&format!(
            "warning: {} of {} members did not answer: {}",
            silent.len(),
            asked.len(),
            silent.join(", ")
        )));
    }
    Ok(exit_of_all(&answers))
}

fn as_json(task: &Task, answered: &Answered, window: Window) -> Json {
    json!({
        "service": task.instance.family, "instance": task.instance.name, "query": task.query.name,
        "input": task.input.0, "window": window, "evidence": answered.evidence, "gaps": answered.gaps,
        "calls": answered.calls,
    })
}

/// The instances of which nothing came back but that something went wrong.
fn not_answered(asked: &[(&Task, &Answered)]) -> Vec<String> {
    let is_silent =
        |answered: &Answered| answered.evidence.is_empty() && answered.gaps.iter().any(|gap| gap.kind.is_failure());
    asked.iter().filter(|(_, answered)| is_silent(answered)).map(|(task, _)| task.instance.address()).collect()
}

/// A success when one member answered; who did not is told.
fn exit_of_all(answers: &[Answered]) -> Exit {
    let exits: Vec<Exit> = answers.iter().map(exit).collect();
    let first = exits.first().copied().unwrap_or(Exit::Success);
    if exits.contains(&Exit::Success) { Exit::Success } else { first }
}

/// As an investigation's: what was refused or failed has not been asked.
fn exit(answered: &Answered) -> Exit {
    if !answered.evidence.is_empty() {
        return Exit::Success;
    }
    let any = |wanted: &[GapKind]| answered.gaps.iter().any(|gap| wanted.contains(&gap.kind));
    if any(&[GapKind::Denied, GapKind::Failed, GapKind::RateLimited]) {
        Exit::NothingGathered
    } else if any(&[GapKind::Deadline]) {
        Exit::Deadline
    } else {
        Exit::Success
    }
}

/// The instance that is named, or the default one with a word about it.
fn chosen<'a>(app: &App, effective: &'a Effective, address: &address::Address) -> Result<&'a Instance, Failure> {
    let instance = named_or_default(&effective.resolved, address)?;
    let there = effective.resolved.family(&address.family).map_or(0, |family| family.instances.len());
    if address.name.is_none() && there > 1 {
        app.output.note(&format!("asking {}, the default of {there}", instance.address()));
    }
    Ok(instance)
}

fn provider_of<'a>(app: &'a App, instance: &Instance) -> Result<&'a Provider, Failure> {
    app.providers.iter().find(|provider| provider.spec.key == instance.service).ok_or_else(|| {
        Failure::failed(format!("this version knows no service called {}", instance.service))
            .hint("`opensre providers list` shows all")
    })
}

fn query_named(provider: &Provider, written: &str) -> Result<&'static Query, Failure> {
    let queries = provider.queries;
    if let Some(query) = queries.iter().find(|query| query.name.eq_ignore_ascii_case(written.trim())) {
        return Ok(query);
    }
    if queries.is_empty() {
        return Err(Failure::failed(format!("this version cannot query {} yet", provider.spec.name)));
    }
    let names: Vec<&str> = queries.iter().map(|query| query.name).collect();
    let near =
        nearest(written, names.iter().copied()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(Failure::input(format!("{} has no query `{}`", provider.spec.key, printable(written))).hint(format!(
        "{near}the queries of {}: {}",
        provider.spec.key,
        names.join(", ")
    )))
}

/// Reads every `KEY=VALUE` in the type that the query declares, and checks that nothing is missing.
fn read_inputs(query: &Query, written: &[String]) -> Result<Input, Failure> {
    let mut input = Input::default();
    for pair in written {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::input(format!("--input {}: no KEY=VALUE", printable(pair))).hint(known_inputs(query)));
        };
        let spec = query.input_spec(key.trim()).map_err(|error| unfit(query, &error))?;
        let wrong = InputError::WrongType { query: query.name, key: spec.key, expected: spec.in_words() };
        let value = typed(spec, value).ok_or_else(|| unfit(query, &wrong))?;
        if input.0.insert(spec.key.to_owned(), value).is_some() {
            return Err(Failure::input(format!("the input `{}` is given twice", spec.key)));
        }
    }
    query.check(&input).map_err(|error| unfit(query, &error))?;
    Ok(input)
}

fn unfit(query: &Query, error: &InputError) -> Failure {
    let near = match error {
        InputError::Unknown { key, .. } => query.nearest_input(key),
        _ => None,
    };
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Failure::input(printable(&error.to_string())).hint(format!("{near}{}", known_inputs(query)))
}

fn known_inputs(query: &Query) -> String {
    if query.input.is_empty() {
        return format!("{} takes no input", query.name);
    }
    format!("the inputs of {}: {}", query.name, inputs_in_words(query))
}

fn inputs_in_words(query: &Query) -> String {
    let inputs = query.input.iter().map(|spec| {
        let required = if spec.required { ", required" } else { "" };
        format!("{} ({}{required}: {})", spec.key, spec.in_words(), spec.help)
    });
    inputs.collect::<Vec<_>>().join("; ")
}

/// A written value as JSON of the declared type; `None` when it is none of it.
fn typed(spec: &InputSpec, written: &str) -> Option<Json> {
    let written_as_json = || serde_json::from_str::<Json>(written.trim()).ok();
    match spec.kind {
        "integer" => written.trim().parse::<i64>().ok().map(Json::from),
        "number" => written.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(Json::from),
        "boolean" => fields::boolean(&Json::from(written)).map(Json::from),
        "array" => match written_as_json() {
            Some(list @ Json::Array(_)) => Some(list),
            _ => Some(written.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect()),
        },
        "object" => match written_as_json() {
            Some(map @ Json::Object(_)) => Some(map),
            _ => pairs(written).map(Json::Object),
        },
        _ => Some(Json::from(written)),
    }
}

/// `name=value,name=value`; a value ends at a comma.
fn pairs(written: &str) -> Option<Map<String, Json>> {
    written
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim();
            (!name.is_empty()).then(|| (name.to_owned(), Json::from(value.trim())))
        })
        .collect()
}

/// The queries of a service (of an instance's own provider, where one is named).
fn list(app: &App, address: &address::Address, wants_json: bool) -> Outcome {
    let provider = if address.name.is_some() {
        let effective = app.effective()?;
        provider_of(app, find(&effective.resolved.families, address)?[0])?
    } else {
        let spec = address::provider(&app.catalogue, &address.written)?;
        app.providers
            .iter()
            .find(|provider| provider.spec.key == spec.key)
            .ok_or_else(|| Failure::new(Exit::Internal, format!("{} is declared and not registered", spec.key)))?
    };
    if wants_json {
        let queries: Vec<Json> = provider
            .queries
            .iter()
            .map(|query| {
                json!({
                    "name": query.name, "summary": query.summary, "input_schema": query.schema(),
                    "bounds": {"rows": query.bounds.rows, "bytes": query.bounds.bytes, "seconds": query.bounds.seconds},
                })
            })
            .collect();
        app.output.json(&json!({"service": provider.spec.family, "key": provider.spec.key, "queries": queries}))?;
        return Ok(Exit::Success);
    }
    if provider.queries.is_empty() {
        app.output.note(&format!("this version cannot query {} yet", provider.spec.name));
        return Ok(Exit::Success);
    }
    let rows = provider
        .queries
        .iter()
        .map(|query| vec![query.name.to_owned(), query.summary.to_owned(), inputs_in_words(query)])
        .collect();
    app.output.data(&table(&["query", "what it answers", "input"], rows, app.surroundings.width))?;
    Ok(Exit::Success)
}
