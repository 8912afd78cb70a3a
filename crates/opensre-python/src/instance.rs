//! Instances as Python objects. Whatever prints one prints no secret: only [`Instance::config`], which a caller asks
//! for, has them.

use opensre_model::{compatible, instance, resolution};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::json;
use crate::known::catalogue;
use crate::logging::printable;

/// A named, tagged instance that is in effect.
#[pyclass(frozen, module = "opensre")]
pub(crate) struct Instance {
    inner: instance::Instance,
}

impl Instance {
    pub(crate) fn new(inner: &instance::Instance) -> Self {
        Self { inner: inner.clone() }
    }

    /// `service/name`.
    pub(crate) fn address(&self) -> String {
        self.inner.address()
    }
}

#[pymethods]
impl Instance {
    /// The service (family) that it is addressed by.
    #[getter]
    #[expect(clippy::misnamed_getters, reason = "Python's users know families as services")]
    fn service(&self) -> &str {
        &self.inner.family
    }

    /// The key of its provider: `service`, but for a local Grafana `grafana_local`.
    #[getter]
    fn key(&self) -> &str {
        &self.inner.service
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.inner.name.as_str()
    }

    /// Its tags, as written.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        json::dictionary(py, self.inner.tags.as_json())
    }

    /// The id of the record that it is written in.
    #[getter]
    fn integration_id(&self) -> &str {
        &self.inner.integration_id
    }

    /// Where it is configured, in words.
    #[getter]
    fn source(&self) -> String {
        self.inner.source.to_string()
    }

    /// Its flat config, with its secrets in clear: keep it in memory.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        json::dictionary(py, &compatible::flat_config(catalogue(), &self.inner, true))
    }

    fn __repr__(&self) -> String {
        let tags = if self.inner.tags.is_empty() { String::new() } else { format!(" [{}]", self.inner.tags) };
        printable(&format!("<opensre.Instance {}{tags} from {}>", self.inner.address(), self.inner.source))
    }
}

/// A usable instance that is not in effect, since a stronger source has its service.
#[pyclass(frozen, get_all, module = "opensre")]
pub(crate) struct Shadowed {
    /// The service (family).
    service: String,
    /// Its name.
    instance: String,
    /// Where it is configured.
    source: String,
    /// What hides it.
    by: String,
}

#[pymethods]
impl Shadowed {
    fn __repr__(&self) -> String {
        let Self { service, instance, source, by } = self;
        printable(&format!("<opensre.Shadowed {service}/{instance} from {source}, hidden by {by}>"))
    }
}

impl From<&resolution::Shadowed> for Shadowed {
    fn from(shadowed: &resolution::Shadowed) -> Self {
        Self {
            service: shadowed.service.clone(),
            instance: shadowed.instance.clone(),
            source: shadowed.source.to_string(),
            by: shadowed.by.to_string(),
        }
    }
}
