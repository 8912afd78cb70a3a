//! Examples of how an instance is written down, made from its declaration. They are complete: an instance so written is
//! configured.

use std::fmt::Write as _;

use opensre_model::fields;
use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec, Rule};
use serde_json::{Map, Value as Json, json};

/// A record of the store with one instance.
pub(super) fn store_record(spec: &ProviderSpec) -> String {
    let record = json!({
        "id": format!("{}-1", spec.key),
        "service": spec.key,
        "status": "active",
        "instances": [{"name": "prod", "tags": {"env": "prod"}, "credentials": credentials(spec, &spec.configured)}],
    });
    format!("{record:#}")
}

/// The command that adds the same instance.
pub(super) fn command(spec: &ProviderSpec) -> String {
    let mut command = format!("opensre integrations add {} --name prod --tag env=prod", spec.key);
    for (key, value) in credentials(spec, &spec.configured) {
        let _ = write!(command, " \\\n  --set {}", quoted(&format!("{key}={}", as_text(&value))));
    }
    command
}

/// The instances variable with two instances, of which the second is written flat.
pub(super) fn instances_variable(spec: &ProviderSpec) -> Option<String> {
    let variable = spec.instances_variable?;
    let credentials = credentials(spec, &spec.configured);
    let nested = json!({"name": "prod", "tags": {"env": "prod"}, "credentials": credentials});
    let mut flat =
        Map::from_iter([("name".to_owned(), json!("staging")), ("tags".to_owned(), json!({"env": "staging"}))]);
    flat.extend(credentials);
    Some(format!("export {variable}={}", quoted(&format!("[\n  {nested},\n  {}\n]", Json::Object(flat)))))
}

/// The variables of the single-instance form, as far as they are required for it and for the instance.
pub(super) fn single_instance(spec: &ProviderSpec) -> Option<String> {
    let mut keys = required(&spec.environment);
    if keys.is_empty() {
        return None;
    }
    let others = required(&spec.configured).into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>();
    keys.extend(others);
    let export = |key: &str| {
        let field = spec.field(key)?;
        let text = if field.secret { "...".to_owned() } else { as_text(&example(spec, field)) };
        Some(format!("export {}={}", field.env.first()?, quoted(&text)))
    };
    Some(keys.into_iter().filter_map(export).collect::<Vec<_>>().join("\n"))
}

/// The least credentials that a rule asks for: of alternatives the first.
fn credentials(spec: &ProviderSpec, rule: &Rule) -> Map<String, Json> {
    required(rule)
        .into_iter()
        .filter_map(|key| spec.field(key).map(|field| (key.to_owned(), example(spec, field))))
        .collect()
}

fn required(rule: &Rule) -> Vec<&'static str> {
    let mut keys = match rule {
        Rule::Set(key) | Rule::Changed(key) => vec![*key],
        Rule::All(rules) => rules.iter().flat_map(required).collect(),
        Rule::Any(rules) => rules.first().map(required).unwrap_or_default(),
        Rule::Check { .. } | Rule::Never => vec![],
    };
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(*key));
    keys
}

/// A field's example; of a secret a reference, so that no example teaches to write one down.
fn example(spec: &ProviderSpec, field: &FieldSpec) -> Json {
    if field.secret {
        let usual = || format!("{}_{}", spec.key, field.key).to_uppercase();
        let variable = field.env.first().map_or_else(usual, |variable| (*variable).to_owned());
        return json!(format!("${{env:{variable}}}"));
    }
    match (field.example, field.kind) {
        (Some(text), FieldKind::Integer { .. }) => {
            text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
        }
        (Some(text), _) => json!(text),
        (None, _) => fields::default(field).as_ref().map_or_else(|| json!(field.key), fields::revealed),
    }
}

fn as_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text as one word of a POSIX shell, with quotes where they are needed.
fn quoted(text: &str) -> String {
    let is_bare = |character: char| character.is_ascii_alphanumeric() || "_-./:=@,+".contains(character);
    if !text.is_empty() && text.chars().all(is_bare) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
