//! LogQL, built from values that come from outside: a value is always inside a quoted literal, a label name is
//! always an identifier, and a stream selector is never empty.
//!
//! Facts from the vendor's pages "Log queries" (selector, line filter and label filter), "Metric queries"
//! (`count_over_time`) and "Template functions" (strings are quoted as in Go).

use std::fmt::{self, Write as _};

use crate::quoting::go_string as quote;

/// Whether a text can be a label's name in a query.
pub fn is_label_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// A stream selector of equality matchers; never empty, and no matcher in it matches streams without its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    matchers: Vec<(String, String)>,
}

impl Selector {
    /// A selector of labels and values. Matchers whose name is no identifier or whose value is empty (which would
    /// match streams without the label) are left out; `None` when nothing is left.
    pub fn new(matchers: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let matchers: Vec<_> =
            matchers.into_iter().filter(|(name, value)| is_label_name(name) && !value.is_empty()).collect();
        (!matchers.is_empty()).then_some(Self { matchers })
    }

    /// The lines that contain a match of a regular expression (RE2).
    pub fn lines_matching(&self, pattern: &str) -> String {
        format!("{self} |~ {}", quote(pattern))
    }

    /// The lines one of whose labels (of the stream, or structured metadata) matches a regular expression as a
    /// whole. Names that are no identifiers are left out; without any, all lines.
    pub fn labels_matching(&self, names: &[&str], pattern: &str) -> String {
        let pattern = quote(pattern);
        let filters: Vec<String> =
            names.iter().filter(|name| is_label_name(name)).map(|name| format!("{name}=~{pattern}")).collect();
        if filters.is_empty() { self.to_string() } else { format!("{self} | {}", filters.join(" or ")) }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (position, (name, value)) in self.matchers.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={}", quote(value))?;
        }
        f.write_char('}')
    }
}

/// The number of lines that a log query finds in each step, as one series.
pub fn count(log_query: &str, step_seconds: i64) -> String {
    format!("sum(count_over_time({log_query} [{step_seconds}s]))")
}
