//! What a provider can do: a probe and a registry of queries, as data plus async functions.
//!
//! The planner, the command line and other callers see the same registry. The instance is an argument of every
//! query and part of every answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use opensre_http::Client;
use opensre_model::alert::{Alert, Labels};
use opensre_model::evidence::{Evidence, Gap};
use opensre_model::message::Message;
use opensre_model::provider::ProviderSpec;
use opensre_model::window::Window;
use serde::Serialize;

pub use crate::access::{Access, HttpFields};
pub use crate::failure::Failure;
pub use crate::identity::{deliver, verify};
pub use crate::input::{Input, InputError, InputSpec};
pub use crate::neighbours::Neighbours;

/// A provider: its declaration and what it can do.
#[derive(Clone, Copy)]
pub struct Provider {
    /// The declaration.
    pub spec: &'static ProviderSpec,
    /// Proves an instance's credentials with a real call; `None` while the provider is only declared.
    pub probe: Option<ProbeFn>,
    /// What its probe may tell of who we are there and of what is there: the names that an instance may be pinned to
    /// (`expect`). A test compares it with what the probe really tells.
    pub identity: &'static [&'static str],
    /// Its read-only queries; empty while the provider is only declared.
    pub queries: &'static [Query],
    /// Delivers a message (the report of an investigation) to people; `None` where the provider has nobody to tell.
    pub deliver: Option<DeliverFn>,
    /// Tells what the alerts that are active now are labelled with; `None` where the provider has no alerts to tell of.
    pub alert_labels: Option<AlertLabelsFn>,
}

impl Provider {
    /// A provider that is only declared so far: its instances are loaded, listed, selected and kept.
    pub const fn declared(spec: &'static ProviderSpec) -> Self {
        Self { spec, probe: None, identity: &[], queries: &[], deliver: None, alert_labels: None }
    }

    /// Whether it is only declared so far.
    pub fn is_only_declared(&self) -> bool {
        self.probe.is_none() && self.queries.is_empty() && self.deliver.is_none()
    }
}

/// A probe: proves credentials with a real call.
pub type ProbeFn = for<'a> fn(&'a Access) -> BoxFuture<'a, Probe>;

/// Delivers a message to where the instance says. Called only when a person asked for just that: it is the one thing
/// that leaves a trace at a provider.
pub type DeliverFn = for<'a> fn(&'a Access, &'a Message) -> BoxFuture<'a, Result<Receipt, Failure>>;

/// Tells the labels of the alerts that are active at an instance, one set an alert.
pub type AlertLabelsFn = for<'a> fn(&'a Access) -> BoxFuture<'a, Result<Vec<Labels>, Failure>>;

/// What a delivery ended in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Where it went, in words, without any secret.
    pub detail: String,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The outcome.
    pub status: ProbeStatus,
    /// What was proved or what failed, in one line, without any secret.
    pub detail: String,
    /// Who we are there and what is there (`version` → `11.2.0`), where the answer tells.
    pub identity: BTreeMap<String, String>,
    /// What to do about a failure.
    pub hint: Option<String>,
}

impl Probe {
    /// A real call proved the credentials; `detail` says what it proved.
    pub fn passed(detail: impl Into<String>) -> Self {
        Self { status: ProbeStatus::Passed, detail: detail.into(), identity: BTreeMap::new(), hint: None }
    }

    /// Nothing that has to be set is missing, but it cannot be proved without a side effect.
    pub fn configured(detail: impl Into<String>) -> Self {
        Self { status: ProbeStatus::Configured, ..Self::passed(detail) }
    }

    /// Something that has to be set is not.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self { status: ProbeStatus::Missing, ..Self::passed(detail) }
    }

    /// This program cannot probe this provider yet.
    pub fn not_probed() -> Self {
        Self { status: ProbeStatus::NotProbed, ..Self::passed("this program cannot probe it yet") }
    }

    /// Adds who we are there or what is there, where the answer tells.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.identity.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl From<Failure> for Probe {
    fn from(failure: Failure) -> Self {
        Self { status: ProbeStatus::Failed, hint: failure.hint, ..Self::passed(failure.reason) }
    }
}

impl From<Result<Self, Failure>> for Probe {
    fn from(result: Result<Self, Failure>) -> Self {
        result.unwrap_or_else(Self::from)
    }
}

/// Outcomes of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeStatus {
    /// A real call proved the credentials.
    Passed,
    /// A real call failed.
    Failed,
    /// Not or incompletely configured.
    Missing,
    /// Configured; cannot be proved without a side effect.
    Configured,
    /// This program cannot probe this provider yet.
    NotProbed,
}

/// A named, read-only operation.
#[derive(Clone, Copy)]
pub struct Query {
    /// Name, unique within the provider (`alert-rule`).
    pub name: &'static str,
    /// One line: what it answers.
    pub summary: &'static str,
    /// Its input.
    pub input: &'static [InputSpec],
    /// Its hard bounds.
    pub bounds: Bounds,
    /// When an alert makes it relevant, and with which inputs. Pure: sees the alert, not the back end.
    pub relevance: fn(&Alert) -> Relevance,
    /// Runs it. Never fails as a whole: what did not answer is among the answer's gaps.
    pub run: for<'a> fn(&'a Access, &'a Input, Window) -> BoxFuture<'a, Answer>,
}

/// Hard bounds of a query.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most rows (lines, points per series, spans) that are kept.
    pub rows: usize,
    /// Most bytes that are read from one answer.
    pub bytes: usize,
    /// Longest time that it may take.
    pub seconds: u64,
}

impl Bounds {
    /// A client that keeps to the bounds of bytes and time.
    pub fn keep(self, client: Client) -> Client {
        client.at_most(self.bytes).by(Instant::now() + Duration::from_secs(self.seconds))
    }
}

/// Whether an alert makes a query relevant.
#[derive(Debug, Clone, PartialEq)]
pub enum Relevance {
    /// Ask, once per input.
    Ask(Vec<Input>),
    /// Do not ask, for this reason.
    Skip(&'static str),
}

/// What a query answered: evidence, and what did not answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// What did not answer, or was not there.
    pub gaps: Vec<Gap>,
    /// Calls sent.
    pub calls: u64,
}

impl Answer {
    /// The answer of an instance that could not be asked at all.
    pub fn unanswered(access: &Access, operation: &str, failure: impl Into<Failure>) -> Self {
        Self { gaps: vec![failure.into().into_gap(&access.instance, operation)], ..Self::default() }
    }

    /// Adds another answer's evidence, gaps and calls to this one.
    pub fn merge(&mut self, other: Self) {
        self.evidence.extend(other.evidence);
        self.gaps.extend(other.gaps);
        self.calls += other.calls;
    }
}
