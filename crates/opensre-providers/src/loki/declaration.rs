//! What is declared about Loki.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Loki.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "loki",
    name: "Loki",
    aliases: &[],
    family: "loki",
    kind: ProviderKind::Observability,
    instances_variable: Some("LOKI_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://loki.example.net")
            .env(&["LOKI_ADDR", "LOKI_URL"])
            .ask("Loki URL", "without `/loki/api/v1`; may have a path prefix"),
        fields::bearer_token(&["LOKI_BEARER_TOKEN"]),
        fields::basic_username(&["LOKI_USERNAME"]),
        fields::basic_password(&["LOKI_PASSWORD"]),
        fields::org_id(&["LOKI_ORG_ID"]),
        fields::ca_bundle(&["LOKI_CA_CERT_PATH"]).read_as(&["ca_cert_path", "ca_cert"]),
        fields::verify_ssl(&["LOKI_VERIFY_SSL"]),
        fields::tls_skip_verify(&["LOKI_TLS_SKIP_VERIFY"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::like_logcli), ..Hooks::NONE },
    documentation: "Logs by label, with the variables that `logcli` reads. Reads only; needs access to /loki/api/v1.",
};
