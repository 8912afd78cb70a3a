//! Log lines: which log groups belong to what the alert names, what they say, and how often.
//!
//! "DescribeLogGroups", "FilterLogEvents", "StartQuery", "GetQueryResults" (CloudWatch Logs API Reference); "CloudWatch
//! Logs Insights language query syntax".

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::{join_all, join3};
use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, LogLine, Meaning, Series};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::super::caller::{LOGS, Region};
use super::super::resources::Resources;
use super::{Found, LOG_GROUPS, Piece, STATEMENT, Target, count, joined};
use crate::failure::Failure;
use crate::loki::level;

/// Most log groups that are read.
const MOST_GROUPS: usize = 4;
/// Most lines of one group since shortly before the onset, before that in the incident part, and in the baseline. CloudWatch
/// gives the first lines of what is asked for: asked for as a whole, a noisy hour would hide the onset.
const MOST_LINES: [usize; 3] = [350, 100, 150];
/// How long before the onset its lines begin.
const BEFORE_ONSET: SignedDuration = SignedDuration::from_mins(3);
/// Most pages of one group; CloudWatch also answers with empty pages while it searches.
const MOST_PAGES: usize = 6;
/// Most bytes of a line that are kept.
const LINE_BYTES: usize = 8 * 1024;
/// Between two looks at a query that runs.
const POLL: Duration = Duration::from_millis(700);
/// Most rows of an Insights query.
const MOST_ROWS: usize = 1000;

/// Lines worth reading: any of these terms ("Filter pattern syntax": `?` means or; terms are case-sensitive).
const TROUBLE: &str = "?ERROR ?Error ?error ?WARN ?Warn ?warn ?FATAL ?Fatal ?fatal ?Exception ?exception ?Traceback \
                       ?panic ?Failed ?failed ?refused ?denied ?Timeout ?timeout ?\"timed out\" ?OutOfMemory ?killed";

/// The same for Insights, which reads regular expressions.
const TROUBLE_INSIGHTS: &str =
    "/(?i)(error|fatal|exception|traceback|panic|failed|refused|denied|timeout|timed out|outofmemory|killed)/";

pub(super) fn names_something(resources: &Resources) -> bool {
    !(resources.log_groups.is_empty()
        && resources.functions.is_empty()
        && resources.databases.is_empty()
        && resources.clusters.is_empty()
        && resources.services.is_empty())
}

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let groups = groups(region, &target.resources, &mut found).await;
    let near = window.onset.checked_sub(BEFORE_ONSET).unwrap_or(window.onset).max(window.start);
    let read = join_all(groups.iter().map(|group| async move {
        let parts = join3(
            lines(region, group, near, window.end, MOST_LINES[0]),
            lines(region, group, window.start, near, MOST_LINES[1]),
            lines(region, group, window.baseline_start, window.start, MOST_LINES[2]),
        );
        (group, parts.await)
    }))
    .await;
    for (group, (onset, lead, before)) in read {
        let onset = match onset {
            Ok(onset) => onset,
            // The lines before alone would look like quiet.
            Err(failure) => {
                found.fail(failure);
                continue;
            }
        };
        let mut rest = |part: Result<Part, Failure>, what: &str| {
            part.unwrap_or_else(|failure| {
                found.fail(failure.about(what));
                Part::default()
            })
        };
        let (lead, before) = (rest(lead, "the time before the onset"), rest(before, "the baseline"));
        found.add(piece(group, onset, lead, before, window));
    }
    found
}

/// The lines of a part of the window, and whether there are more.
#[derive(Default)]
struct Part {
    lines: Vec<LogLine>,
    cut: bool,
}

impl Part {
    /// The time of the last line, where lines after it are missing.
    fn cut_after(&self) -> Option<Timestamp> {
        self.lines.last().filter(|_| self.cut).map(|line| line.time)
    }
}

fn piece(group: &str, onset: Part, lead: Part, before: Part, window: Window) -> Piece {
    let clock = |time: Timestamp| time.strftime("%H:%M:%SZ").to_string();
    let mut notes: Vec<String> = [onset.cut_after(), lead.cut_after()]
        .into_iter()
        .flatten()
        .map(|time| format!("too many lines: after {} some are missing", clock(time)))
        .collect();
    notes.extend(before.cut_after().map(|time| format!("of the baseline only lines until {} are kept", clock(time))));
    let incident = onset.lines.len() + lead.lines.len();
    let summary = format!(
        "{} of warnings and errors in {group}, {} in the baseline",
        count(incident, "line"),
        before.lines.len()
    );
    let mut lines = [before.lines, lead.lines, onset.lines].concat();
    lines.sort_by(|one, other| (one.time, &one.message).cmp(&(other.time, &other.message)));
    Piece::new(format!("FilterLogEvents {group} {TROUBLE}"), summary, EvidenceData::Logs { lines })
        .cut((!notes.is_empty()).then(|| notes.join("; ")))
        .at(page(group, window))
}

/// The console's page of a log group; it wants its fragment encoded twice, with `$` for `%`.
fn page(group: &str, window: Window) -> String {
    let twice = |text: &str| text.replace('$', "$2524").replace('/', "$252F").replace('#', "$2523");
    format!(
        "cloudwatch/home#logsV2:log-groups/log-group/{}/log-events$3Fstart$3D{}$26end$3D{}",
        twice(group),
        window.start.as_millisecond(),
        window.end.as_millisecond()
    )
}

/// The log groups of what the alert names: by the conventions of the services, else by their names.
async fn groups(region: &Region, resources: &Resources, found: &mut Found) -> Vec<String> {
    let mut groups: Vec<String> = resources.log_groups.iter().cloned().collect();
    let prefixes = resources
        .functions
        .iter()
        .map(|name| format!("/aws/lambda/{name}"))
        .chain(resources.databases.iter().map(|name| format!("/aws/rds/instance/{name}/")))
        .chain(resources.clusters.iter().map(|name| format!("/aws/containerinsights/{name}/application")))
        .map(|prefix| json!({"logGroupNamePrefix": prefix, "limit": 10}));
    let named = resources.services.iter().map(|name| json!({"logGroupNamePattern": name, "limit": 20}));
    let mut sought: Vec<Json> = prefixes.collect();
    if groups.is_empty() && resources.functions.is_empty() && resources.databases.is_empty() {
        sought.extend(named);
    }
    let answers = join_all(sought.iter().map(|body| region.json(&LOGS, "DescribeLogGroups", body))).await;
    let mut more = false;
    for answer in answers {
        match answer {
            Ok(answer) => {
                let list = answer.get("logGroups").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                groups.extend(list.iter().filter_map(|one| one.get("logGroupName")?.as_str()).map(str::to_owned));
                more |= answer.get("nextToken").is_some_and(Json::is_string);
            }
            Err(refusal) => {
                let failure = Failure::from(refusal);
                if !found.failures.contains(&failure) {
                    found.fail(failure);
                }
            }
        }
    }
    let mut seen = BTreeSet::new();
    groups.retain(|group| seen.insert(group.clone()));
    if groups.is_empty() && found.failures.is_empty() {
        let names = joined(resources.services.iter().chain(&resources.functions).chain(&resources.databases));
        let reason = format!("no log group is called after what the alert names ({names})");
        found.fail(Failure::new(GapKind::NotRelevant, reason).with_hint("label alerts with log_group"));
    }
    if more {
        let reason = "more log groups are called after what the alert names than were looked at";
        found.fail(Failure::new(GapKind::NotRelevant, reason).with_hint("label alerts with log_group"));
    }
    if groups.len() > MOST_GROUPS {
        let left_out = groups.split_off(MOST_GROUPS);
        found.fail(Failure::new(GapKind::NotRelevant, format!("log groups that are not read: {}", joined(&left_out))));
    }
    groups
}

/// The first lines of trouble in a group between two times, oldest first.
async fn lines(region: &Region, group: &str, start: Timestamp, end: Timestamp, most: usize) -> Result<Part, Failure> {
    let mut lines: Vec<LogLine> = Vec::new();
    if start >= end {
        return Ok(Part::default());
    }
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut body = json!({
            "logGroupName": group,
            "startTime": start.as_millisecond(),
            "endTime": end.as_millisecond() - 1,
            "filterPattern": TROUBLE,
            "limit": most - lines.len(),
        });
        if let Some(token) = &token {
            body["nextToken"] = json!(token);
        }
        let answer = region.json(&LOGS, "FilterLogEvents", &body).await?;
        let events = answer.get("events").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        lines.extend(events.iter().filter_map(|event| line(group, event)));
        token = answer.get("nextToken").and_then(Json::as_str).map(str::to_owned);
        if token.is_none() || lines.len() >= most {
            break;
        }
    }
    let cut = token.is_some() || lines.len() > most;
    lines.truncate(most);
    Ok(Part { lines, cut })
}

fn line(group: &str, event: &Json) -> Option<LogLine> {
    let time = Timestamp::from_millisecond(event.get("timestamp")?.as_i64()?).ok()?;
    let written = event.get("message")?.as_str()?.trim_end();
    let mut labels = labels(group);
    if let Some(stream) = event.get("logStreamName").and_then(Json::as_str) {
        labels.insert("log_stream".to_owned(), stream.to_owned());
    }
    let message = unwrapped(written, &mut labels);
    let message = level::head(&message, LINE_BYTES).to_owned();
    let level = level::detect(&labels, &message).map(str::to_owned);
    Some(LogLine { time, level, message, labels })
}

/// What a log group's name says of whose lines it holds.
fn labels(group: &str) -> Labels {
    let mut labels = Labels::from([("log_group".to_owned(), group.to_owned())]);
    if let Some(function) = group.strip_prefix("/aws/lambda/") {
        labels.insert("FunctionName".to_owned(), function.to_owned());
    } else if let Some(name) = group.strip_prefix("/aws/rds/instance/").and_then(|rest| rest.split('/').next()) {
        labels.insert("DBInstanceIdentifier".to_owned(), name.to_owned());
    } else if let Some(name) = group.strip_prefix("/ecs/") {
        labels.insert("service".to_owned(), name.to_owned());
    }
    labels
}

/// The application's own line inside the JSON that Fluent Bit makes for Container Insights, with where it ran.
fn unwrapped(written: &str, labels: &mut Labels) -> String {
    let Some(json) = written.starts_with('{').then(|| serde_json::from_str::<Json>(written).ok()).flatten() else {
        return written.to_owned();
    };
    let Some(log) = json.get("log").and_then(Json::as_str) else { return written.to_owned() };
    for (key, label) in [("namespace_name", "namespace"), ("pod_name", "pod"), ("container_name", "container")] {
        if let Some(value) = json.pointer(&format!("/kubernetes/{key}")).and_then(Json::as_str) {
            labels.insert(label.to_owned(), value.to_owned());
        }
    }
    log.trim_end().to_owned()
}

/// How many lines of errors there are by the minute.
pub(super) async fn by_minute(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let groups = groups(region, &target.resources, &mut found).await;
    if groups.is_empty() {
        return found;
    }
    let minutes = (window.length().as_mins() / 120).max(1);
    let statement =
        format!("filter @message like {TROUBLE_INSIGHTS} | stats count(*) as lines by bin({minutes}m) as time");
    match run(region, &groups, &statement, window).await {
        Ok(rows) => {
            let mut points: Vec<(Timestamp, f64)> = rows
                .iter()
                .filter_map(|row| Some((time(field(row, "time")?)?, field(row, "lines")?.parse().ok()?)))
                .collect();
            points.sort_by_key(|(time, _)| *time);
            let points = filled(&points, minutes * 60, window);
            let total: f64 = points.iter().filter(|(time, _)| *time >= window.start).map(|(_, value)| value).sum();
            let before: f64 = points.iter().filter(|(time, _)| *time < window.start).map(|(_, value)| value).sum();
            let mut labels = labels(groups.first().map_or("", String::as_str));
            labels.insert("log_group".to_owned(), joined(&groups));
            labels.extend(target.resources.services.first().map(|name| ("service".to_owned(), name.clone())));
            let data = EvidenceData::Metrics {
                meaning: Meaning::Errors,
                unit: None,
                threshold: None,
                series: vec![Series { labels, points }],
            };
            let summary = format!("{total} lines of errors in {}, {before} in the baseline", joined(&groups));
            found.add(Piece::new(format!("StartQuery {statement}"), summary, data));
        }
        Err(failure) => found.fail(failure),
    }
    found
}

/// Steps without a row had no line.
fn filled(points: &[(Timestamp, f64)], step: i64, window: Window) -> Vec<(Timestamp, f64)> {
    let first = window.baseline_start.as_second().div_euclid(step) * step;
    let count = (window.end.as_second() - first) / step;
    let known = |second: i64| points.iter().find(|(time, _)| time.as_second().div_euclid(step) * step == second);
    (0..count.clamp(0, 2000))
        .filter_map(|at| {
            let second = first + at * step;
            Some((Timestamp::from_second(second).ok()?, known(second).map_or(0.0, |(_, value)| *value)))
        })
        .collect()
}

/// What a person's own query finds. Its text is sent as it is: Insights queries can only read.
pub(super) async fn statement(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let groups: Vec<String> = target.input.list(LOG_GROUPS.key).into_iter().take(20).collect();
    let Some(statement) = target.input.text(STATEMENT.key).filter(|_| !groups.is_empty()) else {
        found.fail(Failure::missing("query or log_groups"));
        return found;
    };
    match run(region, &groups, statement, window).await {
        Ok(rows) => {
            let lines: Vec<LogLine> = rows.iter().take(MOST_ROWS).map(|row| row_line(row, window)).collect();
            let full = lines.len() >= MOST_ROWS;
            let summary = format!("{} from {}", count(lines.len(), "row"), joined(&groups));
            let data = EvidenceData::Logs { lines };
            found.add(
                Piece::new(format!("StartQuery {statement}"), summary, data)
                    .cut(full.then(|| format!("the first {MOST_ROWS} rows"))),
            );
        }
        Err(failure) => found.fail(failure),
    }
    found
}

/// Starts a query and waits for its end; it is not left running when the time is over.
async fn run(region: &Region, groups: &[String], statement: &str, window: Window) -> Result<Vec<Json>, Failure> {
    let body = json!({
        "logGroupNames": groups,
        "startTime": window.baseline_start.as_second(),
        "endTime": window.end.as_second(),
        "queryString": statement,
        "limit": MOST_ROWS,
    });
    let started = region.json(&LOGS, "StartQuery", &body).await?;
    let Some(id) = started.get("queryId").and_then(Json::as_str) else {
        return Err(Failure::nonsense("answered StartQuery without the query's id"));
    };
    let body = json!({ "queryId": id });
    loop {
        tokio::time::sleep(POLL).await;
        let answer = region.json(&LOGS, "GetQueryResults", &body).await?;
        let status = answer.get("status").and_then(Json::as_str).unwrap_or_default();
        match status {
            "Complete" => {
                let rows = answer.get("results").and_then(Json::as_array).cloned();
                return rows.ok_or_else(|| Failure::nonsense("answered GetQueryResults without results"));
            }
            "Scheduled" | "Running" | "Unknown" => {}
            other => return Err(Failure::new(GapKind::Failed, format!("the Logs Insights query ended as {other}"))),
        }
        let room = region.caller.deadline().saturating_duration_since(Instant::now());
        if room < POLL * 3 {
            // It costs by what it scans; that it cannot be stopped changes nothing for us.
            let _ = region.json(&LOGS, "StopQuery", &body).await;
            return Err(Failure::new(
                GapKind::Deadline,
                "the Logs Insights query had not ended when the time was over",
            )
            .with_hint("give more time with --deadline, or a shorter window with --since"));
        }
    }
}

/// A field of a row: a list of `{field, value}`.
fn field<'a>(row: &'a Json, name: &str) -> Option<&'a str> {
    row.as_array()?.iter().find(|cell| cell.get("field").and_then(Json::as_str) == Some(name))?.get("value")?.as_str()
}

fn time(text: &str) -> Option<Timestamp> {
    // `2024-05-01 12:00:00.000`, in UTC.
    format!("{}Z", text.replace(' ', "T")).parse().ok()
}

fn row_line(row: &Json, window: Window) -> LogLine {
    let cells: Vec<(String, String)> = row
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cell| Some((cell.get("field")?.as_str()?.to_owned(), cell.get("value")?.as_str()?.to_owned())))
        .filter(|(name, _)| name != "@ptr")
        .collect();
    let when = field(row, "@timestamp").and_then(time).unwrap_or(window.onset);
    let message = field(row, "@message").map_or_else(
        || cells.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
        |text| text.trim_end().to_owned(),
    );
    let message = level::head(&message, LINE_BYTES).to_owned();
    let labels: Labels = cells.into_iter().filter(|(name, _)| !name.starts_with('@')).collect();
    LogLine { time: when, level: level::detect(&labels, &message).map(str::to_owned), message, labels }
}
