//! Whether what the alert says holds: measured from its own expression, else from the metric that its words name.

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Alert;
use opensre_model::evidence::{Evidence, EvidenceData, Meaning, Series, Threshold};
use opensre_model::window::Window;

use super::series::{Rule, departure, step};
use super::statistics::median;
use super::{Findings, Sign, clock, number};
use crate::subject::{Relation, Subject};

/// What was measured of the alert's condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// The reading.
    pub state: ConditionState,
    /// Indices of the evidence that shows it.
    pub evidence: Vec<usize>,
    /// Whether the alert's own expression was measured (else a metric that its words name).
    pub own: bool,
    /// When it first held.
    pub since: Option<Timestamp>,
    /// Whether the value goes on as it did before, near the threshold: it holds and nothing has happened.
    pub usual: Option<String>,
    /// The reading as a sentence without a full stop.
    pub text: String,
}

/// Readings of a condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConditionState {
    /// Nothing measured it.
    #[default]
    Unmeasured,
    /// It holds at the window's end.
    Holds,
    /// It held and is over since then.
    Over(Timestamp),
    /// It was measured and never held.
    Never,
}

impl Condition {
    /// Whether it was measured and is fine at the window's end.
    pub fn is_fine(&self) -> bool {
        matches!(self.state, ConditionState::Over(_) | ConditionState::Never)
    }
}

/// Reads the condition from the evidence and from what the other signals found.
pub fn read(alert: &Alert, subject: &Subject, window: Window, evidence: &[Evidence], findings: &Findings) -> Condition {
    let own = evidence.iter().enumerate().filter_map(|(index, one)| match &one.data {
        EvidenceData::Metrics { meaning: Meaning::AlertCondition, threshold, series, .. } => {
            read_own(index, &one.origin.query, *threshold, series, alert, subject, window)
        }
        _ => None,
    });
    // Several expressions: any that holds makes the alert true.
    let measured = own
        .max_by_key(|condition| match condition.state {
            ConditionState::Holds => (3, None),
            ConditionState::Over(when) => (2, Some(when)),
            ConditionState::Never => (1, None),
            ConditionState::Unmeasured => (0, None),
        })
        .filter(|condition| condition.state != ConditionState::Unmeasured);
    let has_values = |condition: &Condition| {
        condition
            .evidence
            .iter()
            .any(|index| matches!(&evidence[*index].data, EvidenceData::Metrics { series, .. } if !series.is_empty()))
    };
    match (measured, by_rule(evidence, window)) {
        // Values that were seen say more than a rule's state; a rule that fires says more than no values.
        (Some(measured), Some(_)) if has_values(&measured) => measured,
        (_, Some(state)) => state,
        (Some(measured), None) => measured,
        (None, None) => read_by_words(subject, findings),
    }
}

/// The state of the alert's own rule, as the system that evaluates it has it at the window's end.
fn by_rule(evidence: &[Evidence], window: Window) -> Option<Condition> {
    let near = SignedDuration::from_mins(10);
    evidence.iter().enumerate().find_map(|(index, one)| {
        let EvidenceData::States { states } = &one.data else { return None };
        let rule = states.iter().find(|state| {
            super::states::is_own_rule(&state.kind) && state.observed_at.duration_since(window.end).abs() <= near
        })?;
        let (state, text) = if rule.healthy? {
            (ConditionState::Never, format!("the alert's rule \"{}\" does not fire", rule.name))
        } else {
            (ConditionState::Holds, format!("the alert's rule \"{}\" fires at the end of the window", rule.name))
        };
        Some(Condition { state, evidence: vec![index], own: true, since: None, usual: None, text })
    })
}

fn read_own(
    index: usize,
    query: &str,
    threshold: Option<Threshold>,
    series: &[Series],
    alert: &Alert,
    subject: &Subject,
    window: Window,
) -> Option<Condition> {
    let compares = compares(query);
    let filled: Vec<&Series> = series.iter().filter(|series| !series.points.is_empty()).collect();
    let condition = |state, since, text: String| {
        Some(Condition { state, evidence: vec![index], own: true, since, usual: None, text })
    };
    if filled.is_empty() {
        // An expression that compares answers nothing while it does not hold; any other says nothing by being empty.
        return if compares {
            condition(
                ConditionState::Never,
                None,
                "the alert's expression did not hold at any time in the window".to_owned(),
            )
        } else {
            None
        };
    }
    let relevant = of_the_alert(&filled, alert, subject);
    let mut worst: Option<Condition> = None;
    for one in relevant {
        let Some((state, since)) = state_of(one, threshold, compares, window) else { continue };
        let versus = threshold
            .map(|threshold| {
                format!(" ({} {})", if threshold.above { "above" } else { "below" }, number(threshold.value))
            })
            .unwrap_or_default();
        let last = one.points.last().map(|(_, value)| number(*value)).unwrap_or_default();
        let text = match state {
            ConditionState::Holds => format!(
                "the alert's condition{versus} holds at the end of the window, last value {last}{}",
                since.map(|since| format!(", since {}", clock(since))).unwrap_or_default()
            ),
            ConditionState::Over(when) => format!("the alert's condition{versus} is over since {}", clock(when)),
            ConditionState::Never => {
                format!("the alert's condition{versus} was measured and did not hold in the window, last value {last}")
            }
            ConditionState::Unmeasured => continue,
        };
        let rank = |state: ConditionState| match state {
            ConditionState::Holds => 3,
            ConditionState::Over(_) => 2,
            ConditionState::Never => 1,
            ConditionState::Unmeasured => 0,
        };
        if worst.as_ref().is_none_or(|known| rank(state) > rank(known.state)) {
            let usual = threshold.and_then(|threshold| goes_on_as_before(one, threshold, window));
            worst = Some(Condition { state, evidence: vec![index], own: true, since, usual, text });
        }
    }
    worst
}

/// The series that the alert is about: those that agree with its labels, else all.
fn of_the_alert<'a>(series: &[&'a Series], alert: &Alert, subject: &Subject) -> Vec<&'a Series> {
    let agree = |series: &Series| {
        alert.items.iter().map(|item| &item.labels).chain([&alert.labels]).any(|labels| {
            series.labels.iter().all(|(key, value)| labels.get(key).is_none_or(|known| known == value))
                && series.labels.keys().any(|key| labels.contains_key(key))
        })
    };
    let exact: Vec<&Series> = series.iter().copied().filter(|one| agree(one)).collect();
    if !exact.is_empty() {
        return exact;
    }
    let related: Vec<&Series> =
        series.iter().copied().filter(|one| subject.relation(&one.labels) != Relation::Other).collect();
    if related.is_empty() { series.to_vec() } else { related }
}

/// The state of one series, and since when the condition holds or held.
fn state_of(
    series: &Series,
    threshold: Option<Threshold>,
    compares: bool,
    window: Window,
) -> Option<(ConditionState, Option<Timestamp>)> {
    let points: Vec<(Timestamp, f64)> =
        series.points.iter().copied().filter(|(time, value)| value.is_finite() && *time <= window.end).collect();
    let last = points.last()?.0;
    let silence = (step(&points) * 4).max(SignedDuration::from_mins(3));
    let silent_at_end = window.end.duration_since(last) > silence;
    let incident = |time: Timestamp| time >= window.start;
    match threshold {
        Some(threshold) => {
            let bad = |value: f64| if threshold.above { value > threshold.value } else { value < threshold.value };
            // An expression that filters leaves only the values that hold (or 0 and 1 with `bool`).
            let filtered = compares && points.iter().all(|(_, value)| bad(*value));
            let first = points.iter().find(|(time, value)| incident(*time) && bad(*value)).map(|(time, _)| *time);
            if silent_at_end && !filtered {
                return None;
            }
            if filtered {
                return Some(if silent_at_end {
                    (first.map_or(ConditionState::Never, |_| ConditionState::Over(last)), first)
                } else {
                    (ConditionState::Holds, first)
                });
            }
            Some(settled(&points, first, bad))
        }
        None if compares => {
            // No number to compare with is known: being there is holding, unless the values are 0 and 1.
            let flags = points.iter().all(|(_, value)| is(*value, 0.0) || is(*value, 1.0));
            let varies = points.iter().any(|(_, value)| is(*value, 0.0));
            if flags && varies {
                let first =
                    points.iter().find(|(time, value)| incident(*time) && is(*value, 1.0)).map(|(time, _)| *time);
                return Some(settled(&points, first, |value| is(value, 1.0)));
            }
            let first = points.iter().find(|(time, _)| incident(*time)).map(|(time, _)| *time);
            Some(if silent_at_end {
                (first.map_or(ConditionState::Never, |_| ConditionState::Over(last)), first)
            } else {
                (ConditionState::Holds, first)
            })
        }
        None => {
            if silent_at_end {
                return None;
            }
            let found = [true, false]
                .into_iter()
                .filter_map(|rising| {
                    departure(&points, window, Rule { relative: 0.3, absolute: 0.0, rising, least: 3 })
                })
                .max_by(|a, b| a.effect.total_cmp(&b.effect));
            found.map(|found| (found.over.map_or(ConditionState::Holds, ConditionState::Over), Some(found.onset)))
        }
    }
}

/// How a value that is past its threshold goes on as it did before: it has not left its baseline, and the threshold is
/// near to what is usual.
fn goes_on_as_before(series: &Series, threshold: Threshold, window: Window) -> Option<String> {
    /// How far past the threshold, as a share of it, "near" goes.
    const NEAR: f64 = 0.25;
    let before = super::series::baseline(&series.points, window);
    let during: Vec<f64> =
        series.points.iter().filter(|(time, _)| *time >= window.onset).map(|(_, value)| *value).collect();
    let (usual, now) = (median(&before)?, median(&during)?);
    let rule = Rule { relative: 0.2, absolute: 0.0, rising: threshold.above, least: 3 };
    let steady = before.len() >= super::series::LEAST_BASELINE && departure(&series.points, window, rule).is_none();
    let near = |value: f64| (value - threshold.value).abs() <= NEAR * threshold.value.abs();
    (steady && near(usual) && near(now))
        .then(|| format!("its value goes on as before ({} before, {} now)", number(usual), number(now)))
}

/// Whether a condition over values holds at the end, judged by the last three.
fn settled(
    points: &[(Timestamp, f64)],
    first: Option<Timestamp>,
    bad: impl Fn(f64) -> bool,
) -> (ConditionState, Option<Timestamp>) {
    let tail = &points[points.len().saturating_sub(3)..];
    let still = tail.iter().filter(|(_, value)| bad(*value)).count();
    if 2 * still > tail.len() || (still > 0 && tail.last().is_some_and(|(_, value)| bad(*value))) {
        return (ConditionState::Holds, first);
    }
    match (first, points.iter().rposition(|(_, value)| bad(*value))) {
        (Some(_), Some(last_bad)) => {
            let over = points.get(last_bad + 1).map_or(points[last_bad].0, |(time, _)| *time);
            (ConditionState::Over(over), first)
        }
        _ => (ConditionState::Never, None),
    }
}

fn is(value: f64, wanted: f64) -> bool {
    (value - wanted).abs() < f64::EPSILON
}

/// Whether a query compares, outside of its label selectors and texts.
fn compares(query: &str) -> bool {
    let mut depth = 0;
    let mut quote: Option<char> = None;
    for c in query.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, '>' | '<') if depth == 0 => return true,
            (Some(_) | None, _) => {}
        }
    }
    query.contains("==") || query.contains("absent(")
}

/// Without the alert's own expression: the metrics that the words of the alert name.
fn read_by_words(subject: &Subject, findings: &Findings) -> Condition {
    const WORDS: &[(Meaning, &[&str])] = &[
        (
            Meaning::Errors,
            &[
                "error",
                "errors",
                "5xx",
                "failure",
                "failures",
                "failed",
                "failing",
                "exceptions",
                "4xx",
                "500s",
                "error-rate",
                "errorrate",
                "slo",
                "availability",
            ],
        ),
        (
            Meaning::Latency,
            &["latency", "slow", "p99", "p95", "p90", "duration", "response time", "timeout", "timeouts"],
        ),
        (Meaning::Memory, &["memory", "oom", "heap", "rss"]),
        (Meaning::Cpu, &["cpu", "load"]),
        (Meaning::Disk, &["disk", "filesystem", "volume", "inodes"]),
        (Meaning::Pool, &["connections", "pool", "queue", "backlog", "lag", "threads"]),
        (Meaning::Restarts, &["restart", "restarts", "restarting", "crashloop", "crashlooping", "crash"]),
        (Meaning::Availability, &["down", "unreachable", "unavailable", "absent", "target"]),
        (Meaning::Traffic, &["traffic", "requests", "throughput", "volume"]),
    ];
    let wanted: Vec<Meaning> = WORDS
        .iter()
        .filter(|(_, words)| words.iter().any(|word| subject.says(word)))
        .map(|(meaning, _)| *meaning)
        .collect();
    let of_meaning = |meaning: Meaning| wanted.contains(&meaning);
    let away: Vec<_> = findings
        .symptoms
        .iter()
        .filter(|symptom| matches!(symptom.sign, Sign::Metric { meaning, .. } if of_meaning(meaning)))
        .filter(|symptom| matches!(symptom.relation, Relation::Same | Relation::Unknown))
        .collect();
    let quiet: Vec<usize> =
        findings.quiet.iter().filter(|(_, meaning)| of_meaning(*meaning)).map(|(index, _)| *index).collect();
    let since = away.iter().filter_map(|symptom| symptom.onset).min();
    let evidence_of = |symptoms: &[&super::Symptom]| {
        let mut all: Vec<usize> = symptoms.iter().flat_map(|symptom| symptom.evidence.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let going_on: Vec<&super::Symptom> = away.iter().copied().filter(|symptom| symptom.goes_on()).collect();
    if let Some(clearest) = going_on.first() {
        let text = format!("what the alert speaks of goes on: {}", clearest.text);
        return Condition {
            state: ConditionState::Holds,
            evidence: evidence_of(&going_on),
            own: false,
            since,
            usual: None,
            text,
        };
    }
    if let Some(over) = away.iter().filter_map(|symptom| symptom.over).max() {
        let text = format!("what the alert speaks of is over since {}", clock(over));
        return Condition {
            state: ConditionState::Over(over),
            evidence: evidence_of(&away),
            own: false,
            since,
            usual: None,
            text,
        };
    }
    if quiet.is_empty() {
        return Condition::default();
    }
    let text = "what the alert speaks of was measured and is as it was before".to_owned();
    Condition { state: ConditionState::Never, evidence: quiet, own: false, since: None, usual: None, text }
}
