//! `opensre.integrations.catalog`, and `opensre.resolve`: from records to what is in effect.

use std::path::PathBuf;

use opensre_model::diagnostic::{Diagnostic, Source};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, Resolved};
use opensre_model::{compatible, environment, resolution};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use serde_json::{Map, Value as Json};

use crate::instance::{Instance, Shadowed};
use crate::json::{self, Huge, type_name};
use crate::known::catalogue;
use crate::logging;
use crate::options::{self, Place};

/// The `resolved_integrations` dictionary of these records.
#[pyfunction]
pub(crate) fn classify_integrations<'py>(integrations: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = integrations.py();
    let records = records("integrations", integrations, &given())?;
    let resolved = py.detach(|| resolution::resolve(catalogue(), records, Vec::new(), Precedence::Store));
    logging::diagnostics(py, logging::CATALOG, &resolved.diagnostics)?;
    json::dictionary(py, &compatible::dictionary(catalogue(), &resolved, true))
}

/// The records that variables make.
#[pyfunction]
#[pyo3(signature = (*, environ = None))]
pub(crate) fn load_env_integrations<'py>(
    py: Python<'py>,
    environ: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    let variables = options::environment(py, environ)?;
    let (records, diagnostics) = py.detach(|| environment::records(catalogue(), &variables));
    logging::diagnostics(py, logging::CATALOG, &diagnostics)?;
    raw(py, &records)
}

/// The records that are in effect among several sources, weakest source first.
#[pyfunction]
#[pyo3(signature = (*sources))]
pub(crate) fn merge_integrations_by_service<'py>(sources: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyList>> {
    let py = sources.py();
    let mut merged = Resolved::default();
    for (index, source) in sources.iter().enumerate() {
        let stronger = records(&format!("sources[{index}]"), &source, &given())?;
        let weaker = merged.records;
        merged = py.detach(|| resolution::resolve(catalogue(), stronger, weaker, Precedence::Store));
        // What was odd about the weaker records was said when they were the stronger ones.
        let own = merged.diagnostics.iter().filter(|diagnostic| diagnostic.source == given());
        logging::diagnostics(py, logging::CATALOG, &own.cloned().collect::<Vec<_>>())?;
        for record in &mut merged.records {
            record.source = settled();
        }
    }
    raw(py, &merged.records)
}

/// The effective view: per service `{source, config[, instances]}`.
#[pyfunction]
#[pyo3(signature = (store_integrations = None, env_integrations = None, *, path = None, environ = None, precedence = None))]
pub(crate) fn resolve_effective_integrations<'py>(
    py: Python<'py>,
    store_integrations: Option<&Bound<'py, PyAny>>,
    env_integrations: Option<&Bound<'py, PyAny>>,
    path: Option<PathBuf>,
    environ: Option<&Bound<'py, PyAny>>,
    precedence: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let resolved = if store_integrations.is_none() && env_integrations.is_none() {
        Place::new(py, path, environ, precedence)?.effective(py).resolved
    } else {
        let variables = options::environment(py, environ)?;
        let precedence = options::precedence(precedence, &variables)?;
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        let stored = if let Some(list) = store_integrations {
            records("store_integrations", list, &given())?
        } else {
            let store = options::store(py, path)?;
            let loaded = py.detach(|| store.load());
            diagnostics.extend(loaded.diagnostics);
            loaded.records
        };
        let from_environment = if let Some(list) = env_integrations {
            let source = Source::Environment { variable: "given as env_integrations".to_owned() };
            records("env_integrations", list, &source)?
        } else {
            let (records, odd) = environment::records(catalogue(), &variables);
            diagnostics.extend(odd);
            records
        };
        let mut resolved = py.detach(|| resolution::resolve(catalogue(), stored, from_environment, precedence));
        resolved.diagnostics.splice(0..0, diagnostics);
        resolved
    };
    logging::diagnostics(py, logging::CATALOG, &resolved.diagnostics)?;
    json::dictionary(py, &compatible::effective(catalogue(), &resolved, true))
}

/// What `opensre.resolve` is made of: the dictionary, the instances, the diagnostics, what is shadowed, and the path of
/// the store.
type Parts<'py> = (Bound<'py, PyDict>, Vec<Instance>, Vec<logging::Diagnostic>, Vec<Shadowed>, PathBuf);

/// The instances in effect.
#[pyfunction]
#[pyo3(signature = (*, path = None, environ = None, precedence = None))]
pub(crate) fn resolve<'py>(
    py: Python<'py>,
    path: Option<PathBuf>,
    environ: Option<&Bound<'py, PyAny>>,
    precedence: Option<&str>,
) -> PyResult<Parts<'py>> {
    let place = Place::new(py, path, environ, precedence)?;
    let resolved = place.effective(py).resolved;
    logging::diagnostics(py, logging::CATALOG, &resolved.diagnostics)?;
    Ok((
        json::dictionary(py, &compatible::dictionary(catalogue(), &resolved, true))?,
        resolved.instances().map(Instance::new).collect(),
        resolved.diagnostics.iter().map(Into::into).collect(),
        resolved.shadowed.iter().map(Into::into).collect(),
        place.store.path().to_path_buf(),
    ))
}

/// The source of records that the caller passes in.
fn given() -> Source {
    Source::Store { path: "given".to_owned() }
}

/// The source of records of which everything odd has been said.
fn settled() -> Source {
    Source::Store { path: "given before".to_owned() }
}

/// Records out of a list of dictionaries; what is odd about them is logged.
fn records(what: &str, list: &Bound<'_, PyAny>, source: &Source) -> PyResult<Vec<Record>> {
    if list.cast::<PyList>().is_err() && list.cast::<PyTuple>().is_err() {
        return Err(PyTypeError::new_err(format!("{what} must be a list of records (dict), not {}", type_name(list))));
    }
    let Json::Array(entries) = json::from_python(list, what, Huge::Text)? else { return Ok(Vec::new()) };
    let mut records = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let (record, diagnostics) = Record::from_json(entry, source, position);
        logging::diagnostics(list.py(), logging::CATALOG, &diagnostics)?;
        records.extend(record);
    }
    Ok(records)
}

/// Records as the store would have them.
fn raw<'py>(py: Python<'py>, records: &[Record]) -> PyResult<Bound<'py, PyList>> {
    let dictionary = |raw: &Map<String, Json>| json::dictionary(py, raw);
    PyList::new(py, records.iter().map(|record| dictionary(&record.raw)).collect::<PyResult<Vec<_>>>()?)
}
