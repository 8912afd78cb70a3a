//! What holds for every declaration. Each test walks all of them and lists every offence.

use std::collections::{BTreeMap, BTreeSet};

use opensre_model::fields;
use opensre_model::provider::{FieldKind, ProviderSpec, Rule};
use opensre_model::rule;
use opensre_providers::{catalogue, providers};
use serde_json::{Value as Json, json};

use super::support::{config, from_store, from_variables, least, messages, only, value};

/// Fails with all offences that `check` finds.
fn walk(check: impl Fn(&'static ProviderSpec) -> Vec<String>) {
    let offences: Vec<String> = catalogue()
        .iter()
        .flat_map(|spec| check(spec).into_iter().map(move |offence| format!("{}: {offence}", spec.key)))
        .collect();
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_')
}

#[test]
fn a_field_that_names_an_instance_names_one_of_another_family() {
    for spec in catalogue().iter() {
        for field in spec.fields.iter().filter(|field| field.instance_of.is_some()) {
            let family = field.instance_of.expect("a family");
            assert!(catalogue().iter().any(|other| other.family == family), "{} {}", spec.key, field.key);
            assert_ne!(family, spec.family, "{} {} would lead in a circle", spec.key, field.key);
        }
    }
}

#[test]
fn keys_and_aliases_are_lower_case_and_mean_one_provider() {
    let mut meanings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for spec in catalogue().iter() {
        assert!(is_word(spec.key), "{}", spec.key);
        assert!(spec.aliases.iter().all(|alias| *alias == alias.trim().to_lowercase()), "{}", spec.key);
        for spelling in std::iter::once(&spec.key).chain(spec.aliases) {
            meanings.entry(spelling).or_default().push(spec.key);
        }
        assert_eq!(catalogue().find(&format!(" {} ", spec.key.to_uppercase())).map(|found| found.key), Some(spec.key));
    }
    meanings.retain(|_, keys| keys.len() > 1);
    assert_eq!(meanings, BTreeMap::new());
}

#[test]
fn a_family_is_a_declared_key() {
    walk(|spec| {
        let is_known = catalogue().iter().any(|other| other.key == spec.family);
        if is_known { vec![] } else { vec![format!("unknown family {}", spec.family)] }
    });
}

#[test]
fn every_folder_is_registered_and_every_provider_has_a_page() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let folders: BTreeSet<String> = std::fs::read_dir(source)
        .expect("the crate's source")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("declaration.rs").is_file())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    let families: BTreeSet<String> = providers().iter().map(|provider| provider.spec.family.to_owned()).collect();
    assert_eq!(folders, families);
}

#[test]
fn every_text_that_people_read_is_there() {
    walk(|spec| {
        let mut offences = Vec::new();
        if spec.name.trim().is_empty() {
            offences.push("no name".to_owned());
        }
        if !spec.documentation.ends_with('.') || spec.documentation.contains('\n') {
            offences.push("documentation is not one line of sentences".to_owned());
        }
        for field in spec.fields {
            if field.prompt.is_empty() || field.help.is_empty() {
                offences.push(format!("{} has no prompt or help", field.key));
            }
            if [field.prompt, field.help].iter().any(|text| text.contains('\n') || text.contains("  ")) {
                offences.push(format!("{} has a prompt or help of several lines", field.key));
            }
        }
        offences
    });
}

#[test]
fn fields_have_keys_of_their_own() {
    walk(|spec| {
        let mut seen = BTreeSet::new();
        let spellings = spec.fields.iter().flat_map(|field| std::iter::once(&field.key).chain(field.read_as)).copied();
        spellings.filter(|key| !seen.insert(*key) || !is_word(key)).map(|key| format!("field {key}")).collect()
    });
}

#[test]
fn a_variable_sets_one_field_of_one_provider() {
    // A local Grafana is made of the same variables as any other.
    let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for spec in catalogue().iter().filter(|spec| spec.key != "grafana_local") {
        for field in spec.fields {
            for variable in field.env {
                owners.entry(variable).or_default().push(format!("{}.{}", spec.key, field.key));
                let is_spelt = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                assert!(variable.chars().all(is_spelt), "{variable}");
            }
        }
        owners.entry(spec.instances_variable.expect("a variable")).or_default().push(spec.key.to_owned());
    }
    owners.retain(|_, fields| fields.len() > 1);
    assert_eq!(owners, BTreeMap::new());
}

#[test]
fn rules_name_declared_fields() {
    fn keys(rule: &Rule) -> Vec<&'static str> {
        match rule {
            Rule::Set(key) | Rule::Changed(key) => vec![key],
            Rule::All(rules) | Rule::Any(rules) => rules.iter().flat_map(keys).collect(),
            Rule::Check { .. } | Rule::Never => vec![],
        }
    }
    walk(|spec| {
        let named = [keys(&spec.configured), keys(&spec.environment)].concat();
        named.into_iter().filter(|key| spec.field(key).is_none()).map(|key| format!("no field {key}")).collect()
    });
}

#[test]
fn what_the_variables_must_set_can_be_set_by_variables() {
    walk(|spec| {
        rule::fields(&spec.environment)
            .into_iter()
            .filter(|key| spec.field(key).is_some_and(|field| field.env.is_empty()))
            .map(|key| format!("{key} has no variable"))
            .collect()
    });
}

#[test]
fn defaults_are_values_of_their_fields() {
    walk(|spec| {
        let mut offences = Vec::new();
        for field in spec.fields {
            if let FieldKind::Integer { min, max, .. } = field.kind
                && min > max
            {
                offences.push(format!("{} has bounds the wrong way round", field.key));
            }
            let Some(default) = fields::default(field) else { continue };
            match fields::read(field, &fields::revealed(&default)) {
                Ok(reading) if reading.value.as_ref() == Some(&default) && reading.warning.is_none() => {}
                other => offences.push(format!("{} reads its default as {other:?}", field.key)),
            }
        }
        offences
    });
}

#[test]
fn what_must_be_given_has_a_default_or_an_example_that_is_read() {
    walk(|spec| {
        let mut offences = Vec::new();
        let required = [rule::fields(&spec.configured), rule::fields(&spec.environment)].concat();
        for field in spec.fields.iter().filter(|field| !field.secret) {
            match field.example {
                Some(example) if fields::read(field, &json!(example)).is_ok_and(|it| it.warning.is_none()) => {}
                Some(_) => offences.push(format!("{} does not read its example", field.key)),
                None if required.contains(&field.key) && fields::default(field).is_none() => {
                    offences.push(format!("{} has no example", field.key));
                }
                None => {}
            }
        }
        offences
    });
}

#[test]
fn nothing_at_all_is_not_configured() {
    walk(|spec| {
        let resolved = from_store(spec.key, &json!({}));
        if resolved.instances().next().is_some() { vec!["usable without credentials".to_owned()] } else { vec![] }
    });
}

#[test]
fn the_least_credentials_are_enough_and_each_is_needed() {
    walk(|spec| {
        let sample = least(spec, &spec.configured);
        let mut offences = Vec::new();
        let resolved = from_store(spec.key, &Json::Object(sample.clone()));
        match resolved.instances().next() {
            None => offences.push(format!("not usable: {}", messages(&resolved))),
            Some(instance) if instance.service != spec.key => offences.push(format!("became {}", instance.service)),
            Some(_) if !resolved.diagnostics.is_empty() => offences.push(messages(&resolved)),
            Some(_) => {}
        }
        for key in sample.keys() {
            let mut without = sample.clone();
            without.remove(key);
            let resolved = from_store(spec.key, &Json::Object(without));
            if resolved.instances().next().is_some() {
                offences.push(format!("usable without {key}"));
            }
            if !resolved.diagnostics.iter().any(|diagnostic| diagnostic.reason.contains("needs")) {
                offences.push(format!("does not say that {key} is missing"));
            }
        }
        offences
    });
}

#[test]
fn the_least_variables_make_an_instance() {
    walk(|spec| {
        let sample = least(spec, &spec.environment);
        let variables: Vec<(&str, String)> = sample
            .iter()
            .map(|(key, value)| {
                let field = spec.field(key).expect("a declared field");
                (field.env[0], value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        let pairs: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (records, _) = from_variables(&pairs);
        match (&records[..], &spec.environment) {
            ([], Rule::Never) => vec![],
            ([record], _) if record.id == format!("env-{}", spec.key.replace('_', "-")) => vec![],
            (records, _) => vec![format!("{} records from {pairs:?}", records.len())],
        }
    });
}

#[test]
fn an_instances_variable_takes_several_named_instances() {
    walk(|spec| {
        let Some(variable) = spec.instances_variable else { return vec![] };
        let nested = json!({"name": "One", "tags": {"env": "prod"}, "credentials": least(spec, &spec.configured)});
        let mut flat = least(spec, &spec.configured);
        flat.insert("name".to_owned(), json!("two"));
        let (_, resolved) = from_variables(&[(variable, &json!([nested, flat]).to_string())]);
        let names: Vec<&str> = resolved.instances().map(|instance| instance.name.as_str()).collect();
        if names == ["one", "two"] { vec![] } else { vec![format!("{names:?} {}", messages(&resolved))] }
    });
}

#[test]
fn instances_variables_are_named_after_the_key_but_for_the_names_that_users_have() {
    walk(|spec| {
        let expected = match spec.key {
            "grafana_local" => None,
            "datadog" => Some("DD_INSTANCES".to_owned()),
            key => Some(format!("{}_INSTANCES", key.to_uppercase())),
        };
        if spec.instances_variable == expected.as_deref() { vec![] } else { vec![format!("{expected:?}")] }
    });
}

#[test]
fn every_field_is_read_from_the_store() {
    walk(|spec| {
        let mut offences = Vec::new();
        for field in spec.fields {
            let mut credentials = least(spec, &spec.configured);
            let written = value(spec, field, "sample");
            credentials.insert(field.key.to_owned(), written.clone());
            let resolved = from_store(spec.key, &Json::Object(credentials));
            let Some(instance) = resolved.instances().next() else {
                // Argo CD takes no user name or password beside the token of the least credentials.
                if spec.key != "argocd" {
                    offences.push(format!("{}: {}", field.key, messages(&resolved)));
                }
                continue;
            };
            let is_ignored = resolved
                .diagnostics
                .iter()
                .any(|diagnostic| diagnostic.reason.contains("ignored") || diagnostic.reason.contains("is used"));
            let is_blanked = spec.key == "grafana_local" && field.key == "api_key";
            if instance.config().get(field.key).is_none() && !is_ignored && !is_blanked {
                offences.push(format!("{} is not kept", field.key));
            }
        }
        offences
    });
}

#[test]
fn every_field_is_read_from_each_of_its_variables() {
    walk(|spec| {
        let mut offences = Vec::new();
        for field in spec.fields {
            // Beside a role the static keys of AWS are not read; a test of its own has them.
            if spec.key == "aws" && ["access_key_id", "secret_access_key", "session_token"].contains(&field.key) {
                continue;
            }
            for variable in field.env {
                let others = least(spec, &spec.environment).into_iter().filter(|(key, _)| key != field.key);
                let written = others.map(|(key, value)| (spec.field(&key).expect("a field").env[0], value));
                let pairs: Vec<(&str, String)> = written
                    .chain([(*variable, value(spec, field, "sample"))])
                    .map(|(name, value)| (name, value.as_str().map_or_else(|| as_variable(&value), str::to_owned)))
                    .collect();
                let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (*name, text.as_str())).collect();
                let (records, _) = from_variables(&pairs);
                let read = records.first().and_then(|record| {
                    let (_, written) = fields::written(field, &record.instances.first()?.credentials)?;
                    fields::read(field, written).ok()?.value
                });
                let expected =
                    fields::read(field, &value(spec, field, "sample")).ok().and_then(|reading| reading.value);
                // A local Grafana has no variables of its own.
                if read != expected && spec.key != "grafana_local" {
                    offences.push(format!("{variable} sets {} to {read:?}", field.key));
                }
            }
        }
        offences
    });
}

/// A value as a variable spells it: lists with commas, numbers and booleans as JSON does.
fn as_variable(value: &Json) -> String {
    match value {
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn tls_can_be_tuned_wherever_there_is_tls() {
    // Kubernetes says it in the kubeconfig; Azure SQL always verifies.
    walk(|spec| {
        let has = |key| spec.field(key).is_some();
        match spec.key {
            "kubernetes" => vec![],
            "azure_sql" if has("ca_bundle") && !has("verify_ssl") => vec![],
            _ if has("ca_bundle") && has("verify_ssl") => vec![],
            _ => vec!["no verify_ssl or no ca_bundle".to_owned()],
        }
    });
}

#[test]
fn only_the_word_for_no_turns_verification_off() {
    walk(|spec| {
        let mut offences = Vec::new();
        if spec.field("verify_ssl").is_none() {
            return offences;
        }
        for (word, verifies) in [("", true), ("flase", true), ("FALSE", false), ("0", false), ("Yes", true)] {
            let mut credentials = least(spec, &spec.configured);
            credentials.insert("verify_ssl".to_owned(), json!(word));
            let resolved = from_store(spec.key, &Json::Object(credentials));
            if only(&resolved).config().boolean("verify_ssl") != Some(verifies) {
                offences.push(format!("{word:?} is not read as {verifies}"));
            }
        }
        offences
    });
}

#[test]
fn the_flat_config_of_an_old_provider_has_no_new_keys() {
    let resolved = from_store("grafana", &json!({"endpoint": "https://g.example.net/", "api_key": "k"}));
    insta::assert_snapshot!(config(&resolved), @r#"{"endpoint":"https://g.example.net","api_key":"k","integration_id":"grafana-1"}"#);
    let resolved = from_store("mysql", &json!({"host": "db", "database": "shop"}));
    insta::assert_snapshot!(config(&resolved), @r#"{"host":"db","database":"shop","port":3306,"username":"root","password":"","ssl_mode":"preferred","integration_id":"mysql-1"}"#);
}
