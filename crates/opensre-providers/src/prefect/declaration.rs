//! What is declared about Prefect.

use opensre_model::provider::{DictionaryForm, Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Config;
use url::Url;

use crate::fields;

/// Prefect.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "prefect",
    name: "Prefect",
    aliases: &[],
    family: "prefect",
    kind: ProviderKind::Delivery,
    instances_variable: Some("PREFECT_INSTANCES"),
    fields: &[
        FieldSpec::url_or("api_url", CLOUD)
            .env(&["PREFECT_API_URL"])
            .ask("API URL", "ends in `/api`, or in `/workspaces/{id}` where it names the workspace itself"),
        FieldSpec::secret("api_key")
            .env(&["PREFECT_API_KEY"])
            .ask("API key", "My Profile > API Keys; a server of your own may ask for none"),
        FieldSpec::text("account_id")
            .env(&["PREFECT_ACCOUNT_ID"])
            .ask("Account id", "cloud only; in the address after `/account/`"),
        FieldSpec::text("workspace_id")
            .env(&["PREFECT_WORKSPACE_ID"])
            .ask("Workspace id", "cloud only; in the address after `/workspace/`"),
        fields::verify_ssl(&["PREFECT_VERIFY_SSL"]),
        fields::ca_bundle(&["PREFECT_CA_BUNDLE"]),
    ],
    configured: Rule::Any(&[Rule::Set("api_key"), Rule::Changed("api_url")]),
    environment: Rule::Any(&[Rule::Set("api_key"), Rule::Set("api_url")]),
    hooks: Hooks { refine: Some(check_ids), dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Flow and task runs, their logs, deployments and work pools. Needs an API key of a user who \
                    may view the workspace.",
};

const CLOUD: &str = "https://api.prefect.cloud/api";

/// One id without the other names nothing.
fn check_ids(draft: &mut Draft) {
    for (one, other) in [("account_id", "workspace_id"), ("workspace_id", "account_id")] {
        if draft.config.has(one) && !draft.config.has(other) {
            draft.warnings.push((Some(one), format!("has no effect without {other}")));
        }
    }
}

/// The base of every call, without a trailing slash.
pub fn base(config: &Config) -> String {
    let api_url = config.text("api_url").unwrap_or(CLOUD);
    match (config.text("account_id"), config.text("workspace_id")) {
        (Some(account), Some(workspace)) if !api_url.contains("/workspaces/") => {
            let Ok(mut url) = Url::parse(api_url) else { return api_url.to_owned() };
            if let Ok(mut segments) = url.path_segments_mut() {
                // As segments, so that an id cannot lead anywhere else.
                segments.pop_if_empty().extend(["accounts", account, "workspaces", workspace]);
            }
            url.to_string()
        }
        _ => api_url.to_owned(),
    }
}
