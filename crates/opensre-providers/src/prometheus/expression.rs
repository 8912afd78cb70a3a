//! Reading an alert rule's expression: what it measures, and what it compares the measure with.

use opensre_model::evidence::Threshold;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_GTE, T_GTR, T_LAND, T_LSS, T_LTE, T_LUNLESS, T_MUL, T_SUB, TokenType,
};
use promql_parser::parser::{self, BinaryExpr, Expr, ParenExpr};

/// An alert rule's expression, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What to ask to see the value: the expression without its comparison, or the expression itself where it has
    /// none that can be taken away.
    pub query: String,
    /// What the rule compares with, where the comparison was taken away.
    pub threshold: Option<Threshold>,
}

/// Longest expression that is asked for: longer than any that a person has written.
pub const LONGEST: usize = 8 * 1024;

/// Takes the outermost comparison with a constant away, so that the answer has the value at all times and not only
/// while the alert fires. Of `a > 5 and b` it leaves `a and b`, which has a value where `b` holds. What is left is the
/// author's own text.
///
/// Left as it is: what cannot be parsed (another dialect), a comparison of two measures, `==`, `!=` (their series are
/// there exactly while the condition holds) and one with `bool`.
pub fn measured(expression: &str) -> Measured {
    let expression = expression.trim();
    // What is too long to be asked for need not be understood.
    let short = Some(expression).filter(|text| text.len() <= LONGEST);
    let stripped = short.and_then(|text| strip(text, &parser::parse(text).ok()?));
    match stripped {
        Some((query, threshold)) => Measured { query, threshold: Some(threshold) },
        None => Measured { query: expression.to_owned(), threshold: None },
    }
}

/// The text of `expression`, which it was parsed from, without the comparison.
fn strip(text: &str, expression: &Expr) -> Option<(String, Threshold)> {
    match expression {
        Expr::Paren(ParenExpr { expr }) => strip(text.trim().strip_prefix('(')?.strip_suffix(')')?, expr),
        Expr::Binary(binary) if binary.op.is_comparison_operator() && !binary.return_bool() => {
            strip_comparison(text, binary)
        }
        Expr::Binary(binary) if matches!(binary.op.id(), T_LAND | T_LUNLESS) => {
            let word = if binary.op.id() == T_LAND { "and" } else { "unless" };
            let (left, rest) = split(text, word, |left, _| is(left, &binary.lhs))?;
            let (left, threshold) = strip(left, &binary.lhs)?;
            Some((format!("{left} {word}{rest}"), threshold))
        }
        _ => None,
    }
}

fn strip_comparison(text: &str, binary: &BinaryExpr) -> Option<(String, Threshold)> {
    let symbol = match binary.op.id() {
        T_GTR => ">",
        T_GTE => ">=",
        T_LSS => "<",
        T_LTE => "<=",
        _ => return None,
    };
    let (value, number, op) = match (constant(&binary.lhs), constant(&binary.rhs)) {
        (None, Some(number)) => (split(text, symbol, |left, _| is(left, &binary.lhs))?.0, number, binary.op.id()),
        (Some(number), None) => {
            (split(text, symbol, |_, right| is(right, &binary.rhs))?.1, number, mirrored(binary.op)?)
        }
        _ => return None,
    };
    // `>= n` is `> the number just below n`: a rule that fires at `>= 1` must be seen to hold at 1.
    let threshold = match op {
        T_GTR => Threshold { value: number, above: true },
        T_GTE => Threshold { value: number.next_down(), above: true },
        T_LSS => Threshold { value: number, above: false },
        T_LTE => Threshold { value: number.next_up(), above: false },
        _ => return None,
    };
    Some((value.trim().to_owned(), threshold))
}

/// The two sides of an operator, where they are what the parser took for its operands. It tells no positions, so every
/// place where the operator's text stands is tried.
fn split<'a>(text: &'a str, operator: &str, fits: impl Fn(&str, &str) -> bool) -> Option<(&'a str, &'a str)> {
    text.match_indices(operator)
        .map(|(at, found)| (&text[..at], &text[at + found.len()..]))
        .find(|(left, right)| fits(left, right))
}

fn is(text: &str, wanted: &Expr) -> bool {
    parser::parse(text).is_ok_and(|parsed| parsed == *wanted)
}

fn mirrored(op: TokenType) -> Option<u16> {
    match op.id() {
        T_GTR => Some(T_LSS),
        T_GTE => Some(T_LTE),
        T_LSS => Some(T_GTR),
        T_LTE => Some(T_GTE),
        _ => None,
    }
}

/// The value of an expression of numbers alone (`5 * 60`, `-0.5`).
fn constant(expression: &Expr) -> Option<f64> {
    let number = match expression {
        Expr::NumberLiteral(literal) => literal.val,
        Expr::Paren(inner) => constant(&inner.expr)?,
        Expr::Unary(inner) => -constant(&inner.expr)?,
        Expr::Binary(binary) => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            match binary.op.id() {
                T_ADD => left + right,
                T_SUB => left - right,
                T_MUL => left * right,
                T_DIV => left / right,
                _ => return None,
            }
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}
