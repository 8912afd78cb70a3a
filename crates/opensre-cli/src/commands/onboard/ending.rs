//! How a set-up ends: what would be selected for a sample alert, and what to do next.

use std::path::Path;

use opensre_model::alert::Alert;
use opensre_model::instance::Tags;
use opensre_model::routing::{Route, RoutingMode, route};
use serde_json::{Map, Value as Json, json};

use super::draft::tags_text;
use super::session::Saved;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{printable, table, wrapped};

/// Most samples that are shown: one for each set of tags among what was saved.
const MOST: usize = 3;

/// A sample alert, and how it is called.
struct Sample {
    title: String,
    alert: Alert,
}

/// Shows what would be selected for a sample alert, why, and the next steps.
pub(in crate::commands) fn show(app: &App, saved: &[Saved], file: Option<&Path>) -> Result<(), Failure> {
    let effective = app.effective()?;
    let samples = match file {
        Some(path) => vec![Sample { title: format!("the alert in {}", path.display()), alert: App::read_alert(path)? }],
        None => samples(&effective.resolved, saved),
    };
    if app.wants_json()? {
        return app.output.json(&as_json(app, &effective.resolved, saved, &samples));
    }
    for sample in &samples {
        let routes = route(&app.catalogue, &effective.resolved, &sample.alert, &[], RoutingMode::Full);
        let headline = printable(&format!("For {}, opensre would ask:", sample.title));
        app.output.data(&wrapped(&headline, app.surroundings.width).join("\n"))?;
        app.output.data("\n\n")?;
        let rows: Vec<Vec<String>> = routes.iter().map(row).collect();
        if rows.is_empty() {
            app.output.data("nothing: no instance is set up\n")?;
        } else {
            app.output.data(&table(&["service", "instance", "why"], rows, app.surroundings.width))?;
        }
        for warning in routes.iter().flat_map(|route| &route.warnings) {
            for line in wrapped(&printable(&format!("note: {warning}")), app.surroundings.width) {
                app.output.note(&line);
            }
        }
        app.output.data("\n")?;
    }
    if app.surroundings.width < WIDTH_OF_NEXT_STEPS {
        app.output.note("Next:");
        for (command, _) in NEXT_STEPS {
            app.output.note(&format!("  {command}"));
        }
        return Ok(());
    }
    let steps = NEXT_STEPS.iter().map(|(command, what)| vec![(*command).to_owned(), (*what).to_owned()]).collect();
    app.output.note(table(&["next", ""], steps, app.surroundings.width).trim_end());
    Ok(())
}

const NEXT_STEPS: &[(&str, &str)] = &[
    ("opensre integrations verify", "prove every instance again"),
    ("opensre investigate -i alert.json", "say what is wrong"),
    ("opensre demo", "a whole investigation on simulated systems"),
];

/// Columns that they take side by side.
const WIDTH_OF_NEXT_STEPS: usize = 79;

fn row(route: &Route<'_>) -> Vec<String> {
    let names: Vec<&str> = route.chosen.iter().map(|instance| instance.name.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    vec![route.service.clone(), names, route.reason.clone()]
}

/// One sample for each set of tags among what was saved; without any, one that has no labels.
fn samples(resolved: &opensre_model::resolution::Resolved, saved: &[Saved]) -> Vec<Sample> {
    let mut sets: Vec<Tags> = Vec::new();
    for one in saved {
        let family = resolved.family(&one.family);
        let instance = family.and_then(|family| family.instances.iter().find(|other| other.name.as_str() == one.name));
        if let Some(tags) = instance.map(|instance| instance.tags.clone())
            && !sets.contains(&tags)
        {
            sets.push(tags);
        }
    }
    // What has tags says more than what has none.
    sets.sort_by_key(Tags::is_empty);
    sets.truncate(MOST);
    if sets.is_empty() {
        sets.push(Tags::default());
    }
    sets.iter().map(sample).collect()
}

fn sample(tags: &Tags) -> Sample {
    let labels: Map<String, Json> = tags.iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    let payload = json!({"title": "a sample alert", "state": "alerting", "commonLabels": labels});
    let title = if tags.is_empty() {
        "an alert without labels".to_owned()
    } else {
        format!("an alert with the labels {}", tags_text(tags.as_json()))
    };
    Sample { title, alert: Alert::parse(payload.to_string().as_bytes()) }
}

fn as_json(app: &App, resolved: &opensre_model::resolution::Resolved, saved: &[Saved], samples: &[Sample]) -> Json {
    let saved: Vec<Json> = saved
        .iter()
        .map(|one| json!({"service": one.family, "name": one.name, "replaced": one.replaced, "status": one.status}))
        .collect();
    let samples: Vec<Json> = samples
        .iter()
        .map(|sample| {
            let routes = route(&app.catalogue, resolved, &sample.alert, &[], RoutingMode::Full);
            let routes: Vec<Json> = routes
                .iter()
                .map(|route| {
                    let chosen: Vec<&str> = route.chosen.iter().map(|instance| instance.name.as_str()).collect();
                    json!({"service": route.service, "chosen": chosen, "step": route.step, "reason": route.reason,
                           "rejected": route.rejected, "warnings": route.warnings})
                })
                .collect();
            json!({"alert": sample.title, "labels": sample.alert.labels, "routes": routes})
        })
        .collect();
    json!({"saved": saved, "samples": samples})
}
