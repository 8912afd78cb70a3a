//! `<SERVICE>_INSTANCES`: a JSON array of named, tagged instances, nested (`credentials` object) or flat.

use std::collections::HashSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

use super::{record_head, report, source};
use crate::diagnostic::{Diagnostic, Severity};
use crate::instance::InstanceName;
use crate::policy::RawPolicy;
use crate::provider::ProviderSpec;
use crate::record::{RawInstance, Record, kind_of, scalar_text};
use crate::wording::{joined, quoted};

/// Reads an instances variable. `None` when it has no usable entry, so that the single-instance variables count.
pub(super) fn read(
    spec: &ProviderSpec,
    variable: &str,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Record> {
    let mut reader = Reader { spec, variable, diagnostics };
    let entries = reader.entries(text)?;
    let mut names = HashSet::new();
    let mut instances = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let Some(instance) = reader.entry(index, entry) else { continue };
        if !names.insert(instance.name.clone()) {
            let reason = format!("{variable}[{index}] has a name that an earlier entry has; lookups take the first");
            let report = reader.at(Severity::Warning, reason).with_instance(instance.name.as_str());
            reader.diagnostics.push(report.with_field("name").with_hint("give each entry its own name"));
        }
        instances.push(instance);
    }
    if instances.is_empty() {
        if !entries.is_empty() {
            let report = reader.at(Severity::Warning, format!("{variable} has no usable entry"));
            reader.diagnostics.push(report.with_hint(FALL_BACK));
        }
        return None;
    }

    let mut raw = record_head(spec);
    let written = |instance: &RawInstance| {
        let mut entry = json!({"name": instance.name, "tags": instance.tags, "credentials": instance.credentials});
        if let Some(expect) = &instance.expect {
            entry["expect"] = expect.clone();
        }
        for (key, value) in instance.policy.iter() {
            entry[key] = value.clone();
        }
        entry
    };
    raw.insert("instances".to_owned(), instances.iter().map(written).collect());
    Some(Record {
        id: super::record_id(spec),
        service: spec.key.to_owned(),
        status: "active".to_owned(),
        instances,
        source: source(variable),
        raw,
    })
}

const FALL_BACK: &str = "the single-instance variables are used instead";

struct Reader<'a> {
    spec: &'a ProviderSpec,
    variable: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn at(&self, severity: Severity, reason: String) -> Diagnostic {
        report(self.spec, severity, self.variable, reason)
    }

    fn warn(&mut self, instance: &InstanceName, field: &str, reason: String, hint: &str) {
        let report = self.at(Severity::Warning, reason).with_instance(instance.as_str()).with_field(field);
        self.diagnostics.push(if hint.is_empty() { report } else { report.with_hint(hint) });
    }

    /// The array's entries, each still text: what is wrong inside one of them (an infinite number, a broken escape,
    /// nesting without end) is that entry's trouble only.
    fn entries<'t>(&mut self, text: &'t str) -> Option<Vec<&'t RawValue>> {
        let variable = self.variable;
        let whole: &RawValue = match serde_json::from_str(text) {
            Ok(whole) => whole,
            Err(error) => {
                // Position only: the parser's own message may repeat what is written there.
                let (line, column) = (error.line(), error.column());
                let reason = format!("{variable} is not valid JSON (line {line}, column {column})");
                let report = self.at(Severity::Warning, reason).with_hint(FALL_BACK);
                self.diagnostics.push(report);
                return None;
            }
        };
        let kind = match whole.get().as_bytes().first() {
            Some(b'[') => return serde_json::from_str(whole.get()).ok(),
            Some(b'{') => "an object",
            Some(b'"') => "a text",
            Some(b'n') => "null",
            Some(b't' | b'f') => "a boolean",
            _ => "a number",
        };
        let reason = format!("{variable} is {kind}, not a list of instances");
        let report = self.at(Severity::Warning, reason).with_hint(format!("write `[...]` around it; {FALL_BACK}"));
        self.diagnostics.push(report);
        None
    }

    fn entry(&mut self, index: usize, written: &RawValue) -> Option<RawInstance> {
        let variable = self.variable;
        let skipped = match serde_json::from_str::<Json>(written.get()) {
            Ok(Json::Object(entry)) => return Some(self.instance(index, entry)),
            Ok(other) => format!("{variable}[{index}] is {}, not an object; it is skipped", kind_of(&other)),
            Err(_) => format!(
                "{variable}[{index}] holds a number or character that cannot be represented, or is nested too deeply; \
                 it is skipped"
            ),
        };
        let report = self.at(Severity::Error, skipped);
        self.diagnostics.push(report.with_hint("an entry is an object with name, tags and credentials"));
        None
    }

    fn instance(&mut self, index: usize, mut entry: Map<String, Json>) -> RawInstance {
        let name = self.name(index, entry.shift_remove("name"));
        let tags = match entry.shift_remove("tags") {
            Some(Json::Object(tags)) => tags,
            None | Some(Json::Null) => Map::new(),
            Some(other) => {
                let kind = kind_of(&other);
                let reason =
                    format!("the tags of {}[{index}] are {kind}, not an object; they are empty", self.variable);
                self.warn(&name, "tags", reason, r#"write tags as {"env": "prod"}"#);
                Map::new()
            }
        };
        // Pins and policies are no credentials, nested or flat.
        let expect = entry.shift_remove("expect").filter(|expect| !expect.is_null());
        let policy = RawPolicy::take_from(&mut entry);
        let credentials = match entry.shift_remove("credentials") {
            Some(Json::Object(credentials)) => {
                self.report_beside(index, &name, &entry);
                credentials
            }
            None => entry,
            Some(other) => {
                let kind = kind_of(&other);
                let reason = format!(
                    "the credentials of {}[{index}] are {kind}, not an object; the fields beside them are read",
                    self.variable
                );
                self.warn(&name, "credentials", reason, "");
                entry
            }
        };
        RawInstance { name: name.as_str().to_owned(), tags, expect, policy, credentials }
    }

    /// A name: text, trimmed and lower-cased. Null, blank or none is `default`; a scalar is its spelling.
    fn name(&mut self, index: usize, written: Option<Json>) -> InstanceName {
        let written = match written {
            None => return InstanceName::new(""),
            Some(Json::String(name)) => return InstanceName::new(&name),
            Some(other) => other,
        };
        let text = scalar_text(&written);
        let read_as = if text.is_some() { "it is read as text" } else { "it is read as `default`" };
        let name = InstanceName::new(&text.unwrap_or_default());
        let reason = format!("the name of {}[{index}] is {}; {read_as}", self.variable, kind_of(&written));
        self.warn(&name, "name", reason, "write the name as a text");
        name
    }

    /// Flat fields beside a `credentials` object are not read; silently, they would look configured.
    fn report_beside(&mut self, index: usize, name: &InstanceName, beside: &Map<String, Json>) {
        if beside.is_empty() {
            return;
        }
        let keys: Vec<String> = beside.keys().map(|key| quoted(key)).collect();
        let reason = format!(
            "{}[{index}] has `credentials`, so what stands beside them is not read: {}",
            self.variable,
            joined(&keys, "and")
        );
        self.warn(name, "credentials", reason, "move the fields into `credentials`");
    }
}
