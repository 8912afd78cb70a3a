//! From a proposal to an instance as the store would have it: secrets become references or, when that was asked for,
//! values.

use opensre_model::policy::RawPolicy;
use opensre_model::provider::{FieldSpec, ProviderSpec};
use opensre_model::record::RawInstance;
use opensre_model::redaction;
use opensre_model::secret::SecretReference;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::endpoint;
use crate::names::variable_for;
use crate::proposal::{Field, Given, Proposal};

/// A variable that a person must set, since a secret was not taken along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToSet {
    /// The variable.
    pub variable: String,
    /// The instance, as `family/name`.
    pub instance: String,
    /// The field whose value it is.
    pub field: String,
    /// Why the secret was not taken along.
    pub reason: String,
}

/// An instance as the store would have it.
pub(crate) struct Settled {
    pub(crate) instance: RawInstance,
    /// Other keys of the entry.
    pub(crate) extra: Map<String, Json>,
    /// Fields that hold a stand-in: any other value that a stored instance has is better.
    pub(crate) stand_ins: Vec<String>,
    pub(crate) to_set: Vec<ToSet>,
    pub(crate) notes: Vec<String>,
}

struct Settler<'a> {
    spec: Option<&'static ProviderSpec>,
    family: &'a str,
    name: &'a str,
    copy: bool,
    verbatim: bool,
    settled: Settled,
}

/// Settles a proposal. `copy` puts secrets that stand in clear in the origin into the store; `verbatim` keeps every text
/// as it is, whatever it carries.
pub(crate) fn settle(
    spec: Option<&'static ProviderSpec>,
    family: &str,
    proposal: &Proposal,
    copy: bool,
    verbatim: bool,
) -> Settled {
    let instance = RawInstance {
        name: proposal.name.clone(),
        tags: proposal.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        expect: proposal.expect.clone(),
        policy: RawPolicy::of(&proposal.extra),
        credentials: Map::new(),
    };
    let settled = Settled {
        instance,
        extra: proposal.extra.clone(),
        stand_ins: Vec::new(),
        to_set: Vec::new(),
        notes: proposal.notes.clone(),
    };
    let mut settler = Settler { spec, family, name: &proposal.name, copy, verbatim, settled };
    for (key, field) in &proposal.fields {
        settler.field(key, field);
    }
    settler.settled
}

impl Settler<'_> {
    fn field(&mut self, key: &str, field: &Field) {
        match field {
            Field::Plain(Json::String(text)) => self.text(key, text),
            Field::Plain(value) => self.value(key, value),
            Field::Secret(given) => {
                if let Some(text) = self.secret(key, key, given) {
                    self.put(key, Json::String(text));
                }
            }
            Field::Secrets(entries) => {
                let mut map = Map::new();
                for (name, given) in entries {
                    let path = format!("{key}_{name}");
                    if let Some(text) = self.secret(key, &path, given) {
                        map.insert(name.clone(), Json::String(text));
                    }
                }
                self.put(key, Json::Object(map));
            }
        }
    }

    /// A value that is no text: kept as it is, unless it may hold a secret that is not to be copied.
    fn value(&mut self, key: &str, value: &Json) {
        let map: Map<String, Json> = [(key.to_owned(), value.clone())].into_iter().collect();
        if self.copy || redaction::show(self.spec, &map) == map {
            self.put(key, value.clone());
        } else {
            self.settled.notes.push(format!("`{key}` may hold secrets and is left out; set it by hand"));
        }
    }

    fn put(&mut self, key: &str, value: Json) {
        self.settled.instance.credentials.insert(key.to_owned(), value);
    }

    /// A text that is no secret, though it may carry one: a URL with user information or a token in its query.
    fn text(&mut self, key: &str, text: &str) {
        // What is copied from a store of ours stays as it is.
        if redaction::text(text) == text || self.verbatim {
            self.put(key, Json::String(text.to_owned()));
            return;
        }
        let parts = endpoint::userinfo(text);
        let bare = parts.as_ref().map_or(text, |parts| parts.bare.as_str());
        if redaction::text(bare) != bare {
            if self.copy {
                self.put(key, Json::String(text.to_owned()));
            } else {
                self.settled
                    .notes
                    .push(format!("`{key}` carries a secret inside its URL and is left out; set it by hand"));
            }
            return;
        }
        self.put(key, Json::String(bare.to_owned()));
        let Some(parts) = parts else { return };
        let has = |field: &str| self.settled.instance.credentials.contains_key(field);
        if self.declared("username").is_some() && self.declared("password").is_some() && !has("username") {
            self.settled.notes.push(format!("user name and password moved out of `{key}` into their own fields"));
            if !parts.username.is_empty() {
                self.put("username", Json::String(parts.username));
            }
            if let Some(given) = Given::literal(&parts.password)
                && let Some(text) = self.secret("password", "password", &given)
            {
                self.put("password", Json::String(text));
            }
        } else {
            self.settled
                .notes
                .push(format!("user name and password in `{key}` are left out: there is no field for them"));
        }
    }

    fn declared(&self, key: &str) -> Option<&'static FieldSpec> {
        self.spec.and_then(|spec| spec.field(key))
    }

    /// A secret as the store would have it; `path` is what its stand-in is named after.
    fn secret(&mut self, key: &str, path: &str, given: &Given) -> Option<String> {
        let reason = match given {
            Given::Reference(reference) => return Some(reference.spelling()),
            Given::Literal(secret) if self.copy => return Some(secret.expose().to_owned()),
            Given::Literal(secret) if secret.is_empty() => return None,
            Given::Literal(_) => "it stands in clear where it comes from, and is not copied",
            Given::Withheld(reason) => reason,
        };
        let variable = variable_for(self.family, self.name, path);
        self.settled.stand_ins.push(key.to_owned());
        self.settled.to_set.push(ToSet {
            variable: variable.clone(),
            instance: format!("{}/{}", self.family, self.name),
            field: key.to_owned(),
            reason: reason.to_owned(),
        });
        Some(SecretReference::Env(variable).spelling())
    }
}
