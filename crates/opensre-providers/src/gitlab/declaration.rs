//! What is declared about GitLab.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// GitLab.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "gitlab",
    name: "GitLab",
    aliases: &[],
    family: "gitlab",
    kind: ProviderKind::Delivery,
    instances_variable: Some("GITLAB_INSTANCES"),
    fields: &[
        FieldSpec::url_or("base_url", "https://gitlab.com/api/v4")
            .env(&["GITLAB_BASE_URL"])
            .ask("API URL", "ends in `/api/v4`"),
        FieldSpec::secret("auth_token")
            .env(&["GITLAB_ACCESS_TOKEN"])
            .ask("Access token", "a personal, group or project access token with the scope read_api"),
        fields::timeout(15.0),
        FieldSpec::boolean("mr_writeback", false)
            .env(&["GITLAB_MR_WRITEBACK"])
            .ask("May post merge-request notes", "needs a token with the scope api")
            .extension(),
        fields::verify_ssl(&["GITLAB_VERIFY_SSL"]),
        fields::ca_bundle(&["GITLAB_CA_BUNDLE"]),
    ],
    configured: Rule::Set("auth_token"),
    environment: Rule::Set("auth_token"),
    hooks: Hooks::NONE,
    documentation: "Commits, merge requests, pipelines, jobs and deployments. Needs an access token with the \
                    scope read_api.",
};
