//! Trello: cards of a board or list.
//!
//! Key and token both are secrets and go in a header, never in the address.

pub mod declaration;

use crate::driver::Provider;

/// Trello.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
