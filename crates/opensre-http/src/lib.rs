//! The only HTTP client of the program: bounds, retries, redaction, credentials bound to a host.

/// The shared HTTP layer: one per process; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Http {}
