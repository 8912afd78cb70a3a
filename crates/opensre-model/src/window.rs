//! The window that every query of an investigation shares, and durations as people write them.

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

/// A window, and what a person must know about how it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The window.
    pub window: Window,
    /// What it leaves out or had to assume, in words; empty when it covers what the alert says.
    pub notes: Vec<String>,
}

impl Window {
    /// How far before its start an alert's cause is looked for, unless told otherwise.
    pub const LEAD: SignedDuration = SignedDuration::from_mins(15);
    /// How far after the start of an alert that goes on evidence is looked for.
    pub const TAIL: SignedDuration = SignedDuration::from_mins(30);
    /// How far after the end of an alert evidence is looked for, to see the recovery.
    pub const RECOVERY: SignedDuration = SignedDuration::from_mins(5);
    /// The longest time after the onset that is asked for; of a longer alert, the time around its start is looked at.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(6);
    /// The shortest baseline.
    pub const BASELINE: SignedDuration = SignedDuration::from_hours(1);
    /// The longest time before the onset that can be asked for.
    pub const LONGEST_LEAD: SignedDuration = SignedDuration::from_hours(24 * 31);

    /// The window of an alert that began at `starts_at` and, if it has, ended at `ends_at`; see [`Window::place`].
    pub fn around(
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
        now: Timestamp,
        since: Option<SignedDuration>,
    ) -> Self {
        Self::place(starts_at, ends_at, now, since).window
    }

    /// Places the window of an alert that began at `starts_at` and, if it has, ended at `ends_at`.
    ///
    /// * It begins [`Window::LEAD`] (or `since`) before the start of the alert, however old the alert is.
    /// * It ends [`Window::RECOVERY`] after the end of an alert that is over, and [`Window::TAIL`] after the start of
    ///   one that goes on: what went wrong went wrong around the start, also when that is days ago.
    /// * An alert that does not say when it began is looked at before its end, or else before `now`.
    /// * It never reaches beyond `now`, nor more than [`Window::LONGEST`] beyond the start of the alert.
    /// * Its baseline is as long as the incident part, at least [`Window::BASELINE`].
    pub fn place(
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
        now: Timestamp,
        since: Option<SignedDuration>,
    ) -> Placement {
        let mut notes = Vec::new();
        let ended = ends_at.filter(|end| *end <= now);
        let onset = match (starts_at, ended) {
            (Some(start), _) if start <= now => start,
            (Some(start), _) => {
                notes.push(format!(
                    "the alert says that it began at {start}, which is in the future; looked before now"
                ));
                now
            }
            (None, Some(end)) => {
                notes.push("the alert does not say when it began; looked before its end".to_owned());
                back(end, Self::TAIL)
            }
            (None, None) => {
                notes.push("the alert does not say when it began; looked before now".to_owned());
                now
            }
        };
        let lead = since.filter(SignedDuration::is_positive).unwrap_or(Self::LEAD).min(Self::LONGEST_LEAD);
        let longest = forward(onset, Self::LONGEST);
        let wanted = match ended {
            Some(end) if end >= onset => {
                let recovered = forward(end, Self::RECOVERY);
                if recovered > longest {
                    let lasted = in_words(end.duration_since(onset));
                    let looked = in_words(Self::LONGEST);
                    notes.push(format!("the alert lasted {lasted}; looked at its first {looked}, not at its end"));
                }
                recovered.min(longest)
            }
            Some(end) => {
                notes.push(format!("the alert says that it ended at {end}, before it began; took its start"));
                forward(onset, Self::TAIL)
            }
            None => {
                let going_on = now.duration_since(onset);
                if going_on > Self::LONGEST {
                    notes.push(format!(
                        "the alert has been going on for {}; looked at its start, not at the present",
                        in_words(going_on)
                    ));
                }
                forward(onset, Self::TAIL)
            }
        };
        let end = wanted.min(now).max(onset);
        let start = back(onset, lead);
        let baseline = end.duration_since(start).max(Self::BASELINE);
        Placement { window: Self { baseline_start: back(start, baseline), start, onset, end }, notes }
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

/// A duration in its two largest units: `3 d 4 h`, `6 h`, `12 min`.
fn in_words(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let said: Vec<String> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if said.is_empty() { "less than a minute".to_owned() } else { said.join(" ") }
}

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a duration: {reason}")]
pub struct DurationError {
    /// What is wrong with it.
    pub reason: &'static str,
    /// What to write instead.
    pub hint: &'static str,
}

/// Reads a duration as people write it: whole numbers with the units `s`, `m`, `h`, `d` and `w`, largest first.
///
/// ```
/// use jiff::SignedDuration;
/// use opensre_model::window::parse_duration;
///
/// assert_eq!(parse_duration("90m"), Ok(SignedDuration::from_mins(90)));
/// assert_eq!(parse_duration("1d12h"), Ok(SignedDuration::from_hours(36)));
/// assert!(parse_duration("90").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    const HINT: &str = "write a number and a unit: `45s`, `90m`, `6h`, `2d`, `1w` or `1h30m`";
    const LONGEST: i64 = 366 * 86_400;
    let fail = |reason| Err(DurationError { reason, hint: HINT });
    let mut rest = text.trim();
    if rest.is_empty() {
        return fail("it is blank");
    }
    let mut total: i64 = 0;
    let mut smallest = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(count) = rest[..digits].parse::<i64>() else {
            return fail(if digits == 0 { "a number is missing" } else { "it is too long" });
        };
        let mut after = rest[digits..].trim_start().chars();
        let unit = match after.next().map(|unit| unit.to_ascii_lowercase()) {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return fail("the unit is not known"),
            None => return fail("the unit is missing"),
        };
        if unit >= smallest {
            return fail("its units are not in order, largest first");
        }
        smallest = unit;
        let Some(sum) = count.checked_mul(unit).and_then(|seconds| total.checked_add(seconds)) else {
            return fail("it is too long");
        };
        total = sum;
        rest = after.as_str().trim_start();
    }
    match total {
        0 => fail("it is zero"),
        LONGEST.. => fail("it is too long"),
        seconds => Ok(SignedDuration::from_secs(seconds)),
    }
}
