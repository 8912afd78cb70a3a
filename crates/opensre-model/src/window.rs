//! The window that every query of an investigation shares.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The time that an investigation looks at: the incident, and a baseline before it to compare with.
///
/// `baseline_start < start <= onset <= end`. Queries ask for `baseline_start..end` in one go; what lies before
/// `start` is the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Window {
    /// Start of the baseline.
    #[schemars(with = "String")]
    pub baseline_start: Timestamp,
    /// Start of the incident part: some minutes before the onset, since alerts fire late.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// When the alert says it began.
    #[schemars(with = "String")]
    pub onset: Timestamp,
    /// End of the incident part.
    #[schemars(with = "String")]
    pub end: Timestamp,
}

impl Window {
    /// How far before its start an alert's cause is looked for, unless told otherwise.
    pub const LEAD: SignedDuration = SignedDuration::from_mins(15);
    /// How far after the start of an alert that goes on evidence is looked for.
    pub const TAIL: SignedDuration = SignedDuration::from_mins(30);
    /// The longest incident part that is asked for; a longer alert is looked at around its start.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(6);

    /// The window of an alert that began at `starts_at` and, if it has, ended at `ends_at`.
    ///
    /// Without a start, the window ends at `now`. With `since`, the incident part starts that long before the
    /// onset. Nothing beyond `now` is ever asked for, and the baseline is as long as the incident part, at least
    /// an hour.
    pub fn around(
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
        now: Timestamp,
        since: Option<SignedDuration>,
    ) -> Self {
        let lead = since.filter(SignedDuration::is_positive).unwrap_or(Self::LEAD);
        let onset = starts_at.filter(|start| *start <= now).unwrap_or(now);
        let start = back(onset, lead);
        let longest = forward(onset, Self::LONGEST);
        let wanted = match ends_at {
            Some(end) if end > onset => forward(end, SignedDuration::from_mins(5)).min(longest),
            _ => forward(onset, Self::TAIL),
        };
        let end = wanted.min(now).max(onset);
        let length = end.duration_since(start).max(SignedDuration::from_hours(1));
        Self { baseline_start: back(start, length), start, onset, end }
    }

    /// Length of everything that is asked for.
    pub fn length(&self) -> SignedDuration {
        self.end.duration_since(self.baseline_start)
    }
}

fn back(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn forward(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}
