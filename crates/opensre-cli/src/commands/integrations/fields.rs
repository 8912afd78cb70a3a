//! Fields as they are written on the command line, at the prompt and on standard input.

use std::io::Read;

use opensre_model::fields as model;
use opensre_model::policy::{AlertPart, RawPolicy};
use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec, Separator};
use opensre_model::secret::SecretReference;
use opensre_model::selector::nearest;
use serde_json::{Map, Value as Json};

use crate::args::PolicyArgs;
use crate::failure::Failure;

/// Reads `FIELD=VALUE` into an instance's credentials. A secret field takes a reference only: whatever stands on the
/// command line can be read by every process of the machine.
pub(in crate::commands) fn set(
    spec: &ProviderSpec,
    credentials: &mut Map<String, Json>,
    written: &str,
) -> Result<(), Failure> {
    let Some((key, value)) = written.split_once('=') else {
        // Not shown: it may be a secret that was meant for a field.
        return Err(Failure::input("a field is written FIELD=VALUE").hint(known_fields(spec)));
    };
    let field = field(spec, key)?;
    if field.secret {
        reference_only(field, value)?;
    }
    credentials.insert(field.key.to_owned(), as_json(field, value)?);
    Ok(())
}

/// The declared field of a written key, or an error with the nearest.
pub(in crate::commands) fn field(spec: &ProviderSpec, written: &str) -> Result<&'static FieldSpec, Failure> {
    let key = written.trim().to_lowercase().replace('-', "_");
    let known = |field: &&FieldSpec| field.key == key || field.read_as.contains(&key.as_str());
    spec.fields.iter().find(known).ok_or_else(|| {
        let failure = Failure::input(format!("{} has no field `{}`", spec.key, key));
        match nearest(&key, spec.fields.iter().map(|field| field.key)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(known_fields(spec)),
        }
    })
}

fn known_fields(spec: &ProviderSpec) -> String {
    let keys: Vec<&str> = spec.fields.iter().map(|field| field.key).collect();
    format!("the fields of {}: {}", spec.key, keys.join(", "))
}

fn reference_only(field: &FieldSpec, value: &str) -> Result<(), Failure> {
    let refused = |reason: String| {
        Err(Failure::input(reason).hint(format!(
            "give it on standard input (--secret-stdin {0}), or as a reference: --set '{0}=${{env:NAME}}', '${{file:/path}}' or '${{exec:command args}}'",
            field.key
        )))
    };
    if matches!(field.kind, FieldKind::SecretMap) {
        let Ok(Json::Object(map)) = serde_json::from_str::<Json>(value) else {
            return refused(format!("{} is written as a JSON object of references", field.key));
        };
        let plain = |value: &Json| !matches!(value.as_str().map(SecretReference::parse), Some(Ok(Some(_))));
        if map.values().any(plain) {
            return refused(format!(
                "every value of {} is a secret, and secrets are not written on the command line",
                field.key
            ));
        }
        return Ok(());
    }
    match SecretReference::parse(value.trim()) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => refused(format!("{} is a secret, and secrets are not written on the command line", field.key)),
        Err(error) => refused(format!("{}: {error}", field.key)),
    }
}

/// A written value in the JSON type that the field has in the store.
pub(in crate::commands) fn as_json(field: &FieldSpec, value: &str) -> Result<Json, Failure> {
    let value = value.trim();
    let wrong = |what: &str| Failure::input(format!("{} must be {what}", field.key)).hint(field.help);
    Ok(match field.kind {
        FieldKind::Text { .. } | FieldKind::Url { .. } => Json::String(value.to_owned()),
        FieldKind::Integer { min, max, .. } => {
            let number: i64 = value.parse().map_err(|_| wrong("a whole number"))?;
            if number < min || number > max {
                return Err(wrong(&format!("between {min} and {max}")));
            }
            Json::from(number)
        }
        FieldKind::Number { min, max, .. } => {
            let number: f64 = value.parse().map_err(|_| wrong("a number"))?;
            if !(number >= min && number <= max) {
                return Err(wrong(&format!("between {min} and {max}")));
            }
            Json::from(number)
        }
        FieldKind::Boolean { .. } => {
            Json::Bool(model::boolean(&Json::from(value)).ok_or_else(|| wrong("true or false"))?)
        }
        FieldKind::List { separator, .. } => {
            let parts: Vec<&str> = match separator {
                Separator::Comma => value.split(',').collect(),
                Separator::Space => value.split_whitespace().collect(),
            };
            parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect()
        }
        FieldKind::SecretMap => serde_json::from_str(value).map_err(|_| wrong("a JSON object"))?,
    })
}

/// Reads secret fields from standard input: one field takes all of it, several take one line each, in order.
pub(in crate::commands) fn from_stdin(
    spec: &ProviderSpec,
    credentials: &mut Map<String, Json>,
    keys: &[String],
) -> Result<(), Failure> {
    const MOST: u64 = 1024 * 1024;
    if keys.is_empty() {
        return Ok(());
    }
    let fields = keys.iter().map(|key| field(spec, key)).collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::input(format!("cannot read the secret from standard input: {}", error.kind())))?;
    let values: Vec<&str> =
        if fields.len() == 1 { vec![text.trim_matches(['\r', '\n'])] } else { text.lines().collect() };
    if values.len() < fields.len() {
        return Err(Failure::input(format!(
            "standard input has {} for {} secret fields",
            crate::text::count(values.len(), "line", "lines"),
            fields.len()
        ))
        .hint("write one line for each --secret-stdin, in their order"));
    }
    for (field, value) in fields.into_iter().zip(values) {
        if value.trim().is_empty() {
            return Err(Failure::input(format!("standard input has no value for {}", field.key)));
        }
        credentials.insert(field.key.to_owned(), as_json(field, value)?);
    }
    Ok(())
}

/// Reads `KEY=VALUE` into tags.
pub(in crate::commands) fn tag(tags: &mut Map<String, Json>, written: &str) -> Result<(), Failure> {
    match written.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            remove_tag(tags, key);
            tags.insert(key.trim().to_owned(), Json::String(value.trim().to_owned()));
            Ok(())
        }
        _ => Err(Failure::input(format!("`{written}` is no tag")).hint("write a tag as KEY=VALUE, such as env=prod")),
    }
}

/// Removes a tag, whatever the letter case of its name. Returns whether it was there.
pub(in crate::commands) fn remove_tag(tags: &mut Map<String, Json>, key: &str) -> bool {
    let key = opensre_model::instance::normalise(key);
    let before = tags.len();
    tags.retain(|name, _| opensre_model::instance::normalise(name) != key);
    tags.len() != before
}

/// Reads policies from flags; a policy that no flag names stays as it is.
pub(in crate::commands) fn policy(policy: &mut RawPolicy, args: &PolicyArgs) -> Result<(), Failure> {
    if let Some(required) = args.requires_explicit {
        policy.requires_explicit = required.then_some(Json::Bool(true));
    }
    let Some(words) = &args.route_from else { return Ok(()) };
    let mut parts = Vec::new();
    for word in words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        match word.to_lowercase().as_str() {
            "all" if words.len() == 1 => {
                policy.route_from = None;
                return Ok(());
            }
            "none" if words.len() == 1 => {}
            _ => {
                let part = AlertPart::parse(word).map_err(|reason| {
                    Failure::input(format!("--route-from: {reason}"))
                        .hint("write --route-from hint,urls; `all` removes the policy, `none` lets no part name it")
                })?;
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
    }
    policy.route_from = Some(parts.into_iter().map(|part| Json::from(part.as_str())).collect());
    Ok(())
}

/// Reads `KEY=VALUE` into a pin, or removes `KEY-` from it. A pin that is none (written by hand) is replaced.
pub(in crate::commands) fn pin(expect: &mut Option<Json>, written: &str) -> Result<(), Failure> {
    let mut map = match expect.take() {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    match written.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            map.insert(key.trim().to_owned(), Json::String(value.trim().to_owned()));
        }
        None if written.trim_end_matches('-').len() + 1 == written.len() => {
            let key = written.trim_end_matches('-').trim();
            if map.shift_remove(key).is_none() {
                return Err(Failure::failed(format!("the instance expects no {key}")));
            }
        }
        _ => {
            return Err(Failure::input(format!("--expect {written}: no KEY=VALUE"))
                .hint("write --expect account_id=123456789012; `integrations verify` shows the names"));
        }
    }
    *expect = (!map.is_empty()).then_some(Json::Object(map));
    Ok(())
}
