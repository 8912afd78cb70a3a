//! Reading the tag-selector language.

use crate::instance::normalise;

use super::language::{Requirement, SelectorError};

/// Characters that end a bare word; a name or value that holds one is written in quotes.
pub(super) fn is_special(character: char) -> bool {
    matches!(character, ',' | '=' | '!' | '(' | ')' | '"' | '\'' | '\\')
}

/// The requirements of a selector; none for a blank text.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut reader = Reader { characters: text.chars().collect(), at: 0 };
    let mut requirements = Vec::new();
    reader.skip_space();
    if reader.peek().is_none() {
        return Ok(requirements);
    }
    loop {
        requirements.push(reader.requirement()?);
        reader.skip_space();
        match reader.peek() {
            None => return Ok(requirements),
            Some(',') => reader.at += 1,
            Some(found) => {
                return reader.error(
                    format!("`{}` is not expected", found.escape_debug()),
                    "separate requirements by commas, and put values that hold special characters in quotes",
                );
            }
        }
    }
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += 1;
        }
        found
    }

    fn error<T>(&self, reason: impl Into<String>, hint: &str) -> Result<T, SelectorError> {
        Err(SelectorError { position: self.at + 1, reason: reason.into(), hint: hint.to_owned() })
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        self.skip_space();
        if self.take('!') {
            self.skip_space();
            return Ok(Requirement::Absent { key: self.key()? });
        }
        let key = self.key()?;
        self.skip_space();
        match self.peek() {
            None | Some(',') => Ok(Requirement::Exists { key }),
            Some('=') => {
                self.at += 1;
                self.take('=');
                Ok(Requirement::Equals { key, value: self.value()? })
            }
            Some('!') => {
                self.at += 1;
                if !self.take('=') {
                    return self.error("`=` is missing after `!`", "write `name!=value`, or `!name` for an absent tag");
                }
                Ok(Requirement::Differs { key, value: self.value()? })
            }
            Some(_) => self.set(key),
        }
    }

    fn set(&mut self, key: String) -> Result<Requirement, SelectorError> {
        let start = self.at;
        let word = self.bare(|c| is_special(c) || c.is_whitespace());
        let negated = match word.to_lowercase().as_str() {
            "in" => false,
            "notin" => true,
            _ => {
                self.at = start;
                return self
                    .error("an operator is missing", "write `=`, `!=`, `in (a,b)` or `notin (a,b)` after a name");
            }
        };
        self.skip_space();
        if !self.take('(') {
            return self.error(format!("`(` is missing after `{word}`"), "write `name in (a,b)` or `name notin (a,b)`");
        }
        let mut values = vec![self.value()?];
        loop {
            self.skip_space();
            if self.take(')') {
                break;
            }
            if !self.take(',') {
                return self.error("`)` is missing", "close the list of values with `)`");
            }
            values.push(self.value()?);
        }
        Ok(if negated { Requirement::NotIn { key, values } } else { Requirement::In { key, values } })
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let key = match self.peek() {
            Some('"' | '\'') => self.quoted()?,
            _ => self.bare(|c| is_special(c) || c.is_whitespace()),
        };
        let key = normalise(&key);
        if key.is_empty() {
            self.at = start;
            return self.error("a tag name is missing", "write `name=value`, `name in (a,b)`, `name` or `!name`");
        }
        Ok(key)
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        self.skip_space();
        let start = self.at;
        if matches!(self.peek(), Some('"' | '\'')) {
            return Ok(normalise(&self.quoted()?));
        }
        let value = normalise(&self.bare(is_special));
        if value.is_empty() {
            self.at = start;
            return self.error("a value is missing", "write `name=value`; `name` alone asks whether the tag is there");
        }
        Ok(value)
    }

    fn bare(&mut self, ends: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(|character| !ends(character)) {
            self.at += 1;
        }
        self.characters[start..self.at].iter().collect()
    }

    fn quoted(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '\\' => {
                    let Some(literal) = self.peek() else { break };
                    self.at += 1;
                    text.push(literal);
                }
                end if Some(end) == quote => return Ok(text),
                other => text.push(other),
            }
        }
        self.at = start;
        self.error("a quote is not closed", "end a quoted text with the quote it began with")
    }
}
