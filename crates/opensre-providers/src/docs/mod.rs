//! Reference documentation in Markdown, derived from the declarations: pure functions from declarations to text.
//!
//! Nothing here names a provider, and nothing writes a file: what is published is written elsewhere, and checked there
//! for being up to date.

mod examples;
mod markdown;
mod support;

pub use support::support_table;

use std::fmt::Write as _;

use opensre_model::fields;
use opensre_model::provider::{Catalogue, FieldKind, FieldSpec, ProviderKind, ProviderSpec, Rule, Separator};
use opensre_model::rule;
use opensre_model::value::Value;

use crate::driver::{Provider, Query};
use markdown::{code, codes, fence, table};

/// What every generated page begins with.
const GENERATED: &str = "<!-- Generated from the declarations of the providers. Do not edit. -->";

/// The reference of all environment variables that configure providers, by kind of system.
pub fn environment_reference(catalogue: &Catalogue) -> String {
    let mut page = format!("{GENERATED}\n\n# Environment variables\n\n{ENVIRONMENT_RULES}");
    for kind in kinds(catalogue.iter()) {
        let _ = write!(page, "\n## {}\n", kind_name(kind));
        // A second key of a family has no variables of its own.
        for spec in catalogue.iter().filter(|spec| spec.kind == kind && spec.instances_variable.is_some()) {
            let _ = write!(page, "\n### {} ({})\n\n", spec.name, code(spec.key));
            let _ = write!(page, "{}{}", single_instance_rule(spec), variables_table(spec));
        }
    }
    page
}

const ENVIRONMENT_RULES: &str = "\
Each provider is configured by one variable that holds several named instances, or by variables that make up a single \
one.

- `<SERVICE>_INSTANCES` is a JSON array. An entry is `{\"name\", \"tags\", \"credentials\": {...}}`, or has the fields \
beside `name` and `tags`. Beside them may stand `expect`, who the back end must say we are there \
(`{\"account_id\": \"123456789012\"}`): an instance that turns out to be another is refused. When it has a usable entry, the single-instance variables of that provider are not read. When it is \
no valid JSON, or has no usable entry, they are, and a warning says so (but for an empty array).
- A variable that is empty or blank counts as unset. Of several names for one field the first that is set counts.
- Yes is spelt `1`, `true`, `yes`, `on`, `t` or `y`, no is `0`, `false`, `no`, `off`, `f` or `n`, in any letter case. \
Anything else is reported, and the default is used; so for a number that cannot be read.
- A secret may be a reference: `${env:NAME}` or `${file:/path}`. (`${exec:command}` is for the store file only.)
- Where the store file configures the same service it wins, unless `OPENSRE_PRECEDENCE` is `env` or `merge`.
";

fn single_instance_rule(spec: &ProviderSpec) -> String {
    if matches!(spec.environment, Rule::Never) {
        return format!("There is no single-instance form. Field names are on the page of {}.\n\n", spec.name);
    }
    // The rule names fields; here they go by their variables.
    let words = spec.fields.iter().fold(rule::describe(&spec.environment), |words, field| match field.env {
        [first, ..] => words.replace(&code(field.key), &code(first)),
        [] => words,
    });
    format!("A single instance needs {words}.\n\n")
}

fn variables_table(spec: &ProviderSpec) -> String {
    let mut rows = Vec::new();
    if let Some(variable) = spec.instances_variable {
        let meaning = "Several instances, as a JSON array".to_owned();
        rows.push(vec![code(variable), String::new(), String::new(), "yes".to_owned(), meaning]);
    }
    for field in spec.fields {
        for (position, variable) in field.env.iter().enumerate() {
            let meaning =
                if position == 0 { meaning(field) } else { format!("Read where {} is unset", code(field.env[0])) };
            rows.push(vec![code(variable), code(field.key), default(field), yes(field.secret), meaning]);
        }
    }
    for (variable, meaning) in spec.hooks.variables {
        rows.push(vec![code(variable), String::new(), String::new(), String::new(), (*meaning).to_owned()]);
    }
    table(&["Variable", "Field", "Default", "Secret", "What it holds"], &rows)
}

/// The page about one provider: what it is for, its fields, how to write it down in each place, and what the program
/// does with it.
pub fn provider_page(provider: &Provider) -> String {
    let spec = provider.spec;
    let mut page = format!("{GENERATED}\n\n# {}\n\n{}\n\n", spec.name, spec.documentation);
    let _ = writeln!(page, "- Key: {}", code(spec.key));
    if !spec.aliases.is_empty() {
        let _ = writeln!(page, "- Also read as: {}", codes(spec.aliases));
    }
    if spec.family != spec.key {
        let _ = writeln!(page, "- Listed, addressed and selected as {}", code(spec.family));
    }
    if let Some(variable) = spec.instances_variable {
        let _ = writeln!(page, "- Variable for several instances: {}", code(variable));
    }
    let _ = writeln!(page, "- Configured with: {}", rule::describe(&spec.configured));

    let _ = write!(page, "\n## Fields\n\n{}", fields_table(spec));
    let _ = write!(page, "\n## In the store file\n\n{}", fence("json", &examples::store_record(spec)));
    let _ = write!(page, "\nThe same on the command line:\n\n{}", fence("sh", &examples::command(spec)));
    if let Some(export) = examples::instances_variable(spec) {
        let _ = write!(page, "\n## In the environment\n\nSeveral instances:\n\n{}", fence("sh", &export));
    }
    if let Some(exports) = examples::single_instance(spec) {
        let _ = write!(page, "\nA single instance:\n\n{}", fence("sh", &exports));
    }
    let _ = write!(page, "\n## What is done with it\n\n{}", abilities(provider));
    page
}

fn fields_table(spec: &ProviderSpec) -> String {
    let row = |field: &FieldSpec| {
        let mut variables = codes(field.env);
        if !field.read_as.is_empty() {
            let stored = format!("stored also as {}", codes(field.read_as));
            variables = if variables.is_empty() { stored } else { format!("{variables}; {stored}") };
        }
        vec![code(field.key), kind(field), default(field), yes(field.secret), variables, meaning(field)]
    };
    let rows: Vec<Vec<String>> = spec.fields.iter().map(row).collect();
    table(&["Field", "Type", "Default", "Secret", "Variable", "What it holds"], &rows)
}

fn abilities(provider: &Provider) -> String {
    if provider.is_only_declared() {
        return "It is declared only so far: instances are loaded, listed, selected and kept, but nothing calls them \
                yet. `opensre integrations verify` answers `not probed`.\n"
            .to_owned();
    }
    let mut text = String::new();
    match provider.probe {
        Some(_) => {
            text.push_str("`opensre integrations verify` proves the credentials with a real call.\n");
            if !provider.identity.is_empty() {
                let _ = writeln!(
                    text,
                    "\nIt shows, where the server tells it, and `expect` may pin an instance to: {}.",
                    codes(provider.identity)
                );
            }
        }
        None => text.push_str("`opensre integrations verify` answers `not probed`.\n"),
    }
    if provider.deliver.is_some() {
        let _ = writeln!(
            text,
            "\n`opensre investigate --deliver {0}/NAME` delivers the report to it, `opensre integrations verify --send-test \
             {0}/NAME` a test message. Nothing is sent otherwise.",
            provider.spec.key
        );
    }
    if !provider.queries.is_empty() {
        let rows: Vec<Vec<String>> = provider.queries.iter().map(query_row).collect();
        let columns = ["Query", "What it answers", "Input", "Bounds"];
        let _ = write!(
            text,
            "\nRead-only queries, asked where an alert makes them relevant:\n\n{}",
            table(&columns, &rows)
        );
    }
    text
}

fn query_row(query: &Query) -> Vec<String> {
    let inputs = query.input.iter().map(|input| {
        let required = if input.required { ", required" } else { "" };
        format!("{} ({}{required})", code(input.key), input.kind)
    });
    let bounds = query.bounds;
    vec![
        code(query.name),
        query.summary.to_owned(),
        inputs.collect::<Vec<_>>().join(", "),
        format!("{} rows, {} KiB, {} s", bounds.rows, bounds.bytes / 1024, bounds.seconds),
    ]
}

/// The kinds that there are, in order.
fn kinds(specs: impl Iterator<Item = &'static ProviderSpec>) -> impl Iterator<Item = ProviderKind> {
    specs.map(|spec| spec.kind).collect::<std::collections::BTreeSet<_>>().into_iter()
}

fn kind_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Observability => "Logs, metrics, traces",
        ProviderKind::Infrastructure => "Clouds and clusters",
        ProviderKind::Delivery => "Delivery pipelines and code",
        ProviderKind::DataStore => "Databases and messaging",
        ProviderKind::Alerting => "Alerting and tickets",
        ProviderKind::Communication => "Chat and documents",
    }
}

fn kind(field: &FieldSpec) -> String {
    match field.kind {
        FieldKind::Text { .. } => match field.instance_of {
            Some(family) => format!("name of an instance of {}", code(family)),
            None => "text".to_owned(),
        },
        FieldKind::Url { .. } => "URL".to_owned(),
        FieldKind::Integer { min, max: i64::MAX, .. } => format!("whole number from {min}"),
        FieldKind::Integer { min, max, .. } => format!("whole number, {min} to {max}"),
        FieldKind::Number { min, max, .. } => format!("number, {min} to {max}"),
        FieldKind::Boolean { .. } => "yes or no".to_owned(),
        FieldKind::List { separator: Separator::Comma, .. } => "list; a text is split at commas".to_owned(),
        FieldKind::List { separator: Separator::Space, .. } => "list; a text is split at white space".to_owned(),
        FieldKind::SecretMap => "object of texts".to_owned(),
    }
}

fn default(field: &FieldSpec) -> String {
    match fields::default(field) {
        None => String::new(),
        Some(Value::List(items)) => code(&items.join(",")),
        Some(value) => match fields::revealed(&value) {
            serde_json::Value::String(text) => code(&text),
            other => code(&other.to_string()),
        },
    }
}

fn meaning(field: &FieldSpec) -> String {
    format!("{}: {}", field.prompt, field.help)
}

fn yes(holds: bool) -> String {
    if holds { "yes".to_owned() } else { String::new() }
}
