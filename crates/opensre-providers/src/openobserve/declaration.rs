//! What is declared about OpenObserve.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// OpenObserve.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "openobserve",
    name: "OpenObserve",
    aliases: &["open observe"],
    family: "openobserve",
    kind: ProviderKind::Observability,
    instances_variable: Some("OPENOBSERVE_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://openobserve.example.net")
            .env(&["OPENOBSERVE_URL"])
            .ask("OpenObserve URL", "without `/api`"),
        FieldSpec::secret("api_token")
            .env(&["OPENOBSERVE_TOKEN"])
            .ask("API token", "leave empty for user name and password"),
        fields::basic_username(&["OPENOBSERVE_USERNAME"]),
        fields::basic_password(&["OPENOBSERVE_PASSWORD"]),
        FieldSpec::text_or("org", "default")
            .env(&["OPENOBSERVE_ORG"])
            .ask("Organization", "its identifier, as in the address bar"),
        FieldSpec::text("stream")
            .env(&["OPENOBSERVE_STREAM"])
            .ask("Stream", "the stream that is searched; empty searches those that exist"),
        fields::max_results(100, 500).env(&["OPENOBSERVE_MAX_RESULTS"]),
        fields::verify_ssl(&["OPENOBSERVE_VERIFY_SSL"]),
        fields::ca_bundle(&["OPENOBSERVE_CA_BUNDLE"]),
    ],
    configured: CREDENTIALS,
    environment: CREDENTIALS,
    hooks: Hooks { refine: Some(|draft| refine::prefer_token(draft, "api_token")), ..Hooks::NONE },
    documentation: "Logs by SQL search. Needs a user of the organization that may read streams.",
};

/// What the typed fields and the variables must have alike.
const CREDENTIALS: Rule = Rule::All(&[
    Rule::Set("base_url"),
    Rule::Any(&[Rule::Set("api_token"), Rule::All(&[Rule::Set("username"), Rule::Set("password")])]),
]);
