//! What is declared about Dynatrace.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Dynatrace.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "dynatrace",
    name: "Dynatrace",
    aliases: &[],
    family: "dynatrace",
    kind: ProviderKind::Observability,
    instances_variable: Some("DYNATRACE_INSTANCES"),
    fields: &[
        FieldSpec::url("environment")
            .example("https://abc12345.live.dynatrace.com")
            .env(&["DT_ENVIRONMENT", "DT_ENV_URL"])
            .ask("Environment URL", "https://{id}.live.dynatrace.com, or https://{host}/e/{id}"),
        FieldSpec::secret("api_token")
            .env(&["DT_API_TOKEN"])
            .ask("API token", "Access tokens; scopes problems.read, events.read, metrics.read and entities.read"),
        FieldSpec::secret("platform_token").env(&["DT_PLATFORM_TOKEN"]).ask(
            "Platform token",
            "My Platform Tokens; scopes storage:logs:read, storage:events:read and storage:metrics:read",
        ),
        fields::verify_ssl(&["DT_VERIFY_SSL"]),
        fields::ca_bundle(&["DT_CA_BUNDLE"]),
    ],
    configured: CREDENTIALS,
    environment: CREDENTIALS,
    hooks: Hooks::NONE,
    documentation: "Problems, events, metrics and entities; logs and spans by DQL. Needs an API token or a \
                    platform token.",
};

/// What the typed fields and the variables must have alike.
const CREDENTIALS: Rule =
    Rule::All(&[Rule::Set("environment"), Rule::Any(&[Rule::Set("api_token"), Rule::Set("platform_token")])]);
