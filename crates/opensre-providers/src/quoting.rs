//! String literals of query languages whose strings are Go's: PromQL, LogQL, TraceQL.

use std::fmt::Write as _;

/// A text as a literal in double quotes, escaped as a Go string: the reader gets back exactly the text.
///
/// Backquotes need no escape there. Control characters are escaped too, since a line break ends a literal and NUL is
/// no valid query at all; so are the invisible U+FEFF, U+2028 and U+2029, which a person could neither read nor copy, and
/// U+FFFD, which Prometheus takes for broken UTF-8.
pub fn go_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_control() || matches!(other, '\u{feff}' | '\u{fffd}' | '\u{2028}' | '\u{2029}') => {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
