//! What is declared about PostHog.

use opensre_model::provider::{DictionaryForm, Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Value;

const WINDOW: &str = "bounce_rate_window";
const DEFAULT_WINDOW: &str = "24h";
use crate::fields;

/// PostHog.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "posthog",
    name: "PostHog",
    aliases: &[],
    family: "posthog",
    kind: ProviderKind::Observability,
    instances_variable: Some("POSTHOG_INSTANCES"),
    fields: &[
        FieldSpec::text("project_id")
            .example("12345")
            .env(&["POSTHOG_PROJECT_ID"])
            .ask("Project id", "Settings > Project > General"),
        FieldSpec::secret("personal_api_key")
            .env(&["POSTHOG_PERSONAL_API_KEY"])
            .ask("Personal API key", "Settings > Personal API keys; scopes project:read and query:read"),
        FieldSpec::url_or("base_url", "https://us.i.posthog.com")
            .env(&["POSTHOG_BASE_URL"])
            .ask("PostHog URL", "https://eu.i.posthog.com for the EU, or that of your own server"),
        fields::timeout(15.0).env(&["POSTHOG_TIMEOUT_SECONDS"]),
        FieldSpec::number("bounce_rate_threshold", 0.6, 0.0, 1.0)
            .env(&["POSTHOG_BOUNCE_THRESHOLD"])
            .ask("Bounce rate that counts as high", "a share from 0 to 1"),
        FieldSpec::text_or(WINDOW, DEFAULT_WINDOW)
            .env(&["POSTHOG_BOUNCE_WINDOW"])
            .ask("Window of the bounce rate", "a number followed by s, m, h, d or w"),
        fields::verify_ssl(&["POSTHOG_VERIFY_SSL"]),
        fields::ca_bundle(&["POSTHOG_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("project_id"), Rule::Set("personal_api_key")]),
    environment: Rule::All(&[Rule::Set("project_id"), Rule::Set("personal_api_key")]),
    hooks: Hooks { refine: Some(check_window), dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Product analytics by HogQL query. Needs a personal API key with the scopes project:read and \
                    query:read.",
};

/// A window of another form than `<number>[smhdw]` is replaced by the default, with a warning.
fn check_window(draft: &mut Draft) {
    if draft.config.text(WINDOW).is_some_and(|window| !is_window(window)) {
        draft
            .warnings
            .push((Some(WINDOW), format!("not a number followed by s, m, h, d or w; {DEFAULT_WINDOW} is used")));
        draft.config.set(WINDOW, Value::Text(DEFAULT_WINDOW.to_owned()));
    }
}

/// Whether a text is a length of time such as `90m` or `1.5h`.
fn is_window(text: &str) -> bool {
    let is_plain = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.strip_suffix(['s', 'm', 'h', 'd', 'w']).is_some_and(|number| is_plain(number) && number.parse::<f64>().is_ok())
}
