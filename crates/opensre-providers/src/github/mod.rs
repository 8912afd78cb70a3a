//! GitHub: commits, code, pull requests and actions, through a server of the Model Context Protocol.
//!
//! The server is GitHub's own by default, another one by `url`, or a child process by `command` with the mode
//! `stdio`.

pub mod declaration;

use crate::driver::Provider;

/// GitHub (MCP).
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
