//! The report as text for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use opensre_model::report::{Category, Claim, EvidenceSummary, Hypothesis, HypothesisStatus, MemberState, Report};

use crate::safe::line;
use crate::sparkline::sparkline;
use crate::words;

/// How the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Whether to colour it with ANSI escapes.
    pub color: bool,
    /// Columns; lines are wrapped to them, at least 40.
    pub width: usize,
    /// Whether block characters may be used for sparklines.
    pub unicode: bool,
}

/// The report as text. Ends with a line break.
pub fn render(report: &Report, options: TextOptions) -> String {
    let mut page = Page {
        out: String::new(),
        options: TextOptions { width: options.width.max(40), ..options },
        long_links: false,
    };
    page.head(report);
    page.verdict(report);
    page.instances(report);
    page.findings(report);
    page.chain(report);
    page.hypotheses(report);
    page.evidence(report);
    page.gaps(report);
    page.next_steps(report);
    page.foot(report);
    page.out
}

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();

struct Page {
    out: String,
    options: TextOptions,
    /// Whether a link was too long to be printed.
    long_links: bool,
}

impl Page {
    fn style(&self, style: Style, text: &str) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A paragraph: wrapped, the first line behind `first`, the others behind `rest`.
    fn paragraph(&mut self, first: &str, rest: &str, text: &str, style: Style) {
        let text = line(text);
        // Words are parted at spaces only: a query or a name that is broken elsewhere cannot be copied.
        let wrap = textwrap::Options::new(self.options.width.saturating_sub(rest.chars().count()))
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(&text, wrap);
        for (number, part) in lines.iter().enumerate() {
            let margin = if number == 0 { first } else { rest };
            let part = self.style(style, part);
            let _ = writeln!(self.out, "{margin}{part}");
        }
        if lines.is_empty() {
            let _ = writeln!(self.out, "{}", first.trim_end());
        }
    }

    fn heading(&mut self, text: &str) {
        let text = self.style(HEADING, text);
        let _ = writeln!(self.out, "\n{text}");
    }

    fn head(&mut self, report: &Report) {
        let alert = &report.alert;
        self.paragraph("", "", &alert.title, HEADING);
        let severity = alert.severity.as_deref().map(|severity| format!("{severity}, ")).unwrap_or_default();
        self.paragraph("", "", &format!("{severity}{}", words::state(alert)), Style::new());
        self.paragraph("", "", &format!("looked at {}", words::window(&report.window)), FAINT);
        for warning in &report.warnings {
            self.paragraph("warning: ", "         ", warning, WARNING);
        }
    }

    fn verdict(&mut self, report: &Report) {
        let verdict = &report.verdict;
        let style = match verdict.category {
            Category::Healthy => GOOD,
            Category::Unknown => WARNING,
            _ => BAD,
        };
        self.heading("VERDICT");
        let headline =
            format!("{} (confidence {:.0} %)", words::category(verdict.category), verdict.confidence * 100.0);
        self.paragraph("  ", "  ", &headline, style);
        self.paragraph("  ", "  ", &verdict.root_cause, Style::new());
    }

    fn instances(&mut self, report: &Report) {
        self.heading("INSTANCES");
        if report.instances.is_empty() {
            self.paragraph("  ", "  ", "none", FAINT);
        }
        for choice in &report.instances {
            let tags: Vec<String> = choice.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let tags = if tags.is_empty() { String::new() } else { format!(" [{}]", tags.join(",")) };
            let asked = words::count(choice.queries, "query", "queries");
            let headline = format!("{}{tags} - {}, {asked}", words::choice(choice), words::step(choice.step));
            self.paragraph("  ", "  ", &headline, HEADING);
            self.paragraph("    ", "    ", &choice.reason, Style::new());
            for rejected in &choice.rejected {
                self.paragraph("    not ", "        ", &format!("{}: {}", rejected.instance, rejected.why), FAINT);
            }
            for warning in &choice.warnings {
                self.paragraph("    warning: ", "             ", warning, WARNING);
            }
        }
        for group in &report.groups {
            self.paragraph("  ", "  ", &words::group(group), HEADING);
            for member in &group.members {
                let style = if member.state == MemberState::Answered { FAINT } else { WARNING };
                self.paragraph("    ", "        ", &words::member(member), style);
            }
        }
    }

    fn findings(&mut self, report: &Report) {
        self.heading("FINDINGS");
        if report.claims.is_empty() {
            self.paragraph("  ", "  ", "nothing in the evidence stands out", FAINT);
        }
        for (number, claim) in report.claims.iter().enumerate() {
            self.claim(&format!("  {}. ", number + 1), claim);
        }
    }

    fn claim(&mut self, first: &str, claim: &Claim) {
        let rest = " ".repeat(first.chars().count());
        self.paragraph(first, &rest, &format!("{} [{}]", claim.text, claim.evidence.join(", ")), Style::new());
    }

    fn chain(&mut self, report: &Report) {
        if report.causal_chain.is_empty() {
            return;
        }
        self.heading("CAUSAL CHAIN");
        for (number, step) in report.causal_chain.iter().enumerate() {
            let time = step.time.map_or_else(|| "        ".to_owned(), words::clock);
            let arrow = if number == 0 { " " } else { ">" };
            let evidence =
                if step.evidence.is_empty() { String::new() } else { format!(" [{}]", step.evidence.join(", ")) };
            self.paragraph(
                &format!("  {time} {arrow} "),
                "             ",
                &format!("{}{evidence}", step.text),
                Style::new(),
            );
        }
    }

    fn hypotheses(&mut self, report: &Report) {
        if report.hypotheses.is_empty() {
            return;
        }
        self.heading("HYPOTHESES");
        for hypothesis in &report.hypotheses {
            self.hypothesis(hypothesis);
        }
    }

    fn hypothesis(&mut self, hypothesis: &Hypothesis) {
        let style = match hypothesis.status {
            HypothesisStatus::Confirmed => BAD,
            HypothesisStatus::Possible => Style::new(),
            HypothesisStatus::RuledOut => FAINT,
        };
        let style = if hypothesis.category == Category::Healthy && style == BAD { GOOD } else { style };
        let headline =
            format!("{:>4.2}  {} ({})", hypothesis.score, hypothesis.title, words::status(hypothesis.status));
        self.paragraph("  ", "        ", &headline, style);
        for claim in &hypothesis.supporting {
            self.claim("        + ", claim);
        }
        for claim in &hypothesis.against {
            self.claim("        - ", claim);
        }
        if let Some(text) = &hypothesis.would_tell {
            self.paragraph("        ? ", "          ", &format!("would tell: {text}"), FAINT);
        }
    }

    fn evidence(&mut self, report: &Report) {
        self.heading("EVIDENCE");
        if report.evidence.is_empty() {
            self.paragraph("  ", "  ", "none was gathered", WARNING);
        }
        let (used, unused): (Vec<_>, Vec<_>) = report.evidence.iter().partition(|evidence| evidence.used);
        for evidence in used {
            self.one_evidence(evidence);
        }
        if unused.is_empty() {
            return;
        }
        self.paragraph("  ", "  ", "gathered, and nothing above rests on it:", FAINT);
        for evidence in unused {
            let text = format!("{}: {}", where_from(evidence), evidence.summary);
            self.paragraph(&format!("  {:<4} ", evidence.id), "       ", &text, FAINT);
        }
    }

    fn one_evidence(&mut self, evidence: &EvidenceSummary) {
        let headline = format!("{} ({})", where_from(evidence), evidence.kind);
        self.paragraph(&format!("  {:<4} ", evidence.id), "       ", &headline, HEADING);
        let margin = "       ";
        if !evidence.sparkline.is_empty() {
            let width = self.options.width.saturating_sub(margin.len()).min(60);
            let bars = sparkline(&evidence.sparkline, width, self.options.unicode);
            let _ = writeln!(self.out, "{margin}{bars}");
        }
        self.paragraph(margin, margin, &evidence.summary, Style::new());
        for excerpt in &evidence.excerpt {
            self.excerpt(&shortened(excerpt, 3 * self.options.width));
        }
        if let Some(truncated) = &evidence.truncated {
            self.paragraph("       cut: ", margin, truncated, WARNING);
        }
        self.paragraph("       query: ", "              ", &evidence.query, FAINT);
        if let Some(link) = &evidence.link {
            self.link(margin, link);
        }
    }

    /// A line that a back end wrote, cut where the terminal ends: a log line may be one long word.
    fn excerpt(&mut self, text: &str) {
        let margin = "       | ";
        let room = self.options.width.saturating_sub(margin.len());
        let characters: Vec<char> = line(text).chars().collect();
        for part in characters.chunks(room.max(1)) {
            let part = self.style(FAINT, part.iter().collect::<String>().trim_end());
            let _ = writeln!(self.out, "{margin}{part}");
        }
    }

    /// A link: behind a word where the terminal can be expected to know hyperlinks, in full where it is short enough to
    /// be read; a longer one is in the other formats, as the foot says.
    fn link(&mut self, margin: &str, link: &str) {
        let link = line(link);
        if self.options.color {
            let _ = writeln!(self.out, "{margin}\u{1b}]8;;{link}\u{1b}\\open in a browser\u{1b}]8;;\u{1b}\\");
        } else if link.chars().count() <= 2 * self.options.width {
            let _ = writeln!(self.out, "{margin}open:  {link}");
        } else {
            self.long_links = true;
        }
    }

    fn gaps(&mut self, report: &Report) {
        if report.gaps.is_empty() {
            return;
        }
        self.heading("GAPS");
        for gap in &report.gaps {
            let style = if words::is_failure(gap) { WARNING } else { FAINT };
            let operation = gap.operation.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            let who = words::address(&gap.service, gap.instance.as_deref());
            let text = format!("{who}{operation}: {}: {}", words::gap(gap.kind), gap.reason);
            self.paragraph("  ", "    ", &text, style);
            if let Some(hint) = &gap.hint {
                self.paragraph("    hint: ", "          ", hint, Style::new());
            }
        }
    }

    fn next_steps(&mut self, report: &Report) {
        if report.next_steps.is_empty() {
            return;
        }
        self.heading("NEXT STEPS");
        for (number, step) in report.next_steps.iter().enumerate() {
            self.paragraph(&format!("  {}. ", number + 1), "     ", step, Style::new());
        }
    }

    fn foot(&mut self, report: &Report) {
        let timings = &report.timings;
        let slowest = timings.instances.iter().max_by_key(|(_, time)| *time);
        let slowest =
            slowest.map(|(who, time)| format!(", slowest {who} {}", words::milliseconds(*time))).unwrap_or_default();
        let deadline = if timings.deadline_passed { ", cut short by the deadline" } else { "" };
        let text = format!(
            "{} calls in {}{slowest}{deadline}; {} in all",
            timings.calls,
            words::milliseconds(timings.gather_ms),
            words::milliseconds(timings.total_ms)
        );
        let _ = writeln!(self.out);
        self.paragraph("", "", &text, FAINT);
        if self.long_links {
            self.paragraph("", "", "links to every query: --format markdown or --format json", FAINT);
        }
    }
}

/// `grafana/prod, prom-main (prometheus)`.
fn where_from(evidence: &EvidenceSummary) -> String {
    let datasource = evidence.datasource.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
    format!("{}/{}{datasource}", evidence.service, evidence.instance)
}

/// At most so many characters, with an ellipsis where some were cut.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}
