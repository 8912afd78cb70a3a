//! Compiling the patterns of this crate's tables.

use regex::{Regex, RegexSet, RegexSetBuilder};

/// Compiles a constant pattern. Its classes (`\w`, `\d`, `\s`, `\b`) mean ASCII: log lines are matched by the hundred
/// thousand, and the Unicode classes make automata ten times as large.
///
/// # Panics
///
/// When the pattern is none; a test compiles every table.
pub fn compile(pattern: &str) -> Regex {
    Regex::new(&ascii(pattern)).expect("patterns are constants, compiled by the tests")
}

/// Compiles constant patterns that are tried together.
///
/// # Panics
///
/// As [`compile`].
pub fn compile_set(patterns: impl IntoIterator<Item = String>) -> RegexSet {
    RegexSetBuilder::new(patterns.into_iter().map(|pattern| ascii(&pattern)))
        // The automaton of the whole table is built as texts need it; forgetting it half-way costs more than keeping it.
        .dfa_size_limit(64 << 20)
        .build()
        .expect("patterns are constants, compiled by the tests")
}

fn ascii(pattern: &str) -> String {
    pattern
        .replace(r"\\", "\u{1}")
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\d", "[0-9]")
        .replace(r"\s", r"[ \t\r\n]")
        .replace(r"\S", r"[^ \t\r\n]")
        .replace(r"\b", r"(?-u:\b)")
        .replace('\u{1}', r"\\")
}
