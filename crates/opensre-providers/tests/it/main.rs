//! The tests of this crate, in one binary.

mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod lab;
mod loki_calls;
mod loki_formats;
mod stub;
mod tempo_calls;
mod tempo_formats;
