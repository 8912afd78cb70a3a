//! Label sets, and multiplying out labels that have several values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::random::Fingerprint;
use crate::scenario::LabelValue;

/// The label that holds a metric's name.
pub(crate) const NAME: &str = "__name__";

/// A set of labels, ordered by name. Cloning it copies no text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Labels(BTreeMap<Arc<str>, Arc<str>>);

impl Labels {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// The value, or the empty text that a missing label counts as.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// Sets a label; an empty value removes it, as in Prometheus.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.into(), value.into());
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_ref())).map(clone_pair).collect())
    }

    pub(crate) fn only(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| names.contains(&name.as_ref())).map(clone_pair).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    pub(crate) fn to_json(&self) -> Value {
        let pairs = self.iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    }

    /// The fingerprint that Prometheus and Alertmanager compute from a label set.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.iter().fold(Fingerprint::new(), |hash, (name, value)| hash.with(name).with(value)).value()
    }
}

fn clone_pair((name, value): (&Arc<str>, &Arc<str>)) -> (Arc<str>, Arc<str>) {
    (Arc::clone(name), Arc::clone(value))
}

impl<'a> FromIterator<(&'a str, &'a str)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

impl From<&BTreeMap<String, String>> for Labels {
    fn from(map: &BTreeMap<String, String>) -> Self {
        map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Every combination of the values, with `extra` on top.
pub(crate) fn multiply(labels: &BTreeMap<String, LabelValue>, extra: &BTreeMap<String, String>) -> Vec<Labels> {
    let mut sets = vec![Labels::default()];
    for (name, values) in labels {
        sets = sets
            .iter()
            .flat_map(|set| values.values().iter().map(move |value| set.clone().with(name, value)))
            .collect();
    }
    for set in &mut sets {
        for (name, value) in extra {
            set.set(name, value);
        }
    }
    sets
}
