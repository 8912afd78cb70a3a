//! What is declared about Bitbucket Cloud.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Bitbucket Cloud.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "bitbucket",
    name: "Bitbucket Cloud",
    aliases: &[],
    family: "bitbucket",
    kind: ProviderKind::Delivery,
    instances_variable: Some("BITBUCKET_INSTANCES"),
    fields: &[
        FieldSpec::text("workspace")
            .example("acme")
            .env(&["BITBUCKET_WORKSPACE"])
            .ask("Workspace", "its id, as in the address: https://bitbucket.org/{workspace}"),
        FieldSpec::text("username")
            .env(&["BITBUCKET_USERNAME"])
            .ask("User name", "for an API token the e-mail address of the account"),
        FieldSpec::secret("app_password")
            .env(&["BITBUCKET_APP_PASSWORD"])
            .ask("API token or app password", "scopes read:account, read:repository and read:pipeline"),
        FieldSpec::url_or("base_url", "https://api.bitbucket.org/2.0")
            .env(&["BITBUCKET_BASE_URL"])
            .ask("API URL", "another one only behind a proxy"),
        fields::max_results(25, 100).env(&["BITBUCKET_MAX_RESULTS"]),
        fields::verify_ssl(&["BITBUCKET_VERIFY_SSL"]),
        fields::ca_bundle(&["BITBUCKET_CA_BUNDLE"]),
    ],
    configured: Rule::Set("workspace"),
    environment: Rule::Set("workspace"),
    hooks: Hooks::NONE,
    documentation: "Commits, files and pipelines of a workspace. Needs an API token that may read repositories \
                    and pipelines.",
};
