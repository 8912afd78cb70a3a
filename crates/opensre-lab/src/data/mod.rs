//! What the servers answer from: data generated from a scenario, the same for the same scenario and the same time.

pub(crate) mod clock;
pub(crate) mod labels;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod template;
pub(crate) mod traces;

use std::sync::OnceLock;

use self::clock::Clock;
use self::logs::LogStore;
use self::metrics::MetricStore;
use self::traces::TraceStore;
use crate::scenario::{Backend, Offset};

/// The data of one backend, each kind generated when it is first asked for.
#[derive(Debug)]
pub(crate) struct DataPool {
    backend: Backend,
    root: String,
    pub(crate) clock: Clock,
    interval: Offset,
    metrics: OnceLock<MetricStore>,
    logs: OnceLock<LogStore>,
    traces: OnceLock<TraceStore>,
}

impl DataPool {
    /// `root` names scenario and backend; it seeds everything random.
    pub(crate) fn new(backend: Backend, root: String, clock: Clock, interval: Offset) -> Self {
        Self {
            backend,
            root,
            clock,
            interval,
            metrics: OnceLock::new(),
            logs: OnceLock::new(),
            traces: OnceLock::new(),
        }
    }

    pub(crate) fn metrics(&self) -> &MetricStore {
        self.metrics.get_or_init(|| MetricStore::generate(&self.backend, &self.root, &self.clock, self.interval))
    }

    pub(crate) fn logs(&self) -> &LogStore {
        self.logs.get_or_init(|| LogStore::generate(&self.backend, &self.root, &self.clock, self.traces()))
    }

    pub(crate) fn traces(&self) -> &TraceStore {
        self.traces.get_or_init(|| TraceStore::generate(&self.backend, &self.root, &self.clock))
    }
}
