//! One folder per provider: declaration, wire formats, client, probe and queries.
//!
//! No other crate names a provider. A provider is added by adding its folder and its line to `providers!` below, which is
//! both its `mod` line and its entry in the [`registry`]. What several providers share is in [`driver`] (what a provider
//! can do), [`neighbours`] (instances that others are reached through), `fields` (fields that mean the same everywhere),
//! `refine` and `environment` (steps of their hooks), `mcp` (servers of the Model Context Protocol), [`subject`] (what an
//! alert is about), `siblings` (which other alerts are of the same things), `lines` and `spans` (how log lines and traces
//! around an onset are asked for and told), [`quoting`] (string literals of query languages) and [`docs`] (reference pages
//! out of the declarations).

pub mod access;
pub mod alert_labels;
pub mod backend;
pub mod docs;
pub mod driver;
pub mod failure;
pub mod identity;
pub mod input;
pub mod neighbours;
pub mod quoting;
#[macro_use]
pub mod registry;
pub mod subject;

mod environment;
mod fields;
mod lines;
mod mcp;
mod refine;
mod siblings;
mod spans;

// All providers, in listing order. rustfmt does not look into a macro: `cargo xtask fmt` formats their folders too.
providers! {
    // Observability: logs, metrics, traces.
    pub mod grafana with LOCAL;
    pub mod datadog;
    pub mod prometheus;
    pub mod victoriametrics;
    pub mod loki;
    pub mod tempo;
    pub mod jaeger;
    pub mod honeycomb;
    pub mod coralogix;
    pub mod splunk;
    pub mod opensearch;
    pub mod elasticsearch;
    pub mod openobserve;
    pub mod betterstack;
    pub mod newrelic;
    pub mod dynatrace;
    pub mod azure;
    pub mod snowflake;
    pub mod posthog;
    pub mod tracer;
    // Clouds and clusters.
    pub mod aws;
    pub mod kubernetes;
    // Delivery and code.
    pub mod argocd;
    pub mod github;
    pub mod gitlab;
    pub mod bitbucket;
    pub mod sentry;
    pub mod vercel;
    pub mod airflow;
    pub mod prefect;
    // Databases and messaging.
    pub mod postgresql;
    pub mod mysql;
    pub mod mariadb;
    pub mod azure_sql;
    pub mod mongodb;
    pub mod mongodb_atlas;
    pub mod clickhouse;
    pub mod redis;
    pub mod rabbitmq;
    pub mod kafka;
    pub mod nats;
    pub mod rds;
    // Alerting and tickets.
    pub mod alertmanager;
    pub mod pagerduty;
    pub mod opsgenie;
    pub mod jira;
    pub mod trello;
    // Chat and documents.
    pub mod slack;
    pub mod discord;
    pub mod telegram;
    pub mod google_docs;
    pub mod notion;
    pub mod openclaw;
}

pub use registry::{catalogue, providers};
