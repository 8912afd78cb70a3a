//! Why a call failed: kinds, words and hints, in one place.

use std::fmt;
use std::time::Duration;

use opensre_model::evidence::GapKind;

/// Why a call failed. `Display` is one line without any secret, fit to be shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct HttpFailure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// Host and port that was asked, or the instance's address where no host is known.
    pub at: String,
    /// What happened, in words; what the server said is bounded and redacted.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What the server's refusal said, as it was written: at most 16 KiB, redacted; empty where it said nothing. For
    /// clients that know its shape; never shown as it is.
    pub answer: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// The kinds of failure of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// 401: the credentials were refused.
    Unauthorized,
    /// 403: the credentials may not do this.
    Forbidden,
    /// 404.
    NotFound,
    /// 429, and no time to wait.
    RateLimited {
        /// How long the server said to wait.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the request was refused, with the server's reason.
    BadRequest(u16),
    /// 5xx.
    Server(u16),
    /// 3xx: the server sent us elsewhere; not followed.
    Redirect,
    /// The server did not answer within the time of one call.
    Timeout,
    /// The time of the whole run is over.
    Deadline,
    /// The host's name could not be resolved.
    Dns,
    /// The encrypted connection could not be made.
    Tls,
    /// No connection could be made.
    Connect,
    /// The connection broke during the answer.
    Interrupted,
    /// The answer is larger than the limit.
    TooLarge,
    /// The answer is not the JSON that was asked for.
    NotJson {
        /// Whether it is an HTML page (mostly a login page).
        html: bool,
    },
    /// The endpoint cannot be asked as it is configured.
    Configuration,
}

impl HttpFailure {
    /// A failure at a host (or instance).
    pub fn new(kind: FailureKind, at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { kind, at: at.into(), reason: reason.into(), hint: None, answer: String::new(), attempts: 0 }
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The kind of gap that this failure leaves in a report.
    pub fn gap(&self) -> GapKind {
        self.kind.gap()
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.reason)?;
        if self.attempts > 1 {
            write!(f, " (tried {} times)", self.attempts)?;
        }
        Ok(())
    }
}

impl FailureKind {
    /// The kind of gap that such a failure leaves in a report.
    pub fn gap(self) -> GapKind {
        match self {
            Self::Unauthorized | Self::Forbidden => GapKind::Denied,
            Self::RateLimited { .. } => GapKind::RateLimited,
            Self::Deadline => GapKind::Deadline,
            Self::NotFound
            | Self::BadRequest(_)
            | Self::Server(_)
            | Self::Redirect
            | Self::Timeout
            | Self::Dns
            | Self::Tls
            | Self::Connect
            | Self::Interrupted
            | Self::TooLarge
            | Self::NotJson { .. }
            | Self::Configuration => GapKind::Failed,
        }
    }

    /// One word for logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::BadRequest(_) => "bad_request",
            Self::Server(_) => "server",
            Self::Redirect => "redirect",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Connect => "connect",
            Self::Interrupted => "interrupted",
            Self::TooLarge => "too_large",
            Self::NotJson { .. } => "not_json",
            Self::Configuration => "configuration",
        }
    }

    /// Whether the server certainly did nothing, so that even a call that is no read may be sent again.
    pub(crate) fn nothing_happened(self) -> bool {
        matches!(self, Self::Connect | Self::RateLimited { .. })
    }

    /// Whether another attempt may fare better.
    pub(crate) fn transient(self) -> bool {
        matches!(self, Self::Connect | Self::RateLimited { .. } | Self::Server(502..=504) | Self::Interrupted)
    }
}
