//! The tag-selector language: what a selector is, what it matches and how it is written.

use std::fmt;
use std::str::FromStr;

use crate::instance::Tags;

use super::parse;

/// A tag selector in the style of Kubernetes label selectors: requirements that must all hold.
///
/// | written | holds when |
/// |---|---|
/// | `env=prod`, `env==prod` | the tag is there with this value |
/// | `region!=eu` | the tag is absent or has another value |
/// | `team in (a,b)` | the tag is there with one of these values |
/// | `tier notin (x)` | the tag is absent or has none of these values |
/// | `gpu` | the tag is there |
/// | `!legacy` | the tag is absent |
///
/// Requirements are separated by commas. Letter case and surrounding white space never matter. A value may hold
/// spaces (`team=site reliability`); names and values that hold `,`, `=`, `!`, a parenthesis or a quote are put in
/// single or double quotes (`owner="ops, night"`), where a backslash takes the next character literally. A blank text
/// is a selector that matches nothing.
///
/// ```
/// use opensre_model::instance::Tags;
/// use opensre_model::selector::Selector;
///
/// let selector = Selector::parse("env=prod,region!=eu,team in (a,b)")?;
/// assert!(selector.matches(&Tags::from_pairs([("Env", "PROD"), ("team", "b")])));
/// assert!(!selector.matches(&Tags::from_pairs([("env", "prod"), ("region", "eu"), ("team", "b")])));
/// assert_eq!(Selector::parse(&selector.to_string())?, selector);
/// # Ok::<(), opensre_model::selector::SelectorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// One requirement of a selector. Names and values are trimmed and lower-cased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The tag is there with this value.
    Equals {
        /// The tag's name.
        key: String,
        /// The value.
        value: String,
    },
    /// The tag is absent or has another value.
    Differs {
        /// The tag's name.
        key: String,
        /// The value.
        value: String,
    },
    /// The tag is there with one of these values.
    In {
        /// The tag's name.
        key: String,
        /// The values; never empty.
        values: Vec<String>,
    },
    /// The tag is absent or has none of these values.
    NotIn {
        /// The tag's name.
        key: String,
        /// The values; never empty.
        values: Vec<String>,
    },
    /// The tag is there.
    Exists {
        /// The tag's name.
        key: String,
    },
    /// The tag is absent.
    Absent {
        /// The tag's name.
        key: String,
    },
}

/// Why a text is no tag selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tag selector: {reason} at position {position}")]
pub struct SelectorError {
    /// Where, in characters, counted from 1.
    pub position: usize,
    /// What is wrong there, in words.
    pub reason: String,
    /// What to write instead.
    pub hint: String,
}

impl Selector {
    /// Reads a selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Ok(Self { requirements: parse::requirements(text)? })
    }

    /// Whether every requirement holds. A selector without requirements matches nothing.
    pub fn matches(&self, tags: &Tags) -> bool {
        self.holds(&|key| tags.get(key))
    }

    /// Whether every requirement holds of something else that has names and values, normalised. A selector without
    /// requirements holds of nothing.
    pub fn holds(&self, get: &dyn Fn(&str) -> Option<String>) -> bool {
        !self.requirements.is_empty() && self.requirements.iter().all(|requirement| requirement.holds(get))
    }

    /// Whether it has no requirement, and so matches nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The requirements, in written order.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

impl Requirement {
    /// The name that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Equals { key, .. }
            | Self::Differs { key, .. }
            | Self::In { key, .. }
            | Self::NotIn { key, .. }
            | Self::Exists { key }
            | Self::Absent { key } => key,
        }
    }

    fn holds(&self, get: &dyn Fn(&str) -> Option<String>) -> bool {
        let found = get(self.key());
        match self {
            Self::Equals { value, .. } => found.as_ref() == Some(value),
            Self::Differs { value, .. } => found.as_ref() != Some(value),
            Self::In { values, .. } => found.is_some_and(|found| values.contains(&found)),
            Self::NotIn { values, .. } => found.is_none_or(|found| !values.contains(&found)),
            Self::Exists { .. } => found.is_some(),
            Self::Absent { .. } => found.is_none(),
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, requirement) in self.requirements.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals { key, value } => write!(f, "{}={}", Word::key(key), Word::value(value)),
            Self::Differs { key, value } => write!(f, "{}!={}", Word::key(key), Word::value(value)),
            Self::In { key, values } => write!(f, "{} in ({})", Word::key(key), List(values)),
            Self::NotIn { key, values } => write!(f, "{} notin ({})", Word::key(key), List(values)),
            Self::Exists { key } => write!(f, "{}", Word::key(key)),
            Self::Absent { key } => write!(f, "!{}", Word::key(key)),
        }
    }
}

/// A name or value as it is written: bare where that reads back the same, else in quotes.
struct Word<'a> {
    text: &'a str,
    bare: bool,
}

impl<'a> Word<'a> {
    fn key(text: &'a str) -> Self {
        Self { text, bare: !text.is_empty() && !text.chars().any(|c| parse::is_special(c) || c.is_whitespace()) }
    }

    fn value(text: &'a str) -> Self {
        let bare = !text.is_empty() && text.trim() == text && !text.chars().any(parse::is_special);
        Self { text, bare }
    }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bare {
            return f.write_str(self.text);
        }
        f.write_str("\"")?;
        for character in self.text.chars() {
            if matches!(character, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{character}")?;
        }
        f.write_str("\"")
    }
}

struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, value) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{}", Word::value(value))?;
        }
        Ok(())
    }
}
