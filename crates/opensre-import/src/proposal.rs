//! What a source holds that could become an instance.

use std::fmt;

use opensre_model::secret::{Secret, SecretReference};
use serde_json::{Map, Value as Json};

use crate::names::slug;

/// What a source holds: proposals, what could not be proposed, and what is to be said about the whole.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Possible instances, the source's own default first.
    pub proposals: Vec<Proposal>,
    /// Entries that cannot become instances.
    pub skipped: Vec<Skipped>,
    /// Things to know about the source as a whole.
    pub notes: Vec<String>,
    /// Groups and routing rules (of a store of ours), as written.
    pub(crate) settings: Map<String, Json>,
    /// Whether secrets are copied even when nobody asked: the origin is a store of ours, and is to be one again.
    pub(crate) copies_secrets: bool,
}

/// An entry that cannot become an instance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// Which entry: ``context `broken` (line 7)``.
    pub what: String,
    /// Why not.
    pub reason: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A possible instance.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The provider's key.
    pub service: String,
    /// The name that it should have.
    pub name: String,
    /// A longer name, for when several want the same.
    pub full_name: String,
    /// What it was made from: ``context `prod-eu` ``.
    pub origin: String,
    /// Its fields, by declared key.
    pub fields: Vec<(String, Field)>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Its pin, as written.
    pub expect: Option<Json>,
    /// Other keys of an instance entry (policies), as written.
    pub extra: Map<String, Json>,
    /// Fields that say which system it is: a stored instance with the same values is the same one, whatever its name. None
    /// where a vendor's one host has everybody's.
    pub identity: &'static [&'static str],
    /// Things to know about it.
    pub notes: Vec<String>,
}

/// One field's value.
#[derive(Clone, PartialEq)]
pub enum Field {
    /// No secret, in the JSON type of the store.
    Plain(Json),
    /// A secret.
    Secret(Given),
    /// A map with secret values (HTTP headers).
    Secrets(Vec<(String, Given)>),
}

/// How a secret is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Kept elsewhere.
    Reference(SecretReference),
    /// In clear.
    Literal(Secret),
    /// There is one, and it cannot be had from here; why.
    Withheld(&'static str),
}

/// A tag and what it was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value, as the store has it.
    pub value: Json,
    /// ``the name `prod-eu` ``; `None` for a tag that the source itself has.
    pub inferred_from: Option<String>,
}

impl Found {
    pub(crate) fn skip(&mut self, what: impl Into<String>, reason: impl Into<String>, hint: Option<&str>) {
        self.skipped.push(Skipped { what: what.into(), reason: reason.into(), hint: hint.map(str::to_owned) });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Makes one proposal of those that mean the same instance: of one name and identity, with no field that differs.
    /// Several entries of a foreign file often speak of one system.
    pub(crate) fn merge_alike(&mut self) {
        let mut merged: Vec<Proposal> = Vec::with_capacity(self.proposals.len());
        for proposal in std::mem::take(&mut self.proposals) {
            match merged.iter_mut().find(|known| known.is_like(&proposal)) {
                Some(known) => known.absorb(proposal),
                None => merged.push(proposal),
            }
        }
        self.proposals = merged;
    }

    /// Adds what another source has.
    pub fn extend(&mut self, other: Self) {
        self.proposals.extend(other.proposals);
        self.skipped.extend(other.skipped);
        for note in other.notes {
            self.note(note);
        }
        self.settings.extend(other.settings);
        self.copies_secrets |= other.copies_secrets;
    }
}

impl Proposal {
    pub(crate) fn new(service: &str, written_name: &str, origin: impl Into<String>) -> Self {
        let name = slug(written_name);
        Self {
            service: service.to_owned(),
            full_name: name.clone(),
            name,
            origin: origin.into(),
            fields: Vec::new(),
            tags: Vec::new(),
            expect: None,
            extra: Map::new(),
            identity: &[],
            notes: Vec::new(),
        }
    }

    /// Sets a field that is no secret, if there is a value.
    pub(crate) fn text(&mut self, key: &str, value: Option<String>) -> &mut Self {
        if let Some(value) = value {
            self.plain(key, Json::String(value));
        }
        self
    }

    pub(crate) fn plain(&mut self, key: &str, value: Json) -> &mut Self {
        self.put(key, Field::Plain(value));
        self
    }

    /// Sets a secret field, if there is one.
    pub(crate) fn secret(&mut self, key: &str, given: Option<Given>) -> &mut Self {
        if let Some(given) = given {
            self.put(key, Field::Secret(given));
        }
        self
    }

    pub(crate) fn put(&mut self, key: &str, value: Field) {
        match self.fields.iter_mut().find(|(known, _)| known == key) {
            Some((_, field)) => *field = value,
            None => self.fields.push((key.to_owned(), value)),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == key)
    }

    pub(crate) fn plain_text(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == key).and_then(|(_, field)| match field {
            Field::Plain(Json::String(text)) => Some(text.as_str()),
            _ => None,
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        let agree = |(key, field): &(String, Field)| {
            other.fields.iter().find(|(known, _)| known == key).is_none_or(|(_, known)| known == field)
        };
        let identified = self.identity.iter().all(|key| self.plain_text(key) == other.plain_text(key));
        self.service == other.service && self.name == other.name && identified && self.fields.iter().all(agree)
    }

    fn absorb(&mut self, other: Self) {
        if !self.origin.split(", ").any(|known| known == other.origin) {
            self.origin = format!("{}, {}", self.origin, other.origin);
        }
        for (key, field) in other.fields {
            self.put(&key, field);
        }
        for tag in other.tags {
            if !self.tags.iter().any(|known| known.key == tag.key) {
                self.tags.push(tag);
            }
        }
        for note in other.notes {
            self.note(note);
        }
    }

    /// Adds a tag that was inferred, unless there is one of that name.
    pub(crate) fn infer(&mut self, key: &str, value: &str, from: &str) {
        if !self.tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key)) {
            let value = Json::String(value.to_owned());
            self.tags.push(Tag { key: key.to_owned(), value, inferred_from: Some(from.to_owned()) });
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

impl Given {
    /// A secret in clear; `None` when it is blank. What looks like a reference is not taken for one: a foreign file
    /// must not make this program read files or start commands.
    pub(crate) fn literal(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if text.starts_with("${") {
            return Some(Self::Withheld("it is written as a reference of another kind"));
        }
        Some(Self::Literal(Secret::new(text)))
    }

    pub(crate) fn variable(name: &str) -> Self {
        Self::Reference(SecretReference::Env(name.to_owned()))
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A plain field of a foreign file may hold anything.
            Self::Plain(_) => f.write_str("Plain(..)"),
            Self::Secret(given) => f.debug_tuple("Secret").field(given).finish(),
            Self::Secrets(map) => f.debug_tuple("Secrets").field(map).finish(),
        }
    }
}
