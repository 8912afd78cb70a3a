//! JSON Schemas (2020-12) of the store file and of the instances variables, derived from the catalogue.
//!
//! They describe what is read without a report, so an editor that knows them marks what the program would warn about.
//! Unknown keys are allowed at every level, since the store keeps them.

use serde_json::{Map, Value as Json, json};

use crate::fields;
use crate::policy::AlertPart;
use crate::provider::{Catalogue, FieldKind, FieldSpec, ProviderSpec, Separator};
use crate::rule;
use crate::wording::joined;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of the store file, version 2.
///
/// ```
/// use opensre_model::provider::Catalogue;
/// let schema = opensre_model::schema::store_schema(&Catalogue::new(Vec::new()));
/// assert_eq!(schema["properties"]["version"]["const"], 2);
/// ```
pub fn store_schema(catalogue: &Catalogue) -> Json {
    let mut definitions = Map::new();
    definitions.insert("tags".to_owned(), tags());
    definitions.insert("name".to_owned(), name());
    definitions.insert("expect".to_owned(), expect());
    definitions.insert("requires_explicit".to_owned(), requires_explicit());
    definitions.insert("route_from".to_owned(), route_from());
    definitions.insert("instance".to_owned(), instance(&json!({"type": "object"})));
    for spec in catalogue.iter() {
        definitions.insert(format!("{}_credentials", spec.key), credentials(spec));
    }
    let rules: Vec<Json> = catalogue.iter().map(record_rule).collect();
    let services: Vec<&str> = catalogue.iter().map(|spec| spec.key).collect();

    let mut record = json!({
        "type": "object",
        "description": "What is configured for one service.",
        "required": ["service", "status", "instances"],
        "properties": {
            "id": {"type": "string", "description": "Its id, unique in the file."},
            "service": {
                "description": "The service, by its key or an alias.",
                "anyOf": [{"enum": services}, {"type": "string"}],
            },
            "status": {
                "type": "string",
                "description": "Only a record that is exactly `active` is used.",
                "examples": ["active", "inactive"],
            },
            "instances": {
                "type": "array",
                "description": "The instances, in order; the first that can be used is the default.",
                "items": {"$ref": "#/$defs/instance"},
            },
        },
    });
    if !rules.is_empty() {
        record["allOf"] = Json::Array(rules);
    }
    definitions.insert("record".to_owned(), record);
    definitions.insert("group".to_owned(), group());
    definitions.insert("rule".to_owned(), routing_rule(&services));

    json!({
        "$schema": DIALECT,
        "title": "opensre integrations store",
        "description": "The store file, by default ~/.tracer/integrations.json.",
        "type": "object",
        "required": ["version", "integrations"],
        "properties": {
            "version": {"const": 2, "description": "The version of this format."},
            "integrations": {
                "type": "array",
                "description": "The records, in order.",
                "items": {"$ref": "#/$defs/record"},
            },
            "groups": {
                "type": "array",
                "description": "Named selectors; a group's name stands wherever an instance or selector may.",
                "items": {"$ref": "#/$defs/group"},
            },
            "routing": routing(),
        },
        "$defs": definitions,
    })
}

/// The schema of a provider's instances variable: an array of nested or flat entries. `None` where the provider has no
/// such variable.
pub fn instances_variable_schema(spec: &ProviderSpec) -> Option<Json> {
    let variable = spec.instances_variable?;
    let mut flat = credentials(spec);
    // Flat entries hold the fields beside name and tags; with `credentials` they would not be read.
    flat["properties"]["name"] = json!({"$ref": "#/$defs/name"});
    flat["properties"]["tags"] = json!({"$ref": "#/$defs/tags"});
    for key in ["expect", "requires_explicit", "route_from"] {
        flat["properties"][key] = json!({"$ref": format!("#/$defs/{key}")});
    }
    flat["not"] = json!({"required": ["credentials"]});
    let mut nested = instance(&json!({"$ref": "#/$defs/credentials"}));
    nested["additionalProperties"] = json!(false);
    Some(json!({
        "$schema": DIALECT,
        "title": variable,
        "description": format!("Instances of {}, as a JSON array. {}", spec.name, spec.documentation),
        "type": "array",
        "items": {"anyOf": [nested, flat]},
        "$defs": {
            "tags": tags(), "name": name(), "expect": expect(), "requires_explicit": requires_explicit(),
            "route_from": route_from(), "credentials": credentials(spec),
        },
    }))
}

/// What a record of one provider has inside its instances.
fn record_rule(spec: &'static ProviderSpec) -> Json {
    let spellings: Vec<&str> = std::iter::once(spec.key).chain(spec.aliases.iter().copied()).collect();
    let reference = format!("#/$defs/{}_credentials", spec.key);
    json!({
        "if": {"required": ["service"], "properties": {"service": {"enum": spellings}}},
        "then": {"properties": {"instances": {"items": {"properties": {"credentials": {"$ref": reference}}}}}},
    })
}

fn instance(credentials: &Json) -> Json {
    json!({
        "type": "object",
        "description": "One named, tagged set of credentials.",
        "required": ["credentials"],
        "properties": {
            "name": {"$ref": "#/$defs/name"},
            "tags": {"$ref": "#/$defs/tags"},
            "expect": {"$ref": "#/$defs/expect"},
            "requires_explicit": {"$ref": "#/$defs/requires_explicit"},
            "route_from": {"$ref": "#/$defs/route_from"},
            "credentials": credentials,
        },
    })
}

fn name() -> Json {
    json!({
        "type": "string",
        "default": "default",
        "description": "The instance's name; compared trimmed and without letter case.",
    })
}

fn tags() -> Json {
    json!({
        "type": "object",
        "description": "Tags to select the instance by; compared trimmed and without letter case.",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    })
}

fn expect() -> Json {
    json!({
        "type": ["object", "null"],
        "description": "Who the back end must say we are there; `integrations verify` shows the names. An instance that \
                        turns out to be another is refused.",
        "additionalProperties": {"type": "string", "minLength": 1},
        "examples": [{"account_id": "123456789012"}],
    })
}

fn group() -> Json {
    json!({
        "type": "object",
        "description": "All instances, of whatever service, whose tags fit a selector.",
        "required": ["name", "select"],
        "properties": {
            "name": {"type": "string", "pattern": "^\\s*@[^@,/=!()\\s]+\\s*$", "examples": ["@eu"]},
            "select": {
                "type": "string",
                "description": "A tag selector; groups do not hold groups.",
                "examples": ["region=eu,env=prod"],
            },
        },
    })
}

/// Rules, and what to do in doubt.
fn routing() -> Json {
    let in_doubt = |what: &str| json!({"enum": ["default", "skip", "fail"], "default": "default", "description": what});
    json!({
        "type": "object",
        "description": "Standing decisions about which instances an alert is about.",
        "properties": {
            "rules": {
                "type": "array",
                "description": "In order: the first that fits the alert and names a service decides for that service.",
                "items": {"$ref": "#/$defs/rule"},
            },
            "unknown": in_doubt(
                "When a hint or rule names what is not there: the default instance, none of the service, or an error."
            ),
            "ambiguous": in_doubt(
                "When several fit alike where one is meant: what there is to choose from, none of them, or an error."
            ),
        },
    })
}

fn routing_rule(services: &[&str]) -> Json {
    json!({
        "type": "object",
        "required": ["match", "use"],
        "properties": {
            "match": {
                "type": "string",
                "description": "A selector over the alert's labels; `*` fits every alert.",
                "examples": ["team=payments", "*"],
            },
            "use": {
                "type": "object",
                "description": "For each service a name, several names, a tag selector or a group.",
                "propertyNames": {"anyOf": [{"enum": services}, {"type": "string"}]},
                "additionalProperties": {"type": "string", "minLength": 1},
                "examples": [{"grafana": "pay", "aws": "env=prod"}],
            },
        },
    })
}

fn requires_explicit() -> Json {
    json!({
        "type": ["boolean", "null"],
        "default": false,
        "description": "Only its own name chooses it, on the command line, in a hint or in a routing rule; never a tag, an id, \
                        a URL, the default, a selector or a group.",
    })
}

fn route_from() -> Json {
    json!({
        "type": ["array", "null"],
        "items": {"enum": AlertPart::ALL.map(AlertPart::as_str)},
        "description": "The parts of an alert that may name it; all of them when absent, none when empty.",
        "examples": [["hint", "urls"]],
    })
}

/// The fields of a provider, also under the other keys that they are read as.
fn credentials(spec: &ProviderSpec) -> Json {
    let mut properties = Map::new();
    for declared in spec.fields {
        properties.insert(declared.key.to_owned(), field(declared));
    }
    for declared in spec.fields {
        for key in declared.read_as {
            if !properties.contains_key(*key) {
                let mut other = field(declared);
                other["description"] = json!(format!("Read as `{}` when that is empty.", declared.key));
                other["deprecated"] = json!(true);
                properties.insert((*key).to_owned(), other);
            }
        }
    }
    json!({
        "type": "object",
        "title": spec.name,
        "description": format!("{} Configured with {}.", spec.documentation, rule::describe(&spec.configured)),
        "properties": properties,
    })
}

/// One field: the types that are read without a report (a numeric id is a text, a number may be quoted).
fn field(field: &FieldSpec) -> Json {
    let mut schema = match field.kind {
        FieldKind::Text { .. } => json!({"type": ["string", "number", "boolean", "null"]}),
        FieldKind::Url { .. } => json!({"type": ["string", "null"], "format": "uri"}),
        FieldKind::Integer { min, max, .. } => {
            json!({"type": ["integer", "string", "null"], "minimum": min, "maximum": max})
        }
        FieldKind::Number { min, max, .. } => {
            json!({"type": ["number", "string", "null"], "minimum": min, "maximum": max})
        }
        FieldKind::Boolean { .. } => json!({"type": ["boolean", "string", "integer", "null"]}),
        FieldKind::List { .. } => json!({
            "type": ["array", "string", "null"],
            "items": {"type": ["string", "number", "boolean"]},
        }),
        FieldKind::SecretMap => json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }),
    };
    schema["description"] = json!(description(field));
    if let Some(default) = fields::default(field) {
        schema["default"] = fields::revealed(&default);
    }
    if let Some(example) = field.example {
        schema["examples"] = json!([example]);
    }
    if field.secret {
        schema["writeOnly"] = json!(true);
    }
    schema
}

fn description(field: &FieldSpec) -> String {
    let mut sentences = Vec::new();
    for text in [field.prompt, field.help] {
        let text = text.trim().trim_end_matches('.');
        if !text.is_empty() {
            sentences.push(format!("{text}."));
        }
    }
    if let FieldKind::List { separator, .. } = field.kind {
        sentences.push(match separator {
            Separator::Comma => "A text is split at commas.".to_owned(),
            Separator::Space => "A text is split at white space.".to_owned(),
        });
    }
    if field.secret {
        sentences.push("A secret, or a reference to one: ${env:NAME}, ${file:/path}, ${exec:command}.".to_owned());
    }
    if !field.env.is_empty() {
        let variables: Vec<String> = field.env.iter().map(|variable| (*variable).to_owned()).collect();
        sentences.push(format!("Single-instance variable: {}.", joined(&variables, "or")));
    }
    sentences.join(" ")
}
