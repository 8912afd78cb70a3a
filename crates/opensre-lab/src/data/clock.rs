//! The times of a running scenario.

use jiff::Timestamp;

use crate::scenario::{Offset, Scenario};

/// When the data of a scenario begins and ends, in milliseconds of the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The oldest data.
    pub(crate) start: i64,
    /// When the trouble begins.
    pub(crate) onset: i64,
    /// The newest data, and what every server takes for the present.
    pub(crate) now: i64,
}

impl Clock {
    pub(crate) fn new(scenario: &Scenario, now: Timestamp) -> Self {
        let now = now.as_millisecond();
        let onset = now - scenario.onset_ago.milliseconds();
        Self { start: onset - scenario.history.milliseconds(), onset, now }
    }

    /// The moment at `offset` from the onset.
    pub(crate) fn at(&self, offset: Offset) -> i64 {
        self.onset + offset.milliseconds()
    }

    /// Milliseconds from the onset to `unix`.
    pub(crate) fn offset(&self, unix: i64) -> i64 {
        unix - self.onset
    }
}

/// A time stamp from milliseconds of the Unix epoch; the epoch itself when out of range.
pub(crate) fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
