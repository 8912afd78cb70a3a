//! Splits a LogQL query into tokens.

/// A token with its column (1-based).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Identifier(String),
    Text(String),
    /// A number, a duration (`5m`) or a size (`20KB`), as written.
    Number(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 25] = [
    "|=", "|~", "!=", "!~", "=~", "==", ">=", "<=", "{", "}", "(", ")", "[", "]", ",", "=", ">", "<", "|", "+", "-",
    "*", "/", "%", "^",
];

/// The tokens of a query, the last one being [`TokenKind::End`]; or the column and the problem.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut tokens = Vec::new();
    let mut rest = query;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix('#') {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let column = query.len() - rest.len() + 1;
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { kind: TokenKind::End, column });
            return Ok(tokens);
        };
        let (kind, length) = if first == '"' {
            quoted(rest).ok_or((column, "literal not terminated".to_owned()))?
        } else if first == '`' {
            let end = rest[1..].find('`').ok_or((column, "literal not terminated".to_owned()))?;
            (TokenKind::Text(rest[1..=end].to_owned()), end + 2)
        } else if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
            (TokenKind::Number(rest[..length].to_owned()), length)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (TokenKind::Identifier(rest[..length].to_owned()), length)
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let symbol = symbol.ok_or_else(|| (column, format!("syntax error: unexpected {first}")))?;
            (TokenKind::Symbol(symbol), symbol.len())
        };
        tokens.push(Token { kind, column });
        rest = &rest[length..];
    }
}

fn quoted(text: &str) -> Option<(TokenKind, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((TokenKind::Text(value), index + 1)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                escaped @ ('"' | '\\') => value.push(escaped),
                // Go accepts no other escape in a string.
                _ => return None,
            },
            other => value.push(other),
        }
    }
    None
}

impl TokenKind {
    /// How an error message names it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Identifier(_) => "IDENTIFIER".into(),
            Self::Text(_) => "STRING".into(),
            Self::Number(_) => "NUMBER".into(),
            Self::Symbol(symbol) => (*symbol).into(),
            Self::End => "$end".into(),
        }
    }
}
