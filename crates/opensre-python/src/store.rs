//! `opensre.integrations.store`: the store file, as section "Store operations" of the specification has it.

use std::path::PathBuf;

use opensre_model::diagnostic::Source;
use opensre_model::policy::RawPolicy;
use opensre_model::record::{self, Document, RawInstance, Record, StoredInstance, Upserted};
use opensre_store::{Store, StoreError, random_number};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::{Map, Value as Json, json};

use crate::json::{self, Huge};
use crate::known::catalogue;
use crate::selectors::tag_texts;
use crate::{errors, logging, options};

/// All records of the store, inactive ones included, in version 2 shape.
#[pyfunction]
#[pyo3(signature = (*, path = None))]
pub(crate) fn load_integrations(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Bound<'_, PyList>> {
    let store = options::store(py, path)?;
    let loaded = py.detach(|| store.load());
    logging::diagnostics(py, logging::STORE, &loaded.diagnostics)?;
    PyList::new(
        py,
        loaded.records.iter().map(|record| json::dictionary(py, &record.raw)).collect::<PyResult<Vec<_>>>()?,
    )
}

/// Per record its service, status, id and the names of its instances; inactive ones included.
#[pyfunction]
#[pyo3(signature = (*, path = None))]
pub(crate) fn list_integrations(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let summary = |summary: record::RecordSummary| {
        let entry = PyDict::new(py);
        entry.set_item("service", summary.service)?;
        entry.set_item("status", summary.status)?;
        entry.set_item("id", summary.id)?;
        entry.set_item("instances", summary.instances)?;
        Ok(entry)
    };
    load(py, path)?.list().into_iter().map(summary).collect()
}

/// The first active record of a service, with the credentials of its first instance at its top level too.
#[pyfunction]
#[pyo3(signature = (service, *, path = None))]
pub(crate) fn get_integration<'py>(
    py: Python<'py>,
    service: &str,
    path: Option<PathBuf>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    load(py, path)?.record(catalogue(), service).map(|record| json::dictionary(py, &record)).transpose()
}

/// Puts a record's instances into the store, or with `replace` the record in the place of all of its service.
#[pyfunction]
#[pyo3(signature = (service, entry, *, path = None, replace = false))]
pub(crate) fn upsert_integration(
    py: Python<'_>,
    service: &str,
    entry: &Bound<'_, PyAny>,
    path: Option<PathBuf>,
    replace: bool,
) -> PyResult<String> {
    let service = not_blank("service", service)?;
    let record = json::object(entry, "entry", Huge::Refused)?;
    if let Some(Json::Array(instances)) = record.get("instances")
        && (instances.is_empty() || !instances.iter().all(Json::is_object))
    {
        return Err(PyValueError::new_err("entry['instances'] must be a list of instances (dict), at least one"));
    }
    let store = options::store(py, path)?;
    let outcomes = edit(py, &store, |document| {
        if replace {
            let record_id = document.replace_record(catalogue(), service, &record, random_number());
            return (record_id, Vec::new());
        }
        let outcomes = document.upsert_record(catalogue(), service, &record, random_number());
        (outcomes.first().map(|first| first.record_id.clone()).unwrap_or_default(), outcomes)
    })?;
    for outcome in &outcomes.1 {
        report_inactive(py, service, outcome)?;
    }
    Ok(outcomes.0)
}

/// Removes all records of a service. Returns whether there was one.
#[pyfunction]
#[pyo3(signature = (service, *, path = None))]
pub(crate) fn remove_integration(py: Python<'_>, service: &str, path: Option<PathBuf>) -> PyResult<bool> {
    let store = options::store(py, path)?;
    edit(py, &store, |document| document.remove_record(catalogue(), service) > 0)
}

/// The instances of all active records of a service.
#[pyfunction]
#[pyo3(name = "get_stored_instances", signature = (service, *, path = None))]
pub(crate) fn get_stored_instances<'py>(
    py: Python<'py>,
    service: &str,
    path: Option<PathBuf>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    load(py, path)?.instances(catalogue(), service).iter().map(|stored| instance(py, stored)).collect()
}

/// The first instance of a service that has the name and all the tags.
#[pyfunction]
#[pyo3(name = "get_stored_instance", signature = (service, name = None, tags = None, *, path = None))]
pub(crate) fn get_stored_instance<'py>(
    py: Python<'py>,
    service: &str,
    name: Option<&str>,
    tags: Option<&Bound<'py, PyAny>>,
    path: Option<PathBuf>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let tags = tags.map(tag_texts).transpose()?.unwrap_or_default();
    let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    load(py, path)?.instance(catalogue(), service, name, &tags).map(|stored| instance(py, &stored)).transpose()
}

/// Puts an instance into the store: the one of that name is replaced whole, otherwise it is appended.
#[pyfunction]
#[pyo3(signature = (service, instance, record_id = None, *, path = None))]
pub(crate) fn upsert_instance(
    py: Python<'_>,
    service: &str,
    instance: &Bound<'_, PyAny>,
    record_id: Option<&str>,
    path: Option<PathBuf>,
) -> PyResult<String> {
    let service = not_blank("service", service)?;
    let instance = read_instance(service, json::object(instance, "instance", Huge::Refused)?)?;
    let store = options::store(py, path)?;
    let outcome = edit(py, &store, |document| {
        document.upsert_instance(catalogue(), service, &instance, record_id, random_number())
    })?;
    report_inactive(py, service, &outcome)?;
    Ok(outcome.record_id)
}

/// Removes the instances of that name from every record of the service. Returns whether there was one.
#[pyfunction]
#[pyo3(signature = (service, name, *, path = None))]
pub(crate) fn remove_instance(py: Python<'_>, service: &str, name: &str, path: Option<PathBuf>) -> PyResult<bool> {
    let store = options::store(py, path)?;
    edit(py, &store, |document| document.remove_instance(catalogue(), service, name))
}

/// A record in version 2 shape; one that has it already is returned as it is.
#[pyfunction]
pub(crate) fn migrate_record<'py>(record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let migrated = record::migrate_record(&json::object(record, "record", Huge::Refused)?);
    json::dictionary(record.py(), &migrated)
}

fn load(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Document> {
    let store = options::store(py, path)?;
    let loaded = py.detach(|| store.load());
    logging::diagnostics(py, logging::STORE, &loaded.diagnostics)?;
    Ok(loaded.document)
}

fn edit<T: Send>(py: Python<'_>, store: &Store, change: impl FnOnce(&mut Document) -> T + Send) -> PyResult<T> {
    py.detach(|| store.edit(|document| Ok::<_, StoreError>(change(document)))).map_err(|error| errors::store(&error))
}

/// An instance of the store with the id of its record.
fn instance<'py>(py: Python<'py>, stored: &StoredInstance) -> PyResult<Bound<'py, PyDict>> {
    let RawInstance { name, tags, expect, policy, credentials } = &stored.instance;
    let entry = PyDict::new(py);
    entry.set_item("name", name)?;
    entry.set_item("tags", json::dictionary(py, tags)?)?;
    entry.set_item("credentials", json::dictionary(py, credentials)?)?;
    if let Some(expect) = expect {
        entry.set_item("expect", json::to_python(py, expect)?)?;
    }
    for (key, value) in policy.iter() {
        entry.set_item(key, json::to_python(py, value)?)?;
    }
    entry.set_item("integration_id", &stored.integration_id)?;
    Ok(entry)
}

/// An instance as it is to be stored. Stricter than reading the store: what a program writes can be right.
fn read_instance(service: &str, mut written: Map<String, Json>) -> PyResult<RawInstance> {
    // What `get_instance` returned may be changed and put back.
    written.shift_remove("integration_id");
    if let Some(key) =
        written.keys().find(|key| !RawInstance::KEYS.iter().chain(&RawPolicy::KEYS).any(|known| known == key))
    {
        return Err(PyValueError::new_err(format!(
            "instance has an unknown key '{}'; it has name, tags and credentials, and a provider's fields stand inside \
             credentials",
            logging::printable(key)
        )));
    }
    match written.get("name") {
        None | Some(Json::Null | Json::String(_)) => {}
        Some(_) => return Err(PyTypeError::new_err("instance['name'] must be a str or None")),
    }
    for key in ["tags", "credentials"] {
        match written.get(key) {
            Some(Json::Object(_)) => {}
            None if key == "tags" => {}
            None => return Err(PyValueError::new_err("instance has no credentials")),
            Some(_) => return Err(PyTypeError::new_err(format!("instance['{key}'] must be a dict"))),
        }
    }
    let tags = written.get("tags").and_then(Json::as_object).into_iter().flatten();
    for (key, value) in tags {
        if !(value.is_string() || value.is_number() || value.is_boolean()) {
            let key = logging::printable(key);
            return Err(PyTypeError::new_err(format!("instance['tags']['{key}'] must be a str, int, float or bool")));
        }
    }
    let record = json!({"id": "", "service": service, "status": "active", "instances": [written]});
    let (record, _) = Record::from_json(&record, &Source::Store { path: String::new() }, 0);
    let instance = record.and_then(|record| record.instances.into_iter().next());
    instance.ok_or_else(|| PyValueError::new_err("instance cannot be read"))
}

fn not_blank<'a>(what: &str, text: &'a str) -> PyResult<&'a str> {
    if text.trim().is_empty() { Err(PyValueError::new_err(format!("{what} must not be blank"))) } else { Ok(text) }
}

/// An instance in an inactive record is never used: say so.
fn report_inactive(py: Python<'_>, service: &str, outcome: &Upserted) -> PyResult<()> {
    if outcome.active {
        return Ok(());
    }
    let warning = format!(
        "{service}/{} is in record {}, which is not active: it is not used until the record's status is active",
        outcome.name, outcome.record_id
    );
    logging::warnings(py, logging::STORE, [&warning])
}
