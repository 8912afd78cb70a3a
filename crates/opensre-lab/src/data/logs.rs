//! Log streams and their entries, generated from the logs of a backend.

use std::sync::Arc;

use super::clock::{Clock, timestamp};
use super::labels::{Labels, multiply};
use super::template::{Context, Template};
use super::traces::TraceStore;
use crate::random::{Random, seed};
use crate::scenario::{Backend, LogLine};

/// Lines are placed within slices of this length, so that a rate may change at any moment and still be met.
const SLICE: i64 = 10_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Nanoseconds of the Unix epoch.
    pub(crate) time: i64,
    pub(crate) line: String,
}

/// A stream with its entries, oldest first.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) labels: Arc<Labels>,
    pub(crate) entries: Vec<Entry>,
}

impl Stream {
    /// The entries from `start` (included) to `end` (not included), in nanoseconds.
    pub(crate) fn between(&self, start: i64, end: i64) -> &[Entry] {
        let from = self.entries.partition_point(|entry| entry.time < start);
        let to = self.entries.partition_point(|entry| entry.time < end);
        &self.entries[from..to.max(from)]
    }
}

/// All streams of a backend.
#[derive(Debug, Default)]
pub(crate) struct LogStore {
    pub(crate) streams: Vec<Stream>,
}

impl LogStore {
    /// Generates the logs of a backend; trace ids in them are those of `traces`.
    pub(crate) fn generate(backend: &Backend, root: &str, clock: &Clock, traces: &TraceStore) -> Self {
        let mut streams: Vec<Stream> = Vec::new();
        for (index, spec) in backend.logs.iter().enumerate() {
            let mut group: Vec<Stream> = multiply(&spec.labels, &backend.labels)
                .into_iter()
                .map(|labels| Stream { labels: Arc::new(labels), entries: Vec::new() })
                .collect();
            for (number, line) in spec.lines.iter().enumerate() {
                let seed = seed(&[root, "logs", &index.to_string(), &number.to_string()]);
                write(line, seed, clock, traces, &mut group);
            }
            streams.append(&mut group);
        }
        // Entries of the same label set belong to the same stream, wherever the scenario describes them.
        streams.sort_by(|a, b| a.labels.cmp(&b.labels));
        streams.dedup_by(|next, kept| {
            let same = next.labels == kept.labels;
            if same {
                kept.entries.append(&mut next.entries);
            }
            same
        });
        for stream in &mut streams {
            stream.entries.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.line.cmp(&b.line)));
        }
        Self { streams }
    }
}

fn write(spec: &LogLine, seed: u64, clock: &Clock, traces: &TraceStore, streams: &mut [Stream]) {
    // The template was checked when the scenario was read.
    let Ok(template) = Template::parse(&spec.template.value) else { return };
    let count = streams.len() as u64;
    for slice in clock.start.div_euclid(SLICE)..=clock.now.div_euclid(SLICE) {
        let begin = slice * SLICE;
        let mut random = Random::keyed(seed, slice.unsigned_abs());
        let expected = spec.per_minute.value_at(clock.offset(begin), begin, seed) * SLICE as f64 / 60_000.0;
        // A whole number of lines that is right on average.
        let lines = (expected.max(0.0) + random.unit()).floor() as u64;
        for _ in 0..lines {
            let time = begin * 1_000_000 + random.below(SLICE.unsigned_abs() * 1_000_000).cast_signed();
            let stream = &mut streams[random.below(count) as usize];
            if !(clock.start * 1_000_000..=clock.now * 1_000_000).contains(&time) {
                continue;
            }
            let context = Context {
                labels: &stream.labels,
                time: timestamp(time.div_euclid(1_000_000)),
                trace: traces.id_near(time),
                failed_trace: traces.failed_id_near(time),
            };
            let line = template.fill(&context, &mut random);
            stream.entries.push(Entry { time, line });
        }
    }
}
