//! `integrations list` and `integrations show`.

use opensre_model::compatible;
use opensre_model::diagnostic::Source;
use opensre_model::instance::{Instance, InstanceName};
use opensre_model::resolution::{Family, Resolved, Shadowed};
use opensre_model::selector::nearest;
use serde_json::{Value as Json, json};

use super::address::Address;
use super::groups;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::{count, table};

/// Every instance in effect, what is shadowed, and what could not be used.
pub(super) fn list(app: &App, service: Option<&str>) -> Outcome {
    let effective = app.effective()?;
    let resolved = &effective.resolved;
    let members = match service {
        Some(service) => groups::members(app, resolved, service)?,
        None => None,
    };
    if let Some(members) = members {
        return list_members(app, resolved, &members);
    }
    let wanted = service.map(|service| app.catalogue.family(service));
    let is_wanted = |key: &str| wanted.as_deref().is_none_or(|wanted| wanted == key);
    let families: Vec<&Family> = resolved.families.iter().filter(|family| is_wanted(&family.key)).collect();
    let shadowed: Vec<&Shadowed> = resolved.shadowed.iter().filter(|shadowed| is_wanted(&shadowed.service)).collect();
    let inactive: Vec<_> =
        effective.inactive.iter().filter(|record| is_wanted(&app.catalogue.family(&record.service))).collect();

    if app.wants_json()? {
        let mut rows = Vec::new();
        for family in &families {
            let default = family.default();
            rows.extend(family.instances.iter().map(|instance| as_json(instance, default)));
            rows.extend(family.incomplete.iter().map(|incomplete| {
                json!({
                    "service": family.key, "name": incomplete.name, "default": false, "source": incomplete.source,
                    "integration_id": incomplete.integration_id, "state": "incomplete", "reason": incomplete.reason,
                })
            }));
        }
        let inactive: Vec<Json> = inactive
            .iter()
            .map(|record| {
                let names: Vec<&str> = record.instances.iter().map(|instance| instance.name.as_str()).collect();
                json!({"service": record.service, "id": record.id, "status": record.status, "instances": names})
            })
            .collect();
        app.output.json(&json!({
            "instances": rows, "shadowed": shadowed, "inactive": inactive, "diagnostics": resolved.diagnostics,
        }))?;
        return Ok(Exit::Success);
    }

    app.report(&resolved.diagnostics);
    let mut rows = Vec::new();
    for family in &families {
        let default = family.default();
        for instance in &family.instances {
            rows.push(row(app, instance, default));
        }
        for incomplete in &family.incomplete {
            let address = format!("{}/{}", family.key, incomplete.name);
            rows.push(vec![address, "incomplete".to_owned(), incomplete.reason.clone(), brief(&incomplete.source)]);
        }
    }
    if rows.is_empty() && shadowed.is_empty() && inactive.is_empty() {
        app.output.note(match &wanted {
            Some(_) => "no instance of this service is configured",
            None => "no instance is configured",
        });
        app.output
            .note("hint: `opensre integrations add SERVICE` sets one up, `opensre providers list` shows what there is");
        return Ok(Exit::Success);
    }
    if !rows.is_empty() {
        app.output.data(&table(&["instance", "", "tags", "source"], rows, app.surroundings.width))?;
    }
    if !shadowed.is_empty() {
        let rows = shadowed
            .iter()
            .map(|shadowed| {
                let address = format!("{}/{}", shadowed.service, shadowed.instance);
                vec![address, brief(&shadowed.source), brief(&shadowed.by)]
            })
            .collect();
        app.output.data("\nnot in effect, since a stronger source has the service:\n")?;
        app.output.data(&table(&["instance", "source", "shadowed by"], rows, app.surroundings.width))?;
    }
    if !inactive.is_empty() {
        let rows = inactive
            .iter()
            .map(|record| {
                let instances = count(record.instances.len(), "instance", "instances");
                vec![record.service.clone(), record.id.clone(), record.status.clone(), instances]
            })
            .collect();
        app.output.data("\nnot active in the store, and never used:\n")?;
        app.output.data(&table(&["service", "record", "status", ""], rows, app.surroundings.width))?;
    }
    let shown = families.iter().flat_map(|family| {
        let incomplete = family.incomplete.iter().map(|incomplete| &incomplete.source);
        family.instances.iter().map(|instance| &instance.source).chain(incomplete)
    });
    let hidden = shadowed.iter().flat_map(|shadowed| [&shadowed.source, &shadowed.by]);
    let unused = inactive.iter().map(|record| &record.source);
    say_store(app, shown.chain(hidden).chain(unused))
}

/// The members of a group, as `list` shows instances.
fn list_members(app: &App, resolved: &Resolved, members: &[&Instance]) -> Outcome {
    let default = |instance: &Instance| resolved.family(&instance.family).and_then(|family| family.default());
    if app.wants_json()? {
        let rows: Vec<Json> = members.iter().map(|instance| as_json(instance, default(instance))).collect();
        app.output.json(&json!({"instances": rows, "diagnostics": resolved.diagnostics}))?;
        return Ok(Exit::Success);
    }
    app.report(&resolved.diagnostics);
    let rows = members.iter().map(|instance| row(app, instance, default(instance))).collect();
    app.output.data(&table(&["instance", "", "tags", "source"], rows, app.surroundings.width))?;
    say_store(app, members.iter().map(|instance| &instance.source))
}

/// Where something is configured, as a table has room for: there is one store, and its path stands below the table.
fn brief(source: &Source) -> String {
    match source {
        Source::Store { .. } => "store".to_owned(),
        Source::Environment { .. } => source.to_string(),
    }
}

/// Which file the tables call the store, if they do.
fn say_store<'a>(app: &App, mut sources: impl Iterator<Item = &'a Source>) -> Outcome {
    if sources.any(|source| matches!(source, Source::Store { .. })) {
        let path = app.store()?.path().display().to_string();
        app.output.note(&crate::text::printable(&format!("the store is {path}")));
    }
    Ok(Exit::Success)
}

fn as_json(instance: &Instance, default: Option<&Instance>) -> Json {
    json!({
        "service": instance.family, "key": instance.service, "name": instance.name,
        "default": default.is_some_and(|default| std::ptr::eq(default, instance)),
        "tags": instance.tags, "policy": instance.policy, "source": instance.source,
        "integration_id": instance.integration_id, "state": "ready",
    })
}

/// A line of the table. What stands beside the name are marks: the default, and policies with `-v`.
fn row(app: &App, instance: &Instance, default: Option<&Instance>) -> Vec<String> {
    let mut marks = Vec::new();
    if default.is_some_and(|default| std::ptr::eq(default, instance)) {
        marks.push("default".to_owned());
    }
    if app.global.verbose > 0 && !instance.policy.is_empty() {
        marks.push(instance.policy.to_string());
    }
    vec![instance.address(), marks.join(" "), instance.tags.to_string(), brief(&instance.source)]
}

/// One instance, or all of a service or group, with every field; secrets stay hidden.
pub(super) fn show(app: &App, written: &str) -> Outcome {
    let effective = app.effective()?;
    let members = groups::members(app, &effective.resolved, written)?;
    let (chosen, one) = if let Some(members) = members {
        (members, false)
    } else {
        let address = Address::parse(&app.catalogue, written)?;
        (find(&effective.resolved.families, &address)?, address.name.is_some())
    };
    let shown: Vec<Json> = chosen.iter().map(|instance| describe(app, instance)).collect();
    if app.wants_json()? {
        app.output.json(&match (shown.as_slice(), one) {
            ([one], true) => one.clone(),
            _ => Json::Array(shown),
        })?;
        return Ok(Exit::Success);
    }
    for (instance, shown) in chosen.iter().zip(&shown) {
        let mut rows = vec![
            vec!["key".to_owned(), instance.service.clone()],
            vec!["tags".to_owned(), instance.tags.to_string()],
            vec!["expect".to_owned(), instance.expect.to_string()],
            vec!["policy".to_owned(), instance.policy.to_string()],
            vec!["source".to_owned(), instance.source.to_string()],
            vec!["record".to_owned(), instance.integration_id.clone()],
        ];
        for (key, value) in shown["credentials"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.push(vec![key.clone(), value]);
        }
        app.output.data(&table(&[&instance.address(), ""], rows, app.surroundings.width))?;
        if chosen.len() > 1 {
            app.output.data("\n")?;
        }
    }
    Ok(Exit::Success)
}

/// The instances that an address names; never empty.
pub(in crate::commands) fn find<'a>(families: &'a [Family], address: &Address) -> Result<Vec<&'a Instance>, Failure> {
    let family = families.iter().find(|family| family.key == address.family);
    let instances: Vec<&Instance> = family.into_iter().flat_map(|family| &family.instances).collect();
    let chosen: Vec<&Instance> = match &address.name {
        None => instances.clone(),
        Some(name) => instances.iter().copied().filter(|instance| instance.name == *name).collect(),
    };
    if chosen.is_empty() {
        return Err(missing(address, &instances, families));
    }
    Ok(chosen)
}

/// The instance that an address names; of a service alone the default, unless that wants its own name.
pub(in crate::commands) fn named_or_default<'a>(
    resolved: &'a Resolved,
    address: &Address,
) -> Result<&'a Instance, Failure> {
    let found = find(&resolved.families, address)?;
    let default = resolved.family(&address.family).and_then(|family| family.default());
    match (&address.name, default) {
        (None, Some(default)) if default.policy.requires_explicit => Err(Failure::failed(format!(
            "the default of {}, {}, requires to be named itself",
            address.family, default.name
        ))
        .hint(format!("write {}", default.address()))),
        (None, Some(default)) => Ok(default),
        _ => Ok(found[0]),
    }
}

fn missing(address: &Address, there: &[&Instance], families: &[Family]) -> Failure {
    let service = &address.family;
    let family = families.iter().find(|family| family.key == *service);
    if let (None, Some(near)) = (family, nearest(&address.written, families.iter().map(|family| family.key.as_str()))) {
        return Failure::failed(format!("no instance of {} is configured", address.written))
            .hint(format!("did you mean {near}? `opensre integrations list` shows what is configured"));
    }
    let Some(name) = &address.name else {
        let incomplete = family.and_then(|family| family.incomplete.first());
        let failure = Failure::failed(format!("no usable instance of {service} is configured"));
        return match incomplete {
            Some(incomplete) => failure.hint(format!("{service}/{}: {}", incomplete.name, incomplete.reason)),
            None => failure.hint(format!("`opensre integrations add {service}` sets one up")),
        };
    };
    let incomplete = family
        .and_then(|family| family.incomplete.iter().find(|incomplete| InstanceName::new(&incomplete.name) == *name));
    let failure = Failure::failed(format!("there is no instance {service}/{name}"));
    let names: Vec<&str> = there.iter().map(|instance| instance.name.as_str()).collect();
    match (incomplete, names.as_slice()) {
        (Some(incomplete), _) => Failure::failed(format!("{service}/{name} cannot be used: {}", incomplete.reason))
            .hint(format!("`opensre integrations set {service}/{name} FIELD=VALUE` fills what is missing")),
        (None, []) => failure.hint(format!("`opensre integrations add {service}/{name}` sets it up")),
        (None, _) => failure.hint(format!("the instances of {service}: {}", names.join(", "))),
    }
}

/// An instance as `show` prints it: every field, secrets redacted.
fn describe(app: &App, instance: &Instance) -> Json {
    let credentials = compatible::flat_config(&app.catalogue, instance, false);
    json!({
        "service": instance.family, "key": instance.service, "name": instance.name, "tags": instance.tags,
        "expect": instance.expect, "policy": instance.policy, "integration_id": instance.integration_id, "source": instance.source,
        "credentials": credentials,
    })
}
