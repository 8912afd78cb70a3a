//! PagerDuty: incidents with their alerts and log, change events, services, who is on call.
//!
//! A read-only key of the account is enough.

pub mod declaration;

use crate::driver::Provider;

/// PagerDuty.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
