//! The keyword options that several functions share, and where things are read from when they are not given.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Alert;
use opensre_model::provider::EnvironmentMap;
use opensre_model::resolution::Precedence;
use opensre_model::routing::{ExplicitChoice, InDoubt, RouteOptions};
use opensre_model::window;
use opensre_store::{Effective, Store};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use serde_json::Value as Json;

use crate::errors;
use crate::json::{self, Huge, type_name};
use crate::known::catalogue;
use crate::selectors::mapping_items;

/// Longest duration that is taken as a number: that of a written one.
const LONGEST: f64 = 366.0 * 86_400.0;

/// Where the instances in effect are read from.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) environment: EnvironmentMap,
    precedence: Precedence,
}

impl Place {
    /// Reads the options that name a place.
    pub(crate) fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        environ: Option<&Bound<'_, PyAny>>,
        precedence: Option<&str>,
    ) -> PyResult<Self> {
        let environment = environment(py, environ)?;
        let store = match path {
            Some(path) => Store::at(path),
            None => Store::from_environment(&environment).map_err(|error| errors::store(&error))?,
        };
        let precedence = self::precedence(precedence, &environment)?;
        Ok(Self { store, environment, precedence })
    }

    /// Reads store and variables and resolves them, without the interpreter's lock.
    pub(crate) fn effective(&self, py: Python<'_>) -> Effective {
        py.detach(|| Effective::load(&self.store, catalogue(), &self.environment, self.precedence))
    }
}

/// The variables of a mapping; `os.environ`, as it is now, when none is given.
pub(crate) fn environment(py: Python<'_>, environ: Option<&Bound<'_, PyAny>>) -> PyResult<EnvironmentMap> {
    let own = py.import("os")?.getattr("environ")?;
    let given = environ.is_some();
    let environ = environ.unwrap_or(&own);
    let wrong = || {
        PyTypeError::new_err(format!(
            "environ must be a mapping of str to str, such as os.environ, not {}",
            type_name(environ)
        ))
    };
    let items = mapping_items(environ).ok_or_else(wrong)?;
    let mut variables = EnvironmentMap::new();
    for item in items.iter() {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        match (name.cast::<PyString>(), value.cast::<PyString>()) {
            (Ok(name), Ok(value)) => {
                // Variables that are no Unicode cannot be ours.
                if let (Ok(name), Ok(value)) = (name.to_str(), value.to_str()) {
                    variables.insert(name.to_owned(), value.to_owned());
                }
            }
            (Ok(name), Err(_)) if given => {
                let name = crate::logging::printable(&name.to_string_lossy());
                let kind = type_name(&value);
                return Err(PyTypeError::new_err(format!("environ['{name}'] must be a str, not {kind}")));
            }
            _ => return Err(wrong()),
        }
    }
    Ok(variables)
}

/// The store at a path; without one, where `OPENSRE_STORE` and `HOME` of `os.environ` say.
pub(crate) fn store(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Store> {
    match path {
        Some(path) => Ok(Store::at(path)),
        None => Store::from_environment(&environment(py, None)?).map_err(|error| errors::store(&error)),
    }
}

/// Which source wins: as given, else as `OPENSRE_PRECEDENCE` says.
pub(crate) fn precedence(written: Option<&str>, environment: &EnvironmentMap) -> PyResult<Precedence> {
    word("precedence", written, "OPENSRE_PRECEDENCE", environment)
}

/// How instances are chosen: as given, else as variables say; what they leave open, the store says.
pub(crate) fn routing(
    mode: Option<&str>,
    on_unknown: Option<&str>,
    on_ambiguous: Option<&str>,
    environment: &EnvironmentMap,
) -> PyResult<RouteOptions> {
    let in_doubt = |option: &str, written: Option<&str>, variable: &str| {
        let said = written.is_some() || environment.get(variable).is_some_and(|written| !written.trim().is_empty());
        said.then(|| word::<InDoubt>(option, written, variable, environment)).transpose()
    };
    Ok(RouteOptions {
        mode: word("routing", mode, "OPENSRE_ROUTING", environment)?,
        on_unknown: in_doubt("on_unknown", on_unknown, "OPENSRE_ON_UNKNOWN")?,
        on_ambiguous: in_doubt("on_ambiguous", on_ambiguous, "OPENSRE_ON_AMBIGUOUS")?,
    })
}

fn word<T>(option: &str, written: Option<&str>, variable: &str, environment: &EnvironmentMap) -> PyResult<T>
where
    T: FromStr<Err: std::fmt::Display> + Default,
{
    let (name, written) = match written {
        Some(written) => (option, written),
        None => (variable, environment.get(variable).map_or("", |written| written.trim())),
    };
    if written.is_empty() && name == variable {
        return Ok(T::default());
    }
    written.parse().map_err(|error: T::Err| {
        let text = error.to_string();
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, "see the function's documentation"));
        errors::option(format!("{name}: {message}"), hint)
    })
}

/// A duration: text such as `90m` or `1h30m`, a `timedelta`, or seconds.
pub(crate) fn duration(option: &str, value: &Bound<'_, PyAny>) -> PyResult<SignedDuration> {
    const HINT: &str = "write a text such as '90m', '6h' or '1h30m', a datetime.timedelta, or a number of seconds";
    if let Ok(text) = value.cast::<PyString>() {
        return window::parse_duration(&text.to_string_lossy())
            .map_err(|error| errors::option(format!("{option}: {error}"), HINT));
    }
    let seconds = value.call_method0("total_seconds").unwrap_or_else(|_| value.clone());
    let Ok(seconds) = seconds.extract::<f64>() else {
        return Err(PyTypeError::new_err(format!(
            "{option} must be a str such as '90m', a timedelta or a number of seconds, not {}",
            type_name(value)
        )));
    };
    if !(seconds > 0.0 && seconds <= LONGEST) {
        return Err(errors::option(format!("{option}: must be more than nothing and at most 366 days"), HINT));
    }
    SignedDuration::try_from_secs_f64(seconds).map_err(|error| errors::option(format!("{option}: {error}"), HINT))
}

/// A time: RFC 3339 text, or a `datetime` with a time zone.
pub(crate) fn time(option: &str, value: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    const HINT: &str = "write it as '2026-11-24T10:00:00Z', or give a datetime with a time zone";
    let text: String = if let Ok(text) = value.cast::<PyString>() {
        text.to_string_lossy().into_owned()
    } else {
        let wrong = |_| PyTypeError::new_err(format!("{option} must be a str or a datetime, not {}", type_name(value)));
        value.call_method0("isoformat").map_err(wrong)?.extract()?
    };
    let shown = crate::logging::printable(&text);
    text.trim().parse().map_err(|_| errors::option(format!("{option}: `{shown}` is no time with a zone"), HINT))
}

/// The present.
#[expect(clippy::disallowed_methods, reason = "a face of the program: the place of this one that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// An alert: a payload as dict (or list), or as JSON or plain text in str or bytes.
pub(crate) fn alert(value: &Bound<'_, PyAny>) -> PyResult<Alert> {
    let payload = if let Ok(text) = value.cast::<PyString>() {
        text.to_string_lossy().into_owned().into_bytes()
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        bytes.as_bytes().to_vec()
    } else if value.cast::<PyDict>().is_ok() || value.cast::<PyList>().is_ok() {
        let payload = json::from_python(value, "alert", Huge::Text)?;
        if matches!(&payload, Json::Object(map) if map.is_empty()) {
            return Err(PyValueError::new_err("alert is empty, which no alert is"));
        }
        payload.to_string().into_bytes()
    } else {
        return Err(PyTypeError::new_err(format!(
            "alert must be a dict (the payload), or a str or bytes (JSON or plain text), not {}",
            type_name(value)
        )));
    };
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Err(PyValueError::new_err("alert is empty, which no alert is"));
    }
    Ok(Alert::parse(&payload))
}

/// Instances that the caller names: per service a name, several names, or a tag selector.
pub(crate) fn choices(instances: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<ExplicitChoice>> {
    let Some(instances) = instances else { return Ok(Vec::new()) };
    let wrong = |value: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "instances must be a dict of service to name, names or tag selector, such as {{'grafana': 'prod'}}; found {}",
            type_name(value)
        ))
    };
    let services = mapping_items(instances).ok_or_else(|| wrong(instances))?;
    let mut choices = Vec::new();
    for item in services.iter() {
        let (service, wanted): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let service: String = service.extract().map_err(|_| wrong(&service))?;
        let wanted: Vec<String> = if let Ok(wanted) = wanted.extract::<String>() {
            vec![wanted]
        } else if wanted.cast::<PyList>().is_ok() || wanted.cast::<PyTuple>().is_ok() {
            wanted.extract().map_err(|_| wrong(&wanted))?
        } else {
            return Err(wrong(&wanted));
        };
        if service.trim().is_empty() || wanted.is_empty() || wanted.iter().any(|wanted| wanted.trim().is_empty()) {
            return Err(errors::option(
                "instances: names no instance",
                "write {'grafana': 'prod'}, {'grafana': ['prod', 'staging']} or {'aws': 'env=prod,region!=eu'}",
            ));
        }
        let service = service.trim().to_owned();
        choices.push(ExplicitChoice { service, wanted: wanted.join(",") });
    }
    Ok(choices)
}
