//! Discord: where reports are delivered.
//!
//! A bot token, and the channel to use. The public key is no secret, but must be hexadecimal.

pub mod declaration;

use crate::driver::Provider;

/// Discord.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
