//! One folder per provider: declaration, wire formats, client, probe and queries. [`registry`] lists them.
//!
//! No other crate names a provider. A provider is added by adding its folder and one line in [`registry`].

pub mod access;
pub mod backend;
pub mod driver;
pub mod failure;
pub mod registry;

pub use registry::{catalogue, providers};
