//! Sentry: issues, their events, and releases.
//!
//! A bearer token of one organization.

pub mod declaration;

use crate::driver::Provider;

/// Sentry.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
