//! The tests of this crate, in one binary.

mod access;
mod alertmanager;
mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod lab;
mod lab_prometheus;
mod loki_calls;
mod loki_formats;
mod prometheus_calls;
mod prometheus_expression;
mod prometheus_formats;
mod prometheus_metrics;
mod prometheus_promql;
mod stub;
mod tempo_calls;
mod tempo_formats;
mod postgresql_real;
mod postgresql_servers;
mod real;
mod stub;
mod tempo_calls;
mod tempo_formats;
mod victoriametrics_real;
mod catalogue;
