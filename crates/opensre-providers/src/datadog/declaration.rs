//! What is declared about Datadog.

use opensre_model::provider::{FieldSpec, Hooks, Identifies, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Datadog.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "datadog",
    name: "Datadog",
    aliases: &[],
    family: "datadog",
    kind: ProviderKind::Observability,
    instances_variable: Some("DD_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key").env(&["DD_API_KEY"]).ask("API key", "Organization Settings > API Keys"),
        FieldSpec::secret("app_key").env(&["DD_APP_KEY"]).ask(
            "Application key",
            "Organization Settings > Application Keys; scopes monitors_read, logs_read_data, events_read, \
             metrics_read, timeseries_query and apm_read",
        ),
        FieldSpec::text_or("site", "datadoghq.com")
            .env(&["DD_SITE"])
            .ask("Site", "the part of the address after `app.`, such as datadoghq.eu or us3.datadoghq.com")
            .identifies(Identifies::DatadogSite),
        FieldSpec::url("base_url")
            .example("https://datadog-proxy.example.net")
            .env(&["DD_API_URL"])
            .ask("API URL", "only where the API is reached through a proxy; else it follows from the site")
            .extension(),
        fields::verify_ssl(&["DD_VERIFY_SSL"]),
        fields::ca_bundle(&["DD_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("api_key"), Rule::Set("app_key")]),
    environment: Rule::All(&[Rule::Set("api_key"), Rule::Set("app_key")]),
    hooks: Hooks::NONE,
    documentation: "Logs, metrics, events, spans and monitors. Needs an API key and an application key with read \
                    scopes.",
};
