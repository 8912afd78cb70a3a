//! What is declared about VictoriaMetrics.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// VictoriaMetrics.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "victoriametrics",
    name: "VictoriaMetrics",
    aliases: &["vm", "victoria metrics"],
    family: "victoriametrics",
    kind: ProviderKind::Observability,
    instances_variable: Some("VICTORIAMETRICS_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://victoriametrics.example.net:8428")
            .env(&["VICTORIAMETRICS_URL"])
            .ask(
                "VictoriaMetrics URL",
                "of a single node as it listens, port 8428; of a cluster that of vmselect, port 8481",
            ),
        fields::bearer_token(&["VICTORIAMETRICS_BEARER_TOKEN"]),
        fields::basic_username(&["VICTORIAMETRICS_USERNAME"]),
        fields::basic_password(&["VICTORIAMETRICS_PASSWORD"]),
        FieldSpec::text("account_id").env(&["VICTORIAMETRICS_ACCOUNT_ID"]).ask(
            "Account id",
            "of a cluster only, `account` or `account:project`; paths then begin with \
             `/select/{account_id}/prometheus`",
        ),
        FieldSpec::url("logs_url")
            .example("https://victorialogs.example.net:9428")
            .env(&["VICTORIALOGS_URL"])
            .ask("VictoriaLogs URL", "only where logs are kept in VictoriaLogs, port 9428 as a rule"),
        fields::headers(),
        fields::verify_ssl(&["VICTORIAMETRICS_VERIFY_SSL"]),
        fields::ca_bundle(&["VICTORIAMETRICS_CA_BUNDLE"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::prefer_bearer_token), ..Hooks::NONE },
    documentation: "Metrics through Prometheus' HTTP API, and logs where VictoriaLogs stands beside it. Reads only.",
};
