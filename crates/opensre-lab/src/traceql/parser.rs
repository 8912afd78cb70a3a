//! Parses TraceQL.

use regex::Regex;

use super::{Condition, Field, Operand, Operator, Query, SpanSet};
use crate::server::time::go_duration;

/// Deeper nesting than any real query; keeps recursion bounded.
const MAXIMUM_DEPTH: usize = 64;

/// Parses a query; the message is what Tempo answers behind `invalid TraceQL query: `.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser { text, rest: text, depth: 0 };
    let spans = parser.span_set()?;
    let mut query = Query { spans, counts: Vec::new(), selected: Vec::new() };
    while parser.accept("|") {
        parser.stage(&mut query)?;
    }
    parser.skip();
    if parser.rest.is_empty() { Ok(query) } else { parser.unexpected() }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, symbol: &str) -> bool {
        self.skip();
        if symbol == "|" && self.rest.starts_with("||") {
            return false;
        }
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.accept(symbol) { Ok(()) } else { self.unexpected() }
    }

    fn error<T>(&self, problem: &str) -> Result<T, String> {
        let column = self.text.len() - self.rest.len() + 1;
        Err(format!("parse error at line 1, col {column}: {problem}"))
    }

    fn unexpected<T>(&mut self) -> Result<T, String> {
        self.skip();
        let found = self.rest.chars().next().map_or("$end".to_owned(), String::from);
        self.error(&format!("syntax error: unexpected {found}"))
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= MAXIMUM_DEPTH {
            return self.error("syntax error: nested too deeply");
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn span_set(&mut self) -> Result<SpanSet, String> {
        let mut left = self.span_set_term()?;
        loop {
            if self.accept("&&") {
                left = SpanSet::And(Box::new(left), Box::new(self.span_set_term()?));
            } else if self.accept("||") {
                left = SpanSet::Or(Box::new(left), Box::new(self.span_set_term()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn span_set_term(&mut self) -> Result<SpanSet, String> {
        if self.accept("(") {
            let inner = self.deeper(Self::span_set)?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.expect("{")?;
        if self.accept("}") {
            return Ok(SpanSet::Filter(None));
        }
        let condition = self.either()?;
        self.expect("}")?;
        Ok(SpanSet::Filter(Some(condition)))
    }

    fn either(&mut self) -> Result<Condition, String> {
        let mut left = self.both()?;
        while self.accept("||") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut left = self.condition()?;
        while self.accept("&&") {
            left = Condition::And(Box::new(left), Box::new(self.condition()?));
        }
        Ok(left)
    }

    fn condition(&mut self) -> Result<Condition, String> {
        if self.accept("(") {
            let inner = self.deeper(Self::either)?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.skip();
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") && !self.rest.starts_with("!~") {
            self.expect("!")?;
            return self.deeper(Self::condition).map(|inner| Condition::Not(Box::new(inner)));
        }
        let left = self.operand()?;
        let Some(operator) = self.operator() else {
            return match left {
                Operand::Bool(_) | Operand::Field(_) => Ok(Condition::Truth(left)),
                _ => self.unexpected(),
            };
        };
        let right = self.operand()?;
        // `"x" = .a` is the same as `.a = "x"`.
        let (field, operator, operand) = match (left, right) {
            (Operand::Field(field), operand) => (field, operator, operand),
            (operand, Operand::Field(field)) => (field, operator.mirrored(), operand),
            _ => return self.error("syntax error: a condition needs an attribute or intrinsic"),
        };
        self.compare(field, operator, operand)
    }

    fn compare(&mut self, field: Field, operator: Operator, operand: Operand) -> Result<Condition, String> {
        let operand = match (operator, operand) {
            (Operator::Matches | Operator::NotMatches, Operand::Text(pattern)) => {
                match Regex::new(&format!("^(?:{pattern})$")) {
                    Ok(regex) => Operand::Regex(regex),
                    Err(_) => return self.error(&format!("invalid regex: {pattern}")),
                }
            }
            (Operator::Matches | Operator::NotMatches, _) => {
                return self.error("syntax error: a regular expression must be a string");
            }
            (_, operand) => operand,
        };
        let fits = match (&field, &operand) {
            (Field::Status, operand) => matches!(operand, Operand::Status(_) | Operand::Nil),
            (Field::Kind, operand) => matches!(operand, Operand::Kind(_) | Operand::Nil),
            (Field::Duration | Field::TraceDuration, operand) => {
                matches!(operand, Operand::Number(_) | Operand::Field(_))
            }
            (_, Operand::Status(_) | Operand::Kind(_)) => false,
            _ => true,
        };
        if fits {
            Ok(Condition::Compare { field, operator, operand })
        } else {
            self.error("binary operations must operate on the same type")
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        self.skip();
        if self.rest.starts_with("&&") || self.rest.starts_with("||") {
            return None;
        }
        let table = [
            ("=~", Operator::Matches),
            ("!~", Operator::NotMatches),
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        table.into_iter().find(|(symbol, _)| self.accept(symbol)).map(|(_, operator)| operator)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        self.skip();
        match self.rest.chars().next() {
            Some('"') => self.quoted().map(Operand::Text),
            Some('`') => {
                let inner = &self.rest[1..];
                let Some(end) = inner.find('`') else { return self.error("literal not terminated") };
                self.rest = &inner[end + 1..];
                Ok(Operand::Text(inner[..end].to_owned()))
            }
            Some(first) if first.is_ascii_digit() || first == '-' => self.number(),
            Some(_) => self.word(),
            None => self.unexpected(),
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[index + 1..];
                    return Ok(value);
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => return self.error("invalid char escape"),
                },
                other => value.push(other),
            }
        }
        self.error("literal not terminated")
    }

    fn number(&mut self) -> Result<Operand, String> {
        let (sign, digits) = match self.rest.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, self.rest),
        };
        let length = digits.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != 'µ').unwrap_or(digits.len());
        let text = &digits[..length];
        let value = match text.parse::<f64>() {
            Ok(value) => value,
            Err(_) => match go_duration(text) {
                Some(nanoseconds) => nanoseconds as f64,
                None => return self.unexpected(),
            },
        };
        self.rest = &digits[length..];
        Ok(Operand::Number(sign * value))
    }

    fn word(&mut self) -> Result<Operand, String> {
        if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' || c == '_') {
            return self.unexpected();
        }
        let start = self.rest;
        let name = self.name()?;
        let operand = match name.as_str() {
            "true" => Operand::Bool(true),
            "false" => Operand::Bool(false),
            "nil" => Operand::Nil,
            "ok" => Operand::Status("ok"),
            "error" => Operand::Status("error"),
            "unset" => Operand::Status("unset"),
            "server" => Operand::Kind("server"),
            "client" => Operand::Kind("client"),
            "producer" => Operand::Kind("producer"),
            "consumer" => Operand::Kind("consumer"),
            "internal" => Operand::Kind("internal"),
            "unspecified" => Operand::Kind("unspecified"),
            _ => {
                let field = field(&name);
                let Some(field) = field else {
                    self.rest = start;
                    return self.error(&format!("syntax error: unexpected IDENTIFIER {name}"));
                };
                Operand::Field(field)
            }
        };
        Ok(operand)
    }

    /// An identifier; attribute names may hold dots, dashes and slashes, and parts in quotes.
    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        loop {
            let part = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
            let length = self.rest.find(|c: char| !part(c)).unwrap_or(self.rest.len());
            name.push_str(&self.rest[..length]);
            self.rest = &self.rest[length..];
            if name.ends_with('.') && self.rest.starts_with('"') {
                name.push_str(&self.quoted()?);
            } else {
                return Ok(name);
            }
        }
    }

    fn stage(&mut self, query: &mut Query) -> Result<(), String> {
        self.skip();
        let word = self.name()?;
        self.expect("(")?;
        match word.as_str() {
            "select" => {
                loop {
                    self.skip();
                    match self.operand()? {
                        Operand::Field(field) => query.selected.push(field),
                        _ => return self.unexpected(),
                    }
                    if !self.accept(",") {
                        break;
                    }
                }
                self.expect(")")
            }
            "count" => {
                self.expect(")")?;
                let Some(operator) = self.operator() else { return self.unexpected() };
                self.skip();
                match self.number()? {
                    Operand::Number(limit) => query.counts.push((operator, limit)),
                    _ => return self.unexpected(),
                }
                Ok(())
            }
            _ => self.error(&format!("syntax error: unexpected IDENTIFIER {word}")),
        }
    }
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "name" | "span:name" => Field::Name,
        "status" | "span:status" => Field::Status,
        "statusMessage" | "span:statusMessage" => Field::StatusMessage,
        "kind" | "span:kind" => Field::Kind,
        "duration" | "span:duration" => Field::Duration,
        "traceDuration" | "trace:duration" => Field::TraceDuration,
        "rootName" | "trace:rootName" => Field::RootName,
        "rootServiceName" | "trace:rootService" => Field::RootService,
        other => {
            if let Some(attribute) = other.strip_prefix("resource.") {
                Field::Resource(attribute.to_owned())
            } else if let Some(attribute) = other.strip_prefix("span.") {
                Field::Span(attribute.to_owned())
            } else {
                Field::Either(other.strip_prefix('.').filter(|attribute| !attribute.is_empty())?.to_owned())
            }
        }
    })
}

/// The field behind a TraceQL identifier, as the tag values API takes it.
pub(crate) fn identifier(name: &str) -> Option<Field> {
    field(name)
}

impl Operator {
    fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            other => other,
        }
    }
}
