//! Label matchers as Alertmanager writes them: `alertname="HighLatency"`, `team=~"a|b"`, quotes optional.

use regex::Regex;

/// A parsed matcher.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) equal: bool,
    regex: Option<Regex>,
}

impl Matcher {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("bad matcher format: {text}");
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').ok_or_else(bad)?;
        let (name, rest) = (&trimmed[..end], trimmed[end..].trim_start());
        let (equal, is_regex, value) = if let Some(value) = rest.strip_prefix("=~") {
            (true, true, value)
        } else if let Some(value) = rest.strip_prefix("!~") {
            (false, true, value)
        } else if let Some(value) = rest.strip_prefix("!=") {
            (false, false, value)
        } else {
            (true, false, rest.strip_prefix('=').ok_or_else(bad)?)
        };
        if name.is_empty() {
            return Err(bad());
        }
        let value = unquote(value.trim()).ok_or_else(bad)?;
        let regex = if is_regex {
            Some(Regex::new(&format!("^(?:{value})$")).map_err(|_| format!("bad regular expression in {text}"))?)
        } else {
            None
        };
        Ok(Self { name: name.to_owned(), value, equal, regex })
    }

    pub(crate) fn is_regex(&self) -> bool {
        self.regex.is_some()
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        let same = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        same == self.equal
    }
}

fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            '"' => return None,
            other => value.push(other),
        }
    }
    Some(value)
}
