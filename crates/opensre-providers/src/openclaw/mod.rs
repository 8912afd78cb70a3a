//! OpenClaw: tools of a gateway, through the Model Context Protocol.
//!
//! Either a URL, or a child process by `command` with the mode `stdio`. The address of the gateway's web interface
//! (port 18789 with no path) is a common mistake, and warned about.

pub mod declaration;

use crate::driver::Provider;

/// OpenClaw (MCP).
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
