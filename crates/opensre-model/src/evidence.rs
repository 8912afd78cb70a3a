//! Evidence: what a back end answered, typed, bounded, and with where it came from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::alert::Labels;
use crate::window::Window;

/// How [`Evidence::truncated`] says that lines of the incident part are missing.
pub const INCIDENT_CUT: &str = "too many lines:";

/// How [`Evidence::truncated`] says that lines of the baseline are missing. Where it says [`INCIDENT_CUT`] and not this,
/// the baseline is whole; what is not in it was not there.
pub const BASELINE_CUT: &str = "of the baseline only";

/// One answer of one back end to one query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// Where it came from.
    pub origin: Origin,
    /// What it says, in one line; made from the data alone, so that the same data says the same.
    pub summary: String,
    /// What was cut, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// The answer itself.
    pub data: EvidenceData,
}

/// Where evidence came from: enough for a person to ask again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Family key of the provider.
    pub service: String,
    /// Name of the instance.
    pub instance: String,
    /// The data source inside the instance, where it has several (`prom-main (prometheus)`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<String>,
    /// Name of the query in the registry (`metrics.related`).
    pub operation: String,
    /// The query as sent (PromQL, LogQL, TraceQL, or the path and its parameters).
    pub query: String,
    /// The window it was asked for.
    pub window: Window,
    /// A link that a person can open; never holds a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// The kinds of evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EvidenceData {
    /// Metric series.
    Metrics {
        /// What the series measure.
        meaning: Meaning,
        /// The unit, where the name or the back end says: `seconds`, `bytes`, `ratio`, `per_second`.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The threshold that the alert's own rule compares with, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        threshold: Option<Threshold>,
        /// The series, sorted by labels.
        series: Vec<Series>,
    },
    /// Log lines, oldest first.
    Logs {
        /// The lines.
        lines: Vec<LogLine>,
    },
    /// Changes and other dated events, oldest first.
    Events {
        /// The events.
        events: Vec<Event>,
    },
    /// Spans of traces.
    Spans {
        /// The spans, by start.
        spans: Vec<Span>,
    },
    /// States of resources.
    States {
        /// The resources.
        states: Vec<ResourceState>,
    },
}

impl EvidenceData {
    /// The kind in one word, as the report names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Metrics { .. } => "metrics",
            Self::Logs { .. } => "logs",
            Self::Events { .. } => "events",
            Self::Spans { .. } => "spans",
            Self::States { .. } => "states",
        }
    }
}

/// What a metric measures; decides how a change of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The alert rule's own expression.
    AlertCondition,
    /// Failures, as a rate or ratio.
    Errors,
    /// Time per request.
    Latency,
    /// Requests, messages, jobs per time.
    Traffic,
    /// Use of something that can run out, of CPU.
    Cpu,
    /// Memory.
    Memory,
    /// Disk space and inodes.
    Disk,
    /// Use of a bounded pool: connections, threads, file descriptors, queue length.
    Pool,
    /// Restarts of processes or containers.
    Restarts,
    /// Whether a target is up (1) or down (0).
    Availability,
    /// Something else.
    Other,
}

/// A comparison that an alert rule makes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// The value compared with.
    pub value: f64,
    /// Whether values above it (else below it) are bad.
    pub above: bool,
}

/// One metric series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Time and value, by time; values are finite.
    pub points: Vec<(Timestamp, f64)>,
}

/// One log line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// When it was written.
    pub time: Timestamp,
    /// The level, where the line or its labels tell: `error`, `warn`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The text.
    pub message: String,
    /// Labels of its stream.
    pub labels: Labels,
}

/// A dated event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When it happened, or began.
    pub time: Timestamp,
    /// What kind.
    pub kind: EventKind,
    /// What happened, in one line.
    pub title: String,
    /// More of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Labels or tags it carries (`service` → `checkout`); a tag without a value has an empty one.
    pub labels: Labels,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A deployment or release.
    Deploy,
    /// A configuration change, feature flag, scaling or migration.
    Change,
    /// Another alert.
    Alert,
    /// A silence or maintenance window.
    Silence,
    /// Something else.
    Other,
}

/// One span of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// Trace id, hexadecimal.
    pub trace_id: String,
    /// Span id, hexadecimal.
    pub span_id: String,
    /// Id of the parent span, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The service that made it.
    pub service: String,
    /// The operation.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Whether its status is an error.
    pub error: bool,
    /// The status message or recorded exception.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Attributes that matter (peer, db.system, http.status_code, ...).
    pub attributes: BTreeMap<String, String>,
}

/// The state of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceState {
    /// What kind of resource (`alert rule`, `target`, `pod`).
    pub kind: String,
    /// Its name.
    pub name: String,
    /// When it was seen so.
    pub observed_at: Timestamp,
    /// Whether that state is a healthy one, where the back end tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
    /// The state, as names and texts.
    pub attributes: BTreeMap<String, String>,
}

/// Something that should have been asked or answered and was not. A failed call is a gap, never an empty answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Gap {
    /// Family key of the provider.
    pub service: String,
    /// Name of the instance; `None` when the whole provider is meant.
    pub instance: Option<String>,
    /// What was being asked, where one query is meant.
    pub operation: Option<String>,
    /// What kind of gap it is.
    pub kind: GapKind,
    /// Why there is no answer, in words, without any secret.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Kinds of gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Credentials were refused (401, 403) or could not be resolved.
    Denied,
    /// The call failed (network, TLS, 5xx, nonsense answer).
    Failed,
    /// The time ran out.
    Deadline,
    /// The back end said to slow down and there was no time to wait.
    RateLimited,
    /// This program cannot gather evidence from this provider yet.
    NotSupported,
    /// Not asked, since nothing in the alert makes it relevant, or nothing fits it there.
    NotRelevant,
}

impl GapKind {
    /// Whether something went wrong, as opposed to something that was not asked on purpose.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Denied | Self::Failed | Self::Deadline | Self::RateLimited => true,
            Self::NotSupported | Self::NotRelevant => false,
        }
    }
}
