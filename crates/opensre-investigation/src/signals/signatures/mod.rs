//! Error signatures: what known messages of runtimes, databases, proxies, clouds and Kubernetes mean.
//!
//! A table, read from the top: the first row that matches a text decides, so what is specific stands above what is
//! general (`OutOfMemoryError` is a Java exception, too). A row says nothing about guilt by itself: only texts that
//! are new or burst against the baseline are looked up for symptoms.

mod table;

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use self::table::TABLE;
use super::Sign;
use super::pattern::{compile, compile_set};

use crate::mechanism::Mechanism as M;

/// A known message.
#[derive(Debug)]
pub struct Signature {
    /// What it points at; `None` for signs of trouble that do not say which.
    pub mechanism: Option<M>,
    /// What it says, as a phrase after a colon: `out of memory`.
    pub means: &'static str,
    /// How far one such message carries: 0 to 1.
    pub weight: f64,
    /// Whether a single line is as telling as many (a kernel does not kill twice).
    pub single: bool,
    /// The message; groups `what...` capture the thing at fault.
    pattern: &'static str,
}

/// A signature that was found in a text.
#[derive(Debug, Clone)]
pub struct Match {
    /// The signature.
    pub signature: &'static Signature,
    /// What was called, where the text says: a host, host and port, or a service.
    pub peer: Option<String>,
    /// The thing at fault, where the text says: a key, a column, an image.
    pub what: Option<String>,
    /// The line of the text that says it.
    pub line: String,
}

impl Match {
    /// What it is a sign of.
    pub fn into_sign(self) -> Sign {
        Sign::Failure {
            mechanism: self.signature.mechanism,
            means: self.signature.means,
            peer: self.peer,
            what: self.what,
            line: Some(super::logs::quote(&self.line)).filter(|line| !line.is_empty()),
            weight: self.signature.weight,
        }
    }
}

/// Texts that mention failures and report none.
const ALL_IS_WELL: &str = r"(?i)\b(?:0|no|zero|without) (?:errors?|failures?|exceptions?|warnings?)\b|\b(?:errors?|failures?|failed|timeouts?)[ =:]+0\b|\b(?:(?:service|connection|node|system|target|it|has) recovered|recovered after|succeeded after|retry succeeded|is healthy again|back to normal|reconnected|connection restored)\b";

/// What a text means, if it is a known message.
pub fn find(text: &str) -> Option<Match> {
    static ROWS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| TABLE.iter().map(|row| compile(&format!("(?is){}", row.pattern))).collect());
    // All rows at once, in one pass: nearly every line matches none.
    static ANY: LazyLock<RegexSet> =
        LazyLock::new(|| compile_set(TABLE.iter().map(|row| format!("(?is){}", row.pattern))));
    static FINE: LazyLock<Regex> = LazyLock::new(|| compile(ALL_IS_WELL));
    let first = ANY.matches(text).iter().next()?;
    if FINE.is_match(text) {
        return None;
    }
    let (signature, pattern) = (&TABLE[first], &ROWS[first]);
    let found = pattern.captures(text)?;
    let what = pattern
        .capture_names()
        .flatten()
        .find_map(|name| found.name(name))
        .map(|group| bare(group.as_str()))
        .filter(|captured| !captured.is_empty())
        .or_else(|| signature.mechanism.and_then(|mechanism| what_in(mechanism, text)));
    let peer = signature.mechanism.filter(|mechanism| mechanism.has_peer()).and_then(|_| peer_in(text));
    let at = found.get(0).map_or(0, |whole| whole.start());
    let start = text[..at].rfind('\n').map_or(0, |line_break| line_break + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim().to_owned();
    Some(Match { signature, peer, what, line })
}

/// Where texts say what is at fault, when the words that gave the mechanism away stand elsewhere.
const WHATS: &[(M, &str)] = &[
    (M::Access, r"(?i)not authorized to perform:? ([\w-]+:[\w*-]+)"),
    (M::Access, r"(?i)(?:password authentication failed|access denied) for user [\x22'`]([^\x22'`]+)"),
    (M::Setting, r#"(?i)\bexec: "?([^\s"]+)"?: "#),
    (M::Image, r"(?i)\b((?:[\w.-]+(?::\d+)?/)+[\w.-]+[:@][\w.:-]+)"),
];

fn what_in(mechanism: M, text: &str) -> Option<String> {
    static COMPILED: LazyLock<Vec<(M, Regex)>> =
        LazyLock::new(|| WHATS.iter().map(|(mechanism, pattern)| (*mechanism, compile(pattern))).collect());
    let mut fitting = COMPILED.iter().filter(|(of, _)| *of == mechanism);
    fitting.find_map(|(_, pattern)| pattern.captures(text)?.get(1).map(|group| bare(group.as_str())))
}

/// Where texts say what was called, the most telling form first.
const PEERS: &[&str] = &[
    r#"upstream: "?(?:\w+://)?([^"/\s,]+)"#,
    r"\blookup ([\w.-]+)(?: on|:)",
    r"read (?:tcp|udp) \S+->([\w.:\[\]-]+)",
    r"dial (?:tcp|udp):? (?:lookup )?([\w.\[\]-]+(?::\d+)?)",
    r"(?:econnrefused|enotfound|etimedout|eai_again|econnreset) ([\w.:\[\]-]+)",
    r#"server at "([\w.-]+)""#,
    r#"translate host name "([\w.-]+)""#,
    r"unknownhostexception: ([\w.-]+)",
    r"host=['\x22]?([\w.-]+)",
    r"https?://(?:[^@/\s]*@)?([\w.-]+(?::\d+)?)",
    r"\b([a-z][\w.-]*)/\d{1,3}(?:\.\d{1,3}){3}:\d+",
    r"\b((?:[a-z0-9][\w-]*)(?:\.[\w-]+)*:\d{2,5})\b",
    r"(?:connect(?:ing|ion)? to|call(?:ing)?(?: to)?|contacting|requests? to|reach(?:ing)?|querying|talking to|response from|waiting for|resolve(?: host)?|upstream|service) ['\x22`]?([a-z][\w.-]*(?::\d+)?)",
    r"\b([a-z][\w-]*) (?:service )?(?:is )?(?:currently )?(?:unavailable|unreachable|timed out|refused)",
    r"\b(postgres(?:ql)?|mysql|mariadb|redis|mongo(?:db)?|kafka|rabbitmq|elasticsearch|opensearch|memcached|cassandra|s3|dynamodb|vault|consul|etcd)\b",
];

/// What a text says was called.
pub fn peer_in(text: &str) -> Option<String> {
    static COMPILED: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PEERS.iter().map(|pattern| compile(&format!("(?i){pattern}"))).collect());
    COMPILED
        .iter()
        .filter_map(|pattern| pattern.captures(text))
        .filter_map(|found| found.get(1).map(|group| bare(group.as_str())))
        .find(|peer| names_something(peer))
}

fn bare(captured: &str) -> String {
    captured.trim_matches(|c: char| ".:,;[]()'\"`".contains(c)).to_owned()
}

/// Not the words, clock times and source lines that stand where a peer's name would.
fn names_something(peer: &str) -> bool {
    const WORDS: &[&str] = &[
        "the",
        "a",
        "an",
        "server",
        "host",
        "upstream",
        "service",
        "remote",
        "backend",
        "database",
        "db",
        "peer",
        "it",
        "be",
        "get",
        "response",
        "client",
        "connect",
        "complete",
        "localhost",
        "acquire",
        "request",
        "all",
        "other",
        "connection",
        "api",
        "is",
        "currently",
        "for",
        "this",
        "that",
        "not",
        "read",
        "write",
        "reply",
        "http",
        "https",
        "error",
        "call",
        "operation",
        "query",
        "timeout",
        "headers",
        "data",
        "and",
        "after",
        "was",
        "has",
        "temporarily",
    ];
    static SOURCE_LINE: LazyLock<Regex> = LazyLock::new(|| {
        compile(r"(?i)^\d+:\d+$|^\d{4}-\d{2}-\d{2}|\.(?:java|py|go|js|ts|rb|cs|rs|php|kt|scala|c|cpp|cc):\d+$")
    });
    peer.chars().any(char::is_alphanumeric)
        && !WORDS.contains(&peer.to_lowercase().as_str())
        && !SOURCE_LINE.is_match(peer)
}

/// All signatures, for tests and reference docs.
pub fn table() -> &'static [Signature] {
    TABLE
}
