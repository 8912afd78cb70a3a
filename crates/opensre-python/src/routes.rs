//! `opensre.route`: which instances an alert is about, and why.

use std::path::PathBuf;

use opensre_investigation::InvestigationError;
use opensre_model::routing::{self, RouteStep};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::{Value as Json, json};

use crate::errors;
use crate::instance::Instance;
use crate::known::catalogue;
use crate::logging::{self, printable};
use crate::options::{self, Place};

/// Which instances of a service an alert is about, and why these.
#[pyclass(frozen, module = "opensre")]
pub(crate) struct Route {
    /// The service (family).
    #[pyo3(get)]
    service: String,
    chosen: Vec<Py<Instance>>,
    /// Which step of the rule decided.
    #[pyo3(get)]
    step: String,
    /// Why, in words.
    #[pyo3(get)]
    reason: String,
    /// The path in the alert that decided, where one did.
    #[pyo3(get)]
    path: Option<String>,
    rejected: Vec<(String, String)>,
    /// What a person must know: an unknown hint, a tie, alerts that disagree.
    #[pyo3(get)]
    warnings: Vec<String>,
}

#[pymethods]
impl Route {
    /// The chosen instances; empty when none may be asked.
    #[getter]
    fn chosen(&self, py: Python<'_>) -> Vec<Py<Instance>> {
        self.chosen.iter().map(|instance| instance.clone_ref(py)).collect()
    }

    /// What was considered and rejected: `{instance, why}` each.
    #[getter]
    fn rejected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries = self.rejected.iter().map(|(instance, why)| {
            let entry = PyDict::new(py);
            entry.set_item("instance", instance)?;
            entry.set_item("why", why)?;
            Ok(entry)
        });
        PyList::new(py, entries.collect::<PyResult<Vec<_>>>()?)
    }

    fn __repr__(&self) -> String {
        let names: Vec<String> = self.chosen.iter().map(|instance| instance.get().address()).collect();
        let chosen = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        printable(&format!("<opensre.Route {} to {chosen}: {}>", self.service, self.reason))
    }
}

impl Route {
    fn new(py: Python<'_>, route: routing::Route<'_>) -> PyResult<Self> {
        let chosen = route.chosen.iter().map(|instance| Py::new(py, Instance::new(instance)));
        Ok(Self {
            service: route.service.clone(),
            chosen: chosen.collect::<PyResult<_>>()?,
            step: word(route.step),
            reason: route.reason,
            path: route.path,
            rejected: route.rejected.into_iter().map(|rejected| (rejected.instance, rejected.why)).collect(),
            warnings: route.warnings,
        })
    }
}

/// A step as reports spell it.
fn word(step: RouteStep) -> String {
    match json!(step) {
        Json::String(word) => word,
        other => other.to_string(),
    }
}

/// Which instances an alert is about: one route for each service.
#[pyfunction]
#[pyo3(signature = (alert, *, path = None, environ = None, precedence = None, instances = None, routing = None))]
pub(crate) fn route(
    py: Python<'_>,
    alert: &Bound<'_, PyAny>,
    path: Option<PathBuf>,
    environ: Option<&Bound<'_, PyAny>>,
    precedence: Option<&str>,
    instances: Option<&Bound<'_, PyAny>>,
    routing: Option<&str>,
) -> PyResult<Vec<Route>> {
    let alert = options::alert(alert)?;
    let place = Place::new(py, path, environ, precedence)?;
    let choices = options::choices(instances)?;
    let mode = options::routing(routing, &place.environment)?;
    let effective = place.effective(py);
    logging::diagnostics(py, logging::CATALOG, &effective.resolved.diagnostics)?;
    let routes = py.detach(|| routing::route(catalogue(), &effective.resolved, &alert, &choices, mode));
    if let Some(error) = routes.iter().find_map(|route| InvestigationError::refused(route, &effective.resolved)) {
        return Err(errors::investigation(&error));
    }
    logging::warnings(py, logging::PROGRAM, routes.iter().flat_map(|route| &route.warnings))?;
    routes.into_iter().map(|route| Route::new(py, route)).collect()
}
