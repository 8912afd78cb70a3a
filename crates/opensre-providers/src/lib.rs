//! One folder per provider: declaration, wire formats, client, probe and queries. [`registry`] lists them.
//!
//! No other crate names a provider. A provider is added by adding its folder, its `mod` line below and one line in
//! [`registry`]. What several providers share is in [`driver`] (what a provider can do), `fields` (fields that mean
//! the same everywhere), `refine` (steps of their hooks), `subject` (what an alert is about), `siblings` (which
//! other alerts are of the same things) and `quoting` (string literals of query languages).

pub mod access;
pub mod backend;
pub mod driver;
pub mod failure;
pub mod registry;

mod fields;
pub mod quoting;
mod refine;
mod siblings;
pub mod subject;

pub mod alertmanager;
pub mod grafana;
pub mod loki;
pub mod prometheus;
pub mod tempo;
pub mod victoriametrics;

pub use registry::{catalogue, providers};
