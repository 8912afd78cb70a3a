//! What was asked: a bounded log of calls and totals per instance. Holds no credential.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// One attempt to ask a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The instance's address (`grafana/prod`).
    pub label: String,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// URL with its query, secrets replaced.
    pub url: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// One word: `ok`, or the failure's.
    pub outcome: &'static str,
    /// Bytes of the body that were read, decompressed.
    pub bytes: usize,
    /// How long the attempt took.
    pub duration: Duration,
}

/// Totals of one instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Attempts sent.
    pub calls: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Sum of the attempts' durations; more than the wall time where they ran side by side.
    pub busy: Duration,
    /// The slowest attempt.
    pub slowest: Duration,
}

/// The calls of one process.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<Call>,
    tallies: BTreeMap<String, Tally>,
}

impl CallLog {
    /// Calls that are kept one by one; the totals count all.
    const KEPT: usize = 10_000;

    pub(crate) fn add(&self, call: Call) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = inner.tallies.entry(call.label.clone()).or_default();
        tally.calls += 1;
        tally.failures += u64::from(call.outcome != "ok");
        tally.bytes += call.bytes as u64;
        tally.busy += call.duration;
        tally.slowest = tally.slowest.max(call.duration);
        if inner.calls.len() < Self::KEPT {
            inner.calls.push(call);
        }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    pub(crate) fn tallies(&self) -> BTreeMap<String, Tally> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).tallies.clone()
    }
}
