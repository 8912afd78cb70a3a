//! Telegram: where reports are delivered.
//!
//! The bot token is part of the URL of every call, so those URLs are secrets as well.

pub mod declaration;

use crate::driver::Provider;

/// Telegram.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
