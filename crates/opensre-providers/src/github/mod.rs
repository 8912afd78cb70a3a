//! GitHub: what changed around the onset - commits, merged pull requests, deployments, releases, workflow runs.
//!
//! The declaration is that of a server of the Model Context Protocol: GitHub's own by default, another one by `url`, or a
//! child process by `command` with the mode `stdio`. What is asked is the REST API that belongs to it, with the same
//! token; [`address`] says which that is, so that the token never goes to another GitHub than its own.
//!
//! Facts from the vendor's pages "Getting started with the REST API", "Using pagination in the REST API" (the `Link`
//! header), "Rate limits for the REST API" (403 or 429; `x-ratelimit-remaining`, `retry-after`), and the reference of
//! "List commits", "List pull requests", "List deployments", "List deployment statuses", "List releases", "List
//! workflow runs for a repository", "Get the authenticated user" and "Get rate limit status for the authenticated
//! user".

pub mod address;
pub mod declaration;
pub mod repository;
pub mod wire;

mod changes;
mod client;
mod queries;

use crate::driver::Provider;

/// GitHub (MCP).
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(client::probe),
    identity: &["login", "scopes", "host", "version", "url"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: None,
};
