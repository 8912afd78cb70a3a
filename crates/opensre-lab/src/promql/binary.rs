//! Binary operators and vector matching.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use promql_parser::parser::token::{self, TokenType};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::eval::{Evaluator, bare};
use super::{Point, QueryError, Value};
use crate::data::labels::{Labels, NAME};

pub(super) fn binary(evaluator: &Evaluator<'_>, expr: &BinaryExpr, time: i64) -> Result<Value, QueryError> {
    let left = evaluator.eval(&expr.lhs, time)?;
    let right = evaluator.eval(&expr.rhs, time)?;
    let op = Operator::new(expr.op)?;
    let returns_bool = expr.modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(op.scalar(left, right))),
        (Value::Vector(left), Value::Scalar(right)) => {
            Ok(Value::Vector(with_scalar(op, left, right, false, returns_bool)))
        }
        (Value::Scalar(left), Value::Vector(right)) => {
            Ok(Value::Vector(with_scalar(op, right, left, true, returns_bool)))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let matching = Matching::new(expr.modifier.as_ref());
            if expr.op.is_set_operator() {
                Ok(Value::Vector(set(expr.op, left, right, &matching)))
            } else {
                matching.combine(op, left, right, returns_bool).map(Value::Vector)
            }
        }
        _ => Err(QueryError::BadData("binary expression must contain only scalar and instant vector types".into())),
    }
}

#[derive(Clone, Copy)]
struct Operator {
    id: token::TokenId,
    comparison: bool,
}

impl Operator {
    fn new(op: TokenType) -> Result<Self, QueryError> {
        let operator = Self { id: op.id(), comparison: op.is_comparison_operator() };
        let arithmetic =
            [token::T_ADD, token::T_SUB, token::T_MUL, token::T_DIV, token::T_MOD, token::T_POW, token::T_ATAN2];
        if operator.comparison || op.is_set_operator() || arithmetic.contains(&operator.id) {
            Ok(operator)
        } else {
            Err(QueryError::BadData(format!("unknown operator {op}")))
        }
    }

    /// Between scalars; comparisons give 0 or 1.
    fn scalar(self, left: f64, right: f64) -> f64 {
        let (value, keep) = self.apply(left, right);
        if self.comparison { f64::from(u8::from(keep)) } else { value }
    }

    /// The value, and whether the element stays.
    fn apply(self, left: f64, right: f64) -> (f64, bool) {
        match self.id {
            token::T_ADD => (left + right, true),
            token::T_SUB => (left - right, true),
            token::T_MUL => (left * right, true),
            token::T_DIV => (left / right, true),
            token::T_MOD => (left % right, true),
            token::T_POW => (left.powf(right), true),
            token::T_ATAN2 => (left.atan2(right), true),
            token::T_EQLC => (left, left.partial_cmp(&right) == Some(std::cmp::Ordering::Equal)),
            token::T_NEQ => (left, left.partial_cmp(&right) != Some(std::cmp::Ordering::Equal)),
            token::T_GTR => (left, left > right),
            token::T_LSS => (left, left < right),
            token::T_GTE => (left, left >= right),
            _ => (left, left <= right),
        }
    }
}

fn with_scalar(op: Operator, points: Vec<Point>, scalar: f64, scalar_left: bool, returns_bool: bool) -> Vec<Point> {
    points
        .into_iter()
        .filter_map(|point| {
            let (left, right) = if scalar_left { (scalar, point.value) } else { (point.value, scalar) };
            let (value, keep) = op.apply(left, right);
            if !op.comparison {
                return Some(Point { value, labels: bare(&point.labels) });
            }
            if returns_bool {
                return Some(Point { value: f64::from(u8::from(keep)), labels: bare(&point.labels) });
            }
            // A comparison filters: the vector's own value stays, on whichever side it stands.
            keep.then_some(point)
        })
        .collect()
}

struct Matching {
    on: bool,
    names: Vec<String>,
    cardinality: VectorMatchCardinality,
}

impl Matching {
    fn new(modifier: Option<&BinModifier>) -> Self {
        let (on, names) = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(labels)) => (true, labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => (false, labels.labels.clone()),
            None => (false, Vec::new()),
        };
        let cardinality = modifier.map_or(VectorMatchCardinality::OneToOne, |modifier| modifier.card.clone());
        Self { on, names, cardinality }
    }

    fn signature(&self, labels: &Labels) -> Labels {
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if self.on {
            labels.only(&names)
        } else {
            names.push(NAME);
            labels.without(&names)
        }
    }

    fn combine(
        &self,
        op: Operator,
        left: Vec<Point>,
        right: Vec<Point>,
        returns_bool: bool,
    ) -> Result<Vec<Point>, QueryError> {
        let swapped = matches!(self.cardinality, VectorMatchCardinality::OneToMany(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let mut by_signature: HashMap<Labels, Point> = HashMap::with_capacity(one.len());
        for point in one {
            let signature = self.signature(&point.labels);
            if let Some(other) = by_signature.insert(signature.clone(), point.clone()) {
                let side = if swapped { "left" } else { "right" };
                return Err(QueryError::Execution(format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    braces(&signature),
                    braces(&other.labels),
                    braces(&point.labels),
                )));
            }
        }
        let mut seen = HashSet::new();
        let mut result = Vec::new();
        for point in many {
            let signature = self.signature(&point.labels);
            let Some(partner) = by_signature.get(&signature) else { continue };
            let (left, right) = if swapped { (partner.value, point.value) } else { (point.value, partner.value) };
            let (mut value, keep) = op.apply(left, right);
            if returns_bool {
                value = f64::from(u8::from(keep));
            } else if !keep {
                continue;
            } else if op.comparison && swapped {
                value = left;
            }
            let labels = self.result(op, &point.labels, &partner.labels, returns_bool);
            let one_to_one = matches!(self.cardinality, VectorMatchCardinality::OneToOne);
            let key = if one_to_one { signature } else { labels.clone() };
            if !seen.insert(key) {
                return Err(QueryError::Execution(if one_to_one {
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".into()
                } else {
                    "multiple matches for labels: grouping labels must ensure unique matches".into()
                }));
            }
            result.push(Point { labels: Arc::new(labels), value });
        }
        Ok(result)
    }

    fn result(&self, op: Operator, many: &Labels, one: &Labels, returns_bool: bool) -> Labels {
        let mut labels = many.clone();
        if !op.comparison || returns_bool {
            labels.set(NAME, "");
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        match self.cardinality.labels() {
            None if self.on => labels = labels.only(&names),
            None => labels = labels.without(&names),
            Some(included) => {
                for name in &included.labels {
                    labels.set(name, one.value(name));
                }
            }
        }
        labels
    }
}

/// `and`, `or`, `unless`.
fn set(op: TokenType, left: Vec<Point>, right: Vec<Point>, matching: &Matching) -> Vec<Point> {
    let signatures = |points: &[Point]| -> HashSet<Labels> {
        points.iter().map(|point| matching.signature(&point.labels)).collect()
    };
    if op.id() == token::T_LOR {
        let have = signatures(&left);
        let added = right.into_iter().filter(|point| !have.contains(&matching.signature(&point.labels)));
        return left.into_iter().chain(added).collect();
    }
    let other = signatures(&right);
    let wanted = op.id() == token::T_LAND;
    left.into_iter().filter(|point| other.contains(&matching.signature(&point.labels)) == wanted).collect()
}

fn braces(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
