//! `opensre.investigate`: an alert in, a report out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opensre_http::Http;
use opensre_investigation::{Inquiry, investigate as run};
use opensre_model::window::Window;
use opensre_store::references::LocalSecrets;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use serde_json::Value as Json;

use crate::json::{self, type_name};
use crate::known::providers;
use crate::options::{self, Place};
use crate::{errors, logging};

/// How long a signal waits until Python's handlers see it.
const SIGNALS: Duration = Duration::from_millis(50);

/// Investigates an alert and returns the report, as its published JSON form.
#[pyfunction]
#[pyo3(signature = (
    alert, *, path = None, environ = None, precedence = None, instances = None, routing = None, on_unknown = None,
    on_ambiguous = None, since = None, window = None, deadline = None, now = None
))]
#[expect(clippy::too_many_arguments, reason = "keyword options of a Python function")]
pub(crate) fn investigate<'py>(
    py: Python<'py>,
    alert: &Bound<'py, PyAny>,
    path: Option<PathBuf>,
    environ: Option<&Bound<'py, PyAny>>,
    precedence: Option<&str>,
    instances: Option<&Bound<'py, PyAny>>,
    routing: Option<&str>,
    on_unknown: Option<&str>,
    on_ambiguous: Option<&str>,
    since: Option<&Bound<'py, PyAny>>,
    window: Option<&Bound<'py, PyAny>>,
    deadline: Option<&Bound<'py, PyAny>>,
    now: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let alert = options::alert(alert)?;
    let place = Place::new(py, path, environ, precedence)?;
    let explicit = options::choices(instances)?;
    let routing = options::routing(routing, on_unknown, on_ambiguous, &place.environment)?;
    let since = since.map(|since| options::duration("since", since)).transpose()?;
    let now = now.map(|now| options::time("now", now)).transpose()?.unwrap_or_else(options::now);
    let deadline = deadline.map(|deadline| options::duration("deadline", deadline)).transpose()?;
    let deadline = deadline.and_then(|deadline| Duration::try_from(deadline).ok()).unwrap_or(Inquiry::DEADLINE);
    let (starts_at, ends_at) = match window {
        None => (alert.starts_at, alert.ends_at),
        Some(window) => {
            let (start, end): (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>) = window.extract().map_err(|_| {
                PyTypeError::new_err(format!("window must be a tuple (start, end), not {}", type_name(window)))
            })?;
            let end = end.map(|end| options::time("window", &end)).transpose()?;
            (Some(options::time("window", &start)?), end)
        }
    };
    let effective = place.effective(py);
    logging::diagnostics(py, logging::CATALOG, &effective.resolved.diagnostics)?;
    let placed = Window::place(starts_at, ends_at, now, since);
    let mut warnings = effective.warnings();
    warnings.extend(placed.notes);
    let inquiry = Inquiry {
        window: placed.window,
        alert,
        resolved: &effective.resolved,
        providers: providers(),
        explicit,
        routing,
        http: Http::default(),
        secrets: Arc::new(LocalSecrets::new(place.environment.clone())),
        deadline,
        observer: None,
        warnings,
    };
    let report = py.detach(|| work(inquiry))?;
    let report = serde_json::to_value(&report)
        .map_err(|error| PyRuntimeError::new_err(format!("cannot write the report: {error}")))?;
    // Every instance of a route repeats what is to be known about the route.
    let mut told: Vec<String> = Vec::new();
    let routed = report["instances"].as_array().into_iter().flatten();
    for warning in routed.filter_map(|instance| instance["warnings"].as_array()).flatten().filter_map(Json::as_str) {
        if !told.iter().any(|earlier| earlier == warning) {
            told.push(warning.to_owned());
        }
    }
    logging::warnings(py, logging::PROGRAM, &told)?;
    json::to_python(py, &report)
}

/// Investigates on a runtime of its own, so that a process that forks has none; lets Python see signals meanwhile, and
/// leaves everything where it stands when one raises (Ctrl-C).
fn work(inquiry: Inquiry<'_>) -> PyResult<opensre_model::report::Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start the runtime: {error}")))?;
    let outcome = runtime.block_on(async {
        let investigation = run(inquiry);
        tokio::pin!(investigation);
        loop {
            tokio::select! {
                report = &mut investigation => return report.map_err(|error| errors::investigation(&error)),
                () = tokio::time::sleep(SIGNALS) => check_signals()?,
            }
        }
    });
    // Without waiting for what blocks a thread, such as a secret's command.
    runtime.shutdown_background();
    outcome
}

/// Runs Python's handlers of the signals that have come in; one that raises ends the work.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is not general enough over the interpreter's lifetime"
)]
fn check_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}
