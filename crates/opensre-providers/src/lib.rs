//! One folder per provider: declaration, wire formats, client, probe and queries. [`registry`] lists them.
//!
//! No other crate names a provider. A provider is added by adding its folder, its `mod` line below and one line in
//! [`registry`]. What several providers share is in [`driver`] (what a provider can do), `fields` (fields that mean
//! the same everywhere), `refine` and `environment` (steps of their hooks), `mcp` (servers of the Model Context
//! Protocol), [`subject`] (what an alert is about), `siblings` (which other alerts are of the same things),
//! `lines` and `spans` (how log lines and traces around an onset are asked for and told), [`quoting`] (string literals of query languages) and [`docs`] (reference pages out of the declarations).

pub mod access;
pub mod alert_labels;
pub mod backend;
pub mod docs;
pub mod driver;
pub mod failure;
pub mod identity;
pub mod input;
pub mod quoting;
pub mod registry;
pub mod subject;

mod environment;
mod fields;
mod lines;
mod mcp;
mod refine;
mod siblings;
mod spans;

pub mod airflow;
pub mod alertmanager;
pub mod argocd;
pub mod aws;
pub mod azure;
pub mod azure_sql;
pub mod betterstack;
pub mod bitbucket;
pub mod clickhouse;
pub mod coralogix;
pub mod datadog;
pub mod discord;
pub mod dynatrace;
pub mod elasticsearch;
pub mod github;
pub mod gitlab;
pub mod google_docs;
pub mod grafana;
pub mod honeycomb;
pub mod jaeger;
pub mod jira;
pub mod kafka;
pub mod kubernetes;
pub mod loki;
pub mod mariadb;
pub mod mongodb;
pub mod mongodb_atlas;
pub mod mysql;
pub mod nats;
pub mod newrelic;
pub mod notion;
pub mod openclaw;
pub mod openobserve;
pub mod opensearch;
pub mod opsgenie;
pub mod pagerduty;
pub mod postgresql;
pub mod posthog;
pub mod prefect;
pub mod prometheus;
pub mod rabbitmq;
pub mod rds;
pub mod redis;
pub mod sentry;
pub mod slack;
pub mod snowflake;
pub mod splunk;
pub mod telegram;
pub mod tempo;
pub mod tracer;
pub mod trello;
pub mod vercel;
pub mod victoriametrics;

pub use registry::{catalogue, providers};
