//! What is declared about Better Stack.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Value;

use crate::fields;

/// Better Stack.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "betterstack",
    name: "Better Stack",
    aliases: &["better stack"],
    family: "betterstack",
    kind: ProviderKind::Observability,
    instances_variable: Some("BETTERSTACK_INSTANCES"),
    fields: &[
        FieldSpec::url("query_endpoint")
            .example("https://eu-nbg-2-connect.betterstackdata.com")
            .env(&["BETTERSTACK_QUERY_ENDPOINT"])
            .ask("Query endpoint", "Telemetry > Integrations > Connect ClickHouse HTTP client shows it"),
        FieldSpec::text("username")
            .example("u1a2b3c4")
            .env(&["BETTERSTACK_USERNAME"])
            .ask("User name", "created together with the endpoint"),
        FieldSpec::secret("password")
            .env(&["BETTERSTACK_PASSWORD"])
            .ask("Password", "shown once when the endpoint is created"),
        FieldSpec::list("sources", &[])
            .env(&["BETTERSTACK_SOURCES"])
            .ask("Sources", "table names such as t123456_app_logs, with commas between"),
        fields::timeout(15.0).extension(),
        FieldSpec::integer("max_rows", 500, 1, 10_000)
            .ask("Most rows of one query", "larger values are cut to the limit")
            .extension(),
        fields::verify_ssl(&["BETTERSTACK_VERIFY_SSL"]),
        fields::ca_bundle(&["BETTERSTACK_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("query_endpoint"), Rule::Set("username")]),
    environment: Rule::All(&[Rule::Set("query_endpoint"), Rule::Set("username")]),
    hooks: Hooks { refine: Some(keep_identifiers), ..Hooks::NONE },
    documentation: "Logs by ClickHouse SQL over HTTP. Needs the user of a query endpoint.",
};

/// Source names become table names in a query, so only identifiers are kept; another one is left out with a warning.
fn keep_identifiers(draft: &mut Draft) {
    let sources = draft.config.list("sources");
    let kept: Vec<String> = sources.iter().filter(|source| is_identifier(source)).cloned().collect();
    let left_out = sources.len() - kept.len();
    if left_out > 0 {
        draft.warnings.push((
            Some("sources"),
            format!(
                "{left_out} of its names is no identifier (letters, digits and `_`, not first a digit) and is left out"
            ),
        ));
        draft.config.unset("sources");
        if !kept.is_empty() {
            draft.config.set("sources", Value::List(kept));
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}
