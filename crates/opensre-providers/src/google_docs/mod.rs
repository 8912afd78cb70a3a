//! Google Docs: where reports are delivered as documents.
//!
//! No field is a secret; the content of the key file is.

pub mod declaration;

use crate::driver::Provider;

/// Google Docs.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
