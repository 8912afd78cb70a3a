//! `opensre.route`: which instances an alert is about, and why.

use std::path::PathBuf;

use opensre_investigation::InvestigationError;
use opensre_model::routing::{self, Explanation};
use pyo3::prelude::*;
use serde_json::{Value as Json, json};

use crate::instance::Instance;
use crate::known::catalogue;
use crate::logging::{self, printable};
use crate::options::{self, Place};
use crate::{errors, json};

/// Which instances of a service an alert is about, and why these.
#[pyclass(frozen, module = "opensre")]
pub(crate) struct Route {
    explanation: Explanation,
    chosen: Vec<Py<Instance>>,
}

#[pymethods]
impl Route {
    /// The service (family).
    #[getter]
    fn service(&self) -> &str {
        &self.explanation.service
    }

    /// The chosen instances; empty when none may be asked.
    #[getter]
    fn chosen(&self, py: Python<'_>) -> Vec<Py<Instance>> {
        self.chosen.iter().map(|instance| instance.clone_ref(py)).collect()
    }

    /// Which step of the rule decided.
    #[getter]
    fn step(&self) -> String {
        match json!(self.explanation.step) {
            Json::String(word) => word,
            other => other.to_string(),
        }
    }

    /// Why, in words.
    #[getter]
    fn reason(&self) -> &str {
        &self.explanation.reason
    }

    /// The path in the alert that decided, where one did.
    #[getter]
    fn path(&self) -> Option<&str> {
        self.explanation.path.as_deref()
    }

    /// What a person must know: an unknown hint, a tie, alerts that disagree.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.explanation.warnings.clone()
    }

    /// All of it as plain data without secrets: rules, groups, policies and what was rejected too.
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json!(self.explanation))
    }

    fn __repr__(&self) -> String {
        let Explanation { service, reason, .. } = &self.explanation;
        let names: Vec<String> = self.chosen.iter().map(|instance| instance.get().address()).collect();
        let chosen = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        printable(&format!("<opensre.Route {service} to {chosen}: {reason}>"))
    }
}

/// Which instances an alert is about: one route for each service.
#[pyfunction]
#[pyo3(signature = (alert, *, path = None, environ = None, precedence = None, instances = None, routing = None,
    on_unknown = None, on_ambiguous = None))]
#[expect(clippy::too_many_arguments, reason = "keyword options of a Python function")]
pub(crate) fn route(
    py: Python<'_>,
    alert: &Bound<'_, PyAny>,
    path: Option<PathBuf>,
    environ: Option<&Bound<'_, PyAny>>,
    precedence: Option<&str>,
    instances: Option<&Bound<'_, PyAny>>,
    routing: Option<&str>,
    on_unknown: Option<&str>,
    on_ambiguous: Option<&str>,
) -> PyResult<Vec<Route>> {
    let alert = options::alert(alert)?;
    let place = Place::new(py, path, environ, precedence)?;
    let choices = options::choices(instances)?;
    let options = options::routing(routing, on_unknown, on_ambiguous, &place.environment)?;
    let effective = place.effective(py);
    logging::diagnostics(py, logging::CATALOG, &effective.resolved.diagnostics)?;
    let routes = py.detach(|| routing::route(catalogue(), &effective.resolved, &alert, &choices, options));
    if let Some(refusal) = routes.iter().find_map(|route| InvestigationError::refusal(route, &effective.resolved)) {
        return Err(errors::investigation(&refusal));
    }
    logging::warnings(py, logging::PROGRAM, routes.iter().flat_map(|route| &route.warnings))?;
    let route = |route: &routing::Route<'_>| {
        let chosen = route.chosen.iter().map(|instance| Py::new(py, Instance::new(instance)));
        Ok(Route { explanation: route.explain(), chosen: chosen.collect::<PyResult<_>>()? })
    };
    routes.iter().map(route).collect()
}
