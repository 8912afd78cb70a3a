//! The list of all providers, in listing order. Adding one is its folder, its `mod` line in the crate root and one
//! line here; a test finds a folder without its line.

use opensre_model::provider::Catalogue;

use crate::driver::Provider;

const PROVIDERS: &[Provider] = &[
    // Observability: logs, metrics, traces.
    crate::grafana::PROVIDER,
    crate::grafana::LOCAL,
    crate::datadog::PROVIDER,
    crate::prometheus::PROVIDER,
    crate::victoriametrics::PROVIDER,
    crate::loki::PROVIDER,
    crate::tempo::PROVIDER,
    crate::jaeger::PROVIDER,
    crate::honeycomb::PROVIDER,
    crate::coralogix::PROVIDER,
    crate::splunk::PROVIDER,
    crate::opensearch::PROVIDER,
    crate::elasticsearch::PROVIDER,
    crate::openobserve::PROVIDER,
    crate::betterstack::PROVIDER,
    crate::newrelic::PROVIDER,
    crate::dynatrace::PROVIDER,
    crate::azure::PROVIDER,
    crate::snowflake::PROVIDER,
    crate::posthog::PROVIDER,
    crate::tracer::PROVIDER,
    // Clouds and clusters.
    crate::aws::PROVIDER,
    crate::kubernetes::PROVIDER,
    // Delivery and code.
    crate::argocd::PROVIDER,
    crate::github::PROVIDER,
    crate::gitlab::PROVIDER,
    crate::bitbucket::PROVIDER,
    crate::sentry::PROVIDER,
    crate::vercel::PROVIDER,
    crate::airflow::PROVIDER,
    crate::prefect::PROVIDER,
    // Databases and messaging.
    crate::postgresql::PROVIDER,
    crate::mysql::PROVIDER,
    crate::mariadb::PROVIDER,
    crate::azure_sql::PROVIDER,
    crate::mongodb::PROVIDER,
    crate::mongodb_atlas::PROVIDER,
    crate::clickhouse::PROVIDER,
    crate::redis::PROVIDER,
    crate::rabbitmq::PROVIDER,
    crate::kafka::PROVIDER,
    crate::nats::PROVIDER,
    crate::rds::PROVIDER,
    // Alerting and tickets.
    crate::alertmanager::PROVIDER,
    crate::pagerduty::PROVIDER,
    crate::opsgenie::PROVIDER,
    crate::jira::PROVIDER,
    crate::trello::PROVIDER,
    // Chat and documents.
    crate::slack::PROVIDER,
    crate::discord::PROVIDER,
    crate::telegram::PROVIDER,
    crate::google_docs::PROVIDER,
    crate::notion::PROVIDER,
    crate::openclaw::PROVIDER,
];

/// Every provider, in listing order.
pub fn providers() -> Vec<Provider> {
    PROVIDERS.to_vec()
}

/// Every provider's declaration, in listing order.
pub fn catalogue() -> Catalogue {
    Catalogue::new(PROVIDERS.iter().map(|provider| provider.spec).collect())
}
