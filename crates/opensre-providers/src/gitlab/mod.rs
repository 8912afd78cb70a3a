//! GitLab: commits, merge requests, pipelines, jobs and deployments.
//!
//! Any kind of access token; `read_api` is enough. The program posts nothing unless `mr_writeback` is set.

pub mod declaration;

use crate::driver::Provider;

/// GitLab.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
