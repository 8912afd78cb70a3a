//! TraceQL, built from values that come from outside: a value is always inside a quoted literal.
//!
//! Facts from the vendor's page "Construct a TraceQL query": strings in double quotes or backquotes, attributes
//! scoped with `resource.` and `span.`, the intrinsics `status` and `duration`, durations as `1500ms`.

use crate::quoting::go_string as quote;

/// Traces in which a service has a span with an error.
pub fn errors_of(service: &str) -> String {
    format!("{{ resource.service.name = {} && status = error }}", quote(service))
}

/// Traces in which a service has a span at least so long.
pub fn slow_of(service: &str, at_least_ms: u64) -> String {
    format!("{{ resource.service.name = {} && duration >= {at_least_ms}ms }}", quote(service))
}

/// Traces in which a service has a span.
pub fn any_of(service: &str) -> String {
    format!("{{ resource.service.name = {} }}", quote(service))
}
