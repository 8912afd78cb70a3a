//! Vercel: deployments, their build events and their runtime logs.
//!
//! A bearer token, and the team whose projects are meant.

pub mod declaration;

use crate::driver::Provider;

/// Vercel.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
