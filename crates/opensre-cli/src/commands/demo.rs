//! `opensre demo`: a bundled scenario through the real path, over HTTP, with nothing to set up.

use opensre_model::alert::Alert;
use opensre_model::routing::RoutingMode;

use super::{investigate, lab};
use crate::app::App;
use crate::args::DemoArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::surroundings::Surroundings;

pub(super) fn run(app: &App, args: &DemoArgs) -> Outcome {
    let format = investigate::report_format(app)?;
    let scenario = lab::load(&args.scenario)?;
    let folder = tempfile::Builder::new()
        .prefix("opensre-demo-")
        .tempdir()
        .map_err(|error| Failure::failed(format!("cannot make a temporary folder: {error}")))?;
    App::runtime()?.block_on(async {
        let now = Surroundings::now();
        let simulators = lab::start(scenario, now).await?;
        lab::save(folder.path(), "store.json", &simulators.store_document())?;
        lab::save(folder.path(), "alert.json", &simulators.alert())?;
        let (store, alert) = (folder.path().join("store.json"), folder.path().join("alert.json"));
        app.output.note(&format!(
            "simulators on loopback, a temporary store and this alert:\n  opensre --store {} investigate -i {}\n",
            store.display(),
            alert.display()
        ));

        // The same path as `investigate`, with the temporary store and without this machine's variables.
        let demo = app.for_store(store);
        let wishes = investigate::Wishes {
            explicit: Vec::new(),
            routing: RoutingMode::Full.into(),
            now,
            since: None,
            deadline: std::time::Duration::from_mins(1),
        };
        let alert = Alert::parse(&crate::surroundings::read_input(&alert)?);
        let report = investigate::report(&demo, alert, wishes).await?;
        investigate::print(&demo, &report, format, None)?;
        if args.keep {
            app.output.note("the simulators are still running; Ctrl-C ends them");
            // Without the signal there is nothing to wait for: end at once.
            let _ = tokio::signal::ctrl_c().await;
        }
        Ok(if report.evidence.is_empty() { Exit::NothingGathered } else { Exit::Success })
    })
}
