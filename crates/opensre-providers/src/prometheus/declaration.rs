//! What is declared about Prometheus.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Prometheus.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "prometheus",
    name: "Prometheus",
    aliases: &["prom"],
    family: "prometheus",
    kind: ProviderKind::Observability,
    instances_variable: Some("PROMETHEUS_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url").example("https://prometheus.example.net").env(&["PROMETHEUS_URL"]).ask(
            "Prometheus URL",
            "without `/api/v1`; may have a path prefix, for Mimir as a rule `https://host/prometheus`",
        ),
        fields::bearer_token(&["PROMETHEUS_BEARER_TOKEN"]),
        fields::basic_username(&["PROMETHEUS_USERNAME"]),
        fields::basic_password(&["PROMETHEUS_PASSWORD"]),
        FieldSpec::text("tenant")
            .env(&["PROMETHEUS_TENANT"])
            .ask("Tenant", "sent as X-Scope-OrgID; only for Mimir, Cortex and others that divide by tenant"),
        fields::headers(),
        fields::verify_ssl(&["PROMETHEUS_VERIFY_SSL"]),
        fields::ca_bundle(&["PROMETHEUS_CA_BUNDLE"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::prefer_bearer_token), ..Hooks::NONE },
    documentation: "Metrics, recording and alerting rules, targets. Reads only; needs access to /api/v1.",
};
