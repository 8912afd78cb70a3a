//! Opsgenie: alerts and their logs.
//!
//! The region decides the host. One other than `us` or `eu` is read as `us`, with a warning.

pub mod declaration;

use crate::driver::Provider;

/// Opsgenie.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
