//! Log evidence: kinds of lines that are new or burst against the baseline.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use opensre_model::evidence::{Evidence, LogLine};
use opensre_model::window::Window;

use super::statistics::poisson_z;
use super::templates::{self, Level, Reading};
use super::{Findings, Sign, Symptom, Usual, clock, seconds, signatures};
use crate::mechanism::Mechanism;
use crate::subject::{self, Relation, Subject};

/// Standard deviations by which a count must exceed what the baseline leads to expect.
const BURST_Z: f64 = 4.0;
/// How many times the baseline's rate a burst must be.
const BURST_RATIO: f64 = 3.0;
/// Fewest lines of a burst.
const BURST_LEAST: usize = 5;
/// Most symptoms of one piece of evidence; the clearest are kept.
const MOST: usize = 12;

/// All lines of one template.
struct Group<'a> {
    first: &'a LogLine,
    reading: Reading,
    before: Vec<Timestamp>,
    during: Vec<Timestamp>,
}

/// Finds symptoms in one piece of log evidence.
pub fn detect(
    index: usize,
    one: &Evidence,
    lines: &[LogLine],
    subject: &Subject,
    window: Window,
    findings: &mut Findings,
) {
    if lines.is_empty() {
        return;
    }
    let coverage = Coverage::of(lines, one.truncated.is_some(), window);
    let mut meanings: HashMap<String, &'static str> = HashMap::new();
    let mut groups: BTreeMap<(String, Option<String>, &'static str), Group<'_>> = BTreeMap::new();
    for line in lines {
        let reading = templates::read(line);
        if reading.continuation || reading.text.is_empty() {
            continue;
        }
        // What a line means belongs to its template, but for quoted keys, which can make it mean something else.
        let read_means = || signatures::find(&reading.text).map_or("", |found| found.signature.means);
        let means = match meanings.get(&reading.template) {
            Some(known) => known,
            None if reading.template.contains("<text>") => read_means(),
            None => *meanings.entry(reading.template.clone()).or_insert_with(read_means),
        };
        let key = (reading.template.clone(), subject::name_of(&line.labels), means);
        let group =
            groups.entry(key).or_insert_with(|| Group { first: line, reading, before: Vec::new(), during: Vec::new() });
        if line.time < window.start {
            group.before.push(line.time);
        } else if line.time <= window.end {
            // The sample that the report quotes is one of the incident.
            if group.during.is_empty() {
                group.first = line;
                group.reading.text = templates::read(line).text;
            }
            group.during.push(line.time);
        }
    }
    let mut found: Vec<Symptom> = Vec::new();
    for ((_, about, _), group) in &groups {
        let relation = subject.relation(&group.first.labels);
        match group.judge(&coverage, window) {
            Some(news) => found.extend(symptom(index, about.clone(), relation, group, &news, window)),
            None => findings.usual.extend(usual(index, relation, group)),
        }
    }
    if !coverage.knows_before() && !found.is_empty() {
        findings.notes.push(format!(
            "{}/{}: log lines were cut and none of the baseline is left, so new kinds of lines cannot be told from old ones",
            one.origin.service, one.origin.instance
        ));
    }
    found.sort_by(|a, b| {
        let weight = |symptom: &Symptom| symptom.strength * symptom.relation.weight();
        weight(b).total_cmp(&weight(a)).then_with(|| a.text.cmp(&b.text))
    });
    found.truncate(MOST);
    findings.symptoms.extend(found);
}

/// Which part of the window the lines that are left cover.
struct Coverage {
    /// Seconds of the baseline that are covered.
    before: f64,
    /// Seconds of the incident part that are covered.
    during: f64,
}

impl Coverage {
    fn of(lines: &[LogLine], truncated: bool, window: Window) -> Self {
        let whole = (window.baseline_start, window.end);
        let (from, to) = if truncated {
            let first = lines.iter().map(|line| line.time).min().unwrap_or(whole.0);
            let last = lines.iter().map(|line| line.time).max().unwrap_or(whole.1);
            // Cut at one end only: the side that reaches its end is complete.
            let near = jiff::SignedDuration::from_mins(5);
            let from = if first.duration_since(whole.0) < near { whole.0 } else { first };
            (from, if whole.1.duration_since(last) < near { whole.1 } else { last })
        } else {
            whole
        };
        let overlap = |start: Timestamp, end: Timestamp| seconds(to.min(end), from.max(start)).max(0.0);
        Self {
            before: overlap(window.baseline_start, window.start),
            during: overlap(window.start, window.end).max(1.0),
        }
    }

    /// Whether enough of the baseline is covered to say what was not there.
    fn knows_before(&self) -> bool {
        self.before >= 600.0 || self.before >= self.during
    }
}

/// Why a template is news.
enum News {
    New,
    Burst {
        ratio: f64,
    },
    /// It was seen, but the baseline was cut off.
    CannotTell,
}

impl Group<'_> {
    fn judge(&self, coverage: &Coverage, window: Window) -> Option<News> {
        if self.during.is_empty() {
            return None;
        }
        if !coverage.knows_before() {
            // The lines themselves may still tell: none for a good while, then many.
            return Some(News::CannotTell);
        }
        if self.before.is_empty() {
            return Some(News::New);
        }
        // The rate counts from where the lines are dense: from the first line at or after the last calm minute.
        let start = self.dense_from(window);
        let during = self.during.iter().filter(|time| **time >= start).count();
        let length = seconds(window.end, start).clamp(60.0, coverage.during.max(60.0));
        let z = poisson_z(during, length, self.before.len(), coverage.before);
        let ratio = (during as f64 / length) / (self.before.len() as f64 / coverage.before);
        (z >= BURST_Z && ratio >= BURST_RATIO && during >= BURST_LEAST).then_some(News::Burst { ratio })
    }

    /// The start of the densest stretch that reaches the last line: bursts rarely begin with the window.
    fn dense_from(&self, window: Window) -> Timestamp {
        let Some(&last) = self.during.last() else { return window.start };
        let score = |from: Timestamp| {
            let count = self.during.iter().filter(|time| **time >= from).count() as f64;
            count / seconds(last, from).max(60.0).sqrt()
        };
        self.during
            .iter()
            .step_by(self.during.len().div_ceil(50).max(1))
            .copied()
            .max_by(|a, b| score(*a).total_cmp(&score(*b)).then_with(|| b.cmp(a)))
            .unwrap_or(window.start)
    }
}

fn symptom(
    index: usize,
    about: Option<String>,
    relation: Relation,
    group: &Group<'_>,
    news: &News,
    window: Window,
) -> Option<Symptom> {
    let known = signatures::find(&group.reading.text);
    let level = group.reading.level;
    // A new line without a known meaning is a sign of trouble only if it says itself that it is one.
    if known.is_none() && level < Level::Warning {
        return None;
    }
    let count = group.during.len();
    let onset = match news {
        News::Burst { .. } => group.dense_from(window),
        _ => *group.during.first()?,
    };
    let last = *group.during.last()?;
    let quiet = seconds(window.end, last);
    let mean_gap = seconds(last, onset) / count.max(2) as f64;
    let over = (quiet > 150.0 && quiet > 5.0 * mean_gap).then_some(last);
    let single = known.as_ref().is_some_and(|found| found.signature.single);
    let volume = if single { 1.0 } else { [0.55, 0.75, 0.9].get(count - 1).copied().unwrap_or(1.0) };
    let by_level = match level {
        Level::Error => 1.0,
        Level::Unsaid => 0.95,
        Level::Warning => 0.85,
        Level::Fine => 0.45,
    };
    let (by_news, how) = match news {
        News::New => (1.0, "new in the window".to_owned()),
        News::Burst { ratio } => (0.9, format!("{} times as often as before", super::number(ratio.min(999.0)))),
        News::CannotTell => (0.6, "how often before cannot be told".to_owned()),
    };
    let quoted = quote(&group.reading.text);
    let means = known.as_ref().map(|found| format!("{}: ", found.signature.means)).unwrap_or_default();
    let text = format!(
        "{}logs \"{quoted}\" ({means}{count} {}, {how}, first at {})",
        about.as_deref().map(|about| format!("{about} ")).unwrap_or_default(),
        if count == 1 { "line" } else { "lines" },
        clock(onset)
    );
    Some(Symptom {
        evidence: vec![index],
        sign: match known {
            Some(found) => Sign::Failure {
                mechanism: found.signature.mechanism,
                means: found.signature.means,
                peer: found.peer,
                what: found.what,
                weight: found.signature.weight,
            },
            None => Sign::Failure {
                mechanism: None,
                means: if level == Level::Error { "unknown errors" } else { "unknown warnings" },
                peer: None,
                what: None,
                weight: if level == Level::Error { 0.4 } else { 0.2 },
            },
        },
        about,
        relation,
        onset: Some(onset),
        over,
        strength: volume * by_level * by_news,
        text,
    })
}

/// What looks guilty and was there before at the same rate.
fn usual(index: usize, relation: Relation, group: &Group<'_>) -> Option<Usual> {
    if group.during.is_empty() || group.reading.level == Level::Fine {
        return None;
    }
    let mechanism: Mechanism = signatures::find(&group.reading.text)?.signature.mechanism?;
    let text = format!(
        "\"{}\" was logged {} times in the baseline and {} times since: as often as always",
        quote(&group.reading.text),
        group.before.len(),
        group.during.len()
    );
    Some(Usual { evidence: index, mechanism, relation, text })
}

/// A log text in a sentence.
pub fn quote(text: &str) -> String {
    let line: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let line = line.join(" ");
    let short = templates::cut(&line, 160);
    if short.len() < line.len() { format!("{short}...") } else { line }
}
