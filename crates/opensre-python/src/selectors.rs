//! `opensre.integrations.selectors`: the selectors over the plain `resolved_integrations` dictionary.
//!
//! The dictionary is looked at where it is: nothing of it is copied, converted or changed. The rule is
//! [`opensre_model::selector::rule`]; here is only where the dictionary has what the rule asks for.

use opensre_model::classify;
use opensre_model::diagnostic::Source;
use opensre_model::instance::{InstanceName, Word};
use opensre_model::record::Record;
use opensre_model::selector::{Candidate, Wish, rule};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};
use serde_json::{Map, Value as Json, json};

use crate::json::{self, Huge, type_name, with_text};
use crate::known::{Service, catalogue, with_service};

/// All instances of a service: `{name, tags, config, integration_id}` each, in order.
#[pyfunction]
pub(crate) fn get_instances<'py>(
    resolved_integrations: &Bound<'py, PyAny>,
    service: &str,
) -> PyResult<Bound<'py, PyList>> {
    let py = resolved_integrations.py();
    let resolved = dictionary(resolved_integrations)?;
    with_service(py, service, |service| match Members::of(resolved, service) {
        // A list of its own: the caller may do with it what it likes.
        Members::List(list) if service.is_family => Ok(list.get_slice(0, list.len())),
        members => PyList::new(py, members.iter(service).map(|member| member.entry(py)).collect::<PyResult<Vec<_>>>()?),
    })
}

/// The flat config of a service's default instance, or None.
#[pyfunction]
pub(crate) fn get_default_instance<'py>(
    resolved_integrations: &Bound<'py, PyAny>,
    service: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let resolved = dictionary(resolved_integrations)?;
    Ok(with_service(resolved.py(), service, |service| default(resolved, service).and_then(Member::into_config)))
}

/// The config of the instance of that name, or None: there is no fallback.
#[pyfunction]
pub(crate) fn get_instance_by_name<'py>(
    resolved_integrations: &Bound<'py, PyAny>,
    service: &str,
    name: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let resolved = dictionary(resolved_integrations)?;
    let name = text("name", name)?;
    Ok(with_service(resolved.py(), service, |service| {
        rule::by_name(Members::of(resolved, service).iter(service), name.to_str().unwrap_or_default())
            .and_then(Member::into_config)
    }))
}

/// The configs of all instances that carry a tag with a value, in order.
#[pyfunction]
pub(crate) fn get_instances_by_tag<'py>(
    resolved_integrations: &Bound<'py, PyAny>,
    service: &str,
    tag_key: &Bound<'py, PyAny>,
    tag_value: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let resolved = dictionary(resolved_integrations)?;
    let (key, value) = (tag_text("tag_key", tag_key)?, tag_text("tag_value", tag_value)?);
    Ok(with_service(resolved.py(), service, |service| {
        let found = rule::by_tag(Members::of(resolved, service).iter(service), &key, &value);
        found.into_iter().filter_map(Member::into_config).collect()
    }))
}

/// The config of one instance: by name alone if one is given, else the first that carries all tags, else the default.
#[pyfunction]
#[pyo3(signature = (resolved_integrations, service, name = None, tags = None))]
pub(crate) fn select_instance<'py>(
    resolved_integrations: &Bound<'py, PyAny>,
    service: &str,
    name: Option<&Bound<'py, PyAny>>,
    tags: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let resolved = dictionary(resolved_integrations)?;
    let name = name.map(|name| text("name", name)).transpose()?;
    let tags = tags.map(tag_texts).transpose()?.unwrap_or_default();
    let wish = Wish::new(
        name.map(|name| name.to_str().unwrap_or_default()),
        tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
    );
    Ok(with_service(resolved.py(), service, |service| {
        rule::select(&wish, Members::of(resolved, service).iter(service), || default(resolved, service))
            .and_then(Member::into_config)
    }))
}

fn dictionary<'a, 'py>(resolved: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyDict>> {
    resolved
        .cast::<PyDict>()
        .map_err(|_| PyTypeError::new_err(format!("resolved_integrations must be a dict, not {}", type_name(resolved))))
}

fn text<'a, 'py>(what: &str, value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyString>> {
    value
        .cast::<PyString>()
        .map_err(|_| PyTypeError::new_err(format!("{what} must be a str, not {}", type_name(value))))
}

/// A tag's name or value as text; None is blank.
fn tag_text(what: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_none() {
        return Ok(String::new());
    }
    with_text(value, str::to_owned).ok_or_else(|| {
        PyTypeError::new_err(format!("{what} must be a str, int, float or bool, not {}", type_name(value)))
    })
}

/// Tags that are asked for, as text.
pub(crate) fn tag_texts(tags: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let wrong = || PyTypeError::new_err(format!("tags must be a dict, not {}", type_name(tags)));
    let pair = |item: Bound<'_, PyAny>| {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        Ok((tag_text("a key of tags", &key)?, tag_text("a value of tags", &value)?))
    };
    mapping_items(tags).ok_or_else(wrong)?.iter().map(pair).collect()
}

/// The items of a mapping; `None` when it is none.
pub(crate) fn mapping_items<'py>(mapping: &Bound<'py, PyAny>) -> Option<Bound<'py, PyList>> {
    mapping.cast::<PyMapping>().ok()?.items().ok()
}

/// The instances of a service, where the dictionary has them.
enum Members<'py> {
    /// In its family's list.
    List(Bound<'py, PyList>),
    /// As one flat config: an instance `default` without tags.
    Flat(Bound<'py, PyAny>),
    /// Nowhere.
    Nowhere,
}

impl<'py> Members<'py> {
    fn of(resolved: &Bound<'py, PyDict>, service: &Service) -> Self {
        if let Some(Ok(list)) = item(resolved, service.list.bind(resolved.py())).map(Bound::cast_into::<PyList>) {
            return Self::List(list);
        }
        service.flat.iter().find_map(|key| item(resolved, key.bind(resolved.py()))).map_or(Self::Nowhere, Self::Flat)
    }

    fn iter<'a>(&'a self, service: &'a Service) -> impl Iterator<Item = Member<'py>> + 'a {
        let (list, flat) = match self {
            Self::List(list) => (Some(list), None),
            Self::Flat(config) => (None, Some(Member::Flat(config.clone()))),
            Self::Nowhere => (None, None),
        };
        let listed = list.into_iter().flatten();
        let own = |member: &Member<'_>| service.is_family || member.is_of(&service.key);
        listed.filter_map(|entry| entry.cast_into::<PyDict>().ok().map(Member::Listed)).filter(own).chain(flat)
    }
}

/// The default instance: the flat config; where only another key of the family has one, the first of the list.
fn default<'py>(resolved: &Bound<'py, PyDict>, service: &Service) -> Option<Member<'py>> {
    let own = service.flat.first().and_then(|key| item(resolved, key.bind(resolved.py()))).map(Member::Flat);
    own.or_else(|| Members::of(resolved, service).iter(service).next())
}

/// One instance of the dictionary.
enum Member<'py> {
    /// An entry of the family's list.
    Listed(Bound<'py, PyDict>),
    /// A flat config.
    Flat(Bound<'py, PyAny>),
}

impl<'py> Member<'py> {
    fn into_config(self) -> Option<Bound<'py, PyAny>> {
        match self {
            Self::Listed(entry) => item(&entry, intern!(entry.py(), "config")),
            Self::Flat(config) => Some(config),
        }
    }

    /// The entry as the family's list has it.
    fn entry(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let config = match self {
            Self::Listed(entry) => return Ok(entry),
            Self::Flat(config) => config,
        };
        let entry = PyDict::new(py);
        entry.set_item(intern!(py, "name"), InstanceName::DEFAULT)?;
        entry.set_item(intern!(py, "tags"), PyDict::new(py))?;
        let id = config.cast::<PyDict>().ok().and_then(|config| item(config, intern!(py, "integration_id")));
        entry.set_item(intern!(py, "config"), config)?;
        entry.set_item(intern!(py, "integration_id"), id)?;
        Ok(entry)
    }

    /// Whether the entry is one of this key of its family: entries do not say so, their config does.
    fn is_of(&self, key: &str) -> bool {
        let Self::Listed(entry) = self else { return true };
        let config = item(entry, intern!(entry.py(), "config"));
        let Some(Ok(config)) = config.map(|config| json::object(&config, "config", Huge::Text)) else { return false };
        kind_of(key, config).is_some_and(|kind| kind == key)
    }
}

/// The key that a config classifies as.
fn kind_of(service: &str, mut config: Map<String, Json>) -> Option<String> {
    config.shift_remove("integration_id");
    let record = json!({
        "id": "", "service": service, "status": "active",
        "instances": [{"name": InstanceName::DEFAULT, "tags": {}, "credentials": config}],
    });
    let (record, _) = Record::from_json(&record, &Source::Store { path: String::new() }, 0);
    let classified = classify::classify(catalogue(), &record?);
    classified.instances.into_iter().next().map(|instance| instance.service)
}

impl Candidate for Member<'_> {
    fn is_named(&self, name: &Word) -> bool {
        let Self::Listed(entry) = self else { return name.is(InstanceName::DEFAULT) };
        let written = item(entry, intern!(entry.py(), "name"));
        let named = written.and_then(|written| {
            with_text(&written, |written| {
                name.is(if written.trim().is_empty() { InstanceName::DEFAULT } else { written })
            })
        });
        named.unwrap_or_else(|| name.is(InstanceName::DEFAULT))
    }

    fn carries(&self, tag: &Word, value: &Word) -> bool {
        let Self::Listed(entry) = self else { return false };
        let tags = item(entry, intern!(entry.py(), "tags"));
        let Some(Ok(tags)) = tags.as_ref().map(Bound::cast::<PyDict>) else { return false };
        for (key, own) in tags.iter() {
            if with_text(&key, |key| tag.is(key)) == Some(true)
                && let Some(same) = with_text(&own, |own| value.is(own))
            {
                return same;
            }
        }
        false
    }
}

/// A dictionary's item; None counts as absent.
fn item<'py>(dictionary: &Bound<'py, PyDict>, key: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
    dictionary.get_item(key).ok().flatten().filter(|value| !value.is_none())
}
