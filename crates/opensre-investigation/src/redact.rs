//! Keeping secrets out of what back ends wrote: log lines, span messages, labels, links and error texts.
//!
//! Two nets: the secrets that this investigation used itself, wherever they turn up, and whatever looks like a
//! credential by its form. Whole values are replaced; a short secret is replaced only where it stands alone, so that
//! it does not shred other text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use opensre_model::alert::{Alert, Labels};
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Evidence, EvidenceData, Gap};
use opensre_model::instance::{Instance, Settings};
use opensre_model::secret::{REDACTED, Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::Value;
use regex::{Captures, Regex, RegexSet};

/// Secrets of at least this many characters are replaced wherever they occur, shorter ones only as words.
const LONG: usize = 10;
/// Shorter than this, a secret cannot be told from ordinary text.
const SHORTEST: usize = 4;

/// Replaces what must not be read.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Known secrets and their encoded forms, longest first, so that overlaps leave no remainder.
    known: Vec<Secret>,
}

/// A form by which a credential is recognised. The named group `keep` survives, everything else is replaced.
struct Form {
    pattern: &'static str,
    /// Whether the value that the group `value` holds must look random too.
    random: bool,
}

const FORMS: &[Form] = &[
    // Private keys in PEM, also with escaped line breaks; to the end of the text when the end line was cut off.
    Form {
        pattern: r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        random: false,
    },
    // user:password@ in URLs and connection strings. The password may hold anything but white space and slashes.
    Form { pattern: r"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@'\x22]*:[^\s/'\x22]*@", random: false },
    Form { pattern: r"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@:'\x22]{8,}@", random: false },
    // JSON Web Tokens.
    Form { pattern: r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?", random: false },
    // Authorization header values.
    Form {
        pattern: r"(?i)(?P<keep>\b(?:bearer|basic|apikey|digest)\s+)(?P<value>[A-Za-z0-9._~+/=-]{8,})",
        random: true,
    },
    Form {
        pattern: r#"(?i)(?P<keep>\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|apikey|token|splunk)\s+)?)[^\s"',;]+"#,
        random: false,
    },
    // Vendors' key forms.
    Form { pattern: r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b", random: false },
    Form { pattern: r"\bgh[pousr]_[A-Za-z0-9]{20,}\b", random: false },
    Form { pattern: r"\bgithub_pat_[A-Za-z0-9_]{20,}\b", random: false },
    Form { pattern: r"\bgl(?:pat|sa|rt|dt)[-_][A-Za-z0-9_-]{16,}", random: false },
    Form { pattern: r"\bglc_[A-Za-z0-9+/=]{16,}", random: false },
    Form { pattern: r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", random: false },
    Form { pattern: r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)[-_A-Za-z0-9]{10,}", random: false },
    Form { pattern: r"\bAIza[A-Za-z0-9_-]{30,}", random: false },
    Form { pattern: r"\bdt0[a-z]\d{2}\.[A-Z0-9]{8,}\.[A-Z0-9]{16,}", random: false },
    Form { pattern: r"(?P<keep>hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]+", random: false },
    Form { pattern: r"(?P<keep>api\.telegram\.org/bot)[A-Za-z0-9:_-]+", random: false },
    // "password": "value", password='value': quoted values go whatever they are.
    Form {
        pattern: concat!(
            r#"(?i)(?P<keep>[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|app[_-]?key|access[_-]?key"#,
            r#"|private[_-]?key|credential)s?\\?["']?\s*[:=]\s*\\?["'])(?P<quoted>(?:[^"'\\]|\\[^"'])+)"#
        ),
        random: false,
    },
    // password=value, also in query strings and connection strings.
    Form {
        pattern: concat!(
            r#"(?i)(?P<keep>[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|app[_-]?key|access[_-]?key"#,
            r#"|access[_-]?key[_-]?id|private[_-]?key|signature|credential)s?=)(?P<plain>[^\s&;,"'<>()\[\]{}]+)"#
        ),
        random: false,
    },
    // password: value, as YAML and prose have it; prose goes on with a word ("token: expired"), so it must look random
    // unless the key means nothing but a password.
    Form {
        pattern: r#"(?i)(?P<keep>\b(?:password|passwd|passphrase|pwd):\s*)(?P<plain>[^\s&;,"'<>()\[\]{}]+)"#,
        random: false,
    },
    Form {
        pattern: concat!(
            r#"(?i)(?P<keep>\b[\w.-]*(?:secret|token|api[_-]?key|app[_-]?key|access[_-]?key|private[_-]?key):?\s+)"#,
            r#"(?P<value>[A-Za-z0-9._~+/=-]{16,})"#
        ),
        random: true,
    },
];

/// Words that stand where a value would and are none (`using password: YES`).
const NO_VALUES: &[&str] =
    &["yes", "no", "true", "false", "null", "none", "nil", "undefined", "empty", "missing", "***", "****", REDACTED];

impl Redactor {
    /// A redactor that knows these secrets, besides every form of credential.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for secret in secrets {
            let text = secret.expose().trim();
            if text.chars().count() < SHORTEST {
                continue;
            }
            known.push(text.to_owned());
            let encoded = percent_encoded(text);
            if encoded != text {
                known.push(encoded);
            }
            let escaped = serde_json::Value::from(text).to_string();
            let escaped = escaped.trim_matches('"');
            if escaped != text {
                known.push(escaped.to_owned());
            }
        }
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        Self { known: known.into_iter().map(Secret::new).collect() }
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        static COMPILED: LazyLock<Vec<(Regex, bool)>> = LazyLock::new(|| {
            FORMS.iter().map(|form| (Regex::new(form.pattern).expect("constant"), form.random)).collect()
        });
        static ANY: LazyLock<RegexSet> =
            LazyLock::new(|| RegexSet::new(FORMS.iter().map(|form| form.pattern)).expect("constant"));
        let mut clean = Cow::Borrowed(text);
        for secret in &self.known {
            if let Some(replaced) = without(&clean, secret.expose()) {
                clean = Cow::Owned(replaced);
            }
        }
        // One pass tells that most texts hold nothing of any form.
        if !ANY.is_match(&clean) {
            return clean.into_owned();
        }
        for (form, random) in COMPILED.iter() {
            let replaced = form.replace_all(&clean, |found: &Captures<'_>| replacement(found, *random)).into_owned();
            if replaced != clean {
                clean = Cow::Owned(replaced);
            }
        }
        clean.into_owned()
    }

    fn in_place(&self, text: &mut String) {
        let clean = self.text(text);
        if clean != *text {
            *text = clean;
        }
    }

    fn optional(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.in_place(text);
        }
    }

    /// Labels or attributes without secrets; the value of a key that names a secret goes whole.
    fn labels(&self, labels: &mut Labels) {
        for (key, value) in labels.iter_mut() {
            if names_a_secret(key) && !value.is_empty() && !is_no_value(value) {
                REDACTED.clone_into(value);
            } else {
                self.in_place(value);
            }
        }
    }

    /// Removes secrets from everything that a back end wrote into evidence.
    pub fn evidence(&self, evidence: &mut Evidence) {
        self.in_place(&mut evidence.summary);
        self.in_place(&mut evidence.origin.query);
        self.optional(&mut evidence.origin.datasource);
        self.optional(&mut evidence.origin.link);
        self.optional(&mut evidence.truncated);
        match &mut evidence.data {
            EvidenceData::Metrics { series, .. } => {
                for one in series {
                    self.labels(&mut one.labels);
                }
            }
            EvidenceData::Logs { lines } => {
                for line in lines {
                    self.in_place(&mut line.message);
                    self.labels(&mut line.labels);
                }
            }
            EvidenceData::Events { events } => {
                for event in events {
                    self.in_place(&mut event.title);
                    self.in_place(&mut event.text);
                    self.labels(&mut event.labels);
                }
            }
            EvidenceData::Spans { spans } => {
                for span in spans {
                    self.in_place(&mut span.name);
                    self.in_place(&mut span.message);
                    self.labels(&mut span.attributes);
                }
            }
            EvidenceData::States { states } => {
                for state in states {
                    self.in_place(&mut state.name);
                    self.labels(&mut state.attributes);
                }
            }
        }
    }

    /// Removes secrets from a gap's words.
    pub fn gap(&self, gap: &mut Gap) {
        self.in_place(&mut gap.reason);
        self.optional(&mut gap.hint);
    }

    /// Removes secrets from what the report quotes of an alert.
    pub fn alert(&self, alert: &mut Alert) {
        self.in_place(&mut alert.title);
        self.in_place(&mut alert.text);
        self.optional(&mut alert.severity);
        self.labels(&mut alert.labels);
        self.labels(&mut alert.annotations);
        self.optional(&mut alert.references.expression);
        for item in &mut alert.items {
            self.labels(&mut item.labels);
            self.labels(&mut item.annotations);
        }
        for oddity in &mut alert.oddities {
            self.in_place(oddity);
        }
    }
}

/// A secret source that remembers what it handed out, so that the redactor knows every secret that was used without
/// resolving any of them twice.
pub struct RecordingSecrets {
    inner: Arc<dyn SecretSource>,
    seen: Mutex<Vec<Secret>>,
}

impl RecordingSecrets {
    /// Wraps a source.
    pub fn new(inner: Arc<dyn SecretSource>) -> Self {
        Self { inner, seen: Mutex::default() }
    }

    /// A redactor that knows what was handed out so far, and these secrets.
    pub fn redactor(&self, more: impl IntoIterator<Item = Secret>) -> Redactor {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Redactor::new(seen.into_iter().chain(more))
    }
}

impl SecretSource for RecordingSecrets {
    fn resolve(&self, value: &SecretValue, source: &Source) -> Result<Secret, SecretFailure> {
        let secret = self.inner.resolve(value, source)?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(secret.clone());
        Ok(secret)
    }
}

fn replacement(found: &Captures<'_>, random: bool) -> String {
    let whole = found.get(0).map_or("", |all| all.as_str());
    let value = ["value", "plain", "quoted"].iter().find_map(|group| found.name(group)).map(|value| value.as_str());
    if value.is_some_and(is_no_value) || (random && value.is_some_and(|value| !looks_random(value))) {
        return whole.to_owned();
    }
    format!("{}{REDACTED}", found.name("keep").map_or("", |keep| keep.as_str()))
}

fn is_no_value(value: &str) -> bool {
    let value = value.trim().trim_end_matches('.').to_lowercase();
    NO_VALUES.contains(&value.as_str()) || value.starts_with("[redacted") || value.starts_with("${")
}

/// Letters and digits mixed: what generated keys have and words have not.
fn looks_random(value: &str) -> bool {
    value.chars().any(|c| c.is_ascii_digit()) && value.chars().any(|c| c.is_ascii_alphabetic())
}

fn names_a_secret(key: &str) -> bool {
    const ENDINGS: &[&str] = &["password", "passwd", "secret", "apikey", "accesskey", "privatekey", "authorization"];
    let key: String = key.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// The text with every occurrence of a secret replaced; `None` when there is none.
fn without(text: &str, secret: &str) -> Option<String> {
    if !text.contains(secret) {
        return None;
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let alone = secret.chars().count() < LONG;
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, found) in text.match_indices(secret) {
        let end = at + found.len();
        let touches = text[..at].chars().next_back().is_some_and(word) || text[end..].chars().next().is_some_and(word);
        if alone && touches {
            continue;
        }
        clean.push_str(&text[rest..at]);
        clean.push_str(REDACTED);
        rest = end;
    }
    clean.push_str(&text[rest..]);
    (clean != text).then_some(clean)
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The secrets of instances that are not references.
pub fn plain_secrets<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for instance in instances {
        let Settings::Typed(config) = &instance.settings else { continue };
        for (_, value) in config.iter() {
            match value {
                Value::Secret(SecretValue::Plain(secret)) => secrets.push(secret.clone()),
                Value::Secrets(map) => secrets.extend(map.values().filter_map(|value| match value {
                    SecretValue::Plain(secret) => Some(secret.clone()),
                    SecretValue::Reference(_) => None,
                })),
                _ => {}
            }
        }
    }
    secrets
}
