//! Runs a pipeline over one line.

use std::sync::Arc;

use serde_json::Value;

use super::{LinePattern, Stage, filter};
use crate::data::labels::Labels;

/// The labels and text a line has at the end of the pipeline; none if a filter drops it.
pub(super) fn run(stages: &[Stage], stream: &Arc<Labels>, line: &str) -> Option<(Arc<Labels>, String)> {
    let mut labels = Arc::clone(stream);
    let mut text = line.to_owned();
    for stage in stages {
        match stage {
            Stage::Line { negated, patterns } => {
                let found = patterns.iter().any(|pattern| match pattern {
                    LinePattern::Text(part) => text.contains(part.as_str()),
                    LinePattern::Regex(regex) => regex.is_match(&text),
                });
                if found == *negated {
                    return None;
                }
            }
            Stage::Json(wanted) => json(Arc::make_mut(&mut labels), stream, &text, wanted),
            Stage::Logfmt(wanted) => {
                let fields = logfmt(&text);
                extract(Arc::make_mut(&mut labels), stream, &fields, wanted);
            }
            Stage::Regexp(regex) => {
                if let Some(captures) = regex.captures(&text) {
                    let labels = Arc::make_mut(&mut labels);
                    for name in regex.capture_names().flatten() {
                        if let Some(value) = captures.name(name) {
                            put(labels, stream, name, value.as_str());
                        }
                    }
                }
            }
            Stage::Filter(condition) => {
                if !filter::holds(condition, &labels) {
                    return None;
                }
            }
            Stage::LineFormat(template) => text = format_line(template, &labels),
            Stage::Drop(names) => labels = Arc::new(labels.without(&refs(names))),
            Stage::Keep(names) => labels = Arc::new(labels.only(&refs(names))),
            Stage::Nothing => {}
        }
    }
    Some((labels, text))
}

fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// Adds an extracted label; one that collides with a stream label gets the suffix Loki gives it.
fn put(labels: &mut Labels, stream: &Labels, name: &str, value: &str) {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if stream.get(&name).is_some() {
        labels.set(&format!("{name}_extracted"), value);
    } else {
        labels.set(&name, value);
    }
}

fn extract(labels: &mut Labels, stream: &Labels, fields: &[(String, String)], wanted: &[(String, String)]) {
    if wanted.is_empty() {
        for (name, value) in fields {
            put(labels, stream, name, value);
        }
    }
    for (name, path) in wanted {
        if let Some((_, value)) = fields.iter().find(|(field, _)| field == path) {
            put(labels, stream, name, value);
        }
    }
}

fn json(labels: &mut Labels, stream: &Labels, text: &str, wanted: &[(String, String)]) {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
        labels.set("__error__", "JSONParserErr");
        return;
    };
    if wanted.is_empty() {
        let mut fields = Vec::new();
        flatten("", &Value::Object(object), &mut fields);
        extract(labels, stream, &fields, &[]);
        return;
    }
    for (name, path) in wanted {
        let mut value = object.get(path);
        if value.is_none() {
            let mut parts = path.split('.');
            value = parts.next().and_then(|first| object.get(first));
            for part in parts {
                value = value.and_then(|value| value.get(part));
            }
        }
        if let Some(value) = value {
            put(labels, stream, name, &plain(value));
        }
    }
}

/// Nested objects become names joined with `_`; arrays are passed over, as Loki does.
fn flatten(prefix: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}_{name}") };
                flatten(&name, value, fields);
            }
        }
        Value::Array(_) | Value::Null => {}
        other => fields.push((prefix.to_owned(), plain(other))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `key=value key="quoted value" flag`
fn logfmt(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let key = &rest[..end];
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix('=') else {
            rest = rest.trim_start();
            continue;
        };
        let value;
        if let Some(inner) = after.strip_prefix('"') {
            let mut closed = None;
            let mut escaped = false;
            for (index, character) in inner.char_indices() {
                if character == '"' && !escaped {
                    closed = Some(index);
                    break;
                }
                escaped = character == '\\' && !escaped;
            }
            let end = closed.unwrap_or(inner.len());
            value = inner[..end].replace("\\\"", "\"").replace("\\\\", "\\");
            rest = inner.get(end + 1..).unwrap_or("");
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            value = after[..end].to_owned();
            rest = &after[end..];
        }
        if !key.is_empty() {
            fields.push((key.to_owned(), value));
        }
        rest = rest.trim_start();
    }
    fields
}

/// `{{.label}}` in a `line_format`; other template syntax stays as it is.
fn format_line(template: &str, labels: &Labels) -> String {
    let mut line = String::new();
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        line.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let Some(end) = inner.find("}}") else {
            line.push_str(&rest[start..]);
            return line;
        };
        match inner[..end].trim().strip_prefix('.') {
            Some(name) => line.push_str(labels.value(name)),
            None => line.push_str(&rest[start..start + end + 4]),
        }
        rest = &inner[end + 2..];
    }
    line.push_str(rest);
    line
}
