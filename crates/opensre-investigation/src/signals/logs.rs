//! Log evidence: kinds of lines that are new or burst against the baseline.
//!
//! All answers are read together: a line that one query found in the baseline is not new because another query, whose
//! lines were cut, does not have it there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use opensre_model::evidence::{BASELINE_CUT, Evidence, EvidenceData, INCIDENT_CUT, LogLine};
use opensre_model::window::Window;

use super::statistics::poisson_z;
use super::templates::{self, Level, Reading};
use super::{Findings, Sign, Symptom, Usual, clock, seconds, signatures};
use crate::subject::{self, Relation, Subject};

/// Standard deviations by which a count must exceed what the baseline leads to expect.
const BURST_Z: f64 = 4.0;
/// How many times the baseline's rate a burst must be.
const BURST_RATIO: f64 = 3.0;
/// Fewest lines of a burst.
const BURST_LEAST: usize = 5;
/// Most symptoms of all log evidence; the clearest are kept.
const MOST: usize = 16;

/// What lines are grouped by: template, what they are about, what they mean.
type Key = (String, Option<String>, &'static str);

/// All lines of one kind in one answer.
struct Group<'a> {
    /// Index of the evidence.
    evidence: usize,
    first: &'a LogLine,
    reading: Reading,
    before: Vec<Timestamp>,
    during: Vec<Timestamp>,
}

/// Finds symptoms in all log evidence.
pub fn detect(evidence: &[Evidence], subject: &Subject, window: Window, findings: &mut Findings) {
    let mut kinds: BTreeMap<Key, Vec<Group<'_>>> = BTreeMap::new();
    let mut coverages: BTreeMap<usize, Coverage> = BTreeMap::new();
    for (index, one) in evidence.iter().enumerate() {
        let EvidenceData::Logs { lines } = &one.data else { continue };
        coverages.insert(index, Coverage::of(lines, one.truncated.as_deref(), window));
        for (key, group) in grouped(index, lines, window) {
            kinds.entry(key).or_default().push(group);
        }
    }
    let mut found: Vec<Symptom> = Vec::new();
    let mut untold: BTreeSet<usize> = BTreeSet::new();
    for ((_, about, _), groups) in kinds {
        let Some(group) = groups.iter().max_by_key(|group| (group.during.len(), std::cmp::Reverse(group.evidence)))
        else {
            continue;
        };
        let relation = subject.relation(&group.first.labels);
        match judge(&groups, &coverages, window) {
            Some(news) => {
                let Some(symptom) = symptom(about, relation, &groups, group, &news, window) else { continue };
                if matches!(news, News::CannotTell) {
                    untold.extend(&symptom.evidence);
                }
                found.push(symptom);
            }
            None => findings.usual.extend(usual(relation, group)),
        }
    }
    for index in untold {
        let origin = &evidence[index].origin;
        findings.notes.push(format!(
            "{}/{}: log lines were cut and little of the baseline is left, so whether some kinds of lines are new cannot be told",
            origin.service, origin.instance
        ));
    }
    found.sort_by(|a, b| {
        let weight = |symptom: &Symptom| symptom.strength * symptom.relation.weight();
        weight(b).total_cmp(&weight(a)).then_with(|| a.text.cmp(&b.text))
    });
    found.truncate(MOST);
    findings.symptoms.extend(found);
}

fn grouped(index: usize, lines: &[LogLine], window: Window) -> BTreeMap<Key, Group<'_>> {
    let mut meanings: HashMap<String, &'static str> = HashMap::new();
    let mut groups: BTreeMap<Key, Group<'_>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.time <= window.end) {
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
        let group = groups.entry(key).or_insert_with(|| Group {
            evidence: index,
            first: line,
            reading: reading.clone(),
            before: Vec::new(),
            during: Vec::new(),
        });
        if line.time < window.start {
            group.before.push(line.time);
            continue;
        }
        // The sample that the report quotes is one of the incident.
        if group.during.is_empty() {
            group.first = line;
            group.reading = reading;
        }
        group.during.push(line.time);
    }
    groups
}

/// Which part of the window the lines that are left cover.
struct Coverage {
    /// Seconds of the baseline that are covered.
    before: f64,
    /// Until when lines are there.
    until: Timestamp,
}

impl Coverage {
    fn of(lines: &[LogLine], truncated: Option<&str>, window: Window) -> Self {
        let first = lines.iter().map(|line| line.time).min().unwrap_or(window.start);
        let last = lines.iter().map(|line| line.time).max().unwrap_or(window.end);
        let (from, until) = match truncated {
            None => (window.baseline_start, window.end),
            Some(text) if text.contains(INCIDENT_CUT) && !text.contains(BASELINE_CUT) => (window.baseline_start, last),
            // What is missing is not told exactly: what lies between the lines is there.
            Some(_) => (first, last),
        };
        Self { before: seconds(window.start, from.max(window.baseline_start)).max(0.0), until }
    }

    /// Whether enough of the baseline is covered to say what was not there.
    fn knows_before(&self) -> bool {
        self.before >= 600.0
    }
}

/// Why a kind of line is news.
enum News {
    New,
    Burst {
        ratio: f64,
    },
    /// It was seen, but the baseline was cut off.
    CannotTell,
}

/// What all answers together say of one kind of line.
fn judge(groups: &[Group<'_>], coverages: &BTreeMap<usize, Coverage>, window: Window) -> Option<News> {
    if groups.iter().all(|group| group.during.is_empty()) {
        return None;
    }
    let bursts = groups.iter().filter_map(|group| {
        let coverage = coverages.get(&group.evidence).filter(|coverage| coverage.knows_before())?;
        group.burst(coverage, window)
    });
    if let Some(ratio) = bursts.max_by(f64::total_cmp) {
        return Some(News::Burst { ratio });
    }
    if groups.iter().any(|group| !group.before.is_empty()) {
        return None;
    }
    let known = groups.iter().any(|group| coverages.get(&group.evidence).is_some_and(Coverage::knows_before));
    Some(if known { News::New } else { News::CannotTell })
}

impl Group<'_> {
    /// How many times as often as before it comes, if that is a burst.
    fn burst(&self, coverage: &Coverage, window: Window) -> Option<f64> {
        if self.before.is_empty() {
            return None;
        }
        // The rate counts from where the lines are dense: from the first line at or after the last calm minute.
        let start = self.dense_from(window);
        let during = self.during.iter().filter(|time| **time >= start).count();
        let length = seconds(coverage.until.min(window.end), start).max(60.0);
        let z = poisson_z(during, length, self.before.len(), coverage.before);
        let ratio = (during as f64 / length) / (self.before.len() as f64 / coverage.before);
        (z >= BURST_Z && ratio >= BURST_RATIO && during >= BURST_LEAST).then_some(ratio)
    }

    /// The start of the densest stretch that reaches the last line: bursts rarely begin with the window.
    fn dense_from(&self, window: Window) -> Timestamp {
        let Some(&last) = self.during.iter().max() else { return window.start };
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
    about: Option<String>,
    relation: Relation,
    groups: &[Group<'_>],
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
    let seen = groups.iter().flat_map(|group| &group.during);
    let onset = match news {
        News::Burst { .. } => group.dense_from(window),
        _ => *seen.clone().min()?,
    };
    let last = *seen.max()?;
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
    let quoted = quote(known.as_ref().map_or(group.reading.headline(), |found| found.line.as_str()));
    let means = known.as_ref().map(|found| format!("{}: ", found.signature.means)).unwrap_or_default();
    let text = format!(
        "{}logs \"{quoted}\" ({means}{count} {}, {how}, first at {})",
        about.as_deref().map(|about| format!("{about} ")).unwrap_or_default(),
        if count == 1 { "line" } else { "lines" },
        clock(onset)
    );
    let evidence: BTreeSet<usize> =
        groups.iter().filter(|group| !group.during.is_empty()).map(|group| group.evidence).collect();
    Some(Symptom {
        evidence: evidence.into_iter().collect(),
        sign: match known {
            Some(found) => found.into_sign(),
            None => Sign::Failure {
                mechanism: None,
                means: if level == Level::Error { "unknown errors" } else { "unknown warnings" },
                peer: None,
                what: None,
                line: None,
                weight: if level == Level::Error { 0.4 } else { 0.2 },
            },
        },
        about,
        relation,
        onset: Some(onset),
        over,
        last_seen: Some(last),
        strength: volume * by_level * by_news,
        text,
    })
}

/// What looks guilty and was there before at the same rate.
fn usual(relation: Relation, group: &Group<'_>) -> Option<Usual> {
    if group.during.is_empty() || group.reading.level == Level::Fine {
        return None;
    }
    let found = signatures::find(&group.reading.text)?;
    let text = format!(
        "\"{}\" was logged {} times in the baseline and {} times since: as often as always",
        quote(&found.line),
        group.before.len(),
        group.during.len()
    );
    Some(Usual { evidence: group.evidence, mechanism: found.signature.mechanism?, relation, text })
}

/// A log text in a sentence: its first line, without the time and level that stand before it.
pub fn quote(text: &str) -> String {
    let line: Vec<&str> = templates::bare(text.lines().next().unwrap_or_default()).split_whitespace().collect();
    let line = line.join(" ");
    let short = templates::cut(&line, 160);
    if short.len() < line.len() { format!("{short}...") } else { line }
}
