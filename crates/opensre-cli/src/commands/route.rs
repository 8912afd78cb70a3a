//! `opensre route`: which instances an alert is about, and why. Nothing is asked of them.

use opensre_model::routing::{Explanation, RouteStep, route};
use serde_json::json;

use super::investigate::explicit;
use crate::app::{App, routing};
use crate::args::RouteArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::printable;

pub(super) fn run(app: &App, args: &RouteArgs) -> Outcome {
    let wants_json = app.wants_json()?;
    let options = routing(&args.routing)?;
    let choices = args.instance.iter().map(|written| explicit(written)).collect::<Result<Vec<_>, _>>()?;
    let alert = App::read_alert(&args.alert)?;
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let routes = route(&app.catalogue, &effective.resolved, &alert, &choices, options);
    let wanted: Vec<String> = args.service.iter().map(|service| app.catalogue.family(service)).collect();
    let explained: Vec<Explanation> = routes
        .iter()
        .filter(|route| wanted.is_empty() || wanted.contains(&route.service))
        .map(opensre_model::routing::Route::explain)
        .collect();
    let refused = explained.iter().find_map(|one| one.refused.clone());
    if wants_json {
        let table = &effective.resolved.routing;
        app.output.json(&json!({
            "alert": {"title": alert.title, "format": alert.format}, "routing": options.mode,
            "on_unknown": options.on_unknown.unwrap_or(table.on_unknown),
            "on_ambiguous": options.on_ambiguous.unwrap_or(table.on_ambiguous),
            "routes": explained,
        }))?;
    } else {
        let mut page = String::new();
        for one in &explained {
            if args.explain {
                in_full(&mut page, one);
            } else {
                in_short(&mut page, one);
            }
        }
        app.output.data(&page)?;
        if !args.explain {
            for (service, warning) in
                explained.iter().flat_map(|one| one.warnings.iter().map(move |warning| (&one.service, warning)))
            {
                app.output.note(&printable(&format!("warning: {service}: {warning}")));
            }
        }
    }
    if let Some(refused) = refused {
        return Err(
            Failure::input(refused).hint("nothing would be asked; `opensre integrations list` shows what there is")
        );
    }
    match (wanted.as_slice(), explained.is_empty()) {
        (_, false) => Ok(Exit::Success),
        ([], true) => {
            Err(Failure::new(Exit::NothingConfigured, "nothing is configured, so there is nothing to choose from")
                .hint("`opensre integrations add SERVICE` sets an instance up"))
        }
        (services, true) => Err(Failure::failed(format!("no instance of {} is configured", services.join(" or ")))
            .hint("`opensre integrations list` shows what is configured")),
    }
}

/// One line for each chosen instance: its address, the step, and the rule or path.
fn in_short(page: &mut String, one: &Explanation) {
    let decided = one.path.as_ref().map(|path| format!(" ({path})")).unwrap_or_default();
    if one.chosen.is_empty() {
        line(page, "", &format!("{}: none - {}", one.service, one.reason));
    }
    for chosen in &one.chosen {
        line(page, "", &format!("{}/{} - {}{decided}", one.service, chosen.instance, step(one.step)));
    }
}

/// Everything that led to the choice.
fn in_full(page: &mut String, one: &Explanation) {
    let names: Vec<&str> = one.chosen.iter().map(|chosen| chosen.instance.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    line(page, "", &format!("{}: {names}", one.service));
    line(page, "  ", &format!("step: {}", step(one.step)));
    line(page, "  ", &format!("why: {}", one.reason));
    for rule in &one.rules {
        line(page, "  ", &format!("rule {}: {}", rule.position, rule.text));
    }
    if let Some(path) = &one.path {
        line(page, "  ", &format!("path: {path}"));
    }
    for group in &one.groups {
        let members = if group.members.is_empty() { "nobody".to_owned() } else { group.members.join(", ") };
        line(page, "  ", &format!("group {}: {members}", group.group));
        for left in &group.left_out {
            line(page, "    ", &format!("left out {}: {}", left.instance, left.why));
        }
    }
    for policy in &one.policies {
        let what = if policy.kept_out { "kept out" } else { "passed" };
        line(page, "  ", &format!("policy of {} ({}): {what}, {}", policy.instance, policy.policy, policy.effect));
    }
    for rejected in &one.rejected {
        line(page, "  ", &format!("not {}: {}", rejected.instance, rejected.why));
    }
    for warning in &one.warnings {
        line(page, "  ", &format!("warning: {warning}"));
    }
}

fn line(page: &mut String, indent: &str, text: &str) {
    page.push_str(indent);
    // What an alert says must not look like a line of ours.
    page.extend(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
    page.push('\n');
}

fn step(step: RouteStep) -> &'static str {
    match step {
        RouteStep::CommandLine => "command line",
        RouteStep::Hint => "hint in the alert",
        RouteStep::Rule => "routing rule",
        RouteStep::Identifier => "URL or id in the alert",
        RouteStep::Tags => "tags that agree with labels",
        RouteStep::Default => "default",
        RouteStep::None => "none chosen",
    }
}
