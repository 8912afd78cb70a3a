//! What is declared about Apache Airflow.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Value;
use url::Url;

use crate::{fields, refine};

/// Apache Airflow.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "airflow",
    name: "Apache Airflow",
    aliases: &["apache airflow"],
    family: "airflow",
    kind: ProviderKind::Delivery,
    instances_variable: Some("AIRFLOW_INSTANCES"),
    fields: &[
        FieldSpec::url_or("base_url", "http://localhost:8080/api/v1")
            .env(&["AIRFLOW_BASE_URL"])
            .ask("API URL", "`/api/v1` is appended where no API is named; Airflow 3 has `/api/v2`"),
        FieldSpec::text("username")
            .example("opensre")
            .env(&["AIRFLOW_USERNAME"])
            .ask("User name", "a user with the role Viewer; leave empty to use a token"),
        FieldSpec::secret("password").env(&["AIRFLOW_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::secret("auth_token")
            .env(&["AIRFLOW_AUTH_TOKEN"])
            .ask("Bearer token", "used in place of user name and password"),
        fields::timeout(15.0).env(&["AIRFLOW_TIMEOUT_SECONDS"]),
        FieldSpec { extension: false, ..fields::verify_ssl(&["AIRFLOW_VERIFY_SSL"]) },
        fields::max_results(50, 200).env(&["AIRFLOW_MAX_RESULTS"]),
        fields::ca_bundle(&["AIRFLOW_CA_BUNDLE"]),
    ],
    configured: Rule::Any(&[Rule::Set("auth_token"), Rule::Set("username")]),
    environment: Rule::Any(&[Rule::Set("auth_token"), Rule::Set("username")]),
    hooks: Hooks { refine: Some(complete_base_url), ..Hooks::NONE },
    documentation: "Runs and task instances of DAGs, and their logs. Needs a user with the role Viewer.",
};

/// Appends `/api/v1` to a base URL that names no API: people paste the address of the web interface. A URL that names a
/// version keeps it (`/api/v2` is Airflow 3). One of two ways to authenticate is chosen here too.
fn complete_base_url(draft: &mut Draft) {
    if let Some(base_url) = draft.config.text("base_url")
        && !names_an_api(base_url)
    {
        let completed = format!("{base_url}/api/v1");
        draft.config.set("base_url", Value::Text(completed));
    }
    refine::prefer_token(draft, "auth_token");
}

/// Whether a path segment of a URL is `api`.
fn names_an_api(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| url.path_segments().is_some_and(|mut segments| segments.any(|s| s == "api")))
}
