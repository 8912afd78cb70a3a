//! Jira: issues and comments.
//!
//! Basic authentication with the e-mail address and an API token.

pub mod declaration;

use crate::driver::Provider;

/// Jira.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
