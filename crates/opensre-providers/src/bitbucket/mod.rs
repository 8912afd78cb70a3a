//! Bitbucket Cloud: commits, files and pipelines of one workspace.
//!
//! Basic authentication with an app password, or with an API token and the e-mail address in place of the user name.

pub mod declaration;

use crate::driver::Provider;

/// Bitbucket Cloud.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
