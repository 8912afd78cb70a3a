//! How a server misbehaves, on purpose.

use std::fmt;

use serde::Deserialize;

use crate::scenario::Offset;

/// A fault of one server, for the paths that begin with a prefix. The first fault that fits a request applies, except
/// that [`FaultKind::Latency`] lets later faults apply too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Applies to paths that begin with this (below the instance's own path prefix); empty for all.
    #[serde(default)]
    pub path: String,
    /// Applies to that many requests, then no more; absent for all.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault for every path.
    pub fn new(kind: FaultKind) -> Self {
        Self { path: String::new(), times: None, kind }
    }

    /// The same fault for one path prefix.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The same fault for the next `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The answer comes that much later.
    Latency(Offset),
    /// This status with the body the real server sends with it.
    Status {
        /// HTTP status, 400 to 599.
        code: u16,
        /// Value of a `Retry-After` header in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The head comes at once, the body in small pieces over that long.
    SlowBody(Offset),
    /// The connection breaks in the middle of the body.
    Cut,
    /// Status 200 with an HTML login page, as a proxy before the server sends it.
    LoginPage,
    /// The right JSON structure with wrong types in it.
    WrongTypes,
    /// A syntactically valid answer of at least that many bytes.
    Huge(u64),
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(length) => write!(f, "latency {length}"),
            Self::Status { code, .. } => write!(f, "status {code}"),
            Self::SlowBody(length) => write!(f, "body over {length}"),
            Self::Cut => f.write_str("connection cut"),
            Self::LoginPage => f.write_str("login page"),
            Self::WrongTypes => f.write_str("wrong types"),
            Self::Huge(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}
