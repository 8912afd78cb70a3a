//! The level of a log line: from the labels of its stream, else from the line itself.
//!
//! Loki 3 adds the label `detected_level` by rules of its own (vendor page "Labels", section on automatic log
//! level detection); older ones leave it to the reader.

use std::sync::LazyLock;

use opensre_model::alert::Labels;
use regex::Regex;
use serde_json::Value as Json;

/// Labels that hold a level, strongest first: what the sender said before what Loki guessed.
pub const LABELS: &[&str] = &["level", "severity_text", "severity", "log_level", "loglevel", "lvl", "detected_level"];

/// Levels of errors, as a regular expression for a whole label value.
pub const ERROR_LEVELS: &str = "(?i)(err(or)?|crit(ical)?|fatal|panic|alert|emerg(ency)?|severe)";

/// Levels of warnings, as a regular expression for a whole label value.
pub const WARNING_LEVELS: &str = "(?i)warn(ing)?";

/// Words of lines that tell of an error, as a regular expression (RE2).
pub const ERROR_WORDS: &str = concat!(
    r"(?i)(\b(err|crit(ical)?|fatal|panic(ked)?|severe|fail(s|ed|ure|ures)?|denied|refused|timed? ?out|timeout|",
    r"unavailable|unreachable|exhausted|killed|oom(killed)?|abort(ed)?|rejected|traceback)\b|exception|error)"
);

/// Words of lines that warn, as a regular expression (RE2).
pub const WARNING_WORDS: &str = r"(?i)\bwarn(ing)?\b";

/// Most bytes of a line that are looked at.
const LOOKED_AT: usize = 16 * 1024;

/// Normalises a written level: `critical`, `error`, `warn`, `info`, `debug` or `trace`; `None` for anything else.
/// Numbers are read as syslog severities (0 to 7) or as those of pino and bunyan (10 to 60).
pub fn normalise(written: &str) -> Option<&'static str> {
    let written = written.trim().to_ascii_lowercase();
    Some(match written.as_str() {
        "emerg" | "emergency" | "alert" | "crit" | "critical" | "fatal" | "panic" | "dpanic" | "ftl" | "0" | "1"
        | "2" | "60" => "critical",
        "err" | "error" | "severe" | "failure" | "3" | "50" => "error",
        "warn" | "warning" | "wrn" | "4" | "40" => "warn",
        "info" | "inf" | "information" | "informational" | "notice" | "5" | "6" | "30" => "info",
        "debug" | "dbg" | "fine" | "7" | "20" => "debug",
        "trace" | "trc" | "finer" | "finest" | "verbose" | "10" => "trace",
        _ => return None,
    })
}

/// The level of a line, if its labels or its text tell.
pub fn detect(labels: &Labels, message: &str) -> Option<&'static str> {
    LABELS
        .iter()
        .filter_map(|name| labels.get(*name))
        .find_map(|value| normalise(value))
        .or_else(|| from_message(message))
}

fn from_message(message: &str) -> Option<&'static str> {
    let message = head(message.trim_start(), LOOKED_AT);
    if message.starts_with('{')
        && let Ok(Json::Object(fields)) = serde_json::from_str(message)
    {
        return from_json(&fields);
    }
    static PAIR: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?i)(?:^|[\s,;{"])(?:level|lvl|severity|log_?level)"?[=:]\s*"?([a-z]+)"#));
    if let Some(level) = PAIR.captures(message).and_then(|found| normalise(found.get(1)?.as_str())) {
        return Some(level);
    }
    static KLOG: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([IWEF])\d{4} \d{2}:\d{2}:\d{2}"));
    if let Some(found) = KLOG.captures(message) {
        return match found.get(1)?.as_str() {
            "F" => Some("critical"),
            "E" => Some("error"),
            "W" => Some("warn"),
            _ => Some("info"),
        };
    }
    // A level that is written as a word of its own stands near the start: after the time, the thread, the logger.
    static WORD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?:^|[\s\[(|<])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|PANIC|EMERG|ALERT)(?:$|[\s\])|>:])",
            r"|\[(?i:(trace|debug|info|notice|warn|warning|error|err|critical|crit|fatal|panic|emerg|alert))\]",
            r"|^(?i:(trace|debug|info|warn|warning|error|fatal|panic)):"
        ))
    });
    if let Some(found) = WORD.captures(head(message, 160)) {
        return found.iter().skip(1).flatten().find_map(|word| normalise(word.as_str()));
    }
    static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(Traceback \(most recent call last\)|Exception in thread |Caused by: |panic: |Unhandled )")
    });
    FAILURE.is_match(message).then_some("error")
}

fn from_json(fields: &serde_json::Map<String, Json>) -> Option<&'static str> {
    const KEYS: &[&str] = &[
        "level",
        "severity",
        "severity_text",
        "severityText",
        "log.level",
        "loglevel",
        "log_level",
        "levelname",
        "lvl",
        "@l",
    ];
    KEYS.iter()
        .find_map(|key| match fields.get(*key)? {
            Json::String(text) => normalise(text),
            Json::Number(number) => normalise(&number.to_string()),
            // Elastic Common Schema nests it: `{"log": {"level": "error"}}`; some loggers nest a name.
            Json::Object(inner) => inner.get("name").and_then(Json::as_str).and_then(normalise),
            _ => None,
        })
        .or_else(|| normalise(fields.get("log")?.get("level")?.as_str()?))
}

/// The first bytes of a text, cut at a character's border.
pub fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn pattern(written: &str) -> Regex {
    Regex::new(written).expect("a constant pattern, compiled by every test of this module")
}
