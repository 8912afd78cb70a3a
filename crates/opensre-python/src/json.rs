//! Between Python's values and JSON.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value as Json};

/// Deepest nesting that is read: what the store's own reader takes.
const DEEPEST: usize = 120;

/// What a number becomes that JSON values cannot hold (more than 64 bits).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Huge {
    /// Its digits as text: what a text field wants, and what a number field reports. For what is only read.
    Text,
    /// An error: what is written must read back the same.
    Refused,
}

/// A Python value as JSON. `what` names it in errors, which never repeat a value.
pub(crate) fn from_python(value: &Bound<'_, PyAny>, what: &str, huge: Huge) -> PyResult<Json> {
    Reader { huge, path: vec![Step::Key(what.to_owned())] }.read(value)
}

/// A Python dictionary as a JSON object.
pub(crate) fn object(value: &Bound<'_, PyAny>, what: &str, huge: Huge) -> PyResult<Map<String, Json>> {
    match from_python(value, what, huge)? {
        Json::Object(map) => Ok(map),
        _ => Err(PyTypeError::new_err(format!("{what} must be a dict, not {}", type_name(value)))),
    }
}

/// The name of a value's type, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// JSON as Python values.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Json) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Json::Null => Ok(py.None().into_bound(py)),
        Json::Bool(flag) => flag.into_bound_py_any(py),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_bound_py_any(py),
            (None, Some(number)) => number.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Json::String(text) => text.into_bound_py_any(py),
        Json::Array(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
        Json::Object(map) => Ok(dictionary(py, map)?.into_any()),
    }
}

/// A JSON object as a dictionary.
pub(crate) fn dictionary<'py>(py: Python<'py>, map: &Map<String, Json>) -> PyResult<Bound<'py, PyDict>> {
    let dictionary = PyDict::new(py);
    for (key, value) in map {
        dictionary.set_item(key, to_python(py, value)?)?;
    }
    Ok(dictionary)
}

/// A scalar as the text that names and tags are compared by; `None` for what is no scalar.
pub(crate) fn with_text<T>(value: &Bound<'_, PyAny>, then: impl FnOnce(&str) -> T) -> Option<T> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().ok().map(then);
    }
    scalar(value, Huge::Text).ok().flatten().and_then(|scalar| match scalar {
        Json::Null => None,
        Json::String(text) => Some(then(&text)),
        other => Some(then(&other.to_string())),
    })
}

/// A value that is neither text, list nor dictionary; `None` when it is one of these, or nothing that JSON has.
fn scalar(value: &Bound<'_, PyAny>, huge: Huge) -> Result<Option<Json>, &'static str> {
    if value.is_none() {
        return Ok(Some(Json::Null));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Some(Json::Bool(flag.is_true())));
    }
    if let Ok(number) = value.cast::<PyInt>() {
        if let Ok(number) = number.extract::<i64>() {
            return Ok(Some(number.into()));
        }
        if let Ok(number) = number.extract::<u64>() {
            return Ok(Some(number.into()));
        }
        // Only of an exact int: a subclass could run anything here.
        let digits = number.cast_exact::<PyInt>().ok().and_then(|number| number.str().ok());
        return match (huge, digits) {
            (Huge::Text, Some(digits)) => Ok(Some(Json::String(digits.to_string_lossy().into_owned()))),
            _ => Err("a number of more than 64 bits"),
        };
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = Number::from_f64(number.value());
        return number.map(|number| Some(Json::Number(number))).ok_or("infinite or not a number");
    }
    Ok(None)
}

enum Step {
    Key(String),
    Index(usize),
}

struct Reader {
    huge: Huge,
    /// Where the reader stands, for messages.
    path: Vec<Step>,
}

impl Reader {
    fn read(&mut self, value: &Bound<'_, PyAny>) -> PyResult<Json> {
        if self.path.len() > DEEPEST {
            return Err(PyValueError::new_err(format!(
                "{} is nested more than {DEEPEST} levels deep",
                self.path_from(1)
            )));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Json::String(self.text(text)?));
        }
        if let Ok(dictionary) = value.cast::<PyDict>() {
            // A copy of the items: whatever else runs meanwhile may change the dictionary.
            return self.entries(&dictionary.items()).map(Json::Object);
        }
        if let Ok(list) = value.cast::<PyList>() {
            return self.items(list.iter()).map(Json::Array);
        }
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return self.items(tuple.iter()).map(Json::Array);
        }
        match scalar(value, self.huge) {
            Ok(Some(scalar)) => Ok(scalar),
            Ok(None) => Err(PyTypeError::new_err(format!(
                "{} is of type {}; only dict, list, str, int, float, bool and None can be JSON",
                self.path_from(usize::MAX),
                type_name(value)
            ))),
            Err(reason) => Err(PyValueError::new_err(format!("{} is {reason}", self.path_from(usize::MAX)))),
        }
    }

    fn entries(&mut self, items: &Bound<'_, PyList>) -> PyResult<Map<String, Json>> {
        let mut map = Map::new();
        for item in items.iter() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let Ok(key) = key.cast::<PyString>() else {
                let kind = type_name(&key);
                let place = self.path_from(usize::MAX);
                return Err(PyTypeError::new_err(format!("{place} has a key of type {kind}; keys must be str")));
            };
            let key = self.text(key)?;
            self.path.push(Step::Key(key.clone()));
            let value = self.read(&value)?;
            self.path.pop();
            map.insert(key, value);
        }
        Ok(map)
    }

    fn items<'py>(&mut self, items: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<Vec<Json>> {
        let mut list = Vec::new();
        for (index, item) in items.enumerate() {
            self.path.push(Step::Index(index));
            list.push(self.read(&item)?);
            self.path.pop();
        }
        Ok(list)
    }

    fn text(&self, text: &Bound<'_, PyString>) -> PyResult<String> {
        // Python's own error would repeat the text.
        let refused = |_| {
            PyValueError::new_err(format!(
                "{} holds a text with half a surrogate pair, which is no Unicode",
                self.path_from(usize::MAX)
            ))
        };
        Ok(text.to_str().map_err(refused)?.to_owned())
    }

    /// The path, at most so many of its steps, as Python spells it: `alert['labels'][0]`.
    fn path_from(&self, most: usize) -> String {
        let step = |(position, step): (usize, &Step)| match step {
            Step::Key(key) if position == 0 => key.clone(),
            Step::Key(key) => format!("['{}']", crate::logging::printable(key)),
            Step::Index(index) => format!("[{index}]"),
        };
        self.path.iter().take(most).enumerate().map(step).collect()
    }
}
