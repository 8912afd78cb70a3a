//! What a Loki has to say about an alert: its lines of warnings and errors, a sample of all its lines, and how many
//! there were of each over time.
//!
//! Incident and baseline are asked in the same way, so that what is new or more frequent can be told from what is
//! always there. One round trip finds the labels, one more the lines; everything within a round goes at once.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::{OptionFuture, join, join_all};
use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Evidence, EvidenceData, GapKind, LogLine, Meaning, Series, Threshold};
use opensre_model::window::Window;

use super::api::{self, Cut};
use super::level;
use super::logql::{Selector, count};
use super::selection::{self, Sought};
use super::wire::{Answered, LONGEST_LINE, Lines};
use crate::backend::{Backend, LinkTarget};
use crate::driver::Answer;
use crate::failure::Failure;

/// Most lines of warnings and errors of the incident, and of the baseline.
const TROUBLE_LINES: usize = 500;

/// Most lines of the sample of the incident, and of the baseline.
const SAMPLE_LINES: usize = 200;

/// Most labels whose values are asked for in the second round.
const SECOND_ROUND: usize = 8;

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
        Ok(Answered::Lines(found)) => {
            let cut = (found.entries.len() >= QUERY_LINES)
                .then(|| format!("only the newest {QUERY_LINES} lines were asked for; there are more"));
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

/// Which streams are looked at, and how.
struct Plan {
    selector: Selector,
    /// What the alert names and this Loki does not have.
    dropped: Vec<String>,
    /// Labels that may hold a level here.
    levels: Vec<&'static str>,
    /// Labels whose values could not be read.
    unread: Vec<Failure>,
}

async fn plan(backend: &Backend, operation: &str, labels: &Labels, window: &Window) -> Result<Plan, Failure> {
    let sought = selection::sought(labels);
    if !selection::names_something(&sought) {
        return Err(Failure::new(
            GapKind::NotRelevant,
            "nothing in the alert names a service, pod, host or namespace whose logs could be read",
        )
        .with_hint("add a label such as `service` to the alert"));
    }
    let Discovered { names, values, unread } = discover(backend, operation, &sought, window).await?;
    let selection = selection::select(&sought, &values);
    let Some(selector) = selection.selector else {
        // When values are missing, that nothing fits is not known.
        if let Some(failure) = unread.into_iter().next() {
            return Err(failure);
        }
        return Err(Failure::new(
            GapKind::NotRelevant,
            format!("no stream in the window is labelled with what the alert names ({})", selection.dropped.join(", ")),
        )
        .with_hint(format!("its labels are {}; write the query yourself", listed(&names, 12))));
    };
    let known = |label: &&&'static str| names.iter().any(|name| name == **label);
    let mut levels: Vec<&'static str> = level::LABELS.iter().filter(known).copied().collect();
    // Loki 3 adds `service_name` to streams and `detected_level` to lines; only the first is among the names.
    if names.iter().any(|name| name == "service_name") && !levels.contains(&"detected_level") {
        levels.push("detected_level");
    }
    Ok(Plan { selector, dropped: selection.dropped, levels, unread })
}

struct Discovered {
    names: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
    unread: Vec<Failure>,
}

/// Asks for the names of labels and, at once, for the values of those that are most likely there; when that does not
/// find all that is sought, for the values of others that are there.
async fn discover(
    backend: &Backend,
    operation: &str,
    sought: &[Sought],
    window: &Window,
) -> Result<Discovered, Failure> {
    let guesses = selection::first_guess(sought);
    let (names, first) = join(api::label_names(&backend.client, window), values(backend, &guesses, window)).await;
    let names = names?;
    let (mut values_of, mut unread) = first;
    let rest: Vec<&'static str> = selection::candidates(sought, &names, &guesses);
    if !rest.is_empty() && !selection::select(sought, &values_of).dropped.is_empty() {
        let (more, failed) = values(backend, &rest[..rest.len().min(SECOND_ROUND)], window).await;
        values_of.extend(more);
        unread.extend(failed);
    }
    tracing::debug!(operation, labels = names.len(), asked = values_of.len(), "label names and values are known");
    Ok(Discovered { names, values: values_of, unread })
}

async fn values(
    backend: &Backend,
    labels: &[&'static str],
    window: &Window,
) -> (BTreeMap<String, Vec<String>>, Vec<Failure>) {
    let asked =
        labels.iter().map(|label| async move { (*label, api::label_values(&backend.client, label, window).await) });
    let (mut known, mut unread) = (BTreeMap::new(), Vec::new());
    for (label, answered) in join_all(asked).await {
        match answered {
            Ok(values) => {
                known.insert(label.to_owned(), values);
            }
            Err(failure) => unread.push(failure),
        }
    }
    (known, unread)
}

async fn gather(backend: &Backend, operation: &str, plan: Plan, window: Window) -> Answer {
    let client = &backend.client;
    let by_words = plan.selector.lines_matching(level::TROUBLE_WORDS);
    let by_level =
        (!plan.levels.is_empty()).then(|| plan.selector.labels_matching(&plan.levels, level::TROUBLE_LEVELS));
    let everything = plan.selector.to_string();
    let incident =
        Cut { from: window.start, to: window.end, limit: TROUBLE_LINES, oldest_first: true, every_seconds: None };
    // Of the baseline what is nearest to the incident.
    let baseline = Cut { from: window.baseline_start, to: window.start, oldest_first: false, ..incident };
    let thinned = |cut: Cut| Cut {
        limit: SAMPLE_LINES,
        oldest_first: true,
        every_seconds: Some((cut.to.duration_since(cut.from).as_secs_f64() / SAMPLE_LINES as f64).max(0.001)),
        ..cut
    };
    let around_onset = thinned(Cut {
        from: earlier(window.onset, SignedDuration::from_mins(5)).max(window.start),
        to: later(window.onset, SignedDuration::from_mins(10)).min(window.end),
        ..incident
    });
    let step = api::step_seconds(&window);
    let (trouble_count, all_count) = (count(&by_words, step), count(&everything, step));

    let words = join(api::lines(client, &by_words, incident).boxed(), api::lines(client, &by_words, baseline).boxed());
    let levels =
        OptionFuture::from(by_level.as_ref().map(|query| {
            join(api::lines(client, query, incident).boxed(), api::lines(client, query, baseline).boxed())
        }));
    let sample = join(
        api::lines(client, &everything, around_onset).boxed(),
        api::lines(client, &everything, thinned(baseline)).boxed(),
    );
    let counts = join(
        api::whole_window(client, &trouble_count, &window, 1).boxed(),
        api::whole_window(client, &all_count, &window, 1).boxed(),
    );
    let ((words, levels), (sample, counts)) = join(join(words, levels), join(sample, counts)).await;

    let mut answer = Answer::default();
    answer.gaps.extend(plan.unread.iter().cloned().map(|failure| backend.gap(operation, failure)));
    let scope = Scope { backend, operation, window, dropped: &plan.dropped };
    let queries: Vec<&str> = [Some(by_words.as_str()), by_level.as_deref()].into_iter().flatten().collect();
    let mut asked = vec![words];
    asked.extend(levels);
    scope.lines("of warnings and errors", &queries, asked, TROUBLE_LINES, &mut answer);
    scope.lines("of a sample of all lines", &[&everything], vec![sample], SAMPLE_LINES, &mut answer);
    scope.counted("lines of warnings and errors", &trouble_count, Meaning::Errors, step, counts.0, &mut answer);
    scope.counted("lines", &all_count, Meaning::Other, step, counts.1, &mut answer);
    answer
}

/// What all evidence of one gathering has in common.
struct Scope<'a> {
    backend: &'a Backend,
    operation: &'a str,
    window: Window,
    dropped: &'a [String],
}

type Asked = (Result<Lines, Failure>, Result<Lines, Failure>);

impl Scope<'_> {
    /// Evidence of lines that were asked for by one or more queries, each over incident and baseline. Without the
    /// incident there is none: lines of the baseline alone would look as if nothing had happened.
    fn lines(&self, what: &str, queries: &[&str], asked: Vec<Asked>, limit: usize, answer: &mut Answer) {
        let mut notes = Vec::new();
        let (mut incident, mut baseline): (Vec<Lines>, Vec<Lines>) = (Vec::new(), Vec::new());
        for (of_incident, of_baseline) in asked {
            match of_incident {
                Ok(found) => {
                    if found.entries.len() >= limit
                        && let Some(last) = found.entries.last()
                    {
                        notes.push(format!(
                            "of the incident only the first {limit} {what} are kept, up to {}",
                            clock(last.time)
                        ));
                    }
                    incident.push(found);
                }
                Err(failure) => answer.gaps.push(self.backend.gap(self.operation, failure)),
            }
            match of_baseline {
                Ok(found) => {
                    if found.entries.len() >= limit
                        && let Some(first) = found.entries.first()
                    {
                        notes.push(format!("of the baseline only {limit} {what} are kept, from {}", clock(first.time)));
                    }
                    baseline.push(found);
                }
                Err(failure) => {
                    notes.push("the baseline, or a part of it, could not be read".to_owned());
                    answer.gaps.push(self.backend.gap(self.operation, failure));
                }
            }
        }
        if incident.is_empty() {
            return;
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
        let mut evidence = self.backend.evidence(self.operation, queries.join("\n"), self.window, summary, data);
        // A link opens one query.
        evidence.origin.link =
            queries.first().and_then(|query| (self.backend.links)(LinkTarget::Query(query), &self.window));
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

fn listed(names: &[String], most: usize) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count <= most => names.join(", "),
        count => format!("{} and {} more", names[..most].join(", "), count - most),
    }
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
