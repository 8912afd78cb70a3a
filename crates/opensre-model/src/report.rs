//! The report, complete as data before any face renders it. Its JSON form is published with a JSON Schema.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::alert::{AlertFormat, AlertState, Labels};
use crate::evidence::Gap;
use crate::routing::{AppliedPolicy, AppliedRule, Rejected, RouteStep};
use crate::window::Window;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "opensre.report/v1";

/// The result of one investigation.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The alert in short.
    pub alert: AlertSummary,
    /// The window that was looked at.
    pub window: Window,
    /// Every instance that was chosen, and why.
    pub instances: Vec<InstanceChoice>,
    /// The groups that were named, and which of their members answered.
    pub groups: Vec<GroupSummary>,
    /// What is wrong.
    pub verdict: Verdict,
    /// What was found, each with its evidence.
    pub claims: Vec<Claim>,
    /// What could explain it, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// The causal chain of the verdict, cause first; empty when there is none to tell.
    pub causal_chain: Vec<CausalStep>,
    /// Everything that was gathered.
    pub evidence: Vec<EvidenceSummary>,
    /// What could not be gathered, and why.
    pub gaps: Vec<Gap>,
    /// What to do next, most useful first.
    pub next_steps: Vec<String>,
    /// What a person must know about how the report came about (unknown hint, odd payload, shadowed records).
    pub warnings: Vec<String>,
    /// How long it took. The only part that differs between two runs over the same answers.
    pub timings: Timings,
}

/// The alert in short.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlertSummary {
    /// What it is called.
    pub title: String,
    /// Which payload it was read from.
    pub format: AlertFormat,
    /// Whether it still fires.
    pub state: AlertState,
    /// Its severity, as written.
    pub severity: Option<String>,
    /// When it began.
    #[schemars(with = "Option<String>")]
    pub starts_at: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub ends_at: Option<Timestamp>,
    /// Labels of the group.
    pub labels: Labels,
}

/// A chosen instance, or a service for which none could be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InstanceChoice {
    /// Family key.
    pub service: String,
    /// Name of the instance; `None` when none could be chosen.
    pub instance: Option<String>,
    /// Id of the record it came from.
    pub integration_id: Option<String>,
    /// Where it is configured, in words.
    pub source: Option<String>,
    /// Its tags.
    pub tags: Labels,
    /// Which step of the rule decided.
    pub step: RouteStep,
    /// Why this one.
    pub reason: String,
    /// The path in the alert that decided.
    pub path: Option<String>,
    /// The routing rules that named it, with their places among the rules.
    pub rules: Vec<AppliedRule>,
    /// The policies of instances that were up to be chosen, and what they said.
    pub policies: Vec<AppliedPolicy>,
    /// What was considered and rejected.
    pub rejected: Vec<Rejected>,
    /// What a person must know about the choice.
    pub warnings: Vec<String>,
    /// How many queries were sent to it.
    pub queries: usize,
}

/// A group that was named for a service: every member is asked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupSummary {
    /// The group's name, such as `@eu`.
    pub group: String,
    /// Family key.
    pub service: String,
    /// Its members of the service.
    pub members: Vec<GroupMember>,
}

/// A member of a group, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupMember {
    /// Name of the instance.
    pub instance: String,
    /// Whether it answered.
    pub state: MemberState,
    /// Why not, or why not wholly.
    pub reason: Option<String>,
}

/// Whether a member of a group answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// Everything that it was asked.
    Answered,
    /// Some of what it was asked.
    AnsweredInPart,
    /// Nothing of what it was asked.
    Failed,
    /// It was asked nothing: the alert made no query relevant.
    NotAsked,
    /// A policy or a choice in doubt left it out.
    LeftOut,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    /// The category.
    pub category: Category,
    /// The root cause in one or two sentences.
    pub root_cause: String,
    /// How sure: 0 to 1.
    pub confidence: f64,
}

/// Categories of root causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A wrong or missing setting, credential, flag or permission.
    ConfigurationError,
    /// A fault in the program, mostly after a deployment.
    CodeDefect,
    /// Wrong, late or malformed data.
    DataQuality,
    /// Something ran out: memory, CPU, disk, connections, quota.
    ResourceExhaustion,
    /// Something that the service calls is slow, failing or away.
    DependencyFailure,
    /// Node, network, DNS, storage, cloud.
    Infrastructure,
    /// Nothing is wrong any more, or never was.
    Healthy,
    /// The evidence does not carry a verdict.
    Unknown,
}

impl Category {
    /// The category as the JSON form spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationError => "configuration_error",
            Self::CodeDefect => "code_defect",
            Self::DataQuality => "data_quality",
            Self::ResourceExhaustion => "resource_exhaustion",
            Self::DependencyFailure => "dependency_failure",
            Self::Infrastructure => "infrastructure",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
        }
    }
}

/// A finding, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Claim {
    /// What was found.
    pub text: String,
    /// Ids of the evidence that shows it; never empty.
    pub evidence: Vec<String>,
}

/// Something that could explain the alert.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Hypothesis {
    /// What it says.
    pub title: String,
    /// Its category.
    pub category: Category,
    /// How well the evidence carries it: 0 to 1.
    pub score: f64,
    /// What speaks for it.
    #[serde(rename = "for")]
    pub supporting: Vec<Claim>,
    /// What speaks against it.
    pub against: Vec<Claim>,
    /// What became of it.
    pub status: HypothesisStatus,
    /// What would confirm it or rule it out, where that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_tell: Option<String>,
}

/// What became of a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HypothesisStatus {
    /// It is the verdict.
    Confirmed,
    /// It is possible.
    Possible,
    /// The evidence speaks against it.
    RuledOut,
}

/// One step of the causal chain.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CausalStep {
    /// When it was first seen, where that is known.
    #[schemars(with = "Option<String>")]
    pub time: Option<Timestamp>,
    /// What happened.
    pub text: String,
    /// Ids of the evidence that shows it.
    pub evidence: Vec<String>,
}

/// One piece of evidence in the report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EvidenceSummary {
    /// Its id in this report: `E1`, `E2`, ...
    pub id: String,
    /// Family key of the provider.
    pub service: String,
    /// Name of the instance.
    pub instance: String,
    /// The data source inside the instance.
    pub datasource: Option<String>,
    /// `metrics`, `logs`, `events`, `spans` or `states`.
    pub kind: String,
    /// The query as sent.
    pub query: String,
    /// The window it was asked for.
    pub window: Window,
    /// What it says, in one line.
    pub summary: String,
    /// A link that a person can open.
    pub link: Option<String>,
    /// What was cut, if anything was.
    pub truncated: Option<String>,
    /// Whether a claim or hypothesis rests on it; what does not is listed as unused.
    pub used: bool,
    /// Up to 60 values of the most telling series, for a sparkline; empty for other kinds.
    pub sparkline: Vec<f64>,
    /// Up to five telling lines, events or spans, as text; empty for metrics.
    pub excerpt: Vec<String>,
}

/// How long it took, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Timings {
    /// Everything.
    pub total_ms: u64,
    /// From the first to the last call.
    pub gather_ms: u64,
    /// Calls sent.
    pub calls: u64,
    /// Whether the deadline cut the gathering short.
    pub deadline_passed: bool,
    /// Per instance: `service/name` and milliseconds until its last answer.
    pub instances: Vec<(String, u64)>,
}
