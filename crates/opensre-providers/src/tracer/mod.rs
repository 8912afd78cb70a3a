//! Tracer: integrations that an organization keeps there.
//!
//! The variables have no common prefix: JWT_TOKEN, TRACER_API_URL, and without the latter ENV, which tells production
//! from staging.

pub mod declaration;

use crate::driver::Provider;

/// Tracer (SaaS).
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
