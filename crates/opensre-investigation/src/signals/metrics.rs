//! Metric evidence: which series left their baseline in a bad direction, reached a limit, or ended.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Evidence, EvidenceData, Meaning, Series};
use opensre_model::window::Window;
use regex::Regex;

use super::named::{self, Bad, Named};
use super::pattern::compile;
use super::series::{self, Departure, Rule, departure};
use super::statistics::median;
use super::{Findings, Shape, Sign, Symptom, clock, quantity, signatures};
use crate::subject::{self, Relation, Subject};

/// Share of a limit from which on something is full.
const FULL: f64 = 0.92;
/// Share of what there was before from which on nothing is left.
const NOTHING: f64 = 0.02;
/// Most symptoms of one piece of evidence; the clearest are kept.
const MOST: usize = 6;

/// Metric evidence, opened.
struct Metrics<'a> {
    index: usize,
    meaning: Meaning,
    unit: Option<&'a str>,
    query: &'a str,
    subject: &'a Subject,
    series: &'a [Series],
    window: Window,
}

/// Finds symptoms in one piece of metric evidence.
pub fn detect(
    index: usize,
    one: &Evidence,
    all: &[Evidence],
    subject: &Subject,
    window: Window,
    findings: &mut Findings,
) {
    let EvidenceData::Metrics { meaning, unit, series, .. } = &one.data else { return };
    if *meaning == Meaning::AlertCondition || is_limit(&one.origin.query, series) {
        return;
    }
    let metrics =
        Metrics { index, meaning: *meaning, unit: unit.as_deref(), query: &one.origin.query, subject, series, window };
    let mut found: Vec<Symptom> = Vec::new();
    let mut measured = false;
    for one_series in series {
        let relation = subject.relation(&one_series.labels);
        let named = metrics.names_it(one_series, relation);
        let is_told = named.is_some();
        found.extend(named);
        match metrics.read(one_series, relation, all) {
            Some(symptom) => found.push(symptom),
            None if is_told => {}
            None => {
                measured |= matches!(relation, Relation::Same | Relation::Unknown)
                    && metrics.was_measured(one_series)
                    && metrics.is_low(one_series);
            }
        }
    }
    found.extend(metrics.gone(subject));
    // A quiet series says that nothing is wrong only if no other series of the same answer says otherwise.
    if measured && !found.iter().any(|symptom| symptom.relation != Relation::Other) {
        findings.quiet.push((index, *meaning));
    }
    found.sort_by(|a, b| {
        let weight = |symptom: &Symptom| symptom.strength * symptom.relation.weight();
        weight(b).total_cmp(&weight(a)).then_with(|| a.text.cmp(&b.text))
    });
    found.truncate(MOST);
    findings.symptoms.extend(found);
}

impl Metrics<'_> {
    fn read(&self, series: &Series, relation: Relation, all: &[Evidence]) -> Option<Symptom> {
        if let Some(told) = self.told(series, relation) {
            return Some(told);
        }
        match self.meaning {
            Meaning::Restarts => self.restarts(series, relation),
            Meaning::Cpu | Meaning::Memory | Meaning::Disk | Meaning::Pool => {
                self.full(series, relation, all).or_else(|| self.left(series, relation))
            }
            Meaning::Errors => self.left(series, relation).or_else(|| self.appeared(series, relation)),
            _ => self.left(series, relation),
        }
    }

    /// What the metric's own name tells, when it moves as it should not.
    fn names_it(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        let named: &Named = named::find(self.query)?;
        let mut symptom = match named.bad {
            Bad::RunningOut => self.emptied(series, relation)?,
            Bad::ByCondition => return None,
            Bad::Rising | Bad::Moving => {
                let moved = self.left(series, relation).or_else(|| self.appeared(series, relation))?;
                let rising = matches!(moved.sign, Sign::Metric { rising: true, .. });
                (rising || named.bad == Bad::Moving).then_some(moved)?
            }
        };
        symptom.sign = named.sign();
        symptom.text = format!("{} ({})", symptom.text, named.means);
        symptom.strength = symptom.strength.max(0.7);
        Some(symptom)
    }

    /// What is left fell to nothing, compared with what there was before.
    fn emptied(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        let before = series::baseline(&series.points, self.window);
        let most = before.iter().copied().fold(0.0, f64::max);
        let low: Vec<Timestamp> =
            series.points.iter().filter(|(_, value)| *value <= NOTHING * most).map(|(time, _)| *time).collect();
        let (onset, last) = (*low.first()?, *low.last()?);
        // What was empty for most of the time before is always so.
        let usual = before.iter().filter(|value| **value <= NOTHING * most).count();
        if most <= 0.0 || low.len() < 2 || 2 * usual > before.len() || last < self.window.start {
            return None;
        }
        let over = (self.window.end.duration_since(last) > series::step(&series.points) * 4).then_some(last);
        let found =
            Departure { onset, over, usual: most, level: 0.0, extreme: 0.0, effect: 8.0, shape: Shape::Saturated };
        let text = format!(
            "{} of {} ran out at {}, from {} before",
            self.own_name(),
            whose(series, self.subject),
            clock(onset),
            quantity(most, self.unit)
        );
        Some(self.symptom(series, relation, Shape::Saturated, false, &found, text))
    }

    /// The series left its baseline.
    fn left(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        let (mut found, rising) = self
            .rules()
            .into_iter()
            .filter_map(|rule| departure(&series.points, self.window, rule).map(|found| (found, rule.rising)))
            .max_by(|(a, _), (b, _)| a.effect.total_cmp(&b.effect))?;
        if self.meaning == Meaning::Other {
            // What a number of unknown meaning does is a hint at most.
            found.effect = found.effect.sqrt();
        }
        let verb = match (found.shape, rising) {
            (Shape::Ramp, true) => "climbed steadily",
            (Shape::Ramp, false) => "fell steadily",
            (_, true) => "rose",
            (_, false) => "fell",
        };
        let reached = if found.shape == Shape::Ramp { found.extreme } else { found.level };
        let text = format!(
            "{} {verb} from {} to {} at {}{}",
            self.title(series),
            quantity(found.usual, self.unit),
            quantity(reached, self.unit),
            clock(found.onset),
            found.over.map(|over| format!(" and was back at {}", clock(over))).unwrap_or_default(),
        );
        Some(self.symptom(series, relation, found.shape, rising, &found, text))
    }

    /// Series whose labels tell a reason in words (`reason="OOMKilled"`, `condition="DiskPressure"`), and that were not
    /// there, or zero, before.
    fn told(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        const REASONS: &[&str] = &["reason", "condition", "exception", "error_type", "cause"];
        let reason = REASONS.iter().find_map(|key| series.labels.get(*key)).filter(|reason| !reason.is_empty())?;
        let known = signatures::find(reason)?;
        let before = series::baseline(&series.points, self.window);
        if before.iter().any(|value| *value > 0.0) {
            return None;
        }
        let during: Vec<(Timestamp, f64)> =
            series.points.iter().copied().filter(|(time, value)| *time >= self.window.start && *value > 0.0).collect();
        let (onset, last) = (during.first()?.0, during.last()?.0);
        let text = format!(
            "{} has \"{reason}\" ({}) since {}",
            whose(series, self.subject),
            known.signature.means,
            clock(onset)
        );
        Some(Symptom {
            evidence: vec![self.index],
            sign: known.into_sign(),
            about: subject::name_of(&series.labels),
            relation,
            onset: Some(onset),
            over: (self.window.end.duration_since(last) > series::step(&series.points) * 4).then_some(last),
            last_seen: Some(last),
            strength: 0.95,
            text,
        })
    }

    /// Failures that have no series at all while nothing fails.
    fn appeared(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        if !series::baseline(&series.points, self.window).is_empty() {
            return None;
        }
        let rule = self.rules().into_iter().next()?;
        let high: Vec<(Timestamp, f64)> =
            series.points.iter().copied().filter(|(_, value)| *value > rule.absolute).collect();
        let (onset, last) = (high.first()?.0, high.last()?.0);
        if high.len() < 3 {
            return None;
        }
        let values: Vec<f64> = high.iter().map(|(_, value)| *value).collect();
        let level = median(&values)?;
        let step = series::step(&series.points);
        let over = (self.window.end.duration_since(last) > step * 4).then_some(last);
        let found = Departure {
            onset,
            over,
            usual: 0.0,
            level,
            extreme: level,
            effect: (level / rule.absolute.max(f64::MIN_POSITIVE)).min(6.0),
            shape: Shape::Level,
        };
        let text = format!(
            "{} appeared at {} with {}; there were none before",
            self.title(series),
            clock(onset),
            quantity(level, self.unit)
        );
        Some(self.symptom(series, relation, Shape::Level, true, &found, text))
    }

    /// Restarts: a counter's steps, or single values above zero.
    fn restarts(&self, series: &Series, relation: Relation) -> Option<Symptom> {
        let counter = series.points.iter().all(|(_, value)| value.fract() == 0.0)
            && series.points.windows(2).filter(|pair| pair[1].1 < pair[0].1).count() * 10 <= series.points.len()
            && series.points.windows(2).any(|pair| (pair[1].1 - pair[0].1).abs() < f64::EPSILON && pair[0].1 > 0.0);
        let steps: Vec<(Timestamp, f64)> = if counter {
            series
                .points
                .windows(2)
                .map(|pair| (pair[1].0, if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 }))
                .filter(|(_, step)| *step > 0.0)
                .collect()
        } else {
            series.points.iter().copied().filter(|(_, value)| *value > 0.0).collect()
        };
        let before = steps.iter().filter(|(time, _)| *time < self.window.start).count();
        let during: Vec<&(Timestamp, f64)> = steps.iter().filter(|(time, _)| *time >= self.window.start).collect();
        let (first, last) = (during.first()?.0, during.last()?.0);
        if during.len() <= 2 * before {
            return None;
        }
        let count = if counter { during.iter().map(|(_, step)| *step).sum::<f64>() } else { during.len() as f64 };
        let over = (self.window.end.duration_since(last) > SignedDuration::from_mins(10)).then_some(last);
        let found = Departure {
            onset: first,
            over,
            usual: 0.0,
            level: count,
            extreme: count,
            effect: 1.0 + count,
            shape: Shape::Count,
        };
        let times = if counter { format!("{} times", super::number(count)) } else { "repeatedly".to_owned() };
        let text = format!("{} restarted {times}, first at {}", whose(series, self.subject), clock(first));
        Some(self.symptom(series, relation, Shape::Count, true, &found, text))
    }

    /// Use of something bounded that reached its bound.
    fn full(&self, series: &Series, relation: Relation, all: &[Evidence]) -> Option<Symptom> {
        let limit = self.limit(series, all)?;
        let shares: Vec<(Timestamp, f64)> = series
            .points
            .iter()
            .map(|&(time, value)| (time, if self.is_free() { 1.0 - value / limit } else { value / limit }))
            .collect();
        let during: Vec<&(Timestamp, f64)> =
            shares.iter().filter(|(time, share)| *time >= self.window.start && share.is_finite()).collect();
        let high: Vec<&&(Timestamp, f64)> = during.iter().filter(|(_, share)| *share >= FULL).collect();
        let (onset, last) = (high.first()?.0, high.last()?.0);
        let before = median(&series::baseline(&shares, self.window));
        if high.len() < 2 || high.len() * 5 < during.len() || before.is_some_and(|before| before >= FULL - 0.04) {
            return None;
        }
        let peak = high.iter().map(|(_, share)| *share).fold(0.0, f64::max);
        let over = (self.window.end.duration_since(last) > series::step(&series.points) * 4).then_some(last);
        let climb = series::climb_before(&shares, onset);
        let found = Departure {
            // What climbs steadily began before it was full.
            onset: climb.unwrap_or(onset),
            over,
            usual: before.unwrap_or_default(),
            level: peak,
            extreme: peak,
            effect: 4.0 + 60.0 * (peak - FULL).clamp(0.0, 0.08),
            shape: Shape::Saturated,
        };
        let text = format!(
            "{} reached {} % of its limit at {}{}{}",
            self.title(series),
            super::number((peak * 100.0).min(100.0)),
            clock(onset),
            before.map(|before| format!(", from {} % before", super::number(before * 100.0))).unwrap_or_default(),
            climb.map(|since| format!(", climbing steadily since {}", clock(since))).unwrap_or_default(),
        );
        Some(self.symptom(series, relation, Shape::Saturated, !self.is_free(), &found, text))
    }

    /// Series that end while the incident goes on and have no successor: the thing itself is gone.
    fn gone(&self, subject: &Subject) -> Vec<Symptom> {
        if !matches!(self.meaning, Meaning::Traffic | Meaning::Availability) {
            return Vec::new();
        }
        let mut things: BTreeMap<String, Vec<&Series>> = BTreeMap::new();
        for series in self.series.iter().filter(|series| !series.points.is_empty()) {
            things.entry(whose(series, self.subject)).or_default().push(series);
        }
        let newest = self.series.iter().filter_map(|series| Some(series.points.last()?.0)).max();
        let mut symptoms = Vec::new();
        for (name, series) in things {
            let Some(last) = series.iter().filter_map(|one| Some(one.points.last()?.0)).max() else { continue };
            let step = series.iter().map(|one| series::step(&one.points)).max().unwrap_or(SignedDuration::from_mins(1));
            let baseline = series.iter().map(|one| series::baseline(&one.points, self.window).len()).max().unwrap_or(0);
            // Prometheus keeps a series alive for five minutes after its last sample.
            let silent = self.window.end.duration_since(last) > (step * 5).max(SignedDuration::from_mins(5));
            let others_go_on = newest.is_some_and(|newest| newest > last);
            if baseline < series::LEAST_BASELINE || !silent || !others_go_on || last < self.window.start {
                continue;
            }
            let Some(first) = series.first() else { continue };
            let found = Departure {
                onset: last,
                over: None,
                usual: 1.0,
                level: 0.0,
                extreme: 0.0,
                effect: 3.0,
                shape: Shape::Gone,
            };
            let text = format!("{} of {name} ended at {} while others go on", noun(self.meaning), clock(last));
            symptoms.push(self.symptom(first, subject.relation(&first.labels), Shape::Gone, false, &found, text));
        }
        symptoms
    }

    fn symptom(
        &self,
        series: &Series,
        relation: Relation,
        shape: Shape,
        rising: bool,
        found: &Departure,
        text: String,
    ) -> Symptom {
        Symptom {
            evidence: vec![self.index],
            sign: Sign::Metric { meaning: self.meaning, shape, rising },
            about: subject::name_of(&series.labels),
            relation,
            onset: Some(found.onset),
            over: found.over,
            last_seen: None,
            strength: found.strength(),
            text,
        }
    }

    /// Which changes are bad, and from which size on.
    fn rules(&self) -> Vec<Rule> {
        let unit = self.unit.unwrap_or_default();
        // A ratio of one percent and a rate of one per twenty seconds are where failures begin to matter.
        let by_unit = |ratio: f64, percent: f64, per_second: f64, other: f64| match unit {
            "ratio" => ratio,
            "percent" => percent,
            "per_second" => per_second,
            _ => other,
        };
        let up = |relative, absolute| Rule { relative, absolute, rising: true, least: 3 };
        let down = |relative, absolute| Rule { relative, absolute, rising: false, least: 3 };
        match self.meaning {
            Meaning::Errors => vec![up(1.0, by_unit(0.01, 1.0, 0.03, self.scale() * 0.2))],
            Meaning::Latency => {
                let absolute = match unit {
                    "seconds" => 0.03,
                    "milliseconds" => 30.0,
                    _ => 0.0,
                };
                vec![up(0.5, absolute)]
            }
            Meaning::Traffic => vec![down(0.45, by_unit(0.0, 0.0, 0.1, 0.0)), up(0.8, by_unit(0.0, 0.0, 0.5, 0.0))],
            Meaning::Cpu => vec![up(0.4, by_unit(0.15, 15.0, 0.0, 0.0))],
            Meaning::Memory | Meaning::Pool => vec![up(0.3, by_unit(0.1, 10.0, 0.0, 0.0))],
            Meaning::Disk if self.is_free() => vec![down(0.3, by_unit(0.05, 5.0, 0.0, 0.0))],
            Meaning::Disk => vec![up(0.1, by_unit(0.05, 5.0, 0.0, 0.0))],
            Meaning::Availability => vec![Rule { least: 2, ..down(0.04, 0.0) }],
            Meaning::Restarts => Vec::new(),
            Meaning::AlertCondition | Meaning::Other => vec![up(1.0, 0.0), down(0.6, 0.0)],
        }
    }

    /// Whether the numbers count what is left rather than what is used.
    fn is_free(&self) -> bool {
        let query = self.query.to_lowercase();
        let free =
            ["_free", "_avail", "available", "remaining", "idle", "headroom"].iter().any(|word| query.contains(word));
        let turned = ["1 -", "1-", "100 -", "100-"].iter().any(|word| query.contains(word));
        let difference = query.contains("_size") && query.contains(" - ");
        free && !turned && !difference
    }

    /// The limit that a series uses up: 1 for ratios, 100 for percent, else a constant series of the same thing whose
    /// name says that it is one.
    fn limit(&self, series: &Series, all: &[Evidence]) -> Option<f64> {
        match self.unit {
            Some("ratio") => return Some(1.0),
            Some("percent") => return Some(100.0),
            _ => {}
        }
        let peak = series.points.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max);
        all.iter()
            .filter_map(|one| match &one.data {
                EvidenceData::Metrics { meaning, series, .. }
                    if *meaning == self.meaning && is_limit(&one.origin.query, series) =>
                {
                    Some(series)
                }
                _ => None,
            })
            .flatten()
            .filter(|limit| agree(&limit.labels, &series.labels))
            .filter_map(|limit| Some(limit.points.last()?.1))
            .filter(|limit| *limit > 0.0 && peak <= limit * 1.05)
            .min_by(f64::total_cmp)
    }

    /// The size of the largest value: what "a lot" means where the unit is unknown.
    fn scale(&self) -> f64 {
        self.series.iter().flat_map(|series| &series.points).map(|(_, value)| value.abs()).fold(0.0, f64::max)
    }

    /// Whether failures are so few that "as before" means "well": what has failed all the time is not.
    fn is_low(&self, series: &Series) -> bool {
        let during: Vec<f64> =
            series.points.iter().filter(|(time, _)| *time >= self.window.start).map(|(_, value)| *value).collect();
        let few = match self.unit {
            Some("ratio") => 0.05,
            Some("percent") => 5.0,
            Some("per_second") => 0.5,
            _ => 0.0,
        };
        median(&during).is_some_and(|level| match self.meaning {
            Meaning::Errors => level <= few,
            Meaning::Availability => level > 0.0,
            _ => true,
        })
    }

    fn was_measured(&self, series: &Series) -> bool {
        let near = series::step(&series.points) * 5;
        series
            .points
            .last()
            .is_some_and(|(last, _)| self.window.end.duration_since(*last) <= near.max(SignedDuration::from_mins(5)))
            && series.points.iter().filter(|(time, _)| *time >= self.window.start).count() >= 3
    }

    /// What is measured, as a noun; a metric of no general meaning by its own name.
    fn noun(&self) -> String {
        if self.meaning == Meaning::Other { self.own_name() } else { noun(self.meaning).to_owned() }
    }

    /// The metric's own name, where the series or the query has one.
    fn own_name(&self) -> String {
        static NAME: LazyLock<Regex> = LazyLock::new(|| compile(r"([A-Za-z_:][\w:]*)\s*(?:\{|$)"));
        let labelled = self.series.first().and_then(|series| series.labels.get("__name__")).cloned();
        let own = || NAME.captures(self.query).and_then(|found| found.get(1)).map(|name| name.as_str().to_owned());
        labelled.or_else(own).unwrap_or_else(|| noun(self.meaning).to_owned())
    }

    /// What the series measures and of what: `error rate of checkout (GET /cart)`.
    fn title(&self, series: &Series) -> String {
        format!("{} of {}", self.noun(), whose(series, self.subject))
    }
}

/// What a series is about, in words: what its labels name, else what the alert is about.
fn whose(series: &Series, subject: &Subject) -> String {
    let named = subject::name_of(&series.labels);
    let told: Vec<&str> =
        series.labels.iter().filter(|(key, _)| *key != "__name__").map(|(_, value)| value.as_str()).collect();
    match (named, subject.name()) {
        (Some(name), _) => name,
        (None, Some(name)) if told.is_empty() => name.to_owned(),
        (None, Some(name)) => format!("{name} ({})", told.join(", ")),
        (None, None) if told.is_empty() => "the service".to_owned(),
        (None, None) => told.join(", "),
    }
}

/// Whether evidence is a limit rather than a use: its name says so, and it stays the same.
fn is_limit(query: &str, series: &[Series]) -> bool {
    const WORDS: &[&str] = &["limit", "_max", "max_", "capacity", "quota", "_size_bytes", "memtotal"];
    let query = query.to_lowercase();
    let constant = |series: &Series| {
        series.points.len() > 1 && series.points.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() < f64::EPSILON)
    };
    WORDS.iter().any(|word| query.contains(word))
        && !query.contains('/')
        && !series.is_empty()
        && series.iter().all(constant)
}

/// Whether two series are about the same thing: no label that both have differs.
fn agree(a: &Labels, b: &Labels) -> bool {
    let mut shared = 0;
    for (key, value) in
        a.iter().filter(|(key, _)| !matches!(key.as_str(), "__name__" | "le" | "quantile" | "resource" | "unit"))
    {
        match b.get(key) {
            Some(other) if other != value => return false,
            Some(_) => shared += 1,
            None => {}
        }
    }
    shared > 0 || a.is_empty() || b.is_empty()
}

/// What is measured, as a noun.
pub fn noun(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::AlertCondition => "the alert's expression",
        Meaning::Errors => "error rate",
        Meaning::Latency => "latency",
        Meaning::Traffic => "traffic",
        Meaning::Cpu => "CPU use",
        Meaning::Memory => "memory use",
        Meaning::Disk => "disk use",
        Meaning::Pool => "pool use",
        Meaning::Restarts => "restarts",
        Meaning::Availability => "availability",
        Meaning::Other => "a metric",
    }
}
