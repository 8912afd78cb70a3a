//! Judging a provider's rules over fields, and saying in words what is missing.

use crate::fields;
use crate::provider::{ProviderSpec, Rule};
use crate::value::Config;
use crate::wording::joined;

/// Whether a rule of a provider holds for these fields.
pub fn holds(rule: &Rule, spec: &ProviderSpec, config: &Config) -> bool {
    match rule {
        Rule::Set(key) => config.has(key),
        Rule::Changed(key) => config.has(key) && spec.field(key).and_then(fields::default).as_ref() != config.get(key),
        Rule::All(rules) => rules.iter().all(|rule| holds(rule, spec, config)),
        Rule::Any(rules) => rules.iter().any(|rule| holds(rule, spec, config)),
        Rule::Check { holds, .. } => holds(config),
        Rule::Never => false,
    }
}

/// What a rule lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// In words: `` `username` and `password`, or `token` ``. Alternatives that are half there name the other half only.
    pub words: String,
    /// The fields among it, each once, in the rule's order.
    pub fields: Vec<&'static str>,
}

/// What is missing for a rule to hold; `None` when it holds.
pub fn missing(rule: &Rule, spec: &ProviderSpec, config: &Config) -> Option<Missing> {
    let unmet = |rule: &Rule| !holds(rule, spec, config);
    let phrase = phrase(rule, &unmet)?;
    let mut fields = Vec::new();
    collect(rule, &unmet, &mut fields);
    Some(Missing { words: phrase.words, fields })
}

/// The whole rule in words, for documentation: `` `endpoint` and `api_key` ``.
pub fn describe(rule: &Rule) -> String {
    phrase(rule, &|_| true).map(|phrase| phrase.words).unwrap_or_default()
}

/// The fields that a rule asks for, each once, in its order. A provider's own check names none.
pub fn fields(rule: &Rule) -> Vec<&'static str> {
    let mut fields = Vec::new();
    collect(rule, &|_| true, &mut fields);
    fields
}

fn collect(rule: &Rule, wanted: &dyn Fn(&Rule) -> bool, fields: &mut Vec<&'static str>) {
    if !wanted(rule) {
        return;
    }
    match rule {
        Rule::Set(key) | Rule::Changed(key) => {
            if !fields.contains(key) {
                fields.push(key);
            }
        }
        Rule::All(rules) | Rule::Any(rules) => {
            for rule in *rules {
                collect(rule, wanted, fields);
            }
        }
        Rule::Check { .. } | Rule::Never => {}
    }
}

/// A rule in words, and how loosely its words hang together.
struct Phrase {
    words: String,
    binding: Binding,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Binding {
    Single,
    And,
    Or,
}

/// The parts of a rule that are wanted, in words; `None` when none is.
fn phrase(rule: &Rule, wanted: &dyn Fn(&Rule) -> bool) -> Option<Phrase> {
    if !wanted(rule) {
        return None;
    }
    let single = |words: String| Some(Phrase { words, binding: Binding::Single });
    match rule {
        Rule::Set(key) => single(format!("`{key}`")),
        Rule::Changed(key) => single(format!("`{key}` other than its default")),
        Rule::Check { words, .. } => single((*words).to_owned()),
        Rule::Any([]) | Rule::Never => single("what no field can give".to_owned()),
        Rule::All(rules) => combine(rules, wanted, Binding::And),
        Rule::Any(rules) => combine(rules, wanted, Binding::Or),
    }
}

fn combine(rules: &[Rule], wanted: &dyn Fn(&Rule) -> bool, binding: Binding) -> Option<Phrase> {
    let mut phrases: Vec<Phrase> = rules.iter().filter_map(|rule| phrase(rule, wanted)).collect();
    if phrases.len() <= 1 {
        return phrases.pop();
    }
    let looser = phrases.iter().any(|phrase| phrase.binding == Binding::And);
    let words = match binding {
        // `a` and (`b` or `c`)
        Binding::And => {
            let parts: Vec<String> = phrases
                .into_iter()
                .map(|Phrase { words, binding }| if binding == Binding::Or { format!("({words})") } else { words })
                .collect();
            joined(&parts, "and")
        }
        // `a`, or `b` and `c`
        Binding::Or if looser => phrases.into_iter().map(|phrase| phrase.words).collect::<Vec<_>>().join(", or "),
        Binding::Or | Binding::Single => {
            let parts: Vec<String> = phrases.into_iter().map(|phrase| phrase.words).collect();
            joined(&parts, "or")
        }
    };
    Some(Phrase { words, binding })
}
