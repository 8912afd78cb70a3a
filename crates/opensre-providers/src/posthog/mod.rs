//! PostHog: product analytics, asked in HogQL.
//!
//! The default URL is the one that events are sent to; its read API is at the same name without `.i`.

pub mod declaration;

use crate::driver::Provider;

/// PostHog.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
