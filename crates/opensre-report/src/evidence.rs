//! Typed evidence as text for a terminal: what one query answered, row by row.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, Gap, LogLine, ResourceState, Series, Span};

use crate::safe::line;
use crate::sparkline::sparkline;
use crate::words;

/// Most rows of one piece of evidence that are printed; the JSON form has all.
const MOST_ROWS: usize = 100;

/// Evidence and gaps, one after the other. Ends with a line break unless there is nothing at all.
pub fn render(evidence: &[Evidence], gaps: &[Gap], unicode: bool) -> String {
    let mut out = String::new();
    for one in evidence {
        piece(&mut out, one, unicode);
        out.push('\n');
    }
    for gap in gaps {
        let operation = gap.operation.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let address = words::address(&gap.service, gap.instance.as_deref());
        let _ = writeln!(
            out,
            "gap: {}{}: {}: {}",
            line(&address),
            line(&operation),
            words::gap(gap.kind),
            line(&gap.reason)
        );
        if let Some(hint) = &gap.hint {
            let _ = writeln!(out, "  hint: {}", line(hint));
        }
    }
    out
}

fn piece(out: &mut String, evidence: &Evidence, unicode: bool) {
    let origin = &evidence.origin;
    let datasource = origin.datasource.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
    let _ = writeln!(out, "{}", line(&evidence.summary));
    let _ = writeln!(out, "  from    {}/{}{}", line(&origin.service), line(&origin.instance), line(&datasource));
    let _ = writeln!(out, "  query   {}", line(&origin.query));
    let _ = writeln!(out, "  window  {}", words::window(&origin.window));
    if let Some(link) = &origin.link {
        let _ = writeln!(out, "  link    {}", line(link));
    }
    if let Some(truncated) = &evidence.truncated {
        let _ = writeln!(out, "  cut     {}", line(truncated));
    }
    let rows: Vec<String> = match &evidence.data {
        EvidenceData::Metrics { series, .. } => series.iter().map(|one| of_series(one, unicode)).collect(),
        EvidenceData::Logs { lines } => lines.iter().map(of_line).collect(),
        EvidenceData::Events { events } => events.iter().map(of_event).collect(),
        EvidenceData::Spans { spans } => spans.iter().map(of_span).collect(),
        EvidenceData::States { states } => states.iter().map(of_state).collect(),
    };
    for row in rows.iter().take(MOST_ROWS) {
        let _ = writeln!(out, "    {}", line(row));
    }
    if rows.len() > MOST_ROWS {
        let _ = writeln!(out, "    ... {} more with --format json", rows.len() - MOST_ROWS);
    }
}

fn of_series(series: &Series, unicode: bool) -> String {
    let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let Some(last) = values.last() else { return format!("{} no points", labels(&series.labels)) };
    let line = sparkline(&values, 40, unicode);
    format!("{} {line} least {least:.4}, greatest {greatest:.4}, last {last:.4}", labels(&series.labels))
}

fn of_line(row: &LogLine) -> String {
    let level = row.level.as_deref().unwrap_or("-");
    format!("{} {level} {}", time(row.time), row.message)
}

fn of_event(event: &Event) -> String {
    let kind = match event.kind {
        EventKind::Deploy => "deploy",
        EventKind::Change => "change",
        EventKind::Alert => "alert",
        EventKind::Silence => "silence",
        EventKind::Other => "event",
    };
    let text = if event.text.is_empty() { String::new() } else { format!(": {}", event.text) };
    format!("{} {kind} {}{text} {}", time(event.time), event.title, labels(&event.labels))
}

fn of_span(span: &Span) -> String {
    let state = if span.error { "ERROR " } else { "" };
    let message = if span.message.is_empty() { String::new() } else { format!(": {}", span.message) };
    format!(
        "{} {state}{} {} {:.1} ms trace {}{message}",
        time(span.start),
        span.service,
        span.name,
        span.duration_ms,
        span.trace_id
    )
}

fn of_state(state: &ResourceState) -> String {
    let health = match state.healthy {
        Some(true) => "healthy",
        Some(false) => "NOT healthy",
        None => "-",
    };
    format!("{} {} {health} {}", state.kind, state.name, labels(&state.attributes))
}

fn labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn time(time: jiff::Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
