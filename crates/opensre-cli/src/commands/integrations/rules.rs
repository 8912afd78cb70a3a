//! `integrations rule`: the routing rules of the store, in order.

use opensre_model::routing::{InDoubt, RuleMatch};
use opensre_model::selector::{Wanted, nearest};
use serde_json::{Map, Value as Json, json};

use super::{change, groups};
use crate::app::App;
use crate::args::RuleCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::{printable, table};

pub(super) fn run(app: &App, command: &RuleCommand) -> Outcome {
    match command {
        RuleCommand::Add { r#match, r#use, position } => add(app, r#match, r#use, *position),
        RuleCommand::List => list(app),
        RuleCommand::Remove { position } => remove(app, *position),
        RuleCommand::Move { from, to } => {
            change::edit(app, |document| Ok(document.move_rule(*from, *to)?))?;
            change::done(app, &format!("moved routing rule {from} to place {to}"))?;
            Ok(Exit::Success)
        }
        RuleCommand::InDoubt { unknown, ambiguous } => in_doubt(app, unknown.as_deref(), ambiguous.as_deref()),
    }
}

fn add(app: &App, matches: &str, uses: &[String], position: Option<usize>) -> Outcome {
    RuleMatch::parse(matches).map_err(|reason| {
        Failure::input(format!("the match {}: {}", printable(matches), printable(&reason)))
            .hint("write a selector over the alert's labels: team=payments,env!=dev; `*` fits every alert")
    })?;
    let mut named = Map::new();
    for written in uses {
        let (service, wanted) = read_use(app, written)?;
        if named.insert(service.clone(), json!(wanted)).is_some() {
            return Err(Failure::input(format!("--use names {service} twice"))
                .hint("several instances are one list: --use grafana=a,b"));
        }
    }
    let mut rule = Map::new();
    rule.insert("match".to_owned(), json!(matches.trim()));
    rule.insert("use".to_owned(), Json::Object(named));
    let place = change::edit(app, |document| Ok(document.insert_rule(position, &rule)?))?;
    change::done(app, &format!("added routing rule {place}"))?;
    groups::report(app)?;
    Ok(Exit::Success)
}

/// Reads `SERVICE=WANTED` of a rule. The service must be one that could be asked; what is wanted may come later.
fn read_use(app: &App, written: &str) -> Result<(String, String), Failure> {
    let Some((service, wanted)) =
        written.split_once('=').filter(|(service, wanted)| !service.trim().is_empty() && !wanted.trim().is_empty())
    else {
        return Err(Failure::input(format!("--use {}: names no instance", printable(written)))
            .hint("write --use SERVICE=NAME, a tag selector (--use 'aws=env=prod') or a group (--use grafana=@eu)"));
    };
    let (service, wanted) = (service.trim().to_lowercase(), wanted.trim());
    let family = app.catalogue.family(&service);
    if app.catalogue.find(&service).is_none() && app.effective()?.resolved.family(&family).is_none() {
        let names = app.catalogue.iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied()));
        let failure = Failure::input(format!("--use: there is no service `{}`", printable(&service)));
        return Err(match nearest(&service, names) {
            Some(near) => failure.hint(format!("did you mean `{near}`? `opensre providers list` shows all")),
            None => failure.hint("`opensre providers list` shows all"),
        });
    }
    Wanted::parse(wanted).map_err(|error| {
        Failure::input(printable(&format!("--use {service}={wanted}: {error}"))).hint(error.hint.clone())
    })?;
    Ok((service, wanted.to_owned()))
}

fn list(app: &App) -> Outcome {
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let routing = &effective.resolved.routing;
    if app.wants_json()? {
        let rules: Vec<Json> = routing
            .rules
            .iter()
            .map(|rule| {
                let uses: Map<String, Json> =
                    rule.uses.iter().map(|used| (used.service.clone(), json!(used.wanted))).collect();
                json!({"position": rule.position, "match": rule.matches.to_string(), "use": uses})
            })
            .collect();
        app.output.json(&json!({"rules": rules, "unknown": routing.on_unknown, "ambiguous": routing.on_ambiguous}))?;
        return Ok(Exit::Success);
    }
    if routing.rules.is_empty() {
        app.output.note(
            "there is no routing rule\nhint: `opensre integrations rule add team=payments --use grafana=pay` makes one",
        );
    } else {
        let rows = routing
            .rules
            .iter()
            .map(|rule| {
                let uses: Vec<String> =
                    rule.uses.iter().map(|used| format!("{}={}", used.service, used.wanted)).collect();
                vec![rule.position.to_string(), rule.matches.to_string(), uses.join(" ")]
            })
            .collect();
        app.output.data(&table(&["rule", "match", "use"], rows, app.surroundings.width))?;
    }
    if (routing.on_unknown, routing.on_ambiguous) != (InDoubt::Default, InDoubt::Default) {
        app.output.data(&format!("unknown: {}\nambiguous: {}\n", routing.on_unknown, routing.on_ambiguous))?;
    }
    Ok(Exit::Success)
}

fn remove(app: &App, position: usize) -> Outcome {
    let effective = app.effective()?;
    let known = effective.resolved.routing.rules.iter().find(|rule| rule.position == position);
    let what = known.map(|rule| format!(" ({})", printable(&rule.to_string()))).unwrap_or_default();
    change::confirm(app, &format!("Remove routing rule {position}{what} from the store?"))?;
    change::edit(app, |document| Ok(document.remove_rule(position)?))?;
    change::done(app, &format!("removed routing rule {position}{what}"))?;
    Ok(Exit::Success)
}

fn in_doubt(app: &App, unknown: Option<&str>, ambiguous: Option<&str>) -> Outcome {
    let word = |name: &str, written: Option<&str>| {
        written
            .map(|word| word.parse::<InDoubt>().map_err(|error| Failure::input(format!("{name}: {error}"))))
            .transpose()
    };
    let (unknown, ambiguous) = (word("--unknown", unknown)?, word("--ambiguous", ambiguous)?);
    if unknown.is_none() && ambiguous.is_none() {
        return Err(Failure::input("nothing to set").hint("write --unknown WORD or --ambiguous WORD"));
    }
    change::edit(app, |document| Ok(document.set_in_doubt(unknown, ambiguous)?))?;
    let said: Vec<String> = [("unknown", unknown), ("ambiguous", ambiguous)]
        .into_iter()
        .filter_map(|(what, word)| Some(format!("{what}: {}", word?)))
        .collect();
    change::done(app, &format!("set what to do in doubt ({})", said.join(", ")))?;
    Ok(Exit::Success)
}
