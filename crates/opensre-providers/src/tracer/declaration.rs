//! What is declared about Tracer (SaaS).

use opensre_model::provider::{DictionaryForm, EnvironmentMap, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use serde_json::{Map, Value as Json, json};

use crate::environment::{extensions, variable};
use crate::{fields, refine};

/// Tracer (SaaS).
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "tracer",
    name: "Tracer (SaaS)",
    aliases: &[],
    family: "tracer",
    kind: ProviderKind::Observability,
    instances_variable: Some("TRACER_INSTANCES"),
    fields: &[
        FieldSpec::secret("jwt_token")
            .env(&["JWT_TOKEN"])
            .ask("Token", "a JWT of your organization; integrations are then read from there too"),
        FieldSpec::url_or("base_url", STAGING)
            .env(&["TRACER_API_URL"])
            .ask("Tracer URL", "without it the variable ENV decides: production or prod is https://app.tracer.cloud"),
        fields::verify_ssl(&["TRACER_VERIFY_SSL"]),
        fields::ca_bundle(&["TRACER_CA_BUNDLE"]),
    ],
    configured: Rule::Set("jwt_token"),
    environment: Rule::Set("jwt_token"),
    hooks: Hooks {
        from_environment: Some(from_environment),
        variables: &[("ENV", "without TRACER_API_URL: `production` or `prod` means https://app.tracer.cloud")],
        refine: Some(|draft| refine::strip_bearer(draft, "jwt_token")),
        dictionary: DictionaryForm::Wrapped,
        ..Hooks::NONE
    },
    documentation: "Integrations of an organization, kept in Tracer. Needs a JWT of that organization.",
};

const STAGING: &str = "https://staging.tracer.cloud";
const PRODUCTION: &str = "https://app.tracer.cloud";

/// The record that the variables make: without TRACER_API_URL, ENV says which Tracer is meant.
fn from_environment(environment: &EnvironmentMap) -> Option<Map<String, Json>> {
    let token = variable(environment, "JWT_TOKEN")?;
    let is_production = variable(environment, "ENV")
        .is_some_and(|stage| stage.eq_ignore_ascii_case("production") || stage.eq_ignore_ascii_case("prod"));
    let usual = if is_production { PRODUCTION } else { STAGING };
    let base_url = variable(environment, "TRACER_API_URL").unwrap_or(usual);
    let mut credentials = extensions(&SPEC, environment);
    credentials.insert("jwt_token".to_owned(), json!(token));
    credentials.insert("base_url".to_owned(), json!(base_url));
    Some(Map::from_iter([("credentials".to_owned(), Json::Object(credentials))]))
}
