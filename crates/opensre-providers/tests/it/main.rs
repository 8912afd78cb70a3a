//! The tests of this crate, in one binary.

mod access;
mod alertmanager;
mod catalogue;
mod grafana_calls;
mod grafana_formats;
mod kubernetes_access;
mod kubernetes_calls;
mod kubernetes_formats;
mod lab;
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
