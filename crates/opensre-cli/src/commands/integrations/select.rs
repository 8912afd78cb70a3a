//! `integrations select` and `integrations resolve`.

use opensre_model::compatible;
use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_model::routing::{Route, RouteStep, route};
use opensre_model::selector::{Selector, Selectors};
use opensre_store::Effective;
use serde_json::{Map, Value as Json, json};

use super::address::Address;
use super::groups;
use crate::app::{App, routing};
use crate::args::SelectArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::table;

/// What was chosen and why, whoever chose.
struct Selection<'a> {
    chosen: Vec<&'a Instance>,
    reason: String,
    step: Option<RouteStep>,
    path: Option<String>,
    rejected: Vec<(String, String)>,
    warnings: Vec<String>,
}

pub(super) fn select(app: &App, args: &SelectArgs) -> Outcome {
    let address = Address::parse(&app.catalogue, &args.service)?;
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let name = args.name.clone().or_else(|| address.name.as_ref().map(ToString::to_string));
    let selection = match (&args.alert, name, &args.tags) {
        (Some(path), ..) => {
            let alert = App::read_alert(path)?;
            let routes = route(&app.catalogue, &effective.resolved, &alert, &[], routing(&args.routing)?);
            let found = routes.into_iter().find(|route| route.service == address.family);
            found.map_or_else(|| nothing(&address.family), Selection::of_route)
        }
        (None, Some(name), _) => {
            match groups::members(app, &effective.resolved, &format!("{}/{name}", address.family))? {
                Some(members) => Selection::new(members, format!("it belongs to the group {}", name.trim())),
                None => by_name(app, &effective.resolved, &address.family, &name),
            }
        }
        (None, None, Some(tags)) => by_tags(app, &effective.resolved, &address.family, tags)?,
        (None, None, None) => default(app, &effective.resolved, &address.family),
    };
    print(app, args, &effective, &address.family, &selection)?;
    Ok(if selection.chosen.is_empty() { Exit::Failure } else { Exit::Success })
}

impl<'a> Selection<'a> {
    fn new(chosen: Vec<&'a Instance>, reason: String) -> Self {
        Self { chosen, reason, step: None, path: None, rejected: Vec::new(), warnings: Vec::new() }
    }

    fn of_route(route: Route<'a>) -> Self {
        Self {
            chosen: route.chosen,
            reason: route.reason,
            step: Some(route.step),
            path: route.path,
            rejected: route.rejected.into_iter().map(|rejected| (rejected.instance, rejected.why)).collect(),
            warnings: route.warnings,
        }
    }
}

fn nothing<'a>(family: &str) -> Selection<'a> {
    Selection::new(Vec::new(), format!("no usable instance of {family} is configured"))
}

fn by_name<'a>(app: &'a App, resolved: &'a Resolved, family: &str, name: &str) -> Selection<'a> {
    let selectors = Selectors::new(&app.catalogue, resolved);
    if let Some(instance) = selectors.by_name(family, name) {
        return Selection::new(vec![instance], format!("its name is {}", instance.name));
    }
    let names: Vec<&str> = selectors.instances(family).into_iter().map(|instance| instance.name.as_str()).collect();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are: {}", names.join(", ")) };
    Selection::new(Vec::new(), format!("no instance of {family} is named '{}'; {there}", name.trim()))
}

fn by_tags<'a>(app: &'a App, resolved: &'a Resolved, family: &str, tags: &str) -> Result<Selection<'a>, Failure> {
    let selector = Selector::parse(tags).map_err(|error| {
        Failure::input(format!("--tags: {error}")).hint("write a selector as env=prod,region!=eu,team in (a,b)")
    })?;
    let selectors = Selectors::new(&app.catalogue, resolved);
    let chosen = selectors.by_selector(family, &selector);
    let rejected = selectors
        .instances(family)
        .into_iter()
        .filter(|instance| !chosen.iter().any(|other| std::ptr::eq(*other, *instance)))
        .map(|instance| (instance.name.to_string(), format!("its tags are {}", tags_or_none(instance))))
        .collect();
    let reason = if chosen.is_empty() {
        format!("no instance of {family} fits {selector}")
    } else {
        format!("the tags fit {selector}")
    };
    Ok(Selection { rejected, ..Selection::new(chosen, reason) })
}

fn default<'a>(app: &'a App, resolved: &'a Resolved, family: &str) -> Selection<'a> {
    match Selectors::new(&app.catalogue, resolved).default(family) {
        Some(instance) => Selection::new(vec![instance], format!("it is the default (first) instance of {family}")),
        None => nothing(family),
    }
}

fn tags_or_none(instance: &Instance) -> String {
    if instance.tags.is_empty() { "none".to_owned() } else { instance.tags.to_string() }
}

fn print(
    app: &App,
    args: &SelectArgs,
    effective: &Effective,
    family: &str,
    selection: &Selection<'_>,
) -> Result<(), Failure> {
    let config = |instance: &Instance| compatible::flat_config(&app.catalogue, instance, args.reveal);
    if app.wants_json()? {
        let chosen: Vec<Json> = selection
            .chosen
            .iter()
            .map(|instance| {
                let mut shown = json!({
                    "service": instance.family, "key": instance.service, "name": instance.name, "tags": instance.tags,
                    "integration_id": instance.integration_id, "source": instance.source,
                });
                if args.config {
                    shown["config"] = Json::Object(config(instance));
                }
                shown
            })
            .collect();
        let rejected: Vec<Json> =
            selection.rejected.iter().map(|(name, why)| json!({"instance": name, "why": why})).collect();
        return app.output.json(&json!({
            "service": family, "chosen": chosen, "reason": selection.reason, "step": selection.step,
            "path": selection.path, "rejected": rejected, "warnings": selection.warnings,
            "incomplete": effective.resolved.family(family).map(|family| &family.incomplete),
        }));
    }
    for instance in &selection.chosen {
        let tags = if instance.tags.is_empty() { String::new() } else { format!(" [{}]", instance.tags) };
        app.output.data(&crate::text::printable(&format!("{}{tags}", instance.address())))?;
        app.output.data("\n")?;
        if args.config {
            let rows = config(instance)
                .into_iter()
                .map(|(key, value)| vec![key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)])
                .collect();
            app.output.data(&table(&["field", "value"], rows, app.surroundings.width))?;
        }
    }
    app.output.note(&format!("why: {}", selection.reason));
    for (name, why) in &selection.rejected {
        app.output.note(&format!("not {name}: {why}"));
    }
    for warning in &selection.warnings {
        app.output.note(&format!("warning: {warning}"));
    }
    Ok(())
}

/// The resolved integrations as the Python product's code sees them.
pub(super) fn resolve(app: &App, service: Option<&str>, reveal: bool) -> Outcome {
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let mut view = compatible::dictionary(&app.catalogue, &effective.resolved, reveal);
    if let Some(service) = service {
        let family = app.catalogue.family(service);
        let list = format!("_all_{family}_instances");
        let own = |key: &String| *key == list || app.catalogue.family(key) == family;
        view = view.into_iter().filter(|(key, _)| own(key)).collect::<Map<_, _>>();
        if view.is_empty() {
            return Err(Failure::failed(format!("no usable instance of {family} is configured"))
                .hint(format!("`opensre integrations add {family}` sets one up")));
        }
    }
    // The view is a dictionary, in either format.
    app.format(&[crate::args::Format::Text, crate::args::Format::Json])?;
    app.output.json(&view)?;
    Ok(Exit::Success)
}
