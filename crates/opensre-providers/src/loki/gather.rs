//! What a Loki has to say about an alert: its lines of errors and of warnings, a sample of all its lines, and how many
//! lines there were over time.
//!
//! Incident and baseline are asked in the same way, so that what is new or more frequent can be told from what is
//! always there. One round trip finds the labels, one more the lines; everything within a round goes at once.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{
    BASELINE_CUT, Evidence, EvidenceData, GapKind, INCIDENT_CUT, LogLine, Meaning, Series, Threshold,
};
use opensre_model::window::Window;

use super::api::{self, Cut};
use super::discovery::{Plan, plan};
use super::level;
use super::logql::count;
use super::wire::{Answered, LONGEST_LINE, Lines};
use crate::backend::{Backend, LinkTarget};
use crate::driver::Answer;
use crate::failure::Failure;

/// Most lines of errors by one query before the onset, after it, and in the baseline.
const ERROR_LINES: usize = 400;

/// The same for warnings.
const WARNING_LINES: usize = 100;

/// The same for the sample.
const SAMPLE_LINES: usize = 150;

/// Most lines of one piece of evidence: two queries, each before the onset, after it, and in the baseline.
pub(crate) const MOST_LINES: usize = 2 * 3 * ERROR_LINES;

/// Most lines of a query that a person wrote.
pub(crate) const QUERY_LINES: usize = 1_000;

/// The logs of what an alert's labels name.
pub(crate) async fn logs(backend: &Backend, operation: &str, labels: &Labels, window: Window) -> Answer {
    match plan(backend, operation, labels, &window).await {
        Ok(plan) => gather(backend, operation, plan, window).await,
        Err(failure) => Answer { gaps: vec![backend.gap(operation, failure)], ..Answer::default() },
    }
}

/// What a LogQL query finds in the window: lines, the newest first where there are too many, or series.
pub(crate) async fn query(backend: &Backend, operation: &str, logql: &str, window: Window) -> Answer {
    match api::whole_window(&backend.client, logql, &window, QUERY_LINES).await {
        Ok(Answered::Lines(mut found)) => {
            let cut = (found.entries.len() >= QUERY_LINES)
                .then(|| format!("only the newest {QUERY_LINES} lines were asked for; there are more"));
            // Oldest first; a server that does not keep to the limit does not get past it.
            found.entries.drain(..found.entries.len().saturating_sub(QUERY_LINES));
            let summary = format!("{} {}", found.entries.len(), plural(found.entries.len(), "line"));
            let truncated = told(&cut.into_iter().chain(oddities(&[&found])).collect::<Vec<_>>());
            let data = EvidenceData::Logs { lines: found.entries };
            let mut evidence = backend.evidence(operation, logql, window, summary, data);
            evidence.truncated = truncated;
            Answer { evidence: vec![evidence], ..Answer::default() }
        }
        Ok(Answered::Series(series)) => {
            let evidence = measured(backend, operation, logql, window, Meaning::Other, None, series);
            Answer { evidence: vec![evidence], ..Answer::default() }
        }
        Err(failure) => Answer { gaps: vec![backend.gap(operation, failure)], ..Answer::default() },
    }
}

/// The series of a metric query, as the expression of an alert rule has it.
pub(crate) async fn alert_condition(
    backend: &Backend,
    operation: &str,
    logql: &str,
    window: Window,
    threshold: Option<Threshold>,
) -> Result<Evidence, Failure> {
    match api::whole_window(&backend.client, logql, &window, 1).await? {
        Answered::Series(series) => {
            Ok(measured(backend, operation, logql, window, Meaning::AlertCondition, threshold, series))
        }
        Answered::Lines(_) => Err(Failure::new(GapKind::NotRelevant, "the rule's query yields log lines, no numbers")),
    }
}

fn measured(
    backend: &Backend,
    operation: &str,
    logql: &str,
    window: Window,
    meaning: Meaning,
    threshold: Option<Threshold>,
    mut series: Vec<Series>,
) -> Evidence {
    const MOST_SERIES: usize = 50;
    let found = series.len();
    series.truncate(MOST_SERIES);
    let summary = format!("{found} {} of {logql}", plural(found, "series"));
    let data = EvidenceData::Metrics { meaning, unit: None, threshold, series };
    let mut evidence = backend.evidence(operation, logql, window, summary, data);
    evidence.truncated = (found > MOST_SERIES).then(|| format!("{MOST_SERIES} of {found} series are kept"));
    evidence
}

async fn gather(backend: &Backend, operation: &str, plan: Plan, window: Window) -> Answer {
    let selector = &plan.selector;
    let by_label = |levels: &str| (!plan.levels.is_empty()).then(|| selector.labels_matching(&plan.levels, levels));
    let words = selector.lines_matching(level::ERROR_WORDS);
    let everything = selector.to_string();
    let whole = Stretch { before: window.start, after: window.end, lines: ERROR_LINES, thin: false };
    let near = Stretch {
        before: earlier(window.onset, SignedDuration::from_mins(5)).max(window.start),
        after: later(window.onset, SignedDuration::from_mins(10)).min(window.end),
        lines: SAMPLE_LINES,
        thin: true,
    };
    let classes = [
        Class {
            what: "of errors",
            queries: std::iter::once(words.clone()).chain(by_label(level::ERROR_LEVELS)).collect(),
            stretch: whole,
        },
        Class {
            what: "of warnings",
            queries: vec![
                by_label(level::WARNING_LEVELS).unwrap_or_else(|| selector.lines_matching(level::WARNING_WORDS)),
            ],
            stretch: Stretch { lines: WARNING_LINES, ..whole },
        },
        Class { what: "of a sample of all lines", queries: vec![everything.clone()], stretch: near },
    ];
    let step = api::step_seconds(&window);
    let (error_count, all_count) = (count(&words, step), count(&everything, step));
    let client = &backend.client;
    let counts = join(
        api::whole_window(client, &error_count, &window, 1).boxed(),
        api::whole_window(client, &all_count, &window, 1).boxed(),
    );
    let lines = join_all(classes.iter().map(|class| class.ask(backend, &window).boxed()));
    let (lines, counts) = join(lines, counts).await;

    let mut answer = Answer::default();
    answer.gaps.extend(plan.unread.iter().cloned().map(|failure| backend.gap(operation, failure)));
    let scope = Scope { backend, operation, window, dropped: &plan.dropped };
    for (class, asked) in classes.iter().zip(lines) {
        scope.lines(class, asked, &mut answer);
    }
    scope.counted("lines of errors", &error_count, Meaning::Errors, step, counts.0, &mut answer);
    scope.counted("lines", &all_count, Meaning::Other, step, counts.1, &mut answer);
    answer
}

/// Lines of one kind, that one or more queries find.
struct Class {
    what: &'static str,
    queries: Vec<String>,
    stretch: Stretch,
}

/// How far around the onset lines of a class are asked for, and how many.
#[derive(Clone, Copy)]
struct Stretch {
    /// From when on, up to the onset; the nearest lines to the onset first.
    before: Timestamp,
    /// Up to when, from the onset on; the nearest lines to the onset first.
    after: Timestamp,
    /// Most lines before the onset, after it, and in the baseline.
    lines: usize,
    /// Whether lines are spread over the time instead of taken as they come.
    thin: bool,
}

/// What one query of a class answered.
struct Asked {
    before: Result<Lines, Failure>,
    after: Result<Lines, Failure>,
    baseline: Result<Lines, Failure>,
}

impl Class {
    /// Asks each query for what came before the onset, after it, and in the baseline. The alert's onset lies between
    /// the first two, so that lines which are always there never crowd out those around it.
    async fn ask(&self, backend: &Backend, window: &Window) -> Vec<Asked> {
        let Stretch { before, after, lines, thin } = self.stretch;
        let cut = |from: Timestamp, to: Timestamp, oldest_first: bool| {
            let spread = (to.duration_since(from).as_secs_f64() / lines as f64).max(0.001);
            Cut { from, to, limit: lines, oldest_first, every_seconds: thin.then_some(spread) }
        };
        let cuts = [
            cut(before, window.onset, false),
            cut(window.onset, after, true),
            cut(window.baseline_start, window.start, false),
        ];
        join_all(self.queries.iter().map(|query| async move {
            let [before, after, baseline] = cuts.map(|cut| ask(backend, query, cut).boxed());
            let (before, (after, baseline)) = join(before, join(after, baseline)).await;
            Asked { before, after, baseline }
        }))
        .await
    }
}

/// The lines of one query and cut; a cut of no length has none (an alert can begin now).
async fn ask(backend: &Backend, query: &str, cut: Cut) -> Result<Lines, Failure> {
    if cut.from >= cut.to { Ok(Lines::default()) } else { api::lines(&backend.client, query, cut).await }
}

/// What all evidence of one gathering has in common.
struct Scope<'a> {
    backend: &'a Backend,
    operation: &'a str,
    window: Window,
    dropped: &'a [String],
}

impl Scope<'_> {
    /// Evidence of the lines of a class. A query whose incident was not answered as a whole tells nothing: what is
    /// left of it would look as if nothing had happened.
    fn lines(&self, class: &Class, asked: Vec<Asked>, answer: &mut Answer) {
        let what = class.what;
        let limit = class.stretch.lines;
        let full = |found: &Lines| found.entries.len() >= limit;
        let (mut incident, mut baseline): (Vec<Lines>, Vec<Lines>) = (Vec::new(), Vec::new());
        // Between which times, and in the baseline from when on, nothing is missing.
        let (mut from, mut to, mut baseline_from): (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>) =
            (None, None, None);
        let (mut no_incident, mut no_baseline) = (false, false);
        for Asked { before, after, baseline: earlier } in asked {
            match (before, after) {
                (Ok(before), Ok(after)) => {
                    from = from.max(before.entries.first().filter(|_| full(&before)).map(|line| line.time));
                    let last = after.entries.last().filter(|_| full(&after)).map(|line| line.time);
                    to = to.into_iter().chain(last).min();
                    incident.extend([before, after]);
                }
                (before, after) => {
                    no_incident = true;
                    let failures = [before.err(), after.err()].into_iter().flatten();
                    answer.gaps.extend(failures.map(|failure| self.backend.gap(self.operation, failure)));
                }
            }
            match earlier {
                Ok(earlier) => {
                    baseline_from =
                        baseline_from.max(earlier.entries.first().filter(|_| full(&earlier)).map(|line| line.time));
                    baseline.push(earlier);
                }
                Err(failure) => {
                    no_baseline = true;
                    answer.gaps.push(self.backend.gap(self.operation, failure));
                }
            }
        }
        if incident.is_empty() {
            return;
        }
        let mut notes = Vec::new();
        match (from, to) {
            (None, None) => {}
            (Some(from), None) => notes.push(format!("{INCIDENT_CUT} before {} some are missing", clock(from))),
            (None, Some(to)) => notes.push(format!("{INCIDENT_CUT} after {} some are missing", clock(to))),
            (Some(from), Some(to)) => {
                notes.push(format!("{INCIDENT_CUT} before {} and after {} some are missing", clock(from), clock(to)));
            }
        }
        notes.extend(baseline_from.map(|time| format!("{BASELINE_CUT} lines after {} are kept", clock(time))));
        if no_incident {
            notes.push("a part of what was asked for could not be read".to_owned());
        }
        if no_baseline {
            notes.push("the baseline, or a part of it, could not be read".to_owned());
        }
        notes.extend(oddities(&incident.iter().chain(&baseline).collect::<Vec<_>>()));
        let incident = distinct(incident);
        let baseline = distinct(baseline);
        let mut summary = match (incident.len(), baseline.len()) {
            (0, 0) => format!("no lines {what}"),
            (new, 0) => format!("{new} {} {what}, none in the baseline", plural(new, "line")),
            (new, old) => format!("{new} {} {what}, {old} in the baseline", plural(new, "line")),
        };
        if let Some(first) = incident.first() {
            let _ = write!(summary, "; the first at {}", clock(first.time));
        }
        if !self.dropped.is_empty() {
            let _ = write!(summary, "; not narrowed by {}, which is not there", self.dropped.join(", "));
        }
        let mut lines = baseline;
        lines.extend(incident);
        super::wire::sort(&mut lines);
        let data = EvidenceData::Logs { lines };
        let mut evidence = self.backend.evidence(self.operation, class.queries.join("\n"), self.window, summary, data);
        // A link opens one query.
        evidence.origin.link =
            class.queries.first().and_then(|query| (self.backend.links)(LinkTarget::Query(query), &self.window));
        evidence.truncated = told(&notes);
        answer.evidence.push(evidence);
    }

    /// Evidence of the number of lines in each step. Loki leaves out steps without lines; here they count zero.
    fn counted(
        &self,
        what: &str,
        query: &str,
        meaning: Meaning,
        step: i64,
        answered: Result<Answered, Failure>,
        answer: &mut Answer,
    ) {
        let series = match answered {
            Ok(Answered::Series(series)) => series,
            Ok(Answered::Lines(_)) => {
                let failure = Failure::nonsense("a metric query was answered with lines");
                return answer.gaps.push(self.backend.gap(self.operation, failure));
            }
            Err(failure) => return answer.gaps.push(self.backend.gap(self.operation, failure)),
        };
        let counted = series.into_iter().next().map(|series| series.points).unwrap_or_default();
        let points = with_zeros(&counted, &self.window, step);
        let (before, since): (Vec<_>, Vec<_>) = points.iter().partition(|(time, _)| *time <= self.window.start);
        let total = |points: &[&(Timestamp, f64)]| points.iter().map(|(_, value)| value).sum::<f64>();
        let summary =
            format!("{} {what} since {}, {} in the baseline", total(&since), clock(self.window.start), total(&before));
        let labels = Labels::from([("counted".to_owned(), what.to_owned())]);
        let data = EvidenceData::Metrics {
            meaning,
            unit: Some(format!("lines per {step} s")),
            threshold: None,
            series: vec![Series { labels, points }],
        };
        answer.evidence.push(self.backend.evidence(self.operation, query, self.window, summary, data));
    }
}

/// The points of a count on its whole grid, zero where Loki has none. The grid's phase is that of the points.
fn with_zeros(points: &[(Timestamp, f64)], window: &Window, step: i64) -> Vec<(Timestamp, f64)> {
    let step = step.max(1);
    let phase = points.first().map_or(window.baseline_start, |(time, _)| *time).as_second().rem_euclid(step);
    let known: BTreeMap<i64, f64> = points.iter().map(|(time, value)| (time.as_second(), *value)).collect();
    let first = window.baseline_start.as_second();
    let mut second = first + (phase - first).rem_euclid(step);
    let mut grid = Vec::new();
    while second <= window.end.as_second() {
        if let Ok(time) = Timestamp::from_second(second) {
            grid.push((time, known.get(&second).copied().unwrap_or(0.0)));
        }
        second += step;
    }
    grid
}

/// The lines of several queries, each once, oldest first.
fn distinct(found: Vec<Lines>) -> Vec<LogLine> {
    let mut seen = HashSet::new();
    let mut lines: Vec<LogLine> = found.into_iter().flat_map(|found| found.entries).collect();
    // By text and time alone: the same line can carry more labels in one answer than in another.
    lines.retain(|line| seen.insert((line.time, line.message.clone())));
    super::wire::sort(&mut lines);
    lines
}

fn oddities(found: &[&Lines]) -> Vec<String> {
    let (odd, cut) = found.iter().fold((0, 0), |(odd, cut), lines| (odd + lines.odd, cut + lines.cut));
    let mut notes = Vec::new();
    if cut > 0 {
        notes.push(format!("{cut} {} cut at {LONGEST_LINE} bytes", if cut == 1 { "line was" } else { "lines were" }));
    }
    if odd > 0 {
        notes.push(format!("{odd} {} could not be read", if odd == 1 { "entry" } else { "entries" }));
    }
    notes
}

fn told(notes: &[String]) -> Option<String> {
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 || word.ends_with('s') { word.to_owned() } else { format!("{word}s") }
}

/// A time as a report's reader compares it: UTC, to the second.
fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}

fn earlier(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
