//! Prefect: flow and task runs, their logs, deployments, work pools.
//!
//! The base of every call is `api_url`; with both an account and a workspace id these are appended, unless `api_url`
//! already names a workspace ([`declaration::base`]).

pub mod declaration;

use crate::driver::Provider;

/// Prefect.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
