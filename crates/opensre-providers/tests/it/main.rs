//! The tests of this crate, in one binary.

mod access;
mod alertmanager;
mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod identity;
mod inputs;
mod lab;
mod lab_prometheus;
mod loki_calls;
mod loki_formats;
mod prometheus_calls;
mod prometheus_expression;
mod prometheus_formats;
mod prometheus_metrics;
mod prometheus_promql;
mod slack;
mod stub;
mod tempo_calls;
mod tempo_formats;
