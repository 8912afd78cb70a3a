//! Where a resource in the cluster differs from what is wanted. Pure.
//!
//! Values are shown only where they cannot be secret: numbers, booleans, and texts under keys of a short list
//! (`image`, `memory`, ...), outside of what holds free data (`data`, `env`, `args`, annotations, ...). Of a Secret
//! nothing but the fact is told.

use serde_json::Value as Json;

/// Most differences of one resource that are told.
pub const MOST: usize = 12;

/// Deepest nesting that is looked into.
const DEEPEST: usize = 40;

/// Longest value that is shown, in characters.
const LONGEST: usize = 120;

/// Keys below which values are free data.
const DATA: &[&str] = &[
    "data",
    "binaryData",
    "stringData",
    "env",
    "envFrom",
    "args",
    "command",
    "annotations",
    "headers",
    "httpHeaders",
    "values",
    "parameters",
    "config",
];

/// Keys whose texts are no secrets.
const SHOWN: &[&str] = &[
    "image",
    "imagePullPolicy",
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "type",
    "kind",
    "apiVersion",
    "name",
    "namespace",
    "maxSurge",
    "maxUnavailable",
    "schedule",
    "restartPolicy",
    "serviceAccountName",
    "priorityClassName",
    "storageClassName",
    "ingressClassName",
    "port",
    "targetPort",
    "protocol",
    "effect",
    "minAvailable",
];

/// Words in keys whose values are secrets, whatever their type.
const SECRETS: &[&str] = &["password", "passphrase", "secret", "token", "credential", "apikey", "api_key", "private"];

/// How a resource differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Not at all.
    None,
    /// It is wanted and not there.
    Missing,
    /// It is there and not wanted.
    Extra,
    /// Here, in words (`spec.replicas: 2 in the cluster, 4 wanted`), and how many more there are.
    At(Vec<String>, usize),
    /// It differs; where is not told, since it is a Secret.
    Hidden,
}

/// Compares an item of `managed-resources`: `normalizedLiveState` is what is there, `predictedLiveState` what would be
/// after a sync, both JSON in a text, empty or `null` for nothing. `None` when they cannot be read.
pub fn of(item: &Json) -> Option<Drift> {
    let secret = item.get("kind").and_then(Json::as_str) == Some("Secret");
    let live = state(item, "normalizedLiveState").or_else(|| state(item, "liveState"))?;
    let wanted = state(item, "predictedLiveState").or_else(|| state(item, "targetState"))?;
    Some(match (live, wanted) {
        (Json::Null, Json::Null) => Drift::None,
        (Json::Null, _) => Drift::Missing,
        (_, Json::Null) => Drift::Extra,
        (live, wanted) if live == wanted => Drift::None,
        _ if secret => Drift::Hidden,
        (live, wanted) => {
            let mut found = Vec::new();
            compare(&live, &wanted, &mut Vec::new(), &mut found);
            let more = found.len().saturating_sub(MOST);
            found.truncate(MOST);
            Drift::At(found, more)
        }
    })
}

/// A state: `None` when it is not given or no JSON.
fn state(item: &Json, key: &str) -> Option<Json> {
    match item.get(key)?.as_str()?.trim() {
        "" => Some(Json::Null),
        text => serde_json::from_str(text).ok(),
    }
}

fn compare(live: &Json, wanted: &Json, path: &mut Vec<String>, found: &mut Vec<String>) {
    if live == wanted {
        return;
    }
    match (live, wanted) {
        (Json::Object(there), Json::Object(then)) if path.len() < DEEPEST => {
            let mut keys: Vec<&String> =
                there.keys().chain(then.keys().filter(|key| !there.contains_key(*key))).collect();
            keys.sort();
            for key in keys {
                path.push(key.clone());
                compare(there.get(key).unwrap_or(&Json::Null), then.get(key).unwrap_or(&Json::Null), path, found);
                path.pop();
            }
        }
        (Json::Array(there), Json::Array(then)) if path.len() < DEEPEST => match (named(there), named(then)) {
            (Some(there), Some(then)) => {
                let mut names: Vec<&str> = there.iter().chain(&then).map(|(name, _)| *name).collect();
                names.sort_unstable();
                names.dedup();
                let get = |list: &[(&str, &Json)], wanted: &str| {
                    list.iter().find(|(name, _)| *name == wanted).map_or(Json::Null, |(_, item)| (*item).clone())
                };
                for name in names {
                    path.push(format!("[{name}]"));
                    compare(&get(&there, name), &get(&then, name), path, found);
                    path.pop();
                }
            }
            _ => {
                for index in 0..there.len().max(then.len()) {
                    path.push(format!("[{index}]"));
                    let at = |list: &[Json]| list.get(index).cloned().unwrap_or(Json::Null);
                    compare(&at(there), &at(then), path, found);
                    path.pop();
                }
            }
        },
        _ => found.push(told(live, wanted, path)),
    }
}

/// A list whose items all have a name of their own, as Kubernetes merges them.
fn named(list: &[Json]) -> Option<Vec<(&str, &Json)>> {
    let named: Vec<(&str, &Json)> =
        list.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect::<Option<_>>()?;
    let mut names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1]).then_some(named)
}

fn told(live: &Json, wanted: &Json, path: &[String]) -> String {
    let mut place = String::new();
    for part in path {
        if !place.is_empty() && !part.starts_with('[') {
            place.push('.');
        }
        // A key of free data can be a secret's name at most; it is bounded all the same.
        place.extend(part.chars().filter(|c| !c.is_control()).take(LONGEST));
    }
    match (shown(live, path), shown(wanted, path)) {
        (Some(live), Some(wanted)) => format!("{place}: {live} in the cluster, {wanted} wanted"),
        _ if live.is_null() => format!("{place}: not in the cluster, wanted"),
        _ if wanted.is_null() => format!("{place}: in the cluster, not wanted"),
        _ => format!("{place}: differs"),
    }
}

/// A value that cannot be a secret, as text.
fn shown(value: &Json, path: &[String]) -> Option<String> {
    let names_a_secret = |part: &str| {
        let part = part.to_lowercase();
        SECRETS.iter().any(|word| part.contains(word))
    };
    if path.iter().any(|part| DATA.contains(&part.as_str()) || names_a_secret(part)) {
        return None;
    }
    match value {
        Json::Null => Some("nothing".to_owned()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        Json::String(text) => {
            let key = path.iter().rev().find(|part| !part.starts_with('['))?;
            SHOWN.contains(&key.as_str()).then(|| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
        }
        Json::Array(_) | Json::Object(_) => None,
    }
}
