//! The report as Markdown (GitHub flavour), for tickets and chat.

use std::fmt::Write as _;

use opensre_model::report::{Claim, EvidenceSummary, Report};

use crate::safe::{markdown as safe, markdown_code as code, markdown_link as link};
use crate::sparkline::sparkline;
use crate::words;

/// The report as Markdown. Ends with a line break.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    instances(&mut out, report);
    findings(&mut out, report);
    hypotheses(&mut out, report);
    evidence(&mut out, report);
    gaps(&mut out, report);
    if !report.next_steps.is_empty() {
        let _ = writeln!(out, "\n## Next steps\n");
        for (number, step) in report.next_steps.iter().enumerate() {
            let _ = writeln!(out, "{}. {}", number + 1, safe(step));
        }
    }
    let timings = &report.timings;
    let _ = writeln!(
        out,
        "\n---\n{} calls in {}; {} in all{}",
        timings.calls,
        words::milliseconds(timings.gather_ms),
        words::milliseconds(timings.total_ms),
        if timings.deadline_passed { "; cut short by the deadline" } else { "" }
    );
    out
}

fn head(out: &mut String, report: &Report) {
    let alert = &report.alert;
    let _ = writeln!(out, "# {}\n", safe(&alert.title));
    let severity = alert.severity.as_deref().map(|severity| format!("{}, ", safe(severity))).unwrap_or_default();
    let _ = writeln!(out, "{severity}{}; looked at {}\n", words::state(alert), words::window(&report.window));
    for warning in &report.warnings {
        let _ = writeln!(out, "> **Warning:** {}\n", safe(warning));
    }
    let verdict = &report.verdict;
    let _ = writeln!(out, "## Verdict: {}\n", words::category(verdict.category));
    let _ = writeln!(out, "**{}** (confidence {:.0} %)", safe(&verdict.root_cause), verdict.confidence * 100.0);
    if !report.causal_chain.is_empty() {
        let _ = writeln!(out);
    }
    for (number, step) in report.causal_chain.iter().enumerate() {
        let time = step.time.map(|time| format!("{} UTC: ", words::clock(time))).unwrap_or_default();
        let _ = writeln!(out, "{}. {time}{}{}", number + 1, safe(&step.text), ids(&step.evidence));
    }
}

fn instances(out: &mut String, report: &Report) {
    let _ = writeln!(out, "\n## Instances\n\n| instance | chosen by | why | queries |\n|---|---|---|---|");
    for choice in &report.instances {
        let mut why = safe(&choice.reason);
        for rejected in &choice.rejected {
            let _ = write!(why, "<br>not {}: {}", safe(&rejected.instance), safe(&rejected.why));
        }
        for warning in &choice.warnings {
            let _ = write!(why, "<br>**warning:** {}", safe(warning));
        }
        let _ = writeln!(
            out,
            "| {} | {} | {why} | {} |",
            code(&words::choice(choice)),
            words::step(choice.step),
            choice.queries
        );
    }
    for group in &report.groups {
        let _ = writeln!(out, "\n{}\n", safe(&words::group(group)));
        for member in &group.members {
            let _ = writeln!(out, "- {}", safe(&words::member(member)));
        }
    }
}

fn findings(out: &mut String, report: &Report) {
    let _ = writeln!(out, "\n## Findings\n");
    if report.claims.is_empty() {
        let _ = writeln!(out, "Nothing in the evidence stands out.");
    }
    for claim in &report.claims {
        let _ = writeln!(out, "- {}", said(claim));
    }
}

fn hypotheses(out: &mut String, report: &Report) {
    if report.hypotheses.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## Hypotheses\n");
    for hypothesis in &report.hypotheses {
        let _ = writeln!(
            out,
            "- **{:.2}** {} ({}, {})",
            hypothesis.score,
            safe(&hypothesis.title),
            words::category(hypothesis.category),
            words::status(hypothesis.status)
        );
        for claim in &hypothesis.supporting {
            let _ = writeln!(out, "  - for: {}", said(claim));
        }
        for claim in &hypothesis.against {
            let _ = writeln!(out, "  - against: {}", said(claim));
        }
        if let Some(text) = &hypothesis.would_tell {
            let _ = writeln!(out, "  - would tell: {}", safe(text));
        }
    }
}

fn evidence(out: &mut String, report: &Report) {
    let _ = writeln!(out, "\n## Evidence\n\n| id | from | what it says | query |\n|---|---|---|---|");
    for evidence in &report.evidence {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            evidence.id,
            where_from(evidence),
            what(evidence),
            code(&evidence.query)
        );
    }
}

fn where_from(evidence: &EvidenceSummary) -> String {
    let mut from = code(&words::address(&evidence.service, Some(&evidence.instance)));
    if let Some(datasource) = &evidence.datasource {
        let _ = write!(from, " {}", safe(datasource));
    }
    if let Some(target) = &evidence.link {
        let _ = write!(from, " {}", link("open", target));
    }
    from
}

fn what(evidence: &EvidenceSummary) -> String {
    let mut what = safe(&evidence.summary);
    if !evidence.sparkline.is_empty() {
        let _ = write!(what, "<br>{}", sparkline(&evidence.sparkline, 40, true));
    }
    for excerpt in &evidence.excerpt {
        let _ = write!(what, "<br>{}", code(excerpt));
    }
    if let Some(truncated) = &evidence.truncated {
        let _ = write!(what, "<br>cut: {}", safe(truncated));
    }
    if !evidence.used {
        what.push_str("<br>(unused)");
    }
    what
}

fn gaps(out: &mut String, report: &Report) {
    if report.gaps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## Gaps\n");
    for gap in &report.gaps {
        let operation = gap.operation.as_deref().map(|name| format!(" {}", safe(name))).unwrap_or_default();
        let hint = gap.hint.as_deref().map(|hint| format!(" *Hint: {}*", safe(hint))).unwrap_or_default();
        let _ = writeln!(
            out,
            "- {}{operation}: {}: {}{hint}",
            code(&words::address(&gap.service, gap.instance.as_deref())),
            words::gap(gap.kind),
            safe(&gap.reason)
        );
    }
}

fn said(claim: &Claim) -> String {
    format!("{}{}", safe(&claim.text), ids(&claim.evidence))
}

fn ids(evidence: &[String]) -> String {
    if evidence.is_empty() { String::new() } else { format!(" ({})", evidence.join(", ")) }
}
