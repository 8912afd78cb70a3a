//! What is declared about Grafana, and the rule by which an instance is the local one.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::secret::SecretValue;
use opensre_model::value::Config;
use url::Url;

use crate::fields;

const KEY: &str = "grafana";
const LOCAL_KEY: &str = "grafana_local";

/// Both keys have the same fields, since the endpoint decides which of them an instance is.
const fn declared(endpoint: &'static str) -> [FieldSpec; 6] {
    [
        FieldSpec::url("endpoint")
            .example(endpoint)
            .env(&["GRAFANA_INSTANCE_URL"])
            .ask("Grafana URL", "as in the browser, up to and without `/d/...`; may have a path prefix"),
        FieldSpec::secret("api_key").env(&["GRAFANA_READ_TOKEN"]).ask(
            "Service account token",
            "Administration > Users and access > Service accounts; role Viewer, plus data source query permission",
        ),
        FieldSpec::text("loki_datasource_uid")
            .env(&["GRAFANA_LOKI_DATASOURCE_UID"])
            .ask("UID of the Loki data source", "only where the default or best-named one is not the right one")
            .extension(),
        FieldSpec::text("tempo_datasource_uid")
            .env(&["GRAFANA_TEMPO_DATASOURCE_UID"])
            .ask("UID of the Tempo data source", "only where the default or best-named one is not the right one")
            .extension(),
        fields::verify_ssl(&["GRAFANA_VERIFY_SSL"]),
        fields::ca_bundle(&["GRAFANA_CA_BUNDLE"]),
    ]
}

const FIELDS: [FieldSpec; 6] = declared("https://grafana.example.net");
const LOCAL_FIELDS: [FieldSpec; 6] = declared("http://localhost:3000");

/// Grafana.
pub static SPEC: ProviderSpec = BASE;

/// Grafana on this machine.
pub static LOCAL_SPEC: ProviderSpec = ProviderSpec {
    key: LOCAL_KEY,
    name: "Grafana (local)",
    instances_variable: None,
    fields: &LOCAL_FIELDS,
    configured: Rule::Set("endpoint"),
    environment: Rule::Never,
    documentation: "A Grafana on this machine that lets everybody read. Needs no token.",
    ..BASE
};

const BASE: ProviderSpec = ProviderSpec {
    key: KEY,
    name: "Grafana",
    aliases: &[],
    family: KEY,
    kind: ProviderKind::Observability,
    instances_variable: Some("GRAFANA_INSTANCES"),
    fields: &FIELDS,
    configured: Rule::All(&[
        Rule::Set("endpoint"),
        Rule::Set("api_key"),
        Rule::Check { words: "an `api_key` other than the word `local`", holds: is_no_placeholder },
    ]),
    environment: Rule::All(&[Rule::Set("endpoint"), Rule::Set("api_key")]),
    hooks: Hooks { refine: Some(classify), ..Hooks::NONE },
    documentation: "Dashboards, alert rules and annotations, and through its data sources logs, metrics and traces. \
                    Needs a service account token with the role Viewer.",
};

/// Whether an endpoint is a local Grafana's: its host, parsed, is exactly `localhost`, `127.0.0.1` or `0.0.0.0`.
/// Nothing else is, so that no remote host that merely contains such a word is taken for this machine.
pub fn is_local(endpoint: &str) -> bool {
    Url::parse(endpoint)
        .ok()
        .and_then(|url| url.host_str().map(str::to_ascii_lowercase))
        .is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "0.0.0.0"))
}

/// Decides between the two keys by the endpoint's host, and blanks a local instance's token.
fn classify(draft: &mut Draft) {
    let Some(endpoint) = draft.config.text("endpoint") else { return };
    if is_local(endpoint) {
        draft.service = LOCAL_KEY;
        draft.config.unset("api_key");
    } else {
        draft.service = KEY;
    }
}

/// Old set-ups wrote the word `local` in place of a key; it opens nothing.
fn is_no_placeholder(config: &Config) -> bool {
    !matches!(config.secret("api_key"), Some(SecretValue::Plain(key)) if key.expose() == "local")
}
