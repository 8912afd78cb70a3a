//! Groups and routing rules of one store, merged into those of another.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::plan::Action;

/// A group or a routing setting, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// What it is: `group @eu`, `routing rule 2`, `routing unknown`.
    pub what: String,
    /// What becomes of it.
    pub action: Action,
    /// What the store has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What the other store has.
    pub new: String,
}

/// The keys of a store document that are merged.
pub(crate) const KEYS: [&str; 2] = ["groups", "routing"];

/// Merges into a document's top level. What cannot be read as it should be stays untouched and is noted.
pub(crate) fn merge(
    root: &mut Map<String, Json>,
    found: &Map<String, Json>,
    update: bool,
    notes: &mut Vec<String>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Some(groups) = found.get("groups") {
        match (groups, root.entry("groups").or_insert_with(|| Json::Array(Vec::new()))) {
            (Json::Array(new), Json::Array(own)) => merge_groups(own, new, update, &mut settings),
            _ => notes.push("the groups are not merged: one of the two stores has no list there".to_owned()),
        }
    }
    if let Some(routing) = found.get("routing") {
        match (routing, root.entry("routing").or_insert_with(|| Json::Object(Map::new()))) {
            (Json::Object(new), Json::Object(own)) => merge_routing(own, new, update, &mut settings, notes),
            _ => notes.push("the routing rules are not merged: one of the two stores has no object there".to_owned()),
        }
    }
    // A key that nothing came of was not there before either.
    for key in KEYS {
        let empty = match root.get(key) {
            Some(Json::Array(list)) => list.is_empty(),
            Some(Json::Object(map)) => map.is_empty(),
            _ => false,
        };
        if empty && !settings.iter().any(|setting| setting.action != Action::Same) {
            root.shift_remove(key);
        }
    }
    settings
}

fn name(group: &Json) -> Option<String> {
    group.get("name").and_then(Json::as_str).map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty())
}

fn merge_groups(own: &mut Vec<Json>, new: &[Json], update: bool, settings: &mut Vec<Setting>) {
    for group in new {
        let Some(name) = name(group) else { continue };
        let known = own.iter_mut().find(|known| self::name(known).as_ref() == Some(&name));
        settings.push(one(format!("group {name}"), known, group, update));
        if settings.last().is_some_and(|setting| setting.action == Action::Add) {
            own.push(group.clone());
        }
    }
}

fn merge_routing(
    own: &mut Map<String, Json>,
    new: &Map<String, Json>,
    update: bool,
    settings: &mut Vec<Setting>,
    notes: &mut Vec<String>,
) {
    for (key, value) in new {
        if key != "rules" {
            let setting = one(format!("routing {key}"), own.get_mut(key), value, update);
            if setting.action == Action::Add {
                own.insert(key.clone(), value.clone());
            }
            settings.push(setting);
            continue;
        }
        match (value, own.entry("rules").or_insert_with(|| Json::Array(Vec::new()))) {
            (Json::Array(rules), Json::Array(known)) => {
                for rule in rules {
                    let position = known.iter().position(|own| own == rule);
                    let (number, action) = if let Some(position) = position {
                        (position + 1, Action::Same)
                    } else {
                        known.push(rule.clone());
                        (known.len(), Action::Add)
                    };
                    settings.push(Setting {
                        what: format!("routing rule {number}"),
                        action,
                        old: None,
                        new: rule.to_string(),
                    });
                }
            }
            _ => notes.push("the routing rules are not merged: one of the two stores has no list there".to_owned()),
        }
    }
}

/// A setting that has one value.
fn one(what: String, own: Option<&mut Json>, new: &Json, update: bool) -> Setting {
    let shown = shown(new);
    match own {
        None => Setting { what, action: Action::Add, old: None, new: shown },
        Some(own) if own == new => Setting { what, action: Action::Same, old: None, new: shown },
        Some(own) => {
            let old = Some(self::shown(own));
            if update {
                *own = new.clone();
            }
            Setting { what, action: if update { Action::Change } else { Action::Differs }, old, new: shown }
        }
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(map) => map.get("select").and_then(Json::as_str).map_or_else(|| value.to_string(), str::to_owned),
        other => other.to_string(),
    }
}
