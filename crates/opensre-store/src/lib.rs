//! The machine's side of the integrations: the store file, its lock and backups, and secret references.
//!
//! What the file means (records, versions, changes) is decided in [`opensre_model::record`], which is pure; this crate
//! reads and writes bytes and promises three things about them:
//!
//! * a file that is not understood is never written: malformed, foreign, unreadable or newer, its bytes stay;
//! * a write is whole or did not happen: a temporary file in the same folder (mode 0600 from its first byte), synced,
//!   renamed over the old one, the folder synced;
//! * parallel writers lose nothing: one lock file beside the store is held from reading to renaming.
//!
//! No network, no terminal, no process environment: paths and variables come in as arguments. Unix only.

mod atomic;
mod effective;
mod error;
mod lock;
pub mod references;
mod store;
pub mod text;

pub use atomic::write_private;
pub use effective::Effective;
pub use error::{Malformed, StoreError};
pub use store::{Loaded, State, Store};

/// A random number for new record ids (`opensre_model::record::Document::upsert_instance`). Unpredictable enough for
/// names, not for secrets.
pub fn random_number() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    // A new `RandomState` is keyed by the operating system's randomness.
    RandomState::new().hash_one(()) as u32
}
