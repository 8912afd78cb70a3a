//! Jaeger: traces by service, operation and tag.
//!
//! The query service asks for no credentials itself; a token, or user name and password, are for the proxy before it.

pub mod declaration;

use crate::driver::Provider;

/// Jaeger.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
