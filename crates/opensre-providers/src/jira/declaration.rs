//! What is declared about Jira.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Jira.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "jira",
    name: "Jira",
    aliases: &[],
    family: "jira",
    kind: ProviderKind::Alerting,
    instances_variable: Some("JIRA_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://acme.atlassian.net")
            .env(&["JIRA_BASE_URL"])
            .ask("Jira URL", "https://{site}.atlassian.net"),
        FieldSpec::text("email")
            .example("sre@example.net")
            .env(&["JIRA_EMAIL"])
            .ask("E-mail address", "of the account that the token belongs to"),
        FieldSpec::secret("api_token")
            .env(&["JIRA_API_TOKEN"])
            .ask("API token", "https://id.atlassian.com/manage-profile/security/api-tokens"),
        FieldSpec::text("project_key").env(&["JIRA_PROJECT_KEY"]).ask("Project key", "narrows what is asked: OPS"),
        fields::verify_ssl(&["JIRA_VERIFY_SSL"]),
        fields::ca_bundle(&["JIRA_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("base_url"), Rule::Set("email"), Rule::Set("api_token")]),
    environment: Rule::All(&[Rule::Set("base_url"), Rule::Set("email"), Rule::Set("api_token")]),
    hooks: Hooks::NONE,
    documentation: "Issues and comments. Needs an API token of an account that may browse the project.",
};
