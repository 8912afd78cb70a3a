//! `opensre lab`: the simulators, run by hand.

use std::path::Path;

use opensre_lab::{Lab, Scenario, scenario_named, scenarios};
use serde_json::{Value as Json, json};

use crate::app::App;
use crate::args::LabCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::surroundings::Surroundings;
use crate::text::table;

pub(super) fn run(app: &App, command: &LabCommand) -> Outcome {
    match command {
        LabCommand::List => list(app),
        LabCommand::Serve { scenario, out, now } => serve(app, scenario, out.as_deref(), now.as_deref()),
    }
}

fn list(app: &App) -> Outcome {
    if app.wants_json()? {
        let rows: Vec<Json> = bundled()?
            .iter()
            .map(|scenario| json!({"name": scenario.name, "description": scenario.description}))
            .collect();
        app.output.json(&rows)?;
        return Ok(Exit::Success);
    }
    let rows =
        bundled()?.into_iter().map(|scenario| vec![scenario.name, scenario.description.trim().to_owned()]).collect();
    app.output.data(&table(&["scenario", "what happens"], rows, app.surroundings.width))?;
    Ok(Exit::Success)
}

fn bundled() -> Result<Vec<Scenario>, Failure> {
    let internal = |error| Failure::new(Exit::Internal, format!("a bundled scenario is broken: {error}"));
    scenarios().iter().map(|bundled| bundled.load().map_err(internal)).collect()
}

/// A bundled scenario by name, or a scenario file.
pub(super) fn load(written: &str) -> Result<Scenario, Failure> {
    if let Some(bundled) = scenario_named(written) {
        return bundled.load().map_err(|error| Failure::new(Exit::Internal, format!("{written}: {error}")));
    }
    let path = Path::new(written);
    if !path.is_file() {
        return Err(Failure::input(format!("there is no bundled scenario or file `{written}`"))
            .hint("`opensre lab list` shows the bundled ones"));
    }
    let bytes = crate::surroundings::read_input(path)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::input(format!("{written} is no UTF-8 text")))?;
    Scenario::parse(&text).map_err(|error| Failure::input(format!("{written}: {error}")))
}

/// Starts the simulators of a scenario.
pub(super) async fn start(scenario: Scenario, now: jiff::Timestamp) -> Result<Lab, Failure> {
    Lab::start(scenario, now).await.map_err(|error| Failure::failed(format!("the simulators do not start: {error}")))
}

fn serve(app: &App, written: &str, out: Option<&Path>, now: Option<&str>) -> Outcome {
    let scenario = load(written)?;
    let now = super::investigate::present(now)?.unwrap_or_else(Surroundings::now);
    App::runtime()?.block_on(async {
        let lab = start(scenario, now).await?;
        let (store, alert) = (lab.store_document(), lab.alert());
        match out {
            Some(folder) => {
                save(folder, "store.json", &store)?;
                save(folder, "alert.json", &alert)?;
                app.output.data(&format!(
                    "running; in another terminal:\n  opensre --store {0}/store.json investigate -i {0}/alert.json\n",
                    folder.display()
                ))?;
            }
            None => app.output.json(&json!({"store": store, "alert": alert}))?,
        }
        app.output.note("Ctrl-C ends the simulators");
        // Without the signal there is nothing to wait for: end at once.
        let _ = tokio::signal::ctrl_c().await;
        Ok(Exit::Success)
    })
}

/// Writes a JSON file, readable for its owner only: a store has tokens in it, simulated ones too.
pub(super) fn save(folder: &Path, name: &str, document: &Json) -> Result<(), Failure> {
    let path = folder.join(name);
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("cannot write {}: {error}", path.display()));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let text = serde_json::to_string_pretty(document).map_err(|error| failed(&error))?;
    opensre_store::write_private(&path, text.as_bytes()).map_err(|error| failed(&error))
}
