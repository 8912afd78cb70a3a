//! Which label of a counter tells how a request ended, and which of its values mean that the server failed.

use std::collections::{BTreeMap, BTreeSet};

use super::promql::{Compare, Matcher, literal_regex};

/// Labels that may tell how a request ended, the most telling first.
const LABELS: &[&str] = &[
    "status",
    "code",
    "status_code",
    "http_status",
    "http_status_code",
    "http_response_status_code",
    "response_code",
    "http_code",
    "status_class",
    "envoy_response_code",
    "grpc_code",
    "grpc_status",
    "rpc_grpc_status_code",
    "outcome",
    "result",
];

/// Words that mean that the server failed: of conventions, and gRPC's codes without those that blame the caller.
const FAILED: &[&str] = &[
    "error",
    "errors",
    "err",
    "failed",
    "failure",
    "fail",
    "ko",
    "server_error",
    "exception",
    "timeout",
    "timed_out",
    "unknown",
    "deadline_exceeded",
    "deadlineexceeded",
    "resource_exhausted",
    "resourceexhausted",
    "aborted",
    "internal",
    "unavailable",
    "data_loss",
    "dataloss",
    "unimplemented",
];

/// Words that mean that it went well, or that the caller is to blame.
const FINE: &[&str] = &[
    "ok",
    "success",
    "successful",
    "succeeded",
    "completed",
    "informational",
    "redirection",
    "client_error",
    "canceled",
    "cancelled",
    "not_found",
    "notfound",
    "invalid_argument",
    "invalidargument",
    "already_exists",
    "alreadyexists",
    "permission_denied",
    "permissiondenied",
    "unauthenticated",
    "failed_precondition",
    "failedprecondition",
    "out_of_range",
    "outofrange",
];

/// gRPC's numbers of [`FAILED`] codes.
const FAILED_NUMBERS: &[&str] = &["2", "4", "8", "10", "12", "13", "14", "15"];

/// Whether a label may tell how a request ended.
pub(super) fn may_tell(label: &str) -> bool {
    LABELS.contains(&label)
}

/// The matcher of failed requests, by the first label whose values are outcomes; `None` when there is none.
///
/// The values that are there decide: HTTP codes and classes ask for `5..`, so that a code counts that comes later;
/// of words, those that mean a failure are asked for by name.
pub(super) fn failed(outcomes: &BTreeMap<String, BTreeSet<String>>) -> Option<Matcher> {
    LABELS.iter().find_map(|label| {
        let values = outcomes.get(*label).filter(|values| !values.is_empty())?;
        if values.iter().all(|value| is_http(value)) {
            return Some(Matcher::new(*label, Compare::Like, "5.."));
        }
        let numbers = label.contains("grpc") && values.iter().all(|value| value.parse::<u8>().is_ok());
        let word = |value: &String| value.to_lowercase().replace(['-', ' '], "_");
        let is_failed = |value: &&String| {
            if numbers {
                FAILED_NUMBERS.contains(&value.as_str())
            } else {
                is_http_failure(value) || FAILED.contains(&word(value).as_str())
            }
        };
        let failing: Vec<String> = values.iter().filter(is_failed).map(|value| literal_regex(value)).collect();
        if !failing.is_empty() {
            return Some(Matcher::new(*label, Compare::Like, failing.join("|")));
        }
        // Nothing failed in the window; that it can be told at all is known by the words for success.
        let known = numbers || values.iter().any(|value| FINE.contains(&word(value).as_str()));
        known.then(|| Matcher::new(*label, Compare::Like, format!("(?i:{})", FAILED.join("|"))))
    })
}

/// `404`, `2xx`; also what clients write when there was no answer.
fn is_http(value: &str) -> bool {
    matches!(value, "" | "0" | "000") || is_http_class(value, b'1'..=b'5')
}

fn is_http_failure(value: &str) -> bool {
    is_http_class(value, b'5'..=b'5')
}

fn is_http_class(value: &str, classes: std::ops::RangeInclusive<u8>) -> bool {
    match value.as_bytes() {
        [class, tens, ones] => {
            classes.contains(class)
                && (tens.is_ascii_digit() && ones.is_ascii_digit()
                    || matches!((tens, ones), (b'x' | b'X', b'x' | b'X')))
        }
        _ => false,
    }
}
