//! What is declared about MongoDB Atlas.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// MongoDB Atlas.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "mongodb_atlas",
    name: "MongoDB Atlas",
    aliases: &["atlas"],
    family: "mongodb_atlas",
    kind: ProviderKind::DataStore,
    instances_variable: Some("MONGODB_ATLAS_INSTANCES"),
    fields: &[
        FieldSpec::text("api_public_key")
            .example("abcdefgh")
            .env(&["MONGODB_ATLAS_PUBLIC_KEY"])
            .ask("Public key", "Project Access Manager > API Keys; role Project Read Only"),
        FieldSpec::secret("api_private_key")
            .env(&["MONGODB_ATLAS_PRIVATE_KEY"])
            .ask("Private key", "shown once when the key is created"),
        FieldSpec::text("project_id")
            .example("0123456789abcdef01234567")
            .env(&["MONGODB_ATLAS_PROJECT_ID"])
            .ask("Project id", "Project Settings; also called group id"),
        FieldSpec::url_or("base_url", "https://cloud.mongodb.com/api/atlas/v2")
            .env(&["MONGODB_ATLAS_BASE_URL"])
            .ask("API URL", "another one only for Atlas for Government"),
        fields::verify_ssl(&["MONGODB_ATLAS_VERIFY_SSL"]),
        fields::ca_bundle(&["MONGODB_ATLAS_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("api_public_key"), Rule::Set("api_private_key"), Rule::Set("project_id")]),
    environment: Rule::All(&[Rule::Set("api_public_key"), Rule::Set("api_private_key"), Rule::Set("project_id")]),
    hooks: Hooks::NONE,
    documentation: "Clusters, alerts, events and measurements of a project. Needs an API key with the role \
                    Project Read Only.",
};
