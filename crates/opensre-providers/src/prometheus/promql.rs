//! Building PromQL: selectors whose names and values cannot break out of their place.
//!
//! Grammar: Prometheus documentation, "Querying basics" and "Data model".

use std::fmt;

use crate::quoting::go_string;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compare {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`: the value is a regular expression (RE2), anchored at both ends.
    Like,
    /// `!~`
    NotLike,
}

/// One label matcher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Matcher {
    label: String,
    compare: Compare,
    value: String,
}

/// A selector of series: a metric's name, matchers, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    metric: Option<String>,
    matchers: Vec<Matcher>,
}

impl Matcher {
    /// `label = value`, whatever the value holds.
    pub fn equal(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), compare: Compare::Equal, value: value.into() }
    }

    /// A matcher with an expression or a negation. A text that comes from outside must be escaped with
    /// [`literal_regex`] before it becomes part of an expression.
    pub fn new(label: impl Into<String>, compare: Compare, value: impl Into<String>) -> Self {
        Self { label: label.into(), compare, value: value.into() }
    }

    /// The label has this value, or the series does not have the label at all: narrows without assuming that every
    /// series carries the label. (A missing label matches like an empty one.)
    pub fn equal_or_absent(label: impl Into<String>, value: &str) -> Self {
        Self::new(label, Compare::Like, format!("{}|", literal_regex(value)))
    }

    /// The label's name.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl Selector {
    /// All series that fulfil these matchers.
    pub fn matching(matchers: impl IntoIterator<Item = Matcher>) -> Self {
        Self { metric: None, matchers: matchers.into_iter().collect() }
    }

    /// The same matchers for one metric.
    #[must_use]
    pub fn of(&self, metric: &str) -> Self {
        Self { metric: Some(metric.to_owned()), matchers: self.matchers.clone() }
    }

    /// One more matcher.
    #[must_use]
    pub fn and(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// The labels that it narrows by, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(Matcher::label)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compare = match self.compare {
            Compare::Equal => "=",
            Compare::NotEqual => "!=",
            Compare::Like => "=~",
            Compare::NotLike => "!~",
        };
        write!(f, "{}{compare}{}", label_name(&self.label), go_string(&self.value))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
        match &self.metric {
            Some(metric) if is_classic_metric(metric) => f.write_str(metric)?,
            Some(metric) => parts.insert(0, go_string(metric)),
            None => {}
        }
        if parts.is_empty() { Ok(()) } else { write!(f, "{{{}}}", parts.join(",")) }
    }
}

/// A label's name as PromQL spells it: bare where the classic character set allows, else quoted (Prometheus 3,
/// "UTF-8 in Prometheus").
pub fn label_name(name: &str) -> String {
    if is_classic_label(name) { name.to_owned() } else { go_string(name) }
}

/// Whether a name can stand bare as a label's: `[a-zA-Z_][a-zA-Z0-9_]*`. Servers before version 3 know no others.
pub fn is_classic_label(name: &str) -> bool {
    is_word(name, |c| c == '_')
}

/// Whether a name can stand bare as a metric's: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_classic_metric(name: &str) -> bool {
    // A bare keyword in the place of a metric is read as the keyword.
    const KEYWORDS: &[&str] =
        &["bool", "by", "group_left", "group_right", "ignoring", "inf", "nan", "offset", "on", "without"];
    is_word(name, |c| c == '_' || c == ':') && !KEYWORDS.contains(&name.to_ascii_lowercase().as_str())
}

fn is_word(name: &str, also: impl Fn(char) -> bool) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || also(c))
        && characters.all(|c| c.is_ascii_alphanumeric() || also(c))
}

/// A text as a regular expression (RE2) that matches exactly it.
pub fn literal_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A span of seconds as PromQL spells it in brackets.
pub fn seconds(span: i64) -> String {
    match span {
        s if s >= 3600 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}
