//! How the plan of an import reads: signs that can be told apart without colour, one block for each instance.

use std::fmt::Write as _;

use opensre_import::plan::{Action, Difference, Entry, Plan};
use opensre_model::provider::EnvironmentMap;

use crate::text::{count, printable};

/// The plan as text. Variables that the environment has need not be set.
pub(super) fn text(plan: &Plan, from: &str, environment: &EnvironmentMap, color: bool) -> String {
    let mut text = format!("from {}:\n", printable(from));
    let mut last = None;
    for entry in &plan.instances {
        // What stays as it is takes one line, without a gap between two of them.
        if last != Some(Action::Same) || entry.action != Action::Same {
            text.push('\n');
        }
        last = Some(entry.action);
        block(&mut text, entry, color);
    }
    if !plan.settings.is_empty() {
        text.push('\n');
    }
    for setting in &plan.settings {
        let value = match (&setting.old, setting.action) {
            (Some(old), Action::Differs) => format!("kept: {old} (there: {})", setting.new),
            (Some(old), _) => format!("{old} -> {}", setting.new),
            (None, Action::Same) => "as it is".to_owned(),
            (None, _) => setting.new.clone(),
        };
        let _ = writeln!(text, "{} {}  {}", sign(setting.action, color), printable(&setting.what), printable(&value));
    }
    if !plan.skipped.is_empty() {
        text.push_str("\nnot imported:\n");
    }
    for skipped in &plan.skipped {
        let _ = writeln!(text, "! {}: {}", printable(&skipped.what), printable(&skipped.reason));
        if let Some(hint) = &skipped.hint {
            let _ = writeln!(text, "    hint: {}", printable(hint));
        }
    }
    let is_set = |name: &str| environment.get(name).is_some_and(|value| !value.trim().is_empty());
    let mut to_set = plan.to_set().filter(|to_set| !is_set(&to_set.variable)).peekable();
    if to_set.peek().is_some() {
        text.push_str("\nto set before they are used:\n");
    }
    for to_set in to_set {
        let _ = writeln!(
            text,
            "  {}  {} of {}: {}",
            to_set.variable,
            to_set.field,
            printable(&to_set.instance),
            to_set.reason
        );
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    for note in &plan.notes {
        let _ = writeln!(text, "note: {}", printable(note));
    }
    let _ = writeln!(text, "\n{}", summary(plan));
    text
}

/// `3 to add, 1 to change, 2 as they are`.
pub(super) fn summary(plan: &Plan) -> String {
    let mut parts = Vec::new();
    for (action, one, many) in [
        (Action::Add, "to add", "to add"),
        (Action::Change, "to change", "to change"),
        (
            Action::Differs,
            "differs and is kept (--update takes it over)",
            "differ and are kept (--update takes them over)",
        ),
        (Action::Same, "as it is", "as they are"),
    ] {
        let number = plan.count(action);
        if number > 0 {
            parts.push(count(number, one, many));
        }
    }
    if !plan.skipped.is_empty() {
        parts.push(count(plan.skipped.len(), "not imported", "not imported"));
    }
    if parts.is_empty() { "nothing there to import".to_owned() } else { parts.join(", ") }
}

fn sign(action: Action, color: bool) -> String {
    let (sign, code) = match action {
        Action::Add => ('+', "32"),
        Action::Change => ('~', "33"),
        Action::Same => ('=', "2"),
        Action::Differs => ('=', "33"),
    };
    if color { format!("\u{1b}[{code}m{sign}\u{1b}[0m") } else { sign.to_string() }
}

fn block(text: &mut String, entry: &Entry, color: bool) {
    let state = match entry.action {
        Action::Add | Action::Change => "",
        Action::Same => ", as it is",
        Action::Differs => ", differs and is kept",
    };
    let sign = sign(entry.action, color);
    let _ = writeln!(text, "{sign} {}  ({}{state})", printable(&entry.instance), printable(&entry.origin));
    let tags: Vec<String> = entry.tags.iter().map(|tag| format!("tag {}", tag.name)).collect();
    let names = entry.fields.iter().map(|field| field.name.as_str()).chain(tags.iter().map(String::as_str));
    let width = names.clone().map(|name| name.chars().count()).max().unwrap_or_default();
    for (name, difference) in names.zip(entry.fields.iter().chain(&entry.tags)) {
        let _ = writeln!(text, "    {:<width$}  {}", printable(name), printable(&value(difference, entry.action)));
    }
    for note in &entry.notes {
        let _ = writeln!(text, "    note: {}", printable(note));
    }
}

fn value(difference: &Difference, action: Action) -> String {
    let from = difference.from.as_ref().map(|from| format!("  (from {from})")).unwrap_or_default();
    match (&difference.old, action) {
        (None, Action::Differs) => format!("- (there: {}){from}", difference.new),
        (Some(old), Action::Differs) => format!("{old} (there: {}){from}", difference.new),
        (None, Action::Change) => format!("- -> {}{from}", difference.new),
        (Some(old), _) => format!("{old} -> {}{from}", difference.new),
        (None, _) => format!("{}{from}", difference.new),
    }
}
