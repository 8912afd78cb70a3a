//! One series against its baseline: whether, when and how it left it, and whether it came back.
//!
//! The baseline's level and spread are robust (median, MAD, and the upper quantile for spiky series). A value has left
//! it when it is far away by three measures at once: in spreads, relative to the level, and in absolute terms. Where
//! the baseline has a trend, the value must be far from the trend's continuation too: the daily wave is no incident.

use jiff::{SignedDuration, Timestamp};
use opensre_model::window::Window;

use super::statistics::{MAD_TO_SIGMA, kendall_tau, mad, median, quantile, theil_sen, welch_scan};
use super::{Shape, seconds};

/// Fewest values before the incident that make a baseline.
pub const LEAST_BASELINE: usize = 5;
/// Spreads that a value must be away from the level.
const SPREADS: f64 = 4.5;
/// Which share of the baseline's values may be far away before "far away" is usual for this series.
const USUAL_SHARE: f64 = 0.08;
/// Tau above which a departure is a ramp.
const RAMP_TAU: f64 = 0.75;

/// Smallest change that counts, by what is measured.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// As a share of the baseline's level.
    pub relative: f64,
    /// In the series' own unit.
    pub absolute: f64,
    /// Whether rising is bad (else falling is).
    pub rising: bool,
    /// Fewest values away that count.
    pub least: usize,
}

/// How a series left its baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departure {
    /// When it left.
    pub onset: Timestamp,
    /// When it was back, if it came back before the end.
    pub over: Option<Timestamp>,
    /// Its usual level.
    pub usual: f64,
    /// Its level while away.
    pub level: f64,
    /// The most extreme value.
    pub extreme: f64,
    /// Distance in multiples of the smallest change that counts.
    pub effect: f64,
    /// How it left.
    pub shape: Shape,
}

impl Departure {
    /// How clear it is: 0.4 at the smallest change that counts, towards 1 for ten times that.
    pub fn strength(&self) -> f64 {
        (0.4 + 0.6 * self.effect.max(1.0).ln() / 10f64.ln()).clamp(0.0, 1.0)
    }
}

/// The usual distance between two points; a minute when it cannot be told.
pub fn step(points: &[(Timestamp, f64)]) -> SignedDuration {
    let gaps: Vec<f64> = points.windows(2).map(|pair| seconds(pair[1].0, pair[0].0)).filter(|gap| *gap > 0.0).collect();
    median(&gaps).map_or(SignedDuration::from_mins(1), |gap| SignedDuration::from_millis((gap * 1000.0) as i64))
}

/// Finite values before the incident part.
pub fn baseline(points: &[(Timestamp, f64)], window: Window) -> Vec<f64> {
    points.iter().filter(|(time, value)| *time < window.start && value.is_finite()).map(|(_, value)| *value).collect()
}

/// How a series left its baseline, if it did. The departure that is nearest to the alert's onset, when there are several.
pub fn departure(points: &[(Timestamp, f64)], window: Window, rule: Rule) -> Option<Departure> {
    let points: Vec<(Timestamp, f64)> = points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    // The last third of the baseline is looked at too: alerts fire late. The level then comes from what is before.
    let length = window.start.duration_since(window.baseline_start);
    let search_from = window.start.checked_sub(length / 3).unwrap_or(window.start);
    let early: Vec<f64> = points.iter().filter(|(time, _)| *time < search_from).map(|(_, value)| *value).collect();
    let all = baseline(&points, window);
    let reference = if early.len() >= LEAST_BASELINE { &early } else { &all };
    if reference.len() < LEAST_BASELINE {
        return None;
    }
    let sign = if rule.rising { 1.0 } else { -1.0 };
    let level = Level::of(reference, rule)?;
    let trend = Trend::of(&points, window, search_from);
    let far = |time: Timestamp, value: f64| {
        let flat = (value - level.center) * sign;
        let bent = trend.as_ref().map_or(flat, |trend| (value - trend.at(time)) * sign);
        flat > level.margin && bent > level.margin * 0.8
    };
    let usual_share = reference.iter().filter(|value| (**value - level.center) * sign > level.margin).count() as f64
        / reference.len() as f64;

    let scanned: Vec<(Timestamp, f64)> = points
        .iter()
        .copied()
        .filter(|(time, _)| *time >= if early.len() >= LEAST_BASELINE { search_from } else { window.start })
        .collect();
    let flags: Vec<bool> = scanned.iter().map(|&(time, value)| far(time, value)).collect();
    let run = runs(&flags, rule.least)
        .into_iter()
        .min_by_key(|&(first, last)| distance(scanned[first].0, scanned[last].0, window.onset))?;
    let (first, last) = run;
    let away: Vec<f64> = (first..=last).filter(|&at| flags[at]).map(|at| scanned[at].1).collect();
    let away_level = median(&away)?;
    let extreme = away.iter().copied().max_by(|a, b| (a * sign).total_cmp(&(b * sign)))?;
    if usual_share > USUAL_SHARE {
        // A series that does this all the time: only more than its usual extremes is news.
        let usual_extreme = quantile(reference, if rule.rising { 0.99 } else { 0.01 })?;
        if (away_level - usual_extreme) * sign <= level.margin {
            return None;
        }
    }
    let effect = (away_level - level.center) * sign / level.margin;
    let tail = &flags[last + 1..];
    let over = (tail.len() >= 3 || (tail.len() == 2 && last > first)).then(|| scanned[last + 1].0);
    let ramp = away.len() >= 8
        && kendall_tau(&away).is_some_and(|tau| tau * sign >= RAMP_TAU)
        && (extreme - away[0]) * sign >= level.margin;
    let shape = if ramp { Shape::Ramp } else { Shape::Level };
    let onset = if ramp { scanned[first].0 } else { refined(&scanned, first, last) };
    Some(Departure { onset, over, usual: level.center, level: away_level, extreme, effect, shape })
}

/// Since when a series had climbed steadily when it reached a height at `until` (a leak): from its last fall on.
pub fn climb_before(points: &[(Timestamp, f64)], until: Timestamp) -> Option<Timestamp> {
    let before: Vec<(Timestamp, f64)> =
        points.iter().copied().filter(|(time, value)| *time <= until && value.is_finite()).collect();
    let height = before.last()?.1;
    // A restart gives back what was taken; the climb begins anew there.
    let fall = before.windows(2).rposition(|pair| pair[0].1 - pair[1].1 > 0.25 * height.abs()).map_or(0, |at| at + 1);
    let climb: Vec<f64> = before[fall..].iter().map(|(_, value)| *value).collect();
    let rise = climb.last()? - climb.first()?;
    let steady = climb.len() >= 12 && kendall_tau(&climb)? >= 0.7 && rise >= 0.1 * height.abs();
    steady.then(|| before[fall].0)
}

/// The baseline's level and the smallest distance from it that counts.
struct Level {
    center: f64,
    margin: f64,
}

impl Level {
    fn of(values: &[f64], rule: Rule) -> Option<Self> {
        let center = median(values)?;
        let tail = if rule.rising { quantile(values, 0.95)? - center } else { center - quantile(values, 0.05)? };
        // 1.645 spreads is where the 95 % quantile of normal values lies.
        let spread = (MAD_TO_SIGMA * mad(values)?).max(tail / 1.645);
        let margin = (SPREADS * spread).max(rule.relative * center.abs()).max(rule.absolute).max(f64::MIN_POSITIVE);
        Some(Self { center, margin })
    }
}

/// The straight line that a baseline follows.
struct Trend {
    origin: Timestamp,
    middle: f64,
    center: f64,
    slope: f64,
}

impl Trend {
    /// `None` when the baseline has no clear trend.
    fn of(points: &[(Timestamp, f64)], window: Window, until: Timestamp) -> Option<Self> {
        let origin = window.baseline_start;
        let line: Vec<(f64, f64)> = points
            .iter()
            .filter(|(time, _)| *time < until)
            .map(|&(time, value)| (seconds(time, origin), value))
            .collect();
        let values: Vec<f64> = line.iter().map(|(_, value)| *value).collect();
        if line.len() < 10 || kendall_tau(&values)?.abs() < 0.4 {
            return None;
        }
        let times: Vec<f64> = line.iter().map(|(time, _)| *time).collect();
        Some(Self { origin, middle: median(&times)?, center: median(&values)?, slope: theil_sen(&line)? })
    }

    fn at(&self, time: Timestamp) -> f64 {
        self.center + self.slope * (seconds(time, self.origin) - self.middle)
    }
}

/// Runs of flagged positions: gaps of up to two are bridged, at least half and at least `least` must be flagged.
fn runs(flags: &[bool], least: usize) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for at in (0..flags.len()).filter(|&at| flags[at]) {
        match runs.last_mut() {
            Some((_, last, count)) if at - *last <= 3 => {
                *last = at;
                *count += 1;
            }
            _ => runs.push((at, at, 1)),
        }
    }
    runs.into_iter()
        .filter(|(first, last, count)| *count >= least && 2 * count > last - first)
        .map(|(first, last, _)| (first, last))
        .collect()
}

fn distance(first: Timestamp, last: Timestamp, onset: Timestamp) -> SignedDuration {
    if first <= onset && onset <= last {
        SignedDuration::ZERO
    } else {
        first.duration_since(onset).abs().min(last.duration_since(onset).abs())
    }
}

/// The onset of a jump: where a Welch scan sees the level change, if that is near where the margin was crossed.
fn refined(points: &[(Timestamp, f64)], first: usize, last: usize) -> Timestamp {
    let crossed = points[first].0;
    let from = first.saturating_sub(20);
    let values: Vec<f64> = points[from..=last].iter().map(|(_, value)| *value).collect();
    match welch_scan(&values, 2) {
        Some(found) if (from + found.index).abs_diff(first) <= 4 => points[from + found.index].0.min(crossed),
        _ => crossed,
    }
}
