//! The providers that this module knows, made once: Python's functions have no caller that could pass them in.

use std::collections::HashMap;
use std::sync::OnceLock;

use opensre_model::provider::Catalogue;
use opensre_providers::driver::Provider;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// All providers.
pub(crate) fn providers() -> &'static [Provider] {
    static PROVIDERS: OnceLock<Vec<Provider>> = OnceLock::new();
    PROVIDERS.get_or_init(opensre_providers::providers)
}

/// Their declarations.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::new(providers().iter().map(|provider| provider.spec).collect()))
}

/// Where the `resolved` dictionary has a service.
pub(crate) struct Service {
    /// Its canonical key.
    pub(crate) key: String,
    /// The keys that may hold a flat config of its family; its own comes first.
    pub(crate) flat: Vec<Py<PyString>>,
    /// The key of its family's list.
    pub(crate) list: Py<PyString>,
    /// Whether it is the family itself; otherwise it is one of the keys in it.
    pub(crate) is_family: bool,
}

impl Service {
    fn new(py: Python<'_>, written: &str) -> Self {
        let (key, family) = (catalogue().canonical(written), catalogue().family(written));
        let is_family = key == family;
        let text = |text: &str| PyString::intern(py, text).unbind();
        let mut flat = vec![text(&key)];
        if is_family {
            let others = catalogue().iter().filter(|spec| spec.family == family && spec.key != key);
            flat.extend(others.map(|spec| text(spec.key)));
        }
        Self { key, flat, list: text(&format!("_all_{family}_instances")), is_family }
    }
}

/// Looks a service up by any of its spellings; an unknown one is itself, trimmed and lower-cased.
pub(crate) fn with_service<T>(py: Python<'_>, written: &str, then: impl FnOnce(&Service) -> T) -> T {
    // Made once: a selector's work is so little that asking the catalogue would be most of it.
    static SERVICES: PyOnceLock<HashMap<&'static str, Service>> = PyOnceLock::new();
    let services = SERVICES.get_or_init(py, || {
        let spellings =
            catalogue().iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied()));
        spellings.map(|spelling| (spelling, Service::new(py, spelling))).collect()
    });
    match services.get(written).or_else(|| services.get(opensre_model::instance::normalise(written).as_str())) {
        Some(service) => then(service),
        None => then(&Service::new(py, written)),
    }
}
