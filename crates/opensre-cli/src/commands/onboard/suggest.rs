//! What can be suggested: tags that are in use, labels that alerts carry, and values that other instances have. Pure.

use std::collections::{BTreeMap, BTreeSet};

use opensre_model::alert::{Alert, Labels};
use opensre_model::fields;
use opensre_model::provider::ProviderSpec;
use opensre_model::resolution::Resolved;

/// Keys that most people tell instances apart by; suggested when nothing else is known.
const USUAL: [&str; 4] = ["env", "region", "cluster", "team"];

/// Labels that name one alert or one thing in it: an instance is never told apart by them.
const OF_ONE_ALERT: [&str; 20] = [
    "alertname",
    "severity",
    "instance",
    "pod",
    "container",
    "job",
    "endpoint",
    "prometheus",
    "alertgroup",
    "__name__",
    "node",
    "host",
    "hostname",
    "deployment",
    "statefulset",
    "daemonset",
    "device",
    "mountpoint",
    "path",
    "service",
];

/// Most values of one key: a label with more is no property of an instance.
const MOST_VALUES: usize = 8;

/// Most suggestions.
const MOST: usize = 40;

/// Tags to suggest, best first: those in use, by how often, then labels seen in alerts, then the usual keys.
pub(super) fn tags(resolved: &Resolved, seen: &[(String, String)]) -> Vec<String> {
    let used = resolved.instances().flat_map(|instance| instance.tags.iter());
    let mut suggestions = by_frequency(used.map(|(key, value)| (key.to_owned(), value)));
    let of_alerts = seen.iter().filter(|(key, _)| !OF_ONE_ALERT.contains(&key.as_str()));
    suggestions.extend(by_frequency(of_alerts.cloned()));
    let known: BTreeSet<&str> = suggestions.iter().filter_map(|tag| tag.split('=').next()).collect();
    let missing: Vec<String> = USUAL.iter().filter(|key| !known.contains(*key)).map(|key| format!("{key}=")).collect();
    suggestions.extend(missing);
    let mut once = BTreeSet::new();
    suggestions.retain(|tag| once.insert(tag.clone()));
    suggestions.truncate(MOST);
    suggestions
}

/// `key=value`, those of the most frequent keys first; of a key with too many values only the key. What could not be
/// typed in a list is left out.
fn by_frequency(pairs: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut keys: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let plain = |text: &str| !text.trim().is_empty() && !text.contains([',', '=']) && !text.contains(char::is_control);
    for (key, value) in pairs.filter(|(key, value)| plain(key) && plain(value)) {
        *keys.entry(key.trim().to_owned()).or_default().entry(value.trim().to_owned()).or_default() += 1;
    }
    let mut keys: Vec<(String, BTreeMap<String, usize>)> = keys.into_iter().collect();
    keys.sort_by_key(|(_, values)| std::cmp::Reverse(values.values().sum::<usize>()));
    keys.into_iter()
        .flat_map(|(key, values)| {
            if values.len() > MOST_VALUES {
                return vec![format!("{key}=")];
            }
            let mut values: Vec<(String, usize)> = values.into_iter().collect();
            values.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
            values.into_iter().map(|(value, _)| format!("{key}={value}")).collect()
        })
        .collect()
}

/// The labels of an alert, those of each of its items too.
pub(super) fn labels_of(alert: &Alert) -> Vec<(String, String)> {
    let all: Vec<&Labels> = std::iter::once(&alert.labels).chain(alert.items.iter().map(|item| &item.labels)).collect();
    all.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Values of fields that are no secrets, of the other instances of a provider.
pub(super) fn values(resolved: &Resolved, spec: &ProviderSpec) -> Vec<(String, String)> {
    let own = resolved.instances().filter(|instance| instance.service == spec.key);
    own.flat_map(|instance| instance.config().iter())
        .filter(|(key, _)| spec.field(key).is_some_and(|field| !field.secret))
        .filter_map(|(key, value)| Some((key.to_owned(), fields::shown(value).as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{by_frequency, tags};
    use opensre_model::resolution::Resolved;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_usual_keys_are_suggested_when_nothing_is_known() {
        assert_eq!(tags(&Resolved::default(), &[]), ["env=", "region=", "cluster=", "team="]);
    }

    #[test]
    fn labels_of_alerts_are_suggested_but_not_those_of_one_alert() {
        let seen = pairs(&[("alertname", "Down"), ("env", "prod"), ("team", "pay"), ("env", "prod"), ("pod", "a-1")]);
        assert_eq!(tags(&Resolved::default(), &seen), ["env=prod", "team=pay", "region=", "cluster="]);
    }

    #[test]
    fn a_key_with_many_values_is_suggested_alone_and_what_cannot_be_typed_not_at_all() {
        let many: Vec<(String, String)> = (0..20).map(|n| ("namespace".to_owned(), format!("n{n}"))).collect();
        assert_eq!(by_frequency(many.into_iter()), ["namespace="]);
        assert_eq!(by_frequency(pairs(&[("a", "x,y"), ("b", ""), ("c", "1")]).into_iter()), ["c=1"]);
    }
}
