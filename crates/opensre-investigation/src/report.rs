//! Assembling the report: every choice, every piece of evidence and every gap, as data.

use std::collections::BTreeSet;
use std::time::Duration;

use opensre_model::alert::Alert;
use opensre_model::evidence::{Evidence, EvidenceData, Gap, Series};
use opensre_model::report::{
    AlertSummary, EvidenceSummary, GroupMember, GroupSummary, InstanceChoice, MemberState, Report, SCHEMA, Timings,
};
use opensre_model::routing::{GroupUse, Rejected, Route};
use opensre_model::window::Window;

use crate::gather::Gathered;
use crate::hypotheses::Diagnosis;
use crate::signals::logs::quote;
use crate::signals::statistics::{mad, median};
use crate::signals::templates::{self, Level};
use crate::signals::{clock, number, signatures};

/// Most values of a sparkline.
const SPARKS: usize = 60;
/// Most lines of an excerpt.
const EXCERPTS: usize = 5;

/// What a report is made of. All texts are free of secrets.
pub struct Parts<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// The window.
    pub window: Window,
    /// The chosen instances.
    pub routes: &'a [Route<'a>],
    /// What was gathered.
    pub gathered: &'a Gathered,
    /// The plan's gaps and the gathering's.
    pub gaps: Vec<Gap>,
    /// What was made of it.
    pub diagnosis: Diagnosis,
    /// What a person must know.
    pub warnings: Vec<String>,
    /// How long everything took.
    pub total: Duration,
}

/// Puts a report together.
pub fn assemble(parts: Parts<'_>) -> Report {
    let Parts { alert, window, routes, gathered, gaps, diagnosis, mut warnings, total } = parts;
    let used = used(&diagnosis);
    for route in routes {
        warnings.extend(route.warnings.iter().map(|warning| format!("{}: {warning}", route.service)));
    }
    warnings.extend(alert.oddities.iter().map(|oddity| format!("alert: {oddity}")));
    warnings.extend(diagnosis.notes.iter().cloned());
    let mut said = BTreeSet::new();
    warnings.retain(|warning| said.insert(warning.clone()));
    Report {
        schema: SCHEMA.to_owned(),
        alert: AlertSummary {
            title: alert.title.clone(),
            format: alert.format,
            state: alert.state,
            severity: alert.severity.clone(),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            labels: alert.labels.clone(),
        },
        window,
        instances: routes.iter().flat_map(|route| choices(route, gathered)).collect(),
        groups: routes.iter().flat_map(|route| groups(route, gathered, &gaps)).collect(),
        verdict: diagnosis.verdict,
        claims: diagnosis.claims,
        hypotheses: diagnosis.hypotheses,
        causal_chain: diagnosis.causal_chain,
        evidence: gathered.evidence.iter().enumerate().map(|(index, one)| summary(index, one, &used)).collect(),
        gaps,
        next_steps: diagnosis.next_steps,
        warnings,
        timings: Timings {
            total_ms: millis(total),
            gather_ms: millis(gathered.took),
            calls: gathered.calls,
            deadline_passed: gathered.deadline_passed,
            instances: gathered.instances.iter().map(|(address, (took, _))| (address.clone(), millis(*took))).collect(),
        },
    }
}

fn choices(route: &Route<'_>, gathered: &Gathered) -> Vec<InstanceChoice> {
    let none = InstanceChoice {
        service: route.service.clone(),
        instance: None,
        integration_id: None,
        source: None,
        tags: std::collections::BTreeMap::new(),
        step: route.step,
        reason: route.reason.clone(),
        path: route.path.clone(),
        rules: route.rules.clone(),
        policies: route.policies.clone(),
        rejected: route.rejected.clone(),
        warnings: route.warnings.clone(),
        queries: 0,
    };
    if route.chosen.is_empty() {
        return vec![none];
    }
    route
        .chosen
        .iter()
        .map(|instance| InstanceChoice {
            instance: Some(instance.name.as_str().to_owned()),
            integration_id: Some(instance.integration_id.clone()),
            source: Some(instance.source.to_string()),
            tags: instance.tags.iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            queries: gathered.instances.get(&instance.address()).map_or(0, |(_, queries)| *queries),
            ..none.clone()
        })
        .collect()
}

/// The groups that a route names, with what became of each member.
fn groups(route: &Route<'_>, gathered: &Gathered, gaps: &[Gap]) -> Vec<GroupSummary> {
    let member = |name: &String| {
        let address = format!("{}/{name}", route.service);
        let asked = gathered.instances.get(&address).map_or(0, |(_, queries)| *queries);
        let answered = gathered.answered.get(&address).copied().unwrap_or_default();
        let is_own = |gap: &&Gap| gap.service == route.service && gap.instance.as_ref() == Some(name);
        let failure = gaps.iter().filter(is_own).find(|gap| gap.kind.is_failure());
        let evidence = |one: &Evidence| one.origin.service == route.service && one.origin.instance == *name;
        let state = match failure {
            None if asked == 0 => MemberState::NotAsked,
            None => MemberState::Answered,
            Some(_) if answered > 0 || gathered.evidence.iter().any(evidence) => MemberState::AnsweredInPart,
            Some(_) => MemberState::Failed,
        };
        GroupMember { instance: name.clone(), state, reason: failure.map(|gap| gap.reason.clone()) }
    };
    let left_out = |rejected: &Rejected| GroupMember {
        instance: rejected.instance.clone(),
        state: MemberState::LeftOut,
        reason: Some(rejected.why.clone()),
    };
    let summary = |named: &GroupUse| GroupSummary {
        group: named.group.clone(),
        service: route.service.clone(),
        members: named.members.iter().map(member).chain(named.left_out.iter().map(left_out)).collect(),
    };
    route.groups.iter().map(summary).collect()
}

/// Ids that claims, hypotheses and the causal chain rest on.
fn used(diagnosis: &Diagnosis) -> BTreeSet<String> {
    let claims = diagnosis.claims.iter().flat_map(|claim| &claim.evidence);
    let hypotheses = diagnosis
        .hypotheses
        .iter()
        .flat_map(|hypothesis| hypothesis.supporting.iter().chain(&hypothesis.against))
        .flat_map(|claim| &claim.evidence);
    let chain = diagnosis.causal_chain.iter().flat_map(|step| &step.evidence);
    claims.chain(hypotheses).chain(chain).cloned().collect()
}

fn summary(index: usize, one: &Evidence, used: &BTreeSet<String>) -> EvidenceSummary {
    let id = format!("E{}", index + 1);
    EvidenceSummary {
        used: used.contains(&id),
        id,
        service: one.origin.service.clone(),
        instance: one.origin.instance.clone(),
        datasource: one.origin.datasource.clone(),
        kind: one.data.kind().to_owned(),
        query: one.origin.query.clone(),
        window: one.origin.window,
        summary: one.summary.clone(),
        link: one.origin.link.clone(),
        truncated: one.truncated.clone(),
        sparkline: sparkline(&one.data, one.origin.window),
        excerpt: excerpt(&one.data, one.origin.window),
    }
}

/// The most telling series, thinned: of each stretch the value that is farthest from the median, so that no spike is
/// lost.
fn sparkline(data: &EvidenceData, window: Window) -> Vec<f64> {
    let EvidenceData::Metrics { series, .. } = data else { return Vec::new() };
    let Some(series) = series
        .iter()
        .filter(|series| !series.points.is_empty())
        .max_by(|a, b| telling(a, window).total_cmp(&telling(b, window)).then_with(|| b.labels.cmp(&a.labels)))
    else {
        return Vec::new();
    };
    let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
    let Some(center) = median(&values) else { return Vec::new() };
    if values.len() <= SPARKS {
        return values;
    }
    (0..SPARKS)
        .filter_map(|spark| {
            let from = spark * values.len() / SPARKS;
            let to = (spark + 1) * values.len() / SPARKS;
            values[from..to].iter().copied().max_by(|a, b| (a - center).abs().total_cmp(&(b - center).abs()))
        })
        .collect()
}

/// How far a series went from its baseline during the incident, in its own spreads.
fn telling(series: &Series, window: Window) -> f64 {
    let before = crate::signals::series::baseline(&series.points, window);
    let during: Vec<f64> =
        series.points.iter().filter(|(time, _)| *time >= window.start).map(|(_, value)| *value).collect();
    match (median(&before), mad(&before), median(&during)) {
        (Some(usual), Some(spread), Some(now)) => (now - usual).abs() / (spread + 0.01 * usual.abs() + 1e-9),
        _ => 0.0,
    }
}

fn excerpt(data: &EvidenceData, window: Window) -> Vec<String> {
    match data {
        EvidenceData::Metrics { .. } => Vec::new(),
        EvidenceData::Logs { lines } => {
            let mut seen = BTreeSet::new();
            let mut ranked: Vec<_> = lines
                .iter()
                .filter(|line| line.time >= window.start)
                .chain(lines.iter().filter(|line| line.time < window.start))
                .map(|line| (line, templates::read(line)))
                .filter(|(_, reading)| !reading.continuation && seen.insert(reading.template.clone()))
                .map(|(line, reading)| {
                    let known = signatures::find(&reading.text).map_or(0.0, |found| found.signature.weight);
                    let level = match reading.level {
                        Level::Error => 0.5,
                        Level::Warning => 0.3,
                        Level::Unsaid => 0.1,
                        Level::Fine => 0.0,
                    };
                    (known + level, line)
                })
                .collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            ranked.truncate(EXCERPTS);
            ranked.sort_by_key(|(_, line)| line.time);
            ranked.iter().map(|(_, line)| format!("{} {}", clock(line.time), quote(&line.message))).collect()
        }
        EvidenceData::Events { events } => {
            // Those nearest to the onset.
            let mut near: Vec<_> = events.iter().collect();
            near.sort_by_key(|event| (event.time.duration_since(window.onset).abs(), event.time));
            near.truncate(EXCERPTS);
            near.sort_by_key(|event| event.time);
            near.iter().map(|event| format!("{} {}", clock(event.time), quote(&event.title))).collect()
        }
        EvidenceData::Spans { spans } => {
            let mut ranked: Vec<_> = spans.iter().collect();
            ranked.sort_by(|a, b| {
                b.error
                    .cmp(&a.error)
                    .then_with(|| b.duration_ms.total_cmp(&a.duration_ms))
                    .then_with(|| (a.start, &a.span_id).cmp(&(b.start, &b.span_id)))
            });
            ranked
                .iter()
                .take(EXCERPTS)
                .map(|span| {
                    let failed = if span.error { " failed" } else { "" };
                    let message =
                        if span.message.is_empty() { String::new() } else { format!(": {}", quote(&span.message)) };
                    format!(
                        "{} {} {} {} ms{failed}{message}",
                        clock(span.start),
                        span.service,
                        span.name,
                        number(span.duration_ms)
                    )
                })
                .collect()
        }
        EvidenceData::States { states } => {
            let mut ranked: Vec<_> = states.iter().collect();
            ranked.sort_by_key(|state| (state.healthy.unwrap_or(true), state.kind.clone(), state.name.clone()));
            ranked
                .iter()
                .take(EXCERPTS)
                .map(|state| {
                    let how = match state.healthy {
                        Some(true) => "healthy",
                        Some(false) => "not healthy",
                        None => "seen",
                    };
                    let words: Vec<String> =
                        state.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    quote(&format!("{} {}: {how} {}", state.kind, state.name, words.join(" ")))
                })
                .collect()
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
