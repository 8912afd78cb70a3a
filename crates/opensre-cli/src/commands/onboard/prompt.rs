//! A question that is answered with a line, drawn on a terminal that can move its cursor.

use std::io::{self, Write};

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEventKind};
use crossterm::style::Stylize;
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{cursor, queue};

use super::ask::{Check, Suggest};
use super::line::{Did, Line};
use crate::text::wrapped;

/// Most suggestions that are shown at a time.
const SHOWN: usize = 6;

/// What stands behind the question of a secret as soon as anything is typed: as long for every secret.
const HIDDEN: &str = "********";

/// A question for a line.
pub(super) struct Prompt<'a> {
    pub(super) asks: &'a str,
    pub(super) help: &'a str,
    pub(super) initial: &'a str,
    /// What an empty line stands for: it becomes the answer, unless a secret is asked for, which is then kept.
    pub(super) default: Option<&'a str>,
    pub(super) suggest: &'a Suggest,
    pub(super) check: &'a Check,
    pub(super) secret: bool,
    pub(super) color: bool,
    /// What is shown behind the question once it is answered.
    pub(super) answered: &'a dyn Fn(&str) -> String,
}

/// How a question ended.
pub(super) enum End {
    /// The answer.
    Answer(String),
    /// Esc.
    Back,
    /// Ctrl-C.
    Leave,
}

/// Raw mode, left on every way out.
struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let raw = Self;
        crossterm::execute!(io::stderr(), EnableBracketedPaste)?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nobody to tell if that fails.
        let _ = crossterm::execute!(io::stderr(), DisableBracketedPaste, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// What is on the screen: rows of text, and where the cursor stands among them.
#[derive(Default)]
struct Frame {
    rows: Vec<String>,
    cursor: (usize, usize),
}

impl Prompt<'_> {
    /// Asks until the answer passes its check.
    pub(super) fn ask(&self) -> io::Result<End> {
        let raw = Raw::enter()?;
        let mut line = Line::new(self.initial);
        let mut chosen: Option<usize> = None;
        let mut error: Option<String> = None;
        let mut drawn = Frame::default();
        let end = loop {
            let suggestions = self.suggest.lines(&line.text());
            chosen = chosen.filter(|at| *at < suggestions.len());
            drawn = self.draw(&drawn, &line, &suggestions, chosen, error.as_deref())?;
            let did = match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => line.key(key),
                Event::Paste(text) => {
                    line.insert(&text);
                    Did::Moved
                }
                Event::Resize(..) => Did::Moved,
                _ => Did::Nothing,
            };
            match did {
                Did::Nothing => {}
                Did::Moved => chosen = None,
                Did::Leave => break End::Leave,
                Did::Back => break End::Back,
                Did::Down => chosen = Some(chosen.map_or(0, |at| (at + 1).min(suggestions.len().saturating_sub(1)))),
                Did::Up => chosen = chosen.and_then(|at| at.checked_sub(1)),
                Did::Complete => {
                    let taken = chosen.and_then(|at| suggestions.get(at).cloned());
                    if let Some(text) = taken.or_else(|| common_start(&suggestions)) {
                        line = Line::new(&text);
                    }
                    chosen = None;
                }
                Did::Submit => {
                    let taken = chosen.take().and_then(|at| suggestions.get(at).cloned());
                    let from_the_list = taken.is_some();
                    if let Some(text) = taken {
                        line = Line::new(&text);
                    }
                    let answer = match self.default {
                        Some(default) if line.is_empty() && !self.secret => default.to_owned(),
                        _ => line.text(),
                    };
                    match (self.check)(&answer) {
                        Ok(()) => break End::Answer(answer),
                        // A suggestion that is only a beginning is to be typed on.
                        Err(_) if from_the_list => error = None,
                        Err(reason) => {
                            error = Some(reason);
                            if self.secret {
                                line = Line::default();
                            }
                        }
                    }
                }
            }
        };
        self.finish(&drawn, &end)?;
        drop(raw);
        Ok(end)
    }

    fn draw(
        &self,
        before: &Frame,
        line: &Line,
        suggestions: &[String],
        chosen: Option<usize>,
        error: Option<&str>,
    ) -> io::Result<Frame> {
        let width = terminal::size().map_or(80, |(columns, _)| usize::from(columns)).max(10);
        let mut frame = Frame::default();
        if let Some(error) = error {
            frame.rows.extend(wrapped(&format!("# {error}"), width - 1).into_iter().map(|row| self.red(row)));
        }
        let default = match self.default {
            Some(default) if self.initial.is_empty() => format!(" [{default}]"),
            _ => String::new(),
        };
        let head = format!("{}{default}: ", self.asks);
        let shown = match (self.secret, line.is_empty()) {
            (false, _) => line.text(),
            (true, true) => String::new(),
            (true, false) => HIDDEN.to_owned(),
        };
        let behind = if self.secret { shown.clone() } else { line.before() };
        // The mark and its space take two columns.
        let rows = chunks(&format!("{head}{shown} "), width, 2);
        let cursor = columns(&format!("{head}{behind}")) + 2;
        frame.cursor = (frame.rows.len() + cursor / width, cursor % width);
        for (at, row) in rows.into_iter().enumerate() {
            frame.rows.push(if at == 0 { format!("{} {row}", self.green("?")) } else { row });
        }
        let first = chosen.map_or(0, |at| (at + 1).saturating_sub(SHOWN));
        for (at, suggestion) in suggestions.iter().enumerate().skip(first).take(SHOWN) {
            let text = super::terminal::cut(suggestion, width.saturating_sub(3));
            frame.rows.push(if chosen == Some(at) { self.cyan(format!("> {text}")) } else { format!("  {text}") });
        }
        let mut help = wrapped(self.help, width.saturating_sub(3));
        if !suggestions.is_empty() {
            help.push("Tab completes, arrows choose".to_owned());
        }
        help.retain(|row| !row.is_empty());
        let last = help.len().saturating_sub(1);
        for (at, row) in help.into_iter().enumerate() {
            let open = if at == 0 { "[" } else { " " };
            let close = if at == last { "]" } else { "" };
            frame.rows.push(self.grey(format!("{open}{row}{close}")));
        }
        Self::print(before, &frame)?;
        Ok(frame)
    }

    /// Leaves the question with its answer on the screen, and the cursor below.
    fn finish(&self, drawn: &Frame, end: &End) -> io::Result<()> {
        let (mark, answer) = match end {
            End::Answer(answer) => (self.green(">"), self.cyan((self.answered)(answer))),
            End::Back => (self.green("?"), "<back>".to_owned()),
            End::Leave => (self.green("?"), "<interrupted>".to_owned()),
        };
        let mut out = Vec::new();
        Self::to_the_top(&mut out, drawn)?;
        queue!(out, Clear(ClearType::FromCursorDown))?;
        write!(out, "{mark} {}: {answer}\r\n", self.asks)?;
        io::stderr().write_all(&out)
    }

    /// Draws a frame over the one before, in one piece: over a slow line nothing flickers.
    fn print(before: &Frame, frame: &Frame) -> io::Result<()> {
        let mut out = Vec::new();
        queue!(out, cursor::Hide)?;
        Self::to_the_top(&mut out, before)?;
        queue!(out, Clear(ClearType::FromCursorDown))?;
        write!(out, "{}", frame.rows.join("\r\n"))?;
        let up = frame.rows.len().saturating_sub(1).saturating_sub(frame.cursor.0);
        if up > 0 {
            queue!(out, cursor::MoveUp(u16::try_from(up).unwrap_or(u16::MAX)))?;
        }
        queue!(out, cursor::MoveToColumn(u16::try_from(frame.cursor.1).unwrap_or_default()), cursor::Show)?;
        io::stderr().write_all(&out)
    }

    fn to_the_top(out: &mut impl Write, frame: &Frame) -> io::Result<()> {
        if frame.cursor.0 > 0 {
            queue!(out, cursor::MoveUp(u16::try_from(frame.cursor.0).unwrap_or(u16::MAX)))?;
        }
        queue!(out, cursor::MoveToColumn(0))
    }

    fn green(&self, text: &str) -> String {
        if self.color { text.dark_green().to_string() } else { text.to_owned() }
    }

    fn cyan(&self, text: String) -> String {
        if self.color { text.dark_cyan().to_string() } else { text }
    }

    fn red(&self, text: String) -> String {
        if self.color { text.dark_red().to_string() } else { text }
    }

    fn grey(&self, text: String) -> String {
        if self.color { text.dark_grey().to_string() } else { text }
    }
}

/// The longest text that all suggestions begin with; `None` without suggestions.
fn common_start(suggestions: &[String]) -> Option<String> {
    let (first, rest) = suggestions.split_first()?;
    let mut length = first.len();
    for other in rest {
        let same = first.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
        let shorter = same.map_or(first.len().min(other.len()), |((at, _), _)| at);
        length = length.min(shorter);
    }
    Some(first[..length].to_owned())
}

fn columns(text: &str) -> usize {
    console::measure_text_width(text)
}

/// A text in rows of so many columns; the first has fewer, for what stands before it.
fn chunks(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = indent;
    for character in text.chars() {
        let wide = columns(character.encode_utf8(&mut [0; 4]));
        if used + wide > width {
            rows.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(row) = rows.last_mut() {
            row.push(character);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{chunks, common_start};

    #[test]
    fn tab_completes_what_all_suggestions_share() {
        let lines = |list: &[&str]| list.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(common_start(&lines(&["env=prod", "env=qa"])).as_deref(), Some("env="));
        assert_eq!(common_start(&lines(&["env=prod", "env=production"])).as_deref(), Some("env=prod"));
        assert_eq!(common_start(&lines(&["only"])).as_deref(), Some("only"));
        assert_eq!(common_start(&[]), None);
    }

    #[test]
    fn a_long_line_breaks_at_the_edge() {
        assert_eq!(chunks("abcdef", 4, 2), ["ab", "cdef"]);
        assert_eq!(chunks("日本語", 4, 0), ["日本", "語"]);
    }
}
