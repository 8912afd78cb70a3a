//! The tests of this crate, in one binary.

mod aws_calls;
mod aws_formats;
mod aws_moto;
mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod loki_calls;
mod loki_formats;
mod stub;
mod tempo_calls;
mod tempo_formats;
