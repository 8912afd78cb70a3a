//! The tests of this crate, in one binary.

mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod loki_calls;
mod loki_formats;
mod postgresql_calls;
mod postgresql_formats;
mod postgresql_peers;
mod postgresql_real;
mod postgresql_servers;
mod real;
mod stub;
mod tempo_calls;
mod tempo_formats;
mod victoriametrics_real;
