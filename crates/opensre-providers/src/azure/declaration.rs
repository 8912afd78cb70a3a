//! What is declared about Azure Monitor Logs.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Azure Monitor Logs.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "azure",
    name: "Azure Monitor Logs",
    aliases: &["azure monitor", "azure_monitor"],
    family: "azure",
    kind: ProviderKind::Observability,
    instances_variable: Some("AZURE_INSTANCES"),
    fields: &[
        FieldSpec::text("workspace_id")
            .example("00000000-0000-0000-0000-000000000000")
            .env(&["AZURE_LOG_ANALYTICS_WORKSPACE_ID"])
            .ask("Workspace id", "Log Analytics workspace > Overview: a UUID, not the resource id"),
        FieldSpec::secret("access_token")
            .env(&["AZURE_LOG_ANALYTICS_TOKEN"])
            .ask("Access token", "lives about an hour; better give client_id and client_secret"),
        FieldSpec::url_or("endpoint", "https://api.loganalytics.io")
            .env(&["AZURE_LOG_ANALYTICS_ENDPOINT"])
            .ask("API URL", "another one only in a national cloud"),
        FieldSpec::text("tenant_id")
            .example("00000000-0000-0000-0000-000000000000")
            .env(&["AZURE_TENANT_ID"])
            .ask("Tenant id", "Microsoft Entra ID > Overview; needed with client_id"),
        FieldSpec::text("subscription_id").env(&["AZURE_SUBSCRIPTION_ID"]).ask("Subscription id", "of the workspace"),
        FieldSpec::text("client_id")
            .example("00000000-0000-0000-0000-000000000000")
            .env(&["AZURE_CLIENT_ID"])
            .ask("Client id", "of an app registration with the role Log Analytics Reader on the workspace")
            .extension(),
        FieldSpec::secret("client_secret")
            .env(&["AZURE_CLIENT_SECRET"])
            .ask("Client secret", "App registrations > Certificates & secrets")
            .extension(),
        fields::max_results(100, 500).env(&["AZURE_MAX_RESULTS"]),
        fields::verify_ssl(&["AZURE_VERIFY_SSL"]),
        fields::ca_bundle(&["AZURE_CA_BUNDLE"]),
    ],
    configured: CREDENTIALS,
    environment: CREDENTIALS,
    hooks: Hooks::NONE,
    documentation: "Logs of a Log Analytics workspace by KQL query. Needs the role Log Analytics Reader.",
};

/// What the typed fields and the variables must have alike.
const CREDENTIALS: Rule = Rule::All(&[
    Rule::Set("workspace_id"),
    Rule::Any(&[
        Rule::Set("access_token"),
        Rule::All(&[Rule::Set("tenant_id"), Rule::Set("client_id"), Rule::Set("client_secret")]),
    ]),
]);
