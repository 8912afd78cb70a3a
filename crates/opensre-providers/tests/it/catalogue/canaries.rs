//! A canary in every secret field of every provider: none of what may be shown ever holds one.

use opensre_model::compatible::{dictionary, effective};
use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec};
use opensre_model::resolution::Resolved;
use opensre_providers::catalogue;
use serde_json::{Map, Value as Json, json};

use super::support::{from_records, from_variables, least, value};

/// Every secret begins so; what follows tells the field.
const CANARY: &str = "c4n4ry";

fn canary(spec: &ProviderSpec, field: &FieldSpec) -> Json {
    value(spec, field, &format!("{CANARY}-{}-{}", spec.key, field.key))
}

/// The least credentials, with a canary in this field.
fn with_canary(spec: &ProviderSpec, field: &FieldSpec, key: &str) -> Map<String, Json> {
    let mut credentials = least(spec, &spec.configured);
    if spec.key == "argocd" && field.key != "bearer_token" {
        credentials.remove("bearer_token");
        credentials.insert("username".to_owned(), json!("u"));
        credentials.insert("password".to_owned(), json!("p"));
    }
    credentials.remove(field.key);
    credentials.insert(key.to_owned(), canary(spec, field));
    credentials
}

fn assert_no_canary(what: &str, context: &str, shown: &str) {
    assert!(!shown.contains(CANARY), "{what} of {context} holds a canary: {shown}");
}

/// Everything that is shown of what was resolved.
fn assert_silent(context: &str, resolved: &Resolved) {
    assert_no_canary("Debug", context, &format!("{resolved:?}"));
    assert_no_canary("Debug", context, &format!("{resolved:#?}"));
    for instance in resolved.instances() {
        assert_no_canary("the address", context, &instance.address());
    }
    for diagnostic in &resolved.diagnostics {
        assert_no_canary("a diagnostic", context, &diagnostic.to_string());
        assert_no_canary("a diagnostic", context, &serde_json::to_string(diagnostic).expect("JSON"));
    }
    for view in [dictionary, effective] {
        assert_no_canary("a view", context, &Json::Object(view(&catalogue(), resolved, false)).to_string());
    }
}

/// That the canary was really there: `_all` holds the records as written when revealed.
fn assert_was_there(context: &str, resolved: &Resolved) {
    let revealed = Json::Object(dictionary(&catalogue(), resolved, true)).to_string();
    assert!(revealed.contains(CANARY), "the test planted no canary in {context}");
}

fn secrets() -> impl Iterator<Item = (&'static ProviderSpec, &'static FieldSpec)> {
    let pairs: Vec<_> = catalogue()
        .iter()
        .flat_map(|spec| spec.fields.iter().filter(|field| field.secret).map(move |field| (spec, field)))
        .collect();
    pairs.into_iter()
}

#[test]
fn no_secret_of_the_store_shows() {
    for (spec, field) in secrets() {
        for key in std::iter::once(&field.key).chain(field.read_as) {
            let context = format!("{}.{key}", spec.key);
            let credentials = with_canary(spec, field, key);
            let instances = json!([{"name": "default", "tags": {}, "credentials": credentials}]);
            let version_2 = json!({"id": "r", "service": spec.key, "status": "active", "instances": instances});
            let version_1 = json!({"id": "r", "service": spec.key, "status": "active", "credentials": credentials});
            for record in [version_2, version_1] {
                let resolved = from_records(&[record]);
                assert_eq!(resolved.instances().count(), 1, "{context}: {:?}", resolved.diagnostics);
                assert_was_there(&context, &resolved);
                assert_silent(&context, &resolved);
            }
        }
    }
}

#[test]
fn no_secret_of_a_refused_instance_shows() {
    for spec in catalogue().iter() {
        // All secrets at once, and a field of the wrong type: most are refused, each for its own reason.
        let mut credentials: Map<String, Json> = spec
            .fields
            .iter()
            .filter(|field| field.secret)
            .map(|field| (field.key.to_owned(), canary(spec, field)))
            .collect();
        for field in spec.fields.iter().filter(|field| !field.secret) {
            credentials.insert(field.key.to_owned(), json!({"wrong": format!("{CANARY}-{}", field.key)}));
        }
        let record = json!({
            "id": "r",
            "service": spec.key,
            "status": "active",
            "instances": [{"credentials": credentials}],
        });
        let resolved = from_records(&[record]);
        assert_eq!(resolved.instances().count(), 0, "{}", spec.key);
        let said: Vec<String> = resolved.diagnostics.iter().map(ToString::to_string).collect();
        assert!(!said.is_empty(), "{} says nothing", spec.key);
        assert_no_canary("a diagnostic", spec.key, &said.join("\n"));
        assert_no_canary("Debug", spec.key, &format!("{resolved:?}"));
    }
}

#[test]
fn no_secret_of_a_half_written_reference_shows() {
    for (spec, field) in secrets().filter(|(_, field)| matches!(field.kind, FieldKind::Text { .. })) {
        let mut credentials = with_canary(spec, field, field.key);
        credentials.insert(field.key.to_owned(), json!(format!("${{{CANARY}")));
        let record = json!({
            "id": "r",
            "service": spec.key,
            "status": "active",
            "instances": [{"credentials": credentials}],
        });
        let context = format!("{}.{}", spec.key, field.key);
        let resolved = from_records(&[record]);
        assert_eq!(resolved.instances().count(), 0, "{context}");
        assert_silent(&context, &resolved);
    }
}

#[test]
fn no_secret_of_the_environment_shows() {
    for (spec, field) in secrets() {
        let context = format!("{}.{}", spec.key, field.key);
        if let Some(variable) = spec.instances_variable {
            let entry = json!({"name": "one", "credentials": with_canary(spec, field, field.key)});
            let (records, resolved) = from_variables(&[(variable, &json!([entry]).to_string())]);
            assert_was_there(&context, &resolved);
            assert_silent(&context, &resolved);
            assert_no_canary("Debug", &context, &format!("{records:?}"));
            let (records, resolved) = from_variables(&[(variable, &format!("[{{\"api_key\": \"{CANARY}\",}}]"))]);
            assert_no_canary("Debug", &context, &format!("{records:?}{resolved:?}"));
            assert_silent(&context, &resolved);
        }
        let Some(variable) = field.env.first() else { continue };
        let mut written = with_canary(spec, field, field.key);
        written.extend(least(spec, &spec.environment).into_iter().filter(|(key, _)| key != field.key));
        if spec.key == "argocd" && field.key == "password" {
            written.remove("bearer_token");
        }
        let pairs: Vec<(&str, String)> = written
            .iter()
            .filter_map(|(key, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some((*spec.field(key)?.env.first()?, text))
            })
            .collect();
        assert!(pairs.iter().any(|(name, text)| name == variable && text.contains(CANARY)), "{context}");
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let (records, resolved) = from_variables(&pairs);
        assert_silent(&context, &resolved);
        assert_no_canary("Debug", &context, &format!("{records:?}"));
    }
}
