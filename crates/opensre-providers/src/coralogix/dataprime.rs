//! DataPrime, built from values that come from outside: a value is always inside a literal in single quotes.
//!
//! Facts from the vendor's DataPrime reference (commands `source`, `filter`, `orderby`, `limit`, `groupby`; strings in
//! single quotes; comments from `#` or `//`) and its page "Understanding spans".

use opensre_model::alert::Labels;

use crate::tempo::gather::named_services;

/// A text as a literal. The backslash and the quote are escaped; control characters, which end a line or a query,
/// become spaces.
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// A condition on key paths of ours and values from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(String);

impl Condition {
    /// That one of these key paths is a value.
    pub fn any_is(paths: &[&str], value: &str) -> Self {
        let value = literal(value);
        Self::any(paths.iter().map(|path| Self(format!("{path} == {value}"))))
    }

    /// That one of these conditions holds.
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<String> = conditions.into_iter().map(|condition| condition.0).collect();
        if parts.len() == 1 { Self(parts.into_iter().collect()) } else { Self(format!("({})", parts.join(" || "))) }
    }

    /// A condition that holds no value from outside.
    pub fn fixed(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// That both hold.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(format!("{} && {}", self.0, other.0))
    }
}

/// Log lines that are errors.
pub const ERRORS: &str = "($m.severity == ERROR || $m.severity == CRITICAL)";

/// Log lines that are warnings.
pub const WARNINGS: &str = "$m.severity == WARNING";

/// Spans that failed.
pub const FAILED: &str = "$d.tags.error == true";

/// Spans of a second or more; durations are in microseconds.
pub const SLOW: &str = "$m.duration > 1000000";

/// Key paths under which logs carry the id of a trace.
const TRACE_PATHS: &[&str] =
    &["$d.trace_id", "$d.traceId", "$d.traceID", "$d.attributes.trace_id", "$d.trace.id", "$d.logRecord.traceId"];

/// Key paths of logs that name a service where the subsystem does not.
const SERVICE_PATHS: &[&str] = &[
    "$d.resource.attributes['service.name']",
    "$d['service.name']",
    "$d.service",
    "$d.service_name",
    "$d.kubernetes.labels.app",
    "$d.kubernetes.container_name",
];

/// What data is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Logs.
    Logs,
    /// Spans.
    Spans,
}

/// The entries for which a condition holds, in order of time.
pub fn entries(source: Source, condition: &Condition, oldest_first: bool, limit: usize) -> String {
    let order = if oldest_first { "asc" } else { "desc" };
    format!("{} | orderby $m.timestamp {order} | limit {limit}", find(source, condition))
}

/// How many entries there are for which a condition holds, in steps of whole minutes: `bucket` and `lines`.
pub fn counts(source: Source, condition: &Condition, step_seconds: i64) -> String {
    let minutes = (step_seconds / 60).max(1);
    let find = find(source, condition);
    format!("{find} | groupby roundTime($m.timestamp, {minutes}m) as bucket aggregate count() as lines")
}

fn find(source: Source, condition: &Condition) -> String {
    let source = match source {
        Source::Logs => "logs",
        Source::Spans => "spans",
    };
    format!("source {source} | filter {}", condition.0)
}

/// The logs that carry one of these trace ids.
pub fn of_traces(ids: &[String]) -> Condition {
    Condition::any(ids.iter().map(|id| Condition::any_is(TRACE_PATHS, id)))
}

/// The spans of a trace.
pub fn of_trace(id: &str) -> Condition {
    Condition::any_is(&["$d.traceID"], id)
}

/// How what an alert is about is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The condition; never empty.
    pub condition: Condition,
    /// What the alert names and this condition leaves out.
    pub left_out: Option<String>,
}

/// Labels of alerts that name an application and a subsystem, and labels whose value is often the application's.
const APPLICATION: &[&str] = &["applicationname", "application_name", "cx_application_name"];
const SUBSYSTEM: &[&str] = &["subsystemname", "subsystem_name", "subsystem", "cx_subsystem_name"];
const SCOPE: &[&str] = &["namespace", "kube_namespace", "k8s_namespace_name", "env", "environment"];

fn first<'a>(labels: &'a Labels, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| labels.get(*name).map(|value| value.trim()).filter(|value| !value.is_empty()))
}

/// Whether an alert's labels name anything that can be found.
pub fn names_something(labels: &Labels) -> bool {
    !selections(Source::Logs, labels, None, None).is_empty()
}

/// The conditions for what an alert's labels name, in order of preference. `application` and `subsystem` are what the
/// instance is narrowed to; they hold always.
pub fn selections(
    source: Source,
    labels: &Labels,
    application: Option<&str>,
    subsystem: Option<&str>,
) -> Vec<Selection> {
    let (application_path, subsystem_path) = match source {
        Source::Logs => ("$l.applicationname", "$l.subsystemname"),
        Source::Spans => ("$l.applicationName", "$l.subsystemName"),
    };
    let always: Vec<Condition> = [(application_path, application), (subsystem_path, subsystem)]
        .into_iter()
        .filter_map(|(path, value)| Some(Condition::any_is(&[path], value?)))
        .collect();
    let narrowed = |condition: Condition| always.iter().fold(condition, |all, own| all.and(own));
    let own_application = first(labels, APPLICATION);
    let mut found = Vec::new();
    if let Some(own) = first(labels, SUBSYSTEM) {
        let own = Condition::any_is(&[subsystem_path], own);
        let own = own_application.map_or(own.clone(), |name| own.and(&Condition::any_is(&[application_path], name)));
        found.push(Selection { condition: narrowed(own), left_out: None });
    }
    let scope: Vec<&str> = match own_application {
        Some(name) => vec![name],
        None => SCOPE.iter().filter_map(|label| first(labels, &[label])).collect(),
    };
    for name in named_services(labels).into_iter().take(2) {
        let paths: &[&str] = match source {
            Source::Logs => &["$l.subsystemname", "$l.applicationname"],
            Source::Spans => &["$l.serviceName", "$l.subsystemName"],
        };
        let own = Condition::any_is(paths, name);
        if !scope.is_empty() {
            let within = Condition::any(scope.iter().map(|value| Condition::any_is(&[application_path], value)));
            found.push(Selection { condition: narrowed(own.and(&within)), left_out: None });
        }
        let left_out = (!scope.is_empty()).then(|| format!("application {}", scope.join(" or ")));
        found.push(Selection { condition: narrowed(own), left_out: left_out.clone() });
        if source == Source::Logs {
            found.push(Selection { condition: narrowed(Condition::any_is(SERVICE_PATHS, name)), left_out });
        }
    }
    if found.is_empty()
        && let Some(name) = own_application
    {
        let condition = narrowed(Condition::any_is(&[application_path], name));
        found.push(Selection { condition, left_out: None });
    }
    found
}
