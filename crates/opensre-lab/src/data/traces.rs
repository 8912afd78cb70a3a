//! Traces, generated from the trace kinds of a backend.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::clock::Clock;
use crate::random::{Random, seed};
use crate::scenario::{Backend, Exception, Span as SpanSpec, SpanKind, TraceKind};

/// A finished trace; the root span comes first.
#[derive(Debug)]
pub(crate) struct Trace {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) spans: Vec<Span>,
    pub(crate) failed: bool,
}

/// One span.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    /// Nanoseconds of the Unix epoch.
    pub(crate) start: i64,
    /// Nanoseconds.
    pub(crate) duration: i64,
    pub(crate) failed: bool,
    /// Failed itself, and not because a child did.
    failed_first: bool,
    common: Arc<Common>,
}

/// What all spans of one entry of the scenario have in common, so that a span costs little.
#[derive(Debug)]
struct Common {
    service: String,
    name: String,
    kind: SpanKind,
    attributes: BTreeMap<String, Value>,
    /// The attributes of a failed span.
    failed_attributes: BTreeMap<String, Value>,
    resource: BTreeMap<String, Value>,
    message: String,
    exception: Option<Exception>,
}

impl Span {
    pub(crate) fn service(&self) -> &str {
        &self.common.service
    }

    pub(crate) fn name(&self) -> &str {
        &self.common.name
    }

    pub(crate) fn kind(&self) -> SpanKind {
        self.common.kind
    }

    pub(crate) fn attributes(&self) -> &BTreeMap<String, Value> {
        if self.failed { &self.common.failed_attributes } else { &self.common.attributes }
    }

    pub(crate) fn resource(&self) -> &BTreeMap<String, Value> {
        &self.common.resource
    }

    /// The status message; empty unless the span failed.
    pub(crate) fn message(&self) -> &str {
        if self.failed { &self.common.message } else { "" }
    }

    /// The exception, recorded where it happened: a span that fails because of a child has the status only.
    pub(crate) fn exception(&self) -> Option<&Exception> {
        self.common.exception.as_ref().filter(|_| self.failed_first)
    }
}

impl Trace {
    pub(crate) fn root(&self) -> &Span {
        &self.spans[0]
    }

    pub(crate) fn start(&self) -> i64 {
        self.root().start
    }

    pub(crate) fn duration(&self) -> i64 {
        self.root().duration
    }
}

/// All traces of a backend, oldest first.
#[derive(Debug, Default)]
pub(crate) struct TraceStore {
    pub(crate) traces: Vec<Trace>,
    failed: Vec<usize>,
}

impl TraceStore {
    pub(crate) fn generate(backend: &Backend, root: &str, clock: &Clock) -> Self {
        let mut traces = Vec::new();
        for (index, kind) in backend.traces.iter().enumerate() {
            let seed = seed(&[root, "traces", &index.to_string()]);
            let root = Node::new(&kind.root, &backend.labels);
            generate(kind, &root, seed, clock, &mut traces);
        }
        traces.sort_by(|a, b| a.start().cmp(&b.start()).then_with(|| a.id.cmp(&b.id)));
        let failed = (0..traces.len()).filter(|index| traces[*index].failed).collect();
        Self { traces, failed }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Trace> {
        self.traces.iter().find(|trace| trace.id == id)
    }

    /// Id of the last trace that began at or before `time` (nanoseconds).
    pub(crate) fn id_near(&self, time: i64) -> Option<&str> {
        let index = self.traces.partition_point(|trace| trace.start() <= time).checked_sub(1)?;
        Some(&self.traces[index].id)
    }

    /// Id of the last failed trace that began at or before `time`.
    pub(crate) fn failed_id_near(&self, time: i64) -> Option<&str> {
        let index = self.failed.partition_point(|index| self.traces[*index].start() <= time).checked_sub(1)?;
        Some(&self.traces[self.failed[index]].id)
    }
}

const SLICE: i64 = 10_000;

fn generate(kind: &TraceKind, root: &Node<'_>, seed: u64, clock: &Clock, traces: &mut Vec<Trace>) {
    for slice in clock.start.div_euclid(SLICE)..=clock.now.div_euclid(SLICE) {
        let begin = slice * SLICE;
        let mut random = Random::keyed(seed, slice.unsigned_abs());
        let expected = kind.per_minute.value_at(clock.offset(begin), begin, seed) * SLICE as f64 / 60_000.0;
        let count = (expected.max(0.0) + random.unit()).floor() as u64;
        for _ in 0..count {
            let start = begin * 1_000_000 + random.below(SLICE.unsigned_abs() * 1_000_000).cast_signed();
            let id = format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
            let mut builder = Builder { random: &mut random, clock, spans: Vec::new() };
            let outcome = builder.span(root, None, start);
            let end = start + outcome.duration;
            let spans = builder.spans;
            // A trace can be found once it has ended.
            if start >= clock.start * 1_000_000 && end <= clock.now * 1_000_000 {
                traces.push(Trace { id, spans, failed: outcome.failed });
            }
        }
    }
}

/// The tree of a trace kind, prepared.
struct Node<'a> {
    spec: &'a SpanSpec,
    common: Arc<Common>,
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn new(spec: &'a SpanSpec, labels: &BTreeMap<String, String>) -> Self {
        let mut resource = spec.resource.clone();
        resource.extend(labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        resource.insert("service.name".into(), spec.service.clone().into());
        let mut failed_attributes = spec.attributes.clone();
        if let Some(failure) = &spec.failure {
            failed_attributes.extend(failure.attributes.clone());
        }
        let common = Common {
            service: spec.service.clone(),
            name: spec.name.clone(),
            kind: spec.kind,
            attributes: spec.attributes.clone(),
            failed_attributes,
            resource,
            message: spec.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
            exception: spec.failure.as_ref().and_then(|failure| failure.exception.clone()),
        };
        let children = spec.children.iter().map(|child| Node::new(child, labels)).collect();
        Self { spec, common: Arc::new(common), children }
    }
}

struct Builder<'a> {
    random: &'a mut Random,
    clock: &'a Clock,
    spans: Vec<Span>,
}

struct Outcome {
    duration: i64,
    failed: bool,
}

impl Builder<'_> {
    fn span(&mut self, node: &Node<'_>, parent: Option<u64>, start: i64) -> Outcome {
        let milliseconds = start.div_euclid(1_000_000);
        let offset = self.clock.offset(milliseconds);
        let noise = self.random.next_u64();
        let own = node.spec.seconds.value_at(offset, milliseconds, noise).max(0.000_05);
        // Half of a span's own work comes before its children, half after.
        let half = (own * 0.5e9) as i64;
        let id = self.random.next_u64() | 1;
        let index = self.spans.len();
        let common = Arc::clone(&node.common);
        self.spans.push(Span { id, parent, start, duration: 0, failed: false, failed_first: false, common });
        let mut end = start + half;
        let mut child_failed = false;
        for child in &node.children {
            let outcome = self.span(child, Some(id), end);
            end += outcome.duration;
            child_failed |= outcome.failed;
        }
        let drawn = self.random.unit();
        let failure = node.spec.failure.as_ref();
        let failed_first =
            failure.is_some_and(|failure| drawn < failure.ratio.value_at(offset, milliseconds, noise).clamp(0.0, 1.0));
        let failed = failed_first || (child_failed && !failure.is_some_and(|failure| failure.absorbs));
        let span = &mut self.spans[index];
        span.duration = end + half - start;
        span.failed = failed;
        span.failed_first = failed_first;
        Outcome { duration: span.duration, failed }
    }
}
