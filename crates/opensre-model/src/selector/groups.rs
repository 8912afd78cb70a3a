//! Groups: names for selectors, such as `@eu` for `region=eu,env=prod`.

use serde::Serialize;

use crate::instance::{Instance, normalise};
use crate::wording::quoted;

use super::language::{Selector, SelectorError};
use crate::wording::nearest;

/// A name for all instances, of whatever service, whose tags fit a selector. Groups do not hold groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, trimmed and lower-cased, with its `@`.
    pub name: String,
    /// What its members have in common.
    pub select: Selector,
}

/// The groups that there are, in order; no two have the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups(Vec<Group>);

/// Why something is no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The name is none of a group.
    #[error("{} is no name of a group; write `@` and a word, such as `@eu`", quoted(.0))]
    Name(String),
    /// The selector names a group.
    #[error("a group selects by tags and holds no other group")]
    Nested,
    /// The selector is blank, so it would match nothing.
    #[error("the selector is blank; write one such as region=eu,env=prod")]
    Blank,
    /// The selector cannot be read.
    #[error("{0} ({hint})", hint = .0.hint)]
    Selector(#[from] SelectorError),
}

impl Group {
    /// What every group's name begins with.
    pub const SIGN: char = '@';

    /// A group of that name.
    ///
    /// ```
    /// use opensre_model::selector::{Group, GroupError};
    /// assert_eq!(Group::new(" @EU", "region=eu").unwrap().name, "@eu");
    /// assert_eq!(Group::new("@all", "@eu"), Err(GroupError::Nested));
    /// assert!(Group::new("eu", "region=eu").is_err());
    /// ```
    pub fn new(name: &str, select: &str) -> Result<Self, GroupError> {
        let normal = normalise(name);
        let word = normal.strip_prefix(Self::SIGN).unwrap_or_default();
        let special =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | ',' | '/' | '=' | '!' | '(' | ')');
        if word.is_empty() || word.contains(special) {
            return Err(GroupError::Name(name.to_owned()));
        }
        if Self::is_named(select) {
            return Err(GroupError::Nested);
        }
        let select = Selector::parse(select)?;
        if select.is_empty() {
            return Err(GroupError::Blank);
        }
        Ok(Self { name: normal, select })
    }

    /// Whether a text, as it is written, is meant as a group's name.
    pub fn is_named(text: &str) -> bool {
        text.trim_start().starts_with(Self::SIGN)
    }

    /// Whether an instance belongs to the group.
    pub fn holds(&self, instance: &Instance) -> bool {
        self.select.matches(&instance.tags)
    }
}

impl Groups {
    /// Adds a group, unless there is one of that name. Returns whether it was added.
    pub fn add(&mut self, group: Group) -> bool {
        let is_new = self.get(&group.name).is_none();
        if is_new {
            self.0.push(group);
        }
        is_new
    }

    /// A group by its name, trimmed, in any letter case.
    pub fn get(&self, name: &str) -> Option<&Group> {
        let name = normalise(name);
        self.0.iter().find(|group| group.name == name)
    }

    /// All groups, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }

    /// Why there is no group of a name, with the nearest that there is.
    pub fn why_unknown(&self, name: &str) -> String {
        let near = nearest(name, self.0.iter().map(|group| group.name.as_str()));
        let meant = near.map(|near| format!("did you mean {}? ", quoted(near))).unwrap_or_default();
        let names: Vec<&str> = self.0.iter().map(|group| group.name.as_str()).collect();
        let there = if names.is_empty() { "there is none".to_owned() } else { format!("groups: {}", names.join(", ")) };
        format!("there is no group {} ({meant}{there})", quoted(name))
    }
}

impl Serialize for Group {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Group", 2)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("select", &self.select.to_string())?;
        fields.end()
    }
}
