//! Signed requests: for services that want a signature over each request instead of a fixed header.

use jiff::Timestamp;
use opensre_model::secret::Secret;
use url::Url;

/// Signs requests. Bound to one endpoint by [`Endpoint::signed_by`](crate::Endpoint::signed_by): it is asked anew for
/// every attempt, and only for requests to that endpoint's host.
pub trait Signer: Send + Sync {
    /// The headers to add to a request; their values are sent as sensitive and never logged.
    fn sign(&self, request: &Unsigned<'_>) -> Vec<(&'static str, Secret)>;

    /// Its credentials: what tells two signers apart, and what must never appear in a message.
    fn secrets(&self) -> Vec<Secret>;
}

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// `GET`, `POST`, `PUT`.
    pub method: &'a str,
    /// The whole URL, as it is sent.
    pub url: &'a Url,
    /// The headers of the request itself, its content type among them; names in lower case.
    pub headers: &'a [(&'static str, &'a str)],
    /// The body; empty where there is none.
    pub body: &'a [u8],
    /// When it is sent.
    pub time: Timestamp,
}
