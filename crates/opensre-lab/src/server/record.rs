//! What the servers saw, for tests that must know who was asked.

use std::sync::{Mutex, PoisonError};

/// One request that reached a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// The server, as `service/name`.
    pub instance: String,
    /// GET, POST ...
    pub method: String,
    /// The path as it came, not decoded.
    pub path: String,
    /// The query as it came, and for a form its body behind it; without credentials, which no request carries there.
    pub query: String,
    /// What the request brought to authenticate itself.
    pub authorization: SeenAuthorization,
    /// The status that was answered (also when the body was then cut).
    pub status: u16,
}

/// Credentials of a request, named and not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenAuthorization {
    /// None.
    Absent,
    /// Those of the instance that was asked.
    Own,
    /// Those of another instance of the scenario, by `service/name`: they should never have come here.
    Of(String),
    /// Some that no instance has.
    Unknown,
}

/// The record of one lab, in the order of arrival at the servers.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<SeenRequest>>,
}

impl Recorder {
    pub(crate) fn add(&self, request: SeenRequest) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }

    pub(crate) fn all(&self) -> Vec<SeenRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
