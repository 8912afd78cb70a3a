//! The search language of logs, events and spans, as far as clients use it.
//!
//! Facts from the vendor's page "Log Search Syntax": `key:value`, `key:(a OR b)`, `key:>5`, quoted values, `-` before
//! what must not match, `AND` (also unsaid), `OR` in parentheses, `*` and `?` outside of quotes, `@` before attributes.

use serde_json::Value;

/// A parsed search.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// All must match.
    All(Vec<Search>),
    /// One must match.
    Any(Vec<Search>),
    /// Must not match.
    Not(Box<Search>),
    /// A field or tag has a value; without a field the message contains it.
    Is(Option<String>, Pattern),
    /// A number is greater.
    Above(String, f64),
}

/// A value that is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The text.
    pub text: String,
    /// Whether `*` and `?` in it are wildcards.
    pub wild: bool,
}

impl Search {
    /// Parses a search; the reason otherwise.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: query };
        let parsed = parser.any()?;
        if parser.rest.trim().is_empty() { Ok(parsed) } else { Err(format!("unexpected `{}`", parser.rest.trim())) }
    }

    /// Whether the fields that `field` knows match.
    pub fn matches(&self, field: &dyn Fn(&str) -> Vec<Value>, message: &str) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(field, message)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(field, message)),
            Self::Not(part) => !part.matches(field, message),
            Self::Is(None, pattern) => {
                let wanted = if pattern.wild { pattern.text.trim_matches('*') } else { pattern.text.as_str() };
                message.to_lowercase().contains(&wanted.to_lowercase())
            }
            Self::Is(Some(key), pattern) => field(key).iter().any(|value| pattern.fits(&written(value))),
            Self::Above(key, limit) => field(key).iter().any(|value| value.as_f64().is_some_and(|v| v > *limit)),
        }
    }
}

impl Pattern {
    fn fits(&self, value: &str) -> bool {
        if !self.wild || !self.text.contains(['*', '?']) {
            return self.text == value;
        }
        let parts = self.text.chars().map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            other => regex::escape(&other.to_string()),
        });
        let pattern = format!("(?s)^{}$", parts.collect::<String>());
        regex::Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(value))
    }
}

fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

struct Parser<'q> {
    rest: &'q str,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Search, String> {
        let mut parts = vec![self.all()?];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Search::Any(parts) })
    }

    fn all(&mut self) -> Result<Search, String> {
        let mut parts = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(')') || self.peek("OR") {
                break;
            }
            if !self.word("AND") {
                parts.push(self.one()?);
            }
        }
        match parts.len() {
            0 => Err("a term is missing".to_owned()),
            1 => Ok(parts.remove(0)),
            _ => Ok(Search::All(parts)),
        }
    }

    fn one(&mut self) -> Result<Search, String> {
        if self.sign('-') || self.word("NOT") {
            return Ok(Search::Not(Box::new(self.one()?)));
        }
        if self.sign('(') {
            let inner = self.any()?;
            return if self.sign(')') { Ok(inner) } else { Err("`)` is missing".to_owned()) };
        }
        let first = self.value()?;
        if !first.wild || !self.sign(':') {
            return Ok(Search::Is(None, first));
        }
        let key = first.text;
        if self.sign('>') {
            let number = self.value()?;
            return number.text.parse().map(|limit| Search::Above(key, limit)).map_err(|_| "no number".to_owned());
        }
        if !self.sign('(') {
            return Ok(Search::Is(Some(key), self.value()?));
        }
        let mut values = vec![Search::Is(Some(key.clone()), self.value()?)];
        while self.word("OR") {
            self.rest = self.rest.trim_start();
            values.push(Search::Is(Some(key.clone()), self.value()?));
        }
        if self.sign(')') { Ok(Search::Any(values)) } else { Err("`)` is missing".to_owned()) }
    }

    fn value(&mut self) -> Result<Pattern, String> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let mut text = String::new();
            let mut characters = quoted.char_indices();
            while let Some((at, c)) = characters.next() {
                match c {
                    '\\' => text.extend(characters.next().map(|(_, c)| c)),
                    '"' => {
                        self.rest = &quoted[at + 1..];
                        return Ok(Pattern { text, wild: false });
                    }
                    '\n' | '\r' => return Err("a line break in quotes".to_owned()),
                    other => text.push(other),
                }
            }
            return Err("a quote is not closed".to_owned());
        }
        let mut text = String::new();
        let mut end = self.rest.len();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => text.extend(characters.next().map(|(_, c)| c)),
                c if c.is_whitespace() || "()\"<>=!{}[]#:".contains(c) => {
                    end = at;
                    break;
                }
                other => text.push(other),
            }
        }
        if end == 0 {
            return Err(format!("a value is missing at `{}`", self.rest));
        }
        self.rest = &self.rest[end..];
        Ok(Pattern { text, wild: true })
    }

    fn sign(&mut self, sign: char) -> bool {
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn peek(&self, word: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(word);
        after.is_some_and(|after| after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == '('))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.peek(word);
        if found {
            self.rest = &self.rest.trim_start()[word.len()..];
            self.rest = self.rest.trim_start();
        }
        found
    }
}
