//! The variables of this shell, `_INSTANCES` and single ones, as instances of the store.
//!
//! A secret of a single variable stays a reference to it. The secrets inside an `_INSTANCES` variable stand in JSON and
//! cannot be referred to one by one: each gets a variable of its own to be set, unless it is copied.

use opensre_model::environment;
use opensre_model::fields;
use opensre_model::provider::{Catalogue, EnvironmentMap, ProviderSpec};
use opensre_model::record::{RawInstance, Record};
use opensre_model::redaction;
use opensre_model::secret::SecretReference;
use opensre_model::value::Value;
use serde_json::Value as Json;

use crate::endpoint;
use crate::proposal::{Field, Found, Given, Proposal, Skipped, Tag};
use crate::tags;

/// Reads the variables.
pub fn read(catalogue: &Catalogue, variables: &EnvironmentMap) -> Found {
    let mut found = Found::default();
    let (records, diagnostics) = environment::records(catalogue, variables);
    for diagnostic in diagnostics {
        found.skipped.push(Skipped {
            what: diagnostic.source.to_string(),
            reason: diagnostic.reason,
            hint: diagnostic.hint,
        });
    }
    for record in &records {
        let Some(spec) = catalogue.find(&record.service) else { continue };
        for instance in &record.instances {
            found.proposals.push(proposal(spec, record, instance, variables));
        }
    }
    let literal = |(_, field): &(String, Field)| matches!(field, Field::Secret(Given::Literal(_)));
    if found.proposals.iter().any(|proposal| proposal.fields.iter().any(literal)) {
        found.note(
            "a secret inside an _INSTANCES variable cannot be referred to: set a variable for each, or copy them with \
             --copy-secrets",
        );
    }
    if !found.proposals.is_empty() {
        found.note("once they are in the store, the store wins over the variables; secrets are still read from them");
    }
    found
}

fn proposal(
    spec: &'static ProviderSpec,
    record: &Record,
    instance: &RawInstance,
    variables: &EnvironmentMap,
) -> Proposal {
    let mut proposal = Proposal::new(spec.key, &instance.name, record.source.to_string());
    proposal.expect.clone_from(&instance.expect);
    proposal.extra.extend(instance.policy.iter().map(|(key, value)| (key.to_owned(), value.clone())));
    for (key, value) in &instance.tags {
        proposal.tags.push(Tag { key: key.clone(), value: value.clone(), inferred_from: None });
    }
    let list = matches!(&record.source, opensre_model::diagnostic::Source::Environment { variable } if spec.instances_variable == Some(variable.as_str()));
    for (key, value) in &instance.credentials {
        let declared = spec.fields.iter().find(|field| field.key == key || field.read_as.contains(&key.as_str()));
        let Some(declared) = declared else {
            undeclared(&mut proposal, key, value);
            continue;
        };
        let set = declared.env.iter().find_map(|name| {
            variables
                .get(*name)
                .map(|text| text.trim())
                .filter(|text| !list && !text.is_empty())
                .map(|text| (*name, text))
        });
        let Ok(reading) = fields::read(declared, value) else {
            proposal.plain(declared.key, value.clone());
            continue;
        };
        match reading.value {
            Some(Value::Secret(secret)) => {
                let text = secret.revealed();
                let given = match (SecretReference::parse(&text), set) {
                    (Ok(Some(SecretReference::Exec(_))), _) => {
                        proposal.note(format!("`{}` is ${{exec:..}}, which a variable may not start", declared.key));
                        Given::Withheld("it is ${exec:..}, which a variable may not start")
                    }
                    (Ok(Some(reference)), _) => Given::Reference(reference),
                    (_, Some((name, own))) if own == text => Given::variable(name),
                    _ => match Given::literal(&text) {
                        Some(given) => given,
                        None => continue,
                    },
                };
                proposal.secret(declared.key, Some(given));
            }
            Some(Value::Secrets(map)) => {
                let given = map.into_iter().filter_map(|(name, secret)| {
                    let text = secret.revealed();
                    let given = match SecretReference::parse(&text) {
                        Ok(Some(reference)) if !matches!(reference, SecretReference::Exec(_)) => {
                            Given::Reference(reference)
                        }
                        _ => Given::literal(&text)?,
                    };
                    Some((name, given))
                });
                proposal.put(declared.key, Field::Secrets(given.collect()));
            }
            // A default that no variable set says nothing.
            value if value == fields::default(declared) && set.is_none() && !list => {}
            Some(value) => {
                proposal.plain(declared.key, fields::revealed(&value));
            }
            None => {}
        }
    }
    let texts: Vec<String> =
        spec.fields.iter().filter_map(|field| proposal.plain_text(field.key).map(str::to_owned)).collect();
    if !instance.name.is_empty() {
        tags::infer(&mut proposal, &instance.name, &format!("the name `{}`", instance.name));
    }
    for text in texts {
        if let Some((region, account, _)) = tags::arn(&text) {
            if !region.is_empty() {
                proposal.infer("region", region, "the ARN");
            }
            proposal.infer("account", account, "the ARN");
        } else if let Some(host) = endpoint::host(&text) {
            tags::infer(&mut proposal, &host, &format!("the host `{host}`"));
        }
    }
    proposal
}

/// A key that nothing reads is kept, unless it may be a secret.
fn undeclared(proposal: &mut Proposal, key: &str, value: &Json) {
    let map = [(key.to_owned(), value.clone())].into_iter().collect();
    match value {
        Json::String(text) if redaction::show(None, &map) != map => {
            let given = Given::literal(text);
            proposal.secret(key, given);
        }
        _ if redaction::show(None, &map) != map => proposal.note(format!("`{key}` may hold secrets and is left out")),
        _ => {
            proposal.plain(key, value.clone());
        }
    }
}
