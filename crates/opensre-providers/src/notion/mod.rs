//! Notion: runbooks and post-mortems kept in one database.
//!
//! An integration sees only what it was connected to.

pub mod declaration;

use crate::driver::Provider;

/// Notion.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
