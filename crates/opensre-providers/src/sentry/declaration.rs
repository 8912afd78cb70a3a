//! What is declared about Sentry.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Sentry.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "sentry",
    name: "Sentry",
    aliases: &[],
    family: "sentry",
    kind: ProviderKind::Delivery,
    instances_variable: Some("SENTRY_INSTANCES"),
    fields: &[
        FieldSpec::text("organization_slug")
            .example("acme")
            .env(&["SENTRY_ORG_SLUG"])
            .ask("Organization slug", "as in the address: https://{slug}.sentry.io"),
        FieldSpec::secret("auth_token").env(&["SENTRY_AUTH_TOKEN"]).ask(
            "Auth token",
            "Settings > Custom Integrations or personal tokens; scopes org:read, project:read and event:read",
        ),
        FieldSpec::url_or("base_url", "https://sentry.io")
            .env(&["SENTRY_URL"])
            .ask("Sentry URL", "another one only for a server of your own, or https://de.sentry.io"),
        FieldSpec::text("project_slug")
            .env(&["SENTRY_PROJECT_SLUG"])
            .ask("Project slug", "narrows what is asked; empty asks all projects"),
        fields::timeout(15.0),
        fields::verify_ssl(&["SENTRY_VERIFY_SSL"]),
        fields::ca_bundle(&["SENTRY_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("organization_slug"), Rule::Set("auth_token")]),
    environment: Rule::All(&[Rule::Set("organization_slug"), Rule::Set("auth_token")]),
    hooks: Hooks::NONE,
    documentation: "Issues, events and releases. Needs a token with org:read, project:read and event:read.",
};
