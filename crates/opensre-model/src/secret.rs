//! Secrets: a type that cannot be printed by accident, and references to secrets kept elsewhere.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What stands in every output in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A secret text. `Debug` and `Display` print [`REDACTED`]; the memory is wiped when it is dropped.
///
/// It leaves its type in two places only: where a request is signed, and in `--reveal`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself. Callers sign a request with it, or serve `--reveal`; nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// A digest that tells two secrets apart without revealing either: the key under which clients are cached.
    pub fn fingerprint(&self) -> String {
        format!("{:x}", Sha256::digest(self.expose().as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

/// What a secret field holds: the secret, or where to find it when the instance is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// The secret itself, as the store or the variable spelt it.
    Plain(Secret),
    /// Where the secret is kept. Resolved when the instance is used, never written back resolved.
    Reference(SecretReference),
}

/// `${env:NAME}`, `${file:/path}` or `${exec:command args}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// The value of an environment variable of this process.
    Env(String),
    /// The content of a file, without the trailing line break.
    File(String),
    /// The standard output of a command (no shell, 10 s limit; allowed in the store file only). Its words are
    /// separated by white space; `'...'` and `"..."` keep white space together, without any escapes.
    Exec(Vec<String>),
}

/// Why a text that starts like a reference is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadReference {
    /// What is wrong with it; never holds the text itself.
    pub reason: &'static str,
}

impl SecretReference {
    /// Reads a reference. `Ok(None)` when the text does not start with `${` and is therefore a plain secret;
    /// an error when it starts so but names no known place, so that a typing error is not sent as a password.
    ///
    /// ```
    /// use opensre_model::secret::SecretReference;
    /// assert_eq!(SecretReference::parse("${env:KEY}"), Ok(Some(SecretReference::Env("KEY".into()))));
    /// assert_eq!(SecretReference::parse("hunter2"), Ok(None));
    /// assert!(SecretReference::parse("${vault:x}").is_err());
    /// let words = ["pass", "show", "my key"].map(String::from).to_vec();
    /// assert_eq!(SecretReference::parse("${exec:pass show 'my key'}"), Ok(Some(SecretReference::Exec(words))));
    /// ```
    pub fn parse(text: &str) -> Result<Option<Self>, BadReference> {
        let Some(rest) = text.strip_prefix("${") else { return Ok(None) };
        let bad = |reason| Err(BadReference { reason });
        let Some(body) = rest.strip_suffix('}') else { return bad("a secret reference must end with `}`") };
        let Some((scheme, target)) = body.split_once(':') else {
            return bad("a secret reference is `${env:NAME}`, `${file:/path}` or `${exec:command args}`");
        };
        let target = target.trim();
        if target.is_empty() {
            return bad("a secret reference must name what it refers to");
        }
        match scheme.trim() {
            "env" => Ok(Some(Self::Env(target.to_owned()))),
            "file" => Ok(Some(Self::File(target.to_owned()))),
            "exec" => match split_words(target) {
                Some(words) if words.first().is_some_and(|command| !command.is_empty()) => Ok(Some(Self::Exec(words))),
                Some(_) => bad("a secret reference must name what it refers to"),
                None => bad("a quote in the secret reference is not closed"),
            },
            _ => bad("a secret reference starts with `env:`, `file:` or `exec:`"),
        }
    }

    /// The reference as it is written in the store.
    pub fn spelling(&self) -> String {
        match self {
            Self::Env(name) => format!("${{env:{name}}}"),
            Self::File(path) => format!("${{file:{path}}}"),
            Self::Exec(words) => {
                let words: Vec<String> = words.iter().map(|word| quote_word(word)).collect();
                format!("${{exec:{}}}", words.join(" "))
            }
        }
    }
}

/// Splits a command at white space; `None` when a quote is not closed.
///
/// `'...'` and `"..."` keep white space together and may stand anywhere in a word. There are no escapes, no
/// variables and no globs: a backslash or a dollar is itself, and a quote is written inside quotes of the other kind.
fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            None if character == '\'' || character == '"' => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A word as [`split_words`] reads it back.
fn quote_word(word: &str) -> String {
    let plain = |character: char| !character.is_whitespace() && character != '\'' && character != '"';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // Between single quotes everything but a single quote stands for itself; that one goes between double quotes.
    let parts: Vec<String> = word.split('\'').map(|part| format!("'{part}'")).collect();
    parts.join("\"'\"")
}

impl SecretValue {
    /// Reads what a secret field holds.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        Ok(match SecretReference::parse(text)? {
            Some(reference) => Self::Reference(reference),
            None => Self::Plain(Secret::new(text)),
        })
    }

    /// What may be shown of it: the reference's spelling, or [`REDACTED`].
    pub fn shown(&self) -> String {
        match self {
            Self::Plain(_) => REDACTED.to_owned(),
            Self::Reference(reference) => reference.spelling(),
        }
    }

    /// The value as the store spells it. For writing the store, `--reveal` and the in-memory compatible view.
    pub fn revealed(&self) -> String {
        match self {
            Self::Plain(secret) => secret.expose().to_owned(),
            Self::Reference(reference) => reference.spelling(),
        }
    }
}

/// Why a secret could not be had. Never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SecretFailure {
    /// Why, in words (`variable KEY is not set`).
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Resolves secrets when an instance is used. Implemented where files, environment and processes are (the store
/// crate), and by tests.
pub trait SecretSource: Send + Sync {
    /// The secret that a value stands for. `source` tells where the value was written: `${exec:...}` is honoured
    /// only from the store file. May block (a command runs up to 10 s): call it off the async threads.
    fn resolve(&self, value: &SecretValue, source: &crate::diagnostic::Source) -> Result<Secret, SecretFailure>;
}
