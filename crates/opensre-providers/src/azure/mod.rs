//! Azure Monitor Logs: a Log Analytics workspace, asked in KQL.
//!
//! Either a static access token, which lives about an hour, or an app registration (tenant, client id and secret)
//! from which tokens are fetched as they are needed.

pub mod declaration;

use crate::driver::Provider;

/// Azure Monitor Logs.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
