//! Instances of real declarations, for tests.

use opensre_model::diagnostic::{Diagnostic, Source};
use opensre_model::environment;
use opensre_model::instance::Instance;
use opensre_model::provider::{EnvironmentMap, FieldKind, FieldSpec, ProviderSpec, Rule};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use opensre_providers::catalogue;
use serde_json::{Map, Value as Json, json};

/// The store as a source.
fn store() -> Source {
    Source::Store { path: "integrations.json".to_owned() }
}

/// What the store's records resolve to.
pub(crate) fn from_records(records: &[Json]) -> Resolved {
    let records: Vec<Record> = records
        .iter()
        .enumerate()
        .map(|(position, record)| Record::from_json(record, &store(), position).0.expect("a readable record"))
        .collect();
    resolve(&catalogue(), &records, &[], Precedence::Store)
}

/// What one instance with these credentials resolves to.
pub(crate) fn from_store(service: &str, credentials: &Json) -> Resolved {
    from_records(&[json!({
        "id": format!("{service}-1"),
        "service": service,
        "status": "active",
        "instances": [{"name": "default", "tags": {}, "credentials": credentials}],
    })])
}

/// What variables resolve to; reading them may have diagnostics of its own.
pub(crate) fn from_variables(pairs: &[(&str, &str)]) -> (Vec<Record>, Resolved) {
    let variables: EnvironmentMap =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (records, diagnostics) = environment::records(&catalogue(), &variables);
    let mut resolved = resolve(&catalogue(), &[], &records, Precedence::Store);
    resolved.diagnostics.splice(0..0, diagnostics);
    (records, resolved)
}

/// The only instance there is; panics, saying why, when it could not be used.
pub(crate) fn only(resolved: &Resolved) -> &Instance {
    let mut instances = resolved.instances();
    match (instances.next(), instances.next()) {
        (Some(instance), None) => instance,
        (first, _) => panic!("{} instances: {}", if first.is_some() { "several" } else { "no" }, messages(resolved)),
    }
}

/// The flat config of the only instance, secrets in clear.
pub(crate) fn config(resolved: &Resolved) -> Json {
    Json::Object(opensre_model::compatible::flat_config(&catalogue(), only(resolved), true))
}

/// The diagnostics, one a line.
pub(crate) fn messages(resolved: &Resolved) -> String {
    resolved.diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

/// A provider's declaration.
pub(crate) fn spec(key: &str) -> &'static ProviderSpec {
    catalogue().iter().find(|spec| spec.key == key).expect("a declared provider")
}

/// A value that a field of this provider takes. `word` makes it recognisable.
pub(crate) fn value(spec: &ProviderSpec, field: &FieldSpec, word: &str) -> Json {
    match (spec.key, field.key) {
        ("slack", "webhook_url") => json!(format!("https://hooks.slack.com/services/{word}")),
        ("discord", "public_key") => json!("00ff"),
        ("kafka", "security_protocol") => json!("SASL_SSL"),
        ("posthog", "bounce_rate_window") => json!("12h"),
        ("aws", "account_id") => json!("123456789012"),
        ("grafana_local", "endpoint") => json!("http://localhost:3000"),
        (_, "mode") => json!("sse"),
        (_, "region") => json!("eu"),
        (_, "url") if matches!(field.kind, FieldKind::Text { .. }) => json!(format!("https://{word}.example.net/mcp")),
        _ => match field.kind {
            FieldKind::Text { .. } => json!(word),
            FieldKind::Url { .. } => json!(format!("https://{word}.example.net")),
            FieldKind::Integer { min, max, .. } => json!(max.min(min + 7)),
            FieldKind::Number { max, .. } => json!(max / 2.0),
            FieldKind::Boolean { default } => json!(!default),
            FieldKind::List { .. } => json!([word]),
            FieldKind::SecretMap => json!({"X-Header": word}),
        },
    }
}

/// The least credentials that a rule asks for: of alternatives the first.
pub(crate) fn least(spec: &ProviderSpec, rule: &Rule) -> Map<String, Json> {
    match rule {
        Rule::Set(key) | Rule::Changed(key) => {
            let field = spec.field(key).expect("a declared field");
            Map::from_iter([((*key).to_owned(), value(spec, field, "sample"))])
        }
        Rule::All(rules) => rules.iter().flat_map(|rule| least(spec, rule)).collect(),
        Rule::Any(rules) => rules.first().map(|rule| least(spec, rule)).unwrap_or_default(),
        Rule::Check { .. } | Rule::Never => Map::new(),
    }
}
