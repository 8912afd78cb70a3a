//! What AWS says when it refuses: error codes of its three protocols, told apart and explained.
//!
//! "Common Errors" of each service's API reference; "Error responses" of the Query, JSON and REST-JSON protocols.

use opensre_http::{FailureKind, HttpFailure};
use opensre_model::evidence::GapKind;
use serde_json::Value as Json;

use super::xml::Node;
use crate::failure::Failure;

/// Why a call was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's error code (`AccessDenied`), where AWS itself answered.
    pub code: Option<String>,
    /// Why, in words.
    pub failure: Failure,
}

impl Refusal {
    /// Whether the thing that was asked about is not there.
    pub fn is_absent(&self) -> bool {
        self.code.as_deref().is_some_and(|code| {
            code.contains("NotFound") || code.ends_with("NotFoundFault") || code == "ResourceNotFoundException"
        })
    }

    /// Whether AWS asks to slow down.
    pub fn is_throttled(&self) -> bool {
        self.failure.kind == GapKind::RateLimited
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { code: None, failure }
    }
}

/// Code and message of a refusal's body, whichever protocol it is of.
pub fn said(body: &str) -> Option<(String, String)> {
    if let Ok(json) = serde_json::from_str::<Json>(body) {
        let text = |keys: &[&str]| keys.iter().find_map(|key| json.get(*key)?.as_str()).unwrap_or_default().to_owned();
        // `com.amazon.coral.service#AccessDeniedException`, `ResourceNotFoundException:http://...`.
        let code = text(&["__type", "code", "Code"]);
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        let message = text(&["message", "Message", "errorMessage"]);
        return (!code.is_empty() || !message.is_empty()).then_some((code, message));
    }
    let document = Node::parse(body).ok()?;
    let error = if document.name == "Error" { &document } else { document.find("Error")? };
    let text = |name| error.text(name).unwrap_or_default().to_owned();
    Some((text("Code"), text("Message")))
}

/// Explains a failed call. `action` is what a policy has to allow (`rds:DescribeDBInstances`).
pub fn explain(failure: HttpFailure, action: &str) -> Refusal {
    let is_rest = ["eks:", "lambda:"].iter().any(|service| action.starts_with(service));
    let (code, message) = match said(&failure.answer) {
        Some((code, message)) if !code.is_empty() => (code, message),
        _ => match failure.kind {
            // REST services name the code in a header; the status says as much. Of other services a refusal without
            // a code is not AWS's, and a 404 then says nothing about what was asked for.
            FailureKind::Forbidden if is_rest && is_json(&failure.answer) => {
                ("AccessDeniedException".to_owned(), message_of(&failure.answer))
            }
            FailureKind::NotFound if is_rest && is_json(&failure.answer) => {
                ("ResourceNotFoundException".to_owned(), message_of(&failure.answer))
            }
            _ => return Refusal { code: None, failure: failure.into() },
        },
    };
    let because = if message.is_empty() { String::new() } else { format!(": {}", one_line(&message)) };
    let at = &failure.at;
    let say = |kind, what: &str| Failure::new(kind, format!("{at}: {what} ({code}){because}"));
    let explained = match code.as_str() {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "NotAuthorizedException" => say(GapKind::Denied, &format!("does not allow {action} with these credentials"))
            .with_hint(format!("allow {action} in the policy of the role or user (ReadOnlyAccess has it)")),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "AuthFailure" | "InvalidAccessKeyId" => {
            say(GapKind::Denied, "does not know the access key").with_hint(
                "check access_key_id (and that temporary keys have their session_token); a region that must be \
                 enabled first answers so too",
            )
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            say(GapKind::Denied, "refused credentials that have expired")
                .with_hint("get new temporary keys (aws sso login), or use a role; check this machine's clock")
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" | "RequestTimeTooSkewed" => {
            say(GapKind::Denied, "did not accept the signature")
                .with_hint("check secret_access_key, and that this machine's clock is right")
        }
        "OptInRequired" => say(GapKind::Denied, "is not enabled for this account")
            .with_hint("take the region out of the instance's regions, or enable it in the account"),
        throttled if throttled.contains("Throttl") || THROTTLED.contains(&throttled) => {
            say(GapKind::RateLimited, "asks to slow down").with_hint("ask again later")
        }
        _ => say(failure.gap(), &format!("refused {action}")),
    };
    Refusal { code: Some(code), failure: explained }
}

fn is_json(answer: &str) -> bool {
    answer.trim_start().starts_with('{')
}

fn message_of(answer: &str) -> String {
    said(answer).map(|(_, message)| message).unwrap_or_default()
}

const THROTTLED: &[&str] = &[
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
];

/// One bounded line.
fn one_line(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(240) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
