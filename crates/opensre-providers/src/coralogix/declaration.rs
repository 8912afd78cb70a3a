//! What is declared about Coralogix.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Coralogix.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "coralogix",
    name: "Coralogix",
    aliases: &["carologix"],
    family: "coralogix",
    kind: ProviderKind::Observability,
    instances_variable: Some("CORALOGIX_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key")
            .env(&["CORALOGIX_API_KEY"])
            .ask("API key", "Settings > API Keys; a key with the role preset DataQuerying"),
        FieldSpec::url_or("base_url", "https://api.coralogix.com")
            .env(&["CORALOGIX_API_URL"])
            .ask("API URL", "that of your domain: https://api.eu2.coralogix.com, https://api.us2.coralogix.com, ..."),
        FieldSpec::text("application_name")
            .env(&["CORALOGIX_APPLICATION_NAME"])
            .ask("Application name", "narrows what is asked; empty asks all applications"),
        FieldSpec::text("subsystem_name")
            .env(&["CORALOGIX_SUBSYSTEM_NAME"])
            .ask("Subsystem name", "narrows what is asked; empty asks all subsystems"),
        FieldSpec::url("app_url")
            .example("https://shop.app.eu2.coralogix.com")
            .env(&["CORALOGIX_APP_URL"])
            .ask("Address of the team's pages", "for links in reports, and to recognise the team's own alerts")
            .extension(),
        fields::verify_ssl(&["CORALOGIX_VERIFY_SSL"]),
        fields::ca_bundle(&["CORALOGIX_CA_BUNDLE"]),
    ],
    configured: Rule::Set("api_key"),
    environment: Rule::Set("api_key"),
    hooks: Hooks::NONE,
    documentation: "Logs and spans by DataPrime query. Needs an API key that may query data.",
};
