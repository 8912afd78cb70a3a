//! What is declared about Tempo.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// Tempo.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "tempo",
    name: "Tempo",
    aliases: &[],
    family: "tempo",
    kind: ProviderKind::Observability,
    instances_variable: Some("TEMPO_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://tempo.example.net")
            .env(&["TEMPO_URL"])
            .ask("Tempo URL", "that of the query front end, without `/api`; may have a path prefix"),
        fields::bearer_token(&["TEMPO_BEARER_TOKEN"]),
        fields::basic_username(&["TEMPO_USERNAME"]),
        fields::basic_password(&["TEMPO_PASSWORD"]),
        fields::org_id(&["TEMPO_ORG_ID"]),
        fields::ca_bundle(&["TEMPO_CA_CERT_PATH"]).read_as(&["ca_cert_path", "ca_cert"]),
        fields::verify_ssl(&["TEMPO_VERIFY_SSL"]),
        fields::tls_skip_verify(&["TEMPO_TLS_SKIP_VERIFY"]),
    ],
    configured: Rule::Set("base_url"),
    environment: Rule::Set("base_url"),
    hooks: Hooks { refine: Some(refine::like_logcli), ..Hooks::NONE },
    documentation: "Traces, by id and by search. Reads only; needs access to the query front end.",
};
