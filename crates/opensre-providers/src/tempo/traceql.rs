//! TraceQL, built from values that come from outside: a value is always inside a quoted literal.
//!
//! Facts from the vendor's page "Construct a TraceQL query": strings in double quotes or backquotes, attributes
//! scoped with `resource.` and `span.`, the intrinsics `status` and `duration`, durations as `1500ms`.

use std::fmt::Write as _;

/// A text as a TraceQL string literal: in double quotes, escaped as a Go string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_control() || matches!(other, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Traces in which a service has a span with an error.
pub(crate) fn errors_of(service: &str) -> String {
    format!("{{ resource.service.name = {} && status = error }}", quote(service))
}

/// Traces in which a service has a span at least so long.
pub(crate) fn slow_of(service: &str, at_least_ms: u64) -> String {
    format!("{{ resource.service.name = {} && duration >= {at_least_ms}ms }}", quote(service))
}

/// Traces in which a service has a span.
pub(crate) fn any_of(service: &str) -> String {
    format!("{{ resource.service.name = {} }}", quote(service))
}
