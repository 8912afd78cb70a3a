//! Log templates: lines that differ only in their variable parts are one template.
//!
//! What varies is masked by form (times, ids, numbers, addresses, quoted values), the way Drain's pre-processing does;
//! no tree is learnt, so that the same lines give the same templates in any order.

use std::sync::LazyLock;

use opensre_model::evidence::LogLine;
use regex::Regex;

use super::pattern::compile;

/// Longest text that is looked at; the telling part of a log line is at its start.
const LONGEST: usize = 2_000;

/// A line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What the line says, without its JSON wrapping.
    pub text: String,
    /// Its level.
    pub level: Level,
    /// Its template.
    pub template: String,
    /// Whether it only continues another line (a stack frame).
    pub continuation: bool,
}

/// How bad a line says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Debug, trace, info, notice.
    Fine,
    /// It does not say.
    Unsaid,
    /// A warning.
    Warning,
    /// An error or worse.
    Error,
}

impl Reading {
    /// The line that says most of a text of several: the exception under a Python traceback, else the first.
    pub fn headline(&self) -> &str {
        headline(&self.text)
    }
}

fn headline(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("Traceback (most recent call last)") {
        let last = text.lines().skip(1).filter(|line| !line.trim().is_empty() && !line.starts_with(' ')).last();
        return last.unwrap_or(first);
    }
    first
}

/// A line without what stands before its message: time, level, process, thread and logger.
pub fn bare(line: &str) -> &str {
    static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
        compile(concat!(
            r"^(?:\[?\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2}| UTC)?\]?\s+)?",
            r"(?:\[?(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\]?:?\s+)?",
            r"(?:\d+ --- \[[^\]]*\] \S+\s+: )?",
        ))
    });
    let line = line.trim();
    let bare = PREFIX.find(line).map_or(line, |prefix| &line[prefix.end()..]);
    if bare.is_empty() { line } else { bare }
}

/// Masks what varies, most specific form first.
const MASKS: &[(&str, &str)] = &[
    (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?", "<time>"),
    (r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?", "<time>"),
    (r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}", "<time>"),
    (r"\b[IWEF]\d{4} \d{2}:\d{2}:\d{2}\.\d+", "<time>"),
    (r"\b\d{2}:\d{2}:\d{2}(?:[.,]\d+)?\b", "<time>"),
    (r#""(?:[^"\\]|\\.)*""#, "<text>"),
    (r"'[^']*'", "<text>"),
    (r"\b[\w.+-]+@[\w-]+\.[\w.]+\b", "<*>"),
    // Numbers, hexadecimal numbers, UUIDs, addresses and everything else that has a digit in it look alike: an id that
    // happens to have no letter must not make a template of its own.
    (r"[-+]?\b[\w.:/-]*\d[\w.:-]*%?", "<*>"),
];

/// The template of a text.
pub fn template(text: &str) -> String {
    static COMPILED: LazyLock<Vec<(Regex, &'static str)>> =
        LazyLock::new(|| MASKS.iter().map(|(pattern, mask)| (compile(pattern), *mask)).collect());
    let mut masked = headline(text).to_owned();
    for (pattern, mask) in COMPILED.iter() {
        if let std::borrow::Cow::Owned(replaced) = pattern.replace_all(&masked, *mask) {
            masked = replaced;
        }
    }
    let words: Vec<&str> = masked.split_whitespace().collect();
    words.join(" ")
}

/// Reads a line: what it says, how bad, and its template.
pub fn read(line: &LogLine) -> Reading {
    let message = cut(line.message.trim(), LONGEST);
    let (text, embedded) = unwrapped(message);
    let level = line
        .level
        .as_deref()
        .or(embedded.as_deref())
        .map_or_else(|| written_level(message), |level| level_of(level).unwrap_or(Level::Unsaid));
    let template = template(&text);
    let continuation = is_continuation(&text);
    Reading { text, level, template, continuation }
}

/// The text of a JSON or logfmt line, and its level; any other line is its own text.
fn unwrapped(message: &str) -> (String, Option<String>) {
    const TEXTS: &[&str] = &[
        "message",
        "msg",
        "log",
        "event",
        "body",
        "error",
        "err",
        "exception",
        "error.message",
        "exception.message",
        "reason",
        "cause",
        "stack",
        "stack_trace",
        "stacktrace",
        "exc_info",
    ];
    const LEVELS: &[&str] = &["level", "severity", "lvl", "loglevel", "log.level", "levelname", "severity_text"];
    if message.starts_with('{')
        && let Ok(serde_json::Value::Object(map)) = serde_json::from_str(message)
    {
        let text_of = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => Some(text.trim().to_owned()),
            serde_json::Value::Object(inner) => {
                ["message", "msg", "type"].iter().find_map(|key| inner.get(*key)?.as_str()).map(str::to_owned)
            }
            _ => None,
        };
        let level = LEVELS.iter().find_map(|key| match map.get(*key)? {
            serde_json::Value::String(level) => Some(level.clone()),
            // Bunyan and pino: 30 info, 40 warn, 50 error.
            serde_json::Value::Number(number) => number.as_i64().map(|number| pino(number).to_owned()),
            _ => None,
        });
        let mut texts: Vec<String> = TEXTS.iter().filter_map(|key| map.get(*key).and_then(text_of)).collect();
        texts.retain(|text| !text.is_empty());
        if !texts.is_empty() {
            return (texts.join(": "), level);
        }
        return (message.to_owned(), level);
    }
    if let Some(text) = logfmt(message, &["msg", "message"]) {
        let error = logfmt(message, &["err", "error"]).map(|error| format!(": {error}")).unwrap_or_default();
        return (format!("{text}{error}"), logfmt(message, &["level", "lvl", "severity"]));
    }
    (message.to_owned(), None)
}

fn logfmt(message: &str, keys: &[&str]) -> Option<String> {
    static PAIR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?:^|\s)([\w.]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))"#).expect("constant"));
    PAIR.captures_iter(message)
        .find(|pair| pair.get(1).is_some_and(|key| keys.contains(&key.as_str())))
        .and_then(|pair| pair.get(2).or_else(|| pair.get(3)).map(|value| value.as_str().replace("\\\"", "\"")))
}

fn pino(number: i64) -> &'static str {
    match number {
        ..40 => "info",
        40..50 => "warn",
        _ => "error",
    }
}

fn level_of(written: &str) -> Option<Level> {
    match written.trim().to_lowercase().as_str() {
        "trace" | "debug" | "dbug" | "info" | "information" | "informational" | "notice" | "log" | "normal"
        | "verbose" | "fine" | "i" | "d" => Some(Level::Fine),
        "warn" | "warning" | "w" => Some(Level::Warning),
        "error" | "err" | "eror" | "fail" | "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency"
        | "panic" | "severe" | "e" | "f" => Some(Level::Error),
        _ => None,
    }
}

/// The level that a plain line carries near its start: `ERROR`, `[error]`, `level=error`, `E1124 ...`.
fn written_level(message: &str) -> Level {
    static WORD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?:\b(TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|PANIC|EMERG|ALERT)\b",
            r"|\[(?i:(trace|debug|info|notice|warn|warning|error|crit|fatal|alert|emerg))\]",
            r#"|\b(?i:level|severity|lvl)["']?\s*[=:]\s*["']?(\w+)"#,
            r"|^([IWEF])\d{4}\s|^(?i:(debug|info|warn|warning|error|fatal|fail|crit)):)",
        ))
        .expect("constant")
    });
    let head = cut(message, 160);
    WORD.captures(head)
        .and_then(|found| (1..=5).find_map(|group| found.get(group)))
        .and_then(|word| level_of(word.as_str()))
        .unwrap_or(Level::Unsaid)
}

fn is_continuation(text: &str) -> bool {
    static FRAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r#"^\s*(?:at [\w.$<>/\s\[\]]+\(.*\)|at \S+:\d+(?::\d+)?$|at [\w.]+\(.*\) in .*|File ".*", line \d+|\.\.\. \d+ (?:more|common)"#,
            r"|goroutine \d+ \[|\S+\.go:\d+|\s+\S+\.go:\d+|created by |from \S+\.rb:\d+|#\d+ )",
        ))
        .expect("constant")
    });
    FRAME.is_match(text)
}

/// At most `most` bytes of a text, cut at a character.
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}
