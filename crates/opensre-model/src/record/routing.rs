//! Changes of a store document's groups and routing rules. Pure, like all changes: everything else in the document, and
//! every key that is not ours, stays as it is.

use serde_json::{Map, Value as Json, json};

use super::shape::kind_of;
use super::{Document, EditError};
use crate::instance::normalise;
use crate::routing::InDoubt;
use crate::selector::Group;

impl Document {
    /// Puts a group into the store; with `replace` in the place of one of that name, whose unknown keys stay. `select`
    /// is written as it is given. Returns whether there was one.
    pub fn put_group(&mut self, group: &Group, select: &str, replace: bool) -> Result<bool, EditError> {
        let groups = list(&mut self.root, "groups")?;
        if let Some(Json::Object(known)) = groups.iter_mut().find(|entry| is_group(entry, &group.name)) {
            if !replace {
                return Err(EditError::GroupExists { name: group.name.clone() });
            }
            known.insert("select".to_owned(), json!(select.trim()));
            return Ok(true);
        }
        groups.push(json!({"name": group.name, "select": select.trim()}));
        Ok(false)
    }

    /// Removes the groups of a name. Returns whether there was one.
    pub fn remove_group(&mut self, name: &str) -> Result<bool, EditError> {
        if self.top_level("groups").is_none() {
            return Ok(false);
        }
        let groups = list(&mut self.root, "groups")?;
        let before = groups.len();
        groups.retain(|entry| !is_group(entry, &normalise(name)));
        Ok(groups.len() != before)
    }

    /// Puts a rule at a place counted from 1, or behind all others. Returns its place.
    pub fn insert_rule(&mut self, place: Option<usize>, rule: &Map<String, Json>) -> Result<usize, EditError> {
        let rules = list(self.routing()?, "routing.rules")?;
        let place = place.unwrap_or(rules.len() + 1);
        if place == 0 || place > rules.len() + 1 {
            return Err(EditError::NoRule { place, count: rules.len() });
        }
        rules.insert(place - 1, Json::Object(rule.clone()));
        Ok(place)
    }

    /// Removes the rule at a place counted from 1, and returns it as it was written.
    pub fn remove_rule(&mut self, place: usize) -> Result<Json, EditError> {
        let rules = self.written_rules()?;
        if place == 0 || place > rules.len() {
            return Err(EditError::NoRule { place, count: rules.len() });
        }
        Ok(rules.remove(place - 1))
    }

    /// Moves the rule at a place to another; those between move up or down by one.
    pub fn move_rule(&mut self, from: usize, to: usize) -> Result<(), EditError> {
        let rules = self.written_rules()?;
        for place in [from, to] {
            if place == 0 || place > rules.len() {
                return Err(EditError::NoRule { place, count: rules.len() });
            }
        }
        let rule = rules.remove(from - 1);
        rules.insert(to - 1, rule);
        Ok(())
    }

    /// Says what to do with what is unknown or ambiguous; `None` leaves it as it is.
    pub fn set_in_doubt(&mut self, unknown: Option<InDoubt>, ambiguous: Option<InDoubt>) -> Result<(), EditError> {
        for (key, word) in [("unknown", unknown), ("ambiguous", ambiguous)] {
            if let Some(word) = word {
                self.routing()?.insert(key.to_owned(), json!(word));
            }
        }
        Ok(())
    }

    /// The rules, when there are some, without making a place for them.
    fn written_rules(&mut self) -> Result<&mut Vec<Json>, EditError> {
        if self.top_level("routing").is_none_or(|routing| routing.get("rules").is_none_or(Json::is_null)) {
            return Err(EditError::NoRule { place: 1, count: 0 });
        }
        list(self.routing()?, "routing.rules")
    }

    fn routing(&mut self) -> Result<&mut Map<String, Json>, EditError> {
        let written = self.root.entry("routing").or_insert(Json::Null);
        if written.is_null() {
            *written = json!({});
        }
        let kind = kind_of(written);
        written.as_object_mut().ok_or(EditError::NotReadable { key: "routing", kind })
    }
}

/// The list at a key, made when there is none; something else there is never written over.
fn list<'a>(map: &'a mut Map<String, Json>, path: &'static str) -> Result<&'a mut Vec<Json>, EditError> {
    let key = path.rsplit('.').next().unwrap_or(path);
    let written = map.entry(key).or_insert(Json::Null);
    if written.is_null() {
        *written = json!([]);
    }
    let kind = kind_of(written);
    written.as_array_mut().ok_or(EditError::NotReadable { key: path, kind })
}

fn is_group(entry: &Json, name: &str) -> bool {
    entry.get("name").and_then(Json::as_str).is_some_and(|written| normalise(written) == name)
}
