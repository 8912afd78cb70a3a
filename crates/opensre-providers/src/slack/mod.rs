//! Slack: where reports are delivered.
//!
//! An incoming webhook or a bot token. The webhook is checked to be Slack's own host, exactly or by dot-separated
//! suffix. The Python product handles Slack apart from all others, so its resolved dictionary has no `slack` key.

pub mod declaration;

use crate::driver::Provider;

/// Slack.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
