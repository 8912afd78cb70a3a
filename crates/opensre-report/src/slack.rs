//! The report as a chat message of Block Kit: what a person on call reads on a phone.
//!
//! Short by design: verdict, why these instances, the findings with links to their evidence, what did not answer, what
//! to do next; the other faces have the rest. Kept within the limits of Slack's pages "Blocks" and "Text object": 50
//! blocks, 3000 characters of a section, 150 of a header. Foreign text is escaped as the page "Formatting text for
//! app surfaces" says, so that it can neither mention anybody nor make a link.

use std::fmt::Write as _;

use opensre_model::message::Message;
use opensre_model::report::{Claim, InstanceChoice, Report};
use serde_json::{Value as Json, json};

use crate::safe::line;
use crate::words;

/// Most characters of a section's text.
const SECTION: usize = 3000;
/// Most characters of a header.
const HEADER: usize = 150;
/// Most characters of one line, before it is escaped (which makes of one character five at most).
const LINE: usize = 280;
/// Longest link that is made; a longer one is left to the other faces.
const LINK: usize = 600;
/// Most lines of a section.
const LINES: usize = 5;
/// Most links of one line.
const LINKS: usize = 2;

/// The report as a message.
pub fn render(report: &Report) -> Message {
    let mut blocks = vec![header(&report.alert.title), context(&about(report)), verdict(report)];
    blocks.extend(list("Asked", &report.instances.iter().map(asked).collect::<Vec<_>>()));
    blocks.extend(list("Found", &report.claims.iter().map(|claim| found(report, claim)).collect::<Vec<_>>()));
    blocks.extend(gaps(report));
    let steps: Vec<String> = report.next_steps.iter().map(|step| plain(step)).collect();
    blocks.extend(list("Next", &steps));
    let warnings: Vec<String> = report.warnings.iter().map(|warning| plain(warning)).collect();
    blocks.extend(list("Keep in mind", &warnings));
    let timings = &report.timings;
    let cut = if timings.deadline_passed { ", cut short by the deadline" } else { "" };
    blocks.push(context(&format!(
        "{} in {}{cut}; looked at {}",
        words::count(usize::try_from(timings.calls).unwrap_or(usize::MAX), "call", "calls"),
        words::milliseconds(timings.total_ms),
        words::window(&report.window)
    )));
    Message { text: fallback(report), blocks }
}

/// A message that proves that a target can be delivered to; `address` is the target's.
pub fn test(address: &str) -> Message {
    let text = format!(
        "opensre can deliver reports here ({}). This is a test that somebody asked for; nothing is wrong.",
        plain(address)
    );
    Message { blocks: vec![section(&text)], text }
}

/// What a notification shows.
fn fallback(report: &Report) -> String {
    let verdict = &report.verdict;
    format!(
        "{}: {} ({:.0} %): {}",
        plain(&report.alert.title),
        words::category(verdict.category),
        verdict.confidence * 100.0,
        plain(&verdict.root_cause)
    )
}

fn about(report: &Report) -> String {
    let severity =
        report.alert.severity.as_deref().map(|severity| format!("{}, ", plain(severity))).unwrap_or_default();
    format!("{severity}{}", words::state(&report.alert))
}

fn verdict(report: &Report) -> Json {
    let verdict = &report.verdict;
    section(&format!(
        "*{}* ({:.0} % sure)\n{}",
        words::category(verdict.category),
        verdict.confidence * 100.0,
        escaped(&shortened(&verdict.root_cause, 2 * LINE))
    ))
}

/// `grafana/staging: the alert names it`.
fn asked(choice: &InstanceChoice) -> String {
    let warning = choice.warnings.first().map(|warning| format!(" (warning: {})", plain(warning))).unwrap_or_default();
    format!("{}: {}{warning}", code(&words::choice(choice)), plain(&choice.reason))
}

/// A finding, with links to the evidence that shows it.
fn found(report: &Report, claim: &Claim) -> String {
    let evidence = claim.evidence.iter().filter_map(|id| report.evidence.iter().find(|evidence| evidence.id == *id));
    let mut links = 0;
    let ids: Vec<String> = evidence
        .map(|evidence| match evidence.link.as_deref().and_then(target).filter(|_| links < LINKS) {
            Some(target) => {
                links += 1;
                format!("<{target}|{}>", evidence.id)
            }
            None => evidence.id.clone(),
        })
        .take(LINES)
        .collect();
    let ids = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
    format!("{}{ids}", plain(&claim.text))
}

/// What failed, one by one; what was not asked on purpose is only counted.
fn gaps(report: &Report) -> Option<Json> {
    let (failed, left): (Vec<_>, Vec<_>) = report.gaps.iter().partition(|gap| words::is_failure(gap));
    let mut lines: Vec<String> = failed
        .iter()
        .map(|gap| {
            let address = code(&words::address(&gap.service, gap.instance.as_deref()));
            let operation = gap.operation.as_deref().map(|name| format!(" {}", plain(name))).unwrap_or_default();
            format!("{address}{operation}: {}: {}", words::gap(gap.kind), plain(&gap.reason))
        })
        .collect();
    if !failed.is_empty() && !left.is_empty() && lines.len() < LINES {
        lines.push(format!(
            "{} not asked, with reasons in the full report",
            words::count(left.len(), "thing", "things")
        ));
    }
    list("Not answered", &lines)
}

/// A section of a title and lines; the last line says how many there is no room for. `None` without lines.
fn list(title: &str, lines: &[String]) -> Option<Json> {
    if lines.is_empty() {
        return None;
    }
    let mut text = format!("*{title}*");
    let mut shown = 0;
    for line in lines.iter().take(LINES) {
        // Room for the line that counts what is left out.
        if text.chars().count() + line.chars().count() + 40 > SECTION {
            break;
        }
        text.push_str("\n• ");
        text.push_str(line);
        shown += 1;
    }
    if shown < lines.len() {
        let _ = write!(text, "\n… and {} more", lines.len() - shown);
    }
    Some(section(&text))
}

fn header(text: &str) -> Json {
    let text = shortened(text, HEADER);
    let text = if text.is_empty() { "Alert".to_owned() } else { text };
    json!({"type": "header", "text": {"type": "plain_text", "text": text, "emoji": false}})
}

fn section(text: &str) -> Json {
    json!({"type": "section", "text": mrkdwn(text)})
}

fn context(text: &str) -> Json {
    json!({"type": "context", "elements": [mrkdwn(text)]})
}

/// Verbatim: Slack makes no links and mentions of its own.
fn mrkdwn(text: &str) -> Json {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// One line of foreign text: harmless, not too long, escaped.
fn plain(text: &str) -> String {
    escaped(&shortened(text, LINE))
}

fn code(text: &str) -> String {
    format!("`{}`", plain(&text.replace('`', "'")))
}

/// At most so many characters on one line, with an ellipsis where some were cut.
fn shortened(text: &str, most: usize) -> String {
    let text = line(text.trim());
    if text.chars().count() <= most {
        return text.into_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Escaped as mrkdwn has it: nothing between angle brackets is foreign.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A link's target; only http and https are linked, and what is too long for a message is not.
fn target(url: &str) -> Option<String> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return None;
    }
    let url = line(url).replace('|', "%7C").replace('<', "%3C").replace('>', "%3E").replace(' ', "%20");
    let url = url.replace('&', "&amp;");
    (url.chars().count() <= LINK).then_some(url)
}
