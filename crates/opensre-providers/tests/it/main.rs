//! The tests of this crate, in one binary.

mod grafana_formats;
mod loki_formats;
mod tempo_formats;
