//! The Python face: `opensre._native`, which `python/opensre/` presents as the modules that people import.
//!
//! Like the command line it decides nothing: selectors, resolution, routing and investigations are those of the other
//! crates. What lives here is the way between Python's values and theirs, Python's exceptions and Python's logging.
//! Whatever reads files or the network does so without the interpreter's lock.

mod catalog;
mod errors;
mod instance;
mod investigate;
mod json;
mod known;
mod logging;
mod options;
mod routes;
mod selectors;
mod store;

/// What Python sees.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::catalog::{
        classify_integrations, load_env_integrations, merge_integrations_by_service, resolve,
        resolve_effective_integrations,
    };
    #[pymodule_export]
    use crate::instance::{Instance, Shadowed};
    #[pymodule_export]
    use crate::investigate::investigate;
    #[pymodule_export]
    use crate::logging::Diagnostic;
    #[pymodule_export]
    use crate::routes::{Route, route};
    #[pymodule_export]
    use crate::selectors::{
        get_default_instance, get_instance_by_name, get_instances, get_instances_by_tag, select_instance,
    };
    #[pymodule_export]
    use crate::store::{
        get_integration, get_stored_instance, get_stored_instances, list_integrations, load_integrations,
        migrate_record, remove_instance, remove_integration, upsert_instance, upsert_integration,
    };

    /// The version of the program.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
