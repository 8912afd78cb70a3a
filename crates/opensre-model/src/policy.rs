//! Policies of an instance: whether only its name chooses it, and which parts of an alert may name it.
//!
//! A policy takes instances away and never puts one in the place of another: what routing chooses with policies is part
//! of what it would choose without them. One that cannot be read protects as much as it can.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::fields;
use crate::record::kind_of;
use crate::wording::{joined, nearest, quoted};

/// The policies of an instance. By default there are none: everything may choose it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Whether only its own name chooses it, on the command line, in a hint or in a routing rule; never a tag, an id, a
    /// URL or the default, and no selector or group that it happens to belong to.
    pub requires_explicit: bool,
    /// The parts of an alert that may name it; `None` when all may. The command line always may, and being the default
    /// names nothing.
    pub route_from: Option<BTreeSet<AlertPart>>,
}

/// A part of an alert that can name an instance: by what it says, or by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertPart {
    /// A `<service>_instance` hint, wherever it stands.
    Hint,
    /// Labels that a routing rule matches.
    Rules,
    /// A URL under the instance's own.
    Urls,
    /// An account, region, site or cluster that the instance is configured with.
    Identifiers,
    /// Labels that agree with the instance's tags.
    Tags,
    /// Anything at the payload's top level.
    TopLevel,
    /// Anything among annotations.
    Annotations,
    /// Anything among labels (also what formats call tags or details).
    Labels,
}

/// How an alert names an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// What it says.
    pub(crate) part: AlertPart,
    /// Where it stands in the payload, where that is known.
    pub(crate) path: Option<String>,
}

/// How policies were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyReading {
    pub(crate) policy: Policy,
    /// What could not be read: the key, and what is wrong with it.
    pub(crate) unreadable: Vec<(&'static str, String)>,
}

/// The policies of an instance as written.
#[derive(Clone, Default, PartialEq)]
pub struct RawPolicy {
    /// `requires_explicit`, if it is there.
    pub requires_explicit: Option<Json>,
    /// `route_from`, if it is there.
    pub route_from: Option<Json>,
}

impl RawPolicy {
    /// The keys of policies, beside an instance's `name`, `tags` and `expect`.
    pub const KEYS: [&'static str; 2] = ["requires_explicit", "route_from"];

    /// The policies among the keys of an instance.
    pub fn of(entry: &Map<String, Json>) -> Self {
        let written = |key: &str| entry.get(key).filter(|value| !value.is_null()).cloned();
        let [explicit, from] = Self::KEYS;
        Self { requires_explicit: written(explicit), route_from: written(from) }
    }

    /// The policies taken out of the keys of an instance.
    pub(crate) fn take_from(entry: &mut Map<String, Json>) -> Self {
        let policy = Self::of(entry);
        for key in Self::KEYS {
            entry.shift_remove(key);
        }
        policy
    }

    /// What is written, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Json)> {
        Self::KEYS
            .into_iter()
            .zip([&self.requires_explicit, &self.route_from])
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }
}

impl AlertPart {
    /// All parts.
    pub const ALL: [Self; 8] = [
        Self::Hint,
        Self::Rules,
        Self::Urls,
        Self::Identifiers,
        Self::Tags,
        Self::TopLevel,
        Self::Annotations,
        Self::Labels,
    ];

    /// The word for it in `route_from`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Rules => "rules",
            Self::Urls => "urls",
            Self::Identifiers => "identifiers",
            Self::Tags => "tags",
            Self::TopLevel => "top_level",
            Self::Annotations => "annotations",
            Self::Labels => "labels",
        }
    }

    /// Reads a word, trimmed, in any letter case.
    pub fn parse(word: &str) -> Result<Self, String> {
        let wanted = word.trim().to_lowercase().replace('-', "_");
        if let Some(part) = Self::ALL.into_iter().find(|part| part.as_str() == wanted) {
            return Ok(part);
        }
        let words = Self::ALL.map(Self::as_str);
        let meant = nearest(&wanted, words).map(|near| format!("did you mean `{near}`? "));
        Err(format!(
            "{} is no part of an alert ({}the parts are {})",
            quoted(word),
            meant.unwrap_or_default(),
            joined(&words.map(str::to_owned), "and")
        ))
    }

    /// Where in a payload a path is: the first of its segments that says so decides, since a label's own name may hold
    /// any word.
    fn place(path: &str) -> Self {
        let names = path.split('.').map(|segment| segment.split('[').next().unwrap_or_default().to_lowercase());
        names
            .into_iter()
            .find_map(|name| match name.as_str() {
                "tags" | "details" => Some(Self::Labels),
                name if name.ends_with("labels") => Some(Self::Labels),
                name if name.ends_with("annotations") => Some(Self::Annotations),
                _ => None,
            })
            .unwrap_or(Self::TopLevel)
    }
}

impl fmt::Display for AlertPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy {
    /// Reads written policies. What cannot be read counts as the strictest that it could mean: an unreadable
    /// `requires_explicit` as true, an unreadable `route_from` as no part, a word of it that is none as left out.
    pub(crate) fn read(written: &RawPolicy) -> PolicyReading {
        let mut reading = PolicyReading { policy: Self::default(), unreadable: Vec::new() };
        let [explicit, from] = RawPolicy::KEYS;
        if let Some(value) = &written.requires_explicit {
            reading.policy.requires_explicit = fields::boolean(value).unwrap_or_else(|| {
                let reason = format!("is {}, not true or false; it counts as true", kind_of(value));
                reading.unreadable.push((explicit, reason));
                true
            });
        }
        if let Some(value) = &written.route_from {
            let mut parts = BTreeSet::new();
            let mut word = |word: &str| match AlertPart::parse(word) {
                Ok(part) => {
                    parts.insert(part);
                }
                Err(reason) => reading.unreadable.push((from, format!("{reason}; it allows nothing"))),
            };
            match value {
                Json::String(words) => words.split(',').filter(|text| !text.trim().is_empty()).for_each(&mut word),
                Json::Array(words) if words.iter().all(Json::is_string) => {
                    words.iter().filter_map(Json::as_str).for_each(&mut word);
                }
                other => {
                    let reason = format!("is {}, not a list of words; no part of an alert may name it", kind_of(other));
                    reading.unreadable.push((from, reason));
                }
            }
            reading.policy.route_from = Some(parts);
        }
        reading
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.requires_explicit && self.route_from.is_none()
    }

    /// Whether an alert may name the instance in this way: by what it says or by where that stands.
    pub(crate) fn allows(&self, way: &Way) -> bool {
        self.route_from.as_ref().is_none_or(|parts| {
            parts.contains(&way.part)
                || way.path.as_deref().is_some_and(|path| {
                    // A URL is no label and no annotation, wherever it stands.
                    way.part != AlertPart::Urls && parts.contains(&AlertPart::place(path))
                })
        })
    }

    /// `route_from` in words: `only hint and urls`, or `no part of an alert`.
    pub fn parts_in_words(&self) -> Option<String> {
        let parts: Vec<String> = self.route_from.as_ref()?.iter().map(ToString::to_string).collect();
        Some(if parts.is_empty() {
            "no part of an alert".to_owned()
        } else {
            format!("only {}", joined(&parts, "and"))
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.requires_explicit {
            words.push("requires_explicit".to_owned());
        }
        if let Some(parts) = self.route_from.as_ref() {
            let parts: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
            words.push(format!("route_from={}", if parts.is_empty() { "nothing".to_owned() } else { parts.join(",") }));
        }
        f.write_str(&words.join(" "))
    }
}
