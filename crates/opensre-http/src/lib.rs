//! The only HTTP client of the program: bounds, retries, redaction, credentials bound to a host.
//!
//! One [`Http`] per process holds the limits, the pools and the log of calls. An [`Endpoint`] is where an instance
//! lives and how it is authenticated; [`Http::client`] turns it into a [`Client`], which can only ever ask that
//! endpoint: a request names a path below the endpoint's base URL, never a URL. A call ends in a [`Reply`] or in an
//! [`HttpFailure`], whose words and hint can be shown to a person as they are.
//!
//! What never lives here: knowledge of a provider, and the meaning of an answer.

mod attempt;
mod client;
mod endpoint;
mod failure;
mod http;
mod log;
mod memo;
mod reply;
mod sign;
mod transport;

pub use client::{Client, IntoSegments, Request};
pub use endpoint::{Auth, Endpoint, Tls};
pub use failure::{FailureKind, HttpFailure};
pub use http::{Http, HttpOptions, Proxies};
pub use log::{Call, Tally};
pub use reply::Reply;
pub use sign::{Signer, Unsigned};
