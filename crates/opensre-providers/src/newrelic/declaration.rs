//! What is declared about New Relic.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::{fields, refine};

/// New Relic.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "newrelic",
    name: "New Relic",
    aliases: &["new relic", "new_relic"],
    family: "newrelic",
    kind: ProviderKind::Observability,
    instances_variable: Some("NEWRELIC_INSTANCES"),
    fields: &[
        FieldSpec::secret("api_key")
            .env(&["NEW_RELIC_API_KEY"])
            .ask("User key", "API keys > Create a key of the type User; it begins with NRAK-"),
        FieldSpec::optional_integer("account_id", 1, i64::MAX)
            .example("1234567")
            .env(&["NEW_RELIC_ACCOUNT_ID"])
            .ask("Account id", "Administration > Access management > Accounts"),
        FieldSpec::text_or("region", "US").env(&["NEW_RELIC_REGION"]).ask("Region", "US or EU"),
        fields::verify_ssl(&["NEW_RELIC_VERIFY_SSL"]),
        fields::ca_bundle(&["NEW_RELIC_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("api_key"), Rule::Set("account_id")]),
    environment: Rule::All(&[Rule::Set("api_key"), Rule::Set("account_id")]),
    hooks: Hooks { refine: Some(|draft| refine::one_of(draft, "region", &["US", "EU"])), ..Hooks::NONE },
    documentation: "Logs, metrics, spans, incidents and deployments by NRQL. Needs a user key that may read the \
                    account.",
};
