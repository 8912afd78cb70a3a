//! The tests of this crate, in one binary.

mod access;
mod alertmanager;
mod argocd_calls;
mod argocd_formats;
mod catalogue;
mod github_calls;
mod github_formats;
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
