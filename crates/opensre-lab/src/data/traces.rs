//! Traces, generated from the trace kinds of a backend.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clock::Clock;
use crate::random::{Random, seed};
use crate::scenario::{Backend, Failure, Span as SpanSpec, SpanKind, TraceKind};

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
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    /// Nanoseconds of the Unix epoch.
    pub(crate) start: i64,
    /// Nanoseconds.
    pub(crate) duration: i64,
    pub(crate) failed: bool,
    pub(crate) message: String,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) resource: BTreeMap<String, Value>,
    pub(crate) exception: Option<crate::scenario::Exception>,
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
            generate(kind, seed, backend, clock, &mut traces);
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

fn generate(kind: &TraceKind, seed: u64, backend: &Backend, clock: &Clock, traces: &mut Vec<Trace>) {
    for slice in clock.start.div_euclid(SLICE)..=clock.now.div_euclid(SLICE) {
        let begin = slice * SLICE;
        let mut random = Random::keyed(seed, slice.unsigned_abs());
        let expected = kind.per_minute.value_at(clock.offset(begin), begin, seed) * SLICE as f64 / 60_000.0;
        let count = (expected.max(0.0) + random.unit()).floor() as u64;
        for _ in 0..count {
            let start = begin * 1_000_000 + random.below(SLICE.unsigned_abs() * 1_000_000).cast_signed();
            let id = format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
            let mut builder = Builder { random: &mut random, backend, clock, spans: Vec::new() };
            let outcome = builder.span(&kind.root, None, start);
            let end = start + outcome.duration;
            let spans = builder.spans;
            // A trace can be found once it has ended.
            if start >= clock.start * 1_000_000 && end <= clock.now * 1_000_000 {
                traces.push(Trace { id, spans, failed: outcome.failed });
            }
        }
    }
}

struct Builder<'a> {
    random: &'a mut Random,
    backend: &'a Backend,
    clock: &'a Clock,
    spans: Vec<Span>,
}

struct Outcome {
    duration: i64,
    failed: bool,
}

impl Builder<'_> {
    fn span(&mut self, spec: &SpanSpec, parent: Option<u64>, start: i64) -> Outcome {
        let milliseconds = start.div_euclid(1_000_000);
        let offset = self.clock.offset(milliseconds);
        let noise = self.random.next_u64();
        let own = spec.seconds.value_at(offset, milliseconds, noise).max(0.000_05);
        // Half of a span's own work comes before its children, half after.
        let half = (own * 0.5e9) as i64;
        let id = self.random.next_u64() | 1;
        let index = self.spans.len();
        self.spans.push(self.blank(spec, id, parent, start));
        let mut end = start + half;
        let mut child_failed = false;
        for child in &spec.children {
            let outcome = self.span(child, Some(id), end);
            end += outcome.duration;
            child_failed |= outcome.failed;
        }
        let duration = end + half - start;
        let drawn = self.random.unit();
        let failure = spec.failure.as_ref();
        let own_failure =
            failure.is_some_and(|failure| drawn < failure.ratio.value_at(offset, milliseconds, noise).clamp(0.0, 1.0));
        let failed = own_failure || (child_failed && !failure.is_some_and(|failure| failure.absorbs));
        let span = &mut self.spans[index];
        span.duration = duration;
        span.failed = failed;
        if failed && let Some(failure) = failure {
            apply(failure, span, own_failure);
        }
        Outcome { duration, failed }
    }

    fn blank(&self, spec: &SpanSpec, id: u64, parent: Option<u64>, start: i64) -> Span {
        let mut resource = spec.resource.clone();
        for (name, value) in &self.backend.labels {
            resource.insert(name.clone(), value.clone().into());
        }
        resource.insert("service.name".into(), spec.service.clone().into());
        Span {
            id,
            parent,
            service: spec.service.clone(),
            name: spec.name.clone(),
            kind: spec.kind,
            start,
            duration: 0,
            failed: false,
            message: String::new(),
            attributes: spec.attributes.clone(),
            resource,
            exception: None,
        }
    }
}

/// The marks of a failure. The exception belongs to the span where it happened; one that fails because of a child has
/// the status and attributes only.
fn apply(failure: &Failure, span: &mut Span, own: bool) {
    span.message.clone_from(&failure.message);
    span.attributes.extend(failure.attributes.clone());
    if own {
        span.exception.clone_from(&failure.exception);
    }
}
