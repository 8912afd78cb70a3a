//! MongoDB Atlas: clusters, alerts, events and measurements of one project.
//!
//! An API key pair authenticates with HTTP Digest. Only the private key is a secret.

pub mod declaration;

use crate::driver::Provider;

/// MongoDB Atlas.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
