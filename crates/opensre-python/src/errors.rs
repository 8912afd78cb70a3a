//! Python's exceptions: those of `opensre.errors`, raised with the hint apart from the message.

use opensre_investigation::InvestigationError;
use opensre_store::StoreError;
use pyo3::PyErr;

/// The classes, as `opensre.errors` defines them.
mod classes {
    pyo3::import_exception!(opensre.errors, StoreError);
    pyo3::import_exception!(opensre.errors, StoreBusyError);
    pyo3::import_exception!(opensre.errors, OptionError);
    pyo3::import_exception!(opensre.errors, NothingConfiguredError);
    pyo3::import_exception!(opensre.errors, DeadlineError);
    pyo3::import_exception!(opensre.errors, UnknownInstanceError);
}

/// A bad option, with what to write instead.
pub(crate) fn option(message: impl Into<String>, hint: impl Into<String>) -> PyErr {
    classes::OptionError::new_err((message.into(), Some(in_python(&hint.into()))))
}

/// A store that could not be read or changed.
pub(crate) fn store(error: &StoreError) -> PyErr {
    let arguments = (error.to_string(), error.hint().map(|hint| in_python(&hint)));
    match error {
        StoreError::Busy { .. } => classes::StoreBusyError::new_err(arguments),
        _ => classes::StoreError::new_err(arguments),
    }
}

/// An investigation that gave no report.
pub(crate) fn investigation(error: &InvestigationError) -> PyErr {
    let text = error.to_string();
    let (message, hint) = match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(in_python(hint))),
        None => (text, None),
    };
    match error {
        InvestigationError::NoUsableIntegration { .. } => classes::NothingConfiguredError::new_err((message, hint)),
        InvestigationError::DeadlinePassed { .. } => classes::DeadlineError::new_err((message, hint)),
        InvestigationError::UnknownInstance { .. } => classes::UnknownInstanceError::new_err((message, hint)),
    }
}

/// A hint that names the command line's options, with the names that the same have here.
fn in_python(hint: &str) -> String {
    [("--store", "path="), ("--deadline", "deadline="), ("--instance", "instances=")]
        .iter()
        .fold(hint.to_owned(), |hint, (flag, keyword)| hint.replace(flag, keyword))
}
