//! Parses LogQL.

use regex::Regex;

use super::filter;
use super::lexer::{Token, TokenKind, tokens};
use super::{Comparison, Filter, Grouping, LinePattern, LogQuery, Matcher, Metric, Query, RangeAggregation, Stage};
use crate::server::time::go_duration;

/// Deeper nesting than any real query; keeps recursion bounded.
const MAXIMUM_DEPTH: usize = 64;

/// Parses a query; the message is the body that Loki answers with.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser::new(text)?;
    let query = if parser.is_symbol("{") { Query::Log(parser.log_query()?) } else { Query::Metric(parser.metric(0)?) };
    parser.end()?;
    Ok(query)
}

/// Parses a stream selector alone.
pub(crate) fn parse_selector(text: &str) -> Result<Vec<Matcher>, String> {
    let mut parser = Parser::new(text)?;
    let matchers = parser.selector()?;
    parser.end()?;
    Ok(matchers)
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
}

const RANGE_OPERATIONS: [&str; 14] = [
    "rate",
    "count_over_time",
    "bytes_rate",
    "bytes_over_time",
    "absent_over_time",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "first_over_time",
    "last_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "quantile_over_time",
];

const VECTOR_OPERATIONS: [&str; 9] = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk"];

impl Parser {
    fn new(text: &str) -> Result<Self, String> {
        let tokens =
            tokens(text).map_err(|(column, problem)| format!("parse error at line 1, col {column}: {problem}"))?;
        Ok(Self { tokens, position: 0, depth: 0 })
    }

    fn peek(&self) -> &TokenKind {
        // The last token is `End` and is never passed.
        &self.tokens[self.position.min(self.tokens.len() - 1)].kind
    }

    fn next(&mut self) -> TokenKind {
        let kind = self.peek().clone();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        kind
    }

    fn error<T>(&self, problem: &str) -> Result<T, String> {
        let column = self.tokens[self.position.min(self.tokens.len() - 1)].column;
        Err(format!("parse error at line 1, col {column}: {problem}"))
    }

    fn unexpected<T>(&self) -> Result<T, String> {
        self.error(&format!("syntax error: unexpected {}", self.peek().describe()))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.accept(symbol) { Ok(()) } else { self.unexpected() }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Identifier(found) if found == word)
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    fn identifier(&mut self) -> Result<String, String> {
        match self.peek().clone() {
            TokenKind::Identifier(name) => {
                self.next();
                Ok(name)
            }
            _ => self.unexpected(),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        match self.peek().clone() {
            TokenKind::Text(text) => {
                self.next();
                Ok(text)
            }
            _ => self.unexpected(),
        }
    }

    fn end(&self) -> Result<(), String> {
        if *self.peek() == TokenKind::End { Ok(()) } else { self.unexpected() }
    }

    fn log_query(&mut self) -> Result<LogQuery, String> {
        let matchers = self.selector()?;
        let mut stages = Vec::new();
        while let Some(stage) = self.stage()? {
            stages.push(stage);
        }
        Ok(LogQuery { matchers, stages })
    }

    fn selector(&mut self) -> Result<Vec<Matcher>, String> {
        self.expect("{")?;
        let mut matchers = Vec::new();
        while !self.is_symbol("}") {
            let name = self.identifier()?;
            matchers.push(self.matcher(name)?);
            if !self.accept(",") {
                break;
            }
        }
        self.expect("}")?;
        let selective = matchers.iter().any(|matcher| !matcher.negated && !matcher.accepts(""));
        if selective {
            Ok(matchers)
        } else {
            Err("parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will".into())
        }
    }

    fn matcher(&mut self, name: String) -> Result<Matcher, String> {
        let TokenKind::Symbol(symbol @ ("=" | "!=" | "=~" | "!~")) = self.peek().clone() else {
            return self.unexpected();
        };
        self.next();
        let value = self.string()?;
        let regex = if symbol.ends_with('~') { Some(self.regex(&format!("^(?:{value})$"))?) } else { None };
        Ok(Matcher { name, value, regex, negated: symbol.starts_with('!') })
    }

    fn regex(&self, pattern: &str) -> Result<Regex, String> {
        match Regex::new(pattern) {
            Ok(regex) => Ok(regex),
            Err(_) => self.error(&format!("error parsing regexp: invalid or unsupported syntax: `{pattern}`")),
        }
    }

    fn stage(&mut self) -> Result<Option<Stage>, String> {
        if let TokenKind::Symbol(symbol @ ("|=" | "!=" | "|~" | "!~")) = self.peek().clone() {
            self.next();
            return self.line_filter(symbol).map(Some);
        }
        if !self.is_symbol("|") {
            return Ok(None);
        }
        // `| unwrap` belongs to the range aggregation around the pipeline.
        if matches!(self.tokens.get(self.position + 1).map(|token| &token.kind), Some(TokenKind::Identifier(word)) if word == "unwrap")
        {
            return Ok(None);
        }
        self.next();
        if self.accept_word("json") {
            return self.extractions().map(|list| Some(Stage::Json(list)));
        }
        if self.accept_word("logfmt") {
            return self.extractions().map(|list| Some(Stage::Logfmt(list)));
        }
        if self.accept_word("regexp") {
            let pattern = self.string()?;
            return self.regex(&pattern).map(|regex| Some(Stage::Regexp(regex)));
        }
        if self.accept_word("line_format") {
            return self.string().map(|template| Some(Stage::LineFormat(template)));
        }
        if self.accept_word("decolorize") {
            return Ok(Some(Stage::Nothing));
        }
        for (word, make) in [("drop", Stage::Drop as fn(Vec<String>) -> Stage), ("keep", Stage::Keep)] {
            if self.accept_word(word) {
                let mut names = vec![self.identifier()?];
                while self.accept(",") {
                    names.push(self.identifier()?);
                }
                return Ok(Some(make(names)));
            }
        }
        self.filter().map(|filter| Some(Stage::Filter(filter)))
    }

    fn line_filter(&mut self, symbol: &str) -> Result<Stage, String> {
        let mut patterns = Vec::new();
        loop {
            let text = self.string()?;
            patterns.push(if symbol.ends_with('~') {
                LinePattern::Regex(self.regex(&text)?)
            } else {
                LinePattern::Text(text)
            });
            if !self.accept_word("or") {
                break;
            }
        }
        Ok(Stage::Line { negated: symbol.starts_with('!'), patterns })
    }

    /// `json first="a.b", second` and the same for logfmt; empty for all fields.
    fn extractions(&mut self) -> Result<Vec<(String, String)>, String> {
        let mut list = Vec::new();
        while matches!(self.peek(), TokenKind::Identifier(_)) {
            let name = self.identifier()?;
            let path = if self.accept("=") { self.string()? } else { name.clone() };
            list.push((name, path));
            if !self.accept(",") {
                break;
            }
        }
        Ok(list)
    }

    fn filter(&mut self) -> Result<Filter, String> {
        let mut left = self.filter_term()?;
        loop {
            if self.accept_word("or") {
                left = Filter::Or(Box::new(left), Box::new(self.filter_term()?));
            } else if self.accept_word("and") || self.accept(",") {
                left = Filter::And(Box::new(left), Box::new(self.filter_term()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn filter_term(&mut self) -> Result<Filter, String> {
        if self.depth >= MAXIMUM_DEPTH {
            return self.error("syntax error: nested too deeply");
        }
        if self.accept("(") {
            self.depth += 1;
            let inner = self.filter()?;
            self.depth -= 1;
            self.expect(")")?;
            return Ok(inner);
        }
        let name = self.identifier()?;
        let text_follows =
            matches!(self.tokens.get(self.position + 1).map(|token| &token.kind), Some(TokenKind::Text(_)));
        if text_follows {
            return self.matcher(name).map(Filter::Match);
        }
        let comparison = match self.peek() {
            TokenKind::Symbol("=" | "==") => Comparison::Equal,
            TokenKind::Symbol("!=") => Comparison::NotEqual,
            TokenKind::Symbol(">") => Comparison::Greater,
            TokenKind::Symbol(">=") => Comparison::GreaterOrEqual,
            TokenKind::Symbol("<") => Comparison::Less,
            TokenKind::Symbol("<=") => Comparison::LessOrEqual,
            _ => return self.unexpected(),
        };
        self.next();
        match self.peek().clone() {
            TokenKind::Number(text) => match filter::number(&text) {
                Some(value) => {
                    self.next();
                    Ok(Filter::Number { name, comparison, value })
                }
                None => self.unexpected(),
            },
            _ => self.unexpected(),
        }
    }

    fn metric(&mut self, least: u8) -> Result<Metric, String> {
        if self.depth >= MAXIMUM_DEPTH {
            return self.error("syntax error: nested too deeply");
        }
        self.depth += 1;
        let mut left = self.metric_term()?;
        while let Some((op, strength)) = self.operator() {
            if strength < least {
                break;
            }
            self.next();
            let returns_bool = self.accept_word("bool");
            let right = self.metric(strength + 1)?;
            left = Metric::Binary { op: op.to_owned(), returns_bool, left: Box::new(left), right: Box::new(right) };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let TokenKind::Symbol(symbol) = self.peek() else { return None };
        let strength = match *symbol {
            "==" | "!=" | ">" | "<" | ">=" | "<=" => 1,
            "+" | "-" => 2,
            "*" | "/" | "%" => 3,
            "^" => 4,
            _ => return None,
        };
        Some((symbol, strength))
    }

    fn metric_term(&mut self) -> Result<Metric, String> {
        if self.accept("(") {
            let inner = self.metric(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.peek().clone() {
            TokenKind::Number(text) => match text.parse() {
                Ok(value) => {
                    self.next();
                    Ok(Metric::Literal(value))
                }
                Err(_) => self.unexpected(),
            },
            TokenKind::Identifier(name) if RANGE_OPERATIONS.contains(&name.as_str()) => {
                self.next();
                self.range_aggregation(name).map(Metric::Range)
            }
            TokenKind::Identifier(name) if VECTOR_OPERATIONS.contains(&name.as_str()) => {
                self.next();
                self.vector_aggregation(name)
            }
            _ => self.unexpected(),
        }
    }

    fn parameter(&mut self, wanted: bool) -> Result<Option<f64>, String> {
        if !wanted {
            return Ok(None);
        }
        let TokenKind::Number(text) = self.peek().clone() else { return self.unexpected() };
        let Ok(value) = text.parse() else { return self.unexpected() };
        self.next();
        self.expect(",")?;
        Ok(Some(value))
    }

    fn range_aggregation(&mut self, op: String) -> Result<RangeAggregation, String> {
        self.expect("(")?;
        let parameter = self.parameter(op == "quantile_over_time")?;
        let matchers = self.selector()?;
        // The range may stand behind the selector or behind the pipeline.
        let early = if self.is_symbol("[") { Some(self.range()?) } else { None };
        let mut stages = Vec::new();
        while let Some(stage) = self.stage()? {
            stages.push(stage);
        }
        let mut unwrap = None;
        if self.is_symbol("|") {
            self.next();
            if !self.accept_word("unwrap") {
                return self.unexpected();
            }
            let mut name = self.identifier()?;
            if self.accept("(") {
                // `unwrap duration(took)`: the value's unit is recognised anyway.
                name = self.identifier()?;
                self.expect(")")?;
            }
            unwrap = Some(name);
            while let Some(stage) = self.stage()? {
                stages.push(stage);
            }
        }
        let range = match early {
            Some(range) => range,
            None => self.range()?,
        };
        let offset = if self.accept_word("offset") { self.duration()? } else { 0 };
        self.expect(")")?;
        let unwrapped =
            !matches!(op.as_str(), "rate" | "count_over_time" | "bytes_rate" | "bytes_over_time" | "absent_over_time");
        if unwrapped && unwrap.is_none() {
            return Err(format!("parse error : invalid aggregation {op} without unwrap"));
        }
        let grouping = self.grouping()?;
        Ok(RangeAggregation { op, parameter, query: LogQuery { matchers, stages }, unwrap, range, offset, grouping })
    }

    fn range(&mut self) -> Result<i64, String> {
        self.expect("[")?;
        let range = self.duration()?;
        self.expect("]")?;
        if range <= 0 { self.error("syntax error: the range must be positive") } else { Ok(range) }
    }

    fn duration(&mut self) -> Result<i64, String> {
        let TokenKind::Number(text) = self.peek().clone() else { return self.unexpected() };
        match go_duration(&text) {
            Some(duration) => {
                self.next();
                Ok(duration)
            }
            None => self.error(&format!("not a valid duration string: \"{text}\"")),
        }
    }

    fn vector_aggregation(&mut self, op: String) -> Result<Metric, String> {
        let before = self.grouping()?;
        self.expect("(")?;
        let parameter = self.parameter(op.ends_with('k'))?;
        let inner = self.metric(0)?;
        self.expect(")")?;
        let grouping = match before {
            Some(grouping) => Some(grouping),
            None => self.grouping()?,
        };
        Ok(Metric::Vector { op, parameter, grouping, inner: Box::new(inner) })
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, String> {
        let by = if self.accept_word("by") {
            true
        } else if self.accept_word("without") {
            false
        } else {
            return Ok(None);
        };
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.is_symbol(")") {
            names.push(self.identifier()?);
            if !self.accept(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(Some(Grouping { by, names }))
    }
}
