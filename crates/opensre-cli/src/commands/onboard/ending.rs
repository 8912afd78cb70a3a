//! How a set-up ends: what would be selected for a sample alert, and what to do next.

use std::path::Path;

use opensre_model::alert::Alert;
use opensre_model::instance::Tags;
use opensre_model::routing::{Route, RoutingMode, route};
use serde_json::{Map, Value as Json, json};

use super::session::Saved;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{printable, table};

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
        Some(path) => vec![Sample { title: path.display().to_string(), alert: App::read_alert(path)? }],
        None => samples(&effective.resolved, saved),
    };
    if app.wants_json()? {
        return app.output.json(&as_json(app, &effective.resolved, saved, &samples));
    }
    for sample in &samples {
        let routes = route(&app.catalogue, &effective.resolved, &sample.alert, &[], RoutingMode::Full);
        app.output.data(&printable(&format!("For an alert with {}, opensre would ask:", sample.title)))?;
        app.output.data("\n\n")?;
        let rows: Vec<Vec<String>> = routes.iter().map(row).collect();
        if rows.is_empty() {
            app.output.data("nothing: no instance is set up\n")?;
        } else {
            app.output.data(&table(&["service", "instance", "why"], rows, app.surroundings.width))?;
        }
        for warning in routes.iter().flat_map(|route| &route.warnings) {
            app.output.note(&printable(&format!("note: {warning}")));
        }
        app.output.data("\n")?;
    }
    app.output.note(NEXT_STEPS);
    Ok(())
}

const NEXT_STEPS: &str = "\
Next:
  opensre integrations verify          prove every instance, whenever you like
  opensre investigate -i alert.json    say what is wrong
  opensre demo                         a whole investigation on simulated systems";

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
    let title = if tags.is_empty() { "no labels that tell".to_owned() } else { format!("the labels {tags}") };
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
